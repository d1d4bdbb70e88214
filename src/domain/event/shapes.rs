//! The larger shapes of `data`, each read whole, and the bounds they share.

use super::data::*;
use super::fields::{
    Fault, Fields, boolean, currency, integer, name, number, number_above_zero, of_kind, one_of, price,
    quantity, quantity_above_zero, quantity_from_zero, text, time,
};
use super::json::{Kind, Value};
use crate::domain::ids::Name;
use crate::domain::time::Timestamp;

/// Most lines of one document event, lots of one count.
pub(super) const LINES_MAX: usize = 1_000;
/// Most buckets of one forecast.
const BUCKETS_MAX: usize = 400;
/// Most levels of a hierarchy path.
const PATH_LEVELS_MAX: usize = 32;
/// Most units of measure or substitutes of an item.
const ITEM_PARTS_MAX: usize = 200;
/// Longest lead, transit, review or cover time; longest delay.
pub(super) const DAYS_MAX: f64 = 3_650.0;
/// Largest factor between units of measure, largest exchange rate.
pub(super) const FACTOR_MAX: f64 = 1e9;
/// Most closed dates of a calendar.
pub(super) const DATES_MAX: usize = 4_000;

pub(super) const DISPOSITIONS: &[(&str, StockStatus)] = &[
    ("saleable", StockStatus::Available),
    ("blocked", StockStatus::Blocked),
    ("damaged", StockStatus::Damaged),
];

pub(super) const STOCK_STATUSES: &[(&str, StockStatus)] = &[
    ("available", StockStatus::Available),
    ("blocked", StockStatus::Blocked),
    ("damaged", StockStatus::Damaged),
];

pub(super) const LOCATION_KINDS: &[(&str, LocationKind)] = &[
    ("store", LocationKind::Store),
    ("dc", LocationKind::Dc),
    ("supplier", LocationKind::Supplier),
    ("web", LocationKind::Web),
];

pub(super) const ASSORTMENT_STATUSES: &[(&str, AssortmentStatus)] = &[
    ("active", AssortmentStatus::Active),
    ("phasing_out", AssortmentStatus::PhasingOut),
    ("ended", AssortmentStatus::Ended),
];

pub(super) fn pos_sale(f: &Fields<'_, '_, '_>) -> PosSale {
    f.checked("channel", name);
    PosSale {
        sku: f.required("sku", name),
        location: f.required("location", name),
        quantity: f.required("quantity", quantity_above_zero),
        unit_price: f.optional("unit_price", price),
        currency: f.optional("currency", currency),
        uom: f.optional("uom", name),
    }
}

pub(super) fn order_line(f: &Fields<'_, '_, '_>) -> OrderLine {
    OrderLine {
        order_id: f.required("order_id", name),
        line_id: f.required("line_id", name),
        sku: f.required("sku", name),
        location: f.required("location", name),
        quantity: f.required("quantity", quantity_from_zero),
        customer: f.optional("customer", name),
        channel: f.optional("channel", name),
        promised_at: f.optional("promised_at", time),
        requested_at: f.optional("requested_at", time),
        priority: f.optional("priority", |v| integer(v, i64::MIN..=i64::MAX)),
        unit_price: f.optional("unit_price", price),
        currency: f.optional("currency", currency),
        ship_complete: f.optional("ship_complete", boolean).unwrap_or(false),
        substitution_allowed: f.optional("substitution_allowed", boolean).unwrap_or(false),
    }
}

pub(super) fn stock_status(f: &Fields<'_, '_, '_>) -> StockStatus {
    f.optional("status", |v| one_of(v, STOCK_STATUSES)).unwrap_or_default()
}

pub(super) fn line_fulfilled(f: &Fields<'_, '_, '_>, document: &str) -> LineFulfilled {
    LineFulfilled {
        document: f.required(document, name),
        line_id: f.required("line_id", name),
        quantity: f.required("quantity", quantity_above_zero),
        place: f.place(),
        supplier: None,
    }
}

pub(super) fn document_named(f: &Fields<'_, '_, '_>, document: &str) -> DocumentNamed {
    DocumentNamed { document: f.required(document, name), line_id: f.optional("line_id", name) }
}

pub(super) fn purchase_order(f: &Fields<'_, '_, '_>, step: PurchaseOrderStep) -> EventData {
    let order = PurchaseOrder {
        step,
        po_id: f.required("po_id", name),
        supplier: f.optional("supplier", name),
        lines: f.objects("lines", LINES_MAX, |line| PurchaseOrderLine {
            line_id: line.required("line_id", name),
            place: line.place(),
            quantity: line.required("quantity", quantity_from_zero),
            promised_at: line.optional("promised_at", time),
            unit_cost: line.optional("unit_cost", price),
        }),
        currency: f.optional("currency", currency),
        requested_at: f.optional("requested_at", time),
        action_id: f.optional("action_id", name),
    };
    f.unique("lines", order.lines.iter().map(|line| &line.line_id));
    EventData::PurchaseOrder(Box::new(order))
}

pub(super) fn transfer(f: &Fields<'_, '_, '_>) -> EventData {
    f.not_empty("lines");
    let transfer = Transfer {
        transfer_id: f.required("transfer_id", name),
        lines: f.objects("lines", LINES_MAX, |line| {
            let transfer_line = TransferLine {
                line_id: line.required("line_id", name),
                sku: line.required("sku", name),
                from: line.required("from", name),
                to: line.required("to", name),
                quantity: line.required("quantity", quantity_from_zero),
                promised_at: Some(line.required("promised_at", time)),
            };
            if transfer_line.from == transfer_line.to && !transfer_line.to.is_empty() {
                line.fault("to", Fault::new("same_location", "must differ from `from`"));
            }
            transfer_line
        }),
        action_id: f.optional("action_id", name),
    };
    f.unique("lines", transfer.lines.iter().map(|line| &line.line_id));
    EventData::Transfer(Box::new(transfer))
}

pub(super) fn shipment(f: &Fields<'_, '_, '_>, step: ShipmentStep) -> EventData {
    f.checked("carrier", text);
    f.checked("mode", text);
    f.checked("reason", text);
    let shipment = Shipment {
        step,
        shipment_id: f.required("shipment_id", name),
        supplier: f.optional("supplier", name),
        eta: f.optional("eta", time),
        lines: f.objects("lines", LINES_MAX, |line| {
            let (po_id, transfer_id) = (line.optional("po_id", name), line.optional("transfer_id", name));
            match (line.names("po_id"), line.names("transfer_id")) {
                (true, true) => {
                    line.fault("transfer_id", Fault::new("conflict", "must not stand beside po_id"));
                }
                (false, false) => {
                    line.fault("po_id", Fault::new("required", "po_id or transfer_id is required"));
                }
                _ => {}
            }
            let (document_kind, document) = match (po_id, transfer_id) {
                (None, Some(transfer_id)) => (DocumentKind::Transfer, transfer_id),
                (po_id, _) => (DocumentKind::PurchaseOrder, po_id.unwrap_or_default()),
            };
            ShipmentLine {
                document_kind,
                document,
                line_id: line.required("line_id", name),
                quantity: line.optional("quantity", quantity_above_zero),
            }
        }),
    };
    f.unique("lines", shipment.lines.iter().map(|l| (l.document_kind, &l.document, &l.line_id)));
    EventData::Shipment(Box::new(shipment))
}

pub(super) fn promotion(f: &Fields<'_, '_, '_>) -> EventData {
    let (from, until) = f.period_from("from", "until");
    if !f.names("until") {
        f.missing("until");
    }
    EventData::Promotion(Box::new(Promotion {
        promotion_id: f.required("promotion_id", name),
        from,
        until: until.unwrap_or_default(),
        skus: f.selection("skus"),
        locations: f.selection("locations"),
        expected_uplift: f.optional("expected_uplift", |v| number(v, -1.0..=1_000.0)),
        mechanic: f.optional("mechanic", text),
        price: f.optional("price", price),
    }))
}

pub(super) fn forecast(f: &Fields<'_, '_, '_>) -> EventData {
    f.not_empty("buckets");
    let mut buckets: Vec<PublishedBucket> = f.objects("buckets", BUCKETS_MAX, |b| {
        let (from, until) = b.period_from("from", "until");
        if !b.names("until") {
            b.missing("until");
        }
        let bucket = PublishedBucket {
            from,
            until: until.unwrap_or_default(),
            quantity: b.required("quantity", quantity_from_zero),
            p10: Some(b.required("p10", quantity)),
            p90: Some(b.required("p90", quantity)),
        };
        // A placeholder for what is wrong in itself is not compared.
        if let (Some(p10), Some(p90)) = (bucket.p10, bucket.p90)
            && p10 > p90
            && !b.has_errors()
        {
            b.fault("p90", Fault::new("out_of_range", "must not be below p10"));
        }
        bucket
    });
    buckets.sort_by_key(|bucket| bucket.from);
    // Buckets that are wrong in themselves are told already; their placeholders would overlap.
    if !f.has_errors() && buckets.windows(2).any(|pair| pair[1].from < pair[0].until) {
        f.fault("buckets", Fault::new("overlapping", "must not overlap"));
    }
    EventData::ForecastPublished(Box::new(ForecastPublished {
        sku: f.required("sku", name),
        location: f.required("location", name),
        buckets,
        model: f.optional("model", text),
        confidence: f.optional("confidence", share),
    }))
}

pub(super) fn item_described(f: &Fields<'_, '_, '_>) -> ItemDescribed {
    f.checked("attributes", |v| of_kind(v, Kind::Object));
    ItemDescribed {
        sku: f.required("sku", name),
        name: f.optional("name", text),
        path: path(f),
        attributes: f.json("attributes"),
        brand: f.optional("brand", text),
        unit_cost: f.optional("unit_cost", price),
        unit_price: f.optional("unit_price", price),
        currency: f.optional("currency", currency),
        uom: f.optional("uom", name),
        uoms: f.objects("uoms", ITEM_PARTS_MAX, |unit| UnitOfMeasure {
            uom: unit.required("uom", name),
            factor: unit.required("factor", |v| number_above_zero(v, FACTOR_MAX)),
        }),
        pack: f.optional("pack", quantity_above_zero),
        shelf_life_days: f.optional("shelf_life_days", |v| number(v, 0.0..=10.0 * DAYS_MAX)),
        substitutes: f.objects("substitutes", ITEM_PARTS_MAX, |substitute| Substitute {
            sku: substitute.required("sku", name),
            ratio: substitute.optional("ratio", |v| number_above_zero(v, FACTOR_MAX)).unwrap_or(1.0),
        }),
    }
}

pub(super) fn sourcing(f: &Fields<'_, '_, '_>) -> EventData {
    let (valid_from, valid_until) = optional_period(f, "valid_from", "valid_until");
    let source = f.object("source").map(|source| {
        let id = source.required("id", name);
        if source.required("kind", |v| one_of(v, &[("supplier", false), ("location", true)])) {
            SourceOfSupply::Location(id)
        } else {
            SourceOfSupply::Supplier(id)
        }
    });
    EventData::SourcingSet(Box::new(SourcingSet {
        sku: f.required("sku", name),
        location: f.required("location", name),
        source: source.unwrap_or(SourceOfSupply::Supplier(Name::default())),
        rank: f.optional("rank", |v| integer(v, 0..=1_000_000)),
        share: f.optional("share", share),
        lead_time_days: f.optional("lead_time_days", days),
        moq: f.optional("moq", quantity_from_zero),
        pack: f.optional("pack", quantity_above_zero),
        unit_cost: f.optional("unit_cost", price),
        valid_from,
        valid_until,
    }))
}

pub(super) fn policy_scope(scope: &Fields<'_, '_, '_>) -> PolicyScope {
    PolicyScope {
        sku: scope.optional("sku", name),
        location: scope.optional("location", name),
        path: scope.optional("path", name),
        segment: scope.optional("segment", name),
    }
}

pub(super) fn action_answer(f: &Fields<'_, '_, '_>) -> Box<ActionAnswer> {
    Box::new(ActionAnswer {
        action_id: f.required("action_id", name),
        external_ref: f.optional("external_ref", text),
        actual: f.json("actual"),
        reason: f.optional("reason", text),
    })
}

pub(super) fn path(f: &Fields<'_, '_, '_>) -> Vec<Name> {
    f.list("path", PATH_LEVELS_MAX, name).unwrap_or_default()
}

pub(super) fn optional_period(
    f: &Fields<'_, '_, '_>,
    from_name: &str,
    until_name: &str,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let (from, until) = (f.optional(from_name, time), f.optional(until_name, time));
    f.period(from, until_name, until);
    (from, until)
}

/// ISO weekdays, each once; a week without any day is refused, nothing could ever be due in it.
pub(super) fn weekdays(f: &Fields<'_, '_, '_>, field: &str) -> Option<Vec<u8>> {
    let days = f.list(field, 7, |v| integer(v, 1..=7))?;
    f.not_empty(field);
    let mut days: Vec<u8> = days.into_iter().filter_map(|day| u8::try_from(day).ok()).collect();
    days.sort_unstable();
    days.dedup();
    Some(days)
}

pub(super) fn days(value: Value<'_, '_>) -> Result<f64, Fault> {
    number(value, 0.0..=DAYS_MAX)
}

/// A part of a whole.
pub(super) fn share(value: Value<'_, '_>) -> Result<f64, Fault> {
    number(value, 0.0..=1.0)
}

pub(super) fn service_level(value: Value<'_, '_>) -> Result<f64, Fault> {
    let level = number(value, 0.0..=1.0)?;
    if level > 0.0 && level < 1.0 {
        return Ok(level);
    }
    Err(Fault::new("out_of_range", "must be above 0 and below 1"))
}
