import { describe, expect, it } from "vitest";
import type { Case, Exception } from "../lib/api/model";
import { headline } from "./headline";

const NOW = new Date("2016-06-06T15:00:00Z");
const ZONE = "America/Chicago";

const exception = (more: Partial<Exception>): Exception =>
  ({
    case_id: null,
    group: null,
    state: "open",
    decide_by: null,
    value_at_risk: null,
    subject: { po_id: null },
    ...more,
  }) as Exception;
const decision = (state: Case["state"], decide_by: string | null): Case => ({ state, decide_by }) as Case;
const worth = (amount: string) => ({ amount, currency: "USD" });

const say = (exceptions: Exception[], cases: Case[] = []) => headline(exceptions, cases, NOW, ZONE, "USD");

describe("the headline", () => {
  it("counts what is to be decided by the end of the tenant's day, and what is late", () => {
    const said = say([
      exception({ decide_by: "2016-06-06T14:00:00Z" }),
      exception({ decide_by: "2016-06-07T04:59:00Z" }),
      exception({ decide_by: "2016-06-07T05:00:00Z" }),
      exception({ decide_by: null }),
    ]);
    expect(said).toMatchObject({ today: 2, late: 1, next: "2016-06-07T04:59:00Z" });
  });

  it("counts a case once, however many exceptions it decides, and only until it is decided", () => {
    const inCase = exception({ state: "in_case", case_id: "case_1", decide_by: "2016-06-06T16:00:00Z" });
    const said = say([inCase, inCase], [decision("proposed", "2016-06-06T16:00:00Z")]);
    expect(said).toMatchObject({ today: 1, next: "2016-06-06T16:00:00Z" });
    expect(say([inCase], [decision("executing", "2016-06-06T16:00:00Z")])).toMatchObject({
      today: 0,
      next: null,
    });
  });

  it("leaves out what somebody snoozed and what stands under a cause", () => {
    const due = "2016-06-06T16:00:00Z";
    expect(
      say([exception({ decide_by: due, state: "snoozed" }), exception({ decide_by: due, group: "g" })]).today,
    ).toBe(0);
  });

  it("adds up what is at risk, and what is grouped once, at its cause", () => {
    const said = say([
      exception({ value_at_risk: worth("1000.10") }),
      exception({ value_at_risk: worth("0.20") }),
      exception({ value_at_risk: worth("999"), group: "g" }),
      exception({ value_at_risk: null }),
    ]);
    expect(said.atRisk).toEqual(worth("1000.30"));
  });

  it("counts the same goods once", () => {
    const subject = { po_id: "PO1" } as Exception["subject"];
    const late = exception({ value_at_risk: worth("80"), subject });
    expect(say([late, exception({ value_at_risk: worth("90"), subject })]).atRisk).toEqual(worth("90.00"));
  });
});
