// Copies the snippet. Without script it can be selected and copied by hand.

for (const button of document.querySelectorAll("[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    source.select();
    // The clipboard's own interface is for secure pages alone, which an intranet's may not be.
    await (navigator.clipboard?.writeText(source.value) ?? document.execCommand("copy"));
    button.parentElement.querySelector("output").value = button.dataset.done;
  });
}
