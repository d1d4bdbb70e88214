//! Making one entity's state anew from the journal, after its code failed.
//!
//! Runs the dispatcher's fold over the journal on a thread of its own and applies what concerns the one entity. Slow,
//! rare, and correct by construction: it is the fold that made the state in the first place.

use std::sync::Arc;

use actix::Addr;
use parking_lot::RwLock;

use super::codec;
use super::directory::{Address, Directory};
use super::fold::{Dirty, Fold, Routed, Sink};
use super::panics::contain;
use super::quarantine::Quarantine;
use super::shell::{Hosted, Rebuilt, Shell};
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::domain::record::{Body, Delivery};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::journal::JournalReader;

/// Which entity, and up to where.
#[derive(Clone, Debug)]
pub struct RebuildRequest {
    pub key: EntityKey,
    pub slot: u32,
    /// The last record to apply.
    pub until: Lsn,
    /// Records left out.
    pub skip: Vec<Lsn>,
}

/// Starts rebuilds.
#[derive(Clone)]
pub struct Rebuilder {
    pub reader: JournalReader,
    pub shards: u16,
}

/// The outcome of a rebuild.
pub struct Outcome<E> {
    pub result: Result<E, (Lsn, String)>,
    pub before: Option<E>,
}

impl Rebuilder {
    /// Rebuilds on a thread of its own and sends the state to its shell.
    pub fn start<E: Hosted>(&self, shard: u16, request: RebuildRequest, to: Addr<Shell<E>>) {
        let rebuilder = self.clone();
        let key = request.key.clone();
        let work = move || {
            let address = Address { shard, slot: request.slot };
            let outcome = rebuilder.rebuild::<E>(address, &request);
            to.do_send(Rebuilt { outcome: outcome.result, before: outcome.before });
        };
        if let Err(error) = std::thread::Builder::new().name("rebuild".into()).spawn(work) {
            tracing::error!(entity = %key, %error, "no thread to rebuild an entity: it stays in quarantine");
        }
    }

    fn rebuild<E: Hosted>(&self, address: Address, request: &RebuildRequest) -> Outcome<E> {
        let directory = Arc::new(Directory::new(self.shards));
        let quarantine = Arc::new(RwLock::new(Quarantine::new(1)));
        let mut fold = Fold::new(self.shards, directory, quarantine);
        let mut sink = OneEntity {
            address,
            entity: E::new(&request.key),
            skip: &request.skip,
            failed: None,
            at: Lsn::ZERO,
        };
        for record in self.reader.read_from(1) {
            let read = record.map_err(|error| error.to_string()).and_then(|(_, bytes)| {
                codec::decode(&bytes).map(|(record, _)| Arc::new(record)).map_err(|error| error.to_string())
            });
            let record = match read {
                Ok(record) if record.lsn > request.until => break,
                Ok(record) => record,
                Err(detail) => return Outcome { result: Err((sink.at, detail)), before: None },
            };
            sink.at = record.lsn;
            fold.take(&record, record.lsn, &mut sink);
            if let Some(failed) = sink.failed.take() {
                // The state may be half changed; a second pass up to the record before gives the whole one.
                let before = RebuildRequest { until: Lsn(failed.0.0.saturating_sub(1)), ..request.clone() };
                return Outcome {
                    result: Err(failed),
                    before: self.rebuild::<E>(address, &before).result.ok(),
                };
            }
        }
        Outcome { result: Ok(sink.entity), before: None }
    }
}

struct OneEntity<'a, E> {
    address: Address,
    entity: E,
    skip: &'a [Lsn],
    failed: Option<(Lsn, String)>,
    at: Lsn,
}

impl<E: Hosted> Sink for OneEntity<'_, E> {
    fn create(&mut self, _: Address, _: &Arc<EntityKey>) {}

    fn deliver(&mut self, to: Address, at: Routed<'_>, reference: &Reference) {
        if to != self.address
            || self.skip.contains(&at.record.lsn)
            || matches!(at.record.body, Body::System(_))
        {
            return;
        }
        let delivery = Delivery { record: at.record, lsn: at.lsn, business_time: at.business_time };
        let entity = &mut self.entity;
        if let Err(panic) = contain(|| entity.apply(&delivery, reference)) {
            self.failed = Some((at.record.lsn, panic));
        }
    }

    fn reference_changed(&mut self) {}
    fn dirty(&mut self, _: Dirty, _: Lsn) {}
    fn clock_advanced(&mut self, _: TenantNumber, _: Timestamp, _: Lsn) {}
}
