/** The last minutes of a number, for a sparkline. Bounded: the oldest value leaves when one more comes. */

/** Five minutes of one value a second. */
export const HISTORY_POINTS_MAX = 300;

/** `values` with one more at its end and at most `pointsMax` of them. `null` is a gap: the tower did not say. */
export function appended(
  values: readonly (number | null)[],
  value: number | null,
  pointsMax = HISTORY_POINTS_MAX,
): (number | null)[] {
  const start = Math.max(0, values.length + 1 - pointsMax);
  return [...values.slice(start), value];
}

/** The path of a sparkline in a box of `width` × `height`: the newest value at the right edge, 0 at the bottom. */
export function sparkline(
  values: readonly (number | null)[],
  width: number,
  height: number,
  pointsMax = HISTORY_POINTS_MAX,
): { line: string; area: string; largest: number } {
  const largest = Math.max(0, ...values.map((value) => value ?? 0));
  const step = width / (pointsMax - 1);
  const x = (index: number) => width - (values.length - 1 - index) * step;
  const y = (value: number) => (largest === 0 ? height : height - (value / largest) * height);
  let line = "";
  let area = "";
  let from: number | null = null;
  const end = (index: number) => {
    if (from !== null) area += `L${round(x(index))},${height}L${round(x(from))},${height}Z`;
    from = null;
  };
  values.forEach((value, index) => {
    if (value === null) {
      end(index - 1);
      return;
    }
    const point = `${round(x(index))},${round(y(value))}`;
    line += `${from === null ? "M" : "L"}${point}`;
    area += `${from === null ? "M" : "L"}${point}`;
    from ??= index;
  });
  end(values.length - 1);
  return { line, area, largest };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
