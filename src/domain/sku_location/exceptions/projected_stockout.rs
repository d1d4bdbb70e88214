//! `projected_stockout`: a stockout is likely before another order can help.
//!
//! Raised at a stockout probability (F4) of `raise`, cleared at `clear`; not beside `shortage_now`, which says more. The
//! probability is that over the lead time and `days` of the review period: where stock is reviewed once a week, it lasts
//! ever less long until the next review, and what may run out only after that is what the review is for.

use super::{Judged, Kind};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;

pub struct ProjectedStockout;

impl Kind for ProjectedStockout {
    const TYPE: ExceptionType = ExceptionType::ProjectedStockout;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        if judged.is_short {
            return Condition::Clear("superseded by shortage_now".into());
        }
        let probability = judged.stockout_probability();
        Condition::above(probability, settings.raise, settings.clear, "a stockout is no longer probable")
    }

    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        judged.with_cause_of_shortage(judged.assess_shortage(judged.stockout_probability()))
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, _: &Assessment) -> Description {
        let outlook = judged.outlook;
        let cause = format!(
            "stockout with a probability of {:.2} within {:.1} days: {} on hand, {} on order, demand of {:.3} a day{}",
            judged.stockout_probability(),
            judged.horizon_days(),
            outlook.position.on_hand,
            outlook.position.on_order,
            outlook.rate_per_day,
            judged.sentence_of_cause(),
        );
        let shortage = outlook.first_shortage();
        judged.describe_shortage(shortage.map(|shortage| shortage.from), shortage, cause)
    }
}
