/** The story as somebody clicks through it, from a fresh start, twice in a row. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { assertWhole, launch, open } from "./support/browser.js";
import { startDemo } from "./support/demo.js";
import { eventually } from "./support/wait.js";

const STEP_WITHIN_MS = Number(process.env.STEP_WITHIN_MS ?? 120_000);
/** The last step leads away from the story and is never done. */
const LAST = "own-data";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** What there is to decide, for a step that fails. */
async function casesAt(url) {
  const { items } = await (await fetch(`${url}/api/v1/cases?limit=10`)).json();
  const told = items.map(({ id, state, version, facts, options_facts, value_at_risk, version_changes }) =>
    JSON.stringify({ id, state, version, facts, options_facts, value_at_risk, version_changes }),
  );
  return `cases: ${told.join("; ")}`;
}

for (const time of ["first", "second"]) {
  test(`the story is clicked through, the ${time} time`, async (t) => {
    const demo = await startDemo();
    t.after(demo.stop);
    const page = await open(browser, demo.url);
    const tour = page.getByRole("complementary", { name: "Guided tour" });
    await tour.waitFor();
    const { demo: told } = await (await fetch(`${demo.url}/console.json`)).json();
    const state = async () => {
      // One that never answers must not end the test without a word.
      const asked = { headers: { "X-Tidewatch-Demo": "1" }, signal: AbortSignal.timeout(STEP_WITHIN_MS) };
      return (await fetch(`${told.control}/state`, asked)).json();
    };

    const itemOf = ({ title }) =>
      tour.getByRole("listitem").filter({ has: page.getByRole("button", { name: title }) });

    const clicked = new Set();
    for (;;) {
      const story = await state();
      const failed = story.steps.filter((step) => step.state === "failed");
      assert.deepEqual(
        failed.map(({ id, result }) => [id, result]),
        [],
      );
      const next = story.steps.find((step) => step.state !== "done");
      assert.ok(next, "the last step is never done");
      if (next.id === LAST) break;
      assert.ok(!clicked.has(next.id), `${next.id} is not done`);
      clicked.add(next.id);
      // What has no button comes by itself, or by having been looked at.
      const item = itemOf(next);
      await t.test(next.id, async () => {
        if (next.button) {
          const press = item.getByRole("button", { name: next.button, exact: true });
          await eventually(
            `${next.id} can be pressed`,
            async () => (await press.isVisible()) && (await press.isEnabled()),
            STEP_WITHIN_MS,
          ).catch(async (error) => {
            const told = (await state()).steps.find(({ id }) => id === next.id);
            throw new Error(`${error.message}; the step: ${JSON.stringify(told)}; ${await item.innerText()}`);
          });
          await press.click();
        } else if (next.look_at) {
          await item.getByRole("link", { name: "Take me there" }).click();
        }
        const ended = await eventually(
          `${next.id} is done`,
          async () => {
            const step = (await state()).steps.find(({ id }) => id === next.id);
            return (step.state === "failed" || step.state === "done") && step;
          },
          STEP_WITHIN_MS,
        );
        if (ended.state !== "done")
          assert.fail(`${JSON.stringify(ended.result)}; ${await casesAt(demo.url)}`);
      });
    }
    const end = await state();
    assert.ok(end.tower.restarts >= 1, "the plug was pulled");
    const actions = end.erp.documents.map(({ action_id }) => action_id);
    assert.ok(actions.length > 0);
    assert.equal(new Set(actions).size, actions.length, "nothing was sent twice");
    // The page learns a moment later that it is its turn: until then another step's link is the last that shows.
    await itemOf(end.steps.find(({ id }) => id === LAST))
      .getByRole("link", { name: "Take me there" })
      .click();
    await page.waitForURL("**/#/load");
    await page.getByRole("main").getByText("tidewatch import", { exact: false }).first().waitFor();
    await assertWhole(page);
    await page.context().close();
  });
}
