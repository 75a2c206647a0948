// Lighthouse against the form as gunicorn serves it, empty and with errors, on its simulated phone
// and on a desktop. Run by `make lighthouse`.

import { execFileSync, spawn } from "node:child_process";
import os from "node:os";
import { desktopConfig, startFlow } from "lighthouse";
import puppeteer from "puppeteer-core";

const port = 8765;
const origin = `http://127.0.0.1:${port}`;
const categories = ["performance", "accessibility", "best-practices"];
const flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--no-first-run"];

const server = spawn("../.venv/bin/amoot-form", ["serve"], {
  env: { ...process.env, BIND: `127.0.0.1:${port}`, LOG_LEVEL: "warning" },
  stdio: ["ignore", "inherit", "inherit"],
});

async function listening() {
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(origin).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  throw new Error("amoot-form serve did not start");
}

const median = (numbers) => numbers.sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

async function audit(browser, path, config, withErrors) {
  const page = await browser.newPage();
  const flow = await startFlow(page, { config });
  if (withErrors) {
    await page.goto(origin + path);
    await flow.navigate(() => page.click("button[type=submit]"));
  } else {
    await flow.navigate(origin + path);
  }
  const { lhr } = (await flow.createFlowResult()).steps[0];
  await page.close();
  return lhr;
}

try {
  await listening();
  const chromium = execFileSync("sh", ["-c", "command -v chromium"]).toString().trim();
  const browser = await puppeteer.launch({ executablePath: chromium, args: flags });
  console.log(`${os.cpus().length} × ${os.cpus()[0].model}, ${await browser.version()}`);
  for (const [device, base] of [["phone", {}], ["desktop", desktopConfig]]) {
    // The page with errors is answered with 422.
    const settings = { ...base.settings, onlyCategories: categories, ignoreStatusCode: true };
    const config = { extends: "lighthouse:default", ...base, settings };
    for (const path of ["/", "/f/signup"]) {
      for (const withErrors of [false, true]) {
        const runs = [];
        for (let run = 0; run < 3; run += 1) runs.push(await audit(browser, path, config, withErrors));
        const scores = categories.map((name) => {
          const score = median(runs.map(({ categories: all }) => Math.round(all[name].score * 100)));
          return `${name} ${score}`;
        });
        console.log(`${device} ${path} ${withErrors ? "with errors" : "empty"}: ${scores.join(", ")}`);
        const missed = Object.values(runs[0].audits)
          .filter(({ score, scoreDisplayMode: mode }) => score !== null && score < 1 && mode !== "informative")
          .map(({ id, score, displayValue }) => `  ${id} ${score} ${displayValue ?? ""}`);
        if (missed.length) console.log(missed.join("\n"));
      }
    }
  }
  await browser.close();
} finally {
  server.kill("SIGTERM");
}
