//! Lines that bring stock here: of purchase orders, and of transfers at their destination; and their shipments.

use serde::{Deserialize, Serialize};

use super::line::{Line, LineKind, NamedTime};
use super::raw::{self, MaybeTime};
use super::version::Version;
use crate::domain::event::{PurchaseOrderLine, PurchaseOrderStep, Shipment, ShipmentStep, TransferLine};
use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::record::Record;
use crate::domain::settings::SkuLocationSettings;
use crate::domain::time::Timestamp;

/// A line on order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SupplyLine {
    line: Line,
    /// As placed.
    promised_at: NamedTime,
    /// As acknowledged or changed since.
    confirmed_at: NamedTime,
    supplier: Option<Box<str>>,
    shipments: Option<Box<LineShipments>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct LineShipments(Vec<LineShipment>);

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
    is_dispatched: bool,
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
pub enum Expected {
    /// A shipment is on the way and says when.
    Shipment(Timestamp),
    /// A shipment has arrived and is not yet received.
    Arrived,
    /// By the line's promise; see [`SupplyLine::promise`].
    Promise,
}

/// The date given for a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Promise {
    /// Acknowledged or changed.
    Confirmed(Timestamp),
    /// As placed.
    Placed(Timestamp),
    /// None; the line was stated at this time.
    None(Timestamp),
}

/// A line has as many shipments as may be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyShipments;

impl SupplyLine {
    /// Takes a purchase order's statement; `is_here` says whether it names this place.
    pub fn state_purchase(
        &mut self,
        stated: &PurchaseOrderLine,
        step: PurchaseOrderStep,
        supplier: Option<&Name>,
        is_here: bool,
        record: &Record,
    ) {
        let replaced = self.line.state(is_here.then_some(stated.quantity), record);
        let version = self.line.version();
        let (placed, confirmed) = match step {
            PurchaseOrderStep::Placed => (stated.promised_at, None),
            PurchaseOrderStep::Changed | PurchaseOrderStep::Acknowledged => (None, stated.promised_at),
        };
        self.promised_at.state(placed, record, replaced.as_ref(), version);
        self.confirmed_at.state(confirmed, record, replaced.as_ref(), version);
        if supplier.is_some() && (replaced.is_some() || self.supplier.is_none()) {
            self.learn_supplier(supplier);
        }
    }

    /// Takes a transfer's statement; `is_here` says whether this place is its destination.
    pub fn state_transfer(&mut self, stated: &TransferLine, is_here: bool, record: &Record) {
        let replaced = self.line.state(is_here.then_some(stated.quantity), record);
        let version = self.line.version();
        self.confirmed_at.state(stated.promised_at, record, replaced.as_ref(), version);
    }

    /// Remembers whose line it is.
    pub fn learn_supplier(&mut self, supplier: Option<&Name>) {
        if let Some(supplier) = supplier
            && self.supplier.as_deref() != Some(supplier.as_str())
        {
            self.supplier = Some(supplier.as_str().into());
        }
    }

    pub fn supplier(&self) -> Option<&str> {
        self.supplier.as_deref()
    }

    /// As placed.
    pub fn promised_at(&self) -> Option<Timestamp> {
        self.promised_at.get()
    }

    /// As acknowledged or changed since.
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        self.confirmed_at.get()
    }

    /// What is known to carry goods of it.
    pub fn shipments(&self) -> impl Iterator<Item = ShipmentView> {
        let shipments = self.shipments.iter().flat_map(|shipments| &shipments.0);
        shipments.map(|shipment| ShipmentView {
            shipment_id: shipment.shipment_id.clone(),
            quantity: Some(shipment.quantity).filter(|quantity| quantity.milli() < i64::MAX),
            eta: shipment.eta.get(),
            is_dispatched: shipment.is_dispatched,
            has_arrived: shipment.has_arrived,
        })
    }

    pub fn promise(&self) -> Promise {
        let placed = || self.promised_at.get().map(Promise::Placed);
        self.confirmed_at
            .get()
            .map(Promise::Confirmed)
            .or_else(placed)
            .unwrap_or_else(|| Promise::None(self.line.announced_at().unwrap_or(Timestamp::MIN)))
    }

    /// Takes a shipment that names this line with `quantity` (`None`: all that is open).
    ///
    /// # Errors
    /// [`TooManyShipments`]; then nothing has changed.
    pub fn ship(
        &mut self,
        shipment: &Shipment,
        quantity: Option<Quantity>,
        record: &Record,
        settings: &SkuLocationSettings,
    ) -> Result<(), TooManyShipments> {
        let shipments = &mut self.shipments.get_or_insert_default().0;
        let at = match shipments.iter().position(|known| known.shipment_id == shipment.shipment_id) {
            Some(at) => at,
            None => {
                if shipments.len() >= settings.shipments_per_line_max {
                    // One that has arrived says least about what is still to come.
                    let arrived = shipments.iter().position(|known| known.has_arrived);
                    shipments.remove(arrived.ok_or(TooManyShipments)?);
                }
                shipments.push(LineShipment {
                    shipment_id: shipment.shipment_id.clone(),
                    quantity: Quantity::ZERO,
                    quantity_version: Version::default(),
                    eta: MaybeTime::NONE,
                    eta_version: Version::default(),
                    is_dispatched: false,
                    has_arrived: false,
                });
                shipments.len() - 1
            }
        };
        let known = &mut shipments[at];
        if known.quantity_version.is_before(record) {
            known.quantity = quantity.unwrap_or(Quantity::from_milli(i64::MAX));
            known.quantity_version = Version::of(record);
        }
        known.follow(shipment, record);
        Ok(())
    }

    /// Takes what a shipment without lines says, if this line is on it.
    pub fn follow_shipment(&mut self, shipment: &Shipment, record: &Record) {
        let known = self.shipments.iter_mut().flat_map(|shipments| shipments.0.iter_mut());
        known.filter(|known| known.shipment_id == shipment.shipment_id).for_each(|known| {
            known.follow(shipment, record);
        });
    }

    /// How much of what is open is on the way: dispatched, not yet arrived, and not yet received either.
    pub fn in_transit(&self) -> Quantity {
        let Some(shipments) = &self.shipments else { return Quantity::ZERO };
        let on_the_way =
            shipments.0.iter().filter(|shipment| shipment.is_dispatched && !shipment.has_arrived);
        let on_the_way: Quantity = on_the_way.map(|shipment| shipment.quantity).sum();
        self.line.open().min((on_the_way - self.received_beyond(shipments)).or_zero())
    }

    /// Received although no shipment with it has been told to have arrived: it came with one that is under way.
    fn received_beyond(&self, shipments: &LineShipments) -> Quantity {
        let arrived = shipments.0.iter().filter(|shipment| shipment.has_arrived);
        let arrived: Quantity = arrived.map(|shipment| shipment.quantity).sum();
        (self.line.fulfilled() - arrived).or_zero()
    }

    /// Splits what is open by when it is expected.
    pub fn for_each_part(&self, mut part: impl FnMut(Expected, Quantity)) {
        let mut open = self.line.open();
        if let Some(shipments) = &self.shipments {
            let arrived: Quantity = shipments
                .0
                .iter()
                .filter(|shipment| shipment.has_arrived)
                .map(|shipment| shipment.quantity)
                .sum();
            let unreceived = (arrived - self.line.fulfilled()).or_zero().min(open);
            if unreceived.is_positive() {
                part(Expected::Arrived, unreceived);
                open -= unreceived;
            }
            let mut received = self.received_beyond(shipments);
            for shipment in shipments.0.iter().filter(|shipment| !shipment.has_arrived) {
                let unloaded = received.min(shipment.quantity);
                received -= unloaded;
                let carried = (shipment.quantity - unloaded).min(open);
                if let Some(eta) = shipment.eta.get()
                    && carried.is_positive()
                {
                    part(Expected::Shipment(eta), carried);
                    open -= carried;
                }
            }
        }
        if open.is_positive() {
            part(Expected::Promise, open);
        }
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.line.heap_bytes() + self.supplier.as_ref().map_or(0, |supplier| supplier.len())
    }
}

impl LineShipment {
    fn follow(&mut self, shipment: &Shipment, record: &Record) {
        match shipment.step {
            ShipmentStep::Dispatched => self.is_dispatched = true,
            ShipmentStep::Delayed => {}
            ShipmentStep::Arrived => self.has_arrived = true,
        }
        if shipment.eta.is_some() && self.eta_version.is_before(record) {
            self.eta = shipment.eta.into();
            self.eta_version = Version::of(record);
        }
    }
}

impl LineKind for SupplyLine {
    fn new(line: Line) -> SupplyLine {
        SupplyLine {
            line,
            promised_at: NamedTime::default(),
            confirmed_at: NamedTime::default(),
            supplier: None,
            shipments: None,
        }
    }

    fn line(&self) -> &Line {
        &self.line
    }

    fn line_mut(&mut self) -> &mut Line {
        &mut self.line
    }

    fn needed_until(&self, _: i64) -> Option<Timestamp> {
        None
    }
}
