// Grades a page's headers as MDN's HTTP Observatory does, whose own command knows no other ports.
// Run by observatory.py: node observatory.mjs HOST HTTP_PORT HTTPS_PORT PATH

import fs from "node:fs";

const folder = new URL("./node_modules/@mdn/mdn-http-observatory/", import.meta.url);
const load = (file) => import(new URL(`src/${file}`, folder));

// Browsers' list of names that they open by HTTPS alone is fetched anew for each release of theirs.
// No name of ours is on it.
fs.writeFileSync(new URL("conf/hsts-preload.json", folder), "{}");

const { ALL_TESTS } = await load("constants.js");
const { MINIMUM_SCORE_FOR_EXTRA_CREDIT } = await load("grader/charts.js");
const { getGradeForScore, getScoreModifier } = await load("grader/grader.js");
const { retrieve } = await load("retriever/retriever.js");

const [host, httpPort, httpsPort, path] = process.argv.slice(2);
const found = await retrieve(host, { httpPort, httpsPort, path });
if (!found.responses.https) throw new Error("no answer");

const modifiers = ALL_TESTS.map((test) => {
  const { result, pass } = test(found);
  const modifier = getScoreModifier(result);
  console.log(`  ${pass ? "pass" : "FAIL"} ${String(modifier).padStart(4)}  ${result}`);
  return modifier;
});
const sum = (numbers) => numbers.reduce((total, number) => total + number, 100);
const without = sum(modifiers.filter((modifier) => modifier < 0));
const score = without >= MINIMUM_SCORE_FOR_EXTRA_CREDIT ? sum(modifiers) : without;
console.log(`${path}: ${getGradeForScore(score).grade}, ${score} points`);
