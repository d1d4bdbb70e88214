//! `dead_stock`: nothing was demanded for `days` although at least `minimum` units are here.
//!
//! Counts from the last demand, or from when there was something to sell again. Cleared by demand, or when less than
//! `minimum` is left.

use super::{Judged, Kind};
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::{ExceptionType, ExceptionWindow};
use crate::domain::time::Timestamp;

pub struct DeadStock;

fn dead_from(judged: &Judged<'_>, settings: &KindSettings) -> Option<Timestamp> {
    judged.place.idle_since.get().map(|since| since.plus_days(settings.days))
}

impl Kind for DeadStock {
    const TYPE: ExceptionType = ExceptionType::DeadStock;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        if judged.outlook.position.on_hand.as_f64() < settings.minimum {
            return Condition::Clear("hardly anything is left".into());
        }
        match dead_from(judged, settings) {
            Some(from) if from <= judged.now() => Condition::Raised,
            _ => Condition::Clear("it is demanded again".into()),
        }
    }

    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        let outlook = judged.outlook;
        let units = outlook.position.on_hand;
        let value = judged.place.excess_cost(outlook.planning, units, units, 0.0);
        judged.assessment(value, Some(units), None)
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, _: &Assessment) -> Description {
        let since = judged.place.idle_since.get();
        let days = since.map_or(0.0, |since| judged.now().days_since(since));
        let cause = format!("{} on hand and no demand for {days:.0} days", judged.outlook.position.on_hand);
        judged.description(Some(ExceptionWindow { from: since, until: None }), None, None, cause)
    }

    fn review_at(judged: &Judged<'_>, settings: &KindSettings) -> Option<Timestamp> {
        dead_from(judged, settings).filter(|_| judged.outlook.position.on_hand.is_positive())
    }
}
