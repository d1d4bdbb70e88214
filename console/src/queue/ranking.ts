/** What the queue shows, and in which order. */
import type { Case, Exception, Severity } from "../lib/api/model";
import { CASE_STATES_UNDECIDED, EXCEPTION_STATES_FINAL } from "../lib/api/model";
import { exceptionTitle, subjectTitle } from "../lib/format";
import { scaled } from "../lib/money";

export const SEVERITIES: readonly Severity[] = ["critical", "high", "medium", "low"];

export type Scope = "decide" | "watch" | "snoozed" | "all";
export type Order = "value" | "decide_by" | "urgency" | "newest";

export interface QueueFilter {
  scope: Scope;
  /** Empty: every severity. */
  severities: readonly Severity[];
  /** A kind, `projected_stockout`; empty: every kind. */
  type: string;
  /** Words that all occur in what is shown. */
  text: string;
  order: Order;
}

export const SCOPES: readonly { scope: Exclude<Scope, "all">; label: string; hint: string }[] = [
  { scope: "decide", label: "To decide", hint: "it has a deadline or an open case, or is severe" },
  { scope: "watch", label: "To watch", hint: "nothing runs out soon" },
  { scope: "snoozed", label: "Snoozed", hint: "put off by somebody" },
];

/**
 * Where an exception stands. There is something to decide where a remedy has a deadline, where an open case has it, and
 * where it is severe: a shortage for which no remedy is known has no deadline.
 */
export function scopeOf(item: Exception, undecided: ReadonlySet<string>): Exclude<Scope, "all"> {
  if (item.state === "snoozed") return "snoozed";
  const isInCase = item.case_id !== null && undecided.has(item.case_id);
  const isSevere = item.severity === "critical" || item.severity === "high";
  return item.decide_by !== null || isInCase || (isSevere && item.state !== "in_case") ? "decide" : "watch";
}

/** Ids of the cases that wait for people. */
export function undecidedCases(cases: readonly Case[]): ReadonlySet<string> {
  return new Set(cases.filter(({ state }) => CASE_STATES_UNDECIDED.includes(state)).map(({ id }) => id));
}

/** A row with what it is ranked by: read once, and not at each comparison. */
interface Ranked {
  item: Exception;
  /** `null` where it is not known. */
  value: bigint | null;
  decideBy: number;
  openedAt: number;
}

function ranked(item: Exception): Ranked {
  return {
    item,
    value: item.value_at_risk === null ? null : scaled(item.value_at_risk.amount),
    decideBy: item.decide_by === null ? Number.POSITIVE_INFINITY : Date.parse(item.decide_by),
    openedAt: Date.parse(item.opened_at),
  };
}

type Comparison = (a: Ranked, b: Ranked) => number;

/** The lesser first, whatever compares; infinities, too. */
function ascending<T extends bigint | number | string>(a: T, b: T): number {
  return a < b ? -1 : Number(a > b);
}

const byValue: Comparison = (a, b) => {
  if (a.value !== null && b.value !== null) return ascending(b.value, a.value);
  return Number(b.value !== null) - Number(a.value !== null);
};
const byUnits: Comparison = (a, b) => (b.item.units_at_risk ?? -1) - (a.item.units_at_risk ?? -1);
const byUrgency: Comparison = (a, b) => b.item.urgency - a.item.urgency;
const byDecideBy: Comparison = (a, b) => ascending(a.decideBy, b.decideBy);
const byAge: Comparison = (a, b) => b.openedAt - a.openedAt;
const byId: Comparison = (a, b) => ascending(a.item.id, b.item.id);

/** What ties of an order are broken by; the id at last, so that rows never change places by themselves. */
const ORDERS: Record<Order, readonly Comparison[]> = {
  value: [byValue, byUnits, byUrgency, byId],
  decide_by: [byDecideBy, byValue, byUnits, byId],
  urgency: [byUrgency, byValue, byUnits, byId],
  newest: [byAge, byValue, byUnits, byId],
};

function inOrder(items: readonly Exception[], order: Order): Exception[] {
  const comparisons = ORDERS[order];
  const rows = items.map(ranked).sort((a, b) => {
    for (const comparison of comparisons) {
      const result = comparison(a, b);
      if (result !== 0) return result;
    }
    return 0;
  });
  return rows.map(({ item }) => item);
}

function isFound(item: Exception, terms: readonly string[], namesOf: (item: Exception) => string): boolean {
  if (terms.length === 0) return true;
  const { cause, owner, subject, type } = item;
  const text =
    `${exceptionTitle(type)} ${subjectTitle(subject)} ${namesOf(item)} ${cause ?? ""} ${owner ?? ""}`.toLowerCase();
  return terms.every((term) => text.includes(term));
}

export interface Queue {
  rows: Exception[];
  /** How many there are in each scope, whatever else is filtered. */
  scopes: Record<Scope, number>;
  /** Kinds in the scope with how many there are, the most frequent first. */
  types: [type: string, count: number][];
  /** The same of severities. */
  severities: Record<Severity, number>;
}

/**
 * The queue of what is open; what stands under a cause is shown there, and not here. `namesOf` says what people call the
 * things that an exception is about: they are searched, too.
 */
export function queueOf(
  exceptions: readonly Exception[],
  cases: readonly Case[],
  filter: QueueFilter,
  namesOf: (item: Exception) => string = () => "",
): Queue {
  const undecided = undecidedCases(cases);
  const scopes: Queue["scopes"] = { decide: 0, watch: 0, snoozed: 0, all: 0 };
  const severities: Queue["severities"] = { critical: 0, high: 0, medium: 0, low: 0 };
  const types = new Map<string, number>();
  const terms = filter.text
    .toLowerCase()
    .split(/\s+/)
    .filter((term) => term !== "");
  const found: Exception[] = [];
  // A cause that was dismissed, or that the reader does not see, shows nothing of what stands under it.
  const open = exceptions.filter(({ state }) => !EXCEPTION_STATES_FINAL.includes(state));
  const causes = new Set(open.map(({ affected }) => affected?.key));
  for (const item of exceptions) {
    if (item.group !== null && causes.has(item.group)) continue;
    const scope = scopeOf(item, undecided);
    scopes[scope] += 1;
    scopes.all += 1;
    if (filter.scope !== "all" && filter.scope !== scope) continue;
    types.set(item.type, (types.get(item.type) ?? 0) + 1);
    severities[item.severity] += 1;
    if (filter.type !== "" && filter.type !== item.type) continue;
    if (filter.severities.length > 0 && !filter.severities.includes(item.severity)) continue;
    if (isFound(item, terms, namesOf)) found.push(item);
  }
  return {
    rows: inOrder(found, filter.order),
    scopes,
    types: [...types].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)),
    severities,
  };
}
