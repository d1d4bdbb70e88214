//! The named summaries that lists and rankings need.
//!
//! Written by the shards as entities apply their transitions, so they show what is applied.

mod work;

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use self::work::{CaseKey, Work};
use super::summary::{Entry, Grouping, Listed, Summary};
use crate::domain::approval_case::CaseItem;
use crate::domain::exception::ExceptionItem;
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use crate::domain::time::Timestamp;

/// An exception with the record that last changed it.
pub type ExceptionEntry = Entry<ExceptionItem>;

/// All exceptions that are not over, and the last ones that are.
pub type Exceptions = Summary<ExceptionItem>;

/// The name in an exception's columns of the key of the group whose cause it is.
pub const HEADS: &str = "heads";

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
        "sla_due_at",
        "confidence",
    ];
    const FACETS: &'static [&'static str] = &["type", "state", "severity"];
    const NAMES: &'static [&'static str] = &[
        "id",
        "group",
        "sku",
        "location",
        "supplier",
        "owner",
        "team",
        "case_id",
        "po_id",
        "order_id",
        "transfer_id",
        "promotion_id",
        "action_id",
        "source",
        HEADS,
    ];
    const GROUPING: Option<Grouping> = Some(Grouping { member: 1, cause: 14 });

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
            8 => self.sla_due_at.map(time),
            _ => self.confidence,
        }
    }

    /// What has no known value is ranked by its units (F44).
    fn stand_in(at: usize) -> Option<usize> {
        const VALUE_AT_RISK: usize = 2;
        const UNITS_AT_RISK: usize = 3;
        (at == VALUE_AT_RISK).then_some(UNITS_AT_RISK)
    }

    fn facet(&self, at: usize) -> &str {
        match at {
            0 => self.exception_type.as_str(),
            1 => self.state.as_str(),
            _ => self.severity.as_str(),
        }
    }

    fn name(&self, at: usize) -> Option<&str> {
        let subject = &self.subject;
        let name = match at {
            0 => return Some(&self.id),
            1 => &self.group,
            2 => &subject.sku,
            3 => &subject.location,
            4 => &subject.supplier,
            5 => &self.owner,
            6 => &self.team,
            7 => &self.case_id,
            8 => &subject.po_id,
            9 => &subject.order_id,
            10 => &subject.transfer_id,
            11 => &subject.promotion_id,
            12 => &subject.action_id,
            13 => &subject.source,
            _ => return self.affected.as_ref().map(|affected| affected.key.as_str()),
        };
        name.as_deref()
    }
}

/// A case with the record that last changed it.
pub type CaseEntry = Entry<CaseItem>;

impl Listed for CaseItem {
    const NUMBERS: &'static [&'static str] =
        &["value_at_risk", "decide_by", "opened_at", "updated_at", "closed_at", "version"];
    const FACETS: &'static [&'static str] = &["kind", "state"];
    const NAMES: &'static [&'static str] = &["id", "team", "owner"];

    fn id(&self) -> &Name {
        &self.id
    }

    fn is_over(&self) -> bool {
        self.state.is_final()
    }

    fn number(&self, at: usize) -> Option<f64> {
        let time = |time: Timestamp| time.micros() as f64;
        match at {
            0 => self.value_at_risk.map(|money| money.as_f64()),
            1 => self.decide_by.map(time),
            2 => Some(time(self.opened_at)),
            3 => Some(time(self.updated_at)),
            4 => self.closed_at.map(time),
            _ => Some(self.version as f64),
        }
    }

    fn facet(&self, at: usize) -> &str {
        match at {
            0 => &self.kind,
            _ => self.state.as_str(),
        }
    }

    fn name(&self, at: usize) -> Option<&str> {
        match at {
            0 => Some(&self.id),
            1 => self.team.as_deref(),
            _ => self.owner.as_deref(),
        }
    }
}

/// All cases that are not over, and the last ones that are. Says when one changes, and which ones there is work for:
/// services work on them.
pub struct Cases {
    summary: Summary<CaseItem>,
    /// Locked to the end of a change, so that it follows the summary.
    work: Mutex<Work>,
    changed: Notify,
}

impl Cases {
    /// Keeps at most `over_max` of those that are over a tenant; the journal has them all.
    pub fn new(over_max: usize) -> Cases {
        Cases { summary: Summary::new(over_max), work: Mutex::default(), changed: Notify::new() }
    }

    /// Puts a case in as it is after the record `lsn`, unless a later record has changed it already.
    pub fn upsert(
        &self,
        tenant: TenantNumber,
        entity: &Arc<EntityKey>,
        item: impl Into<Arc<CaseItem>>,
        lsn: Lsn,
    ) {
        let item = item.into();
        {
            let mut work = self.work.lock();
            let was = self.summary.get(tenant, &item.id);
            if was.as_ref().is_some_and(|was| was.lsn > lsn) {
                return;
            }
            work.change(tenant, was.as_ref().map(|was| &*was.item), &item);
            for forgotten in self.summary.upsert(tenant, entity, item, lsn) {
                work.forget(tenant, &forgotten.item);
            }
        }
        self.changed.notify_waiters();
    }

    /// One case.
    pub fn get(&self, tenant: TenantNumber, id: &str) -> Option<Arc<CaseEntry>> {
        self.summary.get(tenant, id)
    }

    /// The case that an action is of.
    pub fn with_action(&self, tenant: TenantNumber, action: &Name) -> Option<Arc<CaseEntry>> {
        let case = self.work.lock().case_of(tenant, action).cloned()?;
        self.get(tenant, &case)
    }

    /// All of a tenant that pass `wanted`, in no order; those that are over only if asked for.
    pub fn select(
        &self,
        tenant: TenantNumber,
        with_over: bool,
        wanted: impl FnMut(&CaseEntry) -> bool,
    ) -> Vec<Arc<CaseEntry>> {
        self.summary.select(tenant, with_over, wanted)
    }

    /// Those of every tenant whose facts have no options yet. Looks at no others.
    pub fn lacking_options(&self) -> Vec<(TenantNumber, Arc<CaseEntry>)> {
        let keys = self.work.lock().lacking_options.clone();
        self.of(keys)
    }

    /// Those of every tenant that have an action which is to be delivered, or could not be. Looks at no others.
    pub fn undelivered(&self) -> Vec<(TenantNumber, Arc<CaseEntry>)> {
        let keys = self.work.lock().undelivered.clone();
        self.of(keys)
    }

    fn of(&self, keys: BTreeSet<CaseKey>) -> Vec<(TenantNumber, Arc<CaseEntry>)> {
        let entry = |(tenant, id): CaseKey| Some((tenant, self.get(tenant, &id)?));
        keys.into_iter().filter_map(entry).collect()
    }

    /// The cases as lists show them.
    pub fn summary(&self) -> &Summary<CaseItem> {
        &self.summary
    }

    /// Ends when a case changes after this was made and polled.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// How many are not over, over all tenants.
    pub fn open_count(&self) -> usize {
        self.summary.open_count()
    }
}

#[cfg(test)]
mod tests;
