// The snippet's second line. The form works without it; with it, the iframe is as high as the form
// and the page hears amoot-form:ready, :code, :closed, :invalid, :submitted, with { form, reference, result }.
(() => {
  const script = document.currentScript;
  if (!script) return; // as a module, it has no address
  const { origin } = new URL(script.src);
  const base = new URL("embed/", script.src).href;

  // The snippet may be there twice.
  const once = Symbol.for(base);
  if (window[once]) return;
  window[once] = true;

  const frames = () => [...document.querySelectorAll("iframe")]
    .filter((frame) => frame.src.startsWith(base));
  // Where the page is dark by its color-scheme, its text is white.
  function greet(frame, values) {
    frame.style.color = "CanvasText";
    const dark = /255/.test(getComputedStyle(frame).color);
    frame.contentWindow.postMessage({ mark: "amoot-form", type: "hello", values, dark }, origin);
  }

  // A reload of this page begins its frames anew: the address of the code step stays in this tab
  // until that is over.
  let steps = {};
  try {
    steps = sessionStorage;
  } catch {} // blocked
  const met = new WeakSet();
  function meet(frame) {
    const step = steps[frame.src];
    if (met.has(frame) || !step?.startsWith(base)) greet(frame);
    else frame.contentWindow.location.replace(step);
    met.add(frame);
  }

  // Caught on its way down: it does not bubble. Iframes that come later count too.
  document.addEventListener("load", ({ target }) => {
    if (frames().includes(target)) meet(target);
  }, true);
  // These were faster than this script, unless they are still blank.
  frames().filter((frame) => frame.contentDocument?.URL !== "about:blank").forEach(meet);

  const whole = (value, least) => Number.isInteger(value) && value >= least && value <= 10000;
  const like = (value, pattern) => typeof value === "string" && pattern.test(value);

  addEventListener("message", (event) => {
    const frame = event.origin === origin
      && frames().find(({ contentWindow }) => contentWindow === event.source);
    const {
      mark, form, type, height, keys, top, step = "",
      outcome: result = "", reference = "", redirect = "",
    } = event.data ?? {};
    if (!frame || mark !== "amoot-form" || !like(form, /^[a-z0-9-]{1,40}$/)) return;
    const detail = { form, reference, result };
    const raise = () => frame.dispatchEvent(
      new CustomEvent(`amoot-form:${type}`, { bubbles: true, cancelable: true, detail }),
    );
    if (type === "height" && whole(height, 100)) frame.style.height = `${height}px`;
    // Of this page's address, the form gets only what it lists.
    if (type === "keys" && Array.isArray(keys)) {
      greet(frame, keys.map((key) => new URLSearchParams(location.search).get(key)));
    }
    if (!like(reference, /^([A-Z0-9]{4,16})?$/) || !like(result, /^[a-z]{0,20}$/)) return;
    if (type === "ready" || type === "closed") {
      if (like(step, /^http/)) steps[frame.src] = step;
      else delete steps[frame.src];
      raise();
    }
    if (!whole(top, 0)) return;
    if (type === "code" || type === "invalid") {
      raise();
      show(frame, top);
    }
    if (type === "submitted" && reference && like(redirect, /^(https?:\/\/[^\s/]\S*)?$/)) {
      // A listener's preventDefault() keeps the person here.
      if (raise() && redirect) location.assign(redirect);
      else show(frame, top);
    }
  });

  function show(frame, top) {
    const place = frame.getBoundingClientRect().top + top;
    if (place >= 0 && place < innerHeight - 50) return;
    // Where the message is within the iframe, below a header that sticks.
    frame.style.scrollMarginTop = `${innerHeight / 4 - top}px`;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    frame.scrollIntoView({ behavior: calm ? "instant" : "smooth" });
  }
})();
