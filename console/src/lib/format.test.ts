import { describe, expect, it } from "vitest";
import {
  countOf,
  dayOf,
  endOfDay,
  exceptionTitle,
  formatDistance,
  formatDuration,
  formatMoney,
  formatQuantity,
  formatShare,
  formatTime,
  subjectTitle,
  words,
} from "./format";

const nothing = {
  kind: "sku_location",
  sku: null,
  location: null,
  supplier: null,
  po_id: null,
  order_id: null,
  transfer_id: null,
  promotion_id: null,
  action_id: null,
  source: null,
};

describe("money", () => {
  it("keeps every cent of an amount that a double can't hold", () => {
    expect(formatMoney({ amount: "90071992547409931.27", currency: "USD" })).toBe(
      "$90,071,992,547,409,931.27",
    );
  });

  it("is whole where it is read at a glance, and unknown where the tower says null", () => {
    expect(formatMoney({ amount: "411999.50", currency: "EUR" }, true)).toBe("€412,000");
    expect(formatMoney(null)).toBe("–");
  });

  it("has the decimals of its currency", () => {
    expect(formatMoney({ amount: "1200", currency: "JPY" })).toBe("¥1,200");
    expect(formatMoney({ amount: "-3.5", currency: "USD" })).toBe("-$3.50");
  });
});

describe("numbers", () => {
  it("show as many decimals as there are, three at most", () => {
    expect(formatQuantity(24)).toBe("24");
    expect(formatQuantity(1298.29)).toBe("1,298.29");
    expect(formatQuantity(0.0005)).toBe("0.001");
    expect(formatQuantity(-0)).toBe("0");
    expect(formatQuantity(null)).toBe("–");
  });

  it("are shares in percent", () => {
    expect(formatShare(0.4548)).toBe("45%");
  });

  it("agree with their words", () => {
    expect(countOf(1, "decision")).toBe("1 decision");
    expect(countOf(1234, "decision")).toBe("1,234 decisions");
    expect(countOf(0, "row")).toBe("0 rows");
  });
});

describe("times", () => {
  it("are those of the tenant's zone", () => {
    expect(formatTime("2016-06-06T05:00:00Z", "moment", "America/Chicago")).toBe("Mon 6 Jun, 00:00");
    expect(formatTime("2016-06-06T05:00:00Z", "clock", "Europe/Berlin")).toBe("07:00");
    expect(formatTime(null, "clock", "UTC")).toBe("–");
  });

  it("have days that compare as texts", () => {
    expect(dayOf("2016-06-06T04:59:59Z", "America/Chicago")).toBe("2016-06-05");
    expect(dayOf("2016-06-06T05:00:00Z", "America/Chicago")).toBe("2016-06-06");
  });

  it("know when their day ends, where the clocks change, too", () => {
    const end = (time: string) => new Date(endOfDay(new Date(time), "America/Chicago")).toISOString();
    expect(end("2016-06-06T15:00:00Z")).toBe("2016-06-07T05:00:00.000Z");
    expect(end("2016-11-06T05:00:00Z")).toBe("2016-11-07T06:00:00.000Z");
    expect(end("2016-03-13T06:00:00Z")).toBe("2016-03-14T05:00:00.000Z");
  });

  it("are told by their distance in one unit", () => {
    const now = new Date("2016-06-06T05:00:00Z");
    expect(formatDistance("2016-06-06T08:59:00Z", now)).toBe("in 3 h");
    expect(formatDistance("2016-06-04T04:00:00Z", now)).toBe("2 d ago");
    expect(formatDistance("2016-06-06T05:00:00.4Z", now)).toBe("now");
    expect(formatDuration(999)).toBe("0 s");
    expect(formatDuration(60_000)).toBe("1 min");
  });
});

describe("names", () => {
  it("are words", () => {
    expect(words("supply_planner")).toBe("Supply planner");
    expect(words("custom.slow_mover")).toBe("Slow mover");
    expect(exceptionTitle("projected_stockout")).toBe("Stockout ahead");
    expect(exceptionTitle("custom.slow_mover")).toBe("Slow mover");
  });

  it("say what something is about in one line", () => {
    expect(subjectTitle({ ...nothing, sku: "A", location: "OSLO" })).toBe("A at OSLO");
    expect(subjectTitle({ ...nothing, supplier: "dairy-co", po_id: "po-1" })).toBe("po-1 · dairy-co");
    expect(subjectTitle({ ...nothing, kind: "source" })).toBe("Source");
  });
});
