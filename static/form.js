// Conveniences. Nothing depends on them, and whether an input is right, the server says.

const form = document.querySelector("form");
const button = form.querySelector("button[type=submit]");
const name = button.textContent;
button.insertAdjacentHTML("afterend", '<span class="bait" role="status"></span>');

// Firefox keeps no answer 429: Back and a reload fetch the form anew, with what was typed.
if ("refetch" in form.dataset) history.replaceState([...new FormData(form)], "");
else history.state?.forEach(([key, value]) => {
  for (const input of form.querySelectorAll(`[name="${key}"]:not([type=hidden])`)) {
    if (/box|radio/.test(input.type)) input.checked ||= input.value === value;
    else input.value = value;
  }
});

const typed = () => new URLSearchParams(new FormData(form)).toString();
const pristine = "unsent" in form.dataset ? null : typed();
let sent = false;

function setSent(value) {
  sent = value;
  button.setAttribute("aria-disabled", value);
  button.textContent = value ? button.dataset.busy : name;
  button.nextElementSibling.textContent = value ? button.dataset.busy : "";
}

form.addEventListener("submit", (event) => {
  if (sent) {
    event.preventDefault();
    return;
  }
  setSent(true);
  setTimeout(setSent, 20000, false);
});

addEventListener("pageshow", () => setSent(false));

addEventListener("beforeunload", (event) => {
  if ("warn" in form.dataset && !sent && typed() !== pristine) event.preventDefault();
});

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(button);
  }
});

// Who corrects a number begins there: browsers scroll to it without the focus.
if (location.hash && document.hasFocus()) document.getElementById(location.hash.slice(1))?.focus();

// Not every browser focuses a message that has autofocus; most do it late.
setTimeout(() => {
  if (document.activeElement === document.body) document.querySelector("[autofocus]")?.focus();
}, 500);
