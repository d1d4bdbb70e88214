/** Sizes and lengths of time as a person reads them. */

import { formatQuantity, UNKNOWN } from "../lib/format";

const SIZES: readonly [size: number, unit: string][] = [
  [1e12, "TB"],
  [1e9, "GB"],
  [1e6, "MB"],
  [1e3, "kB"],
];

/** `728.6 MB`. */
export function bytesText(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  const [size, unit] = SIZES.find(([least]) => bytes >= least) ?? [1, "B"];
  return `${formatQuantity(bytes / size, 1)} ${unit}`;
}

/** `3.5 ms`, `12 s`, `2.1 min`. */
export function secondsText(seconds: number): string {
  if (!Number.isFinite(seconds)) return "∞";
  if (seconds < 1) return `${formatQuantity(seconds * 1000, seconds < 0.01 ? 2 : 0)} ms`;
  if (seconds < 120) return `${formatQuantity(seconds, 1)} s`;
  return `${formatQuantity(seconds / 60, 1)} min`;
}
