//! The named summary that lists and rankings of exceptions need: every exception as it was after its last change.
//!
//! Written by the shards as entities apply their transitions; the same `Arc`s, not copies of state.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use foldhash::fast::FixedState;
use parking_lot::RwLock;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use crate::domain::approval_case::CaseItem;
use crate::domain::exception::ExceptionItem;
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};

/// An exception with the record that last changed it.
#[derive(Debug)]
pub struct ExceptionEntry {
    pub item: ExceptionItem,
    pub lsn: Lsn,
    /// Whose exception it is.
    pub entity: Arc<EntityKey>,
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
    pub fn upsert(&self, tenant: TenantNumber, entity: &Arc<EntityKey>, item: ExceptionItem, lsn: Lsn) {
        let mut tenants = self.tenants.write();
        let tenant = tenants.entry(tenant).or_default();
        let id = item.id.clone();
        let ended = item.state.is_final();
        let entry = Arc::new(ExceptionEntry { item, lsn, entity: entity.clone() });
        if !ended {
            // It may have come back.
            tenant.ended.remove(&id);
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

/// A case with the record that last changed it.
#[derive(Debug)]
pub struct CaseEntry {
    pub item: CaseItem,
    pub lsn: Lsn,
    /// Its entity.
    pub entity: Arc<EntityKey>,
}

/// All cases that are not over, and the last ones that are.
pub struct Cases {
    ended_max: usize,
    tenants: RwLock<HashMap<TenantNumber, TenantCases>>,
    changed: Notify,
}

#[derive(Default)]
struct TenantCases {
    cases: HashMap<Name, Arc<CaseEntry>, FixedState>,
    /// Order of ending; the longest ended leave first. One that was opened again is passed over.
    ended_order: VecDeque<Name>,
}

impl Cases {
    /// Keeps at most `ended_max` ended ones a tenant; the journal has them all.
    pub fn new(ended_max: usize) -> Cases {
        Cases { ended_max, tenants: RwLock::default(), changed: Notify::new() }
    }

    /// Puts a case in as it is after the record `lsn`.
    pub fn upsert(&self, tenant: TenantNumber, entity: &Arc<EntityKey>, item: CaseItem, lsn: Lsn) {
        {
            let mut tenants = self.tenants.write();
            let tenant = tenants.entry(tenant).or_default();
            let id = item.id.clone();
            let ended = item.state.is_final();
            let before =
                tenant.cases.insert(id.clone(), Arc::new(CaseEntry { item, lsn, entity: entity.clone() }));
            if ended && !before.is_some_and(|before| before.item.state.is_final()) {
                tenant.ended_order.push_back(id);
            }
            while tenant.ended_order.len() > self.ended_max {
                let Some(oldest) = tenant.ended_order.pop_front() else { break };
                if tenant.cases.get(&oldest).is_some_and(|case| case.item.state.is_final()) {
                    tenant.cases.remove(&oldest);
                }
            }
        }
        self.changed.notify_waiters();
    }

    /// One case.
    pub fn get(&self, tenant: TenantNumber, id: &str) -> Option<Arc<CaseEntry>> {
        self.tenants.read().get(&tenant)?.cases.get(id).cloned()
    }

    /// All of a tenant that pass `wanted`.
    pub fn select(
        &self,
        tenant: TenantNumber,
        mut wanted: impl FnMut(&CaseEntry) -> bool,
    ) -> Vec<Arc<CaseEntry>> {
        let tenants = self.tenants.read();
        let cases = tenants.get(&tenant).into_iter().flat_map(|tenant| tenant.cases.values());
        cases.filter(|entry| wanted(entry)).cloned().collect()
    }

    /// All of every tenant that pass `wanted`: for the services that work on cases.
    pub fn select_everywhere(
        &self,
        mut wanted: impl FnMut(&CaseEntry) -> bool,
    ) -> Vec<(TenantNumber, Arc<CaseEntry>)> {
        let tenants = self.tenants.read();
        let all =
            tenants.iter().flat_map(|(number, tenant)| tenant.cases.values().map(|case| (*number, case)));
        all.filter(|(_, entry)| wanted(entry)).map(|(number, entry)| (number, entry.clone())).collect()
    }

    /// Ends when a case changes after this was called and polled.
    pub fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// How many are not over, over all tenants.
    pub fn open_count(&self) -> usize {
        let tenants = self.tenants.read();
        let all = tenants.values().flat_map(|tenant| tenant.cases.values());
        all.filter(|entry| !entry.item.state.is_final()).count()
    }
}
