//! The named summary that lists and rankings of exceptions need: every exception as it was after its last change.
//!
//! Written by the shards as entities apply their transitions; the same `Arc`s, not copies of state.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::FixedState;
use parking_lot::RwLock;

use crate::domain::exception::ExceptionItem;
use crate::domain::ids::{Lsn, Name, TenantNumber};

/// An exception with the record that last changed it.
#[derive(Debug)]
pub struct ExceptionEntry {
    pub item: ExceptionItem,
    pub lsn: Lsn,
}

/// All exceptions that are not over, and the last ones that are.
pub struct Exceptions {
    ended_max: usize,
    tenants: RwLock<HashMap<TenantNumber, TenantExceptions>>,
}

#[derive(Default)]
struct TenantExceptions {
    open: HashMap<Name, Arc<ExceptionEntry>, FixedState>,
    ended: HashMap<Name, Arc<ExceptionEntry>, FixedState>,
    /// Order of ending; the longest ended leave first.
    ended_order: VecDeque<Name>,
}

impl Exceptions {
    /// Keeps at most `ended_max` ended ones a tenant; the journal has them all.
    pub fn new(ended_max: usize) -> Exceptions {
        Exceptions { ended_max, tenants: RwLock::default() }
    }

    /// Puts an exception in as it is after the record `lsn`.
    pub fn upsert(&self, tenant: TenantNumber, item: ExceptionItem, lsn: Lsn) {
        let mut tenants = self.tenants.write();
        let tenant = tenants.entry(tenant).or_default();
        let id = item.id.clone();
        let ended = item.state.is_final();
        let entry = Arc::new(ExceptionEntry { item, lsn });
        if !ended {
            tenant.open.insert(id, entry);
            return;
        }
        tenant.open.remove(&id);
        if tenant.ended.insert(id.clone(), entry).is_none() {
            tenant.ended_order.push_back(id);
        }
        while tenant.ended_order.len() > self.ended_max {
            if let Some(oldest) = tenant.ended_order.pop_front() {
                tenant.ended.remove(&oldest);
            }
        }
    }

    /// One exception.
    pub fn get(&self, tenant: TenantNumber, id: &str) -> Option<Arc<ExceptionEntry>> {
        let tenants = self.tenants.read();
        let tenant = tenants.get(&tenant)?;
        tenant.open.get(id).or_else(|| tenant.ended.get(id)).cloned()
    }

    /// All that pass `wanted`; ended ones only if asked for.
    pub fn select(
        &self,
        tenant: TenantNumber,
        with_ended: bool,
        mut wanted: impl FnMut(&ExceptionEntry) -> bool,
    ) -> Vec<Arc<ExceptionEntry>> {
        let tenants = self.tenants.read();
        let Some(tenant) = tenants.get(&tenant) else { return Vec::new() };
        let ended = with_ended.then(|| tenant.ended.values()).into_iter().flatten();
        tenant.open.values().chain(ended).filter(|entry| wanted(entry)).cloned().collect()
    }

    /// How many are not over, over all tenants.
    pub fn open_count(&self) -> usize {
        self.tenants.read().values().map(|tenant| tenant.open.len()).sum()
    }
}
