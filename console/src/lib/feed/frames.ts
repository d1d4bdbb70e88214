/** The frames of sub-protocol `tidewatch.v1`, as `docs/feed.md` tells them. */

export type Topic = "exceptions" | "cases" | "sku_locations" | "suppliers" | "stats";

/** Topics of which no event is missing, and which can be continued after a position. */
export const GAPLESS: readonly Topic[] = ["exceptions", "cases"];

/** Every item carries the record that last changed it. */
export interface Stamped {
  lsn: number;
}

export interface HelloFrame {
  type: "hello";
  epoch: string;
  position: string;
  server_time: string;
}

export interface SubscribedFrame {
  type: "subscribed";
  id: string;
  recovered: boolean;
  position: string;
}

export interface SnapshotFrame {
  type: "snapshot";
  id: string;
  topic: Topic;
  items: Stamped[];
  last: boolean;
  position: string;
}

export interface EventFrame {
  type: "event";
  id: string;
  topic: Topic;
  kind: string;
  lsn: number;
  position: string;
  item: Stamped;
  matches?: false;
}

export interface StateFrame {
  type: "state";
  id: string;
  topic: Topic;
  lsn: number;
  item: Stamped;
  matches?: false;
}

export interface PingFrame {
  type: "ping";
  position: string;
}

export interface ErrorFrame {
  type: "error";
  id: string | null;
  code: string;
  detail: string;
}

export type Frame =
  | HelloFrame
  | SubscribedFrame
  | SnapshotFrame
  | EventFrame
  | StateFrame
  | PingFrame
  | ErrorFrame;

/** The frames of a message: one, or an array of those that became due together. What is neither has none. */
export function framesOf(message: string): Frame[] {
  let parsed: unknown;
  try {
    parsed = JSON.parse(message);
  } catch {
    return [];
  }
  return (Array.isArray(parsed) ? parsed : [parsed]).filter(isFrame);
}

function isFrame(value: unknown): value is Frame {
  return (
    typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string"
  );
}
