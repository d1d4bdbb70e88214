//! What entities are handed, seen from the inside: in order, each record once, nothing that is not durable.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::domain::event::EventData;
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::record::Body;
use crate::runtime::fold::Routed;
use crate::runtime::progress::Progress;

thread_local! {
    static SEEN: RefCell<Option<Seen>> = const { RefCell::new(None) };
}

struct Seen {
    progress: Arc<Progress>,
    is_live: bool,
    /// Where the states stood that a snapshot brought.
    restored: BTreeMap<EntityKey, Lsn>,
    last: BTreeMap<EntityKey, Lsn>,
    applied: BTreeSet<(EntityKey, Lsn)>,
    count: u64,
    hash: u64,
    violations: Vec<String>,
}

/// Begins anew, for another life of the tower.
pub fn begin(progress: Arc<Progress>) {
    SEEN.set(Some(Seen {
        progress,
        is_live: false,
        restored: BTreeMap::new(),
        last: BTreeMap::new(),
        applied: BTreeSet::new(),
        count: 0,
        hash: 0,
        violations: Vec::new(),
    }));
}

/// What is journaled is replayed: from here on nothing may be applied before it is durable.
pub fn go_live() {
    SEEN.with_borrow_mut(|seen| seen.iter_mut().for_each(|seen| seen.is_live = true));
}

/// An entity begins with a state that shows everything up to `at`.
pub fn restored(key: &EntityKey, at: Lsn) {
    SEEN.with_borrow_mut(|seen| {
        seen.iter_mut().for_each(|seen| {
            seen.restored.insert(key.clone(), at);
        });
    });
}

/// A shell is about to apply a record to its entity.
pub fn applying(key: &EntityKey, at: &Routed<'_>) {
    SEEN.with_borrow_mut(|seen| {
        let Some(seen) = seen else { return };
        let record = at.record.lsn;
        if seen.is_live && at.lsn > seen.progress.durable() {
            seen.violations.push(format!("invariant 1: {key} is handed {} before it is durable", at.lsn));
        }
        if seen.restored.get(key).is_some_and(|restored| at.lsn <= *restored) {
            seen.violations.push(format!("invariant 27: {key} is handed {}, which its state has", at.lsn));
        }
        let last = seen.last.entry(key.clone()).or_default();
        if at.lsn < *last {
            seen.violations.push(format!("invariant 7: {key} is handed {} after {last}", at.lsn));
        }
        *last = at.lsn.max(*last);
        if !may_come_again(&at.record.body) && !seen.applied.insert((key.clone(), record)) {
            let what = &at.record;
            seen.violations
                .push(format!("invariant 7: {key} is handed {record} twice, now at {}: {what:?}", at.lsn));
        }
        seen.count += 1;
        let text = format!("{key} {} {record}", at.lsn);
        for byte in text.bytes() {
            seen.hash = (seen.hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3);
        }
    });
}

/// The traffic of a source is a sum that takes effect where its last event does, which may follow by itself. And the end of
/// a whole document comes again with every line of it that becomes known later.
fn may_come_again(body: &Body) -> bool {
    let Body::Event { data, .. } = body else { return false };
    match data {
        EventData::FeedTraffic(_) => true,
        EventData::PurchaseOrderEnded(named) | EventData::TransferCancelled(named) => named.line_id.is_none(),
        _ => false,
    }
}

/// Records handed to entities in this life, and a hash over which and to whom; fails on a violation.
pub fn check() -> (u64, u64) {
    SEEN.with_borrow(|seen| {
        let Some(seen) = seen else { return (0, 0) };
        assert!(seen.violations.is_empty(), "{:#?}", seen.violations);
        (seen.count, seen.hash)
    })
}
