/**
 * What the API answers with. The types come from the tower's own description (`schema.ts`, made by `npm run types`); the
 * parts of a case, which that describes as objects only, are written out here after `docs/cases.md`.
 */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Exception = Schemas["Exception"];
export type ExceptionDetail = Schemas["ExceptionDetail"];
export type ExceptionType = Exception["type"];
export type Severity = Exception["severity"];
export type Subject = Exception["subject"];
export type Evidence = Exception["evidence"][number];
export type Affected = NonNullable<Exception["affected"]>["exceptions"][number];
export type Explanation = Schemas["Explanation"];
export type ExplanationInput = Schemas["ExplanationInput"];
export type ExceptionWhy = Schemas["ExceptionWhy"];
export type FeedStatistics = Schemas["FeedStatistics"];
export type FeedTicket = Schemas["FeedTicket"];
export type Item = Schemas["Item"];
export type Location = Schemas["Location"];
export type Money = Schemas["Money"];
export type Order = Schemas["Order"];
export type Problem = Schemas["Problem"];
export type Projection = Schemas["Projection"];
export type Promotion = Schemas["Promotion"];
export type PurchaseOrder = Schemas["PurchaseOrder"];
export type QuarantineEntry = Schemas["QuarantineEntry"];
export type SkuLocation = Schemas["SkuLocation"];
export type SkuLocationItem = Schemas["SkuLocationItem"];
export type SkuLocationState = Schemas["SkuLocationState"];
export type SkuLocationWhy = Schemas["SkuLocationWhy"];
export type Statistics = Schemas["Statistics"];
export type Supplier = Schemas["Supplier"];
export type SupplierItem = Schemas["SupplierItem"];
export type SupplierState = Schemas["SupplierState"];
export type Transfer = Schemas["Transfer"];
/** Customers, actions and deliveries have their types in `schema.ts` as well. */
export type { Action, ActionDetail, Customer } from "./schema";

export type OptionKind =
  | "do_nothing"
  | "transfer"
  | "expedite"
  | "order"
  | "alternate_source"
  | "reallocate"
  | "substitute"
  | "promotion_change"
  | "customer_notice"
  | "custom";

/** The risk at one SKU-location. */
export interface RiskView {
  available: number;
  inventory_position: number;
  stockout_probability: number;
  units_short: number;
  projected_stockout_at: string | null;
  value_at_risk: Money | null;
  days_of_cover: number | null;
  horizon_days: number;
}

export interface OptionEffect {
  sku: string;
  location: string;
  before: RiskView;
  after: RiskView;
}

/** A condition of carrying an option out. */
export interface Gate {
  gate: string;
  passed: boolean;
  detail: string;
}

/** What is carried out if an option is approved. */
export interface OptionStep {
  kind: "order" | "expedite" | "transfer" | "custom";
  sku: string;
  location: string;
  from: string | null;
  supplier: string | null;
  po_id: string | null;
  line_id: string | null;
  quantity: number;
  arrives_at: string | null;
  unit_cost: string | null;
  note: string | null;
}

/** A number of an option with what it was computed from. */
export interface Explained {
  name: string;
  value: number | null;
  unit: string;
  formula: string;
  inputs: { name: string; value: number | null }[];
}

export interface CaseOption {
  id: string;
  kind: OptionKind;
  title: string;
  cost: Money | null;
  benefit: Money | null;
  net: Money | null;
  confidence: number | null;
  lead_time_days: number | null;
  effects: OptionEffect[];
  touches: string[];
  basis: { computed_at: string; facts: number; inputs: { sku: string; location: string; lsn: number }[] };
  recommended: boolean;
  gates: Gate[];
  steps: OptionStep[];
  edited_by: string | null;
  editors: string[];
  explanation: Explained[];
}

export interface ProposedBy {
  kind: string;
  id: string;
  version: string | null;
  confidence: number | null;
}

export interface RequiredStep {
  step: number;
  role: string;
  quorum: number;
  granted: number;
  deadline: string | null;
}

export interface Vote {
  by: string;
  role: string;
  step: number;
  approves: boolean;
  comment: string | null;
  at: string;
  version: number;
  void: boolean;
  on_behalf_of: string | null;
}

export interface CaseTask {
  id: string;
  title: string;
  assignee: string | null;
  due_at: string | null;
  blocking: boolean;
  done_at: string | null;
  done_by: string | null;
}

export interface DeliveryAttempt {
  attempt: number;
  started_at: string;
  finished_at: string | null;
  outcome: "unknown" | "delivered" | "failed" | "refused";
  status: number | null;
  detail: string | null;
}

export interface CaseAction {
  id: string;
  kind: OptionStep["kind"];
  state:
    | "pending"
    | "sending"
    | "delivered"
    | "confirmed"
    | "documented"
    | "refused"
    | "dead"
    | "withdrawn"
    | "expired";
  target: string;
  step: OptionStep;
  attempts: DeliveryAttempt[];
  attempt_count: number;
  next_attempt_at: string | null;
  approved_at: string;
  delivered_at: string | null;
  expires_at: string;
  external_ref: string | null;
  document: {
    kind: string;
    id: string;
    quantity: number | null;
    promised_at: string | null;
    lsn: number;
    received: number;
    also: string[];
  } | null;
  error: string | null;
}

export interface TimelineEntry {
  at: string;
  by: string;
  kind: string;
  detail: string;
}

export interface CaseComment {
  at: string;
  by: string;
  text: string;
}

/** A fact that moved since votes were given. */
export interface FactChange {
  name: string;
  before: string;
  after: string;
}

export interface CaseOutcome {
  result: "avoided" | "not_avoided" | "not_executed" | "nothing_done";
  detail: string;
  at: string;
  expected_cost: Money | null;
  expected_benefit: Money | null;
}

export interface CaseMember {
  id: string;
  type: ExceptionType;
  subject: Subject;
  state: Exception["state"];
  value_at_risk: Money | null;
  units_at_risk: number | null;
  from: string | null;
  decide_by: string | null;
  group: string | null;
  affected: number;
  places: { sku: string; location: string }[];
  claimed_at: string;
  ended: string | null;
}

export interface Delegation {
  from: string;
  to: string;
  roles: string[];
  at: string;
  until: string;
  reason: string | null;
}

interface CaseParts {
  options: CaseOption[];
  proposed_by: ProposedBy | null;
  rule: { id: string; version: string } | null;
  required: RequiredStep[];
  votes: Vote[];
  tasks: CaseTask[];
  actions: CaseAction[];
  timeline: TimelineEntry[];
  comments: CaseComment[];
  outcome: CaseOutcome | null;
  changed_since: FactChange[];
  version_changes: { version: number; changes: FactChange[] }[];
  members: CaseMember[];
  delegations: Delegation[];
}

/** A case, whole. */
export type Case = Omit<Schemas["Case"], keyof CaseParts> & CaseParts;
export type CaseState = Case["state"];

/** States in which nothing more is to be decided or done. */
export const CASE_STATES_FINAL: readonly CaseState[] = [
  "closed",
  "rejected",
  "cancelled",
  "expired",
  "failed",
  "superseded",
];
/** States in which a case waits for people. */
export const CASE_STATES_UNDECIDED: readonly CaseState[] = ["draft", "proposed", "awaiting_approval"];
/** States in which an exception is over. */
export const EXCEPTION_STATES_FINAL: readonly Exception["state"][] = ["resolved", "cleared"];
