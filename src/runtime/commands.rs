//! The way of a command: from whoever asks to the entity that decides, into the journal, and back when it has taken
//! effect.
//!
//! An entity decides a command on the state that it has, with nothing of its own in flight: what it decides is still
//! true when it comes back as a record. With an idempotency key the same command is carried out once, however often it
//! is sent, also over a restart: the key stands in the record.

use std::sync::Arc;
use std::time::Duration;

use actix::Message;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::codec;
use super::generations::Generations;
use super::tower::Running;
use super::writer::{Pending, Submission, Written};
use crate::domain::approval_case::CaseTransition;
use crate::domain::command::{Actor, Command, Refusal};
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use crate::domain::record::{Body, Record, Transition, TransitionBody};

/// The `source` of records that follow from a command; then `id` is its idempotency key, if it had one.
pub const COMMAND_SOURCE: &str = "tidewatch/command";
/// Idempotency keys remembered: at least half of this; the ones not used for longest are forgotten.
const KEYS_MAX: usize = 1_000_000;

/// What makes sure that a command is carried out once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    pub key: Name,
    /// Of the whole request: the same key with another one is a mistake.
    pub hash: [u8; 16],
}

/// A command on its way to its entity.
pub struct CommandRequest {
    pub command: Command,
    pub actor: Actor,
    pub idempotency: Option<Idempotency>,
    pub reply: oneshot::Sender<Result<CommandDone, CommandError>>,
}

/// A command for the entity in that slot of a shard.
#[derive(Message)]
#[rtype(result = "()")]
pub struct DecideSlot {
    pub slot: u32,
    pub request: CommandRequest,
}

/// A command that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandDone {
    /// The record with which it took effect.
    pub lsn: Lsn,
    pub entity: EntityKey,
    /// It had been carried out before, under the same idempotency key.
    pub repeated: bool,
}

/// Why a command was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("there is no such entity")]
    NotFound,
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("this idempotency key was used for another request")]
    KeyReused,
    #[error("a request with this idempotency key is being carried out")]
    KeyInFlight,
    #[error("the disk is full")]
    DiskFull,
    #[error("too many commands wait for this entity")]
    Busy,
    #[error("its code failed and it stands still; nothing was done")]
    Unavailable,
    #[error("it was taken, and it is not known yet what became of it")]
    Unknown,
}

/// Idempotency keys that were used.
pub struct IdempotencyKeys {
    known: Mutex<Generations<(TenantNumber, Name, Name), Option<Known>>>,
}

#[derive(Clone)]
struct Known {
    hash: [u8; 16],
    done: Option<(Lsn, EntityKey)>,
}

impl Default for IdempotencyKeys {
    fn default() -> IdempotencyKeys {
        IdempotencyKeys { known: Mutex::new(Generations::new(KEYS_MAX, |_| 1)) }
    }
}

/// A key that is in use until it is settled: dropped without, it is free again.
struct Reserved<'a> {
    keys: &'a IdempotencyKeys,
    name: Option<(TenantNumber, Name, Name)>,
}

impl IdempotencyKeys {
    /// Takes a key from a journaled record.
    pub fn replay(&self, record: &Record, hash: [u8; 16]) {
        let Body::Transition(body) = &record.body else { return };
        if record.source == COMMAND_SOURCE && !record.id.is_empty() {
            let name = (record.tenant, record.principal.clone(), record.id.clone());
            let done = Some((record.lsn, body.entity.clone()));
            self.known.lock().change(name, |known| *known = Some(Known { hash, done }));
        }
    }

    /// The command of a record has taken effect: whoever sends it again is told so, also if the first answer was lost.
    pub fn settle(&self, record: &Record) {
        let Body::Transition(body) = &record.body else { return };
        if record.source == COMMAND_SOURCE && !record.id.is_empty() {
            let name = (record.tenant, record.principal.clone(), record.id.clone());
            self.known.lock().change(name, |known| {
                if let Some(known) = known {
                    known.done = Some((record.lsn, body.entity.clone()));
                }
            });
        }
    }

    /// The command was refused, and nobody waits for the answer any more: its key is free again.
    pub fn free(&self, tenant: TenantNumber, principal: &Name, key: &Name) {
        let name = (tenant, principal.clone(), key.clone());
        self.known.lock().change(name, |known| {
            if known.as_ref().is_some_and(|known| known.done.is_none()) {
                *known = None;
            }
        });
    }

    /// Takes a key into use, or says what came of it before.
    fn reserve(
        &self,
        tenant: TenantNumber,
        principal: &Name,
        idempotency: &Idempotency,
    ) -> Result<Reserved<'_>, Result<CommandDone, CommandError>> {
        let name = (tenant, principal.clone(), idempotency.key.clone());
        let before = self.known.lock().change(name.clone(), |known| match known {
            Some(known) => Some(known.clone()),
            None => {
                *known = Some(Known { hash: idempotency.hash, done: None });
                None
            }
        });
        match before {
            None => Ok(Reserved { keys: self, name: Some(name) }),
            Some(known) if known.hash != idempotency.hash => Err(Err(CommandError::KeyReused)),
            Some(Known { done: Some((lsn, entity)), .. }) => {
                Err(Ok(CommandDone { lsn, entity, repeated: true }))
            }
            Some(_) => Err(Err(CommandError::KeyInFlight)),
        }
    }
}

impl Reserved<'_> {
    fn settle(mut self, outcome: &Result<CommandDone, CommandError>) {
        let Some(name) = self.name.take() else { return };
        match outcome {
            Ok(done) => self.keys.known.lock().change(name, |known| {
                if let Some(known) = known {
                    known.done = Some((done.lsn, done.entity.clone()));
                }
            }),
            // It may still be carried out: the key stays taken until its record says so.
            Err(CommandError::Unknown) => {}
            Err(_) => self.keys.known.lock().change(name, |known| *known = None),
        }
    }
}

impl Drop for Reserved<'_> {
    fn drop(&mut self) {
        // The request went away: whether its command is carried out shows in the journal.
        self.name = None;
    }
}

impl Running {
    /// Has an entity decide a command and waits until what it decided has taken effect.
    ///
    /// # Errors
    /// [`CommandError`]; only after `Unknown` may anything have happened.
    pub async fn command(
        &self,
        entity: EntityKey,
        command: Command,
        actor: Actor,
        idempotency: Option<Idempotency>,
        within: Duration,
    ) -> Result<CommandDone, CommandError> {
        let tenant = entity.tenant();
        let reserved = match &idempotency {
            None => None,
            Some(idempotency) => match self.idempotency_keys.reserve(tenant, &actor.name, idempotency) {
                Ok(reserved) => Some(reserved),
                Err(before) => return before,
            },
        };
        let outcome = self.decide(entity, command, actor, idempotency, within).await;
        if let Some(reserved) = reserved {
            reserved.settle(&outcome);
        }
        outcome
    }

    async fn decide(
        &self,
        entity: EntityKey,
        command: Command,
        actor: Actor,
        idempotency: Option<Idempotency>,
        within: Duration,
    ) -> Result<CommandDone, CommandError> {
        if self.clocks.is_disk_full.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(CommandError::DiskFull);
        }
        let address = self.directory.find(&entity).ok_or(CommandError::NotFound)?;
        let (reply, answer) = oneshot::channel();
        let request = CommandRequest { command, actor, idempotency, reply };
        self.shards[usize::from(address.shard)].do_send(DecideSlot { slot: address.slot, request });
        match tokio::time::timeout(within, answer).await {
            Ok(Ok(outcome)) => outcome,
            // The entity stopped with the command in its hands.
            Ok(Err(_)) | Err(_) => Err(CommandError::Unknown),
        }
    }

    /// Opens a case by hand: its first transition, for an entity that does not exist yet.
    ///
    /// # Errors
    /// [`CommandError`]; only after `Unknown` may anything have happened.
    pub async fn open_case(
        &self,
        tenant: TenantNumber,
        opened: CaseTransition,
        actor: &Actor,
        idempotency: Option<Idempotency>,
        within: Duration,
    ) -> Result<CommandDone, CommandError> {
        let reserved = match &idempotency {
            None => None,
            Some(idempotency) => match self.idempotency_keys.reserve(tenant, &actor.name, idempotency) {
                Ok(reserved) => Some(reserved),
                Err(before) => return before,
            },
        };
        let outcome = self.submit_opened(tenant, opened, actor, idempotency, within).await;
        if let Some(reserved) = reserved {
            reserved.settle(&outcome);
        }
        outcome
    }

    async fn submit_opened(
        &self,
        tenant: TenantNumber,
        opened: CaseTransition,
        actor: &Actor,
        idempotency: Option<Idempotency>,
        within: Duration,
    ) -> Result<CommandDone, CommandError> {
        if self.clocks.is_disk_full.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(CommandError::DiskFull);
        }
        let entity = EntityKey::ApprovalCase { tenant, case: opened.item.id.clone() };
        let now = opened.item.opened_at;
        let transition = Transition::Case(Box::new(opened));
        let record = Record {
            lsn: Lsn::ZERO,
            tenant,
            event_time: now,
            ingest_time: now,
            business_time: now,
            causing_lsn: Lsn::ZERO,
            entity_revision: 1,
            source: Name::const_new(COMMAND_SOURCE),
            id: idempotency.as_ref().map(|idempotency| idempotency.key.clone()).unwrap_or_default(),
            sequence: Name::default(),
            principal: actor.name.clone(),
            body: Body::Transition(Box::new(TransitionBody { entity: entity.clone(), transition })),
        };
        let mut buffer = Vec::new();
        let hash = idempotency.map(|idempotency| idempotency.hash);
        codec::encode_own_as(&record, hash, &mut buffer).map_err(|_| CommandError::Unavailable)?;
        let pending = Pending { record: Arc::new(record), bytes: 0..buffer.len(), identity: None };
        let (reply, answer) = oneshot::channel();
        let submission = Submission::Own { records: vec![pending], buffer, origin: None, reply: Some(reply) };
        self.submissions.send(submission).map_err(|_| CommandError::Unavailable)?;
        let lsn = match tokio::time::timeout(within, answer).await {
            Ok(Ok(Written::Done(outcomes))) => {
                outcomes.first().map(|outcome| outcome.lsn()).ok_or(CommandError::Unknown)?
            }
            Ok(Ok(Written::DiskFull)) => return Err(CommandError::DiskFull),
            Ok(Err(_)) | Err(_) => return Err(CommandError::Unknown),
        };
        self.progress.wait_applied(lsn, within).await;
        Ok(CommandDone { lsn, entity, repeated: false })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn idempotency(key: &str, hash: u8) -> Idempotency {
        Idempotency { key: key.into(), hash: [hash; 16] }
    }

    fn done(lsn: u64) -> Result<CommandDone, CommandError> {
        let entity = EntityKey::ApprovalCase { tenant: TenantNumber(0), case: "c".into() };
        Ok(CommandDone { lsn: Lsn(lsn), entity, repeated: false })
    }

    #[test]
    fn a_key_is_carried_out_once_and_free_again_after_a_refusal() {
        let keys = IdempotencyKeys::default();
        let ann = Name::from("ann");
        let reserve = |key: &str, hash| keys.reserve(TenantNumber(0), &ann, &idempotency(key, hash));
        let first = reserve("k", 1).ok().unwrap();
        assert!(matches!(reserve("k", 1).err(), Some(Err(CommandError::KeyInFlight))));
        first.settle(&Err(CommandError::Refused(Refusal::conflict("not now"))));
        let second = reserve("k", 2).ok().unwrap();
        second.settle(&done(7));
        assert!(matches!(reserve("k", 1).err(), Some(Err(CommandError::KeyReused))));
        let Some(Ok(again)) = reserve("k", 2).err() else { panic!("it was carried out") };
        assert_eq!((again.lsn, again.repeated), (Lsn(7), true));
        let bob = keys.reserve(TenantNumber(0), &Name::from("bob"), &idempotency("k", 9));
        assert!(bob.is_ok(), "another person's keys are their own");
    }

    #[test]
    fn a_key_whose_outcome_is_unknown_stays_taken() {
        let keys = IdempotencyKeys::default();
        let ann = Name::from("ann");
        let reserved = keys.reserve(TenantNumber(0), &ann, &idempotency("k", 1)).ok().unwrap();
        reserved.settle(&Err(CommandError::Unknown));
        let again = keys.reserve(TenantNumber(0), &ann, &idempotency("k", 1)).err();
        assert!(matches!(again, Some(Err(CommandError::KeyInFlight))));
    }
}
