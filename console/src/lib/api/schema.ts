// Written by tools/api-types.js from a tower's /openapi.json.

export type paths = Record<string, never>;
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
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
            attempts: {
                /** @description From 1. */
                attempt: number;
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
                 * @description What became of it; `unknown` while that is not known.
                 * @enum {string}
                 */
                outcome: "unknown" | "delivered" | "failed" | "refused";
                /**
                 * Format: date-time
                 * @description Business time.
                 */
                started_at: string;
                /** @description Of the HTTP answer. */
                status: number | null;
            }[];
            /** @description The case that it belongs to. */
            case_id: string;
            /**
             * Format: date-time
             * @description When the target took it.
             */
            delivered_at: string | null;
            /** @description The document that came back. */
            document: Record<string, never> | null;
            /** @description What went wrong last. */
            error: string | null;
            /**
             * Format: date-time
             * @description Until when it is waited for confirmation or document.
             */
            expires_at: string;
            /**
             * @description What the system of record calls it.
             * @example erp-80017
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
            /** @description What it is to do. */
            step: Record<string, never>;
            /** @description The system of record. */
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
            attempts: {
                /** @description From 1. */
                attempt: number;
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
                 * @description What became of it; `unknown` while that is not known.
                 * @enum {string}
                 */
                outcome: "unknown" | "delivered" | "failed" | "refused";
                /**
                 * Format: date-time
                 * @description Business time.
                 */
                started_at: string;
                /** @description Of the HTTP answer. */
                status: number | null;
            }[];
            /** @description The case that it belongs to. */
            case_id: string;
            /**
             * Format: date-time
             * @description When the target took it.
             */
            delivered_at: string | null;
            /** @description The document that came back. */
            document: Record<string, never> | null;
            /** @description What went wrong last. */
            error: string | null;
            /**
             * Format: date-time
             * @description Until when it is waited for confirmation or document.
             */
            expires_at: string;
            /**
             * @description What the system of record calls it.
             * @example erp-80017
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
            /** @description What it is to do. */
            step: Record<string, never>;
            /** @description The system of record. */
            target: string;
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
        Alive: {
            /** @constant */
            status: "alive";
        };
        ApproveCommand: {
            /** @description For whoever reads it later. */
            comment?: string | null;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version: number;
        };
        AssignCommand: {
            /** @description For whoever reads it later. */
            comment?: string | null;
            /** @description A person. An owner, a team or both. */
            owner?: string | null;
            /** @description A team that the configuration describes. */
            team?: string | null;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        BulkCommand: {
            /** @description The command's body for every item. */
            body?: Record<string, never> | null;
            /** @description The last part of the command's path; `tasks` adds a task, `complete_task` with `task_id` completes one. */
            command: string;
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
                /** @description The item after the command. */
                item?: Record<string, never> | null;
                problem?: components["schemas"]["Problem"] | null;
            }[];
        };
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
            actions: Record<string, never>[];
            /**
             * Format: date-time
             * @description Business time.
             */
            approved_at: string | null;
            /** @description What changed since the version that votes were given for. */
            changed_since: Record<string, never>[];
            /** @description The id of the option. */
            chosen_option: string | null;
            /**
             * Format: date-time
             * @description Business time.
             */
            closed_at: string | null;
            /** @description What was said. */
            comments: Record<string, never>[];
            /**
             * Format: date-time
             * @description The earliest of its exceptions.
             */
            decide_by: string | null;
            /** @description Who votes instead of whom, until when. */
            delegations: Record<string, never>[];
            /** @description Ids of the exceptions that one decision solves. */
            exceptions: string[];
            /** @description Of the facts alone: options are computed for one. */
            facts: number;
            /** @description What was at risk in units as of those facts. */
            facts_units: number | null;
            facts_value: components["schemas"]["Money"] | null;
            /**
             * @description Made by the tower.
             * @example case_5d0c1f7a9b3e4c218d60
             */
            id: string;
            /** @description `shortage`, `supply`, `excess`, `demand`, `data` or `manual`. */
            kind: string;
            /**
             * @description The record that last changed it.
             * @example 4711
             */
            lsn: number;
            /** @description Its exceptions, as far as the decision goes by them. */
            members: Record<string, never>[];
            /** @description The case that this one was merged into. */
            merged_into: string | null;
            /**
             * Format: date-time
             * @description Business time.
             */
            opened_at: string;
            /** @description The ways to decide, costed. */
            options: Record<string, never>[];
            /** @description The facts that the options were computed for. */
            options_facts: number;
            /** @description What came of it. */
            outcome: Record<string, never> | null;
            /** @description Who takes care of it. */
            owner: string | null;
            /** @description Who chose it. */
            proposed_by: Record<string, never> | null;
            /** @description The approvals that are required. */
            required: Record<string, never>[];
            /** @description The rule that says what is required. */
            rule: Record<string, never> | null;
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
            tasks: Record<string, never>[];
            /** @description Whose queue it stands in. */
            team: string | null;
            /** @description What happened. */
            timeline: Record<string, never>[];
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
            /** @description Of the facts that decisions are tied to; commands name it. */
            version: number;
            /** @description What made the last versions. */
            version_changes: Record<string, never>[];
            /** @description Those that were given. */
            votes: Record<string, never>[];
        };
        CaseDetail: {
            /** @description What is carried out. */
            actions: Record<string, never>[];
            /**
             * Format: date-time
             * @description Business time.
             */
            approved_at: string | null;
            /** @description What changed since the version that votes were given for. */
            changed_since: Record<string, never>[];
            /** @description The id of the option. */
            chosen_option: string | null;
            /**
             * Format: date-time
             * @description Business time.
             */
            closed_at: string | null;
            /** @description What was said. */
            comments: Record<string, never>[];
            /**
             * Format: date-time
             * @description The earliest of its exceptions.
             */
            decide_by: string | null;
            /** @description Who votes instead of whom, until when. */
            delegations: Record<string, never>[];
            /** @description Ids of the exceptions that one decision solves. */
            exceptions: string[];
            /** @description Of the facts alone: options are computed for one. */
            facts: number;
            /** @description What was at risk in units as of those facts. */
            facts_units: number | null;
            facts_value: components["schemas"]["Money"] | null;
            /**
             * @description Made by the tower.
             * @example case_5d0c1f7a9b3e4c218d60
             */
            id: string;
            /** @description `shortage`, `supply`, `excess`, `demand`, `data` or `manual`. */
            kind: string;
            /**
             * @description The record that last changed it.
             * @example 4711
             */
            lsn: number;
            /** @description Its exceptions, as far as the decision goes by them. */
            members: Record<string, never>[];
            /** @description The case that this one was merged into. */
            merged_into: string | null;
            /**
             * Format: date-time
             * @description Business time.
             */
            opened_at: string;
            /** @description The ways to decide, costed. */
            options: Record<string, never>[];
            /** @description The facts that the options were computed for. */
            options_facts: number;
            /** @description What came of it. */
            outcome: Record<string, never> | null;
            /** @description Who takes care of it. */
            owner: string | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /** @description Who chose it. */
            proposed_by: Record<string, never> | null;
            /** @description The approvals that are required. */
            required: Record<string, never>[];
            /** @description The rule that says what is required. */
            rule: Record<string, never> | null;
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
            tasks: Record<string, never>[];
            /** @description Whose queue it stands in. */
            team: string | null;
            /** @description What happened. */
            timeline: Record<string, never>[];
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
            /** @description Of the facts that decisions are tied to; commands name it. */
            version: number;
            /** @description What made the last versions. */
            version_changes: Record<string, never>[];
            /** @description Those that were given. */
            votes: Record<string, never>[];
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
        CaseWhy: {
            /** @description What changed since votes were given. */
            changed_since: Record<string, never>[];
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
            options: Record<string, never>[];
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /** @description The rule that says what is required. */
            rule: Record<string, never> | null;
            /** @description How far it is. */
            state: string;
            /** @description Of its facts. */
            version: number;
            /** @description What has to happen before it goes on. */
            waits_for: string[];
        };
        ChooseCommand: {
            /** @description One of the case's options. */
            option_id: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version: number;
        };
        CommentCommand: {
            /** @description What is to be said. */
            text: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
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
                /** @description Of the HTTP answer. */
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
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
        };
        DismissCommand: {
            /**
             * @description Why.
             * @example storm
             */
            reason: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        Exception: {
            /** @description What is grouped under this one. */
            affected: {
                /** @description How many there are. */
                count: number;
                /** @description The first ones by value. */
                exceptions: {
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
                /** @description What `group` of the affected ones says. */
                key: string;
            } | null;
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
            evidence: {
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
            }[];
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
            /** @description What is grouped under this one. */
            affected: {
                /** @description How many there are. */
                count: number;
                /** @description The first ones by value. */
                exceptions: {
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
                /** @description What `group` of the affected ones says. */
                key: string;
            } | null;
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
            evidence: {
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
            }[];
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
            /** @description What is grouped under it. */
            affected: Record<string, never> | null;
            /**
             * Format: date-time
             * @description The business time that the numbers are of.
             * @example 2026-03-02T10:15:00Z
             */
            as_of?: string | null;
            /** @description In words. */
            because: string | null;
            /** @description The events that led here. */
            evidence: Record<string, never>[];
            exception: components["schemas"]["Exception"];
            /** @description The key of the cause that it is grouped under. */
            group: string | null;
            /**
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description The numbers of its SKU-location now. */
            numbers: {
                [key: string]: components["schemas"]["Explanation"];
            } | null;
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /** @description Its settings, their units, and the record that last changed them. */
            rule: Record<string, never>;
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
        FeedStatistics: {
            /** @description Everything up to here is applied. */
            applied_lsn: number;
            /**
             * Format: date-time
             * @description Wall clock.
             * @example 2026-03-02T10:15:00Z
             */
            as_of: string;
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
             * @description Unit of measure of `quantity`; the item's base unit when absent.
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
                 * @description Unit of measure of `quantity`; the item's base unit when absent.
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
                 * @description Unit of measure of `quantity`; the item's base unit when absent.
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
                     * @description Unit of measure of `quantity`; the item's base unit when absent.
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
             * @description Log sequence number: the last record whose effect this shows.
             * @example 4711
             */
            lsn: number;
            /** @description How long that took. */
            recovery_seconds: number | null;
            /** @description Records read at the start. */
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
        RejectCommand: {
            /**
             * @description Why.
             * @example storm
             */
            reason: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version: number;
        };
        ReopenCommand: {
            /**
             * @description Why.
             * @example storm
             */
            reason: string;
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
        };
        RetryActionCommand: {
            /** @description The version that was decided on (of an exception its `revision`); `409` if it is not current. */
            version?: number | null;
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
            absences: {
                /** @description Why not. */
                because: string;
                /** @description What says so. */
                inputs: components["schemas"]["ExplanationInput"][];
                /** @description What did not happen. */
                what: string;
            }[];
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
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /** @description Entries in quarantine. */
            quarantine: number | null;
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
            /** @description Open lines whose latest promise has passed. */
            late_lines: number;
            /** @description Receipt less promise. */
            lateness_mean_days: number | null;
            /** @description What planning goes by unless policy or sourcing say otherwise. */
            lead_time_mean_days: number;
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
            /**
             * @description Opaque: everything up to here. At most 80 ASCII bytes; survives restarts.
             * @example hx3q-4711
             */
            position: string;
            /** @description Lines whose lead time was measured. */
            receipts: number;
            /** @description Lines received before they were ordered; not measured. */
            receipts_before_order: number;
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
        };
        SupplierItem: {
            /**
             * @description Hours within which orders must be acknowledged.
             * @example 24
             */
            ack_within_hours: number | null;
            /**
             * @description The calendar of working and ordering days.
             * @example weekdays
             */
            calendar: string | null;
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
            /** @description Open lines whose latest promise has passed. */
            late_lines: number;
            /** @description Receipt less promise. */
            lateness_mean_days: number | null;
            /** @description What planning goes by unless policy or sourcing say otherwise. */
            lead_time_mean_days: number;
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
            /** @description Lines whose lead time was measured. */
            receipts: number;
            /** @description Lines received before they were ordered; not measured. */
            receipts_before_order: number;
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
        };
        SupplierList: {
            /** @description At most `limit` of them. */
            items: {
                /**
                 * @description Hours within which orders must be acknowledged.
                 * @example 24
                 */
                ack_within_hours: number | null;
                /**
                 * @description The calendar of working and ordering days.
                 * @example weekdays
                 */
                calendar: string | null;
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
                /** @description Open lines whose latest promise has passed. */
                late_lines: number | null;
                /** @description Receipt less promise. */
                lateness_mean_days: number | null;
                /** @description What planning goes by unless policy or sourcing say otherwise. */
                lead_time_mean_days: number | null;
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
                /** @description Lines whose lead time was measured. */
                receipts: number | null;
                /** @description Lines received before they were ordered; not measured. */
                receipts_before_order: number | null;
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
            /**
             * @description The calendar of working and ordering days.
             * @example weekdays
             */
            calendar: string | null;
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
            /** @description Open lines whose latest promise has passed. */
            late_lines: number;
            /** @description Receipt less promise. */
            lateness_mean_days: number | null;
            /** @description What planning goes by unless policy or sourcing say otherwise. */
            lead_time_mean_days: number;
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
            /** @description Lines whose lead time was measured. */
            receipts: number;
            /** @description Lines received before they were ordered; not measured. */
            receipts_before_order: number;
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
export type AcknowledgeCommand = components['schemas']['AcknowledgeCommand'];
export type Action = components['schemas']['Action'];
export type ActionDetail = components['schemas']['ActionDetail'];
export type ActionList = components['schemas']['ActionList'];
export type AddTaskCommand = components['schemas']['AddTaskCommand'];
export type Alive = components['schemas']['Alive'];
export type ApproveCommand = components['schemas']['ApproveCommand'];
export type AssignCommand = components['schemas']['AssignCommand'];
export type BulkCommand = components['schemas']['BulkCommand'];
export type BulkResult = components['schemas']['BulkResult'];
export type CancelCommand = components['schemas']['CancelCommand'];
export type Case = components['schemas']['Case'];
export type CaseDetail = components['schemas']['CaseDetail'];
export type CaseList = components['schemas']['CaseList'];
export type CaseWhy = components['schemas']['CaseWhy'];
export type ChooseCommand = components['schemas']['ChooseCommand'];
export type CommentCommand = components['schemas']['CommentCommand'];
export type CompleteTaskCommand = components['schemas']['CompleteTaskCommand'];
export type Customer = components['schemas']['Customer'];
export type CustomerList = components['schemas']['CustomerList'];
export type DelegateCommand = components['schemas']['DelegateCommand'];
export type DeliveryList = components['schemas']['DeliveryList'];
export type DismissCommand = components['schemas']['DismissCommand'];
export type Exception = components['schemas']['Exception'];
export type ExceptionDetail = components['schemas']['ExceptionDetail'];
export type ExceptionList = components['schemas']['ExceptionList'];
export type ExceptionWhy = components['schemas']['ExceptionWhy'];
export type Explanation = components['schemas']['Explanation'];
export type ExplanationInput = components['schemas']['ExplanationInput'];
export type FeedStatistics = components['schemas']['FeedStatistics'];
export type FeedTicket = components['schemas']['FeedTicket'];
export type Item = components['schemas']['Item'];
export type ItemList = components['schemas']['ItemList'];
export type Location = components['schemas']['Location'];
export type LocationList = components['schemas']['LocationList'];
export type MergeCommand = components['schemas']['MergeCommand'];
export type Money = components['schemas']['Money'];
export type OpenCaseCommand = components['schemas']['OpenCaseCommand'];
export type Order = components['schemas']['Order'];
export type OrderList = components['schemas']['OrderList'];
export type Problem = components['schemas']['Problem'];
export type Projection = components['schemas']['Projection'];
export type Promotion = components['schemas']['Promotion'];
export type PromotionList = components['schemas']['PromotionList'];
export type PurchaseOrder = components['schemas']['PurchaseOrder'];
export type PurchaseOrderList = components['schemas']['PurchaseOrderList'];
export type QuarantineClosed = components['schemas']['QuarantineClosed'];
export type QuarantineEntry = components['schemas']['QuarantineEntry'];
export type QuarantineList = components['schemas']['QuarantineList'];
export type QuarantineRetried = components['schemas']['QuarantineRetried'];
export type QuarantineRetryAnswer = components['schemas']['QuarantineRetryAnswer'];
export type Ready = components['schemas']['Ready'];
export type Receipt = components['schemas']['Receipt'];
export type Refusal = components['schemas']['Refusal'];
export type RejectCommand = components['schemas']['RejectCommand'];
export type ReopenCommand = components['schemas']['ReopenCommand'];
export type RetryActionCommand = components['schemas']['RetryActionCommand'];
export type SkuLocation = components['schemas']['SkuLocation'];
export type SkuLocationItem = components['schemas']['SkuLocationItem'];
export type SkuLocationList = components['schemas']['SkuLocationList'];
export type SkuLocationState = components['schemas']['SkuLocationState'];
export type SkuLocationWhy = components['schemas']['SkuLocationWhy'];
export type SnoozeCommand = components['schemas']['SnoozeCommand'];
export type Statistics = components['schemas']['Statistics'];
export type Supplier = components['schemas']['Supplier'];
export type SupplierItem = components['schemas']['SupplierItem'];
export type SupplierList = components['schemas']['SupplierList'];
export type SupplierState = components['schemas']['SupplierState'];
export type Transfer = components['schemas']['Transfer'];
export type TransferList = components['schemas']['TransferList'];
export type WithdrawActionCommand = components['schemas']['WithdrawActionCommand'];
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
