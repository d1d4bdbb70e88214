// Written by tools/api-types.js from a tower's /openapi.json.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Absence: {
            /** @description Why not. */
            because: string;
            /** @description What says so. */
            inputs: components["schemas"]["ExplanationInput"][];
            /** @description What did not happen. */
            what: string;
        };
        /**
         * @example {
         *       "comment": "I call the supplier",
         *       "version": 3
         *     }
         */
        AcknowledgeCommand: {
            /** @description For whoever reads it later. */
            comment?: string | null;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        Action: {
            /**
             * Format: date-time
             * @description Business time.
             */
            approved_at: string;
            /** @description Attempts in all. */
            attempt_count: number;
            /** @description The last ones. */
            attempts: components["schemas"]["DeliveryAttempt"][];
            /** @description The case that it belongs to. */
            case_id: string;
            /**
             * Format: date-time
             * @description When the target took it.
             */
            delivered_at: string | null;
            document: components["schemas"]["ActionDocument"] | null;
            /** @description What went wrong last. */
            error: string | null;
            /**
             * Format: date-time
             * @description Until when it is waited for confirmation or document.
             */
            expires_at: string;
            /**
             * @description What the system of record calls it.
             * @example PO-1
             */
            external_ref: string | null;
            /**
             * @description Made by the tower.
             * @example act_5d0c1f7a9b3e4c218d60
             */
            id: string;
            /**
             * @description What is asked for.
             * @enum {string}
             */
            kind: "order" | "expedite" | "transfer" | "custom";
            /** @description Whether it was answered after it had expired, and so was done all the same. */
            late: boolean;
            /**
             * @description The record that last changed its case.
             * @example 4711
             */
            lsn: number;
            /**
             * Format: date-time
             * @description Not before this.
             */
            next_attempt_at: string | null;
            /**
             * @description How far it is.
             * @enum {string}
             */
            state: "pending" | "sending" | "delivered" | "confirmed" | "documented" | "refused" | "dead" | "withdrawn" | "expired";
            step: components["schemas"]["OptionStep"];
            /**
             * @description The system of record.
             * @example erp
             */
            target: string;
        };
        ActionDetail: {
            /**
             * Format: date-time
             * @description Business time.
             */
            approved_at: string;
            /** @description Attempts in all. */
            attempt_count: number;
            /** @description The last ones. */
            attempts: components["schemas"]["DeliveryAttempt"][];
            /** @description The case that it belongs to. */
            case_id: string;
            /**
             * Format: date-time
             * @description When the target took it.
             */
            delivered_at: string | null;
            document: components["schemas"]["ActionDocument"] | null;
            /** @description What went wrong last. */
            error: string | null;
            /**
             * Format: date-time
             * @description Until when it is waited for confirmation or document.
             */
            expires_at: string;
            /**
             * @description What the system of record calls it.
             * @example PO-1
             */
            external_ref: string | null;
            /**
             * @description Made by the tower.
             * @example act_5d0c1f7a9b3e4c218d60
             */
            id: string;
            /**
             * @description What is asked for.
             * @enum {string}
             */
            kind: "order" | "expedite" | "transfer" | "custom";
            /** @description Whether it was answered after it had expired, and so was done all the same. */
            late: boolean;
            /**
             * @description The record that last changed its case.
             * @example 4711
             */
            lsn: number;
            /**
             * Format: date-time
             * @description Not before this.
             */
            next_attempt_at: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * @description How far it is.
             * @enum {string}
             */
            state: "pending" | "sending" | "delivered" | "confirmed" | "documented" | "refused" | "dead" | "withdrawn" | "expired";
            step: components["schemas"]["OptionStep"];
            /**
             * @description The system of record.
             * @example erp
             */
            target: string;
        };
        ActionDocument: {
            /**
             * @description Further documents that carry the same action's id: there should be none.
             * @example []
             */
            also: string[];
            /**
             * @description The document's own id.
             * @example po-2001
             */
            id: string;
            /**
             * @description What came back.
             * @enum {string}
             */
            kind: "purchase_order" | "transfer";
            /**
             * @description The record of its first event.
             * @example 4711
             */
            lsn: number;
            /**
             * Format: date-time
             * @description When it was promised for.
             * @example 2026-03-05T08:00:00Z
             */
            promised_at: string | null;
            /**
             * @description Units.
             * @example 120
             */
            quantity: number | null;
            /**
             * @description Units that have arrived of it.
             * @example 0
             */
            received: number;
        };
        ActionList: {
            /** @description At most `limit` of them. */
            items: components["schemas"]["Action"][];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        /**
         * @example {
         *       "assignee": "ann",
         *       "blocking": true,
         *       "title": "Call the carrier"
         *     }
         */
        AddTaskCommand: {
            /** @description By whom. */
            assignee?: string | null;
            /** @description Whether nothing is carried out before it is done. */
            blocking?: boolean | null;
            /**
             * Format: date-time
             * @description Until when.
             */
            due_at?: string | null;
            /** @description What is to be done. */
            title: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        Affected: {
            /** @description How many there are. */
            count: number;
            /** @description The first ones by value. */
            exceptions: {
                /**
                 * Format: date-time
                 * @description What its urgency is measured against: `decide_by`, or when it begins where nothing helps.
                 */
                act_by: string | null;
                /**
                 * Format: date-time
                 * @description The last moment at which the fastest remedy still arrives in time.
                 */
                decide_by: string | null;
                /**
                 * @description Made by the tower.
                 * @example exc_0b1c2d3e4f5a6b7c8d9e
                 */
                id: string;
                /** @description What it is about. */
                subject: {
                    /**
                     * @description The tower's action that the document answers.
                     * @example act_0190c5
                     */
                    action_id: string | null;
                    /** @description `sku_location`, `supplier`, `item`, `location`, `purchase_order`, `order`, `transfer`, `promotion`, `source` or `action`. */
                    kind: string;
                    /**
                     * @description Where: store, distribution centre, web shop.
                     * @example store-12
                     */
                    location: string | null;
                    /**
                     * @description The customer order.
                     * @example order-1001
                     */
                    order_id: string | null;
                    /**
                     * @description The purchase order.
                     * @example po-2001
                     */
                    po_id: string | null;
                    /**
                     * @description The promotion.
                     * @example promo-easter
                     */
                    promotion_id: string | null;
                    /**
                     * @description The item.
                     * @example milk-1l
                     */
                    sku: string | null;
                    /** @description Who sends events, as the `source` of CloudEvents. */
                    source: string | null;
                    /**
                     * @description The supplier.
                     * @example dairy-co
                     */
                    supplier: string | null;
                    /**
                     * @description The transfer.
                     * @example transfer-301
                     */
                    transfer_id: string | null;
                };
                /** @description What is wrong. */
                type: ("shortage_now" | "projected_stockout" | "below_safety_stock" | "excess" | "dead_stock" | "expiry_before_use" | "negative_stock" | "stock_mismatch" | "demand_spike" | "demand_drop" | "forecast_bias" | "forecast_accuracy" | "promotion_uncovered" | "promotion_off_plan" | "order_at_risk" | "allocation_shortage" | "purchase_late" | "purchase_late_predicted" | "receipt_partial" | "acknowledgement_missing" | "acknowledgement_differs" | "lead_time_drift" | "supplier_unreliable" | "capacity_exceeded" | "single_source" | "transfer_late" | "action_unconfirmed" | "action_refused" | "reconciliation_mismatch" | "feed_stale" | "missing_master_data" | "data_quality") | string;
                /** @description Ranks what has no price. */
                units_at_risk: number | null;
                value_at_risk: components["schemas"]["Money"] | null;
            }[];
            /** @description How many of `exceptions` are left out, because they are outside the reader's scope. */
            hidden: number;
            /** @description What `group` of the affected ones says. */
            key: string;
        };
        Alive: {
            /** @constant */
            status: "alive";
        };
        /**
         * @example {
         *       "comment": "agreed with finance",
         *       "version": 5
         *     }
         */
        ApproveCommand: {
            /** @description For whoever reads it later. */
            comment?: string | null;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version: number;
        };
        /**
         * @example {
         *       "owner": "ann",
         *       "version": 3
         *     }
         */
        AssignCommand: {
            /** @description For whoever reads it later. */
            comment?: string | null;
            /** @description A person. An owner, a team or both. */
            owner?: string | null;
            /** @description A team that the configuration describes. */
            team?: string | null;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        } | unknown | unknown;
        /**
         * @example {
         *       "body": {
         *         "owner": "ann"
         *       },
         *       "command": "assign",
         *       "items": [
         *         {
         *           "id": "exc_5d0c1f7a9b3e4c218d60",
         *           "version": 3
         *         },
         *         {
         *           "id": "exc_0b1c2d3e4f5a6b7c8d9e"
         *         }
         *       ],
         *       "on": "exceptions"
         *     }
         */
        BulkCommand: {
            /** @description The command's body for every item. */
            body?: Record<string, never> | null;
            /**
             * @description One that those things have: the last part of its path; `tasks` adds a task, `complete_task` with `task_id` completes one.
             * @enum {string}
             */
            command: "acknowledge" | "assign" | "snooze" | "comment" | "dismiss" | "choose" | "approve" | "reject" | "delegate" | "reopen" | "cancel" | "merge" | "tasks" | "complete_task" | "retry" | "withdraw";
            /** @description Each id once. */
            items: {
                id: string;
            }[];
            /**
             * @description What the items are.
             * @enum {string}
             */
            on: "exceptions" | "cases" | "actions";
        };
        BulkResult: {
            /** @description Begins the `id` of each record that follows. */
            bulk_id: string;
            /** @description Items on which it was carried out. */
            done: number;
            /** @description The others. */
            failed: number;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string | null;
            /** @description In the order of the items. */
            results: {
                /**
                 * @description As it was sent.
                 * @example dairy-co
                 */
                id: string;
                item?: (components["schemas"]["ExceptionDetail"] | components["schemas"]["CaseDetail"] | components["schemas"]["ActionDetail"]) | null;
                problem?: components["schemas"]["Problem"] | null;
            }[];
        };
        /**
         * @example {
         *       "reason": "it came after all"
         *     }
         */
        CancelCommand: {
            /**
             * @description Why.
             * @example storm
             */
            reason: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        Case: {
            /** @description What is carried out. */
            actions: components["schemas"]["CaseAction"][];
            /**
             * Format: date-time
             * @description Business time.
             */
            approved_at: string | null;
            /** @description What changed since the version that votes were given for. */
            changed_since: components["schemas"]["FactChange"][];
            /** @description The id of the option. */
            chosen_option: string | null;
            /**
             * Format: date-time
             * @description Business time.
             */
            closed_at: string | null;
            /** @description What was said, the last comments. */
            comments: {
                /**
                 * Format: date-time
                 * @description When it was said.
                 */
                at: string;
                /** @description By whom. */
                by: string;
                /** @description What was said. */
                text: string;
            }[];
            /**
             * Format: date-time
             * @description The earliest of its exceptions.
             */
            decide_by: string | null;
            /**
             * Format: date-time
             * @description Until when an option must be chosen; then it is escalated.
             */
            decide_due_at: string | null;
            /** @description Who votes instead of whom, until when. */
            delegations: components["schemas"]["Delegation"][];
            /** @description How often nobody chose one in time. */
            escalation_level: number;
            /** @description Ids of the exceptions that one decision solves. */
            exceptions: string[];
            /** @description The version of the facts alone: options are computed for one. */
            facts: number;
            /** @description What was at risk in units as of those facts. */
            facts_units: number | null;
            facts_value: components["schemas"]["Money"] | null;
            /**
             * @description Made by the tower.
             * @example case_5d0c1f7a9b3e4c218d60
             */
            id: string;
            /**
             * @description What it is about.
             * @enum {string}
             */
            kind: "shortage" | "supply" | "excess" | "demand" | "data" | "manual";
            /**
             * @description The record that last changed it.
             * @example 4711
             */
            lsn: number;
            /** @description Its exceptions, as far as the decision goes by them. */
            members: components["schemas"]["CaseMember"][];
            /** @description The case that this one was merged into. */
            merged_into: string | null;
            /**
             * Format: date-time
             * @description Business time.
             */
            opened_at: string;
            /** @description The ways to decide, costed. */
            options: components["schemas"]["CaseOption"][];
            /** @description The facts that the options were computed for; 0 before the first. */
            options_facts: number;
            outcome: components["schemas"]["CaseOutcome"] | null;
            /** @description Who takes care of it. */
            owner: string | null;
            /** @description Who chose it. */
            proposed_by: {
                /**
                 * @description That of the option when it was chosen.
                 * @example 0.8
                 */
                confidence: number | null;
                /**
                 * @description The principal.
                 * @example ann
                 */
                id: string;
                /**
                 * @description What kind of principal.
                 * @enum {string}
                 */
                kind: "person" | "rule" | "solver" | "agent" | "system";
                /** @description Of a rule or a solver. */
                version: string | null;
            } | null;
            /** @description The approvals that are required. */
            required: components["schemas"]["RequiredStep"][];
            rule: components["schemas"]["CaseRule"] | null;
            /**
             * @description How far it is.
             * @enum {string}
             */
            state: "draft" | "proposed" | "awaiting_approval" | "approved" | "executing" | "executed" | "reconciled" | "closed" | "rejected" | "cancelled" | "expired" | "failed" | "superseded";
            /** @description What it is about. */
            subjects: {
                /**
                 * @description The tower's action that the document answers.
                 * @example act_0190c5
                 */
                action_id: string | null;
                /** @description `sku_location`, `supplier`, `item`, `location`, `purchase_order`, `order`, `transfer`, `promotion`, `source` or `action`. */
                kind: string;
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string | null;
                /**
                 * @description The customer order.
                 * @example order-1001
                 */
                order_id: string | null;
                /**
                 * @description The purchase order.
                 * @example po-2001
                 */
                po_id: string | null;
                /**
                 * @description The promotion.
                 * @example promo-easter
                 */
                promotion_id: string | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string | null;
                /** @description Who sends events, as the `source` of CloudEvents. */
                source: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string | null;
                /**
                 * @description The transfer.
                 * @example transfer-301
                 */
                transfer_id: string | null;
            }[];
            /** @description What is to be done beside the decision. */
            tasks: components["schemas"]["CaseTask"][];
            /** @description Whose queue it stands in. */
            team: string | null;
            /** @description What happened, the last entries. */
            timeline: {
                /**
                 * Format: date-time
                 * @description Business time.
                 */
                at: string;
                /** @description By whom; `tower` for what the tower did. */
                by: string;
                /**
                 * @description For people.
                 * @example `limit` is a number from 1 to 1000
                 */
                detail: string;
                /** @description The change's kind, as in the feed's frame. */
                kind: string;
            }[];
            /** @description For people. */
            title: string;
            /** @description Whether a person gave the title. */
            titled_by_hand: boolean;
            /**
             * Format: date-time
             * @description Business time.
             */
            updated_at: string;
            value_at_risk: components["schemas"]["Money"] | null;
            /** @description Rises when options, choice or facts change: what commands name. */
            version: number;
            /** @description What made the last versions. */
            version_changes: {
                /** @description What made it. */
                changes: components["schemas"]["FactChange"][];
                /** @description Which one. */
                version: number;
            }[];
            /** @description Those that were given. */
            votes: components["schemas"]["Vote"][];
        };
        CaseAction: {
            /**
             * Format: date-time
             * @description Business time.
             */
            approved_at: string;
            /** @description Attempts in all. */
            attempt_count: number;
            /** @description The last ones. */
            attempts: components["schemas"]["DeliveryAttempt"][];
            /**
             * Format: date-time
             * @description When the target took it.
             */
            delivered_at: string | null;
            document: components["schemas"]["ActionDocument"] | null;
            /** @description What went wrong last. */
            error: string | null;
            /**
             * Format: date-time
             * @description Until when it is waited for confirmation or document.
             */
            expires_at: string;
            /**
             * @description What the system of record calls it.
             * @example PO-1
             */
            external_ref: string | null;
            /**
             * @description Made by the tower.
             * @example act_5d0c1f7a9b3e4c218d60
             */
            id: string;
            /**
             * @description What is asked for.
             * @enum {string}
             */
            kind: "order" | "expedite" | "transfer" | "custom";
            /** @description Whether it was answered after it had expired, and so was done all the same. */
            late: boolean;
            /**
             * Format: date-time
             * @description Not before this.
             */
            next_attempt_at: string | null;
            /**
             * @description How far it is.
             * @enum {string}
             */
            state: "pending" | "sending" | "delivered" | "confirmed" | "documented" | "refused" | "dead" | "withdrawn" | "expired";
            step: components["schemas"]["OptionStep"];
            /**
             * @description The system of record.
             * @example erp
             */
            target: string;
        };
        CaseDetail: {
            /** @description What is carried out. */
            actions: components["schemas"]["CaseAction"][];
            /**
             * Format: date-time
             * @description Business time.
             */
            approved_at: string | null;
            /** @description What changed since the version that votes were given for. */
            changed_since: components["schemas"]["FactChange"][];
            /** @description The id of the option. */
            chosen_option: string | null;
            /**
             * Format: date-time
             * @description Business time.
             */
            closed_at: string | null;
            /** @description What was said, the last comments. */
            comments: {
                /**
                 * Format: date-time
                 * @description When it was said.
                 */
                at: string;
                /** @description By whom. */
                by: string;
                /** @description What was said. */
                text: string;
            }[];
            /**
             * Format: date-time
             * @description The earliest of its exceptions.
             */
            decide_by: string | null;
            /**
             * Format: date-time
             * @description Until when an option must be chosen; then it is escalated.
             */
            decide_due_at: string | null;
            /** @description Who votes instead of whom, until when. */
            delegations: components["schemas"]["Delegation"][];
            /** @description How often nobody chose one in time. */
            escalation_level: number;
            /** @description Ids of the exceptions that one decision solves. */
            exceptions: string[];
            /** @description The version of the facts alone: options are computed for one. */
            facts: number;
            /** @description What was at risk in units as of those facts. */
            facts_units: number | null;
            facts_value: components["schemas"]["Money"] | null;
            /**
             * @description Made by the tower.
             * @example case_5d0c1f7a9b3e4c218d60
             */
            id: string;
            /**
             * @description What it is about.
             * @enum {string}
             */
            kind: "shortage" | "supply" | "excess" | "demand" | "data" | "manual";
            /**
             * @description The record that last changed it.
             * @example 4711
             */
            lsn: number;
            /** @description Its exceptions, as far as the decision goes by them. */
            members: components["schemas"]["CaseMember"][];
            /** @description The case that this one was merged into. */
            merged_into: string | null;
            /**
             * Format: date-time
             * @description Business time.
             */
            opened_at: string;
            /** @description The ways to decide, costed. */
            options: components["schemas"]["CaseOption"][];
            /** @description The facts that the options were computed for; 0 before the first. */
            options_facts: number;
            outcome: components["schemas"]["CaseOutcome"] | null;
            /** @description Who takes care of it. */
            owner: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /** @description Who chose it. */
            proposed_by: {
                /**
                 * @description That of the option when it was chosen.
                 * @example 0.8
                 */
                confidence: number | null;
                /**
                 * @description The principal.
                 * @example ann
                 */
                id: string;
                /**
                 * @description What kind of principal.
                 * @enum {string}
                 */
                kind: "person" | "rule" | "solver" | "agent" | "system";
                /** @description Of a rule or a solver. */
                version: string | null;
            } | null;
            /** @description The approvals that are required. */
            required: components["schemas"]["RequiredStep"][];
            rule: components["schemas"]["CaseRule"] | null;
            /**
             * @description How far it is.
             * @enum {string}
             */
            state: "draft" | "proposed" | "awaiting_approval" | "approved" | "executing" | "executed" | "reconciled" | "closed" | "rejected" | "cancelled" | "expired" | "failed" | "superseded";
            /** @description What it is about. */
            subjects: {
                /**
                 * @description The tower's action that the document answers.
                 * @example act_0190c5
                 */
                action_id: string | null;
                /** @description `sku_location`, `supplier`, `item`, `location`, `purchase_order`, `order`, `transfer`, `promotion`, `source` or `action`. */
                kind: string;
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string | null;
                /**
                 * @description The customer order.
                 * @example order-1001
                 */
                order_id: string | null;
                /**
                 * @description The purchase order.
                 * @example po-2001
                 */
                po_id: string | null;
                /**
                 * @description The promotion.
                 * @example promo-easter
                 */
                promotion_id: string | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string | null;
                /** @description Who sends events, as the `source` of CloudEvents. */
                source: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string | null;
                /**
                 * @description The transfer.
                 * @example transfer-301
                 */
                transfer_id: string | null;
            }[];
            /** @description What is to be done beside the decision. */
            tasks: components["schemas"]["CaseTask"][];
            /** @description Whose queue it stands in. */
            team: string | null;
            /** @description What happened, the last entries. */
            timeline: {
                /**
                 * Format: date-time
                 * @description Business time.
                 */
                at: string;
                /** @description By whom; `tower` for what the tower did. */
                by: string;
                /**
                 * @description For people.
                 * @example `limit` is a number from 1 to 1000
                 */
                detail: string;
                /** @description The change's kind, as in the feed's frame. */
                kind: string;
            }[];
            /** @description For people. */
            title: string;
            /** @description Whether a person gave the title. */
            titled_by_hand: boolean;
            /**
             * Format: date-time
             * @description Business time.
             */
            updated_at: string;
            value_at_risk: components["schemas"]["Money"] | null;
            /** @description Rises when options, choice or facts change: what commands name. */
            version: number;
            /** @description What made the last versions. */
            version_changes: {
                /** @description What made it. */
                changes: components["schemas"]["FactChange"][];
                /** @description Which one. */
                version: number;
            }[];
            /** @description Those that were given. */
            votes: components["schemas"]["Vote"][];
        };
        CaseList: {
            /** @description At most `limit` of them. */
            items: components["schemas"]["Case"][];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        CaseMember: {
            /** @description How many are grouped under it. */
            affected: number;
            /**
             * @description The key of what is grouped under it.
             * @example purchase_order:po-2001
             */
            affected_key: string | null;
            /**
             * Format: date-time
             * @description Business time.
             */
            claimed_at: string;
            /** @description Whether its entity has answered that this case decides about it. */
            confirmed: boolean;
            /**
             * Format: date-time
             * @description The last moment at which the fastest remedy still arrives in time.
             */
            decide_by: string | null;
            /** @description Why it is over. */
            ended: string | null;
            /** @description Whose it is. */
            entity: {
                case?: string | null;
                /**
                 * @description Its identifier.
                 * @example dairy-co
                 */
                id?: string | null;
                /**
                 * @description What it is.
                 * @enum {string}
                 */
                kind: "sku_location" | "supplier" | "subject" | "approval_case";
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location?: string | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku?: string | null;
                subject?: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier?: string | null;
                /** @description The number of the tenant. */
                tenant: number;
            };
            /**
             * Format: date-time
             * @description From when on it bites.
             * @example 2026-03-02T00:00:00Z
             */
            from: string | null;
            /**
             * @description The key of the cause that it is grouped under.
             * @example purchase_order:po-2001
             */
            group: string | null;
            /**
             * @description Made by the tower.
             * @example exc_5d0c1f7a9b3e4c218d60
             */
            id: string;
            /** @description The revision since which the case does not hold it any more. */
            let_go: number | null;
            /** @description The SKU-locations that it is about or leads to. */
            places: {
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string;
            }[];
            /**
             * @description As far as the case has heard.
             * @enum {string}
             */
            state: "open" | "acknowledged" | "in_case" | "snoozed" | "resolved" | "cleared";
            /** @description What it is about. */
            subject: {
                /**
                 * @description The tower's action that the document answers.
                 * @example act_0190c5
                 */
                action_id: string | null;
                /** @description `sku_location`, `supplier`, `item`, `location`, `purchase_order`, `order`, `transfer`, `promotion`, `source` or `action`. */
                kind: string;
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string | null;
                /**
                 * @description The customer order.
                 * @example order-1001
                 */
                order_id: string | null;
                /**
                 * @description The purchase order.
                 * @example po-2001
                 */
                po_id: string | null;
                /**
                 * @description The promotion.
                 * @example promo-easter
                 */
                promotion_id: string | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string | null;
                /** @description Who sends events, as the `source` of CloudEvents. */
                source: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string | null;
                /**
                 * @description The transfer.
                 * @example transfer-301
                 */
                transfer_id: string | null;
            };
            /** @description What is wrong. */
            type: ("shortage_now" | "projected_stockout" | "below_safety_stock" | "excess" | "dead_stock" | "expiry_before_use" | "negative_stock" | "stock_mismatch" | "demand_spike" | "demand_drop" | "forecast_bias" | "forecast_accuracy" | "promotion_uncovered" | "promotion_off_plan" | "order_at_risk" | "allocation_shortage" | "purchase_late" | "purchase_late_predicted" | "receipt_partial" | "acknowledgement_missing" | "acknowledgement_differs" | "lead_time_drift" | "supplier_unreliable" | "capacity_exceeded" | "single_source" | "transfer_late" | "action_unconfirmed" | "action_refused" | "reconciliation_mismatch" | "feed_stale" | "missing_master_data" | "data_quality") | string;
            /** @description Ranks what has no price. */
            units_at_risk: number | null;
            value_at_risk: components["schemas"]["Money"] | null;
        };
        CaseOption: {
            basis: components["schemas"]["OptionBasis"];
            benefit: components["schemas"]["Money"] | null;
            /**
             * @description The probability that no place in trouble stocks out with it.
             * @example 0.8
             */
            confidence: number | null;
            cost: components["schemas"]["Money"] | null;
            /**
             * @description Who made or edited it; `null` for one that the tower computed.
             * @example ann
             */
            edited_by: string | null;
            /**
             * @description Everyone who made or edited it, or what it was made from: none of them may approve it.
             * @example [
             *       "ann"
             *     ]
             */
            editors: string[];
            /** @description What it does to each SKU-location that it concerns. */
            effects: {
                after: components["schemas"]["RiskView"];
                before: components["schemas"]["RiskView"];
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string;
            }[];
            /** @description How each number came about. */
            explanation: components["schemas"]["OptionNumber"][];
            /** @description What it must meet to be carried out. */
            gates: components["schemas"]["Gate"][];
            /** @description How many places that it touches are left out, because they are outside the reader's scope: it takes somebody who sees them to choose or approve it. */
            hidden: number;
            /**
             * @description The same when it is computed again.
             * @example order_3f6a12bc90de
             */
            id: string;
            /**
             * @description What kind of thing it does.
             * @enum {string}
             */
            kind: "do_nothing" | "transfer" | "expedite" | "order" | "alternate_source" | "reallocate" | "substitute" | "promotion_change" | "customer_notice" | "custom";
            /**
             * @description Days until the last arrival.
             * @example 3
             */
            lead_time_days: number | null;
            net: components["schemas"]["Money"] | null;
            /** @description The best of those that pass every gate; of all options exactly one. */
            recommended: boolean;
            /** @description What is carried out if it is approved. */
            steps: components["schemas"]["OptionStep"][];
            /**
             * @description For people.
             * @example Order 120 from dairy-co, arrives 5 March
             */
            title: string;
            /**
             * @description Suppliers, documents and lanes, for people.
             * @example [
             *       "dairy-co"
             *     ]
             */
            touches: string[];
        };
        CaseOutcome: {
            /**
             * Format: date-time
             * @description Business time.
             */
            at: string;
            /**
             * @description For people.
             * @example `limit` is a number from 1 to 1000
             */
            detail: string;
            expected_benefit: components["schemas"]["Money"] | null;
            expected_cost: components["schemas"]["Money"] | null;
            /**
             * @description What came of it.
             * @enum {string}
             */
            result: "avoided" | "not_avoided" | "late" | "not_executed" | "nothing_done";
        };
        CaseRule: {
            /**
             * @description Its name.
             * @example role_per_kind_of_action
             */
            id: string;
            /**
             * @description Its version.
             * @example 1
             */
            version: string;
        };
        CaseTask: {
            /**
             * @description By whom.
             * @example ann
             */
            assignee: string | null;
            /** @description Whether nothing is carried out before it is done. */
            blocking: boolean;
            /**
             * Format: date-time
             * @description Business time.
             */
            done_at: string | null;
            /**
             * @description Who did it.
             * @example ann
             */
            done_by: string | null;
            /**
             * Format: date-time
             * @description Until when.
             */
            due_at: string | null;
            /**
             * @description Made by the tower.
             * @example task_1
             */
            id: string;
            /**
             * @description What is to be done.
             * @example Call the carrier
             */
            title: string;
        };
        CaseWhy: {
            /** @description What changed since votes were given. */
            changed_since: components["schemas"]["FactChange"][];
            /**
             * @description Made by the tower.
             * @example case_5d0c1f7a9b3e4c218d60
             */
            id: string;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Each with its numbers, gates and why it is recommended or not. */
            options: {
                basis: components["schemas"]["OptionBasis"];
                /** @description Why it is recommended or not. */
                because: string;
                /** @description Whether it is chosen. */
                chosen: boolean;
                /** @description What it must meet to be carried out. */
                gates: components["schemas"]["Gate"][];
                /**
                 * @description The option.
                 * @example dairy-co
                 */
                id: string;
                /**
                 * @description What kind of thing it does.
                 * @enum {string}
                 */
                kind: "do_nothing" | "transfer" | "expedite" | "order" | "alternate_source" | "reallocate" | "substitute" | "promotion_change" | "customer_notice" | "custom";
                /** @description How each number came about. */
                numbers: components["schemas"]["OptionNumber"][];
                /** @description Whether the tower recommends it. */
                recommended: boolean;
                /** @description For people. */
                title: string;
            }[];
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            rule: components["schemas"]["CaseRule"] | null;
            /**
             * @description How far it is.
             * @enum {string}
             */
            state: "draft" | "proposed" | "awaiting_approval" | "approved" | "executing" | "executed" | "reconciled" | "closed" | "rejected" | "cancelled" | "expired" | "failed" | "superseded";
            /** @description Of its facts. */
            version: number;
            /** @description What has to happen before it goes on. */
            waits_for: string[];
        };
        /**
         * @example {
         *       "option_id": "order_3f6a12bc90de",
         *       "version": 4
         *     }
         */
        ChooseCommand: {
            /** @description One of the case's options that passes every gate. */
            option_id: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version: number;
        };
        /**
         * @example {
         *       "text": "they pack it today"
         *     }
         */
        CommentCommand: {
            /** @description What is to be said. */
            text: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        /** @example {} */
        CompleteTaskCommand: {
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        Customer: {
            /**
             * @description Who answers for the customer.
             * @example kim
             */
            account_owner: string | null;
            /**
             * @description Where the contact details are; the tower keeps none.
             * @example crm:4711
             */
            contact_ref: string | null;
            /**
             * @description The customer.
             * @example customer-7
             */
            customer: string;
            /**
             * @description The customer's language.
             * @example de
             */
            language: string | null;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * @description How important the customer is.
             * @example gold
             */
            tier: string | null;
        };
        CustomerList: {
            /** @description At most `limit` of them. */
            items: {
                /**
                 * @description Who answers for the customer.
                 * @example kim
                 */
                account_owner: string | null;
                /**
                 * @description Where the contact details are; the tower keeps none.
                 * @example crm:4711
                 */
                contact_ref: string | null;
                /**
                 * @description The customer.
                 * @example customer-7
                 */
                customer: string;
                /**
                 * @description The customer's language.
                 * @example de
                 */
                language: string | null;
                /**
                 * @description How important the customer is.
                 * @example gold
                 */
                tier: string | null;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        /**
         * @example {
         *       "reason": "on holiday",
         *       "to": "bob"
         *     }
         */
        DelegateCommand: {
            /**
             * @description Why.
             * @example storm
             */
            reason?: string | null;
            /**
             * @description Who votes instead.
             * @example 2026-03-02T11:00:00Z
             */
            to: string;
            /**
             * Format: date-time
             * @description At most until the deadline of the vote.
             * @example 2026-03-09T00:00:00Z
             */
            until?: string | null;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        Delegation: {
            /**
             * Format: date-time
             * @description Business time.
             */
            at: string;
            /**
             * @description Who lends the vote.
             * @example cleo
             */
            from: string;
            /**
             * @description Why.
             * @example storm
             */
            reason: string | null;
            /** @description The roles that are lent. */
            roles: string[];
            /**
             * @description Who votes instead.
             * @example bob
             */
            to: string;
            /**
             * Format: date-time
             * @description Until when.
             * @example 2026-03-09T00:00:00Z
             */
            until: string;
        };
        DeliveryAttempt: {
            /** @description From 1. */
            attempt: number;
            /**
             * @description For people.
             * @example `limit` is a number from 1 to 1000
             */
            detail: string | null;
            /**
             * Format: date-time
             * @description Business time; `null` while it is not known what became of it.
             */
            finished_at: string | null;
            /**
             * @description What became of it; `unknown` while that is not known.
             * @enum {string}
             */
            outcome: "unknown" | "delivered" | "failed" | "refused";
            /**
             * Format: date-time
             * @description Business time.
             */
            started_at: string;
            /**
             * @description Of the HTTP answer.
             * @example 201
             */
            status: number | null;
        };
        DeliveryList: {
            /** @description At most `limit` of them. */
            items: {
                /**
                 * @description The action.
                 * @example act_0190c5
                 */
                action_id: string;
                /**
                 * @description How far the action is.
                 * @enum {string}
                 */
                action_state: "pending" | "sending" | "delivered" | "confirmed" | "documented" | "refused" | "dead" | "withdrawn" | "expired";
                /** @description From 1. */
                attempt: number;
                /** @description Its case. */
                case_id: string;
                /**
                 * @description For people.
                 * @example `limit` is a number from 1 to 1000
                 */
                detail: string | null;
                /**
                 * Format: date-time
                 * @description Business time.
                 */
                finished_at: string | null;
                /**
                 * @description Made by the tower.
                 * @example act_5d0c1f7a9b3e4c218d60-000001
                 */
                id: string;
                /**
                 * @description What is asked for.
                 * @enum {string}
                 */
                kind: "order" | "expedite" | "transfer" | "custom";
                /**
                 * @description The record that last changed its case.
                 * @example 4711
                 */
                lsn: number;
                /**
                 * @description What became of it; `unknown` while that is not known.
                 * @enum {string}
                 */
                outcome: "unknown" | "delivered" | "failed" | "refused";
                /**
                 * Format: date-time
                 * @description Business time.
                 */
                started_at: string;
                /**
                 * @description Of the HTTP answer.
                 * @example 201
                 */
                status: number | null;
                /** @description The system of record. */
                target: string;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            outbox?: {
                /**
                 * Format: date-time
                 * @description When the backup was made, by the wall clock.
                 */
                backup_taken_at: string | null;
                /**
                 * @description Approved actions wait for `POST /api/v1/outbox/release`.
                 * @example false
                 */
                held: boolean;
                /**
                 * Format: date-time
                 * @description When the backup was restored, by the wall clock.
                 */
                held_since: string | null;
                /** @description The record that says so. */
                held_since_lsn: number | null;
            };
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        /**
         * @example {
         *       "reason": "the item is delisted"
         *     }
         */
        DismissCommand: {
            /**
             * @description Why.
             * @example storm
             */
            reason: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        Evidence: {
            /**
             * @description `id` of the event.
             * @example dairy-co
             */
            id: string;
            /**
             * @description Its record.
             * @example 4711
             */
            lsn: number;
            /** @description `source` of the event. */
            source: string;
            /**
             * Format: date-time
             * @description When it happened. RFC 3339 with offset.
             * @example 2026-03-02T10:15:00Z
             */
            time: string;
            /** @description Its type. */
            type: string;
        };
        Exception: {
            affected: components["schemas"]["Affected"] | null;
            /** @description The case that deals with it. */
            case_id: string | null;
            /** @description Why, in words. */
            cause: string | null;
            /**
             * Format: date-time
             * @description When it went away by itself.
             */
            cleared_at: string | null;
            /** @description The last ones. */
            comments: {
                /**
                 * Format: date-time
                 * @description When it was said.
                 */
                at: string;
                /** @description By whom. */
                by: string;
                /** @description What was said. */
                text: string;
            }[];
            /**
             * @description How sure it is, 0 to 1.
             * @example 0.8
             */
            confidence: number | null;
            /**
             * Format: date-time
             * @description The last moment at which the fastest remedy still arrives in time; may be past; `null` without remedy.
             */
            decide_by: string | null;
            /** @description How often nobody picked it up in time. */
            escalation_level: number;
            /** @description The events that led here. */
            evidence: components["schemas"]["Evidence"][];
            /** @description The key of the cause that it is grouped under. */
            group: string | null;
            /**
             * @description The same for as long as the exception lives.
             * @example exc_5d0c1f7a9b3e4c218d60
             */
            id: string;
            /**
             * @description The record that last changed it.
             * @example 4711
             */
            lsn: number;
            /**
             * Format: date-time
             * @description Business time.
             */
            opened_at: string;
            /** @description Who takes care of it. */
            owner: string | null;
            /** @description The queue that it stands in. */
            queue: string | null;
            /** @description How often it came back within its quiet time. */
            reopened: number;
            /** @description Why it was dismissed. */
            resolution: string | null;
            /** @description Rises with each change. */
            revision: number;
            /**
             * @description How bad it is, apart from how soon.
             * @enum {string}
             */
            severity: "low" | "medium" | "high" | "critical";
            /**
             * Format: date-time
             * @description Until when it must be acknowledged or, after that, decided.
             */
            sla_due_at: string | null;
            /**
             * Format: date-time
             * @description Until when it is put off.
             */
            snoozed_until: string | null;
            /**
             * @description How far it is.
             * @enum {string}
             */
            state: "open" | "acknowledged" | "in_case" | "snoozed" | "resolved" | "cleared";
            /** @description What it is about; what does not apply is `null`. */
            subject: {
                /**
                 * @description The tower's action that the document answers.
                 * @example act_0190c5
                 */
                action_id: string | null;
                /** @description `sku_location`, `supplier`, `item`, `location`, `purchase_order`, `order`, `transfer`, `promotion`, `source` or `action`. */
                kind: string;
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string | null;
                /**
                 * @description The customer order.
                 * @example order-1001
                 */
                order_id: string | null;
                /**
                 * @description The purchase order.
                 * @example po-2001
                 */
                po_id: string | null;
                /**
                 * @description The promotion.
                 * @example promo-easter
                 */
                promotion_id: string | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string | null;
                /** @description Who sends events, as the `source` of CloudEvents. */
                source: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string | null;
                /**
                 * @description The transfer.
                 * @example transfer-301
                 */
                transfer_id: string | null;
            };
            /** @description Whose queue it stands in. */
            team: string | null;
            /** @description A person gave it to its team. */
            team_by_hand: boolean;
            /** @description What is wrong. */
            type: ("shortage_now" | "projected_stockout" | "below_safety_stock" | "excess" | "dead_stock" | "expiry_before_use" | "negative_stock" | "stock_mismatch" | "demand_spike" | "demand_drop" | "forecast_bias" | "forecast_accuracy" | "promotion_uncovered" | "promotion_off_plan" | "order_at_risk" | "allocation_shortage" | "purchase_late" | "purchase_late_predicted" | "receipt_partial" | "acknowledgement_missing" | "acknowledgement_differs" | "lead_time_drift" | "supplier_unreliable" | "capacity_exceeded" | "single_source" | "transfer_late" | "action_unconfirmed" | "action_refused" | "reconciliation_mismatch" | "feed_stale" | "missing_master_data" | "data_quality") | string;
            /** @description Ranks what has no price. */
            units_at_risk: number | null;
            /**
             * Format: date-time
             * @description Business time.
             */
            updated_at: string;
            /** @description How soon something must be done. */
            urgency: number;
            value_at_risk: components["schemas"]["Money"] | null;
            /** @description The time in which it bites. */
            window: {
                /**
                 * Format: date-time
                 * @description Beginning of the period, inclusive.
                 * @example 2026-03-02T00:00:00Z
                 */
                from: string | null;
                /**
                 * Format: date-time
                 * @description End of the period, exclusive.
                 * @example 2026-03-09T00:00:00Z
                 */
                until: string | null;
            } | null;
        };
        ExceptionDetail: {
            affected: components["schemas"]["Affected"] | null;
            /** @description The case that deals with it. */
            case_id: string | null;
            /** @description Why, in words. */
            cause: string | null;
            /**
             * Format: date-time
             * @description When it went away by itself.
             */
            cleared_at: string | null;
            /** @description The last ones. */
            comments: {
                /**
                 * Format: date-time
                 * @description When it was said.
                 */
                at: string;
                /** @description By whom. */
                by: string;
                /** @description What was said. */
                text: string;
            }[];
            /**
             * @description How sure it is, 0 to 1.
             * @example 0.8
             */
            confidence: number | null;
            /**
             * Format: date-time
             * @description The last moment at which the fastest remedy still arrives in time; may be past; `null` without remedy.
             */
            decide_by: string | null;
            /** @description How often nobody picked it up in time. */
            escalation_level: number;
            /** @description The events that led here. */
            evidence: components["schemas"]["Evidence"][];
            /** @description The key of the cause that it is grouped under. */
            group: string | null;
            /**
             * @description The same for as long as the exception lives.
             * @example exc_5d0c1f7a9b3e4c218d60
             */
            id: string;
            /**
             * @description The record that last changed it.
             * @example 4711
             */
            lsn: number;
            /**
             * Format: date-time
             * @description Business time.
             */
            opened_at: string;
            /** @description Who takes care of it. */
            owner: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /** @description The queue that it stands in. */
            queue: string | null;
            /** @description How often it came back within its quiet time. */
            reopened: number;
            /** @description Why it was dismissed. */
            resolution: string | null;
            /** @description Rises with each change. */
            revision: number;
            /**
             * @description How bad it is, apart from how soon.
             * @enum {string}
             */
            severity: "low" | "medium" | "high" | "critical";
            /**
             * Format: date-time
             * @description Until when it must be acknowledged or, after that, decided.
             */
            sla_due_at: string | null;
            /**
             * Format: date-time
             * @description Until when it is put off.
             */
            snoozed_until: string | null;
            /**
             * @description How far it is.
             * @enum {string}
             */
            state: "open" | "acknowledged" | "in_case" | "snoozed" | "resolved" | "cleared";
            /** @description What it is about; what does not apply is `null`. */
            subject: {
                /**
                 * @description The tower's action that the document answers.
                 * @example act_0190c5
                 */
                action_id: string | null;
                /** @description `sku_location`, `supplier`, `item`, `location`, `purchase_order`, `order`, `transfer`, `promotion`, `source` or `action`. */
                kind: string;
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string | null;
                /**
                 * @description The customer order.
                 * @example order-1001
                 */
                order_id: string | null;
                /**
                 * @description The purchase order.
                 * @example po-2001
                 */
                po_id: string | null;
                /**
                 * @description The promotion.
                 * @example promo-easter
                 */
                promotion_id: string | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string | null;
                /** @description Who sends events, as the `source` of CloudEvents. */
                source: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string | null;
                /**
                 * @description The transfer.
                 * @example transfer-301
                 */
                transfer_id: string | null;
            };
            /** @description Whose queue it stands in. */
            team: string | null;
            /** @description A person gave it to its team. */
            team_by_hand: boolean;
            /** @description What is wrong. */
            type: ("shortage_now" | "projected_stockout" | "below_safety_stock" | "excess" | "dead_stock" | "expiry_before_use" | "negative_stock" | "stock_mismatch" | "demand_spike" | "demand_drop" | "forecast_bias" | "forecast_accuracy" | "promotion_uncovered" | "promotion_off_plan" | "order_at_risk" | "allocation_shortage" | "purchase_late" | "purchase_late_predicted" | "receipt_partial" | "acknowledgement_missing" | "acknowledgement_differs" | "lead_time_drift" | "supplier_unreliable" | "capacity_exceeded" | "single_source" | "transfer_late" | "action_unconfirmed" | "action_refused" | "reconciliation_mismatch" | "feed_stale" | "missing_master_data" | "data_quality") | string;
            /** @description Ranks what has no price. */
            units_at_risk: number | null;
            /**
             * Format: date-time
             * @description Business time.
             */
            updated_at: string;
            /** @description How soon something must be done. */
            urgency: number;
            value_at_risk: components["schemas"]["Money"] | null;
            /** @description The time in which it bites. */
            window: {
                /**
                 * Format: date-time
                 * @description Beginning of the period, inclusive.
                 * @example 2026-03-02T00:00:00Z
                 */
                from: string | null;
                /**
                 * Format: date-time
                 * @description End of the period, exclusive.
                 * @example 2026-03-09T00:00:00Z
                 */
                until: string | null;
            } | null;
        };
        ExceptionList: {
            /** @description At most `limit` of them. */
            items: components["schemas"]["Exception"][];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        ExceptionWhy: {
            affected: components["schemas"]["Affected"] | null;
            /**
             * Format: date-time
             * @description The business time that the numbers are of.
             * @example 2026-03-02T10:15:00Z
             */
            as_of?: string | null;
            /** @description In words. */
            because: string | null;
            /** @description The events that led here. */
            evidence: components["schemas"]["Evidence"][];
            exception: components["schemas"]["Exception"];
            /** @description The key of the cause that it is grouped under. */
            group: string | null;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description The numbers of its SKU-location or supplier now. */
            numbers: {
                [key: string]: components["schemas"]["Explanation"];
            } | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /** @description Its settings, their units, and the record that last changed them. */
            rule: {
                /** @description What is set about it here; a threshold that it does not have is 0. */
                settings: {
                    /** @description From here on, in the other direction, it clears. */
                    clear: number;
                    /** @description Periods in a row for which it must hold. */
                    consecutive_periods: number;
                    /** @description The span of time that it looks at. */
                    days: number;
                    /** @description Whether it is raised at all. */
                    enabled: boolean;
                    /** @description Below this it is not raised. */
                    minimum: number;
                    /** @description Hours after it cleared in which the same trouble reopens it. */
                    quiet_hours: number;
                    /** @description From here on it is raised. */
                    raise: number;
                };
                /** @description The kind. */
                type: ("shortage_now" | "projected_stockout" | "below_safety_stock" | "excess" | "dead_stock" | "expiry_before_use" | "negative_stock" | "stock_mismatch" | "demand_spike" | "demand_drop" | "forecast_bias" | "forecast_accuracy" | "promotion_uncovered" | "promotion_off_plan" | "order_at_risk" | "allocation_shortage" | "purchase_late" | "purchase_late_predicted" | "receipt_partial" | "acknowledgement_missing" | "acknowledgement_differs" | "lead_time_drift" | "supplier_unreliable" | "capacity_exceeded" | "single_source" | "transfer_late" | "action_unconfirmed" | "action_refused" | "reconciliation_mismatch" | "feed_stale" | "missing_master_data" | "data_quality") | string;
                /** @description What the thresholds that it has are measured in. */
                units: {
                    clear?: string | null;
                    days?: string | null;
                    minimum?: string | null;
                    raise?: string | null;
                };
                /** @description The record that last changed reference data or settings. */
                version: number;
            };
            /** @description Why there is neither `worth` nor `numbers`. */
            unavailable: string | null;
            /** @description Its own numbers now: value and units at risk, urgency, and the amounts of money behind them. */
            worth: {
                [key: string]: components["schemas"]["Explanation"];
            } | null;
        };
        Explanation: {
            /** @description In words. */
            because: string | null;
            /** @description Over the names of the inputs; computing it gives the number. */
            formula: string;
            /** @description All that the formula needs. */
            inputs: components["schemas"]["ExplanationInput"][];
            /** @description The rule and its version. */
            rule: {
                /**
                 * @description The rule by which it is computed.
                 * @example dairy-co
                 */
                id: string;
                /** @description The record that last changed what the rule goes by. */
                version: number;
            };
            /**
             * Format: date-time
             * @description The time, if it is one.
             * @example 2026-03-02T10:15:00Z
             */
            time: string | null;
            /** @description What it is measured in. */
            unit: string;
            /**
             * @description The number, unless it is a time.
             * @example 21.5
             */
            value: number | null;
        };
        ExplanationInput: {
            /** @description What it is about. */
            about: string | null;
            /** @description The event that told it. */
            event: {
                /**
                 * @description `id` of the event.
                 * @example dairy-co
                 */
                id: string | null;
                /**
                 * @description Its record.
                 * @example 4711
                 */
                lsn: number;
                /** @description `source` of the event. */
                source: string | null;
                /**
                 * Format: date-time
                 * @description When it happened. RFC 3339 with offset.
                 * @example 2026-03-02T10:15:00Z
                 */
                time: string | null;
                /** @description Whether that record is no longer in the journal: then only its number is known. */
                trimmed: boolean;
                /** @description Its type. */
                type: string | null;
            } | null;
            /**
             * @description Where it comes from: an event, a setting, another number.
             * @example 2026-03-02T00:00:00Z
             */
            from: string;
            /**
             * @description Its name in the formula; several of one name are a list.
             * @example Whole milk, 1 l
             */
            name: string;
            /**
             * Format: date-time
             * @description What time it is of.
             * @example 2026-03-02T10:15:00Z
             */
            time: string | null;
            /**
             * @description Its value.
             * @example 21.5
             */
            value: number | null;
        };
        FactChange: {
            /**
             * @description For people.
             * @example 520.00 EUR
             */
            after: string;
            /**
             * @description For people.
             * @example 300.00 EUR
             */
            before: string;
            /**
             * @description Which fact.
             * @example value_at_risk
             */
            name: string;
        };
        FeedStatistics: {
            /** @description Everything up to here is applied. */
            applied_lsn: number;
            /**
             * Format: date-time
             * @description Wall clock.
             * @example 2026-03-02T10:15:00Z
             */
            as_of: string;
            /**
             * Format: date-time
             * @description Now, for the tenant.
             */
            business_time: string;
            /**
             * @description What moves the tenant's business time.
             * @enum {string}
             */
            clock: "wall" | "event";
            /**
             * @description The journal's disk is full: everything can be read, nothing new is taken until there is room.
             * @example false
             */
            disk_full: boolean;
            /** @description The last record on the disk. */
            durable_lsn: number | null;
            /** @description Live entities. */
            entities: number | null;
            /** @description Exceptions that are not over. */
            exceptions_open: number;
            /** @description Open sockets of the feed. */
            feed_sockets: number | null;
            /** @description How far behind. */
            lag: {
                /** @description Durable and not applied. */
                applied_records: number | null;
                /** @description Entities with work left. */
                unsettled: number | null;
            };
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Records in the journal. */
            records: number | null;
            /** @description Since the frame before. */
            records_per_second: number | null;
        };
        FeedTicket: {
            /**
             * Format: date-time
             * @description After this it opens none.
             */
            expires_at: string;
            /** @description Opens one socket, once. */
            ticket: string;
        };
        Gate: {
            /**
             * @description For people.
             * @example 120 in packs of 12
             */
            detail: string;
            /**
             * @description Which condition.
             * @enum {string}
             */
            gate: "pack" | "minimum_order" | "lane" | "calendar" | "shelf_life" | "arrival" | "donor" | "value";
            /** @description An option with a gate that is not passed can't be chosen. */
            passed: boolean;
        };
        Item: {
            /**
             * @description Anything else about the item.
             * @example {
             *       "fat": "3.5 %"
             *     }
             */
            attributes: Record<string, never> | null;
            /**
             * @description The brand.
             * @example Meadow
             */
            brand: string | null;
            /**
             * @description ISO 4217, three capitals. The tenant's base currency when absent.
             * @example EUR
             */
            currency: string | null;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description A name for people.
             * @example Whole milk, 1 l
             */
            name: string | null;
            /**
             * @description Units in a pack; orders are multiples of it.
             * @example 12
             */
            pack: number | null;
            /**
             * @description Hierarchy, the top first.
             * @example [
             *       "food",
             *       "dairy"
             *     ]
             */
            path: string[];
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * @description Days that it keeps.
             * @example 21
             */
            shelf_life_days: number | null;
            /**
             * @description The item.
             * @example milk-1l
             */
            sku: string;
            /** @description Items that can stand in. */
            substitutes: {
                /**
                 * @description How many units of it replace one; 1 when absent.
                 * @example 1
                 */
                ratio: number;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string;
            }[];
            /**
             * @description Cost of one unit, at most 4 decimals.
             * @example 0.8750
             */
            unit_cost: string | null;
            /**
             * @description Selling price of one unit, at most 4 decimals.
             * @example 1.19
             */
            unit_price: string | null;
            /**
             * @description Unit of measure of `quantity` and `unit_price`; the item's base unit when absent.
             * @example each
             */
            uom: string | null;
            /** @description Other units of measure, in base units. */
            uoms: {
                /**
                 * @description How much of it there is: base units in one, or the share of normal.
                 * @example 0.5
                 */
                factor: number;
                /**
                 * @description Unit of measure of `quantity` and `unit_price`; the item's base unit when absent.
                 * @example each
                 */
                uom: string;
            }[];
        };
        ItemList: {
            /** @description At most `limit` of them. */
            items: {
                /**
                 * @description Anything else about the item.
                 * @example {
                 *       "fat": "3.5 %"
                 *     }
                 */
                attributes: Record<string, never> | null;
                /**
                 * @description The brand.
                 * @example Meadow
                 */
                brand: string | null;
                /**
                 * @description ISO 4217, three capitals. The tenant's base currency when absent.
                 * @example EUR
                 */
                currency: string | null;
                /**
                 * @description A name for people.
                 * @example Whole milk, 1 l
                 */
                name: string | null;
                /**
                 * @description Units in a pack; orders are multiples of it.
                 * @example 12
                 */
                pack: number | null;
                /**
                 * @description Hierarchy, the top first.
                 * @example [
                 *       "food",
                 *       "dairy"
                 *     ]
                 */
                path: string[];
                /**
                 * @description Days that it keeps.
                 * @example 21
                 */
                shelf_life_days: number | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string;
                /** @description Items that can stand in. */
                substitutes: {
                    /**
                     * @description How many units of it replace one; 1 when absent.
                     * @example 1
                     */
                    ratio: number;
                    /**
                     * @description The item.
                     * @example milk-1l
                     */
                    sku: string;
                }[];
                /**
                 * @description Cost of one unit, at most 4 decimals.
                 * @example 0.8750
                 */
                unit_cost: string | null;
                /**
                 * @description Selling price of one unit, at most 4 decimals.
                 * @example 1.19
                 */
                unit_price: string | null;
                /**
                 * @description Unit of measure of `quantity` and `unit_price`; the item's base unit when absent.
                 * @example each
                 */
                uom: string | null;
                /** @description Other units of measure, in base units. */
                uoms: {
                    /**
                     * @description How much of it there is: base units in one, or the share of normal.
                     * @example 0.5
                     */
                    factor: number;
                    /**
                     * @description Unit of measure of `quantity` and `unit_price`; the item's base unit when absent.
                     * @example each
                     */
                    uom: string;
                }[];
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        Location: {
            /**
             * @description The calendar of working and ordering days.
             * @example weekdays
             */
            calendar: string | null;
            /** @enum {string|null} */
            kind: "store" | "dc" | "supplier" | "web" | null;
            /**
             * @description Latitude, degrees.
             * @example 52.52
             */
            lat: number | null;
            /**
             * @description Where: store, distribution centre, web shop.
             * @example store-12
             */
            location: string;
            /**
             * @description Longitude, degrees.
             * @example 13.4
             */
            lon: number | null;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description A name for people.
             * @example Whole milk, 1 l
             */
            name: string | null;
            /**
             * @description Hierarchy, the top first.
             * @example [
             *       "food",
             *       "dairy"
             *     ]
             */
            path: string[];
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * @description IANA time zone.
             * @example Europe/Berlin
             */
            timezone: string | null;
        };
        LocationList: {
            /** @description At most `limit` of them. */
            items: {
                /**
                 * @description The calendar of working and ordering days.
                 * @example weekdays
                 */
                calendar: string | null;
                /** @enum {string|null} */
                kind: "store" | "dc" | "supplier" | "web" | null;
                /**
                 * @description Latitude, degrees.
                 * @example 52.52
                 */
                lat: number | null;
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string;
                /**
                 * @description Longitude, degrees.
                 * @example 13.4
                 */
                lon: number | null;
                /**
                 * @description A name for people.
                 * @example Whole milk, 1 l
                 */
                name: string | null;
                /**
                 * @description Hierarchy, the top first.
                 * @example [
                 *       "food",
                 *       "dairy"
                 *     ]
                 */
                path: string[];
                /**
                 * @description IANA time zone.
                 * @example Europe/Berlin
                 */
                timezone: string | null;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        /**
         * @example {
         *       "into": "case_0b1c2d3e4f5a6b7c8d9e"
         *     }
         */
        MergeCommand: {
            /** @description The case that takes over the exceptions. */
            into: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        /**
         * @description Money, in the tenant's base currency.
         * @example {
         *       "amount": "12.50",
         *       "currency": "EUR"
         *     }
         */
        Money: {
            /**
             * @description A decimal, rounded to the currency's minor unit.
             * @example 12.50
             */
            amount: string;
            /**
             * @description ISO 4217, three capitals. The tenant's base currency when absent.
             * @example EUR
             */
            currency: string;
        };
        /**
         * @example {
         *       "exceptions": [
         *         "exc_5d0c1f7a9b3e4c218d60"
         *       ],
         *       "title": "Milk in the north"
         *     }
         */
        OpenCaseCommand: {
            /** @description For whoever reads it later. */
            comment?: string | null;
            /** @description Ids of the exceptions that one decision solves. */
            exceptions: string[];
            /**
             * @description By the exceptions without one.
             * @enum {string|null}
             */
            kind?: "shortage" | "supply" | "excess" | "demand" | "data" | "manual" | null;
            /** @description For people; made from the exceptions without one. */
            title?: string | null;
        };
        OptionBasis: {
            /**
             * Format: date-time
             * @description Business time.
             */
            computed_at: string;
            /** @description The version of the case's facts. */
            facts: number;
            /** @description Each SKU-location that was looked at. */
            inputs: {
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string;
                /**
                 * @description The highest record that it showed.
                 * @example 4711
                 */
                lsn: number;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string;
            }[];
        };
        /**
         * @example {
         *       "kind": "order",
         *       "location": "store-12",
         *       "quantity": 120,
         *       "sku": "milk-1l",
         *       "supplier": "dairy-co"
         *     }
         */
        OptionCommand: {
            /**
             * Format: date-time
             * @description When it arrives; the earliest that is possible when it is not said.
             */
            arrives_at?: string | null;
            /**
             * @description Where it leaves, for a transfer.
             * @example 2026-03-02T00:00:00Z
             */
            from?: string | null;
            /**
             * @description Of a new option; required without `option_id`.
             * @enum {string|null}
             */
            kind?: "transfer" | "expedite" | "order" | "alternate_source" | "reallocate" | "substitute" | "promotion_change" | "customer_notice" | "custom" | null;
            /**
             * @description The line of it.
             * @example 1
             */
            line_id?: string | null;
            /**
             * @description Where it arrives.
             * @example store-12
             */
            location?: string | null;
            /** @description What a custom step says, for people. */
            note?: string | null;
            /** @description The option that is edited; what is not named stays. Without it a new one. */
            option_id?: string | null;
            /**
             * @description What is expedited.
             * @example po-2001
             */
            po_id?: string | null;
            quantity?: (number | string) | null;
            /**
             * @description The item.
             * @example milk-1l
             */
            sku?: string | null;
            /** @description All steps; or say one beside this. */
            steps?: {
                /**
                 * Format: date-time
                 * @description When it arrives; the earliest that is possible when it is not said.
                 */
                arrives_at?: string | null;
                /**
                 * @description Where it leaves, for a transfer.
                 * @example 2026-03-02T00:00:00Z
                 */
                from?: string | null;
                /**
                 * @description That of the option without it.
                 * @enum {string|null}
                 */
                kind?: "order" | "expedite" | "transfer" | "custom" | null;
                /**
                 * @description The line of it.
                 * @example 1
                 */
                line_id?: string | null;
                /**
                 * @description Where it arrives.
                 * @example store-12
                 */
                location?: string | null;
                /** @description What a custom step says, for people. */
                note?: string | null;
                /**
                 * @description What is expedited.
                 * @example po-2001
                 */
                po_id?: string | null;
                quantity?: (number | string) | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku?: string | null;
                /**
                 * @description Who delivers it, for an order.
                 * @example dairy-co
                 */
                supplier?: string | null;
            }[] | null;
            /**
             * @description Who delivers it, for an order.
             * @example dairy-co
             */
            supplier?: string | null;
            /** @description For people; made from the first step without one. */
            title?: string | null;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        OptionNumber: {
            /**
             * @description Over the names of the inputs; computing it gives the number. `/docs/cases` has the functions.
             * @example share * quantity * unit_cost
             */
            formula: string;
            /** @description All that the formula needs. */
            inputs: {
                /**
                 * @description Its name in the formula.
                 * @example quantity
                 */
                name: string;
                /**
                 * @description `null` where nobody knows it.
                 * @example 120
                 */
                value: number | null;
            }[];
            /**
             * @description `cost`, `benefit`, `net`, `confidence`, `lead_time_days`; `cost_N` and `quantity_N` of the N-th step; `stockout_probability_`, `units_short_` and `loss_` with `before:SKU@LOCATION` and `after:SKU@LOCATION`.
             * @example cost_1
             */
            name: string;
            /**
             * @description What it is measured in.
             * @example EUR
             */
            unit: string;
            /**
             * @description `null` where an input is unknown.
             * @example 42
             */
            value: number | null;
        };
        OptionStep: {
            /**
             * Format: date-time
             * @description When it is expected to arrive.
             */
            arrives_at: string | null;
            /**
             * @description Where it leaves: of a transfer, or of one that is expedited.
             * @example dc-north
             */
            from: string | null;
            /**
             * @description What is asked for.
             * @enum {string}
             */
            kind: "order" | "expedite" | "transfer" | "custom";
            /**
             * @description The line within its document.
             * @example 1
             */
            line_id: string | null;
            /**
             * @description The total of an expedited line, which its document goes on to state.
             * @example 160
             */
            line_quantity: number | null;
            /**
             * @description Where it arrives; empty in a custom step that is about no place.
             * @example store-12
             */
            location: string;
            /** @description What a custom step says, for people. */
            note: string | null;
            /**
             * @description What is expedited: a purchase order, or with `from` a transfer.
             * @example po-2001
             */
            po_id: string | null;
            /**
             * @description Units; of an expedited line what is moved: what is open and not on its way.
             * @example 120
             */
            quantity: number;
            /**
             * @description The item; empty in a custom step that is about none.
             * @example milk-1l
             */
            sku: string;
            /**
             * @description The supplier.
             * @example dairy-co
             */
            supplier: string | null;
            /**
             * @description In base currency.
             * @example 0.8750
             */
            unit_cost: string | null;
        };
        Order: {
            /**
             * @description Sales channel.
             * @example store
             */
            channel: string | null;
            /**
             * @description The customer.
             * @example customer-7
             */
            customer: string | null;
            /** @description Open and promised for no later than now. */
            due: number | null;
            /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
            failed_at: number | null;
            /** @description Whether something is still to ship. */
            is_open: boolean | null;
            /** @description Those that the reader sees. */
            lines: {
                /**
                 * @description Sales channel.
                 * @example store
                 */
                channel: string | null;
                /**
                 * @description The customer.
                 * @example customer-7
                 */
                customer: string | null;
                /** @description Open and promised for no later than now. */
                due: number | null;
                /**
                 * @description The line within its document.
                 * @example 1
                 */
                line_id: string;
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string;
                /** @description Still to ship. */
                open: number | null;
                /** @description Ordered in all. */
                ordered: number | null;
                /**
                 * Format: date-time
                 * @description When it was placed.
                 */
                placed_at: string | null;
                /**
                 * @description Importance, the greater the more important.
                 * @example 1
                 */
                priority: number | null;
                /**
                 * Format: date-time
                 * @description When it was promised for.
                 * @example 2026-03-05T08:00:00Z
                 */
                promised_at: string | null;
                /**
                 * Format: date-time
                 * @description When it was asked for.
                 * @example 2026-03-05T08:00:00Z
                 */
                requested_at: string | null;
                /** @description Shipped so far. */
                shipped: number | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string;
                /**
                 * @description How far it is.
                 * @enum {string|null}
                 */
                state: "open" | "partly_shipped" | "shipped" | "cancelled" | "closed" | null;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Still to ship. */
            open: number | null;
            /**
             * @description The customer order.
             * @example order-1001
             */
            order_id: string;
            /** @description Ordered in all. */
            ordered: number | null;
            /**
             * Format: date-time
             * @description When it was placed.
             */
            placed_at: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * @description Importance, the greater the more important.
             * @example 1
             */
            priority: number | null;
            /**
             * Format: date-time
             * @description When it was promised for.
             * @example 2026-03-05T08:00:00Z
             */
            promised_at: string | null;
            /**
             * Format: date-time
             * @description When it was asked for.
             * @example 2026-03-05T08:00:00Z
             */
            requested_at: string | null;
            /** @description Shipped so far. */
            shipped: number | null;
            /**
             * @description How far it is.
             * @enum {string|null}
             */
            state: "open" | "partly_shipped" | "shipped" | "cancelled" | "closed" | null;
        };
        OrderList: {
            /** @description At most `limit` of them. */
            items: {
                /**
                 * @description Sales channel.
                 * @example store
                 */
                channel: string | null;
                /**
                 * @description The customer.
                 * @example customer-7
                 */
                customer: string | null;
                /** @description Open and promised for no later than now. */
                due: number | null;
                /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
                failed_at: number | null;
                /** @description Whether something is still to ship. */
                is_open: boolean | null;
                /** @description Those that the reader sees. */
                lines: {
                    /**
                     * @description Sales channel.
                     * @example store
                     */
                    channel: string | null;
                    /**
                     * @description The customer.
                     * @example customer-7
                     */
                    customer: string | null;
                    /** @description Open and promised for no later than now. */
                    due: number | null;
                    /**
                     * @description The line within its document.
                     * @example 1
                     */
                    line_id: string;
                    /**
                     * @description Where: store, distribution centre, web shop.
                     * @example store-12
                     */
                    location: string;
                    /** @description Still to ship. */
                    open: number | null;
                    /** @description Ordered in all. */
                    ordered: number | null;
                    /**
                     * Format: date-time
                     * @description When it was placed.
                     */
                    placed_at: string | null;
                    /**
                     * @description Importance, the greater the more important.
                     * @example 1
                     */
                    priority: number | null;
                    /**
                     * Format: date-time
                     * @description When it was promised for.
                     * @example 2026-03-05T08:00:00Z
                     */
                    promised_at: string | null;
                    /**
                     * Format: date-time
                     * @description When it was asked for.
                     * @example 2026-03-05T08:00:00Z
                     */
                    requested_at: string | null;
                    /** @description Shipped so far. */
                    shipped: number | null;
                    /**
                     * @description The item.
                     * @example milk-1l
                     */
                    sku: string;
                    /**
                     * @description How far it is.
                     * @enum {string|null}
                     */
                    state: "open" | "partly_shipped" | "shipped" | "cancelled" | "closed" | null;
                }[];
                /** @description Still to ship. */
                open: number | null;
                /**
                 * @description The customer order.
                 * @example order-1001
                 */
                order_id: string;
                /** @description Ordered in all. */
                ordered: number | null;
                /**
                 * Format: date-time
                 * @description When it was placed.
                 */
                placed_at: string | null;
                /**
                 * @description Importance, the greater the more important.
                 * @example 1
                 */
                priority: number | null;
                /**
                 * Format: date-time
                 * @description When it was promised for.
                 * @example 2026-03-05T08:00:00Z
                 */
                promised_at: string | null;
                /**
                 * Format: date-time
                 * @description When it was asked for.
                 * @example 2026-03-05T08:00:00Z
                 */
                requested_at: string | null;
                /** @description Shipped so far. */
                shipped: number | null;
                /**
                 * @description How far it is.
                 * @enum {string|null}
                 */
                state: "open" | "partly_shipped" | "shipped" | "cancelled" | "closed" | null;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        OutboxReleased: {
            /**
             * @description It is not held any more.
             * @example false
             * @constant
             */
            held: false;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * @description Whether this request released it; `false` if it was not held.
             * @example true
             */
            released: boolean;
        };
        Problem: {
            /**
             * @description Stable: what programs go by.
             * @example bad_parameter
             */
            code: string;
            /**
             * @description What is wrong this time, for people.
             * @example `limit` is a number from 1 to 1000
             */
            detail: string | null;
            /**
             * @description Each wrong field; empty for other problems.
             * @example []
             */
            errors: {
                /** @description Stable; `/docs/errors/CODE` has its page. */
                code: string;
                /**
                 * @description For people.
                 * @example `limit` is a number from 1 to 1000
                 */
                detail: string;
                /** @description JSON pointer (RFC 6901) to what is wrong, such as `/data/quantity`. */
                pointer: string;
            }[];
            /**
             * @description The HTTP status.
             * @example 400
             */
            status: number;
            /**
             * @description The same for every occurrence of the code.
             * @example A parameter is malformed
             */
            title: string;
            /**
             * @description The page of the code.
             * @example /docs/errors/bad_parameter
             */
            type: string;
        };
        Projection: {
            /**
             * Format: date-time
             * @description The business time that the numbers are of.
             * @example 2026-03-02T10:15:00Z
             */
            as_of: string;
            /** @description The first is what is left of today. */
            days: {
                /** @description Units at the end of the day. */
                balance: number;
                /**
                 * Format: date
                 * @description Local day.
                 */
                day: string;
                /** @description Units: the greater of forecast and orders due. */
                demand: number;
                /**
                 * Format: date-time
                 * @description Beginning of the period, inclusive.
                 * @example 2026-03-02T00:00:00Z
                 */
                from: string;
                /**
                 * @description The balance that is undercut with a probability of 10 %.
                 * @example 1
                 */
                p10: number;
                /**
                 * @description The balance that is exceeded with a probability of 10 %.
                 * @example 6
                 */
                p90: number;
                /** @description Units expected in. */
                receipts: number;
                /**
                 * Format: date-time
                 * @description End of the period, exclusive.
                 * @example 2026-03-09T00:00:00Z
                 */
                until: string;
            }[];
            /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
            failed_at: number | null;
            /**
             * @description Where: store, distribution centre, web shop.
             * @example store-12
             */
            location: string;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * Format: date-time
             * @description `null` if the balance stays above zero for all days.
             */
            projected_stockout_at: string | null;
            /** @description Days in a row that end short. */
            shortage_windows: {
                /**
                 * Format: date-time
                 * @description Beginning of the period, inclusive.
                 * @example 2026-03-02T00:00:00Z
                 */
                from: string;
                /**
                 * Format: date-time
                 * @description End of the period, exclusive.
                 * @example 2026-03-09T00:00:00Z
                 */
                until: string;
            }[];
            /**
             * @description The item.
             * @example milk-1l
             */
            sku: string;
        };
        Promotion: {
            /**
             * @description Additional demand as a share of normal: 0.3 is 30 % more.
             * @example 0.3
             */
            expected_uplift: number | null;
            /**
             * Format: date-time
             * @description Beginning of the period, inclusive.
             * @example 2026-03-02T00:00:00Z
             */
            from: string;
            /** @description Whether it runs now. */
            is_active: boolean;
            /** @description Whether it is still to begin. */
            is_ahead: boolean;
            /**
             * @description The locations, or `"all"`.
             * @example [
             *       "store-12"
             *     ]
             */
            locations: string[] | "all";
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description How the promotion works.
             * @example two for one
             */
            mechanic: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * @description Selling price of one unit during the promotion.
             * @example 0.99
             */
            price: string | null;
            /**
             * @description The promotion.
             * @example promo-easter
             */
            promotion_id: string;
            /** @description Live SKU-locations that it touches, as far as the reader sees them. */
            sku_locations: number;
            /**
             * @description The items, or `"all"`.
             * @example [
             *       "milk-1l"
             *     ]
             */
            skus: string[] | "all";
            /**
             * @description How far it is, by business time.
             * @enum {string}
             */
            state: "ahead" | "active" | "over";
            /**
             * Format: date-time
             * @description End of the period, exclusive.
             * @example 2026-03-09T00:00:00Z
             */
            until: string;
        };
        PromotionList: {
            /** @description At most `limit` of them. */
            items: {
                /**
                 * @description Additional demand as a share of normal: 0.3 is 30 % more.
                 * @example 0.3
                 */
                expected_uplift: number | null;
                /**
                 * Format: date-time
                 * @description Beginning of the period, inclusive.
                 * @example 2026-03-02T00:00:00Z
                 */
                from: string;
                /** @description Whether it runs now. */
                is_active: boolean;
                /** @description Whether it is still to begin. */
                is_ahead: boolean;
                /**
                 * @description The locations, or `"all"`.
                 * @example [
                 *       "store-12"
                 *     ]
                 */
                locations: string[] | "all";
                /**
                 * @description How the promotion works.
                 * @example two for one
                 */
                mechanic: string | null;
                /**
                 * @description Selling price of one unit during the promotion.
                 * @example 0.99
                 */
                price: string | null;
                /**
                 * @description The promotion.
                 * @example promo-easter
                 */
                promotion_id: string;
                /**
                 * @description The items, or `"all"`.
                 * @example [
                 *       "milk-1l"
                 *     ]
                 */
                skus: string[] | "all";
                /**
                 * @description How far it is, by business time.
                 * @enum {string}
                 */
                state: "ahead" | "active" | "over";
                /**
                 * Format: date-time
                 * @description End of the period, exclusive.
                 * @example 2026-03-09T00:00:00Z
                 */
                until: string;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        PurchaseOrder: {
            /**
             * Format: date-time
             * @description When the last of what is open is expected.
             */
            complete_at: string | null;
            /**
             * Format: date-time
             * @description As acknowledged or changed since.
             */
            confirmed_at: string | null;
            /**
             * Format: date-time
             * @description When the next goods are expected.
             */
            expected_at: string | null;
            /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
            failed_at: number | null;
            /** @description On the way. */
            in_transit: number | null;
            /** @description Whether its supplier has acknowledged what is open. */
            is_acknowledged: boolean | null;
            /** @description Whether something is still to be received. */
            is_open: boolean | null;
            /** @description Those that the reader sees. */
            lines: {
                /**
                 * Format: date-time
                 * @description When the last of what is open is expected.
                 */
                complete_at: string | null;
                /**
                 * Format: date-time
                 * @description As acknowledged or changed since.
                 */
                confirmed_at: string | null;
                /**
                 * Format: date-time
                 * @description When the next goods are expected.
                 */
                expected_at: string | null;
                /** @description On the way. */
                in_transit: number | null;
                /** @description Whether its supplier has acknowledged what is open. */
                is_acknowledged: boolean | null;
                /**
                 * @description The line within its document.
                 * @example 1
                 */
                line_id: string;
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string;
                /** @description Still to be received. */
                open: number | null;
                /** @description Ordered in all. */
                ordered: number | null;
                /**
                 * Format: date-time
                 * @description When it was placed.
                 */
                placed_at: string | null;
                /**
                 * Format: date-time
                 * @description As placed.
                 * @example 2026-03-05T08:00:00Z
                 */
                promised_at: string | null;
                /** @description Received so far. */
                received: number | null;
                /** @description What is on the way. */
                shipments: {
                    /**
                     * Format: date-time
                     * @description When it is expected to arrive.
                     * @example 2026-03-05T06:00:00Z
                     */
                    eta: string | null;
                    /** @description Whether it has arrived. */
                    has_arrived: boolean;
                    /** @description Whether it has left. */
                    is_dispatched: boolean;
                    /**
                     * @description Units; `null` for all that is open.
                     * @example 3
                     */
                    quantity: number | null;
                    /**
                     * @description The shipment.
                     * @example shipment-41
                     */
                    shipment_id: string;
                }[];
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string;
                /**
                 * @description How far it is.
                 * @enum {string|null}
                 */
                state: "open" | "acknowledged" | "partly_received" | "received" | "cancelled" | "closed" | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string | null;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Still to be received. */
            open: number | null;
            /** @description Ordered in all. */
            ordered: number | null;
            /**
             * Format: date-time
             * @description When it was placed.
             */
            placed_at: string | null;
            /**
             * @description The purchase order.
             * @example po-2001
             */
            po_id: string;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * Format: date-time
             * @description As placed.
             * @example 2026-03-05T08:00:00Z
             */
            promised_at: string | null;
            /** @description Received so far. */
            received: number | null;
            /**
             * @description How far it is.
             * @enum {string|null}
             */
            state: "open" | "acknowledged" | "partly_received" | "received" | "cancelled" | "closed" | null;
            /**
             * @description The supplier.
             * @example dairy-co
             */
            supplier: string | null;
        };
        PurchaseOrderList: {
            /** @description At most `limit` of them. */
            items: {
                /**
                 * Format: date-time
                 * @description When the last of what is open is expected.
                 */
                complete_at: string | null;
                /**
                 * Format: date-time
                 * @description As acknowledged or changed since.
                 */
                confirmed_at: string | null;
                /**
                 * Format: date-time
                 * @description When the next goods are expected.
                 */
                expected_at: string | null;
                /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
                failed_at: number | null;
                /** @description On the way. */
                in_transit: number | null;
                /** @description Whether its supplier has acknowledged what is open. */
                is_acknowledged: boolean | null;
                /** @description Whether something is still to be received. */
                is_open: boolean | null;
                /** @description Those that the reader sees. */
                lines: {
                    /**
                     * Format: date-time
                     * @description When the last of what is open is expected.
                     */
                    complete_at: string | null;
                    /**
                     * Format: date-time
                     * @description As acknowledged or changed since.
                     */
                    confirmed_at: string | null;
                    /**
                     * Format: date-time
                     * @description When the next goods are expected.
                     */
                    expected_at: string | null;
                    /** @description On the way. */
                    in_transit: number | null;
                    /** @description Whether its supplier has acknowledged what is open. */
                    is_acknowledged: boolean | null;
                    /**
                     * @description The line within its document.
                     * @example 1
                     */
                    line_id: string;
                    /**
                     * @description Where: store, distribution centre, web shop.
                     * @example store-12
                     */
                    location: string;
                    /** @description Still to be received. */
                    open: number | null;
                    /** @description Ordered in all. */
                    ordered: number | null;
                    /**
                     * Format: date-time
                     * @description When it was placed.
                     */
                    placed_at: string | null;
                    /**
                     * Format: date-time
                     * @description As placed.
                     * @example 2026-03-05T08:00:00Z
                     */
                    promised_at: string | null;
                    /** @description Received so far. */
                    received: number | null;
                    /** @description What is on the way. */
                    shipments: {
                        /**
                         * Format: date-time
                         * @description When it is expected to arrive.
                         * @example 2026-03-05T06:00:00Z
                         */
                        eta: string | null;
                        /** @description Whether it has arrived. */
                        has_arrived: boolean;
                        /** @description Whether it has left. */
                        is_dispatched: boolean;
                        /**
                         * @description Units; `null` for all that is open.
                         * @example 3
                         */
                        quantity: number | null;
                        /**
                         * @description The shipment.
                         * @example shipment-41
                         */
                        shipment_id: string;
                    }[];
                    /**
                     * @description The item.
                     * @example milk-1l
                     */
                    sku: string;
                    /**
                     * @description How far it is.
                     * @enum {string|null}
                     */
                    state: "open" | "acknowledged" | "partly_received" | "received" | "cancelled" | "closed" | null;
                    /**
                     * @description The supplier.
                     * @example dairy-co
                     */
                    supplier: string | null;
                }[];
                /** @description Still to be received. */
                open: number | null;
                /** @description Ordered in all. */
                ordered: number | null;
                /**
                 * Format: date-time
                 * @description When it was placed.
                 */
                placed_at: string | null;
                /**
                 * @description The purchase order.
                 * @example po-2001
                 */
                po_id: string;
                /**
                 * Format: date-time
                 * @description As placed.
                 * @example 2026-03-05T08:00:00Z
                 */
                promised_at: string | null;
                /** @description Received so far. */
                received: number | null;
                /**
                 * @description How far it is.
                 * @enum {string|null}
                 */
                state: "open" | "acknowledged" | "partly_received" | "received" | "cancelled" | "closed" | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string | null;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        QuarantineClosed: {
            /**
             * @description Made by the tower.
             * @example q17
             */
            id: string;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        QuarantineEntry: {
            /**
             * Format: date-time
             * @description Ingest time.
             */
            at: string;
            /**
             * @description Stable; `/docs/errors/CODE` has its page.
             * @example invalid_data
             */
            code: string;
            /**
             * @description For people.
             * @example `limit` is a number from 1 to 1000
             */
            detail: string;
            /** @description The entity that failed. */
            entity: string | null;
            /** @description Each wrong field of a rejected event. */
            errors: {
                /** @description Stable. */
                code: string;
                /**
                 * @description What is wrong this time, for people.
                 * @example `limit` is a number from 1 to 1000
                 */
                detail: string;
                /** @description JSON pointer. */
                pointer: string;
            }[];
            /**
             * @description The event as it was sent, as JSON if it is; else its text.
             * @example {
             *       "data": {},
             *       "id": "1",
             *       "source": "/pos",
             *       "specversion": "1.0",
             *       "type": "pos.sale"
             *     }
             */
            event: Record<string, never> | unknown[] | string | number | boolean | null;
            /** @description The record that holds the event. */
            event_lsn: number;
            /** @description Whether that record was trimmed from the journal: then the event is no longer known. */
            event_trimmed: boolean;
            /**
             * @description Its identifier.
             * @example q17
             */
            id: string;
            /**
             * @description The record that put it here.
             * @example 4711
             */
            lsn: number;
            /**
             * @description `rejected`: never accepted. `refused`: accepted, and the entity could not use it. `unresolved`: accepted, and its document never came. `entity_failed`: an entity failed on it and stands still.
             * @enum {string}
             */
            reason: "rejected" | "refused" | "unresolved" | "entity_failed";
        };
        QuarantineEntryDetail: {
            /**
             * Format: date-time
             * @description Ingest time.
             */
            at: string;
            /**
             * @description Stable; `/docs/errors/CODE` has its page.
             * @example invalid_data
             */
            code: string;
            /**
             * @description For people.
             * @example `limit` is a number from 1 to 1000
             */
            detail: string;
            /** @description The entity that failed. */
            entity: string | null;
            /** @description Each wrong field of a rejected event. */
            errors: {
                /** @description Stable. */
                code: string;
                /**
                 * @description What is wrong this time, for people.
                 * @example `limit` is a number from 1 to 1000
                 */
                detail: string;
                /** @description JSON pointer. */
                pointer: string;
            }[];
            /**
             * @description The event as it was sent, as JSON if it is; else its text.
             * @example {
             *       "data": {},
             *       "id": "1",
             *       "source": "/pos",
             *       "specversion": "1.0",
             *       "type": "pos.sale"
             *     }
             */
            event: Record<string, never> | unknown[] | string | number | boolean | null;
            /** @description The record that holds the event. */
            event_lsn: number;
            /** @description Whether that record was trimmed from the journal: then the event is no longer known. */
            event_trimmed: boolean;
            /**
             * @description Its identifier.
             * @example q17
             */
            id: string;
            /**
             * @description The record that put it here.
             * @example 4711
             */
            lsn: number;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * @description `rejected`: never accepted. `refused`: accepted, and the entity could not use it. `unresolved`: accepted, and its document never came. `entity_failed`: an entity failed on it and stands still.
             * @enum {string}
             */
            reason: "rejected" | "refused" | "unresolved" | "entity_failed";
        };
        QuarantineList: {
            /** @description At most `limit` of them. */
            items: components["schemas"]["QuarantineEntry"][];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        QuarantineRetried: {
            /** @description Events that are durable now. */
            accepted: number;
            /** @description Events that were taken before, with equal content. */
            duplicates: number;
            /** @description Empty. */
            errors: components["schemas"]["Problem"][];
            /**
             * @description Made by the tower.
             * @example q17
             */
            id: string;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /** @description Events that are not taken; they are in quarantine. */
            rejected: number;
        };
        QuarantineRetryAnswer: components["schemas"]["QuarantineRetried"] | components["schemas"]["QuarantineClosed"];
        Ready: {
            /**
             * @description The journal's disk is full: everything can be read, nothing new is taken until there is room.
             * @example false
             */
            disk_full: boolean;
            /** @description Entities that came from it. */
            entities_loaded: number;
            /** @description The snapshot that the start began from. */
            generation: number | null;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description Approved actions wait: a backup was restored, and nobody has released the outbox yet.
             * @example false
             */
            outbox_held: boolean;
            /** @description How long that took. */
            recovery_seconds: number | null;
            /** @description Records replayed at the start. */
            replayed: number;
            /** @constant */
            status: "ready";
        };
        /**
         * @example {
         *       "accepted": 1,
         *       "duplicates": 0,
         *       "errors": [],
         *       "lsn": 4711,
         *       "position": "hx3q-4711",
         *       "rejected": 0
         *     }
         */
        Receipt: {
            /** @description Events that are durable now. */
            accepted: number;
            /** @description Events that were taken before, with equal content. */
            duplicates: number;
            /** @description At most 1,000 are told; all are counted. */
            errors: {
                /** @description Zero-based place in the batch or stream. */
                index: number;
                problem: components["schemas"]["Problem"];
            }[];
            /**
             * @description The highest of this request; for a repeat that of the first time; `null` if nothing was taken.
             * @example 4711
             */
            lsn: number | null;
            /**
             * @description The same as a position.
             * @example hx3q-4711
             */
            position: string | null;
            /** @description Events that are not taken; they are in quarantine. */
            rejected: number;
        };
        Refusal: {
            /** @description Events that are durable now. */
            accepted: number;
            /** @description The code of the first event. */
            code: string;
            /**
             * @description For people.
             * @example `limit` is a number from 1 to 1000
             */
            detail: string;
            /** @description Events that were taken before, with equal content. */
            duplicates: number;
            /** @description At most 1,000 are told; all are counted. */
            errors: {
                /** @description Zero-based place in the batch or stream. */
                index: number;
                problem: components["schemas"]["Problem"];
            }[];
            /**
             * @description The highest of this request; for a repeat that of the first time; `null` if nothing was taken.
             * @example 4711
             */
            lsn: number | null;
            /**
             * @description The same as a position.
             * @example hx3q-4711
             */
            position: string | null;
            /** @description Events that are not taken; they are in quarantine. */
            rejected: number;
            /** @description 422 */
            status: number;
            /** @description That no event was taken. */
            title: string;
            /** @description The page of the first event's code. */
            type: string;
        };
        /**
         * @example {
         *       "reason": "the promotion is off",
         *       "version": 5
         *     }
         */
        RejectCommand: {
            /**
             * @description Why.
             * @example storm
             */
            reason: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version: number;
        };
        /**
         * @example {
         *       "reason": "it did not come"
         *     }
         */
        ReopenCommand: {
            /**
             * @description Why.
             * @example storm
             */
            reason: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        RequiredStep: {
            /**
             * Format: date-time
             * @description Until when; then the case expires.
             */
            deadline: string | null;
            /** @description Persons who have approved it. */
            granted: number;
            /** @description Persons that it takes. */
            quorum: number;
            /**
             * @description The role that approves it.
             * @example supply_planner
             */
            role: string;
            /** @description From 1. */
            step: number;
        };
        /** @example {} */
        RetryActionCommand: {
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        RiskView: {
            /**
             * @description Units that can be promised.
             * @example 40
             */
            available: number;
            /**
             * @description Days that what is available lasts at the present rate.
             * @example 3.2
             */
            days_of_cover: number | null;
            /**
             * @description Days from the computation on that are looked at.
             * @example 9
             */
            horizon_days: number;
            /**
             * @description Units available and on order.
             * @example 160
             */
            inventory_position: number;
            /**
             * Format: date-time
             * @description When the expected balance falls below zero.
             */
            projected_stockout_at: string | null;
            /** @description The probability of a stockout within `horizon_days`, where it is greatest. */
            stockout_probability: number;
            /**
             * @description Units expected to be short within `horizon_days`.
             * @example 12.5
             */
            units_short: number;
            value_at_risk: components["schemas"]["Money"] | null;
        };
        SkuLocation: {
            /**
             * Format: date-time
             * @description The business time that the numbers are of.
             * @example 2026-03-02T10:15:00Z
             */
            as_of: string;
            /** @description `on_hand` − `reserved`. */
            available: number;
            /** @description What is due and not there. */
            backorders: number;
            /** @description Units that are there and blocked or damaged. */
            blocked: number;
            /** @description `available` ÷ `demand_rate_per_day`; `null` without demand. */
            days_of_cover: number | null;
            /**
             * @description `null` until there is enough history.
             * @enum {string|null}
             */
            demand_class: "smooth" | "erratic" | "intermittent" | "lumpy" | null;
            /** @description Expected demand, units a day. */
            demand_rate_per_day: number;
            /** @description Open customer orders promised for now or earlier, or without promise. */
            due: number;
            /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
            failed_at: number | null;
            /** @description The part of `on_order` that is on the way. */
            in_transit: number;
            /** @description `on_hand` + `on_order` − `due` − outbound transfers. */
            inventory_position: number;
            /**
             * @description Mean lead time that planning goes by.
             * @example 5
             */
            lead_time_days: number;
            /**
             * @description Where: store, distribution centre, web shop.
             * @example store-12
             */
            location: string;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description Units that are there and saleable; negative if events say so.
             * @example 24
             */
            on_hand: number;
            /** @description Open purchase and transfer lines, planned supply included. */
            on_order: number;
            /** @description Exceptions of this place that are not over. */
            open_exceptions: number;
            /** @description The part of `on_order` that is an approved action without document yet. */
            planned: number;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * Format: date-time
             * @description `null` if the balance stays above zero for all days projected.
             */
            projected_stockout_at: string | null;
            /** @description Units. */
            reorder_point: number;
            /** @description Open customer orders and transfers that leave. */
            reserved: number;
            /** @description Units. */
            safety_stock: number;
            /**
             * @description The item.
             * @example milk-1l
             */
            sku: string;
            /** @description Lead time and review period. */
            stockout_horizon_days: number;
            /** @description Within `stockout_horizon_days`. */
            stockout_probability: number;
        };
        SkuLocationItem: {
            /** @description `on_hand` − `reserved`. */
            available: number;
            /** @description What is due and not there. */
            backorders: number;
            /** @description Units that are there and blocked or damaged. */
            blocked: number;
            /** @description `available` ÷ `demand_rate_per_day`; `null` without demand. */
            days_of_cover: number | null;
            /**
             * @description `null` until there is enough history.
             * @enum {string|null}
             */
            demand_class: "smooth" | "erratic" | "intermittent" | "lumpy" | null;
            /** @description Expected demand, units a day. */
            demand_rate_per_day: number;
            /** @description Open customer orders promised for now or earlier, or without promise. */
            due: number;
            /** @description The part of `on_order` that is on the way. */
            in_transit: number;
            /** @description `on_hand` + `on_order` − `due` − outbound transfers. */
            inventory_position: number;
            /**
             * @description Mean lead time that planning goes by.
             * @example 5
             */
            lead_time_days: number;
            /**
             * @description Where: store, distribution centre, web shop.
             * @example store-12
             */
            location: string;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description Units that are there and saleable; negative if events say so.
             * @example 24
             */
            on_hand: number;
            /** @description Open purchase and transfer lines, planned supply included. */
            on_order: number;
            /** @description Exceptions of this place that are not over. */
            open_exceptions: number;
            /** @description The part of `on_order` that is an approved action without document yet. */
            planned: number;
            /**
             * Format: date-time
             * @description `null` if the balance stays above zero for all days projected.
             */
            projected_stockout_at: string | null;
            /** @description Units. */
            reorder_point: number;
            /** @description Open customer orders and transfers that leave. */
            reserved: number;
            /** @description Units. */
            safety_stock: number;
            /**
             * @description The item.
             * @example milk-1l
             */
            sku: string;
            /** @description Lead time and review period. */
            stockout_horizon_days: number;
            /** @description Within `stockout_horizon_days`. */
            stockout_probability: number;
        };
        SkuLocationList: {
            /** @description At most `limit` of them. */
            items: {
                /** @description `on_hand` − `reserved`. */
                available: number | null;
                /** @description What is due and not there. */
                backorders: number | null;
                /** @description Units that are there and blocked or damaged. */
                blocked: number | null;
                /** @description `available` ÷ `demand_rate_per_day`; `null` without demand. */
                days_of_cover: number | null;
                /**
                 * @description `null` until there is enough history.
                 * @enum {string|null}
                 */
                demand_class: "smooth" | "erratic" | "intermittent" | "lumpy" | null;
                /** @description Expected demand, units a day. */
                demand_rate_per_day: number | null;
                /** @description Open customer orders promised for now or earlier, or without promise. */
                due: number | null;
                /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
                failed_at: number | null;
                /** @description The part of `on_order` that is on the way. */
                in_transit: number | null;
                /** @description `on_hand` + `on_order` − `due` − outbound transfers. */
                inventory_position: number | null;
                /**
                 * @description Mean lead time that planning goes by.
                 * @example 5
                 */
                lead_time_days: number | null;
                /**
                 * @description Where: store, distribution centre, web shop.
                 * @example store-12
                 */
                location: string;
                /**
                 * @description Units that are there and saleable; negative if events say so.
                 * @example 24
                 */
                on_hand: number | null;
                /** @description Open purchase and transfer lines, planned supply included. */
                on_order: number | null;
                /** @description Exceptions of this place that are not over. */
                open_exceptions: number | null;
                /** @description The part of `on_order` that is an approved action without document yet. */
                planned: number | null;
                /**
                 * Format: date-time
                 * @description `null` if the balance stays above zero for all days projected.
                 */
                projected_stockout_at: string | null;
                /** @description Units. */
                reorder_point: number | null;
                /** @description Open customer orders and transfers that leave. */
                reserved: number | null;
                /** @description Units. */
                safety_stock: number | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string;
                /** @description Lead time and review period. */
                stockout_horizon_days: number | null;
                /** @description Within `stockout_horizon_days`. */
                stockout_probability: number | null;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        SkuLocationState: {
            /** @description `on_hand` − `reserved`. */
            available: number;
            /** @description What is due and not there. */
            backorders: number;
            /** @description Units that are there and blocked or damaged. */
            blocked: number;
            /** @description `available` ÷ `demand_rate_per_day`; `null` without demand. */
            days_of_cover: number | null;
            /**
             * @description `null` until there is enough history.
             * @enum {string|null}
             */
            demand_class: "smooth" | "erratic" | "intermittent" | "lumpy" | null;
            /** @description Expected demand, units a day. */
            demand_rate_per_day: number;
            /** @description Open customer orders promised for now or earlier, or without promise. */
            due: number;
            /** @description The part of `on_order` that is on the way. */
            in_transit: number;
            /** @description `on_hand` + `on_order` − `due` − outbound transfers. */
            inventory_position: number;
            /**
             * @description Mean lead time that planning goes by.
             * @example 5
             */
            lead_time_days: number;
            /**
             * @description Where: store, distribution centre, web shop.
             * @example store-12
             */
            location: string;
            /**
             * @description Units that are there and saleable; negative if events say so.
             * @example 24
             */
            on_hand: number;
            /** @description Open purchase and transfer lines, planned supply included. */
            on_order: number;
            /** @description Exceptions of this place that are not over. */
            open_exceptions: number;
            /** @description The part of `on_order` that is an approved action without document yet. */
            planned: number;
            /**
             * Format: date-time
             * @description `null` if the balance stays above zero for all days projected.
             */
            projected_stockout_at: string | null;
            /** @description Units. */
            reorder_point: number;
            /** @description Open customer orders and transfers that leave. */
            reserved: number;
            /** @description Units. */
            safety_stock: number;
            /**
             * @description The item.
             * @example milk-1l
             */
            sku: string;
            /** @description Lead time and review period. */
            stockout_horizon_days: number;
            /** @description Within `stockout_horizon_days`. */
            stockout_probability: number;
        };
        SkuLocationWhy: {
            /** @description What did not happen, and why. */
            absences: components["schemas"]["Absence"][];
            /**
             * Format: date-time
             * @description The business time that the numbers are of.
             * @example 2026-03-02T10:15:00Z
             */
            as_of: string;
            /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
            failed_at: number | null;
            /**
             * @description Where: store, distribution centre, web shop.
             * @example store-12
             */
            location: string;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Each number of the SKU-location by its name. */
            numbers: {
                [key: string]: components["schemas"]["Explanation"];
            };
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * @description The item.
             * @example milk-1l
             */
            sku: string;
        };
        Snapshot: {
            /** @description On the disk. */
            bytes: number;
            /** @description Live entities in it. */
            entities: number;
            /**
             * @description A start replays what comes after this record.
             * @example 4711
             */
            lsn: number;
            /** @description Its directory below `generations`, with leading zeros. */
            number: number;
            /** @description How long it took. */
            seconds: number;
            /**
             * Format: date-time
             * @description When it was begun.
             */
            taken_at: string;
        };
        SnapshotList: {
            /** @description Newest first. */
            items: components["schemas"]["Snapshot"][];
        };
        /**
         * @example {
         *       "comment": "the lorry comes at 7",
         *       "until": "2026-03-03T08:00:00Z"
         *     }
         */
        SnoozeCommand: {
            /** @description For whoever reads it later. */
            comment?: string | null;
            /**
             * Format: date-time
             * @description Later than now, by the tenant's clock.
             * @example 2026-03-09T00:00:00Z
             */
            until: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        Statistics: {
            /** @description Work that is accepted and not applied. */
            admission: {
                /** @description In use. */
                bytes: number | null;
                /** @description Limit. */
                bytes_max: number | null;
                /** @description In use. */
                records: number | null;
                /** @description Limit. */
                records_max: number | null;
                /** @description Requests refused. */
                refused: number | null;
            };
            /**
             * Format: date-time
             * @description Wall clock.
             * @example 2026-03-02T10:15:00Z
             */
            as_of: string;
            /**
             * Format: date-time
             * @description Now, for the tenant.
             */
            business_time: string;
            /** @description Those that are open, and the last ones that are not. */
            cases: {
                /**
                 * @description Their actions, by state.
                 * @example {
                 *       "documented": 2
                 *     }
                 */
                actions_by_state: {
                    [key: string]: number;
                };
                /** @description How many of them were approved. */
                approved: number;
                /**
                 * @description How many, by state.
                 * @example {
                 *       "proposed": 3
                 *     }
                 */
                by_state: {
                    [key: string]: number;
                };
                /** @description From opened to approved took at most so many hours. */
                hours_to_approval: {
                    /** @description Half of them. */
                    p50: number | null;
                    /**
                     * @description Nine in ten.
                     * @example 6
                     */
                    p90: number | null;
                };
                /** @description From opened to the end, of those that were approved. */
                hours_to_close: {
                    /** @description Half of them. */
                    p50: number | null;
                    /**
                     * @description Nine in ten.
                     * @example 6
                     */
                    p90: number | null;
                };
                /** @description Undecided, and no remedy would be in time any more. */
                past_decide_by: number;
            };
            /**
             * @description What moves its business time.
             * @enum {string}
             */
            clock: "wall" | "event";
            /** @description Master data. */
            described: {
                /** @description Customers. */
                customers: number | null;
                /** @description Items. */
                items: number | null;
                /** @description Locations. */
                locations: number | null;
                /** @description Suppliers. */
                suppliers: number | null;
            };
            /**
             * @description The journal's disk is full: everything can be read, nothing new is taken until there is room.
             * @example false
             */
            disk_full: boolean;
            /** @description Document lines that events can refer to. */
            document_index_lines: number | null;
            /** @description How far back a repeat is known. */
            duplicate_window: {
                /** @description Ids remembered. */
                events: number | null;
                /** @description Limit. */
                events_max: number | null;
                /** @description Its age. */
                reach_minutes: number | null;
                /**
                 * Format: date-time
                 * @description Its time.
                 */
                since: string | null;
                /** @description The oldest that is surely remembered. */
                since_lsn: number | null;
            };
            /** @description Live entities. */
            entities: number | null;
            /** @description Since the start; `null` where others are counted too. */
            events: {
                /** @description Taken. */
                accepted: number | null;
                /** @description Repeats. */
                duplicates: number | null;
                /** @description Not even kept. */
                refused: number | null;
                /** @description In quarantine. */
                rejected: number | null;
            };
            /** @description What of the open ones waits for whom. */
            exceptions: {
                /** @description Not taken up in time. */
                escalated: number;
                /** @description A case decides about them. */
                in_case: number;
                /** @description No remedy would be in time any more. */
                past_decide_by: number;
                /** @description Put off. */
                snoozed: number;
                /** @description Nobody has seen them. */
                unacknowledged: number;
            };
            /** @description Exceptions that are not over. */
            exceptions_open: number;
            /**
             * @description The same by type.
             * @example {
             *       "shortage_now": 2
             *     }
             */
            exceptions_open_by_type: {
                [key: string]: number;
            };
            /** @description Events that wait for their document. */
            holding: number | null;
            /** @description How far behind. */
            lag: {
                /** @description Durable and not applied. */
                applied_records: number | null;
                /** @description Entities with work left. */
                unsettled: number | null;
            };
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Whether approved actions wait since a backup was restored. */
            outbox: {
                /**
                 * Format: date-time
                 * @description When the backup was made, by the wall clock.
                 */
                backup_taken_at: string | null;
                /**
                 * @description Approved actions wait for `POST /api/v1/outbox/release`.
                 * @example false
                 */
                held: boolean;
                /**
                 * Format: date-time
                 * @description When the backup was restored, by the wall clock.
                 */
                held_since: string | null;
                /** @description The record that says so. */
                held_since_lsn: number | null;
            };
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /** @description Entries in quarantine. */
            quarantine: number | null;
            /** @description Of the last minute; `null` for the first seconds, and where others are counted too. */
            rates: {
                /** @description Events taken. */
                accepted_per_second: number | null;
                /** @description Repeats. */
                duplicates_per_second: number | null;
                /** @description Records in the journal. */
                records_per_second: number | null;
                /** @description Events in quarantine. */
                rejected_per_second: number | null;
                /** @description The time that they are the mean of, at most 60. */
                seconds: number | null;
            };
            /** @description Records in the journal. */
            records: number | null;
            /** @description The last start. */
            recovery: {
                /** @description Records read. */
                records: number | null;
                /** @description How long it took. */
                seconds: number | null;
            };
            /**
             * Format: date-time
             * @description When the process started.
             */
            started_at: string;
            /** @description The tenant's name. */
            tenant: string;
        };
        Supplier: {
            /**
             * @description Hours within which orders must be acknowledged.
             * @example 24
             */
            ack_within_hours: number | null;
            /** @description From order to acknowledgement. */
            acknowledgement_mean_hours: number | null;
            /** @description 90 % of the acknowledgements came sooner. */
            acknowledgement_p90_hours: number | null;
            /**
             * Format: date-time
             * @description The business time that the numbers are of.
             * @example 2026-03-02T10:15:00Z
             */
            as_of: string;
            /**
             * @description The calendar of working and ordering days.
             * @example weekdays
             */
            calendar: string | null;
            /** @description What it said of its capacity and still holds. */
            capacities: {
                /**
                 * @description How much of it there is: base units in one, or the share of normal.
                 * @example 0.5
                 */
                factor: number;
                /**
                 * Format: date-time
                 * @description Beginning of the period, inclusive.
                 * @example 2026-03-02T00:00:00Z
                 */
                from: string | null;
                /**
                 * @description Why, in words.
                 * @example storm
                 */
                reason: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string;
                /**
                 * Format: date-time
                 * @description End of the period, exclusive.
                 * @example 2026-03-09T00:00:00Z
                 */
                until: string | null;
            }[];
            /** @description Share of normal. */
            capacity_factor: number;
            /** @description What it reported and still holds. */
            delays: {
                /**
                 * @description Days later than promised; negative for earlier.
                 * @example 3
                 */
                delay_days: number;
                /**
                 * Format: date-time
                 * @description Beginning of the period, inclusive.
                 * @example 2026-03-02T00:00:00Z
                 */
                from: string | null;
                /**
                 * @description The purchase order.
                 * @example po-2001
                 */
                po_id: string | null;
                /**
                 * @description Why, in words.
                 * @example storm
                 */
                reason: string | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string;
                /**
                 * Format: date-time
                 * @description End of the period, exclusive.
                 * @example 2026-03-09T00:00:00Z
                 */
                until: string | null;
            }[];
            /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
            failed_at: number | null;
            /** @description Share of the same lines in full, whenever they came. */
            in_full_share: number | null;
            /** @description Open lines whose latest promise has passed. */
            late_lines: number;
            /** @description Receipt less promise. */
            lateness_mean_days: number | null;
            /** @description Change of the last lead times against those before, as a share. */
            lead_time_drift: number | null;
            /** @description What planning goes by unless policy or sourcing say otherwise. */
            lead_time_mean_days: number;
            /** @description Median of the last measured lead times. */
            lead_time_p50_days: number | null;
            /** @description 90 % of the last measured lead times are no longer. */
            lead_time_p90_days: number | null;
            /**
             * @description Standard deviation of it.
             * @example 1.5
             */
            lead_time_sd_days: number;
            /**
             * @description Where the mean comes from.
             * @enum {string}
             */
            lead_time_source: "measured" | "described" | "default";
            /** @description Lines that found no room. */
            lines_refused: number;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description A name for people.
             * @example Whole milk, 1 l
             */
            name: string | null;
            /**
             * Format: date-time
             * @description The earliest moment by which a line must be acknowledged; may be past.
             */
            next_acknowledgement_due_at: string | null;
            /** @description Share of measured lines that came no later than promised. */
            on_time_share: number | null;
            /** @description Its exceptions that are not over. */
            open_exceptions: number;
            /** @description Purchase lines with something still to come. */
            open_lines: number;
            /** @description Units still to come. */
            open_quantity: number;
            /** @description Lines that these shares are of. */
            otif_lines: number;
            /** @description What on time and in full means here. */
            otif_policy: {
                /**
                 * @description The date: wanted, promised with the order, or the latest promise.
                 * @enum {string}
                 */
                against: "requested" | "promised" | "confirmed";
                /** @description Days before that date that are on time. */
                early_days: number;
                /** @description Days after that date that are on time. */
                late_days: number;
                /** @description Share of the quantity that may be missing. */
                quantity_tolerance: number;
            };
            /** @description Share of lines on time and in full, as `otif_policy` says. A line counts once: from when it is in full or closed, or from the end of the days that are on time. */
            otif_share: number | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /** @description Open lines that are expected after a promise that has not passed. */
            predicted_late_lines: number;
            /** @description Lines whose lead time was measured. */
            receipts: number;
            /** @description Lines received before they were ordered; not measured. */
            receipts_before_order: number;
            /** @description SKU-locations that have no other source. */
            single_sourced: number;
            /**
             * @description The supplier.
             * @example dairy-co
             */
            supplier: string;
            /**
             * @description IANA time zone.
             * @example Europe/Berlin
             */
            timezone: string | null;
            /** @description Open lines that nobody acknowledged. */
            unacknowledged_lines: number;
        };
        SupplierItem: {
            /**
             * @description Hours within which orders must be acknowledged.
             * @example 24
             */
            ack_within_hours: number | null;
            /** @description From order to acknowledgement. */
            acknowledgement_mean_hours: number | null;
            /** @description 90 % of the acknowledgements came sooner. */
            acknowledgement_p90_hours: number | null;
            /**
             * @description The calendar of working and ordering days.
             * @example weekdays
             */
            calendar: string | null;
            /** @description What it said of its capacity and still holds. */
            capacities: {
                /**
                 * @description How much of it there is: base units in one, or the share of normal.
                 * @example 0.5
                 */
                factor: number;
                /**
                 * Format: date-time
                 * @description Beginning of the period, inclusive.
                 * @example 2026-03-02T00:00:00Z
                 */
                from: string | null;
                /**
                 * @description Why, in words.
                 * @example storm
                 */
                reason: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string;
                /**
                 * Format: date-time
                 * @description End of the period, exclusive.
                 * @example 2026-03-09T00:00:00Z
                 */
                until: string | null;
            }[];
            /** @description Share of normal. */
            capacity_factor: number;
            /** @description What it reported and still holds. */
            delays: {
                /**
                 * @description Days later than promised; negative for earlier.
                 * @example 3
                 */
                delay_days: number;
                /**
                 * Format: date-time
                 * @description Beginning of the period, inclusive.
                 * @example 2026-03-02T00:00:00Z
                 */
                from: string | null;
                /**
                 * @description The purchase order.
                 * @example po-2001
                 */
                po_id: string | null;
                /**
                 * @description Why, in words.
                 * @example storm
                 */
                reason: string | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string;
                /**
                 * Format: date-time
                 * @description End of the period, exclusive.
                 * @example 2026-03-09T00:00:00Z
                 */
                until: string | null;
            }[];
            /** @description Share of the same lines in full, whenever they came. */
            in_full_share: number | null;
            /** @description Open lines whose latest promise has passed. */
            late_lines: number;
            /** @description Receipt less promise. */
            lateness_mean_days: number | null;
            /** @description Change of the last lead times against those before, as a share. */
            lead_time_drift: number | null;
            /** @description What planning goes by unless policy or sourcing say otherwise. */
            lead_time_mean_days: number;
            /** @description Median of the last measured lead times. */
            lead_time_p50_days: number | null;
            /** @description 90 % of the last measured lead times are no longer. */
            lead_time_p90_days: number | null;
            /**
             * @description Standard deviation of it.
             * @example 1.5
             */
            lead_time_sd_days: number;
            /**
             * @description Where the mean comes from.
             * @enum {string}
             */
            lead_time_source: "measured" | "described" | "default";
            /** @description Lines that found no room. */
            lines_refused: number;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /**
             * @description A name for people.
             * @example Whole milk, 1 l
             */
            name: string | null;
            /**
             * Format: date-time
             * @description The earliest moment by which a line must be acknowledged; may be past.
             */
            next_acknowledgement_due_at: string | null;
            /** @description Share of measured lines that came no later than promised. */
            on_time_share: number | null;
            /** @description Its exceptions that are not over. */
            open_exceptions: number;
            /** @description Purchase lines with something still to come. */
            open_lines: number;
            /** @description Units still to come. */
            open_quantity: number;
            /** @description Lines that these shares are of. */
            otif_lines: number;
            /** @description What on time and in full means here. */
            otif_policy: {
                /**
                 * @description The date: wanted, promised with the order, or the latest promise.
                 * @enum {string}
                 */
                against: "requested" | "promised" | "confirmed";
                /** @description Days before that date that are on time. */
                early_days: number;
                /** @description Days after that date that are on time. */
                late_days: number;
                /** @description Share of the quantity that may be missing. */
                quantity_tolerance: number;
            };
            /** @description Share of lines on time and in full, as `otif_policy` says. A line counts once: from when it is in full or closed, or from the end of the days that are on time. */
            otif_share: number | null;
            /** @description Open lines that are expected after a promise that has not passed. */
            predicted_late_lines: number;
            /** @description Lines whose lead time was measured. */
            receipts: number;
            /** @description Lines received before they were ordered; not measured. */
            receipts_before_order: number;
            /** @description SKU-locations that have no other source. */
            single_sourced: number;
            /**
             * @description The supplier.
             * @example dairy-co
             */
            supplier: string;
            /**
             * @description IANA time zone.
             * @example Europe/Berlin
             */
            timezone: string | null;
            /** @description Open lines that nobody acknowledged. */
            unacknowledged_lines: number;
        };
        SupplierList: {
            /** @description At most `limit` of them. */
            items: {
                /**
                 * @description Hours within which orders must be acknowledged.
                 * @example 24
                 */
                ack_within_hours: number | null;
                /** @description From order to acknowledgement. */
                acknowledgement_mean_hours: number | null;
                /** @description 90 % of the acknowledgements came sooner. */
                acknowledgement_p90_hours: number | null;
                /**
                 * @description The calendar of working and ordering days.
                 * @example weekdays
                 */
                calendar: string | null;
                /** @description What it said of its capacity and still holds. */
                capacities: {
                    /**
                     * @description How much of it there is: base units in one, or the share of normal.
                     * @example 0.5
                     */
                    factor: number;
                    /**
                     * Format: date-time
                     * @description Beginning of the period, inclusive.
                     * @example 2026-03-02T00:00:00Z
                     */
                    from: string | null;
                    /**
                     * @description Why, in words.
                     * @example storm
                     */
                    reason: string | null;
                    /**
                     * @description The supplier.
                     * @example dairy-co
                     */
                    supplier: string;
                    /**
                     * Format: date-time
                     * @description End of the period, exclusive.
                     * @example 2026-03-09T00:00:00Z
                     */
                    until: string | null;
                }[] | null;
                /** @description Share of normal. */
                capacity_factor: number | null;
                /** @description What it reported and still holds. */
                delays: {
                    /**
                     * @description Days later than promised; negative for earlier.
                     * @example 3
                     */
                    delay_days: number;
                    /**
                     * Format: date-time
                     * @description Beginning of the period, inclusive.
                     * @example 2026-03-02T00:00:00Z
                     */
                    from: string | null;
                    /**
                     * @description The purchase order.
                     * @example po-2001
                     */
                    po_id: string | null;
                    /**
                     * @description Why, in words.
                     * @example storm
                     */
                    reason: string | null;
                    /**
                     * @description The item.
                     * @example milk-1l
                     */
                    sku: string | null;
                    /**
                     * @description The supplier.
                     * @example dairy-co
                     */
                    supplier: string;
                    /**
                     * Format: date-time
                     * @description End of the period, exclusive.
                     * @example 2026-03-09T00:00:00Z
                     */
                    until: string | null;
                }[] | null;
                /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
                failed_at: number | null;
                /** @description Share of the same lines in full, whenever they came. */
                in_full_share: number | null;
                /** @description Open lines whose latest promise has passed. */
                late_lines: number | null;
                /** @description Receipt less promise. */
                lateness_mean_days: number | null;
                /** @description Change of the last lead times against those before, as a share. */
                lead_time_drift: number | null;
                /** @description What planning goes by unless policy or sourcing say otherwise. */
                lead_time_mean_days: number | null;
                /** @description Median of the last measured lead times. */
                lead_time_p50_days: number | null;
                /** @description 90 % of the last measured lead times are no longer. */
                lead_time_p90_days: number | null;
                /**
                 * @description Standard deviation of it.
                 * @example 1.5
                 */
                lead_time_sd_days: number | null;
                /**
                 * @description Where the mean comes from.
                 * @enum {string|null}
                 */
                lead_time_source: "measured" | "described" | "default" | null;
                /** @description Lines that found no room. */
                lines_refused: number | null;
                /**
                 * @description A name for people.
                 * @example Whole milk, 1 l
                 */
                name: string | null;
                /**
                 * Format: date-time
                 * @description The earliest moment by which a line must be acknowledged; may be past.
                 */
                next_acknowledgement_due_at: string | null;
                /** @description Share of measured lines that came no later than promised. */
                on_time_share: number | null;
                /** @description Its exceptions that are not over. */
                open_exceptions: number | null;
                /** @description Purchase lines with something still to come. */
                open_lines: number | null;
                /** @description Units still to come. */
                open_quantity: number | null;
                /** @description Lines that these shares are of. */
                otif_lines: number | null;
                /** @description What on time and in full means here. */
                otif_policy: {
                    /**
                     * @description The date: wanted, promised with the order, or the latest promise.
                     * @enum {string}
                     */
                    against: "requested" | "promised" | "confirmed";
                    /** @description Days before that date that are on time. */
                    early_days: number;
                    /** @description Days after that date that are on time. */
                    late_days: number;
                    /** @description Share of the quantity that may be missing. */
                    quantity_tolerance: number;
                } | null;
                /** @description Share of lines on time and in full, as `otif_policy` says. A line counts once: from when it is in full or closed, or from the end of the days that are on time. */
                otif_share: number | null;
                /** @description Open lines that are expected after a promise that has not passed. */
                predicted_late_lines: number | null;
                /** @description Lines whose lead time was measured. */
                receipts: number | null;
                /** @description Lines received before they were ordered; not measured. */
                receipts_before_order: number | null;
                /** @description SKU-locations that have no other source. */
                single_sourced: number | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string;
                /**
                 * @description IANA time zone.
                 * @example Europe/Berlin
                 */
                timezone: string | null;
                /** @description Open lines that nobody acknowledged. */
                unacknowledged_lines: number | null;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        SupplierState: {
            /**
             * @description Hours within which orders must be acknowledged.
             * @example 24
             */
            ack_within_hours: number | null;
            /** @description From order to acknowledgement. */
            acknowledgement_mean_hours: number | null;
            /** @description 90 % of the acknowledgements came sooner. */
            acknowledgement_p90_hours: number | null;
            /**
             * @description The calendar of working and ordering days.
             * @example weekdays
             */
            calendar: string | null;
            /** @description What it said of its capacity and still holds. */
            capacities: {
                /**
                 * @description How much of it there is: base units in one, or the share of normal.
                 * @example 0.5
                 */
                factor: number;
                /**
                 * Format: date-time
                 * @description Beginning of the period, inclusive.
                 * @example 2026-03-02T00:00:00Z
                 */
                from: string | null;
                /**
                 * @description Why, in words.
                 * @example storm
                 */
                reason: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string;
                /**
                 * Format: date-time
                 * @description End of the period, exclusive.
                 * @example 2026-03-09T00:00:00Z
                 */
                until: string | null;
            }[];
            /** @description Share of normal. */
            capacity_factor: number;
            /** @description What it reported and still holds. */
            delays: {
                /**
                 * @description Days later than promised; negative for earlier.
                 * @example 3
                 */
                delay_days: number;
                /**
                 * Format: date-time
                 * @description Beginning of the period, inclusive.
                 * @example 2026-03-02T00:00:00Z
                 */
                from: string | null;
                /**
                 * @description The purchase order.
                 * @example po-2001
                 */
                po_id: string | null;
                /**
                 * @description Why, in words.
                 * @example storm
                 */
                reason: string | null;
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string | null;
                /**
                 * @description The supplier.
                 * @example dairy-co
                 */
                supplier: string;
                /**
                 * Format: date-time
                 * @description End of the period, exclusive.
                 * @example 2026-03-09T00:00:00Z
                 */
                until: string | null;
            }[];
            /** @description Share of the same lines in full, whenever they came. */
            in_full_share: number | null;
            /** @description Open lines whose latest promise has passed. */
            late_lines: number;
            /** @description Receipt less promise. */
            lateness_mean_days: number | null;
            /** @description Change of the last lead times against those before, as a share. */
            lead_time_drift: number | null;
            /** @description What planning goes by unless policy or sourcing say otherwise. */
            lead_time_mean_days: number;
            /** @description Median of the last measured lead times. */
            lead_time_p50_days: number | null;
            /** @description 90 % of the last measured lead times are no longer. */
            lead_time_p90_days: number | null;
            /**
             * @description Standard deviation of it.
             * @example 1.5
             */
            lead_time_sd_days: number;
            /**
             * @description Where the mean comes from.
             * @enum {string}
             */
            lead_time_source: "measured" | "described" | "default";
            /** @description Lines that found no room. */
            lines_refused: number;
            /**
             * @description A name for people.
             * @example Whole milk, 1 l
             */
            name: string | null;
            /**
             * Format: date-time
             * @description The earliest moment by which a line must be acknowledged; may be past.
             */
            next_acknowledgement_due_at: string | null;
            /** @description Share of measured lines that came no later than promised. */
            on_time_share: number | null;
            /** @description Its exceptions that are not over. */
            open_exceptions: number;
            /** @description Purchase lines with something still to come. */
            open_lines: number;
            /** @description Units still to come. */
            open_quantity: number;
            /** @description Lines that these shares are of. */
            otif_lines: number;
            /** @description What on time and in full means here. */
            otif_policy: {
                /**
                 * @description The date: wanted, promised with the order, or the latest promise.
                 * @enum {string}
                 */
                against: "requested" | "promised" | "confirmed";
                /** @description Days before that date that are on time. */
                early_days: number;
                /** @description Days after that date that are on time. */
                late_days: number;
                /** @description Share of the quantity that may be missing. */
                quantity_tolerance: number;
            };
            /** @description Share of lines on time and in full, as `otif_policy` says. A line counts once: from when it is in full or closed, or from the end of the days that are on time. */
            otif_share: number | null;
            /** @description Open lines that are expected after a promise that has not passed. */
            predicted_late_lines: number;
            /** @description Lines whose lead time was measured. */
            receipts: number;
            /** @description Lines received before they were ordered; not measured. */
            receipts_before_order: number;
            /** @description SKU-locations that have no other source. */
            single_sourced: number;
            /**
             * @description The supplier.
             * @example dairy-co
             */
            supplier: string;
            /**
             * @description IANA time zone.
             * @example Europe/Berlin
             */
            timezone: string | null;
            /** @description Open lines that nobody acknowledged. */
            unacknowledged_lines: number;
        };
        SupplierWhy: {
            /** @description What did not happen, and why. */
            absences: components["schemas"]["Absence"][];
            /**
             * Format: date-time
             * @description The business time that the numbers are of.
             * @example 2026-03-02T10:15:00Z
             */
            as_of: string;
            /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
            failed_at: number | null;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Each number of the supplier by its name. */
            numbers: {
                [key: string]: components["schemas"]["Explanation"];
            };
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * @description The supplier.
             * @example dairy-co
             */
            supplier: string;
        };
        Transfer: {
            /**
             * Format: date-time
             * @description When the last of what is open is expected.
             */
            complete_at: string | null;
            /** @description Sent so far. */
            dispatched: number | null;
            /**
             * Format: date-time
             * @description When the next goods are expected.
             */
            expected_at: string | null;
            /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
            failed_at: number | null;
            /**
             * @description Where it leaves; of the document: that of the first line.
             * @example dc-1
             */
            from: string | null;
            /** @description Dispatched and not received. */
            in_transit: number | null;
            /** @description Whether something is still to be received. */
            is_open: boolean | null;
            /** @description Those that the reader sees. */
            lines: {
                /**
                 * Format: date-time
                 * @description When the last of what is open is expected.
                 */
                complete_at: string | null;
                /** @description Sent so far. */
                dispatched: number | null;
                /**
                 * Format: date-time
                 * @description When the next goods are expected.
                 */
                expected_at: string | null;
                /**
                 * @description Where it leaves; of the document: that of the first line.
                 * @example dc-1
                 */
                from: string | null;
                /** @description Dispatched and not received. */
                in_transit: number | null;
                /**
                 * @description The line within its document.
                 * @example 1
                 */
                line_id: string;
                /** @description Not received. */
                open: number | null;
                /** @description In all. */
                ordered: number | null;
                /**
                 * Format: date-time
                 * @description When it was placed.
                 */
                placed_at: string | null;
                /**
                 * Format: date-time
                 * @description When it was promised for.
                 * @example 2026-03-05T08:00:00Z
                 */
                promised_at: string | null;
                /** @description Received so far. */
                received: number | null;
                /** @description What is on the way. */
                shipments: {
                    /**
                     * Format: date-time
                     * @description When it is expected to arrive.
                     * @example 2026-03-05T06:00:00Z
                     */
                    eta: string | null;
                    /** @description Whether it has arrived. */
                    has_arrived: boolean;
                    /** @description Whether it has left. */
                    is_dispatched: boolean;
                    /**
                     * @description Units; `null` for all that is open.
                     * @example 3
                     */
                    quantity: number | null;
                    /**
                     * @description The shipment.
                     * @example shipment-41
                     */
                    shipment_id: string;
                }[];
                /**
                 * @description The item.
                 * @example milk-1l
                 */
                sku: string;
                /**
                 * @description How far it is.
                 * @enum {string|null}
                 */
                state: "open" | "in_transit" | "partly_received" | "received" | "cancelled" | "closed" | null;
                /**
                 * @description Where it goes; of the document: that of the first line.
                 * @example store-12
                 */
                to: string | null;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Not received. */
            open: number | null;
            /** @description In all. */
            ordered: number | null;
            /**
             * Format: date-time
             * @description When it was placed.
             */
            placed_at: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /**
             * Format: date-time
             * @description When it was promised for.
             * @example 2026-03-05T08:00:00Z
             */
            promised_at: string | null;
            /** @description Received so far. */
            received: number | null;
            /**
             * @description How far it is.
             * @enum {string|null}
             */
            state: "open" | "in_transit" | "partly_received" | "received" | "cancelled" | "closed" | null;
            /**
             * @description Where it goes; of the document: that of the first line.
             * @example store-12
             */
            to: string | null;
            /**
             * @description The transfer.
             * @example transfer-301
             */
            transfer_id: string;
        };
        TransferList: {
            /** @description At most `limit` of them. */
            items: {
                /**
                 * Format: date-time
                 * @description When the last of what is open is expected.
                 */
                complete_at: string | null;
                /** @description Sent so far. */
                dispatched: number | null;
                /**
                 * Format: date-time
                 * @description When the next goods are expected.
                 */
                expected_at: string | null;
                /** @description The record on which the entity's code failed; it stands still since. `null` normally. */
                failed_at: number | null;
                /**
                 * @description Where it leaves; of the document: that of the first line.
                 * @example dc-1
                 */
                from: string | null;
                /** @description Dispatched and not received. */
                in_transit: number | null;
                /** @description Whether something is still to be received. */
                is_open: boolean | null;
                /** @description Those that the reader sees. */
                lines: {
                    /**
                     * Format: date-time
                     * @description When the last of what is open is expected.
                     */
                    complete_at: string | null;
                    /** @description Sent so far. */
                    dispatched: number | null;
                    /**
                     * Format: date-time
                     * @description When the next goods are expected.
                     */
                    expected_at: string | null;
                    /**
                     * @description Where it leaves; of the document: that of the first line.
                     * @example dc-1
                     */
                    from: string | null;
                    /** @description Dispatched and not received. */
                    in_transit: number | null;
                    /**
                     * @description The line within its document.
                     * @example 1
                     */
                    line_id: string;
                    /** @description Not received. */
                    open: number | null;
                    /** @description In all. */
                    ordered: number | null;
                    /**
                     * Format: date-time
                     * @description When it was placed.
                     */
                    placed_at: string | null;
                    /**
                     * Format: date-time
                     * @description When it was promised for.
                     * @example 2026-03-05T08:00:00Z
                     */
                    promised_at: string | null;
                    /** @description Received so far. */
                    received: number | null;
                    /** @description What is on the way. */
                    shipments: {
                        /**
                         * Format: date-time
                         * @description When it is expected to arrive.
                         * @example 2026-03-05T06:00:00Z
                         */
                        eta: string | null;
                        /** @description Whether it has arrived. */
                        has_arrived: boolean;
                        /** @description Whether it has left. */
                        is_dispatched: boolean;
                        /**
                         * @description Units; `null` for all that is open.
                         * @example 3
                         */
                        quantity: number | null;
                        /**
                         * @description The shipment.
                         * @example shipment-41
                         */
                        shipment_id: string;
                    }[];
                    /**
                     * @description The item.
                     * @example milk-1l
                     */
                    sku: string;
                    /**
                     * @description How far it is.
                     * @enum {string|null}
                     */
                    state: "open" | "in_transit" | "partly_received" | "received" | "cancelled" | "closed" | null;
                    /**
                     * @description Where it goes; of the document: that of the first line.
                     * @example store-12
                     */
                    to: string | null;
                }[];
                /** @description Not received. */
                open: number | null;
                /** @description In all. */
                ordered: number | null;
                /**
                 * Format: date-time
                 * @description When it was placed.
                 */
                placed_at: string | null;
                /**
                 * Format: date-time
                 * @description When it was promised for.
                 * @example 2026-03-05T08:00:00Z
                 */
                promised_at: string | null;
                /** @description Received so far. */
                received: number | null;
                /**
                 * @description How far it is.
                 * @enum {string|null}
                 */
                state: "open" | "in_transit" | "partly_received" | "received" | "cancelled" | "closed" | null;
                /**
                 * @description Where it goes; of the document: that of the first line.
                 * @example store-12
                 */
                to: string | null;
                /**
                 * @description The transfer.
                 * @example transfer-301
                 */
                transfer_id: string;
            }[];
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description Where the next page begins; `null` on the last one. */
            next_cursor: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        Vote: {
            /** @description For it or against it. */
            approves: boolean;
            /**
             * Format: date-time
             * @description Business time.
             */
            at: string;
            /**
             * @description Who.
             * @example bob
             */
            by: string;
            /** @description What was said with it. */
            comment: string | null;
            /**
             * @description Who had lent the vote.
             * @example cleo
             */
            on_behalf_of: string | null;
            /**
             * @description In which role.
             * @example supply_planner
             */
            role: string;
            /** @description For which of the required steps. */
            step: number;
            /** @description The version that it was given for. */
            version: number;
            /** @description Whether facts have moved since: then it does not count. */
            void: boolean;
        };
        /**
         * @example {
         *       "reason": "ordered by telephone"
         *     }
         */
        WithdrawActionCommand: {
            /**
             * @description Why.
             * @example storm
             */
            reason: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type Absence = components['schemas']['Absence'];
export type AcknowledgeCommand = components['schemas']['AcknowledgeCommand'];
export type Action = components['schemas']['Action'];
export type ActionDetail = components['schemas']['ActionDetail'];
export type ActionDocument = components['schemas']['ActionDocument'];
export type ActionList = components['schemas']['ActionList'];
export type AddTaskCommand = components['schemas']['AddTaskCommand'];
export type Affected = components['schemas']['Affected'];
export type Alive = components['schemas']['Alive'];
export type ApproveCommand = components['schemas']['ApproveCommand'];
export type AssignCommand = components['schemas']['AssignCommand'];
export type BulkCommand = components['schemas']['BulkCommand'];
export type BulkResult = components['schemas']['BulkResult'];
export type CancelCommand = components['schemas']['CancelCommand'];
export type Case = components['schemas']['Case'];
export type CaseAction = components['schemas']['CaseAction'];
export type CaseDetail = components['schemas']['CaseDetail'];
export type CaseList = components['schemas']['CaseList'];
export type CaseMember = components['schemas']['CaseMember'];
export type CaseOption = components['schemas']['CaseOption'];
export type CaseOutcome = components['schemas']['CaseOutcome'];
export type CaseRule = components['schemas']['CaseRule'];
export type CaseTask = components['schemas']['CaseTask'];
export type CaseWhy = components['schemas']['CaseWhy'];
export type ChooseCommand = components['schemas']['ChooseCommand'];
export type CommentCommand = components['schemas']['CommentCommand'];
export type CompleteTaskCommand = components['schemas']['CompleteTaskCommand'];
export type Customer = components['schemas']['Customer'];
export type CustomerList = components['schemas']['CustomerList'];
export type DelegateCommand = components['schemas']['DelegateCommand'];
export type Delegation = components['schemas']['Delegation'];
export type DeliveryAttempt = components['schemas']['DeliveryAttempt'];
export type DeliveryList = components['schemas']['DeliveryList'];
export type DismissCommand = components['schemas']['DismissCommand'];
export type Evidence = components['schemas']['Evidence'];
export type Exception = components['schemas']['Exception'];
export type ExceptionDetail = components['schemas']['ExceptionDetail'];
export type ExceptionList = components['schemas']['ExceptionList'];
export type ExceptionWhy = components['schemas']['ExceptionWhy'];
export type Explanation = components['schemas']['Explanation'];
export type ExplanationInput = components['schemas']['ExplanationInput'];
export type FactChange = components['schemas']['FactChange'];
export type FeedStatistics = components['schemas']['FeedStatistics'];
export type FeedTicket = components['schemas']['FeedTicket'];
export type Gate = components['schemas']['Gate'];
export type Item = components['schemas']['Item'];
export type ItemList = components['schemas']['ItemList'];
export type Location = components['schemas']['Location'];
export type LocationList = components['schemas']['LocationList'];
export type MergeCommand = components['schemas']['MergeCommand'];
export type Money = components['schemas']['Money'];
export type OpenCaseCommand = components['schemas']['OpenCaseCommand'];
export type OptionBasis = components['schemas']['OptionBasis'];
export type OptionCommand = components['schemas']['OptionCommand'];
export type OptionNumber = components['schemas']['OptionNumber'];
export type OptionStep = components['schemas']['OptionStep'];
export type Order = components['schemas']['Order'];
export type OrderList = components['schemas']['OrderList'];
export type OutboxReleased = components['schemas']['OutboxReleased'];
export type Problem = components['schemas']['Problem'];
export type Projection = components['schemas']['Projection'];
export type Promotion = components['schemas']['Promotion'];
export type PromotionList = components['schemas']['PromotionList'];
export type PurchaseOrder = components['schemas']['PurchaseOrder'];
export type PurchaseOrderList = components['schemas']['PurchaseOrderList'];
export type QuarantineClosed = components['schemas']['QuarantineClosed'];
export type QuarantineEntry = components['schemas']['QuarantineEntry'];
export type QuarantineEntryDetail = components['schemas']['QuarantineEntryDetail'];
export type QuarantineList = components['schemas']['QuarantineList'];
export type QuarantineRetried = components['schemas']['QuarantineRetried'];
export type QuarantineRetryAnswer = components['schemas']['QuarantineRetryAnswer'];
export type Ready = components['schemas']['Ready'];
export type Receipt = components['schemas']['Receipt'];
export type Refusal = components['schemas']['Refusal'];
export type RejectCommand = components['schemas']['RejectCommand'];
export type ReopenCommand = components['schemas']['ReopenCommand'];
export type RequiredStep = components['schemas']['RequiredStep'];
export type RetryActionCommand = components['schemas']['RetryActionCommand'];
export type RiskView = components['schemas']['RiskView'];
export type SkuLocation = components['schemas']['SkuLocation'];
export type SkuLocationItem = components['schemas']['SkuLocationItem'];
export type SkuLocationList = components['schemas']['SkuLocationList'];
export type SkuLocationState = components['schemas']['SkuLocationState'];
export type SkuLocationWhy = components['schemas']['SkuLocationWhy'];
export type Snapshot = components['schemas']['Snapshot'];
export type SnapshotList = components['schemas']['SnapshotList'];
export type SnoozeCommand = components['schemas']['SnoozeCommand'];
export type Statistics = components['schemas']['Statistics'];
export type Supplier = components['schemas']['Supplier'];
export type SupplierItem = components['schemas']['SupplierItem'];
export type SupplierList = components['schemas']['SupplierList'];
export type SupplierState = components['schemas']['SupplierState'];
export type SupplierWhy = components['schemas']['SupplierWhy'];
export type Transfer = components['schemas']['Transfer'];
export type TransferList = components['schemas']['TransferList'];
export type Vote = components['schemas']['Vote'];
export type WithdrawActionCommand = components['schemas']['WithdrawActionCommand'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
