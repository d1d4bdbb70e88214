import { expect, it } from "vitest";
import { appended, HISTORY_POINTS_MAX, sparkline } from "./history";

it("keeps the newest values alone", () => {
  let values: (number | null)[] = [];
  for (let second = 0; second < 3 * HISTORY_POINTS_MAX; second += 1) values = appended(values, second);
  expect(values.length).toBe(HISTORY_POINTS_MAX);
  expect(values[0]).toBe(2 * HISTORY_POINTS_MAX);
  expect(values[values.length - 1]).toBe(3 * HISTORY_POINTS_MAX - 1);
});

it("a sparkline ends at the right edge and is as high as its largest value", () => {
  expect(sparkline([0, 5, 10], 100, 20, 11)).toEqual({
    line: "M80,20L90,10L100,0",
    area: "M80,20L90,10L100,0L100,20L80,20Z",
    largest: 10,
  });
});

it("a gap is left open", () => {
  expect(sparkline([10, null, 10], 100, 20, 11).line).toBe("M80,0M100,0");
});

it("nothing but zeros lies on the ground", () => {
  expect(sparkline([0, 0], 100, 20, 11).line).toBe("M90,20L100,20");
});
