// Single keys on operators' forms and lists: outside of fields, and they can be switched off.

const keys = document.getElementById("keys");
const single = keys.querySelector("input");
const form = document.getElementById("contact-form");
const targets = {
  KeyN: form ? "#menu [aria-current=page], #menu:not(:has([aria-current=page])) a" : "#menu a",
  KeyL: ".recent tbody tr:first-child a[href*=like]",
  KeyO: "#menu [href='/outbox']",
};

single.closest("label").hidden = false;
try {
  single.checked = localStorage.getItem("keys") !== "off";
  single.addEventListener("change", () => {
    localStorage.setItem("keys", single.checked ? "on" : "off");
  });
} catch {
  // Blocked, as cookies are.
}

// What lies behind the list is covered: the focus does not go there while it is open.
keys.addEventListener("focusout", ({ relatedTarget }) => {
  if (relatedTarget && !keys.contains(relatedTarget)) keys.hidePopover?.();
});

// What Enter opens in the rows of a list. Arrows scroll the page until one of them has the focus.
const openers = [...document.querySelectorAll("[data-open]")];
const steps = { KeyJ: 1, KeyK: -1, ArrowDown: 1, ArrowUp: -1 };
const row = (opener) => opener?.closest("tr");

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isField = event.target.matches("input, select, textarea");
  if (event.key === "Escape" && isField) event.target.blur();
  if (isField || !single.checked) return;
  const at = openers.findIndex((opener) => row(opener).contains(event.target));
  const step = steps[event.code];
  if (["?", "\u061f"].includes(event.key)) keys.togglePopover?.();
  else if (step && (at >= 0 || event.code.startsWith("Key"))) {
    event.preventDefault();
    openers[Math.max(at + step, 0)]?.focus();
  } else if (event.code === "KeyX") row(openers[at])?.querySelector("[type=checkbox]")?.click();
  else document.querySelector(targets[event.code])?.click();
});

// The server divides a pasted line with a name in it, and records nothing then.
form?.elements.Mobile.addEventListener("input", ({ inputType, target }) => {
  const { FName, LName } = form.elements;
  const isLine = /[\d\u0660-\u0669\u06f0-\u06f9]{3}/.test(target.value)
    && /[a-z\u0622-\u063a\u0641-\u064a\u067e-\u06cc]{2}/i.test(target.value.replace(/^tel:/i, ""));
  if (inputType === "insertFromPaste" && isLine && !FName?.value && !LName?.value) form.requestSubmit();
});
