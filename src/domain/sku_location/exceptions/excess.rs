//! `excess`: there is far more than is ever meant to be here (F13).
//!
//! The target maximum is the reorder point and one order's quantity, or the policy's most days of cover. Raised when
//! what is available is `raise` times that for the periods in a row that are set, and at least `minimum` units beyond
//! it; cleared at `clear` times. Only where something is demanded: what is not is `dead_stock`, which it is not beside.

use super::{Judged, Kind};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::quantity::Quantity;
use crate::domain::sku_location::outlook::order_quantity;
use crate::domain::sku_location::worth::units_of;

pub struct Excess;

impl Judged<'_> {
    /// The most that is meant to be here, in units: the policy's most days of cover, else reorder point and order
    /// quantity.
    pub fn target_maximum(&self) -> f64 {
        let outlook = self.outlook;
        match outlook.planning.parameters.max_cover_days {
            Some(days) => outlook.rate_per_day * days,
            None => self.reorder_point() + self.order_quantity(),
        }
    }

    fn order_quantity(&self) -> f64 {
        let outlook = self.outlook;
        order_quantity(self.place, outlook.planning, outlook.lead_time_demand, outlook.rate_per_day)
    }

    fn beyond_target(&self) -> Quantity {
        (self.outlook.position.available() - units_of(self.target_maximum())).or_zero()
    }
}

impl Kind for Excess {
    const TYPE: ExceptionType = ExceptionType::Excess;

    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        let outlook = judged.outlook;
        let available = outlook.position.available().as_f64();
        const NOT_ANY_MORE: &str = "stock is near its target again";
        // The target is never below the reorder point, which is at hand.
        let least_target = match outlook.planning.parameters.max_cover_days {
            Some(days) => outlook.rate_per_day * days,
            None => judged.reorder_point(),
        };
        if available < settings.minimum || available <= settings.clear * least_target {
            return Condition::Clear(NOT_ANY_MORE.into());
        }
        if outlook.rate_per_day <= 0.0 {
            return Condition::Clear("nothing is demanded at all".into());
        }
        if judged.is_dead {
            return Condition::Clear("superseded by dead_stock".into());
        }
        let target = judged.target_maximum();
        let condition =
            Condition::above(available, settings.raise * target, settings.clear * target, NOT_ANY_MORE);
        match condition {
            Condition::Raised if available - target < settings.minimum => Condition::Between,
            condition => condition,
        }
    }

    fn assess(judged: &Judged<'_>, _: &KindSettings) -> Assessment {
        let outlook = judged.outlook;
        let units = judged.beyond_target();
        let available = outlook.position.available();
        let value = judged.place.excess_cost(outlook.planning, available, units, outlook.rate_per_day);
        judged.assessment(value, Some(units), None)
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings, _: &Assessment) -> Description {
        let outlook = judged.outlook;
        let beyond = judged.beyond_target();
        let days = beyond.as_f64() / outlook.rate_per_day;
        let cause = format!(
            "{} available, {beyond} beyond the target of {:.3}: at {:.3} a day it takes {days:.0} days to burn off",
            outlook.position.available(),
            judged.target_maximum(),
            outlook.rate_per_day,
        );
        judged.description(judged.window_since_opened(&Self::TYPE), None, None, cause)
    }
}
