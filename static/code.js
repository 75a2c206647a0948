// A reload, Back and Forward fetch the step as it is then, and send no code again.
history.replaceState(null, "", document.querySelector("form").action);

// Counts down to the next code, which the page says in words where there is no script.

const seconds = document.querySelector("[data-seconds]");
const ends = Date.now() + seconds?.dataset.seconds * 1000;

function count() {
  const left = Math.ceil((ends - Date.now()) / 1000);
  if (left > 0) seconds.textContent = left.toLocaleString("fa");
  else {
    // A status message of its own: it is announced at the end, not every second.
    const note = seconds.closest("[data-resend]");
    note.firstElementChild.remove();
    note.lastElementChild.textContent = note.dataset.resend;
    clearInterval(clock);
  }
}

const clock = seconds && setInterval(count, 1000);
