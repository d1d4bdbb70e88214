//! `single_source`: `minimum` SKU-locations or more have no source but this supplier.

use super::Kind;
use crate::domain::exception::Severity;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::supplier::judged::{Judged, assessed};

pub struct SingleSource;

fn places(judged: &Judged<'_>) -> u32 {
    judged.tenant.map_or(0, |tenant| tenant.single_sourced(&judged.supplier.supplier))
}

impl Kind<Judged<'_>> for SingleSource {
    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition {
        let holds = f64::from(places(judged)) >= settings.minimum.max(1.0);
        Condition::holds(holds, "what it supplies has other sources, too")
    }

    fn assess(_: &Judged<'_>, _: &KindSettings) -> Assessment {
        assessed(Severity::Low, None)
    }

    fn describe(judged: &Judged<'_>, _: &KindSettings) -> Description {
        judged.describe(format!("{} SKU-locations have no source but this supplier.", places(judged)), None)
    }
}
