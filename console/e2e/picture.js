/** The picture of the README: the demo's story in a browser, when its options are there to be compared. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { launch, open } from "./support/browser.js";
import { startDemo } from "./support/demo.js";
import { eventually } from "./support/wait.js";

const file = process.argv[2] ?? "../docs/console.png";
/** The first step that is not pressed: the case is looked at as it is before it. */
const UNTIL = "choose";
const STEP_WITHIN_MS = 180_000;

const browser = await launch();
const demo = await startDemo();
try {
  const page = await open(browser, demo.url, { size: { width: 1440, height: 1000 } });
  const { demo: told } = await (await fetch(`${demo.url}/console.json`)).json();
  const steps = async () => {
    const response = await fetch(`${told.control}/state`, { headers: { "X-Tidewatch-Demo": "1" } });
    return (await response.json()).steps;
  };
  const tour = page.getByRole("complementary", { name: "Guided tour" });
  for (;;) {
    const next = (await steps()).find((step) => step.state !== "done");
    if (!next || next.id === UNTIL) {
      if (next?.look_at) await page.goto(`${demo.url}/${next.look_at}`);
      break;
    }
    const item = tour.getByRole("listitem").filter({ has: page.getByRole("button", { name: next.title }) });
    if (next.button) await item.getByRole("button", { name: next.button, exact: true }).click();
    await eventually(
      `${next.id} is done`,
      async () => (await steps()).find(({ id }) => id === next.id)?.state === "done",
      STEP_WITHIN_MS,
    );
  }
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  await page.waitForTimeout(2_000);
  mkdirSync(dirname(file), { recursive: true });
  await page.screenshot({ path: file });
} finally {
  await demo.stop();
  await browser.close();
}
