/** The time here, and the tenant's, which may be another: a tenant's clock can go by its events. */
import { feed } from "./feed.svelte";
import { session } from "./session.svelte";

class Clock {
  /** By this machine, once a second. */
  wall = $state.raw(new Date());

  constructor() {
    setInterval(() => {
      this.wall = new Date();
    }, 1_000);
  }

  get timezone(): string {
    return session.info?.timezone ?? "UTC";
  }

  /** Now, for the tenant. Where the tower does not tell, as far as its exceptions have come. */
  get business(): Date {
    const told = feed.stats?.business_time;
    if (told) return new Date(told);
    let latest = "";
    for (const { updated_at } of feed.exceptions.list) if (updated_at > latest) latest = updated_at;
    return latest === "" ? this.wall : new Date(latest);
  }

  /** Whether the tenant's time is that of its events. */
  get isEventClock(): boolean {
    return feed.stats?.clock === "event";
  }
}

export const clock = new Clock();
