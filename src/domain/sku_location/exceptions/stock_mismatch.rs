//! `stock_mismatch`: a count differed from the book stock as of its time.
//!
//! Raised at a difference of `raise` times the book stock and `minimum` units; cleared by a count that differs by no more
//! than `clear` times or by less than `minimum`, or `days` after the count. The first count of a place says how much
//! there is and can't differ.

use super::{Judged, Kind};
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::{ExceptionType, ExceptionWindow};
use crate::domain::quantity::Quantity;
use crate::domain::sku_location::observed::CountDifference;
use crate::domain::time::Timestamp;

pub struct StockMismatch;

fn last_difference<'a>(judged: &Judged<'a>) -> Option<&'a CountDifference> {
    judged.place.observed.as_ref()?.difference()
}

fn size(difference: &CountDifference) -> Quantity {
    let difference = difference.difference();
    difference.max(-difference)
}

impl Kind for StockMismatch {
    const TYPE: ExceptionType = ExceptionType::StockMismatch;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        let Some(difference) = last_difference(judged) else {
            return Condition::Clear("the last count was right".into());
        };
        if difference.counted_at.plus_days(settings.days) <= judged.now() {
            return Condition::Clear("there was no other count for long".into());
        }
        if size(difference).as_f64() < settings.minimum {
            return Condition::Clear("the last count differed by little".into());
        }
        Condition::above(
            difference.share(),
            settings.raise,
            settings.clear,
            "the last count differed by little",
        )
    }

    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        let units = last_difference(judged).map(size).unwrap_or_default();
        judged.assessment(judged.place.stock_value(judged.outlook.planning, units), Some(units), None)
    }

    fn describe(judged: &Judged<'_>, settings: &KindSettings, _: &Assessment) -> Description {
        let Some(difference) = last_difference(judged) else {
            return judged.description(None, None, None, String::new());
        };
        let cause = format!(
            "{} counted where the books said {}: a difference of {}",
            difference.counted,
            difference.book,
            difference.difference()
        );
        let window = ExceptionWindow {
            from: Some(difference.counted_at),
            until: Some(difference.counted_at.plus_days(settings.days)),
        };
        judged.description(Some(window), None, None, cause)
    }

    fn review_at(judged: &Judged<'_>, settings: &KindSettings) -> Option<Timestamp> {
        last_difference(judged).map(|difference| difference.counted_at.plus_days(settings.days))
    }
}
