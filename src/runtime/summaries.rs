//! The named summaries that lists and rankings need.
//!
//! Written by the shards as entities apply their transitions, so they show what is applied.

use super::summary::{Entry, Listed, Summary};
use crate::domain::exception::ExceptionItem;
use crate::domain::ids::Name;
use crate::domain::time::Timestamp;

/// An exception with the record that last changed it.
pub type ExceptionEntry = Entry<ExceptionItem>;

/// All exceptions that are not over, and the last ones that are.
pub type Exceptions = Summary<ExceptionItem>;

impl Listed for ExceptionItem {
    const NUMBERS: &'static [&'static str] = &[
        "severity",
        "urgency",
        "value_at_risk",
        "units_at_risk",
        "decide_by",
        "opened_at",
        "updated_at",
        "cleared_at",
        "confidence",
    ];
    const FACETS: &'static [&'static str] = &["type", "state", "severity"];
    const NAMES: &'static [&'static str] = &["sku", "location", "supplier", "owner", "team"];

    fn id(&self) -> &Name {
        &self.id
    }

    fn is_over(&self) -> bool {
        self.state.is_final()
    }

    fn number(&self, at: usize) -> Option<f64> {
        let time = |time: Timestamp| time.micros() as f64;
        match at {
            0 => Some(f64::from(self.severity as u8)),
            1 => Some(f64::from(self.urgency)),
            2 => self.value_at_risk.map(|money| money.as_f64()),
            3 => self.units_at_risk.map(|units| units.as_f64()),
            4 => self.decide_by.map(time),
            5 => Some(time(self.opened_at)),
            6 => Some(time(self.updated_at)),
            7 => self.cleared_at.map(time),
            _ => self.confidence,
        }
    }

    fn facet(&self, at: usize) -> &str {
        match at {
            0 => self.exception_type.as_str(),
            1 => self.state.as_str(),
            _ => self.severity.as_str(),
        }
    }

    fn name(&self, at: usize) -> Option<&str> {
        let name = match at {
            0 => &self.subject.sku,
            1 => &self.subject.location,
            2 => &self.subject.supplier,
            3 => &self.owner,
            _ => &self.team,
        };
        name.as_deref()
    }
}
