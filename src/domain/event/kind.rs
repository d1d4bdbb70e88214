//! The names of the event types.

macro_rules! event_types {
    ($( $variant:ident => $name:literal ),+ $(,)?) => {
        /// A core event type of the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType { $(#[doc = $name] $variant),+ }

        impl EventType {
            /// Every type, in the contract's order.
            pub const ALL: &'static [EventType] = &[$(EventType::$variant),+];

            /// The type of that name, if there is one.
            pub fn parse(name: &str) -> Option<EventType> {
                match name { $($name => Some(EventType::$variant),)+ _ => None }
            }

            /// The name on the wire.
            pub fn as_str(self) -> &'static str {
                match self { $(EventType::$variant => $name),+ }
            }
        }
    };
}

event_types! {
    PosSale => "pos.sale",
    PosReturn => "pos.return",
    OrderPlaced => "order.placed",
    OrderChanged => "order.changed",
    OrderCancelled => "order.cancelled",
    OrderShipped => "order.shipped",
    InventoryCounted => "inventory.counted",
    InventoryAdjusted => "inventory.adjusted",
    PurchaseOrderPlaced => "purchase_order.placed",
    PurchaseOrderChanged => "purchase_order.changed",
    PurchaseOrderAcknowledged => "purchase_order.acknowledged",
    PurchaseOrderReceived => "purchase_order.received",
    PurchaseOrderCancelled => "purchase_order.cancelled",
    PurchaseOrderClosed => "purchase_order.closed",
    TransferPlaced => "transfer.placed",
    TransferChanged => "transfer.changed",
    TransferDispatched => "transfer.dispatched",
    TransferReceived => "transfer.received",
    TransferCancelled => "transfer.cancelled",
    ShipmentDispatched => "shipment.dispatched",
    ShipmentDelayed => "shipment.delayed",
    ShipmentArrived => "shipment.arrived",
    SupplierDelayReported => "supplier.delay_reported",
    SupplierCapacityChanged => "supplier.capacity_changed",
    PromotionScheduled => "promotion.scheduled",
    PromotionChanged => "promotion.changed",
    PromotionCancelled => "promotion.cancelled",
    ForecastPublished => "forecast.published",
    SignalObserved => "signal.observed",
    ItemDescribed => "item.described",
    LocationDescribed => "location.described",
    SupplierDescribed => "supplier.described",
    CustomerDescribed => "customer.described",
    LaneDescribed => "lane.described",
    SourcingSet => "sourcing.set",
    PolicySet => "policy.set",
    AssortmentSet => "assortment.set",
    CalendarDescribed => "calendar.described",
    FxPublished => "fx.published",
    ClockAdvanced => "clock.advanced",
    ActionConfirmed => "action.confirmed",
    ActionRefused => "action.refused",
}

/// Types that are validated and journaled and have no effect yet.
pub const RESERVED_TYPES: &[&str] = &[
    "forecast.overridden",
    "demand.expected",
    "allocation.set",
    "location.capacity_changed",
    "price.changed",
    "contract.described",
    "bill.described",
    "return.to_vendor",
];
