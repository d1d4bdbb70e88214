/** The open lines of documents that move stock at one SKU-location. */

import type { Order, PurchaseOrder, Transfer } from "../lib/api/model";

type OrderLine = Order["lines"][number];
type PurchaseLine = PurchaseOrder["lines"][number];
type TransferLine = Transfer["lines"][number];

export interface Place {
  sku: string;
  location: string;
}

export interface OpenOrderLine extends OrderLine {
  order_id: string;
}
export interface OpenPurchaseLine extends PurchaseLine {
  po_id: string;
}
export interface OpenTransferLine extends TransferLine {
  transfer_id: string;
  direction: "in" | "out";
}

/** By time, soonest first; what has no time comes last. */
function soonest(left: string | null, right: string | null): number {
  if (left === right) return 0;
  if (left === null) return 1;
  if (right === null) return -1;
  return Date.parse(left) - Date.parse(right);
}

/** A line whose numbers were forgotten (`null`) is over. */
function isOpen(line: { open: number | null }): boolean {
  return line.open !== null && line.open > 0;
}

/** Customer order lines with something to ship from the place, the soonest promise first. */
export function openOrderLines(orders: Order[], place: Place): OpenOrderLine[] {
  return orders
    .flatMap((order) => order.lines.map((line) => ({ ...line, order_id: order.order_id })))
    .filter((line) => line.sku === place.sku && line.location === place.location && isOpen(line))
    .sort((left, right) => soonest(left.promised_at, right.promised_at));
}

/** Purchase lines with something to come to the place, the soonest arrival first. */
export function openPurchaseLines(orders: PurchaseOrder[], place: Place): OpenPurchaseLine[] {
  return orders
    .flatMap((order) => order.lines.map((line) => ({ ...line, po_id: order.po_id })))
    .filter((line) => line.sku === place.sku && line.location === place.location && isOpen(line))
    .sort((left, right) => soonest(left.expected_at, right.expected_at));
}

/** Transfer lines from or to the place that have not arrived, the soonest arrival first. */
export function openTransferLines(transfers: Transfer[], place: Place): OpenTransferLine[] {
  return transfers
    .flatMap((transfer) =>
      transfer.lines.map((line) => ({
        ...line,
        transfer_id: transfer.transfer_id,
        direction: line.to === place.location ? ("in" as const) : ("out" as const),
      })),
    )
    .filter((line) => line.sku === place.sku && (line.to === place.location || line.from === place.location))
    .filter(isOpen)
    .sort((left, right) => soonest(left.expected_at, right.expected_at));
}
