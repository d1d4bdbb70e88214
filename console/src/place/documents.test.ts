import { expect, it } from "vitest";
import type { Order, PurchaseOrder, Transfer } from "../lib/api/model";
import { openOrderLines, openPurchaseLines, openTransferLines } from "./documents";

const PLACE = { sku: "jack", location: "ankeny" };

function line(fields: object): object {
  return {
    line_id: "1",
    sku: "jack",
    location: "ankeny",
    promised_at: null,
    expected_at: null,
    open: 5,
    ...fields,
  };
}

it("order lines are those of the place with something open, the soonest promise first", () => {
  const orders = [
    { order_id: "late", lines: [line({ promised_at: "2015-10-09T00:00:00Z" })] },
    {
      order_id: "mixed",
      lines: [
        line({ line_id: "1", open: 0 }),
        line({ line_id: "2", open: null }),
        line({ line_id: "3", location: "davenport" }),
        line({ line_id: "4", promised_at: "2015-10-06T00:00:00Z" }),
        line({ line_id: "5", sku: "fireball" }),
      ],
    },
    { order_id: "unpromised", lines: [line({})] },
  ] as unknown as Order[];
  expect(openOrderLines(orders, PLACE).map(({ order_id, line_id }) => [order_id, line_id])).toEqual([
    ["mixed", "4"],
    ["late", "1"],
    ["unpromised", "1"],
  ]);
});

it("purchase lines are ordered by when they are expected", () => {
  const orders = [
    { po_id: "b", lines: [line({ expected_at: "2015-10-20T00:00:00Z" })] },
    { po_id: "a", lines: [line({ expected_at: "2015-10-12T00:00:00Z" }), line({ open: 0 })] },
  ] as unknown as PurchaseOrder[];
  expect(openPurchaseLines(orders, PLACE).map(({ po_id }) => po_id)).toEqual(["a", "b"]);
});

it("a transfer line is shown at both of its ends, and nowhere else", () => {
  const transfers = [
    { transfer_id: "in", lines: [line({ from: "davenport", to: "ankeny" })] },
    { transfer_id: "out", lines: [line({ from: "ankeny", to: "waterloo" })] },
    { transfer_id: "elsewhere", lines: [line({ from: "davenport", to: "waterloo" })] },
  ] as unknown as Transfer[];
  expect(
    openTransferLines(transfers, PLACE).map(({ transfer_id, direction }) => [transfer_id, direction]),
  ).toEqual([
    ["in", "in"],
    ["out", "out"],
  ]);
});
