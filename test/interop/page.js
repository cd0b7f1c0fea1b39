// SPDX-License-Identifier: Apache-2.0
// page.js - one case of page.py in a real Chromium, through Playwright.
//
// usage: node page.js CASE URL SCREENSHOTS     (NODE_PATH names playwright-core, CHROMIUM the browser)
// Says "ok", or what was wrong; exit code 0 or 1. Anything on the browser's console is a failure.
"use strict";
const { chromium } = require("playwright-core");
const [, , name, base, shots] = process.argv;

const ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

function check(condition, text) {
  if (!condition) throw new Error(text);
}

async function shot(page, what) {
  await page.screenshot({ path: `${shots}/${name}-${what}.png`, fullPage: what !== "devices" });
}

async function until(page, what, wanted, text) {
  const end = Date.now() + 15000;
  let found;
  do {
    found = await page.evaluate(what);
    if (found === wanted) return;
    await page.waitForTimeout(100);
  } while (Date.now() < end);
  throw new Error(`${text}: ${found} instead of ${wanted}`);
}

const devices = () => document.querySelector("#numbers .number")?.textContent;

async function signIn(page) { // with the keyboard alone
  await page.goto(base + "/sign-in");
  await page.keyboard.type("ada");
  await page.keyboard.press("Tab");
  await page.keyboard.type("correct horse");
  await page.keyboard.press("Enter");
  await page.waitForURL(base + "/");
}

async function noOverflow(page) {
  for (const path of ["/", "/devices", "/rollouts", "/devices/d00007", "/sign-in"]) {
    await page.goto(base + path);
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    check(width <= 390, `${path} is ${width} px wide on a phone`);
  }
}

const cases = {
  async empty(page) {
    await page.goto(base + "/");
    check(await page.getByText("No device yet").isVisible(), "no word for an empty fleet");
    await shot(page, "fleet");
  },
  async one(page) { // a second device comes while one looks
    await page.goto(base + "/");
    await until(page, devices, "1", "devices at first");
    await until(page, () => document.getElementById("live").textContent, "live", "the stream");
    await shot(page, "fleet");
    const answer = await page.request.post(base + "/report", {
      data: { id: "00000000000000ff", device: "second", board: "kit", from: "1.0.0", to: "1.1.0", result: "reverted", reason: "watchdog",
        attempts: 3, bytes: 0, seconds: 0, sequence: 1 },
    });
    check(answer.status() === 204, "report: " + answer.status());
    await until(page, devices, "2", "devices after a report");
    await until(page, () => document.querySelector("#reasons td")?.textContent, "watchdog", "the reason");
  },
  async many(page) {
    const begin = Date.now();
    await page.goto(base + "/", { waitUntil: "domcontentloaded" });
    const timing = await page.evaluate(() => performance.getEntriesByType("navigation")[0].domInteractive);
    await until(page, devices, "10,000", "devices");
    console.log(`interactive after ${Math.round(timing)} ms (${Date.now() - begin} ms with the start of the page's process)`);
    check(timing < 1000, `interactive after ${timing} ms`);
    await shot(page, "fleet");
    await page.getByRole("link", { name: "Devices", exact: true }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(base + "/devices");
    await shot(page, "devices");
    await page.getByRole("link", { name: "The next 50" }).focus();
    await page.keyboard.press("Enter");
    await page.waitForURL(/after=/);
    check(await page.getByRole("link", { name: "d00050" }).isVisible(), "the second page begins elsewhere");
    await page.fill("input[name=q]", "d0777");
    await page.keyboard.press("Enter");
    await page.waitForURL(/q=d0777/);
    check(await page.locator("#devices tbody tr").count() === 10, "the search finds another number");
  },
  async failures(page) {
    for (const path of ["/", "/devices?state=reverted", "/rollouts", "/devices?q=%3Cimg"]) {
      await page.goto(base + path);
      await page.waitForTimeout(200);
      check(await page.evaluate(() => window.stolen === undefined && document.querySelectorAll("main img, main script").length === 0),
        "what a device said became markup on " + path);
    }
    await page.goto(base + "/");
    await shot(page, "fleet");
    await page.locator("#reports a", { hasText: "<img" }).first().click();
    await page.waitForURL(/devices\/%3Cimg/);
    check(await page.getByRole("heading", { level: 1 }).textContent() === "<img src=x onerror=stolen=1>", "the name is shown as it is");
    await shot(page, "device");
  },
  async halt(page) {
    await signIn(page);
    page.on("dialog", (dialog) => dialog.accept());
    await page.getByRole("button", { name: "Halt" }).click();
    await page.getByText("Halted.").waitFor();
    await shot(page, "fleet");
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByRole("button", { name: "Halt" }).waitFor();
    await page.getByLabel("Raise to").fill("25");
    await page.getByRole("button", { name: "Raise" }).click();
    await page.getByText("Open to 25 %").waitFor();
    await page.goto(base + "/rollouts");
    check(await page.locator("#history tbody tr").count() === 4, "the history has not all of it");
    await shot(page, "rollouts");
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(base + "/sign-in");
    await shot(page, "sign-in");
  },
  async phone(page) {
    await noOverflow(page);
    await page.goto(base + "/");
    await shot(page, "fleet");
    await page.goto(base + "/devices");
    await shot(page, "devices");
    const ground = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    check(/rgb\((\d\d?), (\d\d?), (\d\d?)\)/.test(ground), "dark mode has the ground " + ground);
  },
  async scriptless(page) {
    await page.goto(base + "/");
    check(await page.locator("#numbers .number").first().textContent() === "100", "no numbers without the script");
    check(await page.locator(".plot svg path").count() > 0, "no plot without the script");
    await page.getByRole("link", { name: "Devices", exact: true }).click();
    check(await page.locator("#devices tbody tr").count() === 50, "no devices without the script");
  },
};

(async () => {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ARGS });
  const context = await browser.newContext({
    viewport: name === "phone" ? { width: 390, height: 844 } : { width: 1200, height: 900 },
    colorScheme: name === "phone" ? "dark" : "light", javaScriptEnabled: name !== "scriptless",
  });
  const page = await context.newPage();
  const said = [];
  page.on("console", (message) => said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  page.on("requestfailed", (request) => { // what a new page cuts off is none
    if (request.failure().errorText !== "net::ERR_ABORTED") said.push("failed: " + request.url());
  });
  let wrong = "";
  try {
    await cases[name](page);
    check(said.length === 0, "the console says: " + said.join("; "));
  } catch (error) {
    wrong = String(error.message || error).split("\n")[0];
  }
  await browser.close();
  console.log(wrong || "ok");
  process.exit(wrong ? 1 : 0);
})();
