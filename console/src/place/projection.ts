/** The projection of a SKU-location as columns for a chart, and as words. */

import type { Projection } from "../lib/api/model";

/** Days that the chart can show; the projection is 90 days long. */
export const HORIZONS = [14, 42, 90] as const;
export type Horizon = (typeof HORIZONS)[number];

const DAY_S = 86_400;
/** Days of a shortage that should be seen at least. */
const SHORTAGE_SHOWN_DAYS = 7;

export interface Span {
  /** Unix seconds on the chart's axis. */
  from: number;
  until: number;
}

/** A projection by column. `x` is midnight UTC of the local day, in Unix seconds: the axis shows local days, not moments. */
export interface Columns {
  days: string[];
  x: number[];
  balance: number[];
  p10: number[];
  p90: number[];
  receipts: number[];
  demand: number[];
  /** Shortage windows, from half a day before the first short day to half a day after the last. */
  shortages: Span[];
}

/** The place of a local day (`2015-10-05`) on the axis. */
export function dayPosition(day: string): number {
  return Date.parse(`${day}T00:00:00Z`) / 1000;
}

/** The first `horizon` days as columns. */
export function columns(projection: Projection, horizon: number): Columns {
  const shown = projection.days.slice(0, horizon);
  const shortages: Span[] = [];
  for (const window of projection.shortage_windows) {
    const from = Date.parse(window.from);
    const until = Date.parse(window.until);
    const short = shown.filter((day) => Date.parse(day.from) < until && Date.parse(day.until) > from);
    const first = short[0];
    const last = short[short.length - 1];
    if (first && last) {
      shortages.push({ from: dayPosition(first.day) - DAY_S / 2, until: dayPosition(last.day) + DAY_S / 2 });
    }
  }
  return {
    days: shown.map((day) => day.day),
    x: shown.map((day) => dayPosition(day.day)),
    balance: shown.map((day) => day.balance),
    p10: shown.map((day) => day.p10),
    p90: shown.map((day) => day.p90),
    receipts: shown.map((day) => day.receipts),
    demand: shown.map((day) => day.demand),
    shortages,
  };
}

/** The shortest horizon, six weeks at least, that shows the beginning of the first shortage. */
export function startingHorizon(projection: Projection): Horizon {
  const window = projection.shortage_windows[0];
  if (!window) return 42;
  const from = Date.parse(window.from);
  const first = projection.days.findIndex((day) => Date.parse(day.until) > from);
  return first + SHORTAGE_SHOWN_DAYS > 42 ? 90 : 42;
}

/** Whether a day ends short. */
export function isShort(projection: Projection, day: string): boolean {
  const found = projection.days.find((candidate) => candidate.day === day);
  if (!found) return false;
  return projection.shortage_windows.some(
    (window) =>
      Date.parse(found.from) < Date.parse(window.until) && Date.parse(found.until) > Date.parse(window.from),
  );
}

/** What a projection says, for those who don't see the chart. */
export interface Outlook {
  /** The first day that ends below the reorder point, if the balance is not below it already. */
  belowReorderPoint: string | null;
  isBelowReorderPoint: boolean;
  /** The first and last short day of the first shortage window. */
  shortage: { first: string; last: string; endsWithin: boolean } | null;
  /** The first day of the second window. */
  shortAgainFrom: string | null;
  lowest: { day: string; balance: number } | null;
  receipts: { quantity: number; days: number };
}

/** Reads the projection's main points. */
export function outlook(projection: Projection, reorderPoint: number): Outlook {
  const { days } = projection;
  let lowest: Outlook["lowest"] = null;
  for (const day of days) {
    if (!lowest || day.balance < lowest.balance) lowest = { day: day.day, balance: day.balance };
  }
  const below = days.findIndex((day) => day.balance < reorderPoint);
  const arriving = days.filter((day) => day.receipts > 0);
  const [shortage, next] = projection.shortage_windows.flatMap((window) => {
    const short = days.filter(
      (day) =>
        Date.parse(day.from) < Date.parse(window.until) && Date.parse(day.until) > Date.parse(window.from),
    );
    const first = short[0];
    const last = short[short.length - 1];
    return first && last ? [{ first: first.day, last: last.day }] : [];
  });
  return {
    belowReorderPoint: below > 0 ? (days[below]?.day ?? null) : null,
    isBelowReorderPoint: below === 0,
    shortage: shortage ? { ...shortage, endsWithin: shortage.last !== days[days.length - 1]?.day } : null,
    shortAgainFrom: next?.first ?? null,
    lowest,
    receipts: { quantity: arriving.reduce((sum, day) => sum + day.receipts, 0), days: arriving.length },
  };
}
