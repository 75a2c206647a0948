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

// A date of plain numbers is said in words.

const utc = { timeZone: "UTC" };
const figures = new Intl.DateTimeFormat("en-u-ca-persian-nu-latn", {
  ...utc, year: "numeric", month: "numeric", day: "numeric",
});
const words = new Intl.DateTimeFormat("fa-u-ca-persian", {
  ...utc, weekday: "long", year: "numeric", month: "long", day: "numeric",
});
const parts = (format, day) => Object.fromEntries(
  format.formatToParts(day).map(({ type, value }) => [type, value]),
);
const DAY = 86400000;

function numbers(inputs) {
  if (inputs.length > 1) {
    const [day, month, year] = inputs;
    return [latin(year.value), month.selectedIndex, latin(day.value)].map(Number);
  }
  const text = latin(inputs[0].value).trim();
  const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(text)
    ?? /^(\d{4})[/.\-\s](\d{1,2})[/.\-\s](\d{1,2})$/.exec(text) ?? [];
  if (year) return [year, month, day].map(Number);
  const reversed = /^(\d{1,2})[/.\-\s](\d{1,2})[/.\-\s](\d{4})$/.exec(text) ?? [];
  return reversed.slice(1).reverse().map(Number);
}

function latin(text) {
  return text.replace(/[۰-۹٠-٩]/g, (digit) => digit.charCodeAt(0) % 16);
}

function inWords([year, month, day]) {
  if (!year || !month || !day) return "";
  const found = year < 1800 ? fromJalali(year, month, day) : fromGregorian(year, month, day);
  if (!found) return "";
  const said = parts(words, found);
  return `${said.weekday} ${said.day} ${said.month} ${said.year}`;
}

function fromGregorian(year, month, day) {
  const found = new Date(Date.UTC(year, month - 1, day));
  return found.getUTCMonth() === month - 1 ? found : null;
}

// The browser converts one way; the other is found by looking around a guess.
function fromJalali(year, month, day) {
  const guess = Date.UTC(year + 621, 2, 20) + (month * 30.5 - 30 + day) * DAY;
  for (let offset = -5; offset <= 5; offset += 1) {
    const candidate = new Date(guess + offset * DAY);
    const said = parts(figures, candidate);
    const same = [said.year ?? said.relatedYear, said.month, said.day].map(Number);
    if (same[0] === year && same[1] === month && same[2] === day) return candidate;
  }
  return null;
}

for (const echo of form.querySelectorAll("output")) {
  const inputs = echo.htmlFor.value.split(" ").map((id) => document.getElementById(id));
  for (const input of inputs) {
    input.addEventListener("input", () => { echo.value = inWords(numbers(inputs)); });
  }
}

// A suggestion replaces the whole value, so it begins with the labels before the last separator.

const labels = form.querySelector("[list]");
const names = [...labels?.list.options ?? []].map((option) => option.value);

labels?.addEventListener("input", () => {
  const [before] = /.*[,،]\s*|/.exec(labels.value);
  labels.list.replaceChildren(...names.map((name) => new Option("", before + name)));
});
