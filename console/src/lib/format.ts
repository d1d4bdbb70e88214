/**
 * How numbers and times are written. One language, so that words and numbers agree; times are those of the tenant's zone,
 * so that everyone who looks at a decide-by reads the same hour.
 */
import type { ExceptionType, Money, Subject } from "./api/model";

const LOCALE = "en-GB";
/** Shown where the tower says `null`: unknown. */
export const UNKNOWN = "–";

const cached = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

/** Making a format costs far more than using it. */
function once<T extends Intl.NumberFormat | Intl.DateTimeFormat>(key: string, make: () => T): T {
  const known = cached.get(key);
  if (known) return known as T;
  const made = make();
  cached.set(key, made);
  return made;
}

/** A decimal of the wire, which `Intl` takes as it is: never through a double. */
function decimal(text: string): Intl.StringNumericLiteral {
  return text as Intl.StringNumericLiteral;
}

/** `$1,692.84`; with `whole` without cents, for what is read at a glance. */
export function formatMoney(money: Money | null | undefined, whole = false): string {
  if (!money) return UNKNOWN;
  const format = once(`money ${money.currency} ${whole}`, () => {
    const options: Intl.NumberFormatOptions = {
      style: "currency",
      currency: money.currency,
      currencyDisplay: "narrowSymbol",
    };
    return new Intl.NumberFormat(LOCALE, whole ? { ...options, maximumFractionDigits: 0 } : options);
  });
  return format.format(decimal(money.amount));
}

/** A quantity with as many decimals as it has, three at most. */
export function formatQuantity(quantity: number | null | undefined, digits = 3): string {
  if (quantity === null || quantity === undefined) return UNKNOWN;
  const format = once(
    `quantity ${digits}`,
    () => new Intl.NumberFormat(LOCALE, { maximumFractionDigits: digits }),
  );
  // −0 is a rounding, not a quantity.
  return format.format(quantity === 0 ? 0 : quantity);
}

/** `45 %` of 0.4548. */
export function formatShare(share: number | null | undefined): string {
  if (share === null || share === undefined) return UNKNOWN;
  const format = once("share", () => new Intl.NumberFormat(LOCALE, { style: "percent" }));
  return format.format(share);
}

export function formatDays(days: number | null | undefined): string {
  if (days === null || days === undefined) return UNKNOWN;
  return `${formatQuantity(days, days >= 10 ? 0 : 1)} d`;
}

type TimeStyle = "moment" | "day" | "clock" | "second";

const TIME_STYLES: Record<TimeStyle, Intl.DateTimeFormatOptions> = {
  moment: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  day: { weekday: "short", day: "numeric", month: "short", year: "numeric" },
  clock: { hour: "2-digit", minute: "2-digit" },
  second: {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  },
};

/** A moment in a time zone (IANA). */
export function formatTime(
  time: string | Date | null | undefined,
  style: TimeStyle,
  timezone: string,
): string {
  if (!time) return UNKNOWN;
  const format = once(
    `time ${style} ${timezone}`,
    () => new Intl.DateTimeFormat(LOCALE, { ...TIME_STYLES[style], timeZone: timezone, hourCycle: "h23" }),
  );
  return format.format(typeof time === "string" ? new Date(time) : time);
}

/** `2026-03-01`: days that compare as texts. */
export function dayOf(time: string | Date, timezone: string): string {
  const format = once(
    `day ${timezone}`,
    () => new Intl.DateTimeFormat("en-CA", { timeZone: timezone, dateStyle: "short" }),
  );
  return format.format(typeof time === "string" ? new Date(time) : time);
}

const HOUR_MS = 3_600_000;

/** The moment at which the day of `time` ends in a time zone, ms since the epoch; days have 23 to 25 hours. */
export function endOfDay(time: Date, timezone: string): number {
  const day = dayOf(time, timezone);
  let before = time.getTime();
  let after = before + 26 * HOUR_MS;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (dayOf(new Date(middle), timezone) === day) before = middle;
    else after = middle;
  }
  return after;
}

const UNITS: readonly [unit: string, ms: number][] = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
];

/** `3 h`, `2 d`, `0 s`: one unit, rounded down. */
export function formatDuration(ms: number): string {
  const length = Math.abs(ms);
  for (const [unit, size] of UNITS) {
    if (length >= size) return `${Math.floor(length / size)} ${unit}`;
  }
  return "0 s";
}

/** `in 3 h`, `2 d ago`, or `now`. */
export function formatDistance(time: string, now: Date): string {
  const ms = Date.parse(time) - now.getTime();
  if (Math.abs(ms) < 1_000) return "now";
  return ms >= 0 ? `in ${formatDuration(ms)}` : `${formatDuration(ms)} ago`;
}

/** `12 decisions`, `1 decision`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${formatQuantity(count)} ${count === 1 ? one : many}`;
}

/** `Supply planner` of `supply_planner`. */
export function words(name: string): string {
  const text = name.replace(/^custom\./, "").replaceAll(/[_.]/g, " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

const TYPES: Record<string, string> = {
  shortage_now: "Short now",
  projected_stockout: "Stockout ahead",
  below_safety_stock: "Below safety stock",
  order_at_risk: "Customer order at risk",
  purchase_late: "Purchase late",
  purchase_late_predicted: "Purchase will be late",
  missing_master_data: "Master data missing",
  promotion_uncovered: "Promotion not covered",
  promotion_off_plan: "Promotion off plan",
  receipt_partial: "Received in part",
  feed_stale: "No events from a source",
};

/** What an exception is called, for people. */
export function exceptionTitle(type: ExceptionType): string {
  return TYPES[type] ?? words(type);
}

/** What an exception is about, in one line: the item and place, or whatever else it names. */
export function subjectTitle(subject: Subject): string {
  const { sku, location, supplier, po_id, order_id, transfer_id, promotion_id, action_id, source } = subject;
  const place = [sku, location].filter((part) => part !== null).join(" at ");
  const document = po_id ?? order_id ?? transfer_id ?? promotion_id ?? action_id;
  const parts = [document, place === "" ? null : place, supplier, source];
  return parts.filter((part) => part !== null).join(" · ") || words(subject.kind);
}
