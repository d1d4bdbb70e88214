/** The sentence at the top: how many decisions, what is at risk, until when. */
import {
  CASE_STATES_UNDECIDED,
  type Case,
  type Exception,
  type Explanation,
  type Money,
} from "../lib/api/model";
import { endOfDay } from "../lib/format";
import { sumMoney } from "../lib/money";

export interface Headline {
  /** Undecided, with a decide-by today or before. */
  today: number;
  /** Of those, the ones whose decide-by is past. */
  late: number;
  /** Of everything open; what is grouped counts at the top of its group. */
  atRisk: Money;
  /** The next decide-by that is not past. */
  next: string | null;
}

/** One decision: a case that nobody decided, or an exception that no case decides about. */
function deadlines(exceptions: readonly Exception[], cases: readonly Case[]): string[] {
  const found: string[] = [];
  for (const { state, decide_by } of cases) {
    if (decide_by !== null && CASE_STATES_UNDECIDED.includes(state)) found.push(decide_by);
  }
  for (const { case_id, decide_by, group, state } of exceptions) {
    const isOwn = case_id === null && group === null && state !== "snoozed";
    if (decide_by !== null && isOwn) found.push(decide_by);
  }
  return found;
}

export function headline(
  exceptions: readonly Exception[],
  cases: readonly Case[],
  now: Date,
  timezone: string,
  currency: string,
): Headline {
  const dayEnds = endOfDay(now, timezone);
  let nextAt = Number.POSITIVE_INFINITY;
  let today = 0;
  let late = 0;
  let next: string | null = null;
  for (const time of deadlines(exceptions, cases)) {
    const at = Date.parse(time);
    if (at < now.getTime()) late += 1;
    else if (at < nextAt) {
      next = time;
      nextAt = at;
    }
    if (at < dayEnds) today += 1;
  }
  const values = exceptions.filter(({ group }) => group === null).map(({ value_at_risk }) => value_at_risk);
  return { today, late, atRisk: sumMoney(values, currency), next };
}

/** Where the two numbers come from, for whoever asks. */
export function explainHeadline(
  { today, late, atRisk }: Headline,
  open: number,
  lsn: number,
): Record<"decisions" | "value_at_risk", Explanation> {
  const rule = { id: "console.headline", version: lsn };
  const input = (name: string, value: number, from: string) => ({
    name,
    value,
    from,
    about: null,
    event: null,
    time: null,
  });
  return {
    decisions: {
      formula: "late + due_today",
      unit: "decisions",
      value: today,
      time: null,
      because:
        "a decision is a case that nobody decided, or an exception with a decide-by that no case decides about; the day is that of the tenant's time zone",
      inputs: [
        input("late", late, "exceptions and cases"),
        input("due_today", today - late, "exceptions and cases"),
      ],
      rule,
    },
    value_at_risk: {
      formula: "sum(value_at_risk)",
      unit: atRisk.currency,
      value: Number(atRisk.amount),
      time: null,
      because: "of every open exception; what one cause leads to counts once, at the cause",
      inputs: [input("open_exceptions", open, "exceptions")],
      rule,
    },
  };
}
