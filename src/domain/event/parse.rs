//! From `data` as it was sent to the typed event; the same at the door and on replay.

use std::cell::RefCell;

use super::data::*;
use super::fields::Fault;
use super::fields::{
    FieldError, Fields, Notes, boolean, currency, day, integer, name, number, number_above_zero, of_kind,
    one_of, price, quantity, quantity_above_zero, quantity_from_zero, text, time, time_of_day, timezone,
};
use super::json::{Document, Kind, Tape, Value};
use super::{EventType, RESERVED_TYPES};
use crate::domain::ids::Name;
use crate::domain::time::Timestamp;

/// Deepest nesting of `data` that is ever read. What the door takes is less.
pub const DATA_DEPTH_MAX: u32 = 128;
/// Most lines of one document event, lots of one count.
pub const LINES_MAX: usize = 1_000;
/// Most buckets of one forecast.
pub const BUCKETS_MAX: usize = 400;
/// Most levels of a hierarchy path.
const PATH_LEVELS_MAX: usize = 32;
/// Most units of measure or substitutes of an item.
const ITEM_PARTS_MAX: usize = 200;
/// Longest lead, transit, review or cover time; longest delay.
const DAYS_MAX: f64 = 3_650.0;
/// Largest factor between units of measure, largest exchange rate.
const FACTOR_MAX: f64 = 1e9;

/// Why `data` is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParseError {
    /// No core type and no reserved one has that name.
    UnknownType,
    /// All that is wrong, at most [`super::FIELD_ERRORS_MAX`] things.
    Invalid(Vec<FieldError>),
}

/// What an event type is to the tower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KnownType {
    Core(EventType),
    /// Validated as an object, journaled, without effect yet.
    Reserved(&'static str),
}

impl KnownType {
    /// The type of that name.
    pub fn parse(type_name: &str) -> Option<KnownType> {
        EventType::parse(type_name).map(KnownType::Core).or_else(|| {
            RESERVED_TYPES.iter().find(|reserved| **reserved == type_name).map(|r| KnownType::Reserved(r))
        })
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            KnownType::Core(core) => core.as_str(),
            KnownType::Reserved(name) => name,
        }
    }
}

thread_local! {
    static TAPE: RefCell<Tape> = RefCell::default();
}

/// Reads `data` (JSON text) of an event of that type.
///
/// # Errors
/// [`ParseError`]; every pointer in it starts with `/data`.
pub fn parse(type_name: &str, data: &str) -> Result<EventData, ParseError> {
    let known = KnownType::parse(type_name).ok_or(ParseError::UnknownType)?;
    TAPE.with_borrow_mut(|tape| {
        let document = tape.parse(data, DATA_DEPTH_MAX).map_err(|error| {
            let pointer = String::from("/data");
            vec![FieldError { pointer, code: "malformed_json", detail: error.to_string() }]
        })?;
        parse_data(known, &document, document.root)
    })
    .map_err(ParseError::Invalid)
}

/// As [`parse`], for `data` inside a document that is parsed already.
///
/// # Errors
/// All that is wrong, repeated keys included.
pub fn parse_data<'t, 'a>(
    known: KnownType,
    document: &Document<'t, 'a>,
    data: Value<'t, 'a>,
) -> Result<EventData, Vec<FieldError>> {
    let notes = Notes::new(data);
    for key in document.duplicate_keys().filter(|key| data.contains(*key)) {
        notes.note(key, None, Fault::new("duplicate_key", "stands twice in the same object"));
    }
    let event = match (data.kind(), known) {
        (Kind::Null, _) => {
            notes.note(data, None, Fault::new("required", "is required"));
            EventData::Reserved
        }
        (Kind::Object, KnownType::Reserved(_)) => EventData::Reserved,
        (Kind::Object, KnownType::Core(core)) => read(core, &notes.fields()),
        _ => {
            let _ = of_kind(data, Kind::Object).map_err(|fault| notes.note(data, None, fault));
            EventData::Reserved
        }
    };
    let errors = notes.into_errors();
    if errors.is_empty() { Ok(event) } else { Err(errors) }
}

fn read(event_type: EventType, f: &Fields<'_, '_, '_>) -> EventData {
    use EventType as T;
    match event_type {
        T::PosSale => EventData::PosSale(pos_sale(f)),
        T::PosReturn => EventData::PosReturn(PosReturn {
            sku: f.required("sku", name),
            location: f.required("location", name),
            quantity: f.required("quantity", quantity_above_zero),
            disposition: f.optional("disposition", |v| one_of(v, DISPOSITIONS)).unwrap_or_default(),
        }),
        T::OrderPlaced | T::OrderChanged => EventData::OrderLine(Box::new(order_line(f))),
        T::OrderCancelled => {
            f.checked("reason", text);
            EventData::OrderCancelled(LineNamed {
                document: f.required("order_id", name),
                line_id: f.required("line_id", name),
            })
        }
        T::OrderShipped => EventData::OrderShipped(line_fulfilled(f, "order_id")),
        T::InventoryCounted => EventData::InventoryCounted(Box::new(InventoryCounted {
            sku: f.required("sku", name),
            location: f.required("location", name),
            on_hand: f.required("on_hand", quantity),
            status: stock_status(f),
            lots: f.objects("lots", LINES_MAX, |lot| Lot {
                lot: lot.required("lot", name),
                expires_on: lot.optional("expires_on", day),
                quantity: lot.required("quantity", quantity),
            }),
        })),
        T::InventoryAdjusted => EventData::InventoryAdjusted(InventoryAdjusted {
            sku: f.required("sku", name),
            location: f.required("location", name),
            delta: f.required("delta", quantity),
            status: stock_status(f),
            reason: f.optional("reason", text),
        }),
        T::PurchaseOrderPlaced => purchase_order(f, PurchaseOrderStep::Placed),
        T::PurchaseOrderChanged => purchase_order(f, PurchaseOrderStep::Changed),
        T::PurchaseOrderAcknowledged => purchase_order(f, PurchaseOrderStep::Acknowledged),
        T::PurchaseOrderReceived => EventData::PurchaseOrderReceived(LineFulfilled {
            supplier: f.optional("supplier", name),
            ..line_fulfilled(f, "po_id")
        }),
        T::PurchaseOrderCancelled | T::PurchaseOrderClosed => {
            EventData::PurchaseOrderEnded(document_named(f, "po_id"))
        }
        T::TransferPlaced | T::TransferChanged => transfer(f),
        T::TransferDispatched => EventData::TransferDispatched(line_fulfilled(f, "transfer_id")),
        T::TransferReceived => EventData::TransferReceived(line_fulfilled(f, "transfer_id")),
        T::TransferCancelled => EventData::TransferCancelled(document_named(f, "transfer_id")),
        T::ShipmentDispatched => shipment(f, ShipmentStep::Dispatched),
        T::ShipmentDelayed => shipment(f, ShipmentStep::Delayed),
        T::ShipmentArrived => shipment(f, ShipmentStep::Arrived),
        T::SupplierDelayReported => {
            let (from, until) = optional_period(f, "from", "until");
            EventData::SupplierDelayReported(Box::new(SupplierDelay {
                supplier: f.required("supplier", name),
                delay_days: f.required("delay_days", |v| number(v, -DAYS_MAX..=DAYS_MAX)),
                po_id: f.optional("po_id", name),
                sku: f.optional("sku", name),
                from,
                until,
                reason: f.optional("reason", text),
            }))
        }
        T::SupplierCapacityChanged => {
            let (from, until) = optional_period(f, "from", "until");
            EventData::SupplierCapacityChanged(Box::new(SupplierCapacity {
                supplier: f.required("supplier", name),
                factor: f.required("factor", |v| number(v, 0.0..=100.0)),
                from,
                until,
                reason: f.optional("reason", text),
            }))
        }
        T::PromotionScheduled | T::PromotionChanged => promotion(f),
        T::PromotionCancelled => EventData::PromotionCancelled(f.required("promotion_id", name)),
        T::ForecastPublished => forecast(f),
        T::SignalObserved => {
            let (from, until) = optional_period(f, "from", "until");
            EventData::SignalObserved(Box::new(Signal {
                name: f.required("name", name),
                value: f.required("value", |v| number(v, f64::MIN..=f64::MAX)),
                location: f.optional("location", name),
                region: f.optional("region", name),
                from,
                until,
                confidence: f.optional("confidence", share),
            }))
        }
        T::ItemDescribed => EventData::ItemDescribed(Box::new(item_described(f))),
        T::LocationDescribed => EventData::LocationDescribed(Box::new(LocationDescribed {
            location: f.required("location", name),
            name: f.optional("name", text),
            kind: f.optional("kind", |v| one_of(v, LOCATION_KINDS)),
            path: path(f),
            lat: f.optional("lat", |v| number(v, -90.0..=90.0)),
            lon: f.optional("lon", |v| number(v, -180.0..=180.0)),
            timezone: f.optional("timezone", timezone),
            calendar: f.optional("calendar", name),
        })),
        T::SupplierDescribed => EventData::SupplierDescribed(Box::new(SupplierDescribed {
            supplier: f.required("supplier", name),
            name: f.optional("name", text),
            lead_time_days: f.optional("lead_time_days", days),
            lead_time_sd_days: f.optional("lead_time_sd_days", days),
            ack_within_hours: f.optional("ack_within_hours", |v| number(v, 0.0..=DAYS_MAX * 24.0)),
            timezone: f.optional("timezone", timezone),
            calendar: f.optional("calendar", name),
        })),
        T::CustomerDescribed => EventData::CustomerDescribed(Box::new(CustomerDescribed {
            customer: f.required("customer", name),
            tier: f.optional("tier", text),
            contact_ref: f.optional("contact_ref", text),
            language: f.optional("language", text),
            account_owner: f.optional("account_owner", text),
        })),
        T::LaneDescribed => EventData::LaneDescribed(Box::new(LaneDescribed {
            from: f.required("from", name),
            to: f.required("to", name),
            transit_days: f.optional("transit_days", days),
            cost_per_unit: f.optional("cost_per_unit", price),
            currency: f.optional("currency", currency),
            min_quantity: f.optional("min_quantity", quantity_from_zero),
            calendar: f.optional("calendar", name),
        })),
        T::SourcingSet => sourcing(f),
        T::PolicySet => EventData::PolicySet(Box::new(PolicySet {
            scope: f.object("scope").map(|scope| policy_scope(&scope)).unwrap_or_default(),
            service_level: f.optional("service_level", service_level),
            measure: f.optional("measure", |v| {
                one_of(v, &[("cycle", ServiceMeasure::Cycle), ("fill", ServiceMeasure::Fill)])
            }),
            review_days: f.optional("review_days", days),
            max_cover_days: f.optional("max_cover_days", days),
            lead_time_days: f.optional("lead_time_days", days),
            period_days: f
                .optional("period_days", |v| integer(v, 1..=366))
                .and_then(|days| u16::try_from(days).ok()),
        })),
        T::AssortmentSet => {
            let (from, until) = f.period_from("from", "until");
            EventData::AssortmentSet(Box::new(AssortmentSet {
                sku: f.required("sku", name),
                locations: f.selection("locations"),
                from,
                until,
                status: f.optional("status", |v| one_of(v, ASSORTMENT_STATUSES)),
                successor: f.optional("successor", name),
            }))
        }
        T::CalendarDescribed => EventData::CalendarDescribed(Box::new(CalendarDescribed {
            calendar: f.required("calendar", name),
            working_days: weekdays(f, "working_days"),
            closed: f.list("closed", DATES_MAX, day).unwrap_or_default(),
            order_days: weekdays(f, "order_days"),
            cutoff: f.optional("cutoff", time_of_day),
        })),
        T::FxPublished => {
            let rates =
                f.object("rates").map(|rates| rates.entries(currency, |v| number_above_zero(v, FACTOR_MAX)));
            if rates.as_ref().is_some_and(Vec::is_empty) {
                f.fault("rates", Fault::new("empty", "must name a currency"));
            }
            EventData::FxPublished(rates.unwrap_or_default())
        }
        T::ClockAdvanced => EventData::ClockAdvanced(f.required("to", time)),
        T::ActionConfirmed => EventData::ActionConfirmed(action_answer(f)),
        T::ActionRefused => EventData::ActionRefused(action_answer(f)),
    }
}

/// Most closed dates of a calendar.
const DATES_MAX: usize = 4_000;

const DISPOSITIONS: &[(&str, StockStatus)] = &[
    ("saleable", StockStatus::Available),
    ("blocked", StockStatus::Blocked),
    ("damaged", StockStatus::Damaged),
];

const STOCK_STATUSES: &[(&str, StockStatus)] = &[
    ("available", StockStatus::Available),
    ("blocked", StockStatus::Blocked),
    ("damaged", StockStatus::Damaged),
];

const LOCATION_KINDS: &[(&str, LocationKind)] = &[
    ("store", LocationKind::Store),
    ("dc", LocationKind::Dc),
    ("supplier", LocationKind::Supplier),
    ("web", LocationKind::Web),
];

const ASSORTMENT_STATUSES: &[(&str, AssortmentStatus)] = &[
    ("active", AssortmentStatus::Active),
    ("phasing_out", AssortmentStatus::PhasingOut),
    ("ended", AssortmentStatus::Ended),
];

fn pos_sale(f: &Fields<'_, '_, '_>) -> PosSale {
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

fn order_line(f: &Fields<'_, '_, '_>) -> OrderLine {
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

fn stock_status(f: &Fields<'_, '_, '_>) -> StockStatus {
    f.optional("status", |v| one_of(v, STOCK_STATUSES)).unwrap_or_default()
}

fn line_fulfilled(f: &Fields<'_, '_, '_>, document: &str) -> LineFulfilled {
    LineFulfilled {
        document: f.required(document, name),
        line_id: f.required("line_id", name),
        quantity: f.required("quantity", quantity_above_zero),
        place: f.place(),
        supplier: None,
    }
}

fn document_named(f: &Fields<'_, '_, '_>, document: &str) -> DocumentNamed {
    DocumentNamed { document: f.required(document, name), line_id: f.optional("line_id", name) }
}

fn purchase_order(f: &Fields<'_, '_, '_>, step: PurchaseOrderStep) -> EventData {
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

fn transfer(f: &Fields<'_, '_, '_>) -> EventData {
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
                promised_at: line.optional("promised_at", time),
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

fn shipment(f: &Fields<'_, '_, '_>, step: ShipmentStep) -> EventData {
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

fn promotion(f: &Fields<'_, '_, '_>) -> EventData {
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

fn forecast(f: &Fields<'_, '_, '_>) -> EventData {
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
            p10: b.optional("p10", quantity),
            p90: b.optional("p90", quantity),
        };
        if let (Some(p10), Some(p90)) = (bucket.p10, bucket.p90)
            && p10 > p90
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

fn item_described(f: &Fields<'_, '_, '_>) -> ItemDescribed {
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

fn sourcing(f: &Fields<'_, '_, '_>) -> EventData {
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

fn policy_scope(scope: &Fields<'_, '_, '_>) -> PolicyScope {
    PolicyScope {
        sku: scope.optional("sku", name),
        location: scope.optional("location", name),
        path: scope.optional("path", name),
        segment: scope.optional("segment", name),
    }
}

fn action_answer(f: &Fields<'_, '_, '_>) -> Box<ActionAnswer> {
    Box::new(ActionAnswer {
        action_id: f.required("action_id", name),
        external_ref: f.optional("external_ref", text),
        actual: f.json("actual"),
        reason: f.optional("reason", text),
    })
}

fn path(f: &Fields<'_, '_, '_>) -> Vec<Name> {
    f.list("path", PATH_LEVELS_MAX, name).unwrap_or_default()
}

fn optional_period(
    f: &Fields<'_, '_, '_>,
    from_name: &str,
    until_name: &str,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let (from, until) = (f.optional(from_name, time), f.optional(until_name, time));
    f.period(from, until_name, until);
    (from, until)
}

/// ISO weekdays, each once; a week without any day is refused, nothing could ever be due in it.
fn weekdays(f: &Fields<'_, '_, '_>, field: &str) -> Option<Vec<u8>> {
    let days = f.list(field, 7, |v| integer(v, 1..=7))?;
    f.not_empty(field);
    let mut days: Vec<u8> = days.into_iter().filter_map(|day| u8::try_from(day).ok()).collect();
    days.sort_unstable();
    days.dedup();
    Some(days)
}

fn days(value: Value<'_, '_>) -> Result<f64, Fault> {
    number(value, 0.0..=DAYS_MAX)
}

/// A part of a whole.
fn share(value: Value<'_, '_>) -> Result<f64, Fault> {
    number(value, 0.0..=1.0)
}

fn service_level(value: Value<'_, '_>) -> Result<f64, Fault> {
    let level = number(value, 0.0..=1.0)?;
    if level > 0.0 && level < 1.0 {
        return Ok(level);
    }
    Err(Fault::new("out_of_range", "must be above 0 and below 1"))
}
