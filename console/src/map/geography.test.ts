import { describe, expect, it } from "vitest";
import { allWithin, extentOf, fitted, type Point, radius } from "./geography";

const ANKENY: Point = [-93.6, 41.73];
const DAVENPORT: Point = [-90.58, 41.52];
const SIOUX_CITY: Point = [-96.4, 42.5];
const FIJI: Point = [178, -18];
const SAMOA: Point = [-172, -14];
const OSLO: Point = [10.75, 59.91];
const SYDNEY: Point = [151.2, -33.87];

describe("extentOf", () => {
  it("is the smallest that holds all points", () => {
    expect(extentOf([ANKENY, DAVENPORT, SIOUX_CITY])).toEqual({
      west: -96.4,
      width: expect.closeTo(5.82, 6),
      south: 41.52,
      north: 42.5,
    });
  });

  it("runs over the date line where that is shorter", () => {
    expect(extentOf([FIJI, SAMOA])).toEqual({ west: 178, width: 10, south: -18, north: -14 });
  });

  it("of one point has no width, and of none does not exist", () => {
    expect(extentOf([OSLO])).toEqual({ west: 10.75, width: 0, south: 59.91, north: 59.91 });
    expect(extentOf([])).toBeNull();
  });
});

describe("fitted", () => {
  const inside = (points: Point[]) => {
    const projection = fitted(points, 600, 400, 40);
    return points.map((point) => {
      const [x, y] = projection(point) ?? [Number.NaN, Number.NaN];
      return x >= 39.9 && x <= 560.1 && y >= 39.9 && y <= 360.1;
    });
  };

  it("shows every point within the padding, near together, over the date line, across the world or alone", () => {
    for (const points of [[ANKENY, DAVENPORT, SIOUX_CITY], [FIJI, SAMOA], [OSLO, SYDNEY, ANKENY], [OSLO]]) {
      expect(inside(points)).toEqual(points.map(() => true));
    }
  });

  it("puts the west to the left and the north to the top", () => {
    const projection = fitted([ANKENY, DAVENPORT, SIOUX_CITY], 600, 400, 40);
    const [west, east] = [projection(SIOUX_CITY), projection(DAVENPORT)];
    expect(west?.[0]).toBeLessThan(east?.[0] ?? 0);
    expect(west?.[1]).toBeLessThan(east?.[1] ?? 0);
  });
});

it("points are within shapes only if each of them is", () => {
  const square = {
    type: "Polygon" as const,
    coordinates: [
      [
        [-97, 40],
        [-97, 44],
        [-90, 44],
        [-90, 40],
        [-97, 40],
      ],
    ],
  };
  expect(allWithin([ANKENY, DAVENPORT], [square])).toBe(true);
  expect(allWithin([ANKENY, OSLO], [square])).toBe(false);
  expect(allWithin([], [square])).toBe(false);
});

it("a circle's area grows with the value", () => {
  expect(radius(100, 100, 0, 30)).toBe(30);
  expect(radius(25, 100, 0, 30)).toBe(15);
  expect(radius(0, 0, 4, 30)).toBe(4);
});
