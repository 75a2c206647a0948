// A file may be dropped anywhere on the page; without this script, only on the input. The
// input shows it, and a file that is dropped beside it does not replace the page.

const zone = document.getElementById("file");
const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");

addEventListener("dragover", (event) => {
  if (!hasFiles(event)) return;
  zone.toggleAttribute("data-over", true);
  if (event.target !== zone) event.preventDefault();
});
addEventListener("dragleave", ({ relatedTarget }) => {
  if (!relatedTarget) zone.removeAttribute("data-over");
});
addEventListener("drop", (event) => {
  zone.removeAttribute("data-over");
  if (!hasFiles(event) || event.target === zone) return;
  event.preventDefault();
  zone.files = event.dataTransfer.files;
  zone.focus();
});
