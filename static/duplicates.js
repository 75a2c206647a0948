// Asks about a known number while the next fields are typed. Without it, the server asks at submit.

const place = document.querySelector("[data-duplicates]");
const { Mobile: mobile, csrf_token: token } = document.getElementById("contact-form").elements;

mobile.addEventListener("change", async () => {
  document.querySelector("[data-outcome=duplicate]")?.remove();
  place.replaceChildren();
  const asked = mobile.value;
  if (!asked) return;
  const body = new URLSearchParams({ Mobile: asked, csrf_token: token.value });
  const response = await fetch(place.dataset.duplicates, { method: "POST", body });
  const html = response.status === 200 ? await response.text() : "";
  if (mobile.value === asked) place.innerHTML = html;
});
