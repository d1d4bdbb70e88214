/** From an event to its row, from the row to what is behind it. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertWhole, launch, open, queueRows } from "./support/browser.js";
import { Tower } from "./support/processes.js";
import { eventually } from "./support/wait.js";
import { event, history, runOut, short } from "./support/world.js";

let browser;
let tower;
before(async () => {
  tower = await Tower.start();
  await tower.tell([...history().events, ...runOut("jacket")]);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await tower?.remove();
});

test("a row rises while one looks on", async () => {
  const page = await open(browser, tower.url);
  const jacket = queueRows(page).filter({ hasText: "Winter jacket jacket" });
  await jacket.first().waitFor();
  await page.getByText(/^data .* old$/).waitFor();
  assert.match(
    await page.locator("p.headline").innerText(),
    /\d+ decisions?.*today.*\$[\d,]+.*at risk.*data .+ old/s,
  );

  const lamp = queueRows(page).filter({ hasText: "lamp" });
  assert.equal(await lamp.count(), 0);
  await tower.tell(short("lamp", { quantity: 90_000, location: "store-2" }));
  await lamp.first().waitFor();
  // What is worth most stands first.
  await eventually("the new row stands first", async () =>
    (await queueRows(page).first().innerText()).includes("lamp"),
  );
  await assertWhole(page);
});

test("an exception shows its cause, its evidence, and why its numbers are what they are", async () => {
  const page = await open(browser, tower.url);
  await queueRows(page)
    .filter({ hasText: "short now" })
    .filter({ hasText: "jacket" })
    .getByRole("link")
    .first()
    .click();
  await page.getByRole("heading", { level: 1, name: /short now/i }).waitFor();
  await page.getByRole("cell", { name: "order.placed" }).waitFor();

  await page
    .getByRole("button", { name: /why on hand/i })
    .first()
    .click();
  const why = page.getByRole("dialog", { name: /why on hand/i });
  await why.getByText("200", { exact: false }).first().waitFor();
  await page.keyboard.press("Escape");
  await assertWhole(page);
});

test("a cause groups what follows from it", async () => {
  const { items } = await tower.get("/purchase-orders?is_open=true");
  for (const { po_id, lines } of items) {
    await tower.tell([
      event("supplier.delay_reported", { supplier: lines[0].supplier, po_id, delay_days: 30 }),
    ]);
  }
  const cause = await eventually("a cause with what is affected", async () => {
    const all = (await tower.get("/exceptions?limit=1000")).items;
    return all.find(({ affected }) => (affected?.count ?? 0) > 0);
  });
  const page = await open(browser, `${tower.url}/#/exceptions/${cause.id}`);
  await page.getByRole("heading", { name: "Because of it" }).waitFor();
  const affected = page.locator("section", { has: page.getByRole("heading", { name: "Because of it" }) });
  await eventually(
    "all that is affected",
    async () => (await affected.locator("tbody tr").count()) === cause.affected.count,
  );
  await affected.getByRole("link").first().click();
  await page.getByRole("heading", { name: "Because of", exact: true }).waitFor();
  await assertWhole(page);
});

test("a SKU-location shows its projection as a chart and as a table, and what it knows", async () => {
  const { places } = history();
  const [{ sku, location }] = places;
  const page = await open(browser, `${tower.url}/#/places/${sku}/${location}`);
  const chart = page.getByRole("img", { name: /Projection of the balance/ });
  await chart.waitFor();
  assert.ok((await chart.locator("canvas").count()) >= 3, "balance, receipts and demand are drawn");
  const isDrawn = () =>
    chart
      .locator("canvas")
      .first()
      .evaluate((canvas) =>
        canvas
          .getContext("2d")
          .getImageData(0, 0, canvas.width, canvas.height)
          .data.some((value) => value !== 0),
      );
  await eventually("something is drawn", isDrawn);

  await page.getByRole("button", { name: "Table" }).click();
  const table = page.getByRole("region", { name: "Projection as a table" });
  const days = (await tower.get(`/sku-locations/${sku}/${location}/projection`)).days;
  await table.waitFor();
  const shown = await table.locator("tbody tr").count();
  assert.ok(shown > 1 && shown <= days.length, `${shown} days`);
  await page
    .getByRole("button", { name: /why reorder point/i })
    .first()
    .click();
  await page
    .getByRole("dialog", { name: /why reorder point/i })
    .getByText(/demand|lead/i)
    .first()
    .waitFor();
  await assertWhole(page);
});
