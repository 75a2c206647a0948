// Solves the form's challenge while the person types; a submission waits for the answer for a time:
// the server decides about a form without.

const form = document.querySelector("form[data-proof]");
const button = form.querySelector("button[type=submit]");
const name = button.textContent;
const TTL_MS = 540000; // a minute less than the server gives
const MAX_WAIT_MS = 20000;
let answer;
let until;
let waiting = false;
let passing = false;

function solve(challenge) {
  until = Date.now() + TTL_MS;
  answer = new Promise((resolve, reject) => {
    const worker = new Worker(form.dataset.proofWorker);
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = reject;
    worker.postMessage(challenge);
  }).catch(() => "");
}

// A challenge is valid once, for some minutes; then the page is fetched for another.
async function fresh() {
  if (Date.now() > until) {
    const page = await (await fetch(location.href)).text();
    const other = new DOMParser().parseFromString(page, "text/html");
    solve(other.querySelector("form[data-proof]").dataset.proof);
  }
  return answer;
}

function setWaiting(value) {
  waiting = value;
  button.setAttribute("aria-disabled", value);
  button.textContent = value ? button.dataset.busy : name;
  // Where submit-button.js runs, it has made a status message.
  button.nextElementSibling?.replaceChildren(value ? button.dataset.busy : "");
}

// On the window and capturing: other scripts see a submission only when it is really sent.
addEventListener("submit", async (event) => {
  if (passing) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  if (waiting || button.getAttribute("aria-disabled") === "true") return;
  setWaiting(true);
  form.elements.proof.value = await Promise.race([
    fresh().catch(() => ""),
    new Promise((resolve) => { setTimeout(resolve, MAX_WAIT_MS, ""); }),
  ]);
  // Later, as a form ignores requestSubmit until its submit event is over.
  setTimeout(() => {
    if (!waiting) return;
    until = 0;
    setWaiting(false);
    passing = true;
    (form.requestSubmit ?? form.submit).call(form, event.submitter);
    passing = false;
  });
}, true);

// Once the person has left the page, the submission is not sent.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) setWaiting(false);
});

solve(form.dataset.proof);
