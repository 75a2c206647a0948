// Shows a date of plain numbers in words. The server validates it.

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
  const date = year < 1800 ? fromJalali(year, month, day) : fromGregorian(year, month, day);
  if (!date) return "";
  const word = parts(words, date);
  return `${word.weekday} ${word.day} ${word.month} ${word.year}`;
}

function fromGregorian(year, month, day) {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 ? date : null;
}

// The browser converts only to Jalali: days around a guess are compared.
function fromJalali(year, month, day) {
  const guess = Date.UTC(year + 621, 2, 20) + (month * 30.5 - 30 + day) * DAY;
  for (let offset = -5; offset <= 5; offset += 1) {
    const candidate = new Date(guess + offset * DAY);
    const figure = parts(figures, candidate);
    const same = [figure.year ?? figure.relatedYear, figure.month, figure.day].map(Number);
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
