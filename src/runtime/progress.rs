//! How far the tower is: what is durable, applied, settled. Everything that waits, waits here.
//!
//! *Applied* up to an LSN: every record up to it has reached every entity it concerns (a record in the holding area
//! counts as applied). *Settled* up to an LSN: applied, and every consequence (a reconcile, the proposals it made, what
//! those led to) is journaled and applied too.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::domain::ids::Lsn;

/// Positions published by the writer, the dispatcher and the shards.
pub struct Progress {
    durable: AtomicU64,
    dispatched: AtomicU64,
    shards: Vec<ShardProgress>,
    /// Who waits until everything is settled.
    waiting: Mutex<Vec<Arc<Waiting>>>,
    /// The highest record that any of them waits for.
    waited_for: AtomicU64,
    changed: Notify,
}

struct Waiting {
    lsn: Lsn,
    /// More work that goes back to a record up to `lsn` has begun since this was last looked at.
    has_begun: AtomicBool,
}

/// One who waits; dropping it ends that.
struct Waiter<'a> {
    progress: &'a Progress,
    waiting: Arc<Waiting>,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        let mut all = self.progress.waiting.lock();
        all.retain(|other| !Arc::ptr_eq(other, &self.waiting));
        let highest = all.iter().map(|waiting| waiting.lsn.0).max();
        self.progress.waited_for.store(highest.unwrap_or(0), Ordering::Release);
    }
}

struct ShardProgress {
    applied: AtomicU64,
    /// Unfinished work by the LSN that it goes back to, with a count each.
    unsettled: Mutex<BTreeMap<Lsn, u32>>,
}

impl Progress {
    /// Nothing done yet, on `shards` shards.
    pub fn new(shards: usize) -> Progress {
        let shard = || ShardProgress { applied: AtomicU64::new(0), unsettled: Mutex::default() };
        Progress {
            durable: AtomicU64::new(0),
            dispatched: AtomicU64::new(0),
            shards: (0..shards).map(|_| shard()).collect(),
            waiting: Mutex::default(),
            waited_for: AtomicU64::new(0),
            changed: Notify::new(),
        }
    }

    /// The last record on the disk.
    pub fn durable(&self) -> Lsn {
        Lsn(self.durable.load(Ordering::Acquire))
    }

    /// The record up to which every shard has applied everything.
    pub fn applied(&self) -> Lsn {
        let shards = self.shards.iter().map(|shard| shard.applied.load(Ordering::Acquire)).min().unwrap_or(0);
        Lsn(shards)
    }

    /// Entities that still have something to do, over all shards.
    pub fn unsettled_count(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.unsettled.lock().values().map(|count| *count as usize).sum::<usize>())
            .sum()
    }

    pub(super) fn publish_durable(&self, lsn: Lsn) {
        self.durable.store(lsn.0, Ordering::Release);
    }

    pub(super) fn publish_dispatched(&self, lsn: Lsn) {
        self.dispatched.store(lsn.0, Ordering::Release);
    }

    /// The record up to which the dispatcher has routed everything.
    pub fn dispatched(&self) -> Lsn {
        Lsn(self.dispatched.load(Ordering::Acquire))
    }

    pub(super) fn publish_applied(&self, shard: usize, lsn: Lsn) {
        self.shards[shard].applied.store(lsn.0, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// Notes work that goes back to `origin`. Call before the record that caused it counts as applied.
    pub(super) fn begin(&self, shard: usize, origin: Lsn) {
        *self.shards[shard].unsettled.lock().entry(origin).or_insert(0) += 1;
        // In this order: whoever begins to wait later sees the work itself.
        if origin <= self.waited_for() {
            let waiting = self.waiting.lock();
            let concerned = waiting.iter().filter(|waiting| origin <= waiting.lsn);
            concerned.for_each(|waiting| waiting.has_begun.store(true, Ordering::Release));
        }
    }

    /// The counterpart of [`Progress::begin`].
    pub(super) fn finish(&self, shard: usize, origin: Lsn) {
        let mut unsettled = self.shards[shard].unsettled.lock();
        if let Some(count) = unsettled.get_mut(&origin) {
            *count -= 1;
            if *count == 0 {
                unsettled.remove(&origin);
                drop(unsettled);
                self.changed.notify_waiters();
            }
        }
    }

    fn has_unsettled(&self, lsn: Lsn) -> bool {
        self.shards
            .iter()
            .any(|shard| shard.unsettled.lock().first_key_value().is_some_and(|(first, _)| *first <= lsn))
    }

    /// Waits until everything up to `lsn` is applied; `false` if `within` passes first.
    pub async fn wait_applied(&self, lsn: Lsn, within: Duration) -> bool {
        self.wait(Instant::now() + within, || self.applied() >= lsn).await
    }

    /// Waits until everything up to `lsn` is settled; `false` if `within` passes first.
    pub async fn wait_settled(&self, lsn: Lsn, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        if !self.wait(deadline, || self.applied() >= lsn).await {
            return false;
        }
        let waiter = self.waiter(lsn);
        let has_begun = &waiter.waiting.has_begun;
        loop {
            has_begun.store(false, Ordering::Release);
            if !self.wait(deadline, || !self.has_unsettled(lsn)).await {
                return false;
            }
            // What was just finished may have left a record for an entity of another shard: only when that is
            // applied as well and nothing has begun meanwhile, even if it is finished again, is it over.
            let horizon = self.durable();
            if !self.wait(deadline, || self.applied() >= horizon).await {
                return false;
            }
            if !self.has_unsettled(lsn) && !has_begun.load(Ordering::Acquire) {
                return true;
            }
        }
    }

    /// The record up to which somebody waits for all that follows, the highest of them; zero while nobody does.
    pub(super) fn waited_for(&self) -> Lsn {
        Lsn(self.waited_for.load(Ordering::Acquire))
    }

    fn waiter(&self, lsn: Lsn) -> Waiter<'_> {
        let waiting = Arc::new(Waiting { lsn, has_begun: AtomicBool::new(false) });
        let mut all = self.waiting.lock();
        all.push(Arc::clone(&waiting));
        self.waited_for.fetch_max(lsn.0, Ordering::AcqRel);
        Waiter { progress: self, waiting }
    }

    async fn wait(&self, deadline: Instant, done: impl Fn() -> bool) -> bool {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before looking, so that a change in between is not missed.
            changed.as_mut().enable();
            if done() {
                return true;
            }
            if tokio::time::timeout_at(deadline, changed).await.is_err() {
                return done();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(20);

    #[tokio::test(start_paused = true)]
    async fn what_begins_and_ends_while_another_shard_is_behind_is_waited_for() {
        let progress = Progress::new(2);
        progress.publish_durable(Lsn(3));
        progress.publish_applied(0, Lsn(3));
        progress.publish_applied(1, Lsn(2));
        let settled = async { progress.wait_settled(Lsn(2), Duration::from_secs(1)).await };
        let work = async {
            // The second shard gets record 3, an entity there answers with record 4, and has it back.
            tokio::time::sleep(SOON).await;
            progress.begin(1, Lsn(2));
            progress.publish_applied(1, Lsn(3));
            progress.publish_durable(Lsn(4));
            progress.finish(1, Lsn(2));
            progress.publish_applied(1, Lsn(4));
            // For the first shard record 4 is news, too.
            tokio::time::sleep(SOON).await;
            progress.begin(0, Lsn(2));
            progress.publish_applied(0, Lsn(4));
        };
        let (settled, ()) = tokio::join!(settled, work);
        assert!(!settled, "the first shard has work that goes back to record 2");
        progress.finish(0, Lsn(2));
        assert!(progress.wait_settled(Lsn(2), SOON).await);
        assert_eq!((progress.waiting.lock().len(), progress.waited_for()), (0, Lsn::ZERO));
    }

    #[tokio::test(start_paused = true)]
    async fn work_of_later_records_does_not_keep_one_waiting() {
        let progress = Progress::new(1);
        progress.publish_durable(Lsn(2));
        progress.publish_applied(0, Lsn(1));
        let later = progress.waiter(Lsn(9));
        let settled = async { progress.wait_settled(Lsn(1), Duration::from_secs(1)).await };
        let work = async {
            tokio::time::sleep(SOON).await;
            progress.begin(0, Lsn(2));
            progress.publish_applied(0, Lsn(2));
        };
        let (settled, ()) = tokio::join!(settled, work);
        assert!(settled && later.waiting.has_begun.load(Ordering::Acquire));
    }

    #[tokio::test]
    async fn applied_is_what_every_shard_has_applied() {
        let progress = Progress::new(2);
        progress.publish_applied(0, Lsn(5));
        assert!(!progress.wait_applied(Lsn(1), SOON).await);
        progress.publish_applied(1, Lsn(3));
        assert_eq!(progress.applied(), Lsn(3));
        assert!(progress.wait_applied(Lsn(3), SOON).await);
    }

    #[tokio::test]
    async fn settled_waits_for_consequences_and_for_what_they_wrote() {
        let progress = Progress::new(1);
        progress.begin(0, Lsn(2));
        progress.publish_durable(Lsn(2));
        progress.publish_applied(0, Lsn(2));
        assert!(
            progress.wait_settled(Lsn(1), SOON).await,
            "work of a later record does not hold an earlier one"
        );
        assert!(!progress.wait_settled(Lsn(2), SOON).await);
        progress.publish_durable(Lsn(3));
        progress.finish(0, Lsn(2));
        assert!(!progress.wait_settled(Lsn(2), SOON).await, "the record it wrote is not applied yet");
        progress.publish_applied(0, Lsn(3));
        assert!(progress.wait_settled(Lsn(2), SOON).await);
    }
}
