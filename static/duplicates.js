// Asks about a known number while the next fields are typed. Without it, the server asks at submit.

const place = document.querySelector("[data-duplicates]");
const form = document.getElementById("contact-form");
const mobile = form.elements.Mobile;
let changes = 0;

// Returns the question, if there is one: not a proxy's login page, nor an error.
async function question() {
  const response = await fetch(place.dataset.duplicates, { method: "POST", body: new FormData(form) });
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  return response.ok ? page.querySelector("[data-outcome=duplicate]") : null;
}

// Shows the question, or the present differences in it; its checkbox stays as it is.
async function ask() {
  const asked = mobile.value;
  const seen = changes;
  const message = asked && await question().catch(() => null);
  if (!message || mobile.value !== asked) return;
  const list = place.querySelector("[data-outcome] ul");
  if (list) list.replaceWith(message.querySelector("ul"));
  else place.replaceChildren(message);
  if (changes !== seen) ask(); // what was typed meanwhile
}

form.addEventListener("change", ({ target }) => {
  if (place.contains(target)) return;
  changes += 1;
  if (target === mobile) {
    document.querySelector("[data-outcome=duplicate]")?.remove();
    place.replaceChildren();
    ask();
  } else if (place.querySelector("[data-outcome]")) ask();
});
