// Tells the page around the iframe, if listed, the height and the outcome; never what was typed.

const { embed: form, origins } = document.body.dataset;
const page = document.documentElement;
let host;

function tell(type, more) {
  parent.postMessage({ mark: "amoot-form", type, form, ...more }, host);
}

function fit() {
  tell("height", { height: Math.ceil(page.getBoundingClientRect().height) });
}

// Browsers ignore autofocus in a frame. A page that nobody uses keeps its focus.
const [{ type: how }] = performance.getEntriesByType("navigation");
const message = document.querySelector("[data-outcome]");
const { outcome, reference, redirect } = message?.dataset ?? {};
if (how === "navigate" && document.hasFocus()) (document.querySelector("[autofocus]") ?? message)?.focus();

// What form.js kept has arrived.
try {
  if (/code|delivered|queued/.test(outcome)) sessionStorage.clear();
} catch {} // blocked

addEventListener("message", ({ data, origin, source }) => {
  if (host || source !== parent || data?.mark !== "amoot-form") return;
  if (!origins.split(" ").includes(origin)) return;
  if (data.dark && page.matches(".clear")) page.classList.remove("light");
  host = origin;
  // A reload of the page around comes back to the code, or to the number's correction.
  const asked = document.querySelector("[name=change], [name=previous]");
  tell("ready", { step: asked && location.pathname.endsWith("/code") ? location.href : "" });
  fit();
  new ResizeObserver(fit).observe(page);
  // Back and a reload tell nothing twice.
  if (!message || how !== "navigate") return;
  const top = Math.ceil(message.getBoundingClientRect().top + scrollY);
  const closed = message.role ? "invalid" : "closed";
  const types = { delivered: "submitted", queued: "submitted", code: "code", closed };
  tell(types[outcome] ?? "invalid", { outcome, reference, redirect, top });
});
