import { expect, it } from "vitest";
import type { Subject } from "../lib/api/model";
import { milliseconds, namedIn, RowWatch } from "./latency";

const curl = `curl -s http://127.0.0.1:8080/api/v1/events -d '{"type":"supplier.delay_reported","data":{"supplier":"heaven-hill","delay_days":12}}'`;
const subject = (more: Partial<Subject>): Subject => ({
  kind: "purchase_order",
  sku: null,
  location: null,
  supplier: null,
  po_id: null,
  order_id: null,
  transfer_id: null,
  promotion_id: null,
  action_id: null,
  source: null,
  ...more,
});
const frame = (kind: string, more: Partial<Subject>) => ({
  kind,
  item: { id: "exc_1", subject: subject(more) },
});

it("finds what a command line is about, however it is quoted", () => {
  expect([...namedIn(curl)]).toEqual(["supplier=heaven-hill"]);
  expect([...namedIn('-d "{\\"po_id\\": \\"PO-1\\"}"')]).toEqual(["po_id=PO-1"]);
  expect(namedIn(null).size).toBe(0);
});

it("measures to the first row about it, and not to any other", () => {
  const watch = new RowWatch(1000, curl);
  expect(watch.see(frame("exception.opened", { supplier: "brown-forman" }), 1010)).toBe(false);
  expect(watch.see(frame("exception.acknowledged", { supplier: "heaven-hill" }), 1020)).toBe(false);
  expect(watch.see(frame("exception.opened", { supplier: "heaven-hill" }), 1084)).toBe(true);
  expect(watch.see(frame("exception.updated", { supplier: "heaven-hill" }), 1200)).toBe(false);
  watch.paint(1091);
  expect(watch.measured).toEqual({ frameMs: 84, paintedMs: 91, exception: "exc_1" });
});

it("takes the first row of all where nothing is named", () => {
  const watch = new RowWatch(0, null);
  expect(watch.see(frame("exception.opened", { sku: "A" }), 5)).toBe(true);
});

it("says milliseconds as long as they say something", () => {
  expect([milliseconds(84.4), milliseconds(999), milliseconds(2140)]).toEqual(["84 ms", "999 ms", "2.1 s"]);
});
