/**
 * One WebSocket for everything that is shown live.
 *
 * A subscription is of one topic. It outlives the socket: after a drop it is made again, a gapless one from the last
 * position on, so that nothing is missing and nothing is loaded twice. Nothing here knows of the browser: the socket, the
 * ticket, time and chance are handed in.
 */
import { type Frame, framesOf, GAPLESS, type Stamped, type Topic } from "./frames";

export type FeedStatus =
  /** Nobody wants anything, or nobody is signed in. */
  | { phase: "idle" }
  | { phase: "connecting" }
  | { phase: "live" }
  /** The connection was lost; the next attempt comes at `retryAt` (ms). */
  | { phase: "lost"; retryAt: number; why: string }
  /** The tower is there and says that it recovers or drains. */
  | { phase: "recovering"; retryAt: number; why: string }
  /** The tower does not take the credentials. */
  | { phase: "refused"; why: string };

/** What a subscriber does with what comes. */
export interface Sink<T extends Stamped = Stamped> {
  /** All there is: whatever was known before is forgotten. */
  replace(items: T[]): void;
  /** One item as it is after record `lsn`; `matches` false: it is no longer among what was asked for. */
  take(item: T, lsn: number, matches: boolean, kind: string | null): void;
  /** What was asked for is refused, a wrong filter for one. */
  refuse(code: string, detail: string): void;
}

export interface Wanted {
  topic: Topic;
  /** A condition, as `docs/feed.md` tells. */
  where?: string;
}

/** A socket that is opening or open. */
export interface Socket {
  send(text: string): void;
  close(): void;
}

/** What becomes of a socket. */
export interface SocketEvents {
  message(text: string): void;
  closed(code: number, reason: string): void;
}

/** Why no ticket was given. */
export class TicketError extends Error {
  readonly kind: "unreachable" | "recovering" | "refused";

  constructor(kind: TicketError["kind"], message: string) {
    super(message);
    this.kind = kind;
  }
}

export interface World {
  /** @throws {TicketError} */
  ticket(): Promise<string>;
  open(ticket: string, events: SocketEvents): Socket;
  now(): number;
  /** From 0 up to 1. */
  random(): number;
  after(ms: number, run: () => void): () => void;
  statusChanged(status: FeedStatus): void;
  /** A message came. */
  heard(): void;
}

/** The tower pings every 15 s; a socket that says nothing for so long is dead. */
export const SILENCE_MAX_MS = 40_000;
export const BACKOFF_FIRST_MS = 250;
export const BACKOFF_MAX_MS = 5_000;
/** The tower closes a socket that can't keep up, and says where to go on. */
const CLOSE_TOO_SLOW = 4008;
const CLOSE_RESTART = 1012;

interface Subscription {
  id: string;
  wanted: Wanted;
  sink: Sink;
  /** Up to here everything is known; `null` until the snapshot is complete, and for topics of states. */
  position: string | null;
  /** Pages of a snapshot that is not complete yet. */
  pages: Stamped[] | null;
}

/** How long to wait before attempt `attempt` (from 0): doubling, and spread so that many pages don't come back at once. */
export function backoffMs(attempt: number, random: number): number {
  const ceiling = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 16));
  return Math.round(ceiling * (0.5 + random / 2));
}

export class FeedConnection {
  readonly #world: World;
  readonly #subscriptions = new Map<string, Subscription>();
  #socket: Socket | null = null;
  #isOpening = false;
  /** The tower has said hello: from then on it can be asked. */
  #isLive = false;
  #isStopped = true;
  #nextId = 1;
  #attempt = 0;
  #cancelRetry: (() => void) | null = null;
  #cancelSilence: (() => void) | null = null;
  #epoch: string | null = null;

  constructor(world: World) {
    this.#world = world;
  }

  /** Adds a subscription; the answer takes it away again. */
  subscribe<T extends Stamped>(wanted: Wanted, sink: Sink<T>): () => void {
    const id = `q${this.#nextId++}`;
    // The topic says what the items are.
    const subscription: Subscription = {
      id,
      wanted,
      sink: sink as unknown as Sink,
      position: null,
      pages: null,
    };
    this.#subscriptions.set(id, subscription);
    if (this.#isLive) this.#ask(subscription);
    else this.#open();
    return () => {
      if (!this.#subscriptions.delete(id)) return;
      this.#send({ type: "unsubscribe", id });
    };
  }

  /** Connects, and stays connected. */
  start(): void {
    this.#isStopped = false;
    this.#open();
  }

  /** Ends the socket and forgets what was known: somebody else looks on. */
  stop(): void {
    this.#isStopped = true;
    this.#drop();
    for (const subscription of this.#subscriptions.values()) this.#forget(subscription);
    this.#world.statusChanged({ phase: "idle" });
  }

  /** Tries now instead of later. */
  retryNow(): void {
    if (this.#cancelRetry === null) return;
    this.#cancelRetry();
    this.#cancelRetry = null;
    this.#open();
  }

  #open(): void {
    const isUnderWay = this.#isOpening || this.#socket !== null || this.#cancelRetry !== null;
    if (this.#isStopped || isUnderWay || this.#subscriptions.size === 0) return;
    this.#isOpening = true;
    // While it comes back, why it went is what there is to say.
    if (this.#attempt === 0) this.#world.statusChanged({ phase: "connecting" });
    this.#world.ticket().then(
      (ticket) => {
        this.#isOpening = false;
        if (!this.#isStopped) this.#connect(ticket);
      },
      (error: unknown) => {
        this.#isOpening = false;
        if (this.#isStopped) return;
        const kind = error instanceof TicketError ? error.kind : "unreachable";
        const why = error instanceof Error ? error.message : String(error);
        if (kind === "refused") {
          this.#isStopped = true;
          this.#world.statusChanged({ phase: "refused", why });
        } else this.#retry(kind === "recovering" ? "recovering" : "lost", why);
      },
    );
  }

  #connect(ticket: string): void {
    const socket = this.#world.open(ticket, {
      message: (text) => {
        if (socket !== this.#socket) return;
        this.#world.heard();
        this.#watchSilence();
        for (const frame of framesOf(text)) this.#take(frame);
      },
      closed: (code, reason) => {
        if (socket !== this.#socket) return;
        if ((code === CLOSE_TOO_SLOW || code === CLOSE_RESTART) && reason !== "") this.#continueFrom(reason);
        this.#drop();
        this.#retry("lost", code === CLOSE_RESTART ? "the tower stopped" : `the connection ended (${code})`);
      },
    });
    this.#socket = socket;
    this.#watchSilence();
  }

  #take(frame: Frame): void {
    if (frame.type === "hello") {
      // Positions of another journal mean nothing in this one.
      if (this.#epoch !== null && this.#epoch !== frame.epoch) {
        for (const subscription of this.#subscriptions.values()) this.#forget(subscription);
      }
      this.#epoch = frame.epoch;
      this.#isLive = true;
      this.#attempt = 0;
      this.#world.statusChanged({ phase: "live" });
      for (const subscription of this.#subscriptions.values()) this.#ask(subscription);
      return;
    }
    if (frame.type === "ping") {
      this.#send({ type: "pong" });
      this.#continueFrom(frame.position);
      return;
    }
    // One that was taken away may still have frames under way.
    const subscription = frame.id === null ? undefined : this.#subscriptions.get(frame.id);
    if (!subscription) return;
    switch (frame.type) {
      case "subscribed":
        if (!frame.recovered) this.#forget(subscription);
        break;
      case "snapshot":
        subscription.pages = [...(subscription.pages ?? []), ...frame.items];
        if (frame.last) {
          subscription.sink.replace(subscription.pages);
          subscription.pages = null;
          if (GAPLESS.includes(frame.topic)) subscription.position = frame.position;
        }
        break;
      case "event":
        subscription.sink.take(frame.item, frame.lsn, frame.matches !== false, frame.kind);
        if (subscription.position !== null) subscription.position = frame.position;
        break;
      case "state":
        // Of a state the frame alone says which record it shows.
        frame.item.lsn = frame.lsn;
        subscription.sink.take(frame.item, frame.lsn, frame.matches !== false, null);
        break;
      case "error":
        subscription.sink.refuse(frame.code, frame.detail);
        break;
    }
  }

  /** Everything up to `position` has come, for all that are complete. */
  #continueFrom(position: string): void {
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.position !== null) subscription.position = position;
    }
  }

  #forget(subscription: Subscription): void {
    subscription.position = null;
    subscription.pages = null;
  }

  #ask(subscription: Subscription): void {
    // What came of a snapshot that was cut short is no basis to go on from.
    subscription.pages = null;
    const { id, position, wanted } = subscription;
    this.#send({
      type: "subscribe",
      id,
      topics: [wanted.topic],
      snapshot: true,
      ...(wanted.where === undefined ? {} : { where: wanted.where }),
      ...(position === null ? {} : { since: position }),
    });
  }

  #send(frame: object): void {
    if (this.#isLive) this.#socket?.send(JSON.stringify(frame));
  }

  #watchSilence(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = this.#world.after(SILENCE_MAX_MS, () => {
      this.#drop();
      this.#retry("lost", "the tower has been silent");
    });
  }

  #drop(): void {
    this.#cancelSilence?.();
    this.#cancelSilence = null;
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    const socket = this.#socket;
    // What it still says is no longer listened to.
    this.#socket = null;
    this.#isLive = false;
    socket?.close();
  }

  #retry(phase: "lost" | "recovering", why: string): void {
    if (this.#isStopped || this.#cancelRetry) return;
    const wait = backoffMs(this.#attempt++, this.#world.random());
    this.#world.statusChanged({ phase, retryAt: this.#world.now() + wait, why });
    this.#cancelRetry = this.#world.after(wait, () => {
      this.#cancelRetry = null;
      this.#open();
    });
  }
}
