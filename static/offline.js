// Offline, a submission would end on the browser's own error page: this page says so instead, and
// keeps what was typed.

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
