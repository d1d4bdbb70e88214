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
use serde::{Deserialize, Serialize};
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
    pub asker: Asker,
}

/// Who gave a command, and waits for what becomes of it.
pub struct Asker {
    pub tenant: TenantNumber,
    pub actor: Actor,
    pub idempotency: Option<Idempotency>,
    pub reply: oneshot::Sender<Result<CommandDone, CommandError>>,
}

impl Asker {
    /// Tells them that nothing was done. Whoever went away meanwhile can't free their key: it is freed here.
    pub fn refuse(self, keys: &IdempotencyKeys, error: CommandError) {
        let is_unheard = self.reply.send(Err(error)).is_err();
        if is_unheard && let Some(idempotency) = self.idempotency {
            keys.free(self.tenant, &self.actor.name, &idempotency.key);
        }
    }
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
    known: Mutex<Generations<KeyName, Option<Known>>>,
}

#[derive(Clone)]
struct Known {
    hash: [u8; 16],
    done: Option<(Lsn, EntityKey)>,
}

/// A key whose command was carried out, as a snapshot keeps it.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredKey {
    tenant: TenantNumber,
    principal: Name,
    key: Name,
    hash: [u8; 16],
    lsn: Lsn,
    entity: EntityKey,
    /// Whether it was used since the tables last took turns.
    is_newer: bool,
}

impl Default for IdempotencyKeys {
    fn default() -> IdempotencyKeys {
        IdempotencyKeys { known: Mutex::new(Generations::new(KEYS_MAX, |_| 1)) }
    }
}

/// A key that is in use. It stays so if its request goes away: then its record settles it, or the refusal frees it.
struct Reserved<'a> {
    keys: &'a IdempotencyKeys,
    name: KeyName,
}

/// A key is its principal's own.
type KeyName = (TenantNumber, Name, Name);

impl IdempotencyKeys {
    /// Takes a key from a journaled record.
    pub fn replay(&self, record: &Record, hash: [u8; 16]) {
        if let Some((name, done)) = carried_out(record) {
            self.known.lock().change(name, |known| *known = Some(Known { hash, done: Some(done) }));
        }
    }

    /// The command of a record has taken effect: whoever sends it again is told so, also if the first answer was lost.
    pub fn settle(&self, record: &Record) {
        if let Some((name, done)) = carried_out(record) {
            self.settle_as(name, done);
        }
    }

    /// Gives every key whose command was carried out. What is being carried out has no record yet, or one that a replay
    /// brings.
    pub(super) fn store<E>(&self, mut store: impl FnMut(StoredKey) -> Result<(), E>) -> Result<(), E> {
        let (newer, older) = self.known.lock().clone().into_halves();
        for (is_newer, table) in [(false, older), (true, newer)] {
            for (name, known) in table.iter() {
                let Some(Known { hash, done: Some((lsn, entity)) }) = known else { continue };
                let (tenant, principal, key) = name.clone();
                let (hash, lsn, entity) = (*hash, *lsn, entity.clone());
                store(StoredKey { tenant, principal, key, hash, lsn, entity, is_newer })?;
            }
        }
        Ok(())
    }

    /// Puts a key back.
    pub(super) fn restore(&self, stored: StoredKey) {
        let StoredKey { tenant, principal, key, hash, lsn, entity, is_newer } = stored;
        let known = Known { hash, done: Some((lsn, entity)) };
        self.known.lock().restore(is_newer, (tenant, principal, key), Some(known));
    }

    fn settle_as(&self, name: KeyName, done: (Lsn, EntityKey)) {
        self.known.lock().change(name, |known| {
            if let Some(known) = known {
                known.done = Some(done);
            }
        });
    }

    /// The command was refused, and nobody waits for the answer any more: its key is free again.
    fn free(&self, tenant: TenantNumber, principal: &Name, key: &Name) {
        let name = (tenant, principal.clone(), key.clone());
        self.known.lock().change(name, |known| {
            if known.as_ref().is_some_and(|known| known.done.is_none()) {
                *known = None;
            }
        });
    }

    /// Has a command carried out, unless it was, or is being, under the same key.
    async fn once(
        &self,
        tenant: TenantNumber,
        principal: &Name,
        idempotency: Option<&Idempotency>,
        carry_out: impl Future<Output = Result<CommandDone, CommandError>>,
    ) -> Result<CommandDone, CommandError> {
        let Some(idempotency) = idempotency else { return carry_out.await };
        let reserved = match self.reserve(tenant, principal, idempotency) {
            Ok(reserved) => reserved,
            Err(before) => return before,
        };
        let outcome = carry_out.await;
        reserved.settle(&outcome);
        outcome
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
            None => Ok(Reserved { keys: self, name }),
            Some(known) if known.hash != idempotency.hash => Err(Err(CommandError::KeyReused)),
            Some(Known { done: Some((lsn, entity)), .. }) => {
                Err(Ok(CommandDone { lsn, entity, repeated: true }))
            }
            Some(_) => Err(Err(CommandError::KeyInFlight)),
        }
    }
}

/// The key of the command that a record follows from, if it had one, and what came of it.
fn carried_out(record: &Record) -> Option<(KeyName, (Lsn, EntityKey))> {
    let Body::Transition(body) = &record.body else { return None };
    let name = (record.tenant, record.principal.clone(), record.id.clone());
    let has_key = record.source == COMMAND_SOURCE && !record.id.is_empty();
    has_key.then(|| (name, (record.lsn, body.entity.clone())))
}

impl Reserved<'_> {
    fn settle(self, outcome: &Result<CommandDone, CommandError>) {
        match outcome {
            Ok(done) => self.keys.settle_as(self.name, (done.lsn, done.entity.clone())),
            // It may still be carried out: the key stays taken until its record says so.
            Err(CommandError::Unknown) => {}
            Err(_) => self.keys.known.lock().change(self.name, |known| *known = None),
        }
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
        let (tenant, name, once) = (entity.tenant(), actor.name.clone(), idempotency.clone());
        let decided = self.decide(entity, command, actor, idempotency, within);
        self.idempotency_keys.once(tenant, &name, once.as_ref(), decided).await
    }

    async fn decide(
        &self,
        entity: EntityKey,
        command: Command,
        actor: Actor,
        idempotency: Option<Idempotency>,
        within: Duration,
    ) -> Result<CommandDone, CommandError> {
        if self.is_disk_full() {
            return Err(CommandError::DiskFull);
        }
        let address = self.directory.find(&entity).ok_or(CommandError::NotFound)?;
        let (reply, answer) = oneshot::channel();
        let asker = Asker { tenant: entity.tenant(), actor, idempotency, reply };
        let request = CommandRequest { command, asker };
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
        let once = idempotency.clone();
        let submitted = self.submit_opened(tenant, opened, actor, idempotency, within);
        self.idempotency_keys.once(tenant, &actor.name, once.as_ref(), submitted).await
    }

    async fn submit_opened(
        &self,
        tenant: TenantNumber,
        opened: CaseTransition,
        actor: &Actor,
        idempotency: Option<Idempotency>,
        within: Duration,
    ) -> Result<CommandDone, CommandError> {
        if self.is_disk_full() {
            return Err(CommandError::DiskFull);
        }
        if self.reference().is_full() {
            return Err(Refusal::conflict("there are as many entities as may be: no case is opened").into());
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
mod tests;
