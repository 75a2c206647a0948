// Renews the page in place while rows are sent: the focus stays, and each quarter is announced.
// While they are searched, only the numbers, as something may have been chosen on the page.

const INTERVAL_MS = 2000;
const MAX_INTERVAL_MS = 60000;
const { state, renews } = document.getElementById("progress").dataset;
const isDraft = state === "draft";
const address = isDraft ? `${location.pathname}/progress` : location.href;
const main = document.getElementById("main");
main.insertAdjacentHTML("beforebegin", '<p class="bait" role="status"></p>');
const status = main.previousElementSibling;
let isTouched = false;
main.addEventListener("input", () => { isTouched = true; });
addEventListener("submit", () => { isTouched = false; });
addEventListener("beforeunload", (event) => { if (isDraft && isTouched) event.preventDefault(); });

function update(shown, next) {
  if (shown.nodeType === Node.TEXT_NODE && shown.data !== next.data) shown.data = next.data;
  const names = shown.getAttributeNames?.() ?? [];
  for (const name of names) if (!next.hasAttribute(name)) shown.removeAttribute(name);
  for (const { name, value } of next.attributes ?? []) shown.setAttribute(name, value);
  const [olds, news] = [[...shown.childNodes], [...next.childNodes]];
  const isAlike = olds.length === news.length
    && olds.every(({ nodeName }, index) => nodeName === news[index].nodeName);
  if (isAlike) olds.forEach((node, index) => update(node, news[index]));
  else shown.replaceChildren(...news);
}

function show(page) {
  const shown = document.getElementById("progress");
  const { quarter } = shown.dataset;
  const hadFocus = main.contains(document.activeElement);
  const { quarter: next, said, state: now } = page.getElementById("progress").dataset;
  if (isDraft) update(shown, page.getElementById("progress"));
  else {
    update(main, page.getElementById("main"));
    document.title = page.title;
  }
  if (hadFocus && !main.contains(document.activeElement)) main.querySelector("h1").focus();
  if (next !== quarter) status.textContent = said;
  if (now !== state) status.textContent = document.title;
}

async function renew(pause) {
  const response = await fetch(address).catch(() => null);
  const html = await response?.text().catch(() => "");
  const page = new DOMParser().parseFromString(html ?? "", "text/html");
  const next = page.getElementById("progress");
  if (next && isDraft === (next.dataset.state === "draft")) show(page);
  else if (next || (response && response.status < 500 && html)) {
    // Gone, sent in another tab, or a login page: asking again would change nothing.
    status.className = "message waiting";
    status.textContent = document.getElementById("progress").dataset.stopped;
    return;
  }
  if (next && !next.dataset.renews) {
    // The page asks about the known numbers.
    if (isDraft && !isTouched) location.reload();
    return;
  }
  const wait = next ? INTERVAL_MS : Math.min(pause * 2, MAX_INTERVAL_MS);
  setTimeout(renew, wait, wait);
}

if (renews) setTimeout(renew, INTERVAL_MS, INTERVAL_MS);
