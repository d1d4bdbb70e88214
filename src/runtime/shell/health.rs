//! How an entity fails, stands still, is rebuilt, and goes on.

use std::sync::Arc;

use actix::{Context, Handler, Message};

use super::{Hosted, Shell};
use crate::domain::ids::Lsn;
use crate::domain::record::{Body, Record, SystemBody};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::runtime::codec;
use crate::runtime::commands::CommandError;
use crate::runtime::fold::Routed;
use crate::runtime::rebuild::{Broken, RebuildRequest, Whole};
use crate::runtime::writer::{Pending, Submission};

/// Whether an entity works.
pub(super) enum Health<E> {
    Live(E),
    /// Its code failed: it shows the state before (absent while that is being rebuilt).
    Failed {
        failure: Failure,
        before: Option<E>,
    },
    /// Released: being rebuilt up to an LSN; what comes meanwhile waits here in order.
    Rebuilding {
        waiting: Vec<Waiting>,
    },
}

/// Where an entity's code failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// The record that it failed on; [`Lsn::ZERO`] if none is to blame and so none can be left out.
    pub(super) poison: Lsn,
    /// That record, or the last one that its state had when it failed by itself.
    pub(super) failed_at: Lsn,
}

impl Failure {
    /// A failure on a record.
    pub(super) fn on(poison: Lsn) -> Failure {
        Failure { poison, failed_at: poison }
    }
}

/// A record that came during a rebuild, with what it reads.
pub(super) struct Waiting {
    pub(super) record: Arc<Record>,
    pub(super) lsn: Lsn,
    pub(super) business_time: Timestamp,
    pub(super) origin: Lsn,
    pub(super) reference: Arc<Reference>,
}

/// A rebuilt state.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Rebuilt<E: Hosted> {
    /// The request that it answers.
    pub ticket: u64,
    pub outcome: Result<Whole<E>, Broken<E>>,
}

impl<E: Hosted> Shell<E> {
    /// Changes health; answers to earlier requests are out of date from here on.
    fn set_health(&mut self, health: Health<E>) {
        self.health = health;
        self.ticket += 1;
    }

    /// Stops the entity, as of `lsn` at the latest.
    pub(super) fn stand_still(&mut self, failure: Failure, before: Option<E>, lsn: Lsn) {
        self.set_health(Health::Failed { failure, before });
        self.stopped_at.get_or_insert(lsn);
        // What is on its way comes back to an entity that does not take it: nothing waits for it any more.
        let in_flight = self.in_flight.take();
        self.finish(in_flight);
        for waiting in std::mem::take(&mut self.commands) {
            self.refuse(waiting.asker, CommandError::Unavailable);
        }
    }

    /// Counts a failure and makes it known.
    pub(super) fn report(&self, failure: Failure, detail: &str) {
        tracing::error!(
            entity = %self.key, poison = %failure.poison, failed_at = %failure.failed_at, detail,
            "an entity's code failed: it is quarantined"
        );
        self.shard.metrics.entity_failures.inc();
        if self.shard.live.get() {
            self.journal_failure(failure, detail);
        } else {
            self.shard.note_stopped_before_live(self.slot);
        }
    }

    pub(super) fn journal_failure(&self, failure: Failure, detail: &str) {
        let now = self.shard.now(self.key.tenant());
        let body = SystemBody::EntityQuarantined {
            entity: (*self.key).clone(),
            poison: failure.poison,
            detail: detail.to_owned(),
        };
        let record = self.own_record(Body::System(Box::new(body)), 0, failure.failed_at, now);
        let mut buffer = Vec::new();
        if codec::encode_own(&record, &mut buffer).is_ok() {
            let pending = Pending { record: Arc::new(record), bytes: 0..buffer.len(), identity: None };
            let own = Submission::Own { records: vec![pending], buffer, origin: None, reply: None };
            let _ = self.shard.submissions.send(own);
        }
    }

    /// Asks for the state before a failure. `lsn` is where the poison record, if there is one, takes effect at the latest.
    pub(super) fn request_before(&self, failure: Failure, lsn: Lsn) {
        if failure.poison == Lsn::ZERO {
            self.request(failure.failed_at, None);
        } else {
            self.request(lsn, Some(failure.poison));
        }
    }

    pub(super) fn request(&self, until: Lsn, stop_before: Option<Lsn>) {
        self.shard.rebuild::<E>(RebuildRequest {
            key: (*self.key).clone(),
            slot: self.slot,
            ticket: self.ticket,
            until,
            stop_before,
            since: self.stopped_at.unwrap_or_default(),
            skip: self.shard.skipped(&self.key),
        });
    }

    pub(super) fn apply_system(&mut self, body: &SystemBody, record: &Record) {
        match body {
            SystemBody::EntityReleased { poison, skip, .. } => {
                self.shard.note_released(&self.key, *poison, *skip);
                // What waited for an earlier rebuild is in the state that this one makes, and is not applied here.
                if let Health::Rebuilding { waiting } = &mut self.health {
                    let waiting = std::mem::take(waiting);
                    let own = waiting.iter().filter(|one| one.record.is_decided_by(&self.key));
                    let landed: Vec<Lsn> = own.map(|one| one.record.lsn).collect();
                    landed.into_iter().for_each(|lsn| self.land(lsn, false));
                }
                self.set_health(Health::Rebuilding { waiting: Vec::new() });
                self.stopped_at.get_or_insert(record.lsn);
                self.request(record.lsn, None);
            }
            SystemBody::EntityQuarantined { poison, .. } => {
                // In replay the failure may not happen again, with newer code: the record stands all the same, until
                // someone releases the entity. The same goes for a rebuild that has not found the failure yet.
                if !matches!(self.health, Health::Failed { .. }) {
                    let failure = if *poison == Lsn::ZERO {
                        Failure { poison: *poison, failed_at: record.causing_lsn }
                    } else {
                        Failure::on(*poison)
                    };
                    self.stand_still(failure, None, record.lsn);
                    self.request_before(failure, record.lsn);
                }
                self.shard.note_quarantined(&self.key, *poison);
            }
            _ => {}
        }
    }

    pub(super) fn take_rebuilt(&mut self, message: Rebuilt<E>) {
        if message.ticket != self.ticket {
            return;
        }
        match (&mut self.health, message.outcome) {
            (Health::Failed { before, .. }, Ok(whole)) => *before = Some(whole.entity),
            (Health::Failed { failure, before }, Err(broken)) => {
                if broken.poison != Lsn::ZERO {
                    *failure = Failure::on(broken.poison);
                }
                *before = broken.before;
            }
            (Health::Rebuilding { waiting }, Ok(whole)) => {
                let waiting = std::mem::take(waiting);
                self.resume(whole, &waiting);
            }
            (Health::Rebuilding { .. }, Err(broken)) => {
                let failure = match broken.poison {
                    Lsn::ZERO => Failure { poison: Lsn::ZERO, failed_at: self.shard.applied() },
                    poison => Failure::on(poison),
                };
                self.stand_still(failure, broken.before, self.shard.applied());
                self.report(failure, &broken.detail);
            }
            (Health::Live(_), _) => {}
        }
    }

    /// Goes on with a rebuilt state and what came meanwhile.
    fn resume(&mut self, whole: Whole<E>, waiting: &[Waiting]) {
        self.set_health(Health::Live(whole.entity));
        self.stopped_at = None;
        self.shard.note_live(&self.key);
        for (item, lsn) in whole.exceptions {
            self.shard.exceptions.upsert(self.key.tenant(), &self.key, item, lsn);
        }
        for (item, lsn) in whole.cases {
            self.shard.cases.upsert(self.key.tenant(), &self.key, item, lsn);
        }
        for one in waiting {
            let at = Routed {
                record: &one.record,
                lsn: one.lsn,
                business_time: one.business_time,
                origin: one.origin,
            };
            self.apply(at, &one.reference);
        }
        if self.shard.live.get() {
            self.shard.mark_dirty(self.slot, self.shard.applied());
        }
    }
}

impl<E: Hosted> Handler<Rebuilt<E>> for Shell<E> {
    type Result = ();

    fn handle(&mut self, message: Rebuilt<E>, _: &mut Context<Self>) {
        self.take_rebuilt(message);
    }
}
