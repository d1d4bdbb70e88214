//! The named summaries that lists and rankings need.
//!
//! Written by the shards as entities apply their transitions, so they show what is applied.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::summary::{Entry, Listed, Summary};
use crate::domain::approval_case::CaseItem;
use crate::domain::exception::ExceptionItem;
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
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
    ];

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
            _ => &subject.source,
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

/// All cases that are not over, and the last ones that are. Says when one changes: services work on them.
pub struct Cases {
    summary: Summary<CaseItem>,
    changed: Notify,
}

impl Cases {
    /// Keeps at most `over_max` of those that are over a tenant; the journal has them all.
    pub fn new(over_max: usize) -> Cases {
        Cases { summary: Summary::new(over_max), changed: Notify::new() }
    }

    /// Puts a case in as it is after the record `lsn`.
    pub fn upsert(&self, tenant: TenantNumber, entity: &Arc<EntityKey>, item: CaseItem, lsn: Lsn) {
        self.summary.upsert(tenant, entity, item, lsn);
        self.changed.notify_waiters();
    }

    /// One case.
    pub fn get(&self, tenant: TenantNumber, id: &str) -> Option<Arc<CaseEntry>> {
        self.summary.get(tenant, id)
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

    /// All of every tenant that pass `wanted`: for the services that work on cases.
    pub fn select_everywhere(
        &self,
        with_over: bool,
        mut wanted: impl FnMut(&CaseEntry) -> bool,
    ) -> Vec<(TenantNumber, Arc<CaseEntry>)> {
        let of = |tenant: TenantNumber| {
            let found = self.summary.select(tenant, with_over, &mut wanted);
            found.into_iter().map(move |entry| (tenant, entry)).collect::<Vec<_>>()
        };
        self.summary.tenants().into_iter().flat_map(of).collect()
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
mod tests {
    use super::*;
    use crate::domain::exception::testing::item;
    use crate::domain::exception::{ExceptionSubject, ExceptionType, Severity};
    use crate::domain::money::{Currency, Money};
    use crate::domain::quantity::Quantity;

    /// Every field holds what its name says, or lists would be sorted and filtered by another one.
    #[test]
    fn columns_hold_what_their_names_say() {
        let named = |text: &str| Some(Name::from(text));
        let time = |micros: i64| Some(Timestamp::from_micros(micros));
        let mut shown = item("exc_1", ExceptionType::PurchaseLate);
        shown.severity = Severity::High;
        shown.urgency = 77;
        shown.value_at_risk = Currency::parse("EUR").map(|euro| Money::from_ten_thousandths(125_000, euro));
        shown.units_at_risk = Some(Quantity::from_units(9));
        shown.decide_by = time(1);
        shown.opened_at = Timestamp::from_micros(2);
        shown.updated_at = Timestamp::from_micros(3);
        shown.cleared_at = time(4);
        shown.sla_due_at = time(5);
        shown.confidence = Some(0.25);
        (shown.group, shown.owner, shown.team, shown.case_id) =
            (named("the group"), named("the owner"), named("the team"), named("the case_id"));
        shown.subject = ExceptionSubject {
            kind: Name::from("purchase_order"),
            sku: named("the sku"),
            location: named("the location"),
            supplier: named("the supplier"),
            po_id: named("the po_id"),
            order_id: named("the order_id"),
            transfer_id: named("the transfer_id"),
            promotion_id: named("the promotion_id"),
            action_id: named("the action_id"),
            source: named("the source"),
        };
        for (at, field) in ExceptionItem::NAMES.iter().enumerate().skip(1) {
            assert_eq!(shown.name(at), Some(format!("the {field}").as_str()));
        }
        assert_eq!(shown.name(0), Some("exc_1"));
        let numbers: Vec<(&str, f64)> = ExceptionItem::NUMBERS
            .iter()
            .enumerate()
            .map(|(at, field)| (*field, shown.number(at).unwrap()))
            .collect();
        let expected = [
            ("severity", 2.0),
            ("urgency", 77.0),
            ("value_at_risk", 12.5),
            ("units_at_risk", 9.0),
            ("decide_by", 1.0),
            ("opened_at", 2.0),
            ("updated_at", 3.0),
            ("cleared_at", 4.0),
            ("sla_due_at", 5.0),
            ("confidence", 0.25),
        ];
        assert_eq!(numbers, expected);
        let facets: Vec<&str> = (0..3).map(|at| shown.facet(at)).collect();
        assert_eq!(facets, ["purchase_late", "open", "high"]);
    }
}
