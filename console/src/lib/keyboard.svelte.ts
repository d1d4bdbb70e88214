/** Keys that work everywhere, and those that a view adds while it is shown. */

import { untrack } from "svelte";

export interface Shortcut {
  /** One key, as `KeyboardEvent.key` names it, or two after each other: `g q`. */
  keys: string;
  label: string;
  run: () => void;
}

/** How long the second key of a pair may take. */
const PAIR_MS = 1_200;

/** Whether the key is meant for a field or control. */
function isTyping(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input, textarea, select, [contenteditable]") !== null;
}

function isControl(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("a, button, summary, [role='option']") !== null;
}

class Keyboard {
  #groups = $state.raw<readonly { title: string; shortcuts: readonly Shortcut[] }[]>([]);
  #first: { key: string; at: number } | null = null;
  /** While a dialog is open, its keys alone count. */
  isPaused = $state(false);

  /** What there is at the moment, for the help: each title once, whichever parts of a view added to it. */
  get groups(): readonly { title: string; shortcuts: readonly Shortcut[] }[] {
    const titles = [...new Set(this.#groups.map(({ title }) => title))];
    return titles.map((title) => ({
      title,
      shortcuts: this.#groups.filter((group) => group.title === title).flatMap(({ shortcuts }) => shortcuts),
    }));
  }

  /** Adds shortcuts while the calling component lives: `$effect(() => keyboard.add("Queue", […]))`. */
  add(title: string, shortcuts: readonly Shortcut[]): () => void {
    const group = { title, shortcuts };
    // The effect that adds them must not run again for it.
    this.#groups = untrack(() => [...this.#groups, group]);
    return () => {
      this.#groups = this.#groups.filter((known) => known !== group);
    };
  }

  handle(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (this.isPaused || isTyping(event.target)) return;
    // A focused link or button keeps the keys that press it.
    if ((event.key === "Enter" || event.key === " ") && isControl(event.target)) return;
    const first = this.#first !== null && event.timeStamp - this.#first.at < PAIR_MS ? this.#first.key : null;
    this.#first = null;
    const shortcuts = this.#groups.flatMap((group) => group.shortcuts);
    const found =
      (first === null ? undefined : shortcuts.find(({ keys }) => keys === `${first} ${event.key}`)) ??
      shortcuts.find(({ keys }) => keys === event.key);
    if (found) {
      event.preventDefault();
      found.run();
    } else if (shortcuts.some(({ keys }) => keys.startsWith(`${event.key} `))) {
      this.#first = { key: event.key, at: event.timeStamp };
    }
  }
}

export const keyboard = new Keyboard();
