//! One line of a purchase order, as its supplier sees it.

use serde::{Deserialize, Serialize};

use super::statistics::Measures;
use crate::domain::event::{PurchaseOrderLine, PurchaseOrderStep, Shipment};
use crate::domain::ids::Name;
use crate::domain::line_shipments::{Expected, LineShipments, TooManyShipments};
use crate::domain::money::{Currency, UnitPrice};
use crate::domain::quantity::Quantity;
use crate::domain::record::Record;
use crate::domain::reference::{VersionKey, Versioned, put_latest};
use crate::domain::time::Timestamp;

/// What was last said about a line, and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Line {
    /// What was ordered last, and for when.
    asked: Option<Versioned<Quantity>>,
    asked_for: Option<Versioned<Timestamp>>,
    /// What the supplier said to that.
    answer: Option<Box<Answer>>,
    /// A promise came with a change or an acknowledgement.
    is_confirmed: bool,
    /// When it was first ordered, and the promise of then.
    placed: Option<(Timestamp, Option<Timestamp>)>,
    received: Quantity,
    /// The earliest and the latest receipt so far.
    received_at: Option<(Timestamp, Timestamp)>,
    /// With its receipts; none while it has neither.
    shipments: Option<Box<LineShipments>>,
    /// The earliest acknowledgement.
    acknowledged_at: Option<Timestamp>,
    ended: bool,
    /// Its order went to another supplier.
    moved: bool,
    /// What is in the statistics already, or was found unfit for them.
    measured: Measured,
    /// The date against which it is on time, while it is asked of the supplier and not in full. By the policy of when
    /// something was last said of it.
    due_in_full: Option<Timestamp>,
    /// It waits among the closed ones to be forgotten.
    pub queued: bool,
    sku: Option<Name>,
    unit_cost: Option<(UnitPrice, Option<Currency>)>,
}

/// An acknowledgement that names the line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Answer {
    quantity: Option<Versioned<Quantity>>,
    promised: Option<Versioned<Timestamp>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Measured {
    lead_time: bool,
    acknowledgement: bool,
    in_full: bool,
}

/// How an acknowledgement differs from what was ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Difference {
    pub asked: Quantity,
    pub answered: Quantity,
    /// Days by which the date is later; negative if it is earlier.
    pub later_days: f64,
}

impl Difference {
    /// The difference as a share of what was ordered; all of it where nothing was.
    pub fn share(&self) -> f64 {
        let difference = (self.answered - self.asked).as_f64().abs();
        if difference == 0.0 { 0.0 } else { difference / self.asked.as_f64().max(difference * 1e-9) }
    }
}

/// The later of two statements.
fn later<'a, T>(a: Option<&'a Versioned<T>>, b: Option<&'a Versioned<T>>) -> Option<&'a Versioned<T>> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.version > a.version { b } else { a }),
        (a, b) => a.or(b),
    }
}

impl Line {
    /// A new line of a document that is as the flags say.
    pub fn of_document(ended: bool, moved: bool, acknowledged_at: Option<Timestamp>) -> Line {
        Line { ended, moved, acknowledged_at, ..Line::default() }
    }

    /// The total ordered, as last said by either side.
    pub fn ordered(&self) -> Option<Quantity> {
        let answered = self.answer.as_ref().and_then(|answer| answer.quantity.as_ref());
        later(self.asked.as_ref(), answered).map(|said| said.value)
    }

    /// Ordered less received; nothing once it ended or moved, and nothing of what nobody announced.
    pub fn open(&self) -> Quantity {
        match self.ordered() {
            Some(ordered) if !self.ended && !self.moved => (ordered - self.received).or_zero(),
            _ => Quantity::ZERO,
        }
    }

    pub fn is_open(&self) -> bool {
        self.open().is_positive()
    }

    pub fn received(&self) -> Quantity {
        self.received
    }

    /// The latest promise.
    pub fn promised_at(&self) -> Option<Timestamp> {
        let answered = self.answer.as_ref().and_then(|answer| answer.promised.as_ref());
        later(self.asked_for.as_ref(), answered).map(|said| said.value)
    }

    /// Whether the supplier stands by a date, or the order was changed to one.
    pub fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// The shipments that are known to carry goods of it.
    pub fn shipment_ids(&self) -> impl Iterator<Item = &Name> {
        self.shipments.iter().flat_map(|shipments| shipments.ids())
    }

    /// What is open, by when it is expected; what no shipment gives a date for is expected by the promise.
    pub fn for_each_part<'a>(&'a self, mut part: impl FnMut(Expected<'a>)) {
        let open = self.open();
        match &self.shipments {
            Some(shipments) => shipments.for_each_part(open, |expected, _| part(expected)),
            None if open.is_positive() => part(Expected::Promise),
            None => {}
        }
    }

    /// Whether something is open that a shipment brings after its latest promise.
    pub fn is_shipped_late(&self) -> bool {
        let (Some(promised_at), Some(_)) = (self.promised_at(), &self.shipments) else { return false };
        let mut is_late = false;
        self.for_each_part(|expected| {
            is_late |= matches!(expected, Expected::Shipment { eta, .. } if eta > promised_at);
        });
        is_late
    }

    /// When it was first ordered.
    pub fn placed_at(&self) -> Option<Timestamp> {
        self.placed.map(|(placed_at, _)| placed_at)
    }

    /// The promise that it was first ordered with.
    pub fn promised_when_placed(&self) -> Option<Timestamp> {
        self.placed.and_then(|(_, promised_at)| promised_at)
    }

    pub fn is_acknowledged(&self) -> bool {
        self.acknowledged_at.is_some()
    }

    /// Cancelled or closed, or another supplier's by now.
    pub fn is_ended(&self) -> bool {
        self.ended || self.moved
    }

    /// The latest receipt.
    pub fn last_received_at(&self) -> Option<Timestamp> {
        self.received_at.map(|(_, last)| last)
    }

    /// When it was ordered, if it still waits for an acknowledgement.
    pub fn unacknowledged_since(&self) -> Option<Timestamp> {
        if self.acknowledged_at.is_some() || !self.is_open() { None } else { self.placed_at() }
    }

    /// How the acknowledgement differs from the order, if it is about the order as it stands.
    pub fn difference(&self) -> Option<Difference> {
        let answer = self.answer.as_ref()?;
        let asked = self.asked.as_ref()?;
        let quantity = answer.quantity.as_ref().filter(|said| said.version > asked.version)?;
        let dates = self.asked_for.as_ref().zip(answer.promised.as_ref());
        let later_days = dates
            .filter(|(asked, answered)| answered.version > asked.version)
            .map_or(0.0, |(asked, answered)| answered.value.days_since(asked.value));
        let difference = Difference { asked: asked.value, answered: quantity.value, later_days };
        (difference.asked != difference.answered || later_days != 0.0).then_some(difference)
    }

    pub fn sku(&self) -> Option<&Name> {
        self.sku.as_ref()
    }

    pub fn unit_cost(&self) -> Option<(UnitPrice, Option<Currency>)> {
        self.unit_cost
    }

    /// Takes a statement about it.
    pub fn say(
        &mut self,
        version: &VersionKey,
        step: PurchaseOrderStep,
        currency: Option<Currency>,
        said: &PurchaseOrderLine,
    ) {
        if step == PurchaseOrderStep::Acknowledged {
            let answer =
                self.answer.get_or_insert_with(|| Box::new(Answer { quantity: None, promised: None }));
            put_latest(&mut answer.quantity, version.clone(), said.quantity);
            if let Some(promised_at) = said.promised_at {
                put_latest(&mut answer.promised, version.clone(), promised_at);
            }
            self.acknowledge(version.event_time());
        } else {
            put_latest(&mut self.asked, version.clone(), said.quantity);
            if let Some(promised_at) = said.promised_at {
                put_latest(&mut self.asked_for, version.clone(), promised_at);
            }
        }
        if step == PurchaseOrderStep::Placed {
            let placed = (version.event_time(), said.promised_at);
            self.placed = Some(self.placed.map_or(placed, |known| known.min(placed)));
        } else {
            self.is_confirmed |= said.promised_at.is_some();
        }
        if let Some(sku) = &said.place.sku {
            self.sku = Some(sku.clone());
        }
        if let Some(unit_cost) = said.unit_cost {
            self.unit_cost = Some((unit_cost, currency));
        }
    }

    /// Takes that it was acknowledged.
    pub fn acknowledge(&mut self, at: Timestamp) {
        self.acknowledged_at = Some(self.acknowledged_at.map_or(at, |known| known.min(at)));
    }

    /// Takes a receipt.
    pub fn receive(&mut self, quantity: Quantity, at: Timestamp) {
        self.received += quantity;
        self.received_at =
            Some(self.received_at.map_or((at, at), |(first, last)| (first.min(at), last.max(at))));
        self.shipments.get_or_insert_default().receive(quantity, at);
    }

    /// Takes a shipment that names it; see [`LineShipments::ship`].
    ///
    /// # Errors
    /// [`TooManyShipments`]; then nothing has changed.
    pub fn ship(
        &mut self,
        shipment: &Shipment,
        quantity: Option<Quantity>,
        record: &Record,
        shipments_max: usize,
    ) -> Result<Option<Name>, TooManyShipments> {
        self.shipments.get_or_insert_default().ship(shipment, quantity, record, shipments_max)
    }

    /// Takes what a shipment without lines says, if it is on it.
    pub fn follow_shipment(&mut self, shipment: &Shipment, record: &Record) {
        if let Some(shipments) = &mut self.shipments {
            shipments.follow(shipment, record);
        }
    }

    /// Takes that it ended.
    pub fn end(&mut self) {
        self.ended = true;
    }

    /// Takes that its order belongs to another supplier now, or to this one again.
    pub fn set_moved(&mut self, moved: bool) {
        self.moved = moved;
    }

    /// What it says about the supplier, each once, as soon as all is known that it takes. Its first receipt: lateness
    /// is against the promise it was placed with, else the latest.
    ///
    /// `closed_at`: it has just been closed, as of that moment; what is missing will not come.
    pub fn measure(
        &mut self,
        requested_at: Option<Timestamp>,
        closed_at: Option<Timestamp>,
        measures: &mut Measures<'_>,
    ) {
        let Some((placed_at, promised_then)) = self.placed else { return };
        if self.moved {
            return;
        }
        if let Some((first, _)) = self.received_at
            && !self.measured.lead_time
        {
            self.measured.lead_time = true;
            measures.receipt(placed_at, promised_then.or(self.promised_at()), first);
        }
        if let Some(acknowledged_at) = self.acknowledged_at
            && !self.measured.acknowledgement
        {
            self.measured.acknowledgement = true;
            measures.acknowledgement(placed_at, acknowledged_at);
        }
        if self.measured.in_full {
            return;
        }
        let Some(due) = measures.otif_date(requested_at, promised_then, self.promised_at()) else { return };
        let Some(ordered) = self.ordered().filter(|ordered| ordered.is_positive()) else { return };
        let is_full = measures.is_full(ordered, self.received);
        match (self.last_received_at().filter(|_| is_full), closed_at) {
            (Some(at), _) => {
                self.measured.in_full = true;
                measures.complete(due, at, true);
            }
            // Closed with less: not in full, whatever the date.
            (None, Some(at)) => {
                self.measured.in_full = true;
                measures.complete(due, at, false);
            }
            (None, None) => {}
        }
    }

    /// The date against which it is on time, while it is asked of the supplier and not in full.
    pub fn due_in_full(&self) -> Option<Timestamp> {
        self.due_in_full
    }

    /// Takes the date until which it is to be in full, after what happened `at` that moment was taken and measured. What
    /// was overdue then and is not asked of the supplier any more (cancelled, given to another one, changed to nothing)
    /// stays a failure of its.
    pub fn await_full(
        &mut self,
        requested_at: Option<Timestamp>,
        at: Timestamp,
        measures: &mut Measures<'_>,
    ) {
        let due = self.due_by_now(requested_at, measures);
        let ordered = self.ordered().filter(|ordered| ordered.is_positive());
        let is_full = ordered.is_some_and(|ordered| measures.is_full(ordered, self.received));
        if let (Some(was_due), None) = (self.due_in_full, due)
            && !self.measured.in_full
            && !is_full
            && at > measures.on_time_until(was_due)
        {
            self.measured.in_full = true;
            measures.complete(was_due, at, false);
        }
        self.due_in_full = due;
    }

    fn due_by_now(&self, requested_at: Option<Timestamp>, measures: &Measures<'_>) -> Option<Timestamp> {
        let (_, promised_then) = self.placed?;
        let ordered = self.ordered().filter(|ordered| ordered.is_positive())?;
        let is_awaited =
            !self.measured.in_full && !self.is_ended() && !measures.is_full(ordered, self.received);
        let due = measures.otif_date(requested_at, promised_then, self.promised_at());
        due.filter(|_| is_awaited)
    }
}
