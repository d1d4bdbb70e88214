//! The shell around every live entity: one generic actor for all kinds.
//!
//! It owns the state, hands it records in LSN order, reconciles it once per batch, journals what it proposes, and keeps
//! a failure of one entity from becoming a failure of the tower.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use actix::Addr;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::codec;
use super::commands::{Asker, COMMAND_SOURCE, CommandDone, CommandError, CommandRequest};
use super::fold::Routed;
use super::panics::contain;
use super::shard::{EntityAddr, ShardShared, StateKind, Turn};
use super::writer::{Pending, Submission};
use crate::domain::command::Refusal;
use crate::domain::entity::Entity;
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::record::{Body, Delivery, Record, Transition, TransitionBody};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::journal::{GROUP_PAYLOAD_BYTES_MAX, RECORD_BYTES_MAX};

mod health;
mod image;
mod messages;

pub use health::Rebuilt;
use health::{Failure, Health, Waiting};
pub use image::ShellImage;
pub use messages::{Apply, Decide, EmitState, GoLive, Inspect, Inspected, Inspection, Reconcile};

/// An entity kind that the runtime can hold.
pub trait Hosted: Entity + Serialize + DeserializeOwned {
    /// Which feed topic shows its state, if any.
    const STATE_KIND: Option<StateKind>;

    /// The address, if the entity is of this kind.
    fn addr(entity: &EntityAddr) -> Option<&Addr<Shell<Self>>>;

    /// The item that a state frame shows.
    fn state_item(&self, key: &EntityKey, now: Timestamp, reference: &Reference) -> serde_json::Value;
}

/// One live entity.
pub struct Shell<E: Hosted> {
    key: Arc<EntityKey>,
    slot: u32,
    shard: Rc<ShardShared>,
    health: Health<E>,
    /// Counts the changes of health: a rebuilt state that was asked for before the last one is out of date.
    ticket: u64,
    /// Where the entity stopped being live: what it journaled from there on is not in the summaries yet.
    stopped_at: Option<Lsn>,
    /// Proposals journaled or on their way there, and not applied yet.
    in_flight: Option<InFlight>,
    /// Commands that wait until nothing is in flight.
    commands: VecDeque<CommandRequest>,
    /// Something was applied since it last looked.
    has_news: bool,
    /// It has looked at what is urgent, whatever it found: it is not urgent any more until it was no longer so.
    has_seen_to_it: bool,
    /// As of when it last looked.
    #[cfg(test)]
    looked: Option<Timestamp>,
}

struct InFlight {
    remaining: usize,
    origin: Lsn,
    /// Whoever waits for it, if it follows from a command.
    reply: Option<oneshot::Sender<Result<CommandDone, CommandError>>>,
    /// Every record so far was the entity's next one.
    took_effect: bool,
    /// The version of the Reference by which it was found that nobody has to look once this has taken effect; `None` when
    /// that was not found, or something else happened since.
    settles: Option<Lsn>,
    /// When that was found, and when it is reviewed.
    #[cfg(test)]
    found: Option<(Timestamp, Option<Timestamp>)>,
}

impl InFlight {
    /// Whether all of it took effect and there is nothing to look for.
    fn is_settled(&self, reference: &Reference) -> bool {
        self.remaining == 0 && self.took_effect && self.settles == Some(reference.version())
    }
}

/// Bytes of the records that an entity proposes together: they are written as one group, with what frames them. The rest
/// is proposed again when they have come back.
const PROPOSED_BYTES_MAX: usize = GROUP_PAYLOAD_BYTES_MAX / 2;
const _: () = assert!(RECORD_BYTES_MAX <= PROPOSED_BYTES_MAX);

impl<E: Hosted> Shell<E> {
    /// A shell around an entity that has seen nothing.
    pub fn new(key: Arc<EntityKey>, slot: u32, shard: Rc<ShardShared>) -> Shell<E> {
        let health = Health::Live(E::new(&key));
        Shell {
            key,
            slot,
            shard,
            health,
            ticket: 0,
            stopped_at: None,
            in_flight: None,
            commands: VecDeque::new(),
            has_news: false,
            has_seen_to_it: false,
            #[cfg(test)]
            looked: None,
        }
    }

    fn apply(&mut self, at: Routed<'_>, reference: &Arc<Reference>) {
        #[cfg(test)]
        if matches!(self.health, Health::Live(_)) && !matches!(at.record.body, Body::System(_)) {
            super::simulation::observe::applying(&self.key, &at);
        }
        self.take_in(at, reference);
    }

    /// Applies a record that it was handed, now or while it rested.
    fn take_in(&mut self, at: Routed<'_>, reference: &Arc<Reference>) {
        if let Body::System(body) = &at.record.body {
            self.apply_system(body, at.record);
            return;
        }
        let entity = match &mut self.health {
            Health::Live(entity) => entity,
            Health::Failed { .. } => {
                self.settle_own_command(at.record);
                return;
            }
            Health::Rebuilding { waiting } => {
                waiting.push(Waiting {
                    record: at.record.clone(),
                    lsn: at.lsn,
                    business_time: at.business_time,
                    origin: at.origin,
                    reference: reference.clone(),
                });
                self.settle_own_command(at.record);
                return;
            }
        };
        let delivery = Delivery { record: at.record, lsn: at.lsn, business_time: at.business_time };
        let revision = entity.revision();
        match contain(|| entity.apply(&delivery, reference)) {
            Ok(()) => {
                let took_effect = entity.revision() != revision;
                // Another entity's transition comes here as a fact.
                if at.record.is_decided_by(&self.key) {
                    self.shard.show_decision(&self.key, at.record, took_effect);
                    self.land(at.record.lsn, took_effect);
                } else if let Some(in_flight) = &mut self.in_flight {
                    in_flight.settles = None;
                }
            }
            Err(panic) => {
                let failure = Failure::on(at.record.lsn);
                self.stand_still(failure, None, at.lsn);
                self.request_before(failure, at.lsn);
                self.report(failure, &panic);
            }
        }
    }

    /// A command that it decided while it worked is in the journal now, whatever it does with the record: its key is used.
    /// A snapshot keeps only keys that are settled, and what replays behind one does not come past this record again.
    fn settle_own_command(&self, record: &Record) {
        if record.is_decided_by(&self.key) {
            self.shard.idempotency_keys.settle(record);
        }
    }

    /// A record of the group in flight is back.
    fn land(&mut self, lsn: Lsn, took_effect: bool) {
        let Some(in_flight) = &mut self.in_flight else { return };
        in_flight.remaining = in_flight.remaining.saturating_sub(1);
        in_flight.took_effect &= took_effect;
        if in_flight.remaining == 0
            && let Some(reply) = in_flight.reply.take()
        {
            let outcome = if in_flight.took_effect {
                Ok(CommandDone { lsn, entity: (*self.key).clone(), repeated: false })
            } else {
                Err(CommandError::Unavailable)
            };
            let _ = reply.send(outcome);
        }
    }

    /// Carries out what waits, as long as nothing is in flight. Whether anything now is.
    fn run_commands(&mut self) -> bool {
        while self.in_flight.is_none()
            && let Some(request) = self.commands.pop_front()
        {
            let CommandRequest { command, asker } = request;
            let Health::Live(entity) = &self.health else {
                self.refuse(asker, CommandError::Unavailable);
                continue;
            };
            let now = self.shard.now(self.key.tenant());
            let reference = self.shard.reference();
            let (revision, applied) = (entity.revision(), entity.applied_lsn().max(self.shard.applied()));
            match contain(|| entity.decide(&self.key, &command, &asker.actor, now, &reference)) {
                Ok(Ok(transitions)) if transitions.is_empty() => {
                    let done = CommandDone { lsn: applied, entity: (*self.key).clone(), repeated: false };
                    let _ = asker.reply.send(Ok(done));
                }
                Ok(Ok(transitions)) => {
                    let why =
                        Why { causing_lsn: applied, origin: applied, asker: Some(asker), settles: None };
                    self.propose(transitions, revision, now, why);
                }
                Ok(Err(refusal)) => self.refuse(asker, CommandError::Refused(refusal)),
                Err(panic) => {
                    self.read_failed(&panic);
                    self.refuse(asker, CommandError::Unavailable);
                }
            }
        }
        self.in_flight.is_some()
    }

    /// Looks and proposes: by the Reference as the shard has it, as what its records came with may be older than the one
    /// that it looks for. `origin` is the outside record that led here.
    fn reconcile(&mut self, now: Timestamp, origin: Lsn) {
        if self.in_flight.as_ref().is_some_and(|in_flight| in_flight.remaining > 0) {
            // Its return looks for this, too.
            self.await_landing(origin);
            return;
        }
        let landed = self.in_flight.take();
        let origin = landed.as_ref().map_or(origin, |landed| landed.origin.min(origin));
        if self.run_commands() {
            // What it decided comes back, and then this is looked at again.
            self.await_landing(origin);
            self.finish(landed);
            return;
        }
        let Health::Live(entity) = &self.health else {
            self.finish(landed);
            return;
        };
        let reference = self.shard.reference();
        let revision = entity.revision();
        let causing_lsn = entity.applied_lsn();
        match contain(|| (entity.reconcile(&self.key, now, &reference), entity.is_urgent(now))) {
            Ok((reconciled, is_urgent)) => {
                self.has_news = false;
                self.has_seen_to_it = is_urgent;
                #[cfg(test)]
                {
                    self.looked = Some(now);
                }
                self.shard.schedule_review(self.slot, self.key.tenant(), reconciled.next_review_at);
                if !reconciled.proposals.is_empty() {
                    let proposals = reconciled.proposals.into_iter().collect();
                    let settles = reconciled.settles.then(|| reference.version());
                    self.propose(proposals, revision, now, Why { causing_lsn, origin, asker: None, settles });
                    #[cfg(test)]
                    if let Some(in_flight) = &mut self.in_flight {
                        in_flight.found = Some((now, reconciled.next_review_at));
                    }
                }
            }
            Err(panic) => {
                // Looking changes nothing, so the state is whole; and no record is to blame.
                let failure = Failure { poison: Lsn::ZERO, failed_at: causing_lsn };
                if let Health::Live(state) =
                    std::mem::replace(&mut self.health, Health::Rebuilding { waiting: Vec::new() })
                {
                    self.stand_still(failure, Some(state), causing_lsn);
                }
                self.report(failure, &panic);
            }
        }
        self.finish(landed);
    }

    /// Looks for a record when what is in flight has come back; until then the record counts as unsettled.
    fn await_landing(&mut self, origin: Lsn) {
        let Some(in_flight) = &mut self.in_flight else { return };
        in_flight.settles = None;
        if origin < in_flight.origin {
            self.shard.progress.begin(self.shard.index, origin);
            self.shard.progress.finish(self.shard.index, in_flight.origin);
            in_flight.origin = origin;
        }
    }

    /// What was proposed has come back and taken effect, and there is nothing else to look for. Whether that is so.
    fn settle(&mut self) -> bool {
        if self.in_flight.is_none() || !self.commands.is_empty() {
            return false;
        }
        let reference = self.shard.reference();
        let Some(landed) = self.in_flight.take_if(|in_flight| in_flight.is_settled(&reference)) else {
            return false;
        };
        #[cfg(test)]
        self.check_settled(&landed, &reference);
        self.has_news = false;
        self.shard.metrics.looks_spared.inc();
        self.finish(Some(landed));
        true
    }

    /// On what grounds it may look at once, and whether it must not wait behind others: with its proposals back it can take
    /// commands again, and whoever gave one must not wait, nor must what is urgent.
    fn turn(&mut self, now: Timestamp, origin: Lsn) -> (Option<Turn>, bool) {
        let is_awaited = self.in_flight.is_some() || self.is_urgent(now);
        (if is_awaited { Some(Turn::Free) } else { self.shard.may_look(self.slot, origin) }, is_awaited)
    }

    fn is_urgent(&mut self, now: Timestamp) -> bool {
        let is_urgent = match &self.health {
            // Where it fails, the look asks the same and fails for all to see.
            Health::Live(entity) => contain(|| entity.is_urgent(now)).unwrap_or(false),
            Health::Failed { .. } | Health::Rebuilding { .. } => false,
        };
        self.has_seen_to_it &= is_urgent;
        is_urgent && !self.has_seen_to_it
    }

    /// A look that is spared must have found nothing.
    #[cfg(test)]
    fn check_settled(&self, landed: &InFlight, reference: &Reference) {
        let (Health::Live(entity), Some((now, review_at))) = (&self.health, landed.found) else { return };
        let Ok(again) = contain(|| entity.reconcile(&self.key, now, reference)) else { return };
        assert!(again.proposals.is_empty(), "{} had not settled: {:?}", self.key, again.proposals);
        let is_reviewed = |at| review_at.is_some_and(|review_at| review_at <= at);
        assert!(again.next_review_at.is_none_or(is_reviewed), "{} is reviewed too late", self.key);
    }

    /// The work that goes back to `landed.origin` is over here. Called after whatever follows from it has begun.
    fn finish(&self, landed: Option<InFlight>) {
        if let Some(landed) = landed {
            self.shard.progress.finish(self.shard.index, landed.origin);
        }
    }

    /// Journals what it decided. A record beyond what the journal takes is not proposed: a command is refused, the
    /// tower's own proposal is left out, and proposed again when it has become smaller.
    fn propose(&mut self, proposals: Vec<Transition>, revision: u64, now: Timestamp, why: Why) {
        let Why { causing_lsn, origin, asker, mut settles } = why;
        let mut records = Vec::with_capacity(proposals.len());
        let mut buffer = Vec::new();
        for transition in proposals {
            let body = Body::Transition(Box::new(TransitionBody { entity: (*self.key).clone(), transition }));
            let mut record = self.own_record(body, revision + 1 + records.len() as u64, causing_lsn, now);
            let mut request_hash = None;
            if let Some(asker) = &asker {
                record.source = Name::const_new(COMMAND_SOURCE);
                record.principal = asker.actor.name.clone();
                if let Some(idempotency) = &asker.idempotency {
                    record.id = idempotency.key.clone();
                    request_hash = Some(idempotency.hash);
                }
            }
            let start = buffer.len();
            let encoded = codec::encode_own_as(&record, request_hash, &mut buffer);
            let length = buffer.len() - start;
            let why = match encoded {
                Err(error) => format!("it can't be written as JSON: {error}"),
                Ok(()) if length > RECORD_BYTES_MAX => {
                    format!("it has {length} bytes, and a record of the journal takes {RECORD_BYTES_MAX}")
                }
                Ok(()) if buffer.len() > PROPOSED_BYTES_MAX && asker.is_none() => {
                    buffer.truncate(start);
                    settles = None;
                    break;
                }
                Ok(()) => {
                    let bytes = start..buffer.len();
                    records.push(Pending { record: Arc::new(record), bytes, identity: None });
                    continue;
                }
            };
            self.shard.metrics.proposals_left_out.inc();
            tracing::error!(entity = %self.key, why, "a proposal is left out");
            if let Some(asker) = asker {
                let detail = format!("what follows from it can't be journaled: {why}");
                self.refuse(asker, CommandError::Refused(Refusal::invalid("", detail)));
                return;
            }
            buffer.truncate(start);
            settles = None;
        }
        if records.is_empty() {
            return;
        }
        let reply = asker.map(|asker| asker.reply);
        self.in_flight = Some(InFlight {
            remaining: records.len(),
            origin,
            reply,
            took_effect: true,
            settles,
            #[cfg(test)]
            found: None,
        });
        self.shard.progress.begin(self.shard.index, origin);
        self.shard.metrics.proposals.inc_by(records.len() as u64);
        // If the writer is gone the process is ending; the next start reconciles again.
        let _ = self.shard.submissions.send(Submission::Own {
            records,
            buffer,
            origin: Some(origin),
            reply: None,
        });
    }

    fn refuse(&self, asker: Asker, error: CommandError) {
        asker.refuse(&self.shard.idempotency_keys, error);
    }

    fn own_record(&self, body: Body, entity_revision: u64, causing_lsn: Lsn, now: Timestamp) -> Record {
        Record {
            lsn: Lsn::ZERO,
            tenant: self.key.tenant(),
            event_time: now,
            ingest_time: now,
            business_time: now,
            causing_lsn,
            entity_revision,
            source: Name::const_new("tidewatch"),
            id: Name::default(),
            sequence: Name::default(),
            principal: Name::const_new("tidewatch"),
            body,
        }
    }

    /// A read of its state failed: the reader gets no answer, the entity goes on.
    fn read_failed(&self, detail: &str) {
        tracing::error!(entity = %self.key, detail, "an entity's state can't be shown");
        self.shard.metrics.read_failures.inc();
    }
}

/// What proposals follow from.
struct Why {
    causing_lsn: Lsn,
    /// The outside record that it goes back to.
    origin: Lsn,
    /// Whose command it is, if it is one.
    asker: Option<Asker>,
    /// As [`InFlight::settles`].
    settles: Option<Lsn>,
}

#[cfg(test)]
mod tests;
