import { expect, it } from "vitest";
import { driftText, otifSentence, type Supplier, sorted, turned } from "./supplier";

function supplier(fields: Partial<Supplier>): Supplier {
  return {
    supplier: "s",
    name: null,
    otif_share: null,
    late_lines: 0,
    predicted_late_lines: 0,
    otif_lines: 200,
    otif_policy: { against: "promised", quantity_tolerance: 0.02, early_days: 7, late_days: 1 },
    ...fields,
  } as Supplier;
}

const names = (suppliers: Supplier[]) => suppliers.map((one) => one.supplier);

it("sorts numbers, what is not known last either way", () => {
  const all = [
    supplier({ supplier: "unknown", otif_share: null }),
    supplier({ supplier: "good", otif_share: 0.97 }),
    supplier({ supplier: "poor", otif_share: 0.62 }),
  ];
  expect(names(sorted(all, { field: "otif_share", descending: false }))).toEqual(["poor", "good", "unknown"]);
  expect(names(sorted(all, { field: "otif_share", descending: true }))).toEqual(["good", "poor", "unknown"]);
});

it("equal ones stand by the name that is shown", () => {
  const all = [supplier({ supplier: "1", name: "Zacatecas" }), supplier({ supplier: "2", name: "Barton" })];
  expect(names(sorted(all, { field: "late_lines", descending: true }))).toEqual(["2", "1"]);
  expect(names(sorted(all, { field: "supplier", descending: true }))).toEqual(["1", "2"]);
});

it("lines that will be late count as late", () => {
  const all = [
    supplier({ supplier: "late", late_lines: 2 }),
    supplier({ supplier: "predicted", late_lines: 1, predicted_late_lines: 4 }),
  ];
  expect(names(sorted(all, { field: "late_lines", descending: true }))).toEqual(["predicted", "late"]);
});

it("a column begins with what needs looking at, and turns round", () => {
  const byName = { field: "supplier", descending: false } as const;
  expect(turned(byName, "otif_share")).toEqual({ field: "otif_share", descending: false });
  expect(turned(byName, "late_lines")).toEqual({ field: "late_lines", descending: true });
  expect(turned(turned(byName, "late_lines"), "late_lines")).toEqual({
    field: "late_lines",
    descending: false,
  });
});

it("says what on time in full means", () => {
  expect(otifSentence(supplier({}))).toBe(
    "Share of the last 200 lines that came no more than 7 days before and 1 day after the date first promised, with at most 2% missing.",
  );
});

it("a drift has a sign, and nobody knows it without receipts", () => {
  expect([0.34, -0.1247, 0.001, null].map(driftText)).toEqual(["+34%", "−12%", "±0%", null]);
});
