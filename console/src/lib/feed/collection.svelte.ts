/**
 * The items of one topic, as they are now. Frames change a plain map; what is shown is told once per painted frame, so
 * that thousands of changes a second cost one rendering.
 */
import type { Sink } from "./connection";
import type { Stamped } from "./frames";

/** Most items of a collection; more are not taken, and `isTruncated` says so. */
export const ITEMS_MAX = 50_000;
/** Most items that are gone of which the last record is remembered. */
export const GONE_MAX = 10_000;

/** Least time between two paintings: nobody reads faster, and a list of thousands costs something to rank. */
const PAINTING_GAP_MS = 100;

/** Calls back before a painting, at once or when the gap since the last one is over. */
function paintWithGap(): (run: () => void) => void {
  let paintedAt = 0;
  return (run) => {
    const paint = () =>
      requestAnimationFrame((now) => {
        paintedAt = now;
        run();
      });
    const wait = paintedAt + PAINTING_GAP_MS - performance.now();
    if (wait > 0) setTimeout(paint, wait);
    else paint();
  };
}

export interface CollectionOptions<T> {
  key: (item: T) => string;
  /** Whether an item that came is over and therefore leaves. */
  isOver?: (item: T) => boolean;
  itemsMax?: number;
  goneMax?: number;
  /** Calls back before the next painting. */
  schedule?: (run: () => void) => void;
}

export type ChangeListener<T> = (item: T, kind: string | null, isNew: boolean) => void;

export class Collection<T extends Stamped> implements Sink<T> {
  readonly #items = new Map<string, { item: T; lsn: number }>();
  /** Records of items that left: an older frame must not bring one back. */
  readonly #gone = new Map<string, number>();
  readonly #options: Required<CollectionOptions<T>>;
  readonly #listeners = new Set<ChangeListener<T>>();
  #isScheduled = false;
  /** Rises with every painting that shows a change. */
  #version = $state(0);
  #isLoaded = $state(false);
  #isTruncated = $state(false);
  #refusal = $state<string | null>(null);
  #list = $derived.by(() => {
    void this.#version;
    return Array.from(this.#items.values(), ({ item }) => item);
  });

  constructor(options: CollectionOptions<T>) {
    this.#options = {
      isOver: () => false,
      itemsMax: ITEMS_MAX,
      goneMax: GONE_MAX,
      schedule: paintWithGap(),
      ...options,
    };
  }

  /** All items, in no order. */
  get list(): T[] {
    return this.#list;
  }

  get size(): number {
    void this.#version;
    return this.#items.size;
  }

  /** Whether the first snapshot is complete. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  /** Whether there are more than are kept. */
  get isTruncated(): boolean {
    return this.#isTruncated;
  }

  /** Why the tower does not send this, `null` if it does. */
  get refusal(): string | null {
    return this.#refusal;
  }

  get(key: string): T | undefined {
    void this.#version;
    return this.#items.get(key)?.item;
  }

  /** Calls back for every change as it comes, before it is painted. */
  onChange(listener: ChangeListener<T>): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  replace(items: T[]): void {
    this.#items.clear();
    this.#gone.clear();
    this.#isTruncated = false;
    this.#refusal = null;
    for (const item of items) this.#put(item, item.lsn);
    this.#isLoaded = true;
    this.#changed();
  }

  take(item: T, lsn: number, matches: boolean, kind: string | null): void {
    const key = this.#options.key(item);
    const known = this.#items.get(key);
    const knownLsn = known?.lsn ?? this.#gone.get(key);
    // Time alone moves states: of the same record the later frame is the newer one.
    const isState = kind === null;
    if (knownLsn !== undefined && (lsn < knownLsn || (lsn === knownLsn && !isState))) return;
    if (!matches || this.#options.isOver(item)) this.#remove(key, lsn);
    else this.#put(item, lsn);
    for (const listener of this.#listeners) listener(item, kind, known === undefined);
    this.#changed();
  }

  refuse(_code: string, detail: string): void {
    this.#refusal = detail;
  }

  /** Forgets everything: somebody else looks on. */
  clear(): void {
    this.#items.clear();
    this.#gone.clear();
    this.#isLoaded = false;
    this.#isTruncated = false;
    this.#refusal = null;
    this.#changed();
  }

  #put(item: T, lsn: number): void {
    const key = this.#options.key(item);
    if (!this.#items.has(key) && this.#items.size >= this.#options.itemsMax) {
      this.#isTruncated = true;
      return;
    }
    this.#gone.delete(key);
    this.#items.set(key, { item, lsn });
  }

  #remove(key: string, lsn: number): void {
    this.#items.delete(key);
    this.#gone.delete(key);
    this.#gone.set(key, lsn);
    if (this.#gone.size > this.#options.goneMax) {
      const oldest = this.#gone.keys().next();
      if (!oldest.done) this.#gone.delete(oldest.value);
    }
  }

  #changed(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#options.schedule(() => {
      this.#isScheduled = false;
      this.#version += 1;
    });
  }
}
