// A reload, Back and Forward fetch the step as it is then, and send no code again.
history.replaceState(null, "", document.querySelector("form").action);
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

const input = document.getElementById("Code");

// A browser that may read the message with the code fills it in: where its pattern names this host,
// and, in a frame, if the page around allows otp-credentials.
if (input && "OTPCredential" in window) {
  const unwanted = new AbortController();
  addEventListener("submit", () => unwanted.abort());
  navigator.credentials.get({ otp: { transport: ["sms"] }, signal: unwanted.signal })
    .then(({ code }) => {
      input.value = code;
      input.form.requestSubmit();
    })
    .catch(() => {}); // refused, or the person typed it
}

// Counts down to the next code, which the page says in words where there is no script.

const seconds = document.querySelector("[data-seconds]");
const resend = document.querySelector("[name=resend]");
const ends = Date.now() + seconds?.dataset.seconds * 1000;

function count() {
  const left = Math.ceil((ends - Date.now()) / 1000);
  if (left > 0) seconds.textContent = left.toLocaleString("fa");
  else {
    // A status message of its own: it is announced at the end, not every second.
    const note = seconds.closest("[data-resend]");
    note.firstElementChild.remove();
    note.lastElementChild.textContent = note.dataset.resend;
    resend.disabled = false;
    clearInterval(clock);
  }
}

if (seconds) resend.disabled = true;
const clock = seconds && setInterval(count, 1000);
