/** Every view, light and dark, wide and narrow: axe finds nothing. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, SIZES, violations } from "./support/browser.js";
import { Tower } from "./support/processes.js";
import { eventually } from "./support/wait.js";
import { event, history, runOut } from "./support/world.js";

let browser;
let tower;
let locked;
/** Views by name: the route, and a heading or text that shows when it is there. */
let views;
before(async () => {
  tower = await Tower.start();
  locked = await Tower.start({ keys: true });
  const { events, places } = history();
  await tower.tell([...events, ...runOut("jacket")]);
  for (const { po_id, lines } of (await tower.get("/purchase-orders?is_open=true")).items) {
    const { supplier } = lines[0];
    await tower.tell([event("supplier.delay_reported", { supplier, po_id, delay_days: 30 })]);
  }
  const { cause, decision } = await eventually("a cause and a case", async () => {
    const exceptions = (await tower.get("/exceptions?limit=1000")).items;
    const cases = (await tower.get("/cases?limit=1000")).items;
    const cause = exceptions.find(({ affected }) => (affected?.count ?? 0) > 0);
    const decision = cases.find(({ options }) => options.length > 1);
    return cause && decision && { cause, decision };
  });
  const { supplier } = (await tower.get("/suppliers?limit=1")).items[0];
  const [{ sku, location }] = places;
  views = {
    queue: ["#/exceptions", (page) => page.getByRole("table", { name: "Queue" }).getByRole("cell").first()],
    exception: [`#/exceptions/${cause.id}`, (page) => page.getByRole("heading", { name: "Evidence" })],
    places: ["#/places", (page) => page.getByRole("link", { name: /item-/ }).first()],
    place: [`#/places/${sku}/${location}`, (page) => page.getByRole("img", { name: /Projection/ })],
    cases: ["#/cases", (page) => page.getByRole("list", { name: "To decide" })],
    case: [`#/cases/${decision.id}`, (page) => page.getByRole("heading", { level: 2, name: "Options" })],
    suppliers: ["#/suppliers", (page) => page.getByRole("heading", { level: 1 })],
    supplier: [`#/suppliers/${supplier}`, (page) => page.getByRole("heading", { level: 1 })],
    map: ["#/map", (page) => page.getByRole("heading", { level: 1 })],
    system: ["#/system", (page) => page.getByRole("heading", { level: 1 })],
    load: ["#/load", (page) => page.getByRole("heading", { level: 1 })],
  };
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await tower?.remove();
  await locked?.remove();
});

/** What is read is there, and nothing moves any more: an animation half way has other colours. */
async function settled(page) {
  await eventually(
    "everything is read",
    async () => (await page.locator("[aria-busy=true]").filter({ visible: true }).count()) === 0,
  );
  await page.evaluate(() => Promise.allSettled(document.getAnimations().map(({ finished }) => finished)));
  // What depends on the size of something is known a frame after it was laid out, and shown in the next.
  await page.evaluate(
    () =>
      new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50)))),
  );
}

for (const theme of ["light", "dark"]) {
  for (const [width, size] of Object.entries(SIZES)) {
    test(`${theme}, ${width}`, async (t) => {
      const page = await open(browser, tower.url, { theme, size, who: "anna;supply_planner,admin" });
      const check = async (name, on = page) => {
        await settled(on);
        assert.deepEqual(await violations(on), [], name);
        const overflow = await on.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(overflow <= 0, `${name} is ${overflow} px wider than the screen`);
      };
      for (const [name, [route, landmark]] of Object.entries(views)) {
        await t.test(name, async () => {
          await page.evaluate((hash) => {
            location.hash = hash;
          }, route);
          await landmark(page).waitFor();
          await check(name);
        });
      }
      await t.test("help", async () => {
        await page.keyboard.press("?");
        await page.getByRole("dialog", { name: "Keys" }).waitFor();
        await check("help");
        await page.keyboard.press("Escape");
      });
      await t.test("who one is", async () => {
        await page.getByRole("button", { name: /act as somebody else/ }).click();
        await page.getByRole("dialog", { name: "Act as" }).waitFor();
        await check("who one is");
      });
      await t.test("sign-in", async () => {
        const page = await open(browser, locked.url, { theme, size });
        await page.getByRole("heading", { name: "Sign in" }).waitFor();
        await check("sign-in", page);
        await page.context().close();
      });
      assert.deepEqual(page.mistakes, []);
      await page.context().close();
    });
  }
}
