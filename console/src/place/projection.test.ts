import { describe, expect, it } from "vitest";
import type { Projection } from "../lib/api/model";
import { columns, dayPosition, isShort, outlook, startingHorizon } from "./projection";

/** Days from 2015-10-05 in Chicago (UTC−5), with these balances and receipts. */
function projection(
  balances: number[],
  receipts: number[] = [],
  windows: [string, string][] = [],
): Projection {
  return {
    sku: "winter-jack",
    location: "dc-ankeny",
    projected_stockout_at: null,
    days: balances.map((balance, index) => {
      const start = Date.UTC(2015, 9, 5 + index, 5);
      return {
        day: new Date(start).toISOString().slice(0, 10),
        from: new Date(start).toISOString(),
        until: new Date(start + 86_400_000).toISOString(),
        receipts: receipts[index] ?? 0,
        demand: 10,
        balance,
        p10: balance - 5,
        p90: balance + 5,
      };
    }),
    shortage_windows: windows.map(([from, until]) => ({ from, until })),
    failed_at: null,
    lsn: 1,
    position: "p-1",
    as_of: "2015-10-05T05:00:00Z",
  };
}

const SHORT_ON_THE_7TH_AND_8TH: [string, string] = ["2015-10-07T05:00:00Z", "2015-10-09T05:00:00Z"];

describe("columns", () => {
  it("stand at midnight UTC of the local day", () => {
    expect(columns(projection([10, 0]), 90).x).toEqual([1444003200, 1444089600]);
    expect(dayPosition("2015-10-05")).toBe(1444003200);
  });

  it("end with the horizon", () => {
    expect(columns(projection([30, 20, 10]), 2)).toMatchObject({
      days: ["2015-10-05", "2015-10-06"],
      balance: [30, 20],
      p10: [25, 15],
      p90: [35, 25],
    });
  });

  it("shade exactly the days that end short", () => {
    const { shortages } = columns(projection([20, 10, 0, -10, 80], [], [SHORT_ON_THE_7TH_AND_8TH]), 90);
    const noon = (day: number) => Date.UTC(2015, 9, day, 12) / 1000;
    expect(shortages).toEqual([{ from: noon(6), until: noon(8) }]);
  });

  it("leave out a shortage beyond the horizon", () => {
    expect(columns(projection([20, 10, 0], [], [SHORT_ON_THE_7TH_AND_8TH]), 2).shortages).toEqual([]);
  });
});

describe("startingHorizon", () => {
  const flat = Array.from({ length: 90 }, () => 100);

  it("is six weeks without a shortage, or with an early one", () => {
    expect(startingHorizon(projection(flat))).toBe(42);
    expect(startingHorizon(projection(flat, [], [SHORT_ON_THE_7TH_AND_8TH]))).toBe(42);
  });

  it("is everything when the shortage comes late", () => {
    expect(startingHorizon(projection(flat, [], [["2015-11-20T05:00:00Z", "2015-11-25T05:00:00Z"]]))).toBe(
      90,
    );
  });
});

describe("outlook", () => {
  it("names the shortage by its first and last day, and the lowest balance", () => {
    const short = projection([20, 10, -4, -14, 76], [0, 0, 0, 0, 100], [SHORT_ON_THE_7TH_AND_8TH]);
    expect(outlook(short, 15)).toEqual({
      belowReorderPoint: "2015-10-06",
      isBelowReorderPoint: false,
      shortage: { first: "2015-10-07", last: "2015-10-08", endsWithin: true },
      shortAgainFrom: null,
      lowest: { day: "2015-10-08", balance: -14 },
      receipts: { quantity: 100, days: 1 },
    });
  });

  it("does not say that a shortage ends where the projection ends", () => {
    const short = projection([20, 10, -4], [], [["2015-10-07T05:00:00Z", "2015-10-08T05:00:00Z"]]);
    expect(outlook(short, 0).shortage?.endsWithin).toBe(false);
  });

  it("names the beginning of a second shortage", () => {
    const short = projection(
      [-1, 5, -2],
      [],
      [
        ["2015-10-05T05:00:00Z", "2015-10-06T05:00:00Z"],
        ["2015-10-07T05:00:00Z", "2015-10-08T05:00:00Z"],
      ],
    );
    expect(outlook(short, 0)).toMatchObject({
      shortage: { first: "2015-10-05", last: "2015-10-05", endsWithin: true },
      shortAgainFrom: "2015-10-07",
    });
  });

  it("tells being below the reorder point from coming below it", () => {
    expect(outlook(projection([20, 10]), 50)).toMatchObject({
      belowReorderPoint: null,
      isBelowReorderPoint: true,
    });
    expect(outlook(projection([20, 10]), 5)).toMatchObject({
      belowReorderPoint: null,
      isBelowReorderPoint: false,
    });
  });
});

it("a day is short within a window alone", () => {
  const short = projection([20, 10, 0, -10, 80], [], [SHORT_ON_THE_7TH_AND_8TH]);
  expect(short.days.map(({ day }) => isShort(short, day))).toEqual([false, false, true, true, false]);
});
