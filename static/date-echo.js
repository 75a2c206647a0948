// Says a date of plain numbers in words. Whether it is right, the server says.

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

for (const echo of document.querySelectorAll("output.echo")) {
  const inputs = echo.htmlFor.value.split(" ").map((id) => document.getElementById(id));
  for (const input of inputs) {
    input.addEventListener("input", () => { echo.value = inWords(numbers(inputs)); });
  }
}
