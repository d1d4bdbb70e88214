/** The guided tour as it stands: what the demo's control service says, and what is measured in this page. */
import { feed } from "../lib/feed.svelte";
import {
  ControlError,
  type PlugReport,
  pullThePlug,
  runStep,
  setSpeed,
  type TourState,
  type TourStep,
  tourState,
} from "./control";
import { type Measured, RowWatch } from "./latency";

/** How often the demo is asked how far it is. */
const POLL_MS = 1_000;

export class Tour {
  readonly control: string;
  state = $state.raw<TourState | null>(null);
  error = $state<string | null>(null);
  /** The step or `plug` or `speed` that is under way. */
  busy = $state<string | null>(null);
  /** From click to row, by step. */
  measured = $state.raw<Record<string, Measured>>({});
  /** Since when the row is waited for, and of which step; by `performance.now`. */
  waiting = $state.raw<{ step: string; since: number } | null>(null);
  plug = $state.raw<PlugReport | null>(null);
  /** The step that was run last: what came of it stays to be read. */
  ran = $state<string | null>(null);
  /** Steps after which no row rose. */
  missed = $state.raw<readonly string[]>([]);

  constructor(control: string) {
    this.control = control;
  }

  /** Asks again and again; the answer ends it. */
  follow(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    const ask = async () => {
      // Its own answer is newer than what is asked now.
      if (this.busy === null) await this.#take(tourState(this.control), () => this.busy === null);
      if (!isOver) timer = setTimeout(ask, POLL_MS);
    };
    void ask();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }

  /** Presses a step's button, and measures how soon the row rises. */
  async run(step: TourStep): Promise<void> {
    if (this.busy !== null) return;
    this.busy = this.ran = step.id;
    this.missed = this.missed.filter((id) => id !== step.id);
    const { [step.id]: _, ...others } = this.measured;
    this.measured = others;
    const since = performance.now();
    const watch = new RowWatch(since, step.curl);
    // Only an event makes a row rise; a decision does not.
    const tellsOfEvent = step.curl?.includes("/api/v1/events") ?? false;
    if (tellsOfEvent) this.waiting = { step: step.id, since };
    const ended = feed.exceptions.onChange((item, kind) => {
      if (!tellsOfEvent || !watch.see({ kind: kind ?? "", item }, performance.now())) return;
      this.#keep(step.id, watch);
      // The frame is painted with the next one; what was painted is known in the one after.
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          watch.paint(performance.now());
          this.#keep(step.id, watch);
        }),
      );
    });
    await this.#take(runStep(this.control, step.id));
    this.busy = null;
    // What has not risen by then is not of this button.
    setTimeout(() => {
      ended();
      if (this.waiting?.since !== since) return;
      this.waiting = null;
      this.missed = [...this.missed, step.id];
    }, ROW_WAIT_MS);
  }

  /** Kills the tower; `step` is where the story does so. */
  async pull(step: TourStep): Promise<void> {
    if (this.busy !== null) return;
    this.busy = "plug";
    this.ran = step.id;
    this.plug = null;
    try {
      this.plug = await pullThePlug(this.control);
      this.error = null;
    } catch (error) {
      this.error = told(error);
    }
    this.busy = null;
  }

  async speed(speed: number): Promise<void> {
    if (this.busy !== null) return;
    this.busy = "speed";
    await this.#take(setSpeed(this.control, speed));
    this.busy = null;
  }

  #keep(step: string, watch: RowWatch): void {
    if (!watch.measured) return;
    this.measured = { ...this.measured, [step]: watch.measured };
    if (this.waiting?.step === step) this.waiting = null;
  }

  async #take(asked: Promise<TourState>, isWanted: () => boolean = () => true): Promise<void> {
    try {
      const state = await asked;
      if (!isWanted()) return;
      this.state = state;
      this.error = null;
    } catch (error) {
      this.error = told(error);
    }
  }
}

/** How long a row is waited for after its button. */
export const ROW_WAIT_MS = 10_000;

function told(error: unknown): string {
  return error instanceof ControlError ? error.message : String(error);
}
