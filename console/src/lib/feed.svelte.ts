/** The console's one connection to the feed, and what every view knows from it. */
import { ApiError, post } from "./api/client";
import {
  CASE_STATES_FINAL,
  type Case,
  EXCEPTION_STATES_FINAL,
  type Exception,
  type FeedStatistics,
  type FeedTicket,
} from "./api/model";
import { Collection } from "./feed/collection.svelte";
import {
  FeedConnection,
  type FeedStatus,
  type Socket,
  type SocketEvents,
  TicketError,
  type Wanted,
} from "./feed/connection";
import type { Stamped } from "./feed/frames";
import { session } from "./session.svelte";

const SUB_PROTOCOL = "tidewatch.v1";

async function ticket(): Promise<string> {
  try {
    return (await post<FeedTicket>("/api/v1/feed/tickets", {})).ticket;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status === 401 || error.status === 403) throw new TicketError("refused", error.message);
    throw new TicketError(error.status === 503 ? "recovering" : "unreachable", error.message);
  }
}

function open(oneTicket: string, events: SocketEvents): Socket {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const address = `${scheme}://${location.host}/api/v1/feed?ticket=${encodeURIComponent(oneTicket)}`;
  const socket = new WebSocket(address, SUB_PROTOCOL);
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") events.message(data);
  };
  socket.onclose = ({ code, reason }) => events.closed(code, reason);
  return socket;
}

class Feed {
  status = $state.raw<FeedStatus>({ phase: "idle" });
  /** When the tower last said anything, ms since the epoch by this machine's clock. */
  heardAt = $state<number | null>(null);

  /** Exceptions that are not over. */
  readonly exceptions = new Collection<Exception>({
    key: (item) => item.id,
    isOver: (item) => EXCEPTION_STATES_FINAL.includes(item.state),
  });
  /** Cases to be decided and being carried out. */
  readonly cases = new Collection<Case>({
    key: (item) => item.id,
    isOver: (item) => CASE_STATES_FINAL.includes(item.state),
  });
  /** The tower's numbers, once a second; `null` before the first, and for roles that may not read them. */
  stats = $state.raw<FeedStatistics | null>(null);

  readonly #connection = new FeedConnection({
    ticket,
    open,
    now: Date.now,
    random: Math.random,
    after: (ms, run) => {
      const timer = setTimeout(run, ms);
      return () => clearTimeout(timer);
    },
    statusChanged: (status) => {
      this.status = status;
      if (status.phase === "refused") session.refused = true;
    },
    heard: () => {
      this.heardAt = Date.now();
    },
  });

  constructor() {
    this.#connection.subscribe({ topic: "exceptions" }, this.exceptions);
    this.#connection.subscribe({ topic: "cases" }, this.cases);
    const show = (stats: FeedStatistics) => {
      if (stats.lsn >= (this.stats?.lsn ?? 0)) this.stats = stats;
    };
    this.#connection.subscribe<FeedStatistics>(
      { topic: "stats" },
      // Its time and rates move on while no record comes: one of the same record is newer all the same.
      {
        replace: ([stats]) => {
          this.stats = stats ?? null;
        },
        take: show,
        refuse: () => {},
      },
    );
  }

  start(): void {
    this.#connection.start();
  }

  /** Forgets all that was shown. */
  stop(): void {
    this.#connection.stop();
    this.exceptions.clear();
    this.cases.clear();
    this.stats = null;
    this.heardAt = null;
  }

  retryNow(): void {
    this.#connection.retryNow();
  }

  /**
   * Keeps `collection` up to date while the calling component lives:
   *
   *     $effect(() => feed.follow({ topic: "suppliers" }, suppliers));
   */
  follow<T extends Stamped>(wanted: Wanted, collection: Collection<T>): () => void {
    return this.#connection.subscribe(wanted, collection);
  }
}

export const feed = new Feed();
