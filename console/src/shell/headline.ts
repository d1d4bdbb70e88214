/** The sentence at the top: how many decisions, what is at risk, until when. */
import {
  CASE_STATES_UNDECIDED,
  type Case,
  type Exception,
  type Explanation,
  type Money,
} from "../lib/api/model";
import { endOfDay } from "../lib/format";
import { sumLosses } from "../lib/losses";

export interface Headline {
  /** Undecided, with a decide-by today or before. */
  today: number;
  /** Of those, the ones whose decide-by is past. */
  late: number;
  /** Of everything open; what is grouped counts at the top of its group, and the same goods count once. */
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
  const atRisk = sumLosses(
    exceptions.filter(({ group }) => group === null),
    currency,
  );
  return { today, late, atRisk, next };
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
      formula: "sum(max(value_at_risk of the same goods))",
      unit: atRisk.currency,
      value: Number(atRisk.amount),
      time: null,
      because:
        "of every open exception; what one cause leads to counts once, at the cause, and so does what several exceptions say of the stock of one place or of one purchase order, by the greatest value",
      inputs: [input("open_exceptions", open, "exceptions")],
      rule,
    },
  };
}
