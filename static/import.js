// Renews the numbers while rows are sent, or searched in the phonebook; then without a reload, as
// something may have been chosen on the page.

const INTERVAL_MS = 2000;

async function renew() {
  const response = await fetch(`${location.pathname}/progress`).catch(() => null);
  if (response?.ok) {
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const shown = document.getElementById("progress");
    const next = page.getElementById("progress");
    const isDraft = shown.dataset.state === "draft" && next?.dataset.state === "draft";
    if (!isDraft && next?.dataset.renews !== shown.dataset.renews) return location.reload();
    shown.replaceWith(next);
    if (!next.dataset.renews) return;
  }
  setTimeout(renew, INTERVAL_MS);
}

setTimeout(renew, INTERVAL_MS);
