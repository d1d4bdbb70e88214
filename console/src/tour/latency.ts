/** From the click to the row: measured in this page alone, with one clock. */

import type { Subject } from "../lib/api/model";

const NAMED = /\\?"(supplier|sku|location|po_id|order_id|transfer_id)\\?"\s*:\s*\\?"([^"\\]+)/g;

/** What a step's command line is about: the names in its event. */
export function namedIn(curl: string | null): Set<string> {
  return new Set([...(curl ?? "").matchAll(NAMED)].map((match) => `${match[1]}=${match[2]}`));
}

/** Whether an exception is about one of these names; about anything, where there are none. */
export function isAbout(subject: Subject, names: Set<string>): boolean {
  if (names.size === 0) return true;
  return Object.entries(subject).some(([key, value]) => names.has(`${key}=${value}`));
}

export interface Measured {
  /** Milliseconds from the click until the first frame about it came. */
  frameMs: number;
  /** Until it was painted; `null` until then. */
  paintedMs: number | null;
  exception: string;
}

/** Waits for the first exception that rises after a click. */
export class RowWatch {
  readonly #since: number;
  readonly #names: Set<string>;
  measured: Measured | null = null;

  constructor(since: number, curl: string | null) {
    this.#since = since;
    this.#names = namedIn(curl);
  }

  /** Takes a frame of the feed that came at `at`; whether it is the one that was waited for. */
  see(frame: { kind: string; item: { id: string; subject: Subject } }, at: number): boolean {
    if (this.measured || !/^exception\.(opened|updated)$/.test(frame.kind)) return false;
    if (!isAbout(frame.item.subject, this.#names)) return false;
    this.measured = { frameMs: at - this.#since, paintedMs: null, exception: frame.item.id };
    return true;
  }

  /** It is on the screen. */
  paint(at: number): void {
    if (this.measured) this.measured = { ...this.measured, paintedMs: at - this.#since };
  }
}

/** "84 ms", "1.2 s". */
export const milliseconds = (ms: number): string =>
  ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
