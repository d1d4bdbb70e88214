import { describe, expect, it } from "vitest";
import type { Exception } from "./api/model";
import { sumLosses } from "./losses";

type About = Partial<Exception["subject"]>;

const exception = (type: Exception["type"], amount: string | null, about: About) =>
  ({
    type,
    subject: { sku: null, location: null, po_id: null, ...about },
    value_at_risk: amount === null ? null : { amount, currency: "EUR" },
  }) as Exception;
const here = { sku: "A", location: "OSLO" };
const sum = (...exceptions: Exception[]) => sumLosses(exceptions, "EUR").amount;

describe("what several exceptions put at risk", () => {
  it("counts the stock that a place lacks once, by the greatest value", () => {
    const short = exception("shortage_now", "100", here);
    expect(sum(short, exception("order_at_risk", "140.5", here))).toBe("140.50");
    expect(sum(exception("order_at_risk", "140.5", here), short)).toBe("140.50");
    expect(sum(short, exception("order_at_risk", null, here))).toBe("100.00");
  });

  it("counts a purchase order once", () => {
    const order = { po_id: "PO1" };
    const late = exception("purchase_late", "80", order);
    expect(sum(late, exception("acknowledgement_missing", "80", order))).toBe("80.00");
    expect(sum(late, exception("purchase_late", "5", { po_id: "PO2" }))).toBe("85.00");
  });

  it("adds up what is about other goods or another matter", () => {
    const short = exception("shortage_now", "100", here);
    expect(sum(short, exception("shortage_now", "1", { sku: "B", location: "OSLO" }))).toBe("101.00");
    expect(sum(short, exception("shortage_now", "1", { sku: "A", location: "BERGEN" }))).toBe("101.00");
    expect(sum(short, exception("stock_mismatch", "7", here))).toBe("107.00");
    expect(sum()).toBe("0.00");
  });
});
