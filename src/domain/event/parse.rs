//! From `data` as it was sent to the typed event; the same at the door and on replay.

use std::cell::RefCell;

use super::data::*;
use super::fields::{
    Fault, FieldError, Fields, Notes, currency, day, integer, name, number, number_above_zero, of_kind,
    one_of, price, quantity, quantity_above_zero, quantity_from_zero, text, time, time_of_day, timezone,
};
use super::json::{Document, Kind, Tape, Value};
use super::shapes::*;
use super::{EventType, RESERVED_TYPES};

/// Deepest nesting of `data` that is ever read. What the door takes is less.
pub const DATA_DEPTH_MAX: u32 = 128;

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
