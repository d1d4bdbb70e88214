/** What the case view works out of a case: pure, so that it is tested without a browser. */

import {
  CASE_STATES_FINAL,
  CASE_STATES_UNDECIDED,
  type Case,
  type CaseAction,
  type CaseOption,
  type CaseState,
  type Explanation,
  type FactChange,
  type Money,
  type OptionStep,
  type RequiredStep,
} from "../lib/api/model";
import type { Tone } from "../lib/components/Badge.svelte";
import { compareMoney, scaled, sumMoney } from "../lib/money";
import type { Persona } from "../lib/session.svelte";

export interface Place {
  sku: string;
  location: string;
}

/** Every state in the order of a case's life, and what it means in words. */
export const STATES: Record<CaseState, { label: string; tone: Tone; means: string }> = {
  draft: { label: "Draft", tone: "low", means: "its options are being computed" },
  proposed: { label: "Proposed", tone: "medium", means: "there are options, none is chosen" },
  awaiting_approval: {
    label: "Awaiting approval",
    tone: "high",
    means: "an option is chosen and waits for a second person",
  },
  approved: {
    label: "Approved",
    tone: "accent",
    means: "everybody who had to has agreed; its actions count",
  },
  executing: {
    label: "Executing",
    tone: "accent",
    means: "its actions are on their way to the systems of record",
  },
  executed: { label: "Executed", tone: "accent", means: "every action was delivered" },
  reconciled: {
    label: "Reconciled",
    tone: "good",
    means: "the documents that came back are what was approved",
  },
  closed: { label: "Closed", tone: "good", means: "it is over" },
  rejected: { label: "Rejected", tone: "low", means: "somebody said no" },
  cancelled: {
    label: "Cancelled",
    tone: "low",
    means: "it was given up before anything was asked of a system of record",
  },
  expired: { label: "Expired", tone: "low", means: "nobody approved it in time" },
  failed: {
    label: "Failed",
    tone: "critical",
    means: "a system of record refused an action, or nothing confirmed one in time",
  },
  superseded: { label: "Superseded", tone: "low", means: "it was merged into another case" },
};

/** The steps of a case's life that its progress bar shows. */
export const LIFE: CaseState[] = [
  "proposed",
  "awaiting_approval",
  "approved",
  "executing",
  "executed",
  "reconciled",
  "closed",
];

export const isUndecided = (item: Pick<Case, "state">): boolean => CASE_STATES_UNDECIDED.includes(item.state);
export const isFinal = (item: Pick<Case, "state">): boolean => CASE_STATES_FINAL.includes(item.state);

/** Whether something was, or may have been, asked of a system of record: then it can't be cancelled any more. */
export const isAsked = (item: Case): boolean =>
  item.actions.some((action) => action.attempt_count > 0 || action.delivered_at !== null);

/** The exact sum; `null` where one amount is unknown or there is none. */
export function sumKnown(amounts: (Money | null)[]): Money | null {
  const currency = amounts[0]?.currency;
  if (currency === undefined || amounts.some((money) => money?.currency !== currency)) return null;
  return sumMoney(amounts, currency);
}

/** −1, 0 or 1. */
export function signOf(money: Money | null): number {
  const value = money ? scaled(money.amount) : 0n;
  return value > 0n ? 1 : value < 0n ? -1 : 0;
}

export interface Totals {
  unitsBefore: number;
  unitsAfter: number;
  lossBefore: Money | null;
  lossAfter: Money | null;
  /** The greatest probability of a stockout at any place. */
  riskBefore: number;
  riskAfter: number;
}

/** What all places of an option come to: the one in trouble and those that give. */
export function totals(option: CaseOption): Totals {
  const { effects } = option;
  const worst = (side: "before" | "after") =>
    Math.max(0, ...effects.map((effect) => effect[side].stockout_probability));
  const units = (side: "before" | "after") =>
    effects.reduce((sum, effect) => sum + effect[side].units_short, 0);
  const loss = (side: "before" | "after") => sumKnown(effects.map((effect) => effect[side].value_at_risk));
  return {
    unitsBefore: units("before"),
    unitsAfter: units("after"),
    lossBefore: loss("before"),
    lossAfter: loss("after"),
    riskBefore: worst("before"),
    riskAfter: worst("after"),
  };
}

export const failedGates = (option: CaseOption) => option.gates.filter((gate) => !gate.passed);
export const chosenOf = (item: Case): CaseOption | null =>
  item.options.find((option) => option.id === item.chosen_option) ?? null;

/** The options are of older facts than the case: they are computed anew just now. */
export const areOptionsBehind = (item: Case): boolean =>
  isUndecided(item) && item.options_facts !== item.facts;

/** How the place stands to the option's steps. */
export function roleOfPlace(option: CaseOption, place: Place): "gives" | "receives" | null {
  for (const step of option.steps) {
    if (step.sku !== place.sku) continue;
    if (step.kind === "transfer" && step.from === place.location) return "gives";
    if (step.location === place.location) return "receives";
  }
  return null;
}

/** The SKU-locations that the case's exceptions are about or lead to, each once. */
export function placesOf(item: Case): Place[] {
  const seen = new Map<string, Place>();
  for (const place of item.members.flatMap((member) => member.places)) {
    seen.set(`${place.sku}\n${place.location}`, place);
  }
  return [...seen.values()];
}

/** A name of the wire within a sentence. */
export const phrase = (name: string): string => name.replaceAll("_", " ");
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** "value at risk: 8,160.00 EUR → 1,357.89 EUR", or what happened where nothing was before. */
export const changeWords = (change: FactChange): string =>
  change.before ? `${phrase(change.name)}: ${change.before} → ${change.after}` : change.after;

/** What an edited step is called: the tower keeps the title that it is given. */
export function stepWords(step: OptionStep): string {
  const quantity = step.quantity.toLocaleString("en-US", { maximumFractionDigits: 3, useGrouping: false });
  switch (step.kind) {
    case "transfer":
      return `Transfer ${quantity} from ${step.from}`;
    case "order":
      return `Order ${quantity} from ${step.supplier ?? "the supplier"}`;
    case "expedite":
      return `Expedite ${quantity} of ${step.po_id}`;
    default:
      return step.note ?? "Something else";
  }
}

const EDITABLE = ["quantity", "from", "supplier", "arrives_at", "note"] as const;

/** The body of `POST …/options` for an edited option; `null` when nothing is different. */
export function editBody(
  option: CaseOption,
  steps: OptionStep[],
  version: number,
): Record<string, unknown> | null {
  const changed = steps.map((step, index) => {
    const before = option.steps[index];
    return EDITABLE.filter((key) => before && step[key] !== before[key]);
  });
  if (changed.every((keys) => keys.length === 0)) return null;
  const title = steps.map(stepWords).join(", ");
  const head = { option_id: option.id, version, title };
  const [step] = steps;
  if (steps.length === 1 && step) {
    const said = Object.fromEntries((changed[0] ?? []).map((key) => [key, step[key]]));
    return { ...head, ...said };
  }
  const kept = steps.map((each, index) => {
    const { unit_cost: _, ...rest } = each;
    const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== null));
    // Another source arrives at another time, which the tower works out, unless somebody says when.
    const keys = changed[index] ?? [];
    const moved = keys.includes("from") || keys.includes("supplier");
    if (moved && !keys.includes("arrives_at")) delete said.arrives_at;
    return said;
  });
  return { ...head, steps: kept };
}

/** The option that an edit made: a copy of a computed one gets an id of its own, an own one keeps its. */
export function optionAfterEdit(before: Case, after: Case, editedId: string): string {
  const known = new Set(before.options.map((option) => option.id));
  return after.options.find((option) => !known.has(option.id))?.id ?? editedId;
}

export const openSteps = (item: Case): RequiredStep[] =>
  item.required.filter((step) => step.granted < step.quorum);

/** Whether they proposed it or had a hand in its numbers. */
export function isProposer(item: Case, name: string): boolean {
  return item.proposed_by?.id === name || (chosenOf(item)?.editors.includes(name) ?? false);
}

export const hasVoted = (item: Case, name: string): boolean =>
  item.votes.some((vote) => !vote.void && (vote.by === name || vote.on_behalf_of === name));

/** People to whom the next approval could go: the ones known first, then one by the name of the role. */
export function approvers(item: Case, people: Persona[]): Persona[] {
  const may = (person: Persona) => !isProposer(item, person.name) && !hasVoted(item, person.name);
  return openSteps(item).flatMap((step) => {
    const known = people.filter((person) => person.roles.includes(step.role) && may(person));
    if (known.length > 0) return known;
    const spare = ["bob", "eve", "kim"].map((name) => ({ name, roles: [step.role] })).find(may);
    return spare ? [spare] : [];
  });
}

/** What the tower said no with. */
export interface Refused {
  code: string;
  title: string;
  detail?: string | null;
  changes?: FactChange[];
  current?: Case;
  errors?: { pointer: string; code: string; detail: string }[];
}

export type Refusal =
  | { kind: "stale"; changes: FactChange[]; current: Case | null; text: string }
  | { kind: "own_approval"; text: string }
  | { kind: "role"; text: string; roles: string[] }
  | { kind: "other"; text: string };

/** Why a command was refused, in words that say what to do about it. */
export function refusal(problem: Refused, item: Case, me: string): Refusal {
  const detail = problem.detail ?? problem.title;
  if (problem.code === "stale_version") {
    const current = problem.current ?? null;
    const text =
      "The case changed after you looked at it, so nothing was decided. This is what is different:";
    return { kind: "stale", changes: problem.changes ?? [], current, text };
  }
  if (problem.code === "forbidden" && detail.includes("may not approve it")) {
    const edited = chosenOf(item)?.editors.includes(me) && item.proposed_by?.id !== me;
    const did = edited ? "edited this option" : "proposed this option";
    const text =
      `You (${me}) ${did}. Whoever chose or edited an option may not approve it, however many roles they have: ` +
      "a decision takes two people.";
    return { kind: "own_approval", text };
  }
  const roles = openSteps(item).map((step) => step.role);
  if (problem.code === "forbidden" && roles.length > 0) {
    const text = `${capital(detail)}. The approval that is missing takes the role ${roles.map(phrase).join(" or ")}.`;
    return { kind: "role", text, roles };
  }
  const fields = (problem.errors ?? []).map(
    (error) => `${error.pointer.slice(1) || "request"}: ${error.detail}`,
  );
  return { kind: "other", text: fields.length > 0 ? fields.join("; ") : capital(detail) };
}

/** The action's state in words, and whether a person has to look. */
export function actionWords(action: CaseAction): { text: string; attention: boolean } {
  const at = action.target;
  switch (action.state) {
    case "pending":
      return {
        text:
          action.attempt_count > 0
            ? `waiting to be tried again at ${at}`
            : `waiting to be delivered to ${at}`,
        attention: false,
      };
    case "sending":
      return { text: `being delivered to ${at}`, attention: false };
    case "delivered":
      return { text: `${at} took it; its document is awaited`, attention: false };
    case "confirmed":
      return { text: `${at} confirmed it`, attention: false };
    case "documented":
      return { text: `${at} made it a document`, attention: false };
    case "refused":
      return { text: `${at} refused it`, attention: true };
    case "dead":
      return { text: `every attempt failed at ${at}: somebody has to look there`, attention: true };
    case "withdrawn":
      return { text: "withdrawn", attention: false };
    case "expired":
      return { text: `nothing confirmed it at ${at} in time`, attention: true };
    default:
      return { text: phrase(action.state), attention: false };
  }
}

/** What of the document differs from what was approved; empty if nothing does. */
export function differences(action: CaseAction): string[] {
  const { document, step } = action;
  if (!document) return [];
  const found: string[] = [];
  if (document.quantity !== null && step.quantity > 0 && document.quantity !== step.quantity) {
    found.push(`quantity ${document.quantity} instead of ${step.quantity}`);
  }
  if (document.also.length > 0)
    found.push(`further documents of the same action: ${document.also.join(", ")}`);
  return found;
}

export type SortKey = "state" | "value" | "decide_by";
const ORDER = Object.keys(STATES);

/** For the list: those that need a decision first, then by what is asked for; ties by id. */
export function sortCases(items: Case[], key: SortKey): Case[] {
  const byValue = (a: Case, b: Case) => compareMoney(b.value_at_risk, a.value_at_risk);
  const byTime = (a: Case, b: Case) => (a.decide_by ?? "9").localeCompare(b.decide_by ?? "9");
  const byState = (a: Case, b: Case) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state);
  const first = { state: byState, value: byValue, decide_by: byTime }[key];
  return [...items].sort((a, b) => first(a, b) || byValue(a, b) || a.id.localeCompare(b.id));
}

/** What a case waits for, in a few words for the list. */
export function waitsFor(item: Case): string {
  switch (item.state) {
    case "draft":
      return "its options";
    case "proposed":
      return "a choice";
    case "awaiting_approval": {
      const roles = openSteps(item).map((step) => phrase(step.role));
      return roles.length > 0 ? `approval as ${roles.join(", ")}` : "approval";
    }
    case "approved":
    case "executing":
      return item.tasks.some((task) => task.blocking && !task.done_at) ? "a blocking task" : "delivery";
    case "executed":
      return "its documents";
    case "reconciled":
      return "its result";
    default:
      return item.outcome ? phrase(item.outcome.result) : "nothing";
  }
}

/** An option's numbers as the console explains numbers: `loss_before_1` is about the option's first place. */
export function explanations(option: CaseOption): Record<string, Explanation> {
  const version = Math.max(0, ...option.basis.inputs.map((input) => input.lsn));
  const about = (name: string): string | null => {
    const at = /_(\d+)$/.exec(name)?.[1];
    const effect = at === undefined ? undefined : option.effects[Number(at) - 1];
    return effect ? `${effect.sku} at ${effect.location}` : null;
  };
  const explained = option.explanation.map(
    ({ name, value, unit, formula, inputs }): [string, Explanation] => [
      name,
      {
        value,
        unit,
        formula,
        because: null,
        time: null,
        rule: { id: "option_costing", version },
        inputs: inputs.map((input) => ({
          ...input,
          about: about(input.name),
          from: "costing",
          time: null,
          event: null,
        })),
      },
    ],
  );
  return Object.fromEntries(explained);
}
