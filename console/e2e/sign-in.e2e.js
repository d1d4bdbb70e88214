/** Without --dev nothing shows but to the holder of a key, and to each what is within its scope. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertWhole, launch, open, queueRows } from "./support/browser.js";
import { Tower } from "./support/processes.js";
import { eventually } from "./support/wait.js";
import { short } from "./support/world.js";

let browser;
let tower;
let planner;
let scoped;
before(async () => {
  tower = await Tower.start({ keys: true });
  const integration = await tower.createKey("erp", "integration");
  planner = await tower.createKey("ann", "planner");
  scoped = await tower.createKey("sue", "planner", "--scope", "location=store-2");
  await eventually("the tower knows its keys", () => tower.get("/exceptions?limit=1", { key: scoped }));
  await tower.tell(
    [...short("boots", { location: "store-1" }), ...short("gloves", { location: "store-2" })],
    integration,
  );
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await tower?.remove();
});

async function signIn(page, key) {
  await page.getByLabel("API key").fill(key);
  await page.getByRole("button", { name: "Sign in" }).click();
}

const everything = (page) => page.getByRole("button", { name: /^All \d+/ }).click();

test("a key opens the queue, a wrong one does not and is told", async () => {
  const page = await open(browser, tower.url);
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await page.getByRole("navigation").count(), 0, "nothing of the console shows");

  await signIn(page, "tw_not_a_key");
  await page.getByText("does not take this key", { exact: false }).waitFor();
  assert.equal(await queueRows(page).count(), 0);

  await signIn(page, planner);
  await everything(page);
  await queueRows(page).filter({ hasText: "boots" }).first().waitFor();
  await queueRows(page).filter({ hasText: "gloves" }).first().waitFor();

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  assert.equal(await queueRows(page).count(), 0, "what was shown is gone");
  assert.equal(
    await page
      .evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }))
      .then((text) => text.includes("tw_")),
    false,
  );
  await assertWhole(page);
});

test("who has a scope sees what is within it, and nothing else by any address", async () => {
  const page = await open(browser, tower.url);
  await signIn(page, scoped);
  await everything(page);
  await queueRows(page).filter({ hasText: "gloves" }).first().waitFor();
  assert.equal(await queueRows(page).filter({ hasText: "boots" }).count(), 0);

  const { items } = await tower.get("/exceptions?limit=100", { key: planner });
  const hidden = items.find(({ subject }) => subject.sku === "boots");
  await page.evaluate((id) => {
    location.hash = `#/exceptions/${id}`;
  }, hidden.id);
  const main = page.getByRole("main");
  await eventually("it is told that there is none", async () =>
    /no exception|not found|may see/i.test(await main.innerText()),
  );
  await page.evaluate(() => {
    location.hash = "#/places/boots/store-1";
  });
  await eventually("nor such a place", async () =>
    /no place|no SKU-location|not found|may see/i.test(await main.innerText()),
  );
  assert.equal(await page.getByText("on hand", { exact: false }).count(), 0);
  await assertWhole(page);
});
