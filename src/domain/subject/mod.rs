//! Things that exceptions can be about and that are neither SKU-locations nor suppliers.
//!
//! So far: items, locations and suppliers that are in use and that nobody described.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::entity::{Entity, Reconciled};
use super::event::EventData;
use super::exception::{
    Evidence, ExceptionChange, ExceptionItem, ExceptionState, ExceptionSubject, ExceptionTransition,
    ExceptionType, Severity, exception_id,
};
use super::exception_slots::ExceptionSlots;
use super::ids::{EntityKey, Lsn, Name, SubjectKind};
use super::record::{Body, Delivery, Transition};
use super::reference::{Reference, TenantReference};
use super::time::Timestamp;

/// Urgency of missing master data: nothing runs out, so there is no time left to measure. It stands low and fixed,
/// below whatever has a deadline that is near.
const MISSING_MASTER_DATA_URGENCY: u8 = 10;

/// One subject's live state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    applied_lsn: Lsn,
    revision: u64,
    /// The first event that used the thing, by LSN.
    mention: Option<Box<Evidence>>,
    exceptions: ExceptionSlots,
}

impl Subject {
    /// The exceptions it has open.
    pub fn exceptions(&self) -> &ExceptionSlots {
        &self.exceptions
    }

    fn missing_master_data(
        &self,
        key: &EntityKey,
        now: Timestamp,
        reference: &Reference,
    ) -> Option<ExceptionTransition> {
        let EntityKey::Subject { tenant, subject, id } = key else { return None };
        let missing = reference.settings().exceptions.missing_master_data.enabled
            && reference.tenant(*tenant).is_some_and(|tenant| !is_described(tenant, *subject, id));
        let open = self.exceptions.open(ExceptionType::MissingMasterData);
        match (&self.mention, open) {
            (Some(mention), None) if missing => {
                let generation = self.exceptions.next_generation(ExceptionType::MissingMasterData);
                let exception_id =
                    exception_id(*tenant, ExceptionType::MissingMasterData, &key.to_string(), generation);
                let item = missing_master_data(exception_id, *subject, id, mention, now);
                Some(ExceptionTransition { kind: ExceptionChange::Opened, item })
            }
            (_, Some(open)) if !missing => {
                let item = ExceptionItem {
                    state: ExceptionState::Cleared,
                    updated_at: now,
                    cleared_at: Some(now),
                    revision: open.revision + 1,
                    ..Arc::unwrap_or_clone(Arc::clone(open))
                };
                Some(ExceptionTransition { kind: ExceptionChange::Cleared, item })
            }
            _ => None,
        }
    }
}

impl Entity for Subject {
    fn new(_key: &EntityKey) -> Subject {
        Subject::default()
    }

    fn apply(&mut self, delivery: &Delivery<'_>, _reference: &Reference) {
        let record = delivery.record;
        self.applied_lsn = self.applied_lsn.max(delivery.lsn);
        match &record.body {
            // Being described is not being used.
            Body::Event {
                data:
                    EventData::ItemDescribed(_)
                    | EventData::LocationDescribed(_)
                    | EventData::SupplierDescribed(_),
                ..
            } => {}
            Body::Event { event_type, .. } => {
                if self.mention.as_ref().is_none_or(|known| record.lsn < known.lsn) {
                    self.mention = Some(Box::new(Evidence {
                        source: record.source.clone(),
                        id: record.id.clone(),
                        event_type: event_type.map_or_else(Name::default, |kind| Name::from(kind.as_str())),
                        time: record.event_time,
                        lsn: record.lsn,
                    }));
                }
            }
            Body::Transition(body) if record.entity_revision == self.revision + 1 => {
                self.revision += 1;
                if let Transition::Exception(transition) = &body.transition {
                    self.exceptions.apply(transition);
                }
            }
            Body::Transition(_) | Body::System(_) => {}
        }
    }

    fn reconcile(&self, key: &EntityKey, now: Timestamp, reference: &Reference) -> Reconciled {
        let mut reconciled = Reconciled::default();
        let transition = self.missing_master_data(key, now, reference);
        reconciled.proposals.extend(transition.map(|change| Transition::Exception(Box::new(change))));
        reconciled
    }

    fn applied_lsn(&self) -> Lsn {
        self.applied_lsn
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}

fn is_described(tenant: &TenantReference, subject: SubjectKind, id: &str) -> bool {
    match subject {
        SubjectKind::Item => tenant.item(id).is_some(),
        SubjectKind::Location => tenant.location(id).is_some(),
        SubjectKind::Supplier => tenant.supplier(id).is_some(),
    }
}

/// Severity: without its item or location, values and days are wrong or unknown (medium); without the supplier's
/// description there are measured lead times and defaults (low). Nothing is known of value or time left.
fn missing_master_data(
    exception_id: Name,
    subject: SubjectKind,
    id: &Name,
    mention: &Evidence,
    now: Timestamp,
) -> ExceptionItem {
    let kind = subject.as_str();
    let (severity, field, effect) = match subject {
        SubjectKind::Item => (Severity::Medium, "sku", "it has no price, unit or hierarchy"),
        SubjectKind::Location => (Severity::Medium, "location", "it has no time zone, kind or hierarchy"),
        SubjectKind::Supplier => (Severity::Low, "supplier", "it has no lead time but measured ones"),
    };
    let only = |this: SubjectKind| (this == subject).then(|| id.clone());
    ExceptionItem {
        id: exception_id,
        exception_type: ExceptionType::MissingMasterData,
        state: ExceptionState::Open,
        severity,
        urgency: MISSING_MASTER_DATA_URGENCY,
        value_at_risk: None,
        units_at_risk: None,
        decide_by: None,
        subject: ExceptionSubject {
            kind: Name::from(kind),
            sku: only(SubjectKind::Item),
            location: only(SubjectKind::Location),
            supplier: only(SubjectKind::Supplier),
        },
        opened_at: now,
        updated_at: now,
        cleared_at: None,
        window: None,
        cause: Some(format!(
            "The {kind} {id} is in use, but nobody described it: {effect}. Send {kind}.described with this {field}."
        )),
        confidence: None,
        evidence: vec![mention.clone()],
        case_id: None,
        owner: None,
        team: None,
        sla_due_at: None,
        revision: 1,
    }
}
