//! One item at one location: its stock, what is ordered from it and for it, its demand, and what is wrong with it.
//!
//! A pure state machine ([`Entity`]). `apply` folds events in, and what it makes of stock and document lines does
//! not depend on the order of their arrival (within the windows that the settings name); `reconcile` proposes
//! exceptions; `view` shows it. Demand and exceptions do depend on their path.
//!
//! Not here: which records concern this place and what a line without a place means (the dispatcher resolves both),
//! repeats (the writer drops them), and everything that is reference data.

mod apply;
mod apply_documents;
mod demand;
mod documents_view;
mod evidence;
mod exceptions;
mod forecast;
mod line;
mod observed;
pub mod options_basis;
mod order_lines;
mod outbound_lines;
mod outlook;
mod parameters;
mod planned_supply;
mod position;
mod projection;
pub(super) mod raw;
mod stock;
mod supply_lines;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
pub(super) mod version;
mod view;
mod why;
mod worth;

use serde::{Deserialize, Serialize};

use self::demand::Demand;
pub use self::documents_view::{OrderLineView, Progress, PurchaseLineView, TransferEnd, TransferLineView};
use self::evidence::Evidence;
pub use self::exceptions::CUSTOM_VARIABLES;
use self::line::Lines;
use self::observed::Observed;
use self::order_lines::OrderLine;
use self::outbound_lines::OutboundLine;
use self::planned_supply::{Planned, PlannedSupply};
use self::raw::MaybeTime;
use self::stock::Stock;
use self::supply_lines::SupplyLine;
pub use self::view::{ProjectionDayView, ProjectionView, ShortageWindowView, SkuLocationView};
pub use self::why::SkuLocationWhy;
use crate::domain::command::{Actor, Command, Refusal};
use crate::domain::entity::{Entity, Reconciled};
use crate::domain::exception::slots::{ExceptionSlot, ExceptionSlots};
use crate::domain::exception::{ExceptionItem, ExceptionType};
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::money::{Currency, UnitPrice};
use crate::domain::record::{Delivery, RefusedEvent, Transition};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;

/// The state of one SKU-location. There may be a million of these: what most don't have is behind a pointer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SkuLocation {
    /// Its own key, because `apply` has to tell lines of this place from others.
    sku: Name,
    location: Name,
    applied_lsn: Lsn,
    revision: u64,
    /// The status `available`: what `on_hand` means.
    available: Stock,
    unavailable: Option<Box<Unavailable>>,
    order_lines: Lines<OrderLine>,
    supply: Option<Box<Supply>>,
    demand: Demand,
    exceptions: ExceptionSlots,
    evidence: Evidence,
    /// Events accepted that could not be used, until they stand in the journal as refused.
    refused: Option<Box<Refused>>,
    /// The last price seen in a sale or an order, in ten-thousandths: for items that nobody described.
    price_seen: Option<PriceSeen>,
    /// Since when nothing was demanded although there was something: the last demand, or when stock came after there was
    /// none.
    idle_since: MaybeTime,
    observed: Option<Box<Observed>>,
}

/// Stock that can't be sold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Unavailable {
    blocked: Stock,
    damaged: Stock,
}

/// What comes, and what goes elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Supply {
    purchase_lines: Lines<SupplyLine>,
    transfers: Option<Box<Transfers>>,
    planned: Option<Box<PlannedSupply>>,
}

/// Transfer lines by the end of the transfer that this place is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Transfers {
    inbound_lines: Lines<SupplyLine>,
    outbound_lines: Lines<OutboundLine>,
}

impl Supply {
    /// All lines that bring something here and are open.
    fn open_lines(&self) -> impl Iterator<Item = &SupplyLine> {
        let inbound = self.transfers.iter().flat_map(|transfers| transfers.inbound_lines.open_lines());
        self.purchase_lines.open_lines().chain(inbound)
    }

    /// Planned actions that count at `now`.
    fn planned(&self, now: Timestamp) -> impl Iterator<Item = &Planned> {
        self.planned.iter().flat_map(move |planned| planned.in_force(now))
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Refused(Vec<RefusedEvent>);

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct PriceSeen {
    ten_thousandths: i64,
    currency: Option<Currency>,
}

impl PriceSeen {
    fn unit_price(self) -> UnitPrice {
        UnitPrice::from_ten_thousandths(self.ten_thousandths)
    }
}

impl Entity for SkuLocation {
    fn new(key: &EntityKey) -> SkuLocation {
        let (sku, location) = match key {
            EntityKey::SkuLocation { sku, location, .. } => (sku.clone(), location.clone()),
            // Never asked for; a name that no event can carry keeps such a place empty.
            _ => (Name::default(), Name::default()),
        };
        SkuLocation {
            sku,
            location,
            applied_lsn: Lsn::ZERO,
            revision: 0,
            available: Stock::default(),
            unavailable: None,
            order_lines: Lines::default(),
            supply: None,
            demand: Demand::default(),
            exceptions: ExceptionSlots::default(),
            evidence: Evidence::default(),
            refused: None,
            price_seen: None,
            idle_since: MaybeTime::NONE,
            observed: None,
        }
    }

    fn apply(&mut self, delivery: &Delivery<'_>, reference: &Reference) {
        self.apply_delivery(delivery, reference);
        #[cfg(test)]
        testing::fail_if_poison(delivery.record);
    }

    fn reconcile(&self, key: &EntityKey, now: Timestamp, reference: &Reference) -> Reconciled {
        #[cfg(test)]
        testing::note_look(key);
        self.propose(key.tenant(), now, reference)
    }

    /// It has run short, and nobody knows yet.
    fn is_urgent(&self, now: Timestamp) -> bool {
        let on_hand = self.available.on_hand();
        let is_short = || {
            // What is open at all is at hand; what of it is due is not.
            !on_hand.is_positive() || (self.order_lines.open() > on_hand && self.due(now) > on_hand)
        };
        let is_known =
            |slot: &ExceptionSlot| slot.open.is_some() || slot.dismissed || slot.pending_since.is_some();
        is_short() && !self.exceptions.slot(&ExceptionType::ShortageNow, "").is_some_and(is_known)
    }

    fn decide(
        &self,
        key: &EntityKey,
        command: &Command,
        actor: &Actor,
        now: Timestamp,
        reference: &Reference,
    ) -> Result<Vec<Transition>, Refusal> {
        self.decide_command(key.tenant(), command, actor, now, reference)
    }

    fn applied_lsn(&self) -> Lsn {
        self.applied_lsn
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}

impl SkuLocation {
    /// The exceptions that are open.
    pub fn open_exceptions(&self) -> impl Iterator<Item = &ExceptionItem> {
        self.exceptions.iter_open().map(|item| &**item)
    }
}
