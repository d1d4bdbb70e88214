/** The order in which the exceptions of one thing are shown. */

import type { Exception, Severity } from "../lib/api/model";

const RANKS: Record<Severity, number> = { critical: 0, high: 1, medium: 2, low: 3 };

/** By severity, then by urgency; equal ones keep their places from one frame to the next. */
export function gravestFirst<T extends Pick<Exception, "id" | "severity" | "urgency">>(
  exceptions: readonly T[],
): T[] {
  return [...exceptions].sort(
    (left, right) =>
      RANKS[left.severity] - RANKS[right.severity] ||
      right.urgency - left.urgency ||
      left.id.localeCompare(right.id),
  );
}
