import { describe, expect, it } from "vitest";
import type { Case, CaseAction, CaseOption, OptionStep } from "../lib/api/model";
import fixture from "./fixture.json";
import {
  actionWords,
  approvers,
  areOptionsBehind,
  changeWords,
  differences,
  editBody,
  isFinal,
  isProposer,
  isUndecided,
  openSteps,
  optionAfterEdit,
  placesOf,
  refusal,
  roleOfPlace,
  signOf,
  sortCases,
  sumKnown,
  totals,
} from "./logic";

/** A real answer of the tower: a late purchase order, with four options. */
const item = fixture as unknown as Case;
const transfer = item.options.find((option) => option.recommended) as CaseOption;
const step = transfer.steps[0] as OptionStep;
const eur = (amount: string) => ({ amount, currency: "EUR" });
const chosenBy = (id: string, more: Partial<Case> = {}): Case => ({
  ...item,
  state: "awaiting_approval",
  chosen_option: transfer.id,
  proposed_by: { kind: "person", id, version: null, confidence: null },
  required: [{ step: 1, role: "planner", quorum: 1, granted: 0, deadline: null }],
  ...more,
});

describe("money", () => {
  it("has a sum only where every amount is known", () => {
    expect(sumKnown([eur("0.10"), eur("0.20")])).toEqual(eur("0.30"));
    expect(sumKnown([])).toBeNull();
    expect(sumKnown([eur("1.00"), null])).toBeNull();
    expect(sumKnown([eur("1.00"), { amount: "1.00", currency: "USD" }])).toBeNull();
  });

  it("has a sign, nothing known is neither good nor bad", () => {
    const signs = [eur("-0.01"), eur("0.00"), null, eur("3")].map(signOf);
    expect(signs).toEqual([-1, 0, 0, 1]);
  });
});

describe("an option", () => {
  it("adds up what it does to the place in trouble and to the one that gives", () => {
    expect(transfer.effects).toHaveLength(2);
    const { unitsBefore, unitsAfter, lossBefore, lossAfter, riskBefore } = totals(transfer);
    expect(unitsBefore).toBeGreaterThan(unitsAfter);
    expect(Number(lossBefore?.amount)).toBeGreaterThan(Number(lossAfter?.amount));
    expect(riskBefore).toBeCloseTo(0.9992, 4);
  });

  it("says which side of a transfer a place is on", () => {
    expect(roleOfPlace(transfer, { sku: "IA-020", location: "dc-davenport" })).toBe("gives");
    expect(roleOfPlace(transfer, { sku: "IA-020", location: "dc-council-bluffs" })).toBe("receives");
    expect(roleOfPlace(transfer, { sku: "IA-014", location: "dc-davenport" })).toBeNull();
  });

  it("is edited by naming what is different, and with a title that fits", () => {
    expect(editBody(transfer, transfer.steps, 7)).toBeNull();
    expect(editBody(transfer, [{ ...step, quantity: 600 }], 7)).toEqual({
      option_id: transfer.id,
      version: 7,
      title: "Transfer 600 from dc-davenport",
      quantity: 600,
    });
    expect(editBody(transfer, [{ ...step, from: "dc-ankeny" }], 7)).toMatchObject({
      from: "dc-ankeny",
      title: "Transfer 660 from dc-ankeny",
    });
  });

  it("with several steps is said whole, and another source arrives when the tower says", () => {
    const two = { ...transfer, steps: [step, { ...step, from: "dc-ankeny" }] };
    const edited = [{ ...step, from: "dc-omaha" }, two.steps[1] as OptionStep];
    const body = editBody(two, edited, 7) as { steps: Record<string, unknown>[]; quantity?: number };
    expect(body.quantity).toBeUndefined();
    expect(body.steps).toHaveLength(2);
    expect(body.steps[0]).toMatchObject({ from: "dc-omaha", quantity: 660 });
    expect(body.steps[0]).not.toHaveProperty("arrives_at");
    expect(body.steps[1]).toHaveProperty("arrives_at", step.arrives_at);
    expect(body.steps[1]).not.toHaveProperty("po_id");
  });

  it("that was computed is copied by an edit, an own one stays itself", () => {
    const copied = { ...item, options: [...item.options, { ...transfer, id: "own_4" }] };
    expect(optionAfterEdit(item, copied, transfer.id)).toBe("own_4");
    expect(optionAfterEdit(copied, copied, "own_4")).toBe("own_4");
  });
});

describe("a case", () => {
  it("names each place once", () => {
    expect(placesOf(item)).toEqual([{ sku: "IA-020", location: "dc-council-bluffs" }]);
  });

  it("is undecided, on its way, or over", () => {
    const of = (state: Case["state"]) => [isUndecided({ state }), isFinal({ state })];
    expect(of("draft")).toEqual([true, false]);
    expect(of("executing")).toEqual([false, false]);
    expect(of("superseded")).toEqual([false, true]);
  });

  it("tells when its options are of older facts, as long as that matters", () => {
    const moved = { ...item, facts: item.options_facts + 1 };
    expect(areOptionsBehind(item)).toBe(false);
    expect(areOptionsBehind(moved)).toBe(true);
    expect(areOptionsBehind({ ...moved, state: "executed" })).toBe(false);
  });

  it("stands in the list by value, by its time, or by how far it is", () => {
    const of = (id: string, state: Case["state"], amount: string | null, decide_by: string | null): Case => ({
      ...item,
      id,
      state,
      decide_by,
      value_at_risk: amount ? eur(amount) : null,
    });
    const cases = [
      of("a", "executed", "90.00", null),
      of("b", "proposed", null, "2026-03-01T00:00:00Z"),
      of("c", "awaiting_approval", "1000.00", "2026-03-02T00:00:00Z"),
    ];
    const ids = (key: "value" | "decide_by" | "state") =>
      sortCases(cases, key)
        .map((each) => each.id)
        .join("");
    expect([ids("value"), ids("decide_by"), ids("state")]).toEqual(["cab", "bca", "bca"]);
  });
});

describe("approval", () => {
  const people = [
    { name: "ann", roles: ["planner"] },
    { name: "bob", roles: ["supply_planner"] },
    { name: "joe", roles: ["planner", "viewer"] },
  ];

  it("goes to somebody with the role who did not propose it", () => {
    expect(approvers(chosenBy("ann"), people).map((person) => person.name)).toEqual(["joe"]);
    expect(isProposer(chosenBy("ann"), "ann")).toBe(true);
  });

  it("does not go to who edited it, and not twice to the same person", () => {
    const edited = chosenBy("ann", {
      options: item.options.map((option) =>
        option.id === transfer.id ? { ...option, editors: ["joe"] } : option,
      ),
    });
    expect(approvers(edited, people)).toEqual([{ name: "bob", roles: ["planner"] }]);
    const vote = {
      by: "joe",
      role: "planner",
      step: 1,
      approves: true,
      comment: null,
      at: "",
      version: 1,
      void: false,
      on_behalf_of: null,
    };
    expect(approvers(chosenBy("ann", { votes: [vote] }), people).map((person) => person.name)).toEqual([
      "bob",
    ]);
    expect(approvers(chosenBy("ann", { votes: [{ ...vote, void: true }] }), people)[0]?.name).toBe("joe");
  });

  it("is complete when every step has its quorum", () => {
    const done = chosenBy("ann", {
      required: [{ step: 1, role: "planner", quorum: 1, granted: 1, deadline: null }],
    });
    expect(openSteps(done)).toEqual([]);
    expect(approvers(done, people)).toEqual([]);
  });
});

describe("a refusal", () => {
  it("of an old version says what is different and brings the case as it is", () => {
    const current = { ...item, version: 4 };
    const changes = [{ name: "value_at_risk", before: "8160.00 EUR", after: "1357.89 EUR" }];
    const problem = {
      status: 409,
      code: "stale_version",
      title: "The item has changed since that version",
      changes,
      current,
    };
    expect(refusal(problem, item, "ann")).toMatchObject({ kind: "stale", changes, current: { version: 4 } });
    expect(changes.map(changeWords)).toEqual(["value at risk: 8160.00 EUR → 1357.89 EUR"]);
    expect(changeWords({ name: "options", before: "", after: "4 options computed" })).toBe(
      "4 options computed",
    );
  });

  it("of one’s own approval is told as the rule that it is", () => {
    const problem = {
      status: 403,
      code: "forbidden",
      title: "No",
      detail: "whoever chose or edited the option may not approve it",
    };
    const told = refusal(problem, chosenBy("ann"), "ann");
    expect(told.kind).toBe("own_approval");
    expect(told.text).toContain("You (ann) proposed this option");
  });

  it("for want of a role names the role", () => {
    const problem = { status: 403, code: "forbidden", title: "No", detail: "it takes the role planner" };
    expect(refusal(problem, chosenBy("ann"), "sue")).toMatchObject({ kind: "role", roles: ["planner"] });
  });

  it("of a field names the field", () => {
    const errors = [{ pointer: "/quantity", code: "invalid", detail: "must be above zero" }];
    const problem = { status: 422, code: "invalid_data", title: "Wrong", errors };
    expect(refusal(problem, item, "ann")).toEqual({ kind: "other", text: "quantity: must be above zero" });
  });
});

describe("an action", () => {
  const action = {
    state: "documented",
    target: "erp",
    step,
    document: null,
    attempt_count: 1,
  } as unknown as CaseAction;

  it("is told with the system that has it", () => {
    expect(actionWords(action)).toEqual({ text: "erp made it a document", attention: false });
    expect(actionWords({ ...action, state: "dead" }).attention).toBe(true);
  });

  it("differs from its document where that says another quantity", () => {
    const document = {
      kind: "transfer" as const,
      id: "SBX-TR-000001",
      quantity: 660,
      promised_at: null,
      lsn: 82,
      received: 0,
      also: [],
    };
    expect(differences({ ...action, document })).toEqual([]);
    expect(differences({ ...action, document: { ...document, quantity: 330 } })).toEqual([
      "quantity 330 instead of 660",
    ]);
    expect(differences({ ...action, document: { ...document, also: ["SBX-TR-000002"] } })).toHaveLength(1);
  });
});
