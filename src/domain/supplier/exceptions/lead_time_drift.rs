//! `lead_time_drift`: the mean of the last `minimum` lead times is `raise` of the mean before it away from that, and by
//! more than their noise; clears at `clear`. Orders that come faster than planned are told too: stock lies idle.

use super::Kind;
use crate::domain::exception::Severity;
use crate::domain::exception::assessment::{Assessment, Condition, Description, rounded};
use crate::domain::exception::kind::KindSettings;
use crate::domain::supplier::judged::{Judged, assessed};
use crate::domain::supplier::statistics::LeadTimeDrift as Drift;

/// Standard errors by which the mean must have moved.
const STANDARD_ERRORS_MIN: f64 = 2.0;

pub struct LeadTimeDrift;

fn drift(judged: &Judged<'_>, settings: &KindSettings) -> Option<Drift> {
    judged.supplier.receipts.drift(settings.minimum as usize)
}

impl Kind<Judged<'_>> for LeadTimeDrift {
    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        let Some(drift) = drift(judged, settings) else {
            return Condition::Clear("too few receipts are known".into());
        };
        let change = drift.change.abs();
        match Condition::above(change, settings.raise, settings.clear, "lead times are as before again") {
            Condition::Raised if drift.standard_errors.abs() < STANDARD_ERRORS_MIN => Condition::Between,
            other => other,
        }
    }

    fn assess(judged: &Judged<'_>, settings: &KindSettings) -> Assessment {
        let drift = drift(judged, settings);
        let is_longer = drift.is_some_and(|drift| drift.change > 0.0);
        // Change and noise are what the confidence of it rests on: two standard errors are 0.95 for normal noise.
        let confidence = drift.map(|drift| rounded(1.0 - (-drift.standard_errors.abs() * 1.5).exp()));
        Assessment { confidence, ..assessed(if is_longer { Severity::Medium } else { Severity::Low }, None) }
    }

    fn describe(judged: &Judged<'_>, settings: &KindSettings) -> Description {
        let cause = drift(judged, settings).map_or_else(String::new, |drift| {
            format!(
                "The last {:.0} deliveries took {:.1} days on average, those before {:.1}: {} by {:.0} %.",
                settings.minimum,
                drift.recent_mean_days,
                drift.earlier_mean_days,
                if drift.change > 0.0 { "longer" } else { "shorter" },
                drift.change.abs() * 100.0,
            )
        });
        judged.describe(cause, None)
    }
}
