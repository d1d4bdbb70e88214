//! Asking live entities, on their own threads.

use tokio::sync::{mpsc, oneshot};

use super::directory::Address;
use super::shard::InspectSlot;
use super::shell::{Hosted, Inspected};
use super::tower::Running;
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;

/// What an entity answered.
#[derive(Debug)]
pub struct Seen<T> {
    pub value: T,
    pub lsn: Lsn,
    pub now: Timestamp,
    /// It stands still because its code failed on that record.
    pub failed_at: Option<Lsn>,
}

/// Why an entity can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    #[error("its state is being rebuilt; nothing that it was sent is lost")]
    Rebuilding,
    #[error("its state could not be read")]
    Failed,
}

/// Asks one entity.
///
/// # Errors
/// [`AskError`]
pub async fn ask<E: Hosted, T: Send + 'static>(
    running: &Running,
    address: Address,
    question: impl FnOnce(&E, &EntityKey, Timestamp, &Reference) -> T + Send + 'static,
) -> Result<Seen<T>, AskError> {
    let (reply, answer) = oneshot::channel();
    let inspection = Box::new(move |inspected: Option<Inspected<'_, E>>| {
        let _ = reply.send(inspected.map(|inspected| see(inspected, question)));
    });
    running.shards[usize::from(address.shard)].do_send(InspectSlot::<E> { slot: address.slot, inspection });
    match answer.await {
        Ok(Some(seen)) => Ok(seen),
        Ok(None) => Err(AskError::Rebuilding),
        // The reply went away with the question.
        Err(_) => Err(AskError::Failed),
    }
}

fn see<E: Hosted, T>(
    inspected: Inspected<'_, E>,
    question: impl FnOnce(&E, &EntityKey, Timestamp, &Reference) -> T,
) -> Seen<T> {
    let Inspected { entity, key, now, reference, lsn, failed_at, .. } = inspected;
    Seen { value: question(entity, key, now, reference), lsn, now, failed_at }
}

/// Asks many entities the same; answers stand in the order of `addresses`, `None` where there is no state to read.
pub async fn ask_all<E: Hosted, T: Send + 'static>(
    running: &Running,
    addresses: &[Address],
    question: impl Fn(&E, &EntityKey, Timestamp, &Reference) -> T + Clone + Send + 'static,
) -> Vec<Option<Seen<T>>> {
    ask_each(running, addresses.iter().map(|address| (*address, question.clone())).collect()).await
}

/// Asks each of these entities its own question; answers stand in the order of the questions, `None` where there is no
/// state to read.
pub async fn ask_each<E: Hosted, T: Send + 'static, Q>(
    running: &Running,
    questions: Vec<(Address, Q)>,
) -> Vec<Option<Seen<T>>>
where
    Q: FnOnce(&E, &EntityKey, Timestamp, &Reference) -> T + Send + 'static,
{
    let (reply, mut answers) = mpsc::unbounded_channel();
    let mut all: Vec<Option<Seen<T>>> = questions.iter().map(|_| None).collect();
    for (index, (address, question)) in questions.into_iter().enumerate() {
        let reply = reply.clone();
        let inspection = Box::new(move |inspected: Option<Inspected<'_, E>>| {
            if let Some(inspected) = inspected {
                let _ = reply.send((index, see(inspected, question)));
            }
        });
        running.shards[usize::from(address.shard)]
            .do_send(InspectSlot::<E> { slot: address.slot, inspection });
    }
    drop(reply);
    while let Some((index, seen)) = answers.recv().await {
        all[index] = Some(seen);
    }
    all
}
