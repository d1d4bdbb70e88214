import { describe, expect, it } from "vitest";
import { href, parseRoute } from "./router.svelte";

describe("routes", () => {
  it("lead back from their addresses, whatever an id is made of", () => {
    const sku = "a/b ?#%é";
    expect(parseRoute(href.place(sku, "OSLO"))).toEqual({ view: "place", sku, location: "OSLO" });
    expect(parseRoute(href.exception("exc_1"))).toEqual({ view: "exception", id: "exc_1" });
    expect(parseRoute(href.case("case_1"))).toEqual({ view: "case", id: "case_1" });
    expect(parseRoute(href.supplier("a b"))).toEqual({ view: "supplier", supplier: "a b" });
    for (const [view, address] of Object.entries(href).filter(([, make]) => make.length === 0)) {
      expect(parseRoute((address as () => string)())).toEqual({ view });
    }
  });

  it("begin at the queue", () => {
    for (const hash of ["", "#", "#/", "#/exceptions", "#/exceptions/"]) {
      expect(parseRoute(hash)).toEqual({ view: "queue" });
    }
  });

  it("that are none are told", () => {
    for (const hash of ["#/x", "#/places/a", "#/cases/a/b", "#/exceptions/%zz"]) {
      expect(parseRoute(hash).view).toBe("unknown");
    }
  });
});
