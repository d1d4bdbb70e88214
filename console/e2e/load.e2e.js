/** Thousands of updates a second: painted together, kept in bounds, and the page still answers. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, queueRows } from "./support/browser.js";
import { Tower } from "./support/processes.js";
import { FeedStandIn } from "./support/stand-in.js";
import { eventually } from "./support/wait.js";
import { runOut } from "./support/world.js";

const RATE = 5_000;
const OPEN = 500;
/** Events while the page warms up, and again as many as it must take without growing. */
const EVENTS = 20_000;
/** What a heap may differ by between two looks: an order of magnitude less than what the events of between hold. */
const GROWTH_MAX_BYTES = 16 * 1024 * 1024;

let browser;
let tower;
let standIn;
before(async () => {
  tower = await Tower.start();
  await tower.tell(runOut("jacket"));
  const { items } = await tower.get("/exceptions?type=shortage_now");
  standIn = await FeedStandIn.before(tower.url, { ...items[0], case_id: null, state: "open" }, OPEN);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await standIn?.close();
  await tower?.remove();
});

test(`${RATE} updates a second neither block the page nor grow it`, async () => {
  const page = await open(browser, standIn.url);
  await queueRows(page).first().waitFor();
  await page.getByRole("button", { name: `All ${OPEN}` }).click();
  const debug = await page.context().newCDPSession(page);
  await debug.send("HeapProfiler.enable");
  const heap = async () => {
    await debug.send("HeapProfiler.collectGarbage");
    return (await debug.send("Runtime.getHeapUsage")).usedSize;
  };
  /** How often the table was changed: a coalesced page changes it some times a second, however many events come. */
  await page.evaluate(() => {
    globalThis.paintings = 0;
    const observer = new MutationObserver(() => {
      globalThis.paintings += 1;
    });
    const table = document.querySelector('[role="table"]');
    observer.observe(table, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  const more = async (count) => {
    const until = standIn.sent + count;
    await eventually(`${count} more events`, () => standIn.sent >= until);
  };

  standIn.send(RATE);
  await more(EVENTS);
  const before = await heap();
  const [sentBefore, paintedBefore] = [standIn.sent, await page.evaluate(() => globalThis.paintings)];
  await more(EVENTS);

  // A click is answered while they come, and what it asked for shows.
  await page.getByRole("button", { name: "Keys and help" }).click();
  await page.getByRole("dialog", { name: "Keys" }).waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog", { name: "Keys" }).waitFor({ state: "hidden" });

  const after = await heap();
  const painted = (await page.evaluate(() => globalThis.paintings)) - paintedBefore;
  const sent = standIn.sent - sentBefore;
  assert.ok(painted > 0, "it is painted");
  assert.ok(painted < sent / 20, `${painted} paintings for ${sent} events`);
  assert.ok(after - before < GROWTH_MAX_BYTES, `the heap grew from ${before} to ${after} bytes`);

  // Once it is quiet, the page shows the last of it: nothing was lost on the way.
  standIn.pause();
  const { id, value_at_risk } = standIn.highest;
  await eventually("the highest value stands first", async () => {
    const first = queueRows(page).first();
    const leads = await first.locator("a.title").getAttribute("href");
    const value = (await first.locator(".value").innerText()).replace(/[^0-9]/g, "");
    return leads === `#/exceptions/${id}` && value === String(Math.round(Number(value_at_risk.amount)));
  });
  await page.getByRole("button", { name: `All ${standIn.open}` }).waitFor();
  assert.deepEqual(page.mistakes, []);
});
