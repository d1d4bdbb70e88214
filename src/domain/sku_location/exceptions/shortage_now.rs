//! `shortage_now`: orders that are due can't be shipped, or there is demand and nothing on hand.
//!
//! Raised with backorders, or with nothing on hand where there is demand; clears without backorders and with `clear`
//! days' demand on hand again, beside what is due: goods that came for that would clear it until they are shipped. What is
//! short already is one step more severe than what may become short.

use super::{Judged, Kind, worse};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::quantity::Quantity;

pub struct ShortageNow;

impl Kind for ShortageNow {
    const TYPE: ExceptionType = ExceptionType::ShortageNow;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        let outlook = judged.outlook;
        let position = &outlook.position;
        let has_demand = outlook.rate_per_day > 0.0
            || outlook.has_unfinished_demand
            || position.due.is_positive()
            || position.outbound.is_positive();
        if position.backorders().is_positive() || (!position.on_hand.is_positive() && has_demand) {
            return Condition::Raised;
        }
        let left = position.on_hand - position.due;
        if left.as_f64() >= settings.clear * outlook.rate_per_day {
            Condition::Clear("stock covers what is due and the demand of the next days".into())
        } else {
            Condition::Between
        }
    }

    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        let assessment = judged.assess_shortage(1.0);
        judged.with_cause_of_shortage(Assessment { severity: worse(assessment.severity), ..assessment })
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, _: &Assessment) -> Description {
        let outlook = judged.outlook;
        let position = &outlook.position;
        let mut cause = if position.backorders() > Quantity::ZERO {
            format!(
                "{} backordered: {} due, {} on hand",
                position.backorders(),
                position.due,
                position.on_hand
            )
        } else {
            format!("{} on hand with a demand of {:.3} a day", position.on_hand, outlook.rate_per_day)
        };
        cause.push_str(&judged.sentence_of_cause());
        // It bites since it opened.
        judged.describe_shortage(judged.opened_at(&Self::TYPE), outlook.first_shortage(), cause)
    }
}
