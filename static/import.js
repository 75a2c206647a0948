// Renews the page while rows are sent, in place: the focus stays, and each quarter is announced.
// Without script a link does.

const INTERVAL_MS = 2000;
const MAX_INTERVAL_MS = 60000;
const main = document.getElementById("main");
main.insertAdjacentHTML("beforebegin", '<p class="bait" role="status"></p>');
const status = main.previousElementSibling;

const quarter = () => {
  const { value, max } = document.querySelector("#progress progress");
  return Math.floor((4 * value) / max);
};

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
  const [state, passed] = [document.title, quarter()];
  const hadFocus = main.contains(document.activeElement);
  update(main, page.getElementById("main"));
  document.title = page.title;
  if (hadFocus && !main.contains(document.activeElement)) main.querySelector("h1").focus();
  if (document.title !== state) status.textContent = document.title;
  else if (quarter() !== passed) status.textContent = document.getElementById("progress").dataset.said;
}

async function renew(pause) {
  const response = await fetch(location.href).catch(() => null);
  const html = await response?.text().catch(() => "");
  const page = new DOMParser().parseFromString(html ?? "", "text/html");
  const next = page.getElementById("progress");
  if (next) show(page);
  else if (response && response.status < 500 && html) {
    // Gone, or a login page: asking again would change nothing.
    status.className = "message waiting";
    status.textContent = document.getElementById("progress").dataset.stopped;
    return;
  }
  if (next && !("renews" in next.dataset)) return;
  const wait = next ? INTERVAL_MS : Math.min(pause * 2, MAX_INTERVAL_MS);
  setTimeout(renew, wait, wait);
}

setTimeout(renew, INTERVAL_MS, INTERVAL_MS);
