/**
 * A small part of the real demand in `data/iowa` as events: what cities ordered of six items in thirteen weeks of 2015. Which
 * centre serves a city, on which weekday, and all stock and purchases are derived; the weeks are moved so that the last one
 * ends today.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { gunzipSync } from "node:zlib";

const DATA = resolve(import.meta.dirname, "../../../data/iowa");
const WEEKS = { from: "2015-08-02", count: 13 };
/** The items with the largest volume in these weeks. */
const ITEMS = ["56", "17", "8", "111", "22", "352"];
const CENTRES = ["DES MOINES", "CEDAR RAPIDS", "SIOUX CITY"];
const DAY_MS = 86_400_000;
const SOURCE = "e2e/iowa";
/** Days that the stock of a SKU-location lasts, in turn: some run short before anything can come, … */
const COVER_DAYS = [3, 45, 60, 6, 50];
/** … and those that last so long have a purchase under way, which comes in time. */
const COVER_WITH_PURCHASE_DAYS = 6;

const rowsOf = (text) =>
  text
    .trim()
    .split("\n")
    .slice(1)
    .map((line) => line.split(","));

export const place = (city) => `dc-${city.toLowerCase().replaceAll(" ", "-")}`;

let made = 0;
/** One event; `at` in ms since the epoch. */
export function event(type, data, at = Date.now()) {
  made += 1;
  return {
    specversion: "1.0",
    id: `e2e-${process.pid}-${made}`,
    source: SOURCE,
    type,
    time: new Date(at).toISOString(),
    data,
  };
}

/** Litres and dollars by SKU, centre and week. */
function demand() {
  const cities = new Map(
    rowsOf(readFileSync(resolve(DATA, "cities.csv"), "utf8")).map(([id, name, , lat, lon]) => [
      id,
      { name, lat: Number(lat), lon: Number(lon) },
    ]),
  );
  const centres = [...cities.values()].filter(({ name }) => CENTRES.includes(name));
  const nearest = ({ lat, lon }) =>
    centres.reduce((best, centre) =>
      Math.hypot(centre.lat - lat, centre.lon - lon) < Math.hypot(best.lat - lat, best.lon - lon)
        ? centre
        : best,
    );
  const names = new Map(rowsOf(readFileSync(resolve(DATA, "items.csv"), "utf8")).map((row) => [row[0], row]));
  const start = Date.parse(WEEKS.from);
  const sums = new Map();
  for (const [week, item, city, litres, dollars] of rowsOf(
    gunzipSync(readFileSync(resolve(DATA, "orders.csv.gz"))).toString(),
  )) {
    const index = Math.floor((Date.parse(week) - start) / (7 * DAY_MS));
    if (index < 0 || index >= WEEKS.count || !ITEMS.includes(item)) continue;
    const centre = nearest(cities.get(city)).name;
    const key = `${item}/${centre}`;
    const sum = sums.get(key) ?? { item, centre, litres: Array(WEEKS.count).fill(0), dollars: 0 };
    sum.litres[index] += Number(litres);
    sum.dollars += Number(dollars);
    sums.set(key, sum);
  }
  const places = [...sums.values()].sort((a, b) => (a.item + a.centre < b.item + b.centre ? -1 : 1));
  return { centres, names, places };
}

/** The events of the history; SKU-locations come in `places`. */
export function history(now = Date.now()) {
  const { centres, names, places } = demand();
  const start = now - WEEKS.count * 7 * DAY_MS;
  const events = centres.map(({ name, lat, lon }) =>
    event(
      "location.described",
      { location: place(name), name: `Centre ${name}`, kind: "dc", path: ["IOWA", name], lat, lon },
      start,
    ),
  );
  const suppliers = new Set();
  const skus = new Set();
  places.forEach(({ item, centre, litres, dollars }, turn) => {
    const [, name, brand] = names.get(item);
    const sku = `item-${item}`;
    const location = place(centre);
    const supplier = brand.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    const total = litres.reduce((sum, week) => sum + week, 0);
    if (!suppliers.has(supplier)) {
      suppliers.add(supplier);
      events.push(
        event(
          "supplier.described",
          { supplier, name: brand, lead_time_days: 8, lead_time_sd_days: 1, country: "US" },
          start,
        ),
      );
    }
    if (!skus.has(sku)) {
      skus.add(sku);
      const price = dollars / total;
      const [unit_price, unit_cost] = [price.toFixed(2), (price / 1.5).toFixed(2)];
      events.push(
        event(
          "item.described",
          { sku, name, brand, unit_price, unit_cost, currency: "USD", uom: "litre" },
          start,
        ),
      );
    }
    const sourced = { sku, location, source: { kind: "supplier", id: supplier }, rank: 1, lead_time_days: 8 };
    events.push(event("sourcing.set", sourced, start));
    const daily = total / (WEEKS.count * 7);
    const cover = COVER_DAYS[turn % COVER_DAYS.length];
    const left = daily * cover;
    events.push(event("inventory.counted", { sku, location, on_hand: Math.round(total + left) }, start));
    litres.forEach((week, index) => {
      for (let day = 0; day < 5; day += 1) {
        const quantity = Math.round(week / 5);
        if (quantity === 0) continue;
        const at = start + (index * 7 + day) * DAY_MS + 3_600_000;
        events.push(event("pos.sale", { sku, location, quantity }, at));
      }
    });
    if (cover === COVER_WITH_PURCHASE_DAYS) {
      const [quantity, promised_at] = [Math.round(daily * 60), new Date(now + 3 * DAY_MS).toISOString()];
      const purchase = {
        po_id: `PO-${turn}`,
        supplier,
        currency: "USD",
        lines: [{ line_id: "1", sku, location, quantity, promised_at }],
      };
      events.push(event("purchase_order.placed", purchase, now - 5 * DAY_MS));
      events.push(event("purchase_order.acknowledged", purchase, now - 4 * DAY_MS));
    }
  });
  return {
    events,
    places: places.map(({ item, centre }) => ({ sku: `item-${item}`, location: place(centre) })),
  };
}

/**
 * A SKU-location of its own that is about to run out, and a customer's order of `quantity` that can't be served: enough at
 * risk for a case.
 */
export function runOut(sku, { quantity = 400, now = Date.now(), location = "store-1" } = {}) {
  const start = now - 14 * DAY_MS;
  const supplier = `maker-of-${sku}`;
  const events = [
    event(
      "item.described",
      { sku, name: `Winter jacket ${sku}`, unit_cost: "20.00", unit_price: "50.00", currency: "USD" },
      start,
    ),
    event(
      "location.described",
      { location, name: "Store 1", kind: "store", path: ["IOWA", "POLK"], lat: 41.6, lon: -93.6 },
      start,
    ),
    event(
      "supplier.described",
      { supplier, name: "Jacket maker", lead_time_days: 2, lead_time_sd_days: 0.5 },
      start,
    ),
    event(
      "sourcing.set",
      {
        sku,
        location,
        source: { kind: "supplier", id: supplier },
        rank: 1,
        lead_time_days: 2,
        unit_cost: "20.00",
      },
      start,
    ),
    event("inventory.counted", { sku, location, on_hand: 3_000 }, start),
  ];
  for (let day = 0; day < 14; day += 1) {
    events.push(event("pos.sale", { sku, location, quantity: 200 }, start + day * DAY_MS + 3_600_000));
  }
  return [...events, order(sku, quantity, { location, now })];
}

/** A customer's order. */
export function order(sku, quantity, { location = "store-1", now = Date.now(), id = `O-${made}` } = {}) {
  return event("order.placed", { order_id: id, line_id: "1", sku, location, quantity, customer: "C1" }, now);
}

/** Something is short at once: one row of the queue for each. */
export function short(sku, { quantity = 5, location = "store-1" } = {}) {
  return [
    event("item.described", {
      sku,
      name: `Item ${sku}`,
      unit_cost: "2.00",
      unit_price: "5.00",
      currency: "USD",
    }),
    event("location.described", { location, name: "Store 1", kind: "store" }),
    event("inventory.counted", { sku, location, on_hand: 0 }),
    order(sku, quantity, { location, id: `O-${sku}` }),
  ];
}
