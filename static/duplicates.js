// Asks about a known number while the next fields are typed. Without it, the server asks at submit.

const place = document.querySelector("[data-duplicates]");
const { Mobile: mobile, csrf_token: token } = document.getElementById("contact-form").elements;

// Returns the question, if there is one: not a proxy's login page, nor an error.
async function question(asked) {
  const body = new URLSearchParams({ Mobile: asked, csrf_token: token.value });
  const response = await fetch(place.dataset.duplicates, { method: "POST", body });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return response.ok ? page.querySelector("[data-outcome=duplicate]") : null;
}

mobile.addEventListener("change", async () => {
  document.querySelector("[data-outcome=duplicate]")?.remove();
  place.replaceChildren();
  const asked = mobile.value;
  const found = asked && await question(asked).catch(() => null);
  if (found && mobile.value === asked) place.replaceChildren(found);
});
