//! Things that exceptions can be about and that are neither SKU-locations nor suppliers.
//!
//! Items, locations and suppliers that are in use and that nobody described; sources of events; promotions as the
//! cause of what they lead to.

#[cfg(test)]
mod cause_tests;
mod feed;
mod promotion;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use self::feed::Feed;
use super::command::{Actor, Command, Refusal};
use super::entity::{Entity, Reconciled};
use super::event::EventData;
use super::exception::assessment::{Assessment, Condition, Description};
use super::exception::command::{Where, decide};
use super::exception::slots::ExceptionSlots;
use super::exception::watch::{EntityText, Watch};
use super::exception::{Evidence, ExceptionSubject, ExceptionType, Severity};
use super::ids::{EntityKey, Lsn, Name, SubjectKind};
use super::record::{Body, Delivery, Transition};
use super::reference::{Reference, TenantReference};
use super::settings::Segment;
use super::time::{DAY, Timestamp};

/// One subject's live state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// Its own key: it has to tell its own transitions from facts about others.
    key: Option<Box<EntityKey>>,
    applied_lsn: Lsn,
    revision: u64,
    /// The first event that used the thing, by LSN; of a promotion, the last event behind what it led to.
    mention: Option<Box<Evidence>>,
    /// Of a source of events.
    feed: Option<Box<Feed>>,
    exceptions: ExceptionSlots,
}

impl Subject {
    /// The exceptions it has open.
    pub fn exceptions(&self) -> &ExceptionSlots {
        &self.exceptions
    }

    fn judge_master_data(&self, watch: &mut Watch<'_>, key: &EntityKey) {
        let EntityKey::Subject { subject, id, .. } = key else { return };
        let Some(mention) = &self.mention else { return };
        let kind = ExceptionType::MissingMasterData;
        let settings = watch.kind(&kind);
        let missing = watch.tenant.is_some_and(|tenant| !is_described(tenant, *subject, id));
        let condition = Condition::holds(missing, "it was described");
        let assess = || Assessment {
            severity: match subject {
                SubjectKind::Supplier => Severity::Low,
                _ => Severity::Medium,
            },
            value_at_risk: None,
            units_at_risk: None,
            confidence: None,
            cause: None,
        };
        watch.judge(&kind, "", &settings, condition, assess, |_| missing_master_data(*subject, id, mention));
    }
}

impl Entity for Subject {
    fn new(key: &EntityKey) -> Subject {
        Subject { key: Some(Box::new(key.clone())), ..Subject::default() }
    }

    fn apply(&mut self, delivery: &Delivery<'_>, reference: &Reference) {
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
            Body::Event { event_type, data: EventData::FeedTraffic(traffic) } => {
                let event_type = event_type.map_or_else(Name::default, |kind| Name::from(kind.as_str()));
                let last = feed::last_event(record, traffic, event_type);
                let zone = feed::zone_of(reference.tenant(record.tenant));
                Feed::note(&mut self.feed, traffic, record, last, zone);
            }
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
            Body::Transition(body) if self.key.as_deref() != Some(&body.entity) => {
                let key = self.key.as_deref();
                if let Transition::Exception(change) = &body.transition
                    && let Some(evidence) = change.item.evidence.last()
                    && is_promotion(key)
                {
                    self.mention = Some(Box::new(evidence.clone()));
                }
                self.exceptions.hear(&body.transition, |entity| key == Some(entity));
            }
            Body::Transition(body) if record.entity_revision == self.revision + 1 => {
                self.revision += 1;
                match &body.transition {
                    Transition::Exception(transition) => {
                        self.exceptions.apply(transition);
                    }
                    Transition::ConditionNoted(noted) => self.exceptions.note_condition(noted),
                    Transition::Case(_) | Transition::RefusedEvent(_) | Transition::SupplierStatistics(_) => {
                    }
                }
            }
            Body::Transition(_) | Body::System(_) => {}
        }
    }

    fn reconcile(&self, key: &EntityKey, now: Timestamp, reference: &Reference) -> Reconciled {
        let tenant = key.tenant();
        let mut watch = Watch::new(
            &self.exceptions,
            reference,
            tenant,
            Segment::default(),
            now,
            DAY,
            EntityText::Other(key),
        );
        match key {
            EntityKey::Subject { subject: SubjectKind::Source, id, .. } => {
                if let Some(feed) = &self.feed {
                    feed.judge(id, &mut watch);
                }
            }
            EntityKey::Subject { subject: SubjectKind::Promotion, id, .. } => {
                promotion::judge(id, self.mention.as_deref(), &mut watch);
            }
            _ => self.judge_master_data(&mut watch, key),
        }
        let (proposals, next_review_at) = watch.finish();
        Reconciled { proposals, next_review_at, settles: false }
    }

    fn decide(
        &self,
        key: &EntityKey,
        command: &Command,
        actor: &Actor,
        now: Timestamp,
        reference: &Reference,
    ) -> Result<Vec<Transition>, Refusal> {
        let Command::Exception(command) = command else {
            return Err(Refusal::conflict("it takes commands about its exceptions alone"));
        };
        let place = Where {
            settings: reference.settings(),
            tenant: reference.tenant(key.tenant()),
            segment: Segment::default(),
        };
        let transition = decide(&self.exceptions, command, actor, now, place)?;
        Ok(vec![Transition::Exception(Box::new(transition))])
    }

    fn applied_lsn(&self) -> Lsn {
        self.applied_lsn
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}

fn is_promotion(key: Option<&EntityKey>) -> bool {
    matches!(key, Some(EntityKey::Subject { subject: SubjectKind::Promotion, .. }))
}

fn is_described(tenant: &TenantReference, subject: SubjectKind, id: &str) -> bool {
    match subject {
        SubjectKind::Item => tenant.item(id).is_some(),
        SubjectKind::Location => tenant.location(id).is_some(),
        SubjectKind::Supplier => tenant.supplier(id).is_some(),
        // Nobody describes these.
        SubjectKind::Source | SubjectKind::Promotion => true,
    }
}

/// Without its item or location, values and days are wrong or unknown; without the supplier's description there are
/// measured lead times and defaults. Nothing is known of value or time left.
fn missing_master_data(subject: SubjectKind, id: &Name, mention: &Evidence) -> Description {
    let kind = subject.as_str();
    let (field, effect) = match subject {
        SubjectKind::Item => ("sku", "it has no price, unit or hierarchy"),
        SubjectKind::Location => ("location", "it has no time zone, kind or hierarchy"),
        _ => ("supplier", "it has no lead time but measured ones"),
    };
    let only = |this: SubjectKind| (this == subject).then(|| id.clone());
    Description {
        subject: ExceptionSubject {
            kind: Name::from(kind),
            sku: only(SubjectKind::Item),
            location: only(SubjectKind::Location),
            supplier: only(SubjectKind::Supplier),
            ..ExceptionSubject::default()
        },
        window: None,
        ends_ahead: false,
        decide_by: None,
        act_by: None,
        cause: format!(
            "The {kind} {id} is in use, but nobody described it: {effect}. Send {kind}.described with this {field}."
        ),
        evidence: vec![mention.clone()],
    }
}
