/** Commands on one exception, and what became of the last one. */
import { ApiError, post, segment } from "../lib/api/client";
import type { Case, Exception } from "../lib/api/model";

type Verb = "acknowledge" | "assign" | "snooze" | "comment" | "dismiss";

export class ExceptionCommands {
  isBusy = $state(false);
  /** Why the last one was refused, for people. */
  refusal = $state<string | null>(null);

  /** Gives a command on the exception as it was looked at; true if it took effect. */
  give(item: Exception, verb: Verb, body: Record<string, string>): Promise<boolean> {
    const path = `/api/v1/exceptions/${segment(item.id)}/${verb}`;
    // A comment is as true of the next revision.
    const version = verb === "comment" ? {} : { version: item.revision };
    return this.#run(async () => void (await post<Exception>(path, { ...body, ...version })));
  }

  /** Opens a case about it; its id, or `null` if that was refused. */
  async openCase(item: Exception): Promise<string | null> {
    let opened: string | null = null;
    await this.#run(async () => {
      opened = (await post<Case>("/api/v1/cases", { exceptions: [item.id] })).id;
    });
    return opened;
  }

  async #run(command: () => Promise<void>): Promise<boolean> {
    this.isBusy = true;
    this.refusal = null;
    try {
      await command();
      return true;
    } catch (error) {
      this.refusal = error instanceof ApiError ? sentence(error) : String(error);
      return false;
    } finally {
      this.isBusy = false;
    }
  }
}

function sentence(error: ApiError): string {
  switch (error.code) {
    case "stale_version":
      return "It has changed since you looked. What you see now is as it is: try again if you still mean it.";
    case "forbidden":
      return `Your role does not allow this: ${error.message}.`;
    default:
      return `This was not done: ${error.message}.`;
  }
}
