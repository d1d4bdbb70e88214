/** Exact sums of the wire's decimals. */
import type { Money } from "./api/model";

/** More decimals than any amount has. */
const SCALE = 6;

/** Units of 10⁻⁶ of a decimal; what is none counts nothing. */
export function scaled(amount: string): bigint {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(amount);
  if (!match) return 0n;
  const [, sign, whole = "0", fraction = ""] = match;
  const value = BigInt(whole + fraction.slice(0, SCALE).padEnd(SCALE, "0"));
  return sign === "-" ? -value : value;
}

function unscaled(value: bigint): string {
  const digits = (value < 0n ? -value : value).toString().padStart(SCALE + 1, "0");
  const fraction = digits.slice(-SCALE).replace(/0+$/, "").padEnd(2, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -SCALE)}.${fraction}`;
}

/** The sum, in `currency`; amounts of another currency are left out, which the tower never mixes. */
export function sumMoney(amounts: Iterable<Money | null>, currency: string): Money {
  let sum = 0n;
  for (const money of amounts) {
    if (money && money.currency === currency) sum += scaled(money.amount);
  }
  return { amount: unscaled(sum), currency };
}

/** Orders by amount; the unknown is the least. */
export function compareMoney(a: Money | null, b: Money | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  const difference = scaled(a.amount) - scaled(b.amount);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
