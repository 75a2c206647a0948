// Sends a form once, and shows it. Offline, the page shows that instead of the browser's own page.

const { offline } = document.querySelector("[data-offline]").dataset;
const message = document.createElement("p");
message.className = "message failure";
message.setAttribute("role", "alert");

// On the window and capturing: before any other script takes the form for sent.
addEventListener("submit", (event) => {
  message.remove();
  if (navigator.onLine) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  message.textContent = offline;
  (event.target.querySelector(".actions") ?? event.target).before(message);
}, true);

addEventListener("online", () => message.remove());

for (const button of document.querySelectorAll("[data-busy]")) {
  const name = button.textContent;
  button.insertAdjacentHTML("afterend", '<span class="bait" role="status"></span>');

  const setSent = (value) => {
    button.setAttribute("aria-disabled", value);
    button.textContent = value ? button.dataset.busy : name;
    button.nextElementSibling.textContent = value ? button.dataset.busy : "";
  };

  button.form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled") === "true") event.preventDefault();
    else {
      setSent(true);
      setTimeout(setSent, 20000, false);
    }
  });

  addEventListener("pageshow", () => setSent(false));
}
