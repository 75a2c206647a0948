// A suggestion replaces the whole value: it begins with the labels before the last separator.

const labels = document.querySelector("[list]");
const names = [...labels?.list.options ?? []].map((option) => option.value);

labels?.addEventListener("input", () => {
  const [before] = /.*[,،]\s*|/.exec(labels.value);
  labels.list.replaceChildren(...names.map((name) => new Option("", before + name)));
});
