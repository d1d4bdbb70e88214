/** What items, locations and suppliers are called. Ids are shown where nobody said. */
import { SvelteMap } from "svelte/reactivity";
import { listAll } from "./api/client";
import { session } from "./session.svelte";

/** Most names that are kept of each kind; beyond them ids are shown. */
const NAMES_MAX = 20_000;
/** How often names are read again while ids are shown that have none. */
const READ_AGAIN_MS = 60_000;

class Names {
  readonly #path: string;
  readonly #idOf: string;
  readonly #known = new SvelteMap<string, string>();
  #readAt: number | null = null;
  #generation = -1;

  /** Names in a list of the API: `/api/v1/items`, each item's id being in the field `idOf`. */
  constructor(path: string, idOf: string) {
    this.#path = path;
    this.#idOf = idOf;
  }

  /** The name, or `null` while it is not known. */
  get(id: string): string | null {
    const name = this.#known.get(id);
    if (name === undefined && session.isReady) queueMicrotask(() => this.#read());
    return name ?? null;
  }

  #read(): void {
    const isOther = this.#generation !== session.generation;
    if (!isOther && this.#readAt !== null && Date.now() - this.#readAt < READ_AGAIN_MS) return;
    this.#readAt = Date.now();
    this.#generation = session.generation;
    if (isOther) this.#known.clear();
    listAll<Record<string, unknown>>(this.#path, {}, NAMES_MAX).then(
      ({ items }) => {
        for (const item of items) {
          const { [this.#idOf]: id, name } = item;
          if (typeof id === "string" && typeof name === "string") this.#known.set(id, name);
        }
      },
      // Ids do as well; the next one that has no name asks again.
      () => {},
    );
  }
}

export const names = {
  item: new Names("/api/v1/items", "sku"),
  location: new Names("/api/v1/locations", "location"),
  supplier: new Names("/api/v1/suppliers", "supplier"),
};
