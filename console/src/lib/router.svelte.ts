/** Client-side routes by hash: the server knows one page, and a link can be sent to a colleague. */

export type Route =
  | { view: "queue" }
  | { view: "exception"; id: string }
  | { view: "cases" }
  | { view: "case"; id: string }
  | { view: "places" }
  | { view: "place"; sku: string; location: string }
  | { view: "suppliers" }
  | { view: "supplier"; supplier: string }
  | { view: "map" }
  | { view: "system" }
  | { view: "load" }
  | { view: "unknown"; path: string };

/** The route that a location's hash names, `#/cases/case_1` for one. */
export function parseRoute(hash: string): Route {
  const path = hash.replace(/^#\/?/, "").replace(/\?.*$/, "");
  const segments = path.split("/").filter((segment) => segment !== "");
  let parts: string[];
  try {
    parts = segments.map(decodeURIComponent);
  } catch {
    return { view: "unknown", path };
  }
  const [first, second, third] = parts;
  switch (`${first ?? ""}/${parts.length}`) {
    case "/0":
    case "exceptions/1":
      return { view: "queue" };
    case "exceptions/2":
      return { view: "exception", id: second ?? "" };
    case "cases/1":
      return { view: "cases" };
    case "cases/2":
      return { view: "case", id: second ?? "" };
    case "places/1":
      return { view: "places" };
    case "places/3":
      return { view: "place", sku: second ?? "", location: third ?? "" };
    case "suppliers/1":
      return { view: "suppliers" };
    case "suppliers/2":
      return { view: "supplier", supplier: second ?? "" };
    case "map/1":
      return { view: "map" };
    case "system/1":
      return { view: "system" };
    case "load/1":
      return { view: "load" };
    default:
      return { view: "unknown", path };
  }
}

/** Addresses of the views, for links. */
export const href = {
  queue: () => "#/exceptions",
  exception: (id: string) => `#/exceptions/${encodeURIComponent(id)}`,
  cases: () => "#/cases",
  case: (id: string) => `#/cases/${encodeURIComponent(id)}`,
  places: () => "#/places",
  place: (sku: string, location: string) =>
    `#/places/${encodeURIComponent(sku)}/${encodeURIComponent(location)}`,
  suppliers: () => "#/suppliers",
  supplier: (supplier: string) => `#/suppliers/${encodeURIComponent(supplier)}`,
  map: () => "#/map",
  system: () => "#/system",
  load: () => "#/load",
};

class Router {
  route = $state.raw<Route>(parseRoute(globalThis.location?.hash ?? ""));

  constructor() {
    globalThis.addEventListener?.("hashchange", () => {
      this.route = parseRoute(location.hash);
    });
  }

  go(address: string): void {
    location.hash = address;
  }
}

export const router = new Router();
