import { beforeEach, describe, expect, it } from "vitest";
import {
  BACKOFF_FIRST_MS,
  BACKOFF_MAX_MS,
  backoffMs,
  FeedConnection,
  type FeedStatus,
  SILENCE_MAX_MS,
  type Sink,
  type Socket,
  type SocketEvents,
  TicketError,
  type World,
} from "./connection";
import type { Stamped } from "./frames";

/** A tower that says what a test wants it to, and time that goes when a test lets it. */
class Fake implements World {
  sockets: { sent: Record<string, unknown>[]; events: SocketEvents; isClosed: boolean }[] = [];
  statuses: FeedStatus[] = [];
  ticketError: TicketError | null = null;
  #now = 0;
  #timers: { at: number; run: () => void }[] = [];

  async ticket(): Promise<string> {
    if (this.ticketError) throw this.ticketError;
    return "a ticket";
  }

  open(_ticket: string, events: SocketEvents): Socket {
    const socket = { sent: [] as Record<string, unknown>[], events, isClosed: false };
    this.sockets.push(socket);
    return {
      send: (text) => void socket.sent.push(JSON.parse(text)),
      close: () => {
        socket.isClosed = true;
      },
    };
  }

  now(): number {
    return this.#now;
  }

  random(): number {
    return 0.5;
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((one) => one !== timer);
    };
  }

  statusChanged(status: FeedStatus): void {
    this.statuses.push(status);
  }

  heard(): void {}

  /** Lets time go on, and promises with it. */
  async pass(ms: number): Promise<void> {
    await Promise.resolve();
    await Promise.resolve();
    this.#now += ms;
    const due = this.#timers.filter((timer) => timer.at <= this.#now);
    this.#timers = this.#timers.filter((timer) => timer.at > this.#now);
    for (const timer of due) timer.run();
    await Promise.resolve();
    await Promise.resolve();
  }

  get socket() {
    const last = this.sockets.at(-1);
    if (!last) throw new Error("no socket was opened");
    return last;
  }

  say(...frames: object[]): void {
    this.socket.events.message(JSON.stringify(frames.length === 1 ? frames[0] : frames));
  }

  /** The subscriptions that the page made on the last socket. */
  get asked() {
    return this.socket.sent.filter(({ type }) => type === "subscribe");
  }
}

class Heard implements Sink {
  all: Stamped[][] = [];
  taken: { lsn: number; matches: boolean; kind: string | null }[] = [];
  refused: string[] = [];

  replace(items: Stamped[]): void {
    this.all.push(items);
  }

  take(_item: Stamped, lsn: number, matches: boolean, kind: string | null): void {
    this.taken.push({ lsn, matches, kind });
  }

  refuse(code: string): void {
    this.refused.push(code);
  }
}

const hello = { type: "hello", epoch: "e1", position: "p0", server_time: "2026-03-01T12:00:00Z" };
const snapshot = (items: Stamped[], last: boolean, position: string) => ({
  type: "snapshot",
  id: "q1",
  topic: "exceptions",
  items,
  last,
  position,
});
const event = (lsn: number, more: object = {}) => ({
  type: "event",
  id: "q1",
  topic: "exceptions",
  kind: "exception.opened",
  lsn,
  position: `p${lsn}`,
  item: { lsn },
  ...more,
});

let fake: Fake;
let heard: Heard;
let connection: FeedConnection;

beforeEach(async () => {
  fake = new Fake();
  heard = new Heard();
  connection = new FeedConnection(fake);
  connection.subscribe({ topic: "exceptions" }, heard);
  connection.start();
  await fake.pass(0);
});

/** Loses the socket and comes back. */
async function drop(code = 1006, reason = ""): Promise<void> {
  fake.socket.events.closed(code, reason);
  await fake.pass(BACKOFF_MAX_MS);
  fake.say(hello);
}

describe("the connection to the feed", () => {
  it("asks once the tower has said hello", () => {
    expect(fake.asked).toEqual([]);
    fake.say(hello);
    expect(fake.asked).toEqual([{ type: "subscribe", id: "q1", topics: ["exceptions"], snapshot: true }]);
    expect(fake.statuses.at(-1)).toEqual({ phase: "live" });
  });

  it("takes a message that is an array of frames, and a snapshot in pages as one", () => {
    fake.say(hello);
    fake.say(snapshot([{ lsn: 1 }], false, "p1"), snapshot([{ lsn: 2 }], true, "p2"), event(3));
    expect(heard.all).toEqual([[{ lsn: 1 }, { lsn: 2 }]]);
    expect(heard.taken).toEqual([{ lsn: 3, matches: true, kind: "exception.opened" }]);
  });

  it("goes on after a drop from the last position", async () => {
    fake.say(hello);
    fake.say(snapshot([], true, "p2"), event(3));
    await drop();
    expect(fake.asked[0]).toMatchObject({ id: "q1", since: "p3" });
    fake.say({ type: "subscribed", id: "q1", recovered: true, position: "p3" }, event(4));
    expect(heard.all).toHaveLength(1);
    expect(heard.taken.map(({ lsn }) => lsn)).toEqual([3, 4]);
  });

  it("goes on from a ping's position, and answers it", async () => {
    fake.say(hello);
    fake.say(snapshot([], true, "p2"));
    fake.say({ type: "ping", position: "p9" });
    expect(fake.socket.sent.at(-1)).toEqual({ type: "pong" });
    await drop();
    expect(fake.asked[0]).toMatchObject({ since: "p9" });
  });

  it("begins anew where the snapshot was cut short", async () => {
    fake.say(hello);
    fake.say(snapshot([{ lsn: 1 }], false, "p1"), { type: "ping", position: "p9" });
    await drop();
    expect(fake.asked[0]).not.toHaveProperty("since");
    fake.say(snapshot([{ lsn: 2 }], true, "p2"));
    expect(heard.all).toEqual([[{ lsn: 2 }]]);
  });

  it("takes the snapshot that follows when it can't be continued", async () => {
    fake.say(hello);
    fake.say(snapshot([{ lsn: 1 }], true, "p1"));
    await drop();
    fake.say(
      { type: "subscribed", id: "q1", recovered: false, position: "p5" },
      snapshot([{ lsn: 5 }], true, "p5"),
    );
    expect(heard.all.at(-1)).toEqual([{ lsn: 5 }]);
    await drop();
    expect(fake.asked[0]).toMatchObject({ since: "p5" });
  });

  it("does not continue in another journal", async () => {
    fake.say(hello);
    fake.say(snapshot([], true, "p2"));
    fake.socket.events.closed(1006, "");
    await fake.pass(BACKOFF_MAX_MS);
    fake.say({ ...hello, epoch: "e2" });
    expect(fake.asked[0]).not.toHaveProperty("since");
  });

  it("comes back with the position that the tower gives a client that can't keep up", async () => {
    fake.say(hello);
    fake.say(snapshot([], true, "p2"), event(3));
    await drop(4008, "p7");
    expect(fake.asked[0]).toMatchObject({ since: "p7" });
  });

  it("tells what no longer matches", () => {
    fake.say(hello);
    fake.say(snapshot([], true, "p2"), event(3, { matches: false }));
    expect(heard.taken).toEqual([{ lsn: 3, matches: false, kind: "exception.opened" }]);
  });

  it("never continues a topic of states", async () => {
    const states = new Heard();
    connection.subscribe({ topic: "suppliers", where: "late_lines > 0" }, states);
    fake.say(hello);
    fake.say({ ...snapshot([{ lsn: 1 }], true, "p1"), id: "q2", topic: "suppliers" });
    await drop();
    const asked = fake.asked.find(({ id }) => id === "q2");
    expect(asked).toEqual({
      type: "subscribe",
      id: "q2",
      topics: ["suppliers"],
      where: "late_lines > 0",
      snapshot: true,
    });
  });

  it("ignores frames of a subscription that was taken away, and says so to the tower", () => {
    const other = new Heard();
    const stop = connection.subscribe({ topic: "cases" }, other);
    fake.say(hello);
    stop();
    expect(fake.socket.sent.at(-1)).toEqual({ type: "unsubscribe", id: "q2" });
    fake.say({ ...event(3), id: "q2" });
    expect(other.taken).toEqual([]);
  });

  it("takes a socket for dead that is silent for longer than a ping may take", async () => {
    fake.say(hello);
    const { socket } = fake;
    await fake.pass(SILENCE_MAX_MS);
    expect(socket.isClosed).toBe(true);
    expect(fake.statuses.at(-1)).toMatchObject({ phase: "lost", why: "the tower has been silent" });
  });

  it("says when the tower recovers, and waits", async () => {
    fake.ticketError = new TicketError("recovering", "10 of 100 records replayed");
    fake.say(hello);
    fake.socket.events.closed(1006, "");
    await fake.pass(BACKOFF_MAX_MS);
    expect(fake.statuses.at(-1)).toMatchObject({ phase: "recovering", why: "10 of 100 records replayed" });
    fake.ticketError = null;
    await fake.pass(BACKOFF_MAX_MS);
    expect(fake.sockets).toHaveLength(2);
  });

  it("does not try again with credentials that are refused", async () => {
    fake.ticketError = new TicketError("refused", "this key was revoked");
    fake.say(hello);
    fake.socket.events.closed(1008, "");
    await fake.pass(BACKOFF_MAX_MS);
    await fake.pass(BACKOFF_MAX_MS);
    expect(fake.statuses.at(-1)).toEqual({ phase: "refused", why: "this key was revoked" });
    expect(fake.sockets).toHaveLength(1);
  });

  it("forgets everything when somebody else looks on", async () => {
    fake.say(hello);
    fake.say(snapshot([], true, "p2"));
    connection.stop();
    expect(fake.socket.isClosed).toBe(true);
    connection.start();
    await fake.pass(0);
    fake.say(hello);
    expect(fake.asked[0]).not.toHaveProperty("since");
  });

  it("ignores what is no frame", () => {
    fake.say(hello);
    for (const text of ["", "no JSON", "null", "[null, 3]", '{"kind":"x"}']) fake.socket.events.message(text);
    expect(heard.taken).toEqual([]);
  });
});

describe("waiting before the next attempt", () => {
  it("doubles up to a bound, and is spread over the upper half", () => {
    expect(backoffMs(0, 0)).toBe(BACKOFF_FIRST_MS / 2);
    expect(backoffMs(0, 1)).toBe(BACKOFF_FIRST_MS);
    expect(backoffMs(2, 1)).toBe(BACKOFF_FIRST_MS * 4);
    expect(backoffMs(1_000, 1)).toBe(BACKOFF_MAX_MS);
  });
});
