/** What is at risk at each location, from the open exceptions. */

import type { Exception, Location, Money, Severity } from "../lib/api/model";
import { sumLosses } from "../lib/losses";
import { compareMoney } from "../lib/money";

const RANK: Record<Severity, number> = { low: 1, medium: 2, high: 3, critical: 4 };

/** The open exceptions of one location taken together. */
export interface Exposure {
  location: string;
  name: string | null;
  kind: string | null;
  coordinates: [longitude: number, latitude: number] | null;
  /** Sum of the exceptions' value at risk; the same goods count once. */
  value: Money;
  exceptions: number;
  severity: Severity | null;
}

type Described = Pick<Location, "location" | "name" | "kind" | "lat" | "lon">;
type Open = Pick<Exception, "type" | "subject" | "severity" | "value_at_risk">;

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
 * the number of exceptions, then by name. Values are in `currency`, the tenant's base currency.
 */
export function exposures(
  locations: Iterable<Described>,
  exceptions: Iterable<Open>,
  currency: string,
): Exposure[] {
  const byLocation = new Map<string, { exposure: Exposure; open: Open[] }>();
  const at = (location: string, described: Described | null) => {
    const known = byLocation.get(location);
    if (known) return known;
    const { name = null, kind = null, lat = null, lon = null } = described ?? {};
    const exposure: Exposure = {
      location,
      name,
      kind,
      coordinates: isCoordinate(lat, lon) ? [lon as number, lat as number] : null,
      value: { amount: "0.00", currency },
      exceptions: 0,
      severity: null,
    };
    const made = { exposure, open: [] };
    byLocation.set(location, made);
    return made;
  };
  for (const described of locations) at(described.location, described);
  for (const exception of exceptions) {
    const { subject, severity } = exception;
    if (subject.location === null) continue;
    const { exposure, open } = at(subject.location, null);
    open.push(exception);
    exposure.exceptions += 1;
    if (!exposure.severity || RANK[severity] > RANK[exposure.severity]) exposure.severity = severity;
  }
  const all = Array.from(byLocation.values(), ({ exposure, open }) => ({
    ...exposure,
    value: sumLosses(open, currency),
  }));
  return all.sort(
    (left, right) =>
      compareMoney(right.value, left.value) ||
      right.exceptions - left.exceptions ||
      left.location.localeCompare(right.location),
  );
}
