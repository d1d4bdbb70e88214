import { expect, it } from "vitest";
import { exposures } from "./exposure";

const ANKENY = { location: "ankeny", name: "Ankeny", kind: "dc" as const, lat: 41.73, lon: -93.6 };
const WEB = { location: "web", name: null, kind: "web" as const, lat: null, lon: null };

let others = 0;

function exception(location: string | null, amount: string | null, severity: "low" | "high" = "low") {
  others += 1;
  return {
    type: "shortage_now" as const,
    subject: { location, sku: `A${others}`, po_id: null } as never,
    severity,
    value_at_risk: amount === null ? null : { amount, currency: "USD" },
  };
}

it("adds up what is at risk at each location and keeps the gravest severity", () => {
  const found = exposures(
    [WEB, ANKENY],
    [exception("ankeny", "12.50"), exception("ankeny", "7.25", "high"), exception("ankeny", null)],
    "USD",
  );
  expect(found).toEqual([
    {
      location: "ankeny",
      name: "Ankeny",
      kind: "dc",
      coordinates: [-93.6, 41.73],
      value: { amount: "19.75", currency: "USD" },
      exceptions: 3,
      severity: "high",
    },
    {
      location: "web",
      name: null,
      kind: "web",
      coordinates: null,
      value: { amount: "0.00", currency: "USD" },
      exceptions: 0,
      severity: null,
    },
  ]);
});

it("counts the same goods once", () => {
  const short = exception("ankeny", "12.50");
  const atRisk = { ...exception("ankeny", "20"), type: "order_at_risk" as const, subject: short.subject };
  const [found] = exposures([ANKENY], [short, atRisk], "USD");
  expect([found?.value.amount, found?.exceptions]).toEqual(["20.00", 2]);
});

it("lists a location that nobody described, and leaves out what is about no location", () => {
  const found = exposures([], [exception("nowhere", "5"), exception(null, "99")], "USD");
  expect(found.map(({ location, coordinates, value }) => [location, coordinates, value.amount])).toEqual([
    ["nowhere", null, "5.00"],
  ]);
});

it("does not put a location with half a coordinate on the map", () => {
  expect(exposures([{ ...ANKENY, lon: null }], [], "USD")[0]?.coordinates).toBeNull();
  expect(exposures([{ ...ANKENY, lat: 141 }], [], "USD")[0]?.coordinates).toBeNull();
});
