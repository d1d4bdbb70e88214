import { expect, it } from "vitest";
import { bytesText, secondsText } from "./format";

it("sizes", () => {
  expect([0, 999, 728_564_577, 1.5e12, null].map(bytesText)).toEqual([
    "0 B",
    "999 B",
    "728.6 MB",
    "1.5 TB",
    "–",
  ]);
});

it("lengths of time", () => {
  expect([0.0035, 0.25, 12.04, 126, Number.POSITIVE_INFINITY].map(secondsText)).toEqual([
    "3.5 ms",
    "250 ms",
    "12 s",
    "2.1 min",
    "∞",
  ]);
});
