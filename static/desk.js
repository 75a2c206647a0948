// Single keys on operators' forms. They work outside of fields, and can be switched off.

const keys = document.getElementById("keys");
const single = keys.querySelector("input");
const targets = {
  KeyN: "nav [aria-current=page], nav:not(:has([aria-current=page])) a",
  KeyL: ".recent tbody tr:first-child a[href*=like]",
  KeyO: "nav [href='/outbox']",
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

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const isField = event.target.matches("input, select, textarea");
  if (event.key === "Escape" && isField) event.target.blur();
  if (isField || !single.checked) return;
  if (["?", "\u061f"].includes(event.key)) keys.togglePopover?.();
  else document.querySelector(targets[event.code])?.click();
});
