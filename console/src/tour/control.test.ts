import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import { controlMock } from "../../tests/control_mock.mjs";
import { ControlError, pullThePlug, runStep, setSpeed, tourState } from "./control";
import { currentStep, isPlugStep } from "./steps";

const server = controlMock({ origin: location.origin, plugMs: 20 });
let control = "";

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  control = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => new Promise((resolve) => server.close(resolve)));
afterEach(() => vi.unstubAllGlobals());

it("walks from step to step", async () => {
  const before = await tourState(control);
  expect(currentStep(before)?.id).toBe("delay-notice");
  const after = await runStep(control, "delay-notice");
  expect(after.steps[0]?.state).toBe("done");
  expect(currentStep(after)?.id).toBe("look");
});

it("says in the service's words why something is not done", async () => {
  await expect(runStep(control, "approve")).rejects.toThrow("the steps before it come first");
  await expect(runStep(control, "no such")).rejects.toThrow(ControlError);
  await expect(setSpeed(control, 0)).rejects.toThrow("speed must be above zero");
  expect((await setSpeed(control, 600)).speed).toBe(600);
});

it("pulls the plug and tells what there is before and after", async () => {
  const report = await pullThePlug(control);
  expect(report.outage_ms).toBe(20);
  expect(report.lsn_after).toBe(report.lsn_before);
  const { steps, tower } = await tourState(control);
  expect(tower.restarts).toBe(1);
  expect(steps.filter(isPlugStep).map((step) => step.id)).toEqual(["plug"]);
});

it("is answered only with the header that no other page can send", async () => {
  expect((await fetch(`${control}state`)).status).toBe(403);
});

it("tells that the demo is away", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("refused")));
  await expect(tourState(control)).rejects.toThrow("the demo does not answer");
});
