/** Chromium on pages of a tower. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const CANDIDATES = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
];
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** What a page waits for something to show; it ends only what would never come. */
const SHOWS_WITHIN_MS = Number(process.env.SHOWS_WITHIN_MS ?? 60_000);

export const SIZES = { wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } };

/** Starts Chromium without a window; `close()` ends it. */
export async function launch() {
  const executablePath = CANDIDATES.find((path) => path && existsSync(path));
  assert.ok(
    executablePath,
    "missing: Chromium. Install it (apt-get install chromium), or set CHROMIUM to its path",
  );
  return chromium.launch({
    executablePath,
    // The sandbox of Chromium needs rights that containers and root do not have; the pages are our own.
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
      "--enable-precise-memory-info",
      "--js-flags=--expose-gc",
    ],
  });
}

/**
 * A page in a browser of its own, as another person at another machine has it.
 *
 * @param who in --dev, `ann;supply_planner` for one; without it everybody.
 */
export async function open(browser, url, { who, theme = "light", size = SIZES.wide } = {}) {
  const context = await browser.newContext({ viewport: size, colorScheme: theme, locale: "en-US" });
  if (who)
    await context.addInitScript((persona) => sessionStorage.setItem("tidewatch.persona", persona), who);
  const page = await context.newPage();
  page.setDefaultTimeout(SHOWS_WITHIN_MS);
  page.setDefaultNavigationTimeout(SHOWS_WITHIN_MS);
  page.mistakes = [];
  page.on("pageerror", (error) => page.mistakes.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    // What the policy of contents refuses is told here and nowhere else.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      const isSocket = message.text().includes("WebSocket connection to");
      if (!isSocket) page.mistakes.push(message.text());
    }
  });
  await page.goto(url);
  // A reload would lose it: what comes back by itself keeps it.
  await page.evaluate(() => {
    globalThis.isFirstLoad = true;
  });
  return page;
}

/** The page was never loaded again, and nothing went wrong in it. */
export async function assertWhole(page) {
  assert.deepEqual(page.mistakes, [], "errors in the page");
  assert.equal(await page.evaluate(() => globalThis.isFirstLoad), true, "the page was loaded again");
}

/** What axe finds wrong with the page as it is shown now, a line each. */
export async function violations(page) {
  // The content security policy keeps script elements out; evaluation by the debugger is none of the page's.
  await page.evaluate(`${AXE}; undefined`);
  return page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    });
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(
        (node) => `${id}: ${help}: ${node.target.join(" ")}: ${node.failureSummary?.split("\n")[1] ?? ""}`,
      ),
    );
  });
}

/** Rows of the queue as they are shown. */
export const queueRows = (page) =>
  page
    .getByRole("table", { name: "Queue" })
    .getByRole("row")
    .filter({ has: page.getByRole("cell") });
