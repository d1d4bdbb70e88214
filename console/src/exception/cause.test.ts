import { describe, expect, it } from "vitest";
import type { Exception } from "../lib/api/model";
import { openCauseOf } from "./cause";

function exception(id: string, more: Partial<Exception>): Exception {
  return { id, state: "open", group: null, affected: null, ...more } as Exception;
}

describe("the cause that an exception stands under", () => {
  const affected = { key: "g", count: 1, hidden: 0, exceptions: [] };
  const effect = exception("effect", { group: "g" });
  const cause = exception("cause", { affected });

  it("is the open one with its key", () => {
    const over = exception("over", { affected, state: "cleared" });
    expect(openCauseOf(effect, [effect, over, cause])).toBe(cause);
  });

  it("is none where it was dismissed, is not known, or was never one", () => {
    expect(openCauseOf(effect, [exception("over", { affected, state: "resolved" })])).toBeUndefined();
    expect(
      openCauseOf(effect, [exception("other", { affected: { ...affected, key: "h" } })]),
    ).toBeUndefined();
    expect(openCauseOf(exception("alone", {}), [cause])).toBeUndefined();
  });
});
