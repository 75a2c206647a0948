// Asks about a known number while the next fields are typed. Without it, the server asks at submit.

const place = document.querySelector("[data-duplicates]");
const form = document.getElementById("contact-form");
const mobile = form.elements.Mobile;

// Returns the question, if there is one: not a proxy's login page, nor an error.
async function question() {
  const response = await fetch(place.dataset.duplicates, { method: "POST", body: new FormData(form) });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return response.ok ? page.querySelector("[data-outcome=duplicate]") : null;
}

mobile.addEventListener("change", async () => {
  document.querySelector("[data-outcome=duplicate]")?.remove();
  place.replaceChildren();
  const asked = mobile.value;
  const found = asked && await question().catch(() => null);
  if (found && mobile.value === asked) place.replaceChildren(found);
});

// What differs, as the other fields are filled in; the answer that was ticked stays.
form.addEventListener("change", async ({ target }) => {
  const shown = place.querySelector("[data-outcome] ul");
  if (!shown || target === mobile || place.contains(target)) return;
  const found = await question().catch(() => null);
  if (found) shown.replaceWith(found.querySelector("ul"));
});
