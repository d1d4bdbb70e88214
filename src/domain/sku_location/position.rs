//! Where stock stands at a moment: on hand, promised away, on its way.

use super::SkuLocation;
use super::line::LineKind;
use super::order_lines::OrderLine;
use super::supply_lines::SupplyLine;
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// The quantities of one place at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub on_hand: Quantity,
    /// Open order lines that are promised for no later than now, or for no time.
    pub due: Quantity,
    /// All open order lines.
    pub ordered: Quantity,
    /// Open transfer lines from here, and stock holds.
    pub outbound: Quantity,
    /// Open purchase and transfer lines to here, and planned supply.
    pub on_order: Quantity,
    /// The planned part of `on_order`.
    pub planned: Quantity,
}

impl Position {
    pub fn of(place: &SkuLocation, now: Timestamp) -> Position {
        let mut position = Position {
            on_hand: place.available.on_hand(),
            due: place.due(now),
            ordered: place.order_lines.open(),
            outbound: Quantity::ZERO,
            on_order: Quantity::ZERO,
            planned: Quantity::ZERO,
        };
        if let Some(supply) = &place.supply {
            for planned in supply.planned(now) {
                if planned.outbound {
                    position.outbound += planned.quantity;
                } else {
                    position.planned += planned.quantity;
                }
            }
            position.on_order = supply.purchase_lines.open() + position.planned;
            if let Some(transfers) = &supply.transfers {
                position.outbound += transfers.outbound_lines.open();
                position.on_order += transfers.inbound_lines.open();
            }
        }
        position
    }

    pub fn reserved(&self) -> Quantity {
        self.ordered + self.outbound
    }

    pub fn available(&self) -> Quantity {
        self.on_hand - self.reserved()
    }

    /// What is due and can't be shipped.
    pub fn backorders(&self) -> Quantity {
        (self.due - self.on_hand.or_zero()).or_zero()
    }

    /// What is there or on its way, less what has to leave at once. Orders due later are not in it: they consume
    /// the forecast of their period.
    pub fn inventory_position(&self) -> Quantity {
        self.on_hand + self.on_order - self.due - self.outbound
    }

    /// What the projection starts from: supply on its way comes in at its dates.
    pub fn starting_balance(&self) -> Quantity {
        self.on_hand - self.due - self.outbound
    }
}

impl SkuLocation {
    /// Open order lines that are promised for no later than `now`, or for no time.
    pub(super) fn due(&self, now: Timestamp) -> Quantity {
        self.order_lines.open_lines().map(|line: &OrderLine| line.due(now)).sum()
    }

    /// The part of what is on order that is on the way.
    pub(super) fn in_transit(&self) -> Quantity {
        let Some(supply) = &self.supply else { return Quantity::ZERO };
        supply.open_lines().map(SupplyLine::in_transit).sum()
    }

    /// Stock that is here and can't be sold.
    pub(super) fn blocked(&self) -> Quantity {
        self.unavailable.as_ref().map_or(Quantity::ZERO, |unavailable| {
            unavailable.blocked.on_hand() + unavailable.damaged.on_hand()
        })
    }

    /// Calls with the moment and the open quantity of each order line due after `now`.
    pub(super) fn for_each_order_ahead(&self, now: Timestamp, mut order: impl FnMut(Timestamp, Quantity)) {
        for line in self.order_lines.open_lines() {
            if let Some(promised_at) = line.promised_at().filter(|promised_at| *promised_at > now) {
                order(promised_at, line.line().open());
            }
        }
    }
}
