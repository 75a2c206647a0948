// Copies the snippet and the link, and prints the poster. Without script, hands and menus do.

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
