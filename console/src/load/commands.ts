/** The commands that the load page shows. */

export interface Kind {
  name: string;
  required: string[];
  optional: string[];
  /** What the tower can say with it. */
  gives: string;
}

/** The columns are the fields of the events that they become. */
export const KINDS: Kind[] = [
  {
    name: "items",
    required: ["sku"],
    optional: ["name", "unit_price", "unit_cost", "currency", "pack", "shelf_life_days"],
    gives: "What a shortage costs, whole packs, names instead of numbers.",
  },
  {
    name: "locations",
    required: ["location"],
    optional: ["name", "kind", "lat", "lon", "timezone"],
    gives: "Stores, centres and the map.",
  },
  {
    name: "stock",
    required: ["sku", "location", "on_hand"],
    optional: ["time"],
    gives: "What is there: the place is live from here on.",
  },
  {
    name: "orders",
    required: ["order_id", "sku", "location", "quantity"],
    optional: ["line_id", "customer", "promised_at", "unit_price"],
    gives: "Demand, reservations, and which customer is at risk.",
  },
  {
    name: "suppliers",
    required: ["supplier"],
    optional: ["name", "lead_time_days", "lead_time_sd_days"],
    gives: "Lead times: reorder points, and by when to decide.",
  },
];

export const SAMPLE = `mkdir -p my-data
cat > my-data/items.csv <<'END'
sku,name,unit_price,unit_cost,currency
A-1,Oat milk 1 l,2.19,1.20,EUR
END
cat > my-data/stock.csv <<'END'
sku,location,on_hand
A-1,berlin-3,40
END`;

/** Where `tidewatch serve` listens when it is not told. */
export const OWN_TOWER = "http://127.0.0.1:8080";

export interface Commands {
  /** Starting a tower, where the one that shows the page is not to stay. */
  serve: string | null;
  /** Making a key, where one is needed. */
  key: string | null;
  dryRun: string;
  dryRunOne: string;
  load: string;
}

/** For the tower that shows the page, or for one's own beside a demo, which is gone when it ends. */
export function commands(origin: string, isDev: boolean, isDemo: boolean): Commands {
  const url = isDemo ? OWN_TOWER : origin;
  return {
    serve: isDemo ? "tidewatch serve --dev --data my-tower" : null,
    key:
      isDev || isDemo
        ? null
        : 'tidewatch keys create --name loader --role integration\nexport TIDEWATCH_KEY="the key that it prints"',
    dryRun: `tidewatch import my-data --to ${url} --dry-run`,
    dryRunOne: `tidewatch import articles.csv --kind items --to ${url} --dry-run`,
    load: `tidewatch import my-data --to ${url}`,
  };
}
