//! What has been observed at a few places: lots with dates, a count that did not fit the books, receipts that nobody
//! announced.

use serde::{Deserialize, Serialize};

use super::raw;
use crate::domain::event::Lot;
use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::time::{Day, Timestamp};

/// Lots remembered; of more those that expire first.
const LOTS_MAX: usize = 32;
/// Receipts without an announcement remembered; the oldest go first.
const UNANNOUNCED_MAX: usize = 16;

/// What most places never have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    lots: Option<Box<Lots>>,
    difference: Option<Box<CountDifference>>,
    unannounced: Vec<UnannouncedReceipt>,
}

/// A count that differed from the book stock as of its time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CountDifference {
    #[serde(with = "raw::timestamp")]
    pub counted_at: Timestamp,
    #[serde(with = "raw::quantity")]
    pub book: Quantity,
    #[serde(with = "raw::quantity")]
    pub counted: Quantity,
}

impl CountDifference {
    /// Counted less book.
    pub fn difference(&self) -> Quantity {
        self.counted - self.book
    }

    /// The size of the difference as a share of the book stock; of one unit where there was none.
    pub fn share(&self) -> f64 {
        self.difference().as_f64().abs() / self.book.as_f64().abs().max(1.0)
    }
}

/// A receipt against a line of a purchase order that nobody has told of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UnannouncedReceipt {
    pub po_id: Name,
    pub line_id: Name,
    #[serde(with = "raw::quantity")]
    pub quantity: Quantity,
    #[serde(with = "raw::timestamp")]
    pub received_at: Timestamp,
}

/// The lots of the last count that named any, and what has left since.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lots {
    /// By expiry.
    lots: Vec<DatedLot>,
    #[serde(with = "raw::quantity")]
    left: Quantity,
}

/// What expires on a day: sold until its end.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DatedLot {
    pub expires_on: Day,
    #[serde(with = "raw::quantity")]
    pub quantity: Quantity,
}

impl Observed {
    /// Whether there is nothing left to remember.
    pub fn is_empty(&self) -> bool {
        self.lots.is_none() && self.difference.is_none() && self.unannounced.is_empty()
    }

    /// Takes the lots of a count; one without lots says nothing about them.
    pub fn count_lots(&mut self, lots: &[Lot]) {
        if lots.is_empty() {
            return;
        }
        let mut dated: Vec<DatedLot> = lots
            .iter()
            .filter(|lot| lot.quantity.is_positive())
            .filter_map(|lot| {
                lot.expires_on.map(|expires_on| DatedLot { expires_on, quantity: lot.quantity })
            })
            .collect();
        dated.sort_unstable_by_key(|lot| lot.expires_on);
        dated.truncate(LOTS_MAX);
        self.lots = (!dated.is_empty()).then(|| Box::new(Lots { lots: dated, left: Quantity::ZERO }));
    }

    /// Stock left: first that which expires first (FEFO).
    pub fn leave(&mut self, quantity: Quantity) {
        if let Some(lots) = &mut self.lots {
            lots.left += quantity;
            if lots.left >= lots.lots.iter().map(|lot| lot.quantity).sum() {
                self.lots = None;
            }
        }
    }

    /// What there is left of each dated lot when `on_hand` is there in all, by expiry.
    pub fn dated_lots(&self, on_hand: Quantity) -> impl Iterator<Item = DatedLot> {
        let counted = self.lots.iter().flat_map(|lots| lots.lots.iter());
        let known: Quantity = counted.clone().map(|lot| lot.quantity).sum();
        // What is not there any more has left, whoever forgot to say so.
        let mut left = self.lots.as_ref().map_or(Quantity::ZERO, |lots| lots.left).max(known - on_hand);
        counted.filter_map(move |lot| {
            let gone = left.or_zero().min(lot.quantity);
            left -= gone;
            let quantity = lot.quantity - gone;
            quantity.is_positive().then_some(DatedLot { quantity, ..*lot })
        })
    }

    /// Takes a count; one that fits ends what was known of an earlier one.
    pub fn compare_count(&mut self, difference: CountDifference) {
        self.difference = (!difference.difference().is_zero()).then(|| Box::new(difference));
    }

    /// The last count, if it differed.
    pub fn difference(&self) -> Option<&CountDifference> {
        self.difference.as_deref()
    }

    /// Something came against a line that nobody has told of.
    pub fn receive_unannounced(&mut self, receipt: UnannouncedReceipt) {
        if self.unannounced.len() >= UNANNOUNCED_MAX {
            self.unannounced.remove(0);
        }
        self.unannounced.push(receipt);
    }

    /// The line is told of now.
    pub fn announce(&mut self, po_id: &str, line_id: &str) {
        self.unannounced.retain(|receipt| receipt.po_id != po_id || receipt.line_id != line_id);
    }

    /// Receipts that nobody has announced, oldest first.
    pub fn unannounced(&self) -> &[UnannouncedReceipt] {
        &self.unannounced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lots(of: &[(i32, i64)]) -> Observed {
        let lots: Vec<Lot> = of
            .iter()
            .map(|(day, units)| Lot {
                lot: Name::from("x"),
                expires_on: (*day > 0).then_some(Day(*day)),
                quantity: Quantity::from_units(*units),
            })
            .collect();
        let mut observed = Observed::default();
        observed.count_lots(&lots);
        observed
    }

    fn left(observed: &Observed, on_hand: i64) -> Vec<(i32, i64)> {
        let lots = observed.dated_lots(Quantity::from_units(on_hand));
        lots.map(|lot| (lot.expires_on.0, lot.quantity.milli() / 1_000)).collect()
    }

    #[test]
    fn what_expires_first_leaves_first() {
        let mut observed = lots(&[(9, 5), (3, 4), (0, 100), (6, 7)]);
        assert_eq!(left(&observed, 116), [(3, 4), (6, 7), (9, 5)]);
        observed.leave(Quantity::from_units(6));
        assert_eq!(left(&observed, 110), [(6, 5), (9, 5)]);
        // Only eight are there at all.
        assert_eq!(left(&observed, 8), [(6, 3), (9, 5)]);
        observed.leave(Quantity::from_units(10));
        assert!(observed.is_empty());
    }

    #[test]
    fn a_count_without_lots_says_nothing_about_them_and_their_number_is_bounded() {
        let mut observed = lots(&(1..100).map(|day| (day, 1)).collect::<Vec<_>>());
        observed.count_lots(&[]);
        assert_eq!(left(&observed, 99).len(), LOTS_MAX);
    }
}
