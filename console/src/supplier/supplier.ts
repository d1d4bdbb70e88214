/** A supplier's numbers: what the list can be sorted by, and what each of them means. */

import type { SupplierItem } from "../lib/api/model";

/** A supplier as lists, reads and the feed show it. */
export type Supplier = SupplierItem;

/** How on time and in full are measured. */
export type OtifPolicy = Supplier["otif_policy"];

/** What a supplier said of its capacity. */
export type Capacity = Supplier["capacities"][number];

/** What the list can be sorted by. */
export const SORTS = [
  "supplier",
  "otif_share",
  "on_time_share",
  "lead_time_mean_days",
  "lead_time_drift",
  "late_lines",
  "open_lines",
  "single_sourced",
  "open_exceptions",
] as const;
export type SortField = (typeof SORTS)[number];

export interface Order {
  field: SortField;
  descending: boolean;
}

function name(supplier: Supplier): string {
  return supplier.name ?? supplier.supplier;
}

/** Sorted; what is not known comes last either way, and equal ones stand by name. */
export function sorted(suppliers: readonly Supplier[], { field, descending }: Order): Supplier[] {
  const sign = descending ? -1 : 1;
  return [...suppliers].sort((left, right) => {
    const byName = name(left).localeCompare(name(right)) || left.supplier.localeCompare(right.supplier);
    if (field === "supplier") return sign * byName;
    const [a, b] = field === "late_lines" ? [late(left), late(right)] : [left[field], right[field]];
    if (a === b) return byName;
    if (a === null || a === undefined) return 1;
    if (b === null || b === undefined) return -1;
    return sign * (a - b);
  });
}

/** Lines that are late or will be by what is known. */
export function late(supplier: Supplier): number {
  return supplier.late_lines + supplier.predicted_late_lines;
}

/** The order that a click on a column asks for: the same column turns round, another begins with what needs looking at. */
export function turned(order: Order, field: SortField): Order {
  if (order.field === field) return { field, descending: !order.descending };
  const worstIsLow = field === "supplier" || field === "otif_share" || field === "on_time_share";
  return { field, descending: !worstIsLow };
}

const OTIF_DATES: Record<string, string> = {
  requested: "date asked for",
  promised: "date first promised",
  confirmed: "date last promised",
};

/** What on time and in full means for a supplier, as a sentence. */
export function otifSentence({ otif_policy: policy, otif_lines: lines }: Supplier): string {
  const tolerance = Number((policy.quantity_tolerance * 100).toFixed(1));
  const days = (count: number) => `${count} ${count === 1 ? "day" : "days"}`;
  const what = OTIF_DATES[policy.against] ?? policy.against;
  return (
    `Share of the last ${lines} ${lines === 1 ? "line" : "lines"} that came no more than ${days(policy.early_days)} before and ` +
    `${days(policy.late_days)} after the ${what}, with at most ${tolerance}% missing.`
  );
}

/** `+12%` longer than before, `−12%` shorter; `null` without enough receipts to tell. */
export function driftText(drift: number | null): string | null {
  if (drift === null) return null;
  const percent = Math.round(drift * 100);
  if (percent === 0) return "±0%";
  return `${percent > 0 ? "+" : "−"}${Math.abs(percent)}%`;
}
