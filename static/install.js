// Copies the snippet and the link, and prints the poster. Without script, hands and menus do.
// Measures the form, and asks for it as the sites' visitors do.

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    source.select();
    // The clipboard is for secure pages that may use it; on others the old command still works.
    await navigator.clipboard?.writeText(source.value).catch(() => {});
    document.execCommand("copy");
    button.parentElement.querySelector("output").value = button.dataset.done;
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => print());
}

const preview = document.querySelector(".preview");

// Until the second line has loaded, or without it, a phone needs this height.
if (preview) {
  const phone = document.createElement("iframe");
  phone.src = preview.src;
  phone.style.cssText = "inline-size: 320px; position: absolute; visibility: hidden";
  phone.addEventListener("load", async () => {
    const page = phone.contentDocument;
    await page.fonts.ready;
    const height = Math.ceil(page.documentElement.getBoundingClientRect().height);
    const snippet = document.getElementById("snippet");
    snippet.value = snippet.value.replace(/height="\d+"/, `height="${height}"`);
    phone.remove();
  });
  document.body.append(phone);
}

// Through all proxies, which may add headers that the server knows nothing of.
const finding = document.querySelector("[data-finding=frame][data-origins]");
if (finding) {
  const { headers } = await fetch(preview.src);
  const policy = headers.get("Content-Security-Policy") ?? "";
  const allowed = [...policy.matchAll(/frame-ancestors ([^;,]*)/g)].map(([, sites]) => sites.split(" "));
  const listed = finding.dataset.origins.split(" ");
  if (headers.has("X-Frame-Options") || !listed.every((site) => allowed.every((sites) => sites.includes(site)))) {
    finding.className = "wrong";
    finding.textContent = finding.dataset.wrong;
  }
}
