//! `expiry_before_use`: of the lots that the last count named some will not be wanted before they expire.
//!
//! What expires first leaves first (FEFO). Until the end of each lot's last day the forecast says how much is wanted; what
//! then is left of it expires unused. Raised at `raise` units in all, cleared at `clear`.

use super::{Judged, Kind};
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::{ExceptionType, ExceptionWindow};
use crate::domain::sku_location::observed::DatedLot;
use crate::domain::sku_location::worth::units_of;
use crate::domain::time::{DAY, Timestamp};

pub struct ExpiryBeforeUse;

/// What will expire before it is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expiring {
    /// Units.
    pub units: f64,
    /// The end of the last day of the first lot of which something is left.
    pub first_at: Option<Timestamp>,
}

impl Judged<'_> {
    /// The known lots, first expired first, each with the end of its last day.
    fn dated_lots(&self) -> impl Iterator<Item = (DatedLot, Timestamp)> {
        let zone = self.outlook.planning.zone();
        let on_hand = self.outlook.position.on_hand.or_zero();
        let lots = self.place.observed.iter().flat_map(move |observed| observed.dated_lots(on_hand));
        lots.map(move |lot| (lot, lot.expires_on.plus(1).start(zone)))
    }

    fn next_expiry(&self) -> Option<Timestamp> {
        self.dated_lots().map(|(_, expires_at)| expires_at).find(|expires_at| *expires_at > self.now())
    }

    /// What of the known lots will expire before it is wanted.
    pub fn expiring(&self) -> Expiring {
        let planning = self.outlook.planning;
        let (mut expiring, mut used) = (Expiring::default(), 0.0);
        for (lot, expires_at) in self.dated_lots() {
            let wanted = if expires_at > planning.now {
                self.outlook.forecast.between(planning.now, expires_at).mean
            } else {
                0.0
            };
            let quantity = lot.quantity.as_f64();
            let used_of_it = (wanted - used).clamp(0.0, quantity);
            used += used_of_it;
            // Less than a thousandth is a rounding error.
            let unused = quantity - used_of_it;
            if unused >= 0.001 {
                expiring.units += unused;
                expiring.first_at = expiring.first_at.or(Some(expires_at));
            }
        }
        expiring
    }
}

/// From now until the first lot expires, in which something may still be done. Once it has, it bites since then, and until
/// what expired is gone, which nobody knows.
fn window(now: Timestamp, first_at: Option<Timestamp>) -> ExceptionWindow {
    match first_at {
        Some(expired_at) if expired_at <= now => ExceptionWindow { from: first_at, until: None },
        _ => ExceptionWindow { from: Some(now), until: first_at },
    }
}

impl Kind for ExpiryBeforeUse {
    const TYPE: ExceptionType = ExceptionType::ExpiryBeforeUse;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        let units = judged.expiring().units;
        Condition::above(units, settings.raise, settings.clear, "all lots will be used in time")
    }

    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        let units = units_of(judged.expiring().units);
        let value = judged.place.stock_value(judged.outlook.planning, units);
        judged.assessment(value, Some(units), None)
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, _: &Assessment) -> Description {
        let Expiring { units, first_at } = judged.expiring();
        let cause = format!(
            "{} will not be wanted before they expire, with a demand of {:.3} a day",
            units_of(units),
            judged.outlook.rate_per_day
        );
        judged.description(Some(window(judged.now(), first_at)), None, first_at, cause)
    }

    /// Each day without a sale leaves less demand until a lot expires, and none is left when it has.
    fn review_at(judged: &Judged<'_>, _: &KindSettings) -> Option<Timestamp> {
        let next = judged.next_expiry()?;
        Some(if judged.outlook.rate_per_day > 0.0 { next.min(judged.now().plus(DAY)) } else { next })
    }
}
