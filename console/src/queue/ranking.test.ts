import { describe, expect, it } from "vitest";
import type { Case, Exception } from "../lib/api/model";
import { type QueueFilter, queueOf } from "./ranking";

const subject = {
  kind: "sku_location",
  sku: "A",
  location: "OSLO",
  supplier: null,
  po_id: null,
} as Exception["subject"];
const exception = (id: string, more: Partial<Exception> = {}): Exception =>
  ({
    id,
    type: "projected_stockout",
    severity: "medium",
    state: "open",
    urgency: 10,
    decide_by: "2016-06-07T00:00:00Z",
    opened_at: "2016-06-01T00:00:00Z",
    value_at_risk: null,
    units_at_risk: null,
    case_id: null,
    group: null,
    affected: null,
    cause: null,
    owner: null,
    subject: { ...subject, sku: id },
    ...more,
  }) as Exception;
const worth = (amount: string) => ({ value_at_risk: { amount, currency: "USD" } });
const EVERYTHING: QueueFilter = { scope: "all", severities: [], type: "", text: "", order: "value" };

const ids = (items: Exception[], filter: Partial<QueueFilter> = {}, cases: Case[] = []) =>
  queueOf(items, cases, { ...EVERYTHING, ...filter }).rows.map(({ id }) => id);

describe("the queue", () => {
  it("is ranked by value, then by units where that is unknown, then by urgency", () => {
    const items = [
      exception("units", { units_at_risk: 500 }),
      exception("little", worth("9.50")),
      exception("unknown"),
      exception("urgent", { urgency: 90 }),
      exception("much", worth("10.00")),
    ];
    expect(ids(items)).toEqual(["much", "little", "units", "urgent", "unknown"]);
  });

  it("can be ranked by deadline, with none last", () => {
    const items = [
      exception("none", { decide_by: null }),
      exception("later"),
      exception("soon", { decide_by: "2016-06-06T00:00:00Z" }),
    ];
    expect(ids(items, { order: "decide_by" })).toEqual(["soon", "later", "none"]);
  });

  it("tells what is to be decided from what is to be watched and what is snoozed", () => {
    const items = [
      exception("deadline"),
      exception("watched", { decide_by: null }),
      exception("in a case", { decide_by: null, case_id: "case_1", state: "in_case" }),
      exception("decided", { decide_by: null, case_id: "case_2", state: "in_case" }),
      exception("snoozed", { state: "snoozed" }),
      exception("severe", { decide_by: null, severity: "high" }),
    ];
    const cases = [{ id: "case_1", state: "proposed" } as Case, { id: "case_2", state: "executing" } as Case];
    expect(ids(items, { scope: "decide" }, cases)).toEqual(["deadline", "in a case", "severe"]);
    expect(ids(items, { scope: "watch" }, cases)).toEqual(["decided", "watched"]);
    expect(queueOf(items, cases, EVERYTHING).scopes).toEqual({ decide: 3, watch: 2, snoozed: 1, all: 6 });
  });

  it("leaves out what stands under a cause", () => {
    const affected = { key: "g", count: 1, hidden: 0, exceptions: [] };
    const effect = exception("effect", { group: "g" });
    expect(ids([exception("cause", { affected }), effect])).toEqual(["cause"]);
    const other = exception("other", { affected: { ...affected, key: "h" } });
    expect(ids([other, effect]), "its cause is not there").toEqual(["effect", "other"]);
    const dismissed = exception("cause", { affected, state: "resolved" });
    expect(ids([dismissed, effect]), "its cause is over").toContain("effect");
  });

  it("is filtered by severity, kind and words", () => {
    const items = [
      exception("a", { severity: "critical", cause: "24 backordered" }),
      exception("b", { type: "shortage_now", owner: "ann" }),
    ];
    expect(ids(items, { severities: ["critical", "high"] })).toEqual(["a"]);
    expect(ids(items, { type: "shortage_now" })).toEqual(["b"]);
    expect(ids(items, { text: " OSLO backordered " })).toEqual(["a"]);
    expect(ids(items, { text: "short ann" })).toEqual(["b"]);
    expect(ids(items, { text: "nothing" })).toEqual([]);
    const named = queueOf(items, [], { ...EVERYTHING, text: "winter" }, ({ id }) =>
      id === "b" ? "Winter Jack" : "",
    );
    expect(named.rows.map(({ id }) => id)).toEqual(["b"]);
  });

  it("counts kinds and severities of the scope, whatever else is filtered", () => {
    const items = [
      exception("a"),
      exception("b", { severity: "high" }),
      exception("c", { type: "shortage_now" }),
    ];
    const queue = queueOf(items, [], { ...EVERYTHING, type: "shortage_now", severities: ["low"] });
    expect(queue.types).toEqual([
      ["projected_stockout", 2],
      ["shortage_now", 1],
    ]);
    expect(queue.severities).toEqual({ critical: 0, high: 1, medium: 2, low: 0 });
  });
});
