//! `negative_stock`: the systems of record say that less than nothing is on hand, so one of them is wrong.

use super::{Judged, Kind};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;

pub struct NegativeStock;

impl Kind for NegativeStock {
    const TYPE: ExceptionType = ExceptionType::NegativeStock;

    fn condition(judged: &Judged<'_>, _: &KindSettings) -> Condition {
        let is_negative = (-judged.outlook.position.on_hand).is_positive();
        Condition::holds(is_negative, "stock is not negative any more")
    }

    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        let units = -judged.outlook.position.on_hand;
        judged.assessment(judged.place.stock_value(judged.outlook.planning, units), Some(units), None)
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, _: &Assessment) -> Description {
        let cause = format!(
            "{} on hand: a receipt, a count or a sale is missing or wrong",
            judged.outlook.position.on_hand
        );
        judged.description(judged.window_since_opened(&Self::TYPE), None, None, cause)
    }
}
