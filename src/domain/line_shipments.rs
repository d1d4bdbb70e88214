//! What shipments carry of one document line, and how much of it has been received.
//!
//! A receipt names a line and no shipment. Goods that were received before a shipment departed can't have come with it,
//! by event time and in whatever order the two are heard of. Of the other receipts, what has arrived is received before
//! what is under way, and what departed first before the rest.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::event::{Shipment, ShipmentStep};
use super::ids::Name;
use super::quantity::Quantity;
use super::record::Record;
use super::sku_location::raw::{self, MaybeTime};
use super::sku_location::version::Version;
use super::time::Timestamp;

/// Moments of receipts that are told apart for a line. Beyond it the two earliest become one, at the later moment: so
/// a shipment that departed between them has received too much rather than too little, and nothing counts twice.
const RECEIPTS_MAX: usize = 32;

/// The shipments of one line, and its receipts as far as they say what of the shipments is still to come.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LineShipments {
    /// By time, one a moment.
    receipts: SmallVec<[Receipt; 1]>,
    /// By departure, then by id.
    shipments: Vec<LineShipment>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Receipt {
    /// Event time.
    at: MaybeTime,
    #[serde(with = "raw::quantity")]
    quantity: Quantity,
}

/// What one shipment carries of a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct LineShipment {
    shipment_id: Name,
    /// `i64::MAX` thousandths: all that is open.
    #[serde(with = "raw::quantity")]
    quantity: Quantity,
    /// The statement that gave the quantity.
    quantity_version: Version,
    eta: MaybeTime,
    /// The statement that gave the eta.
    eta_version: Version,
    /// Event time of the earliest statement that it was dispatched.
    dispatched_at: MaybeTime,
    /// Event time of the earliest statement that it is delayed.
    delayed_at: MaybeTime,
    has_arrived: bool,
}

/// What one shipment carries of a line, as the outside sees it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ShipmentView {
    pub shipment_id: Name,
    /// `None`: all that is open.
    pub quantity: Option<Quantity>,
    pub eta: Option<Timestamp>,
    pub is_dispatched: bool,
    pub has_arrived: bool,
}

/// A part of a line's open quantity and when it is expected, as far as the line itself says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expected<'a> {
    /// A shipment is on the way and says when.
    Shipment { shipment_id: &'a Name, eta: Timestamp },
    /// A shipment has arrived and is not yet received.
    Arrived,
    /// By the line's promise.
    Promise,
}

/// A line has as many shipments as may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyShipments;

impl LineShipments {
    /// What is known to carry goods of the line, by departure.
    pub fn views(&self) -> impl Iterator<Item = ShipmentView> {
        self.shipments.iter().map(|shipment| ShipmentView {
            shipment_id: shipment.shipment_id.clone(),
            quantity: Some(shipment.quantity).filter(|quantity| quantity.milli() < i64::MAX),
            eta: shipment.eta.get(),
            is_dispatched: shipment.is_dispatched(),
            has_arrived: shipment.has_arrived,
        })
    }

    /// The ids of the shipments.
    pub fn ids(&self) -> impl Iterator<Item = &Name> {
        self.shipments.iter().map(|shipment| &shipment.shipment_id)
    }

    /// Takes a shipment that names the line with `quantity` (`None`: all that is open). Gives back the shipment that had
    /// to go for it, if any: of those that have arrived the one that departed first.
    ///
    /// # Errors
    /// [`TooManyShipments`] if there are `shipments_max` others and none of them has arrived; then nothing has changed.
    pub fn ship(
        &mut self,
        shipment: &Shipment,
        quantity: Option<Quantity>,
        record: &Record,
        shipments_max: usize,
    ) -> Result<Option<Name>, TooManyShipments> {
        let mut forgotten = None;
        let at = match self.shipments.iter().position(|known| known.shipment_id == shipment.shipment_id) {
            Some(at) => at,
            None => {
                if self.shipments.len() >= shipments_max {
                    // One that has arrived says least about what is still to come.
                    let arrived = self.shipments.iter().position(|known| known.has_arrived);
                    forgotten = Some(self.shipments.remove(arrived.ok_or(TooManyShipments)?).shipment_id);
                }
                self.shipments.push(LineShipment {
                    shipment_id: shipment.shipment_id.clone(),
                    quantity: Quantity::ZERO,
                    quantity_version: Version::default(),
                    eta: MaybeTime::NONE,
                    eta_version: Version::default(),
                    dispatched_at: MaybeTime::NONE,
                    delayed_at: MaybeTime::NONE,
                    has_arrived: false,
                });
                self.shipments.len() - 1
            }
        };
        let known = &mut self.shipments[at];
        if known.quantity_version.is_before(record) {
            known.quantity = quantity.unwrap_or(Quantity::from_milli(i64::MAX));
            known.quantity_version = Version::of(record);
        }
        known.follow(shipment, record);
        self.sort();
        Ok(forgotten)
    }

    /// Takes what a shipment without lines says, if the line is on it.
    pub fn follow(&mut self, shipment: &Shipment, record: &Record) {
        let mut known = self.shipments.iter_mut();
        if let Some(known) = known.find(|known| known.shipment_id == shipment.shipment_id) {
            known.follow(shipment, record);
            self.sort();
        }
    }

    /// Takes a receipt against the line.
    pub fn receive(&mut self, quantity: Quantity, at: Timestamp) {
        let at = MaybeTime::from(at);
        let next = self.receipts.partition_point(|receipt| receipt.at < at);
        match self.receipts.get_mut(next).filter(|receipt| receipt.at == at) {
            Some(receipt) => receipt.quantity += quantity,
            None => self.receipts.insert(next, Receipt { at, quantity }),
        }
        if self.receipts.len() > RECEIPTS_MAX {
            let earliest = self.receipts.remove(0);
            self.receipts[0].quantity += earliest.quantity;
        }
    }

    /// How much of the `open` quantity is on the way: dispatched, not yet arrived, and not yet received either.
    pub fn in_transit(&self, open: Quantity) -> Quantity {
        let unreceived = self.shipments.iter().zip(self.unreceived());
        let on_the_way = unreceived.filter(|(shipment, _)| shipment.is_dispatched() && !shipment.has_arrived);
        open.min(on_the_way.map(|(_, unreceived)| unreceived).sum())
    }

    /// Splits the `open` quantity by when it is expected.
    pub fn for_each_part<'a>(&'a self, mut open: Quantity, mut part: impl FnMut(Expected<'a>, Quantity)) {
        if !self.shipments.is_empty() {
            let unreceived = self.unreceived();
            let carried = || self.shipments.iter().zip(unreceived.iter().copied());
            let arrived = carried().filter(|(shipment, _)| shipment.has_arrived);
            let arrived = arrived.map(|(_, unreceived)| unreceived).sum::<Quantity>().min(open);
            if arrived.is_positive() {
                part(Expected::Arrived, arrived);
                open -= arrived;
            }
            for (shipment, unreceived) in carried().filter(|(shipment, _)| !shipment.has_arrived) {
                let carried = unreceived.min(open);
                if let Some(eta) = shipment.eta.get()
                    && carried.is_positive()
                {
                    part(Expected::Shipment { shipment_id: &shipment.shipment_id, eta }, carried);
                    open -= carried;
                }
            }
        }
        if open.is_positive() {
            part(Expected::Promise, open);
        }
    }

    /// What has not been received of each shipment, in their order.
    fn unreceived(&self) -> SmallVec<[Quantity; 4]> {
        let mut unreceived: SmallVec<_> = self.shipments.iter().map(|shipment| shipment.quantity).collect();
        let mut receipts = self.receipts.clone();
        for has_arrived in [true, false] {
            // The earliest receipt may be of the fewest shipments, and a later one of all of these too: so each in turn
            // takes what it can, and as much as possible finds its shipment.
            for receipt in &mut receipts {
                for (shipment, unreceived) in self.shipments.iter().zip(&mut unreceived) {
                    if shipment.departed_at() > receipt.at || !receipt.quantity.is_positive() {
                        break;
                    }
                    if shipment.has_arrived == has_arrived {
                        let unloaded = receipt.quantity.min(*unreceived);
                        receipt.quantity -= unloaded;
                        *unreceived -= unloaded;
                    }
                }
            }
        }
        unreceived
    }

    fn sort(&mut self) {
        let place = |shipment: &LineShipment| (shipment.departed_at(), shipment.shipment_id.clone());
        self.shipments.sort_by_cached_key(place);
    }
}

impl LineShipment {
    fn follow(&mut self, shipment: &Shipment, record: &Record) {
        let earliest = |known: &mut MaybeTime| {
            let said = MaybeTime::from(record.event_time);
            *known = if *known == MaybeTime::NONE { said } else { said.min(*known) };
        };
        match shipment.step {
            ShipmentStep::Dispatched => earliest(&mut self.dispatched_at),
            ShipmentStep::Delayed => earliest(&mut self.delayed_at),
            ShipmentStep::Arrived => self.has_arrived = true,
        }
        if shipment.eta.is_some() && self.eta_version.is_before(record) {
            self.eta = shipment.eta.into();
            self.eta_version = Version::of(record);
        }
    }

    fn is_dispatched(&self) -> bool {
        self.dispatched_at != MaybeTime::NONE
    }

    /// Goods received before this moment did not come with it. Of one that nobody has dispatched: when it was first
    /// delayed, for then it was not here. `NONE` while only its arrival is known, which may be told after the receipt.
    fn departed_at(&self) -> MaybeTime {
        if self.is_dispatched() { self.dispatched_at } else { self.delayed_at }
    }
}
