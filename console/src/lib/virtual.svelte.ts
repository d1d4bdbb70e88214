/** Which rows of a long list are on the screen, where the window is what scrolls. */
import {
  observeWindowOffset,
  observeWindowRect,
  type VirtualItem,
  Virtualizer,
  windowScroll,
} from "@tanstack/virtual-core";

interface Options {
  count: () => number;
  key: (index: number) => string;
  /** The height that a row is likely to have, px. */
  estimate: () => number;
  /** The list. */
  element: () => HTMLElement | null;
}

/** Rows kept beyond both edges of the screen, for whoever scrolls or goes on by key. */
const OVERSCAN = 8;

/**
 * The keys of this moment, in a function of its own: the virtualizer keeps what it worked out as long as the function is the
 * same, and rows that changed places would have the keys of before beside those of now.
 */
function keysAsTheyAre(count: number, key: (index: number) => string): (index: number) => string {
  const keys = Array.from({ length: count }, (_, index) => key(index));
  return (index) => keys[index] ?? String(index);
}

export class VirtualRows {
  rows = $state.raw<VirtualItem[]>([]);
  /** Height of all rows together, px. */
  height = $state(0);
  readonly #virtualizer: Virtualizer<Window, HTMLElement>;

  /** In a component's script. */
  constructor({ count, key, estimate, element }: Options) {
    const options = () => ({
      count: count(),
      estimateSize: estimate,
      getItemKey: keysAsTheyAre(count(), key),
      getScrollElement: () => window,
      observeElementRect: observeWindowRect,
      observeElementOffset: observeWindowOffset,
      scrollToFn: windowScroll,
      initialOffset: () => scrollY,
      scrollMargin: element()?.offsetTop ?? 0,
      overscan: OVERSCAN,
      onChange: () => this.#read(),
    });
    this.#virtualizer = new Virtualizer<Window, HTMLElement>(options());
    $effect(() => this.#virtualizer._didMount());
    $effect(() => {
      this.#virtualizer.setOptions(options());
      this.#virtualizer._willUpdate();
      this.#read();
    });
  }

  /** Where a row begins, px from the top of the list. */
  offset(row: VirtualItem): number {
    return row.start - this.#virtualizer.options.scrollMargin;
  }

  /** Attached to each row: its real height counts. */
  readonly measure = (element: HTMLElement): void => {
    this.#virtualizer.measureElement(element);
  };

  scrollTo(index: number): void {
    this.#virtualizer.scrollToIndex(index, { align: "auto" });
  }

  #read(): void {
    this.rows = this.#virtualizer.getVirtualItems();
    this.height = this.#virtualizer.getTotalSize();
  }
}
