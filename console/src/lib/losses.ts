/** What several exceptions put at risk together: the same goods count once. */
import type { Exception, ExceptionType, Money } from "./api/model";
import { compareMoney, sumMoney } from "./money";

/** Kinds that say, each in its own way, that a place has less than is wanted there. */
const ABOUT_SHORT_STOCK: readonly ExceptionType[] = [
  "shortage_now",
  "projected_stockout",
  "below_safety_stock",
  "order_at_risk",
  "allocation_shortage",
];

type Lost = Pick<Exception, "type" | "subject" | "value_at_risk">;

/** What is lost, where others may tell of it, too. */
function loss({ type, subject }: Lost): string | null {
  if (subject.po_id !== null) return `purchase order\n${subject.po_id}`;
  if (ABOUT_SHORT_STOCK.includes(type)) return `stock\n${subject.sku}\n${subject.location}`;
  return null;
}

/** The sum of the values at risk, in `currency`; of those about the same goods the greatest counts. */
export function sumLosses(exceptions: Iterable<Lost>, currency: string): Money {
  const greatest = new Map<string, Money>();
  const others: (Money | null)[] = [];
  for (const exception of exceptions) {
    const { value_at_risk: value } = exception;
    const of = loss(exception);
    if (of === null) others.push(value);
    else if (value !== null && compareMoney(value, greatest.get(of) ?? null) > 0) greatest.set(of, value);
  }
  return sumMoney([...others, ...greatest.values()], currency);
}
