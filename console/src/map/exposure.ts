/** What is at risk at each location, from the open exceptions. */

import type { Exception, Location } from "../lib/api/model";

const RANK = { low: 1, medium: 2, high: 3, critical: 4 } as const;
type Severity = keyof typeof RANK;

/** The open exceptions of one location taken together. */
export interface Exposure {
  location: string;
  name: string | null;
  kind: string | null;
  coordinates: [longitude: number, latitude: number] | null;
  /** Sum of the exceptions' value at risk in the base currency. Exceptions of one place may be about the same goods. */
  amount: number;
  exceptions: number;
  severity: Severity | null;
}

type Described = Pick<Location, "location" | "name" | "kind" | "lat" | "lon">;
type Open = Pick<Exception, "subject" | "severity" | "value_at_risk">;

function isCoordinate(latitude: unknown, longitude: unknown): boolean {
  return (
    typeof latitude === "number" &&
    typeof longitude === "number" &&
    Math.abs(latitude) <= 90 &&
    Math.abs(longitude) <= 180
  );
}

/**
 * One exposure for each location that is described or has an open exception, the greatest value first, then by
 * the number of exceptions, then by name.
 */
export function exposures(locations: Iterable<Described>, exceptions: Iterable<Open>): Exposure[] {
  const byLocation = new Map<string, Exposure>();
  for (const described of locations) {
    const { lat, lon } = described;
    byLocation.set(described.location, {
      location: described.location,
      name: described.name,
      kind: described.kind,
      coordinates: isCoordinate(lat, lon) ? [lon as number, lat as number] : null,
      amount: 0,
      exceptions: 0,
      severity: null,
    });
  }
  for (const exception of exceptions) {
    const { location } = exception.subject;
    if (typeof location !== "string") continue;
    let found = byLocation.get(location);
    if (!found) {
      found = {
        location,
        name: null,
        kind: null,
        coordinates: null,
        amount: 0,
        exceptions: 0,
        severity: null,
      };
      byLocation.set(location, found);
    }
    found.exceptions += 1;
    found.amount += Number(exception.value_at_risk?.amount ?? 0);
    const severity = exception.severity as Severity;
    if (!found.severity || RANK[severity] > RANK[found.severity]) found.severity = severity;
  }
  return [...byLocation.values()].sort(
    (left, right) =>
      right.amount - left.amount ||
      right.exceptions - left.exceptions ||
      left.location.localeCompare(right.location),
  );
}
