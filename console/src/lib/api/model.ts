/**
 * What the API answers with, by name. The types are the tower's own description (`generated/schema.ts`, made by `npm run types`);
 * parts of them that have no name there get one here.
 */
import type { Case, CaseOption, Exception } from "./generated/schema";

export type {
  Action,
  ActionDetail,
  Affected,
  Case,
  CaseAction,
  CaseDetail,
  CaseMember,
  CaseOption,
  CaseOutcome,
  CaseTask,
  CaseWhy,
  Customer,
  Delegation,
  DeliveryAttempt,
  Evidence,
  Exception,
  ExceptionDetail,
  ExceptionWhy,
  Explanation,
  ExplanationInput,
  FactChange,
  FeedStatistics,
  FeedTicket,
  Gate,
  Item,
  Location,
  Money,
  OptionCommand,
  OptionNumber,
  OptionStep,
  Order,
  Problem,
  Projection,
  Promotion,
  PurchaseOrder,
  QuarantineEntry,
  RequiredStep,
  RiskView,
  SkuLocation,
  SkuLocationItem,
  SkuLocationState,
  SkuLocationWhy,
  Statistics,
  Supplier,
  SupplierItem,
  SupplierState,
  SupplierWhy,
  Transfer,
  Vote,
} from "./generated/schema";

export type ExceptionType = Exception["type"];
export type ExceptionState = Exception["state"];
export type Severity = Exception["severity"];
export type Subject = Exception["subject"];
export type CaseState = Case["state"];
export type OptionKind = CaseOption["kind"];
export type OptionEffect = CaseOption["effects"][number];
export type ProposedBy = NonNullable<Case["proposed_by"]>;
export type TimelineEntry = Case["timeline"][number];
export type CaseComment = Case["comments"][number];

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
export const EXCEPTION_STATES_FINAL: readonly ExceptionState[] = ["resolved", "cleared"];
