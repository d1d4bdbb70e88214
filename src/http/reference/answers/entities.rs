//! SKU-locations, suppliers, what was described.

use serde_json::{Value, json};

use super::*;

pub fn sku_location() -> Vec<Member> {
    vec![
        required("sku", name()),
        required("location", name()),
        about("on_hand", any_number(), "Units that are there and saleable; negative if events say so."),
        about("blocked", any_number(), "Units that are there and blocked or damaged."),
        about("reserved", any_number(), "Open customer orders and transfers that leave."),
        about("due", any_number(), "Open customer orders promised for now or earlier, or without promise."),
        about("available", any_number(), "`on_hand` − `reserved`."),
        about("backorders", any_number(), "What is due and not there."),
        about("on_order", any_number(), "Open purchase and transfer lines, planned supply included."),
        about(
            "planned",
            any_number(),
            "The part of `on_order` that is an approved action without document yet.",
        ),
        about("in_transit", any_number(), "The part of `on_order` that is on the way."),
        about("inventory_position", any_number(), "`on_hand` + `on_order` − `due` − outbound transfers."),
        about("demand_rate_per_day", any_number(), "Expected demand, units a day."),
        maybe(
            "demand_class",
            words(["smooth", "erratic", "intermittent", "lumpy"]),
            "`null` until there is enough history.",
        ),
        maybe("days_of_cover", any_number(), "`available` ÷ `demand_rate_per_day`; `null` without demand."),
        about("safety_stock", any_number(), "Units."),
        about("reorder_point", any_number(), "Units."),
        about("lead_time_days", any_number(), "Mean lead time that planning goes by."),
        about("stockout_probability", number(0.0, 1.0), "Within `stockout_horizon_days`."),
        about("stockout_horizon_days", any_number(), "Lead time and review period."),
        maybe(
            "projected_stockout_at",
            time(),
            "`null` if the balance stays above zero for all days projected.",
        ),
        about("open_exceptions", count(), "Exceptions of this place that are not over."),
    ]
}

pub fn projection() -> Value {
    let day = object([
        about("day", date(), "Local day."),
        required("from", time()),
        required("until", time()),
        about("receipts", any_number(), "Units expected in."),
        about("demand", any_number(), "Units: the greater of forecast and orders due."),
        about("balance", any_number(), "Units at the end of the day."),
        about("p10", any_number(), "The balance that is undercut with a probability of 10 %."),
        about("p90", any_number(), "The balance that is exceeded with a probability of 10 %."),
    ]);
    let window = object([required("from", time()), required("until", time())]);
    with_state(vec![
        required("sku", name()),
        required("location", name()),
        maybe("projected_stockout_at", time(), "`null` if the balance stays above zero for all days."),
        about("days", array(day), "The first is what is left of today."),
        about("shortage_windows", array(window), "Days in a row that end short."),
    ])
}

pub fn supplier() -> Vec<Member> {
    let delay = object([
        required("supplier", name()),
        required("delay_days", any_number()),
        known("po_id", name()),
        known("sku", name()),
        known("from", time()),
        known("until", time()),
        known("reason", any_text()),
    ]);
    let capacity = object([
        required("supplier", name()),
        required("factor", any_number()),
        known("from", time()),
        known("until", time()),
        known("reason", any_text()),
    ]);
    let otif_policy = object([
        about(
            "against",
            words(["requested", "promised", "confirmed"]),
            "The date: wanted, promised with the order, or the latest promise.",
        ),
        about("quantity_tolerance", any_number(), "Share of the quantity that may be missing."),
        about("early_days", any_number(), "Days before that date that are on time."),
        about("late_days", any_number(), "Days after that date that are on time."),
    ]);
    vec![
        required("supplier", name()),
        known("name", any_text()),
        known("timezone", name()),
        known("calendar", name()),
        known("ack_within_hours", any_number()),
        about("open_lines", count(), "Purchase lines with something still to come."),
        about("open_quantity", any_number(), "Units still to come."),
        about("late_lines", count(), "Open lines whose latest promise has passed."),
        about(
            "predicted_late_lines",
            count(),
            "Open lines that are expected after a promise that has not passed.",
        ),
        about("receipts", count(), "Lines whose lead time was measured."),
        about("receipts_before_order", count(), "Lines received before they were ordered; not measured."),
        about("lines_refused", count(), "Lines that found no room."),
        about(
            "lead_time_mean_days",
            any_number(),
            "What planning goes by unless policy or sourcing say otherwise.",
        ),
        about("lead_time_sd_days", any_number(), "Standard deviation of it."),
        about("lead_time_source", words(["measured", "described", "default"]), "Where the mean comes from."),
        maybe("lead_time_p50_days", any_number(), "Median of the last measured lead times."),
        maybe("lead_time_p90_days", any_number(), "90 % of the last measured lead times are no longer."),
        maybe(
            "lead_time_drift",
            any_number(),
            "Change of the last lead times against those before, as a share.",
        ),
        maybe(
            "otif_share",
            number(0.0, 1.0),
            "Share of lines on time and in full, as `otif_policy` says. A line counts once: from when it is in full or closed, or from the end of the days that are on time.",
        ),
        maybe("in_full_share", number(0.0, 1.0), "Share of the same lines in full, whenever they came."),
        about("otif_lines", count(), "Lines that these shares are of."),
        about("otif_policy", otif_policy, "What on time and in full means here."),
        maybe("on_time_share", number(0.0, 1.0), "Share of measured lines that came no later than promised."),
        maybe("lateness_mean_days", any_number(), "Receipt less promise."),
        maybe("acknowledgement_mean_hours", any_number(), "From order to acknowledgement."),
        maybe("acknowledgement_p90_hours", any_number(), "90 % of the acknowledgements came sooner."),
        about("unacknowledged_lines", count(), "Open lines that nobody acknowledged."),
        maybe(
            "next_acknowledgement_due_at",
            time(),
            "The earliest moment by which a line must be acknowledged; may be past.",
        ),
        about("capacity_factor", any_number(), "Share of normal."),
        about("delays", array(delay), "What it reported and still holds."),
        about("capacities", array(capacity), "What it said of its capacity and still holds."),
        about("single_sourced", count(), "SKU-locations that have no other source."),
        about("open_exceptions", count(), "Its exceptions that are not over."),
    ]
}

pub fn item() -> Vec<Member> {
    let unit = object([required("uom", name()), required("factor", any_number())]);
    let substitute = object([required("sku", name()), required("ratio", any_number())]);
    vec![
        required("sku", name()),
        known("name", any_text()),
        required("path", array(name())),
        known("attributes", json!({"type": "object", "examples": [{"fat": "3.5 %"}]})),
        known("brand", any_text()),
        known("unit_cost", any_text()),
        known("unit_price", any_text()),
        known("currency", currency()),
        known("uom", name()),
        required("uoms", array(unit)),
        known("pack", any_number()),
        known("shelf_life_days", any_number()),
        required("substitutes", array(substitute)),
    ]
}

pub fn location() -> Vec<Member> {
    vec![
        required("location", name()),
        known("name", any_text()),
        known("kind", words(["store", "dc", "supplier", "web"])),
        required("path", array(name())),
        known("lat", any_number()),
        known("lon", any_number()),
        known("timezone", name()),
        known("calendar", name()),
    ]
}

pub fn customer() -> Vec<Member> {
    vec![
        required("customer", name()),
        known("tier", any_text()),
        known("contact_ref", any_text()),
        known("language", any_text()),
        known("account_owner", any_text()),
    ]
}
