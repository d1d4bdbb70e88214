/** What goes wrong between page and tower is told, and mended without a reload. */
import assert from "node:assert/strict";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { assertWhole, launch, open, queueRows } from "./support/browser.js";
import { Tower } from "./support/processes.js";
import { Wire } from "./support/proxy.js";
import { eventually } from "./support/wait.js";
import { event, history, short } from "./support/world.js";

let browser;
let tower;
let wire;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());
beforeEach(async () => {
  tower = await Tower.start();
  await tower.tell(history().events);
  for (const name of ["coat-first", "coat-second"]) await tower.tell(short(name));
  wire = await Wire.to(Number(new URL(tower.url).port));
});
afterEach(async () => {
  await wire?.close();
  await tower?.remove();
});

const all = (page) => page.getByRole("button", { name: /^All \d+/ });

/** Where each row leads, sorted: an exception that is missing or there twice shows. */
async function shown(page) {
  const links = await queueRows(page)
    .locator("a.title")
    .evaluateAll((links) => links.map((link) => link.hash));
  return links.sort();
}

async function openIn(tower) {
  const { items } = await tower.get("/exceptions?limit=1000");
  return items.map(({ id }) => `#/exceptions/${id}`).sort();
}

/** The page shows exactly what the tower has. */
async function agree(page) {
  await eventually("the page shows what the tower has", async () => {
    const [here, there] = [await shown(page), await openIn(tower)];
    assert.deepEqual(here, there);
    return true;
  });
}

/** Tall enough for every row to exist. */
const SIZE = { width: 1280, height: 3_000 };

test("a connection that drops is told, and what came meanwhile shows without a reload", async () => {
  const page = await open(browser, wire.url, { size: SIZE });
  await all(page).click();
  await agree(page);

  wire.cut();
  await page.getByRole("status").filter({ hasText: "Not connected" }).waitFor();
  for (const name of ["coat-third", "coat-fourth", "coat-fifth"]) await tower.tell(short(name));
  // One that is over meanwhile must go.
  await tower.tell([event("inventory.counted", { sku: "coat-first", location: "store-1", on_hand: 500 })]);
  assert.equal(await queueRows(page).filter({ hasText: "coat-third" }).count(), 0);

  wire.mend();
  await queueRows(page).filter({ hasText: "coat-third" }).first().waitFor();
  await agree(page);
  const ended = queueRows(page).filter({ hasText: "short now" }).filter({ hasText: "coat-first" });
  assert.equal(await ended.count(), 0, "what is over is gone");
  await page.getByRole("status").filter({ hasText: "Not connected" }).waitFor({ state: "detached" });
  // It is live again.
  await tower.tell(short("coat-sixth"));
  await queueRows(page).filter({ hasText: "coat-sixth" }).first().waitFor();
  await agree(page);
  await assertWhole(page);
});

test("a tower that is killed comes back with what it had, and the page with it", async () => {
  const page = await open(browser, tower.url, { size: SIZE });
  await all(page).click();
  await agree(page);
  const before = await shown(page);

  await tower.kill();
  await page.getByRole("status").filter({ hasText: "Not connected" }).waitFor();
  assert.deepEqual(await shown(page), before, "what was known stays on the screen");
  await tower.startAgain();
  await page.getByRole("status").filter({ hasText: "Not connected" }).waitFor({ state: "detached" });
  assert.deepEqual(await openIn(tower), before, "the tower has what it had");
  await agree(page);
  await tower.tell(short("coat-after"));
  await queueRows(page).filter({ hasText: "coat-after" }).first().waitFor();
  await agree(page);
  await assertWhole(page);
});
