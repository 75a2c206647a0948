// Renews the numbers while rows are sent. Without script the page refreshes itself.

const INTERVAL_MS = 2000;

async function renew() {
  const response = await fetch(`${location.pathname}/progress`).catch(() => null);
  if (response?.ok) {
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const shown = document.getElementById("progress");
    const next = page.getElementById("progress");
    if (next?.dataset.renews !== shown.dataset.renews) return location.reload();
    shown.replaceWith(next);
  }
  setTimeout(renew, INTERVAL_MS);
}

setTimeout(renew, INTERVAL_MS);
