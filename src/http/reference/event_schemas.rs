//! The `data` of every event type, as a schema. A test holds each one against the parser, field by field.

use serde_json::{Value, json};

use super::schema::*;
use crate::domain::event::EventType;

const LINES_MAX: usize = 1_000;
const DAYS_MAX: f64 = 3_650.0;
const FACTOR_MAX: f64 = 1e9;

/// The schema of the `data` of a core type.
pub fn data_schema(event_type: EventType) -> Value {
    use EventType as T;
    let sku = || required("sku", name());
    let location = || required("location", name());
    let any_sku = || optional("sku", name());
    let any_location = || optional("location", name());
    let reason = || optional("reason", text());
    let until = || optional("until", time());
    let from = || optional("from", time());
    let line = || required("line_id", name());
    match event_type {
        T::PosSale => object([
            sku(),
            location(),
            required("quantity", quantity_above_zero()),
            optional("unit_price", price()),
            optional("currency", currency()),
            optional("channel", name()),
            optional("uom", name()),
        ]),
        T::PosReturn => object([
            sku(),
            location(),
            required("quantity", quantity_above_zero()),
            optional("disposition", words(["saleable", "blocked", "damaged"])),
        ]),
        T::OrderPlaced | T::OrderChanged => object([
            required("order_id", name()),
            line(),
            sku(),
            location(),
            required("quantity", quantity_from_zero()),
            optional("customer", name()),
            optional("channel", name()),
            optional("promised_at", time()),
            optional("requested_at", time()),
            optional("priority", integer(i64::MIN, i64::MAX)),
            optional("unit_price", price()),
            optional("currency", currency()),
            optional("ship_complete", boolean()),
            optional("substitution_allowed", boolean()),
        ]),
        T::OrderCancelled => object([required("order_id", name()), line(), reason()]),
        T::OrderShipped => fulfilled("order_id", []),
        T::InventoryCounted => object([
            sku(),
            location(),
            required("on_hand", quantity()),
            optional("status", words(STATUSES)),
            optional(
                "lots",
                array_of(
                    object([
                        required("lot", name()),
                        optional("expires_on", date()),
                        required("quantity", quantity()),
                    ]),
                    0,
                    LINES_MAX,
                ),
            ),
        ]),
        T::InventoryAdjusted => object([
            sku(),
            location(),
            required("delta", quantity()),
            optional("status", words(STATUSES)),
            reason(),
        ]),
        T::PurchaseOrderPlaced | T::PurchaseOrderChanged | T::PurchaseOrderAcknowledged => {
            let lines = object([
                line(),
                sku_of_line(),
                location_of_line(),
                required("quantity", quantity_from_zero()),
                optional("promised_at", time()),
                optional("unit_cost", price()),
            ]);
            object([
                required("po_id", name()),
                optional("supplier", name()),
                optional("lines", array_of(lines, 0, LINES_MAX)),
                optional("currency", currency()),
                optional("requested_at", time()),
                optional("action_id", name()),
            ])
        }
        T::PurchaseOrderReceived => fulfilled("po_id", [optional("supplier", name())]),
        T::PurchaseOrderCancelled | T::PurchaseOrderClosed => {
            object([required("po_id", name()), optional("line_id", name())])
        }
        T::TransferPlaced | T::TransferChanged => {
            let lines = object([
                line(),
                sku(),
                required("from", place("Where it leaves.", "dc-1")),
                required("to", place("Where it goes; not where it leaves.", "store-12")),
                required("quantity", quantity_from_zero()),
                required("promised_at", time()),
            ]);
            object([
                required("transfer_id", name()),
                required("lines", array_of(lines, 1, LINES_MAX)),
                optional("action_id", name()),
            ])
        }
        T::TransferDispatched | T::TransferReceived => fulfilled("transfer_id", []),
        T::TransferCancelled => object([required("transfer_id", name()), optional("line_id", name())]),
        T::ShipmentDispatched | T::ShipmentDelayed | T::ShipmentArrived => object([
            required("shipment_id", name()),
            optional("supplier", name()),
            optional("carrier", text()),
            optional("mode", text()),
            optional("eta", time()),
            reason(),
            optional("lines", array_of(shipment_line(), 0, LINES_MAX)),
        ]),
        T::SupplierDelayReported => object([
            required("supplier", name()),
            required("delay_days", number(-DAYS_MAX, DAYS_MAX)),
            optional("po_id", name()),
            any_sku(),
            from(),
            until(),
            reason(),
        ]),
        T::SupplierCapacityChanged => object([
            required("supplier", name()),
            required("factor", number(0.0, 100.0)),
            from(),
            until(),
            reason(),
        ]),
        T::PromotionScheduled | T::PromotionChanged => object([
            required("promotion_id", name()),
            required("from", time()),
            required("until", time()),
            required("skus", selection()),
            required("locations", selection()),
            optional("expected_uplift", number(-1.0, 1_000.0)),
            optional("mechanic", text()),
            optional("price", price()),
        ]),
        T::PromotionCancelled => object([required("promotion_id", name())]),
        T::ForecastPublished => {
            let bucket = object([
                required("from", time()),
                required("until", time()),
                required("quantity", quantity_from_zero()),
                required("p10", quantity()),
                required("p90", quantity()),
            ]);
            object([
                sku(),
                location(),
                required("buckets", array_of(bucket, 1, 400)),
                optional("model", text()),
                optional("confidence", number(0.0, 1.0)),
            ])
        }
        T::SignalObserved => object([
            required("name", named("What is observed.", "weather.temperature")),
            required("value", any_number()),
            any_location(),
            optional("region", name()),
            from(),
            until(),
            optional("confidence", number(0.0, 1.0)),
        ]),
        T::ItemDescribed => {
            let unit = object([
                required("uom", named("The unit.", "case")),
                required("factor", number_above_zero(FACTOR_MAX)),
            ]);
            let substitute = object([
                required("sku", named("The item that can stand in.", "milk-1l-organic")),
                optional("ratio", number_above_zero(FACTOR_MAX)),
            ]);
            object([
                sku(),
                optional("name", text()),
                optional("path", array_of(name(), 0, 32)),
                optional("attributes", json!({"type": "object", "examples": [{"fat": "3.5 %"}]})),
                optional("brand", text()),
                optional("unit_cost", price()),
                optional("unit_price", price()),
                optional("currency", currency()),
                optional("uom", name()),
                optional("uoms", array_of(unit, 0, 200)),
                optional("pack", quantity_above_zero()),
                optional("shelf_life_days", number(0.0, 10.0 * DAYS_MAX)),
                optional("substitutes", array_of(substitute, 0, 200)),
            ])
        }
        T::LocationDescribed => object([
            location(),
            optional("name", text()),
            optional("kind", words(["store", "dc", "supplier", "web"])),
            optional("path", array_of(name(), 0, 32)),
            optional("lat", number(-90.0, 90.0)),
            optional("lon", number(-180.0, 180.0)),
            optional("timezone", name()),
            optional("calendar", name()),
        ]),
        T::SupplierDescribed => object([
            required("supplier", name()),
            optional("name", text()),
            optional("lead_time_days", days()),
            optional("lead_time_sd_days", days()),
            optional("ack_within_hours", number(0.0, DAYS_MAX * 24.0)),
            optional("timezone", name()),
            optional("calendar", name()),
        ]),
        T::CustomerDescribed => object([
            required("customer", name()),
            optional("tier", text()),
            optional("contact_ref", text()),
            optional("language", text()),
            optional("account_owner", text()),
        ]),
        T::LaneDescribed => object([
            required("from", place("Where it begins.", "dc-1")),
            required("to", place("Where it ends.", "store-12")),
            optional("transit_days", days()),
            optional("cost_per_unit", price()),
            optional("currency", currency()),
            optional("min_quantity", quantity_from_zero()),
            optional("calendar", name()),
        ]),
        T::SourcingSet => {
            let source = object([required("kind", words(["supplier", "location"])), required("id", name())]);
            object([
                sku(),
                location(),
                required("source", source),
                optional("rank", integer(0, 1_000_000)),
                optional("share", number(0.0, 1.0)),
                optional("lead_time_days", days()),
                optional("moq", quantity_from_zero()),
                optional("pack", quantity_above_zero()),
                optional("unit_cost", price()),
                optional("valid_from", time()),
                optional("valid_until", time()),
            ])
        }
        T::PolicySet => {
            let path = named("A level of the item's hierarchy.", "dairy");
            let scope =
                object([any_sku(), any_location(), optional("path", path), optional("segment", name())]);
            let service_level = json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1});
            object([
                required("scope", scope),
                optional("service_level", service_level),
                optional("measure", words(["cycle", "fill"])),
                optional("review_days", days()),
                optional("max_cover_days", days()),
                optional("lead_time_days", days()),
                optional("period_days", integer(1, 366)),
            ])
        }
        T::AssortmentSet => object([
            sku(),
            required("locations", selection()),
            required("from", time()),
            until(),
            optional("status", words(["active", "phasing_out", "ended"])),
            optional("successor", name()),
        ]),
        T::CalendarDescribed => object([
            required("calendar", name()),
            optional("working_days", weekdays()),
            optional("closed", array_of(date(), 0, 4_000)),
            optional("order_days", weekdays()),
            optional("cutoff", json!({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"})),
        ]),
        T::FxPublished => {
            let rates = json!({
                "type": "object", "minProperties": 1, "propertyNames": currency(),
                "additionalProperties": number_above_zero(FACTOR_MAX), "examples": [{"USD": 0.92}],
            });
            object([required("rates", rates)])
        }
        T::ClockAdvanced => object([required("to", time())]),
        T::ActionConfirmed | T::ActionRefused => {
            let action = named("The tower's action that this answers.", "act_0190c5");
            object([
                required("action_id", action),
                optional("external_ref", text()),
                optional("actual", json!({"type": ["object", "array", "string", "number", "boolean"]})),
                reason(),
            ])
        }
    }
}

const STATUSES: [&str; 3] = ["available", "blocked", "damaged"];

/// Goods moved against a line.
fn fulfilled(document: &'static str, more: impl IntoIterator<Item = Member>) -> Value {
    let members = [
        required(document, name()),
        required("line_id", name()),
        required("quantity", with_about(quantity_above_zero(), "Units moved now, at most 3 decimals.")),
        sku_of_line(),
        location_of_line(),
    ];
    object(members.into_iter().chain(more))
}

fn sku_of_line() -> Member {
    optional("sku", named("The item; that of the line when absent.", "milk-1l"))
}

fn location_of_line() -> Member {
    optional("location", named("Where; the location of the line when absent.", "store-12"))
}

/// Of a purchase order or of a transfer.
fn shipment_line() -> Value {
    let mut line = object([
        required("line_id", name()),
        optional("po_id", name()),
        optional("transfer_id", name()),
        optional("quantity", quantity_above_zero()),
    ]);
    let stands = |name: &str| json!({"properties": {(name): {"not": {"type": "null"}}}, "required": [name]});
    line["oneOf"] = json!([stands("po_id"), stands("transfer_id")]);
    line["examples"] = json!([{"line_id": "1", "po_id": "po-2001", "quantity": 3}]);
    line
}

/// Names, at least one, or all.
fn selection() -> Value {
    let named = json!({"type": "array", "items": name(), "minItems": 1});
    json!({"anyOf": [named, {"const": "all"}]})
}

/// ISO weekdays; at least one.
fn weekdays() -> Value {
    array_of(integer(1, 7), 1, 7)
}

fn days() -> Value {
    number(0.0, DAYS_MAX)
}

fn with_about(mut schema: Value, about: &str) -> Value {
    schema["description"] = about.into();
    schema
}

/// An identifier with a meaning of its own here.
fn named(about: &str, example: &str) -> Value {
    let mut schema = with_about(name(), about);
    schema["examples"] = json!([example]);
    schema
}

fn place(about: &str, example: &str) -> Value {
    named(about, example)
}
