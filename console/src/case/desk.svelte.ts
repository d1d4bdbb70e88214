/**
 * One case as somebody looks at it, and what they do with it.
 *
 * What is shown is live. What is *decided on* is the version that was looked at: when the facts move between the look and
 * the click, the command still names the older version, the tower refuses it, and says what is different.
 */
import { ApiError, get, post, segment } from "../lib/api/client";
import type { Case, CaseOption, FactChange } from "../lib/api/model";
import { feed } from "../lib/feed.svelte";
import { session } from "../lib/session.svelte";
import { areOptionsBehind, optionAfterEdit, type Refusal, type Refused, refusal } from "./logic";

export class CaseDesk {
  readonly id: string;
  item = $state.raw<Case | null>(null);
  error = $state.raw<ApiError | null>(null);
  /**
   * The case as it was looked at: what is approved or rejected. It stays when the facts move, so that no button changes its
   * meaning under somebody's hand.
   */
  looked = $state.raw<Case | null>(null);
  /** Its version. */
  seen = $derived(this.looked?.version ?? 0);
  /** What is under way, `approve` for one. */
  busy = $state<string | null>(null);
  refused = $state.raw<Refusal | null>(null);
  /** What has just been done, for those who don't see the page change. */
  said = $state("");

  /** What changed since the look. */
  moved = $derived.by<FactChange[]>(() => {
    if (!this.item || this.item.version === this.seen) return [];
    return this.item.version_changes
      .filter(({ version }) => version > this.seen)
      .flatMap(({ changes }) => changes);
  });

  constructor(id: string) {
    this.id = id;
  }

  /** Reads the case and keeps to the feed; the answer ends it. */
  follow(): () => void {
    const controller = new AbortController();
    const ended = feed.cases.onChange((item) => {
      if (item.id === this.id) this.show(item);
    });
    get<Case>(`/api/v1/cases/${segment(this.id)}`, { signal: controller.signal }).then(
      (item) => this.show(item),
      (error: unknown) => {
        if (controller.signal.aborted) return;
        this.error = error instanceof ApiError ? error : new ApiError(0, null, String(error));
        // Somebody else looks on, who may not see it. A tower that is away just now changes nothing.
        if (this.error.status === 403 || this.error.status === 404) this.item = this.looked = null;
      },
    );
    return () => {
      controller.abort();
      ended();
    };
  }

  /** "I have seen what changed." */
  lookAgain(): void {
    if (this.refused?.kind === "stale") this.refused = null;
    this.looked = this.item;
  }

  /** Gives a command; whether it took effect. */
  async command(verb: string, body: Record<string, unknown>, said: string): Promise<boolean> {
    const before = this.looked;
    if (!before || this.busy !== null) return false;
    this.busy = verb;
    this.refused = null;
    this.said = "";
    try {
      const item = await post<Case>(`/api/v1/cases/${segment(this.id)}/${verb}`, body);
      this.show(item);
      // One's own decision was seen: it was made here. A comment or a task is none.
      if (verb !== "comment" && !verb.startsWith("tasks")) this.looked = this.item;
      this.said = said;
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      const problem = error.problem as unknown as Refused | null;
      this.refused = problem
        ? refusal(problem, before, session.name ?? "you")
        : { kind: "other", text: error.message };
      if (this.refused.kind === "stale" && this.refused.current) this.show(this.refused.current);
      return false;
    } finally {
      this.busy = null;
    }
  }

  choose(option: CaseOption): Promise<boolean> {
    const body = { option_id: option.id, version: this.seen };
    return this.command("choose", body, `Chosen: ${option.title}`);
  }

  approve(comment: string): Promise<boolean> {
    const said = comment.trim() === "" ? {} : { comment: comment.trim() };
    return this.command("approve", { ...said, version: this.seen }, "Approved");
  }

  reject(reason: string): Promise<boolean> {
    return this.command("reject", { reason, version: this.seen }, "Rejected");
  }

  /** Costs an edited option anew; its id, or `null` if it was refused or nothing is different. */
  async edit(option: CaseOption, body: Record<string, unknown> | null): Promise<string | null> {
    const before = this.item;
    if (!before || body === null) return null;
    const done = await this.command("options", body, "Computed again");
    return done && this.item ? optionAfterEdit(before, this.item, option.id) : null;
  }

  /** Takes the case as it is, if that is news. */
  show(item: Case): void {
    if (this.item && item.lsn <= this.item.lsn) return;
    const before = this.item;
    // Without options there was nothing to decide on: that they come is no surprise.
    const wasWaiting =
      before && this.seen === before.version && (before.state === "draft" || areOptionsBehind(before));
    this.item = item;
    this.error = null;
    // Votes, comments and deliveries are no other version.
    if (!before || wasWaiting || item.version === this.seen) this.looked = item;
  }
}
