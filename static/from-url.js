// In a frame: asks the page around for the listed keys of its address. What the form's own address
// has goes first; the form is sent to that address with the others.

const form = document.getElementById("contact-form");
const { embed, origins } = document.body.dataset;
const LONGEST = 3000; // of an address; servers refuse one of about 4,000

addEventListener("message", ({ data, origin, source }) => {
  if (!form || source !== parent || data?.mark !== "amoot-form" || data.type !== "hello") return;
  if (!origins.split(" ").includes(origin)) return;
  const keys = form.dataset.fromUrl.split(" ");
  if (Array.isArray(data.values)) take(keys, data.values);
  else parent.postMessage({ mark: "amoot-form", type: "keys", form: embed, keys }, origin);
});

function take(keys, values) {
  form.action = keys.reduce((address, key, place) => {
    const longer = new URL(address);
    if (typeof values[place] !== "string" || longer.searchParams.has(key)) return address;
    longer.searchParams.set(key, values[place]);
    return longer.href.length > LONGEST ? address : longer.href;
  }, form.action);
}
