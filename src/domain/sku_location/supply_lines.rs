//! Lines that bring stock here: of purchase orders, and of transfers at their destination; and their shipments.

use serde::{Deserialize, Serialize};

use super::line::{Line, LineKind, NamedTime};
use crate::domain::event::{PurchaseOrderLine, PurchaseOrderStep, Shipment, TransferLine};
use crate::domain::ids::Name;
use crate::domain::line_shipments::{Expected, LineShipments, ShipmentView, TooManyShipments};
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
    /// With its receipts; none while it has neither.
    shipments: Option<Box<LineShipments>>,
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
        self.shipments.iter().flat_map(|shipments| shipments.views())
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
        let shipments = self.shipments.get_or_insert_default();
        shipments.ship(shipment, quantity, record, settings.shipments_per_line_max)?;
        Ok(())
    }

    /// Takes what a shipment without lines says, if this line is on it.
    pub fn follow_shipment(&mut self, shipment: &Shipment, record: &Record) {
        if let Some(shipments) = &mut self.shipments {
            shipments.follow(shipment, record);
        }
    }

    /// Takes a receipt.
    pub fn receive(&mut self, quantity: Quantity, record: &Record) {
        self.line.fulfil(quantity, record);
        self.shipments.get_or_insert_default().receive(quantity, record.event_time);
    }

    /// How much of what is open is on the way: dispatched, not yet arrived, and not yet received either.
    pub fn in_transit(&self) -> Quantity {
        let shipments = self.shipments.as_ref();
        shipments.map_or(Quantity::ZERO, |shipments| shipments.in_transit(self.line.open()))
    }

    /// Splits what is open by when it is expected; what is expected by the promise: see [`SupplyLine::promise`].
    pub fn for_each_part<'a>(&'a self, mut part: impl FnMut(Expected<'a>, Quantity)) {
        let open = self.line.open();
        match &self.shipments {
            Some(shipments) => shipments.for_each_part(open, part),
            None if open.is_positive() => part(Expected::Promise, open),
            None => {}
        }
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.line.heap_bytes() + self.supplier.as_ref().map_or(0, |supplier| supplier.len())
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
