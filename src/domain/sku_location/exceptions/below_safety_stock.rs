//! `below_safety_stock`: what is on hand beyond what is due has fallen into the safety stock.
//!
//! Raised when it is at or below `raise` times the safety stock (F2) for the periods in a row that are set, cleared at
//! `clear` times; only where the safety stock is at least `minimum` units. Not beside `shortage_now` and
//! `projected_stockout`, which say more.

use super::{Judged, Kind, at_or_below};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;

pub struct BelowSafetyStock;

impl Kind for BelowSafetyStock {
    const TYPE: ExceptionType = ExceptionType::BelowSafetyStock;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        if judged.is_short {
            return Condition::Clear("superseded by shortage_now".into());
        }
        if judged.is_likely_short {
            return Condition::Clear("superseded by projected_stockout".into());
        }
        let safety_stock = judged.safety_stock();
        if safety_stock < settings.minimum / 2.0 || safety_stock <= 0.0 {
            return Condition::Clear("there is hardly any safety stock to keep".into());
        }
        let share = judged.outlook.position.starting_balance().as_f64() / safety_stock;
        let condition = at_or_below(share, settings.raise, settings.clear, "the safety stock is there again");
        match condition {
            Condition::Raised if safety_stock < settings.minimum => Condition::Between,
            condition => condition,
        }
    }

    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        judged.with_cause_of_shortage(judged.assess_shortage(judged.stockout_probability()))
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, _: &Assessment) -> Description {
        let outlook = judged.outlook;
        let cause = format!(
            "{} on hand beyond what is due, of a safety stock of {:.3}{}",
            outlook.position.starting_balance(),
            judged.safety_stock(),
            judged.sentence_of_cause(),
        );
        let shortage = outlook.first_shortage();
        judged.describe_shortage(shortage.map(|shortage| shortage.from), shortage, cause)
    }
}
