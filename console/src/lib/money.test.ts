import { describe, expect, it } from "vitest";
import { compareMoney, scaled, sumMoney } from "./money";

const usd = (amount: string) => ({ amount, currency: "USD" });

describe("sums of money", () => {
  it("are exact where doubles are not", () => {
    expect(sumMoney([usd("0.10"), usd("0.20")], "USD")).toEqual(usd("0.30"));
    expect(sumMoney([usd("90071992547409931.27"), usd("0.01")], "USD")).toEqual(usd("90071992547409931.28"));
  });

  it("leave out the unknown and go below zero", () => {
    expect(sumMoney([usd("1.50"), null, usd("-4")], "USD")).toEqual(usd("-2.50"));
    expect(sumMoney([], "EUR")).toEqual({ amount: "0.00", currency: "EUR" });
  });

  it("never mix currencies", () => {
    expect(sumMoney([usd("1"), { amount: "7", currency: "EUR" }], "USD")).toEqual(usd("1.00"));
  });

  it("count what is no decimal as nothing", () => {
    expect(scaled("1e3")).toBe(0n);
  });
});

describe("the order of money", () => {
  it("is by amount, with the unknown least", () => {
    const sorted = [usd("9.50"), null, usd("10"), usd("-1")].sort(compareMoney);
    expect(sorted).toEqual([null, usd("-1"), usd("9.50"), usd("10")]);
  });
});
