import { expect, it } from "vitest";
import { gravestFirst } from "./ranking";

it("shows the gravest first, then the most urgent, and keeps equal ones where they are", () => {
  const exceptions = [
    { id: "b", severity: "medium", urgency: 90 },
    { id: "d", severity: "high", urgency: 10 },
    { id: "a", severity: "medium", urgency: 90 },
    { id: "c", severity: "high", urgency: 40 },
    { id: "e", severity: "critical", urgency: 0 },
  ] as const;
  expect(gravestFirst(exceptions).map(({ id }) => id)).toEqual(["e", "c", "d", "a", "b"]);
});
