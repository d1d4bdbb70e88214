//! What each event says.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::domain::ids::{Lsn, Name};
use crate::domain::money::{Currency, UnitPrice};
use crate::domain::quantity::Quantity;
use crate::domain::time::{Day, Timestamp};

/// A core event's `data`, parsed and within the contract's bounds.
#[derive(Clone, Debug, PartialEq)]
pub enum EventData {
    PosSale(PosSale),
    PosReturn(PosReturn),
    /// `order.placed` and `order.changed` say the same and are told apart by time alone.
    OrderLine(Box<OrderLine>),
    OrderCancelled(LineNamed),
    OrderShipped(LineFulfilled),
    InventoryCounted(Box<InventoryCounted>),
    InventoryAdjusted(InventoryAdjusted),
    PurchaseOrder(Box<PurchaseOrder>),
    PurchaseOrderReceived(LineFulfilled),
    /// Cancelled or closed: open becomes 0. Without a line it means all lines.
    PurchaseOrderEnded(DocumentNamed),
    Transfer(Box<Transfer>),
    TransferDispatched(LineFulfilled),
    TransferReceived(LineFulfilled),
    TransferCancelled(DocumentNamed),
    Shipment(Box<Shipment>),
    SupplierDelayReported(Box<SupplierDelay>),
    SupplierCapacityChanged(Box<SupplierCapacity>),
    Promotion(Box<Promotion>),
    PromotionCancelled(Name),
    ForecastPublished(Box<ForecastPublished>),
    SignalObserved(Box<Signal>),
    ItemDescribed(Box<ItemDescribed>),
    LocationDescribed(Box<LocationDescribed>),
    SupplierDescribed(Box<SupplierDescribed>),
    CustomerDescribed(Box<CustomerDescribed>),
    LaneDescribed(Box<LaneDescribed>),
    SourcingSet(Box<SourcingSet>),
    PolicySet(Box<PolicySet>),
    AssortmentSet(Box<AssortmentSet>),
    CalendarDescribed(Box<CalendarDescribed>),
    FxPublished(Vec<(Currency, f64)>),
    ClockAdvanced(Timestamp),
    ActionConfirmed(Box<ActionAnswer>),
    ActionRefused(Box<ActionAnswer>),
    /// What a source has sent of late, as the fold sums it up for the source's own entity. Never journaled: it follows
    /// from the events.
    FeedTraffic(Box<FeedTraffic>),
    /// A reserved type: validated as an object, without effect.
    Reserved,
}

/// What a source has sent since it was last summed up; the record that carries it names the source, the last event and
/// the business time at which that was taken.
#[derive(Clone, Debug, PartialEq)]
pub struct FeedTraffic {
    pub events: u32,
    /// Sold or ordered in those events.
    pub demand: Quantity,
    /// The demand period of what was sold or ordered last; `None` if nothing was.
    pub period_days: Option<u16>,
    /// In the first sum of all: when the source's first event was taken, and in how many minutes one was since.
    pub begun: Option<(Timestamp, u32)>,
    /// The position of the last event.
    pub last: Lsn,
}

/// `pos.sale`; quantity above zero.
#[derive(Clone, Debug, PartialEq)]
pub struct PosSale {
    pub sku: Name,
    pub location: Name,
    pub quantity: Quantity,
    pub unit_price: Option<UnitPrice>,
    pub currency: Option<Currency>,
    pub uom: Option<Name>,
}

/// Where stock stands: only `available` can be sold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StockStatus {
    #[default]
    Available,
    Blocked,
    Damaged,
}

/// `pos.return`; quantity above zero. `saleable` returns go back to available stock.
#[derive(Clone, Debug, PartialEq)]
pub struct PosReturn {
    pub sku: Name,
    pub location: Name,
    pub quantity: Quantity,
    pub disposition: StockStatus,
}

/// `order.placed`, `order.changed`: the line as it now stands. Quantity (≥ 0) is the total ordered.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderLine {
    pub order_id: Name,
    pub line_id: Name,
    pub sku: Name,
    pub location: Name,
    pub quantity: Quantity,
    pub customer: Option<Name>,
    pub channel: Option<Name>,
    pub promised_at: Option<Timestamp>,
    pub requested_at: Option<Timestamp>,
    pub priority: Option<i64>,
    pub unit_price: Option<UnitPrice>,
    pub currency: Option<Currency>,
    pub ship_complete: bool,
    pub substitution_allowed: bool,
}

/// One line of a document by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineNamed {
    pub document: Name,
    pub line_id: Name,
}

/// A whole document, or one line of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentNamed {
    pub document: Name,
    pub line_id: Option<Name>,
}

/// Where an event says that a line belongs; what it leaves out is as the line has it. Written as a pair, in which the name
/// that is not said is empty, or as none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Option<(Name, Name)>", into = "Option<(Name, Name)>")]
pub struct StatedPlace {
    pub sku: Option<Name>,
    pub location: Option<Name>,
}

impl StatedPlace {
    /// Item and location, if both are said.
    pub fn whole(&self) -> Option<(&Name, &Name)> {
        self.sku.as_ref().zip(self.location.as_ref())
    }

    /// Whether one of the two is said.
    pub fn is_half(&self) -> bool {
        self.sku.is_some() != self.location.is_some()
    }

    /// Whether that place can be meant; `None` if neither half is said.
    pub fn can_be(&self, sku: &Name, location: &Name) -> Option<bool> {
        let is = |half: &Option<Name>, name: &Name| half.as_ref().is_none_or(|half| half == name);
        (*self != StatedPlace::default()).then(|| is(&self.sku, sku) && is(&self.location, location))
    }
}

impl From<Option<(Name, Name)>> for StatedPlace {
    fn from(pair: Option<(Name, Name)>) -> StatedPlace {
        let (sku, location) = pair.unwrap_or_default();
        let said = |name: Name| (!name.is_empty()).then_some(name);
        StatedPlace { sku: said(sku), location: said(location) }
    }
}

impl From<StatedPlace> for Option<(Name, Name)> {
    fn from(place: StatedPlace) -> Option<(Name, Name)> {
        let StatedPlace { sku, location } = place;
        (sku.is_some() || location.is_some()).then(|| (sku.unwrap_or_default(), location.unwrap_or_default()))
    }
}

/// Goods moved against a line: shipped, received, dispatched. Quantity above zero.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LineFulfilled {
    pub document: Name,
    pub line_id: Name,
    pub quantity: Quantity,
    /// Where the event says the line belongs.
    pub place: StatedPlace,
    /// `purchase_order.received` only.
    pub supplier: Option<Name>,
}

/// One lot of a count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lot {
    pub lot: Name,
    pub expires_on: Option<Day>,
    pub quantity: Quantity,
}

/// `inventory.counted`: stock as of the event's time. May be negative: systems of record do say so.
#[derive(Clone, Debug, PartialEq)]
pub struct InventoryCounted {
    pub sku: Name,
    pub location: Name,
    pub on_hand: Quantity,
    pub status: StockStatus,
    pub lots: Vec<Lot>,
}

/// `inventory.adjusted`; any sign.
#[derive(Clone, Debug, PartialEq)]
pub struct InventoryAdjusted {
    pub sku: Name,
    pub location: Name,
    pub delta: Quantity,
    pub status: StockStatus,
    pub reason: Option<CompactString>,
}

/// How a purchase order came to say what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PurchaseOrderStep {
    Placed,
    Changed,
    Acknowledged,
}

/// `purchase_order.placed`, `.changed`, `.acknowledged`; lines it does not name stay as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PurchaseOrder {
    pub step: PurchaseOrderStep,
    pub po_id: Name,
    pub supplier: Option<Name>,
    pub lines: SmallVec<[PurchaseOrderLine; 1]>,
    pub currency: Option<Currency>,
    pub requested_at: Option<Timestamp>,
    pub action_id: Option<Name>,
}

/// One line of a purchase order. Quantity (≥ 0) is the total ordered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PurchaseOrderLine {
    pub line_id: Name,
    /// Where it belongs; a change may name only the line.
    pub place: StatedPlace,
    pub quantity: Quantity,
    pub promised_at: Option<Timestamp>,
    pub unit_cost: Option<UnitPrice>,
}

/// `transfer.placed`, `transfer.changed`.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    pub transfer_id: Name,
    pub lines: SmallVec<[TransferLine; 1]>,
    pub action_id: Option<Name>,
}

/// One line of a transfer. Quantity (≥ 0) is the total ordered; `from` differs from `to`.
#[derive(Clone, Debug, PartialEq)]
pub struct TransferLine {
    pub line_id: Name,
    pub sku: Name,
    pub from: Name,
    pub to: Name,
    pub quantity: Quantity,
    pub promised_at: Option<Timestamp>,
}

/// How far a shipment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShipmentStep {
    Dispatched,
    Delayed,
    Arrived,
}

/// `shipment.dispatched`, `.delayed`, `.arrived`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Shipment {
    pub step: ShipmentStep,
    pub shipment_id: Name,
    pub supplier: Option<Name>,
    pub eta: Option<Timestamp>,
    pub lines: SmallVec<[ShipmentLine; 1]>,
}

/// The kinds of documents that have lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    Order,
    PurchaseOrder,
    Transfer,
    Shipment,
}

/// What a shipment carries of one document line. No quantity means all that is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShipmentLine {
    /// `PurchaseOrder` or `Transfer`.
    pub document_kind: DocumentKind,
    pub document: Name,
    pub line_id: Name,
    pub quantity: Option<Quantity>,
}

/// `supplier.delay_reported`; days may be negative (early), |days| ≤ 3650.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupplierDelay {
    pub supplier: Name,
    pub delay_days: f64,
    pub po_id: Option<Name>,
    pub sku: Option<Name>,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub reason: Option<CompactString>,
}

/// `supplier.capacity_changed`; 1 is normal, 0 ≤ factor ≤ 100.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupplierCapacity {
    pub supplier: Name,
    pub factor: f64,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub reason: Option<CompactString>,
}

/// Everything, or the things named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    All,
    Named(Vec<Name>),
}

/// `promotion.scheduled`, `promotion.changed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Promotion {
    pub promotion_id: Name,
    pub from: Timestamp,
    pub until: Timestamp,
    pub skus: Selection,
    pub locations: Selection,
    pub expected_uplift: Option<f64>,
    pub mechanic: Option<CompactString>,
    pub price: Option<UnitPrice>,
}

/// `forecast.published`: buckets sorted by `from`, not overlapping.
#[derive(Clone, Debug, PartialEq)]
pub struct ForecastPublished {
    pub sku: Name,
    pub location: Name,
    pub buckets: Vec<PublishedBucket>,
    pub model: Option<CompactString>,
    pub confidence: Option<f64>,
}

/// One bucket: `from` inclusive, `until` exclusive; `quantity` is the mean of the whole bucket.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedBucket {
    pub from: Timestamp,
    pub until: Timestamp,
    pub quantity: Quantity,
    pub p10: Option<Quantity>,
    pub p90: Option<Quantity>,
}

/// `signal.observed`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    pub name: Name,
    pub value: f64,
    pub location: Option<Name>,
    pub region: Option<Name>,
    pub from: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub confidence: Option<f64>,
}

/// A unit of measure and how many base units it holds (> 0).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnitOfMeasure {
    pub uom: Name,
    pub factor: f64,
}

/// An item that can stand in, and how much of it replaces one unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Substitute {
    pub sku: Name,
    pub ratio: f64,
}

/// `item.described`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ItemDescribed {
    pub sku: Name,
    pub name: Option<CompactString>,
    pub path: Vec<Name>,
    /// Free attributes, as JSON text.
    pub attributes: Option<Box<str>>,
    pub brand: Option<CompactString>,
    pub unit_cost: Option<UnitPrice>,
    pub unit_price: Option<UnitPrice>,
    pub currency: Option<Currency>,
    pub uom: Option<Name>,
    pub uoms: Vec<UnitOfMeasure>,
    pub pack: Option<Quantity>,
    pub shelf_life_days: Option<f64>,
    pub substitutes: Vec<Substitute>,
}

/// What a location is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocationKind {
    Store,
    Dc,
    Supplier,
    Web,
}

/// `location.described`. The time zone is a known IANA name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LocationDescribed {
    pub location: Name,
    pub name: Option<CompactString>,
    pub kind: Option<LocationKind>,
    pub path: Vec<Name>,
    pub lat: Option<f64>,
    pub lon: Option<f64>,
    pub timezone: Option<Name>,
    pub calendar: Option<Name>,
}

/// `supplier.described`. Days and hours are ≥ 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupplierDescribed {
    pub supplier: Name,
    pub name: Option<CompactString>,
    pub lead_time_days: Option<f64>,
    pub lead_time_sd_days: Option<f64>,
    pub ack_within_hours: Option<f64>,
    pub timezone: Option<Name>,
    pub calendar: Option<Name>,
}

/// `customer.described`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CustomerDescribed {
    pub customer: Name,
    pub tier: Option<CompactString>,
    pub contact_ref: Option<CompactString>,
    pub language: Option<CompactString>,
    pub account_owner: Option<CompactString>,
}

/// `lane.described`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LaneDescribed {
    pub from: Name,
    pub to: Name,
    pub transit_days: Option<f64>,
    pub cost_per_unit: Option<UnitPrice>,
    pub currency: Option<Currency>,
    pub min_quantity: Option<Quantity>,
    pub calendar: Option<Name>,
}

/// Where a SKU-location is supplied from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum SourceOfSupply {
    Supplier(Name),
    Location(Name),
}

/// `sourcing.set`: one source of one SKU-location; a later one for the same source replaces it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SourcingSet {
    pub sku: Name,
    pub location: Name,
    pub source: SourceOfSupply,
    /// Lower is preferred; 1 when not said.
    pub rank: Option<i64>,
    pub share: Option<f64>,
    pub lead_time_days: Option<f64>,
    pub moq: Option<Quantity>,
    pub pack: Option<Quantity>,
    pub unit_cost: Option<UnitPrice>,
    pub valid_from: Option<Timestamp>,
    pub valid_until: Option<Timestamp>,
}

/// Which service level a policy means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceMeasure {
    #[default]
    Cycle,
    Fill,
}

/// What a policy holds for; the most specific one wins.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PolicyScope {
    pub sku: Option<Name>,
    pub location: Option<Name>,
    /// An item or location hierarchy prefix, levels joined by `/`.
    pub path: Option<Name>,
    pub segment: Option<Name>,
}

/// `policy.set`: replaces the policy of the same scope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PolicySet {
    pub scope: PolicyScope,
    /// 0 < level < 1.
    pub service_level: Option<f64>,
    pub measure: Option<ServiceMeasure>,
    pub review_days: Option<f64>,
    pub max_cover_days: Option<f64>,
    pub lead_time_days: Option<f64>,
    /// The demand period: 1–366 days.
    pub period_days: Option<u16>,
}

/// How an assortment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssortmentStatus {
    Active,
    PhasingOut,
    Ended,
}

/// `assortment.set`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AssortmentSet {
    pub sku: Name,
    pub locations: Selection,
    pub from: Timestamp,
    pub until: Option<Timestamp>,
    pub status: Option<AssortmentStatus>,
    pub successor: Option<Name>,
}

/// `calendar.described`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CalendarDescribed {
    pub calendar: Name,
    /// ISO weekdays, Monday = 1.
    pub working_days: Option<Vec<u8>>,
    pub closed: Vec<Day>,
    pub order_days: Option<Vec<u8>>,
    /// Local time of day, `HH:MM`.
    pub cutoff: Option<CompactString>,
}

/// `action.confirmed`, `action.refused`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionAnswer {
    pub action_id: Name,
    pub external_ref: Option<CompactString>,
    /// What was really done, as JSON text.
    pub actual: Option<Box<str>>,
    pub reason: Option<CompactString>,
}
