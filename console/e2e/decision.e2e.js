/** A decision takes two people, each in a browser of their own, and is made on what they looked at. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertWhole, launch, open } from "./support/browser.js";
import { freePort, Sandbox, Tower } from "./support/processes.js";
import { eventually } from "./support/wait.js";
import { order, runOut } from "./support/world.js";

const ANNA = "anna;supply_planner,planner";
const BOB = "bob;supply_planner";

let browser;
let tower;
let erp;
before(async () => {
  const erpPort = await freePort();
  tower = await Tower.start({ erpPort });
  erp = await Sandbox.start(erpPort, tower.url);
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await tower?.remove();
  await erp?.remove();
});

/** A case about an item that runs out, with an option to order. */
async function proposed(sku) {
  await tower.tell(runOut(sku));
  return eventually(`a case about ${sku}`, async () => {
    const { items } = await tower.get("/cases");
    return items.find(
      (item) =>
        item.state === "proposed" &&
        item.subjects.some((subject) => subject.sku === sku) &&
        item.options.some(({ kind }) => kind === "order"),
    );
  });
}

const address = (item) => `${tower.url}/#/cases/${item.id}`;
const orderOption = (page) =>
  page.getByRole("article").filter({ has: page.getByRole("heading", { level: 3, name: /^Order/ }) });
const approve = (page) => page.getByRole("button", { name: /^Approve version/ });

test("anna chooses, may not approve her own choice, bob does, and both see the document", async () => {
  const item = await proposed("parka");
  const anna = await open(browser, address(item), { who: ANNA });
  const bob = await open(browser, address(item), { who: BOB });
  await bob.getByText("No option is chosen yet", { exact: false }).waitFor();

  await orderOption(anna).getByRole("button", { name: "Choose" }).click();
  // Nobody touches bob's browser.
  const moved = bob.getByRole("complementary", { name: "What changed since you looked" });
  await moved.getByText(/chosen option: nothing → Order/).waitFor();
  await moved.getByRole("button", { name: "Seen" }).click();
  await bob.getByText("proposed by anna", { exact: false }).waitFor();

  await approve(anna).click();
  const refused = anna.getByRole("alert");
  await refused.getByRole("heading", { name: "Not your own proposal" }).waitFor();
  assert.match(await refused.innerText(), /anna.*may not approve it.*two people/s);
  assert.equal((await tower.get(`/cases/${item.id}`)).state, "awaiting_approval");

  await approve(bob).click();
  for (const page of [anna, bob]) {
    await page.getByText("bob approved version", { exact: false }).waitFor();
    const actions = page.locator("section", {
      has: page.getByRole("heading", { name: "Actions and documents" }),
    });
    await actions.getByText("✓ as approved").waitFor();
  }
  const documents = await erp.documents();
  assert.equal(documents.length, 1, JSON.stringify(documents));
  await anna.getByText(documents[0].id).first().waitFor();
  await assertWhole(anna);
  await assertWhole(bob);
});

test("an approval of what was true before the facts moved is refused, with the difference", async () => {
  const item = await proposed("scarf");
  const anna = await open(browser, address(item), { who: ANNA });
  await orderOption(anna).getByRole("button", { name: "Choose" }).click();
  const bob = await open(browser, address(item), { who: BOB });
  await approve(bob).waitFor();
  const { version } = await tower.get(`/cases/${item.id}`);

  await tower.tell([order("scarf", 5_000)]);
  await eventually("a newer version", async () => (await tower.get(`/cases/${item.id}`)).version > version);
  await bob.getByText(`Version ${version} →`, { exact: false }).waitFor();
  // The button keeps its meaning: what bob looked at.
  await bob.getByRole("button", { name: `Approve version ${version} as bob` }).click();
  const refused = bob.getByRole("alert");
  await refused.getByRole("heading", { name: "The facts moved: nothing was decided" }).waitFor();
  assert.ok((await refused.locator("tbody tr").count()) > 0, "what is different is listed");
  const now = await tower.get(`/cases/${item.id}`);
  assert.deepEqual(
    now.votes.filter(({ by }) => by === "bob"),
    [],
  );
  assert.deepEqual(now.actions, []);

  await refused.getByRole("button", { name: /^I have seen it/ }).click();
  await refused.waitFor({ state: "detached" });
  await assertWhole(bob);
});
