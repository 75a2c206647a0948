// Keeps the typed values and the focus. The server validates the form.

const form = document.querySelector("form");
const button = form.querySelector("button[type=submit]");

const [navigation] = performance.getEntriesByType("navigation");
const { type: how = "navigate", responseStart = 0 } = navigation ?? {};

// What a visitor has typed stays in this tab through a reload, until it is sent; in a frame through
// one of the page around, until it has arrived.
const place = location.pathname;
let drafts = {};
try {
  drafts = "warn" in form.dataset ? drafts : sessionStorage;
} catch {} // blocked
const isNew = how === "navigate" && (parent === window || "unsent" in form.dataset);
const kept = isNew || !drafts[place] ? history.state : JSON.parse(drafts[place]);
form.addEventListener("input", () => {
  drafts[place] = JSON.stringify([...new FormData(form)]);
});

// Firefox keeps no answer 429: Back and a reload fetch the form anew, with what was typed.
if ("refetch" in form.dataset) history.replaceState([...new FormData(form)], "");
else if (kept) {
  for (const box of form.querySelectorAll(":checked")) box.checked = false;
  kept.forEach(([key, value]) => {
    for (const input of form.querySelectorAll(`[name="${key}"]:not([type=hidden])`)) {
      if (/box|radio/.test(input.type)) input.checked ||= input.value === value;
      else input.value = value;
    }
  });
}

// The server takes no form that was faster than a person: one that the browser has filled in waits.
let isEarly = true;
let send = () => {};
setTimeout(() => {
  isEarly = false;
  send();
}, responseStart + Number(form.dataset.minAge) - performance.now());

addEventListener("submit", (event) => {
  if (!isEarly) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  send = () => (form.requestSubmit ?? form.submit).call(form, event.submitter);
}, true);

const typed = () => new URLSearchParams(new FormData(form)).toString();
const pristine = "unsent" in form.dataset ? null : typed();

form.addEventListener("submit", ({ defaultPrevented }) => {
  if (!defaultPrevented && parent === window) delete drafts[place];
});

addEventListener("beforeunload", (event) => {
  const isSent = button.getAttribute("aria-disabled") === "true";
  if ("warn" in form.dataset && !isSent && typed() !== pristine) event.preventDefault();
});

form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(button);
  }
});

// A correction begins at the number: browsers scroll to it without the focus.
if (location.hash && document.hasFocus()) document.getElementById(location.hash.slice(1))?.focus();

// Not every browser focuses a message that has autofocus; most do it late.
let hadFocus = document.activeElement !== document.body;
addEventListener("focusin", () => { hadFocus = true; }, { once: true });
setTimeout(() => {
  if (!hadFocus) document.querySelector("[autofocus]")?.focus();
}, 500);
