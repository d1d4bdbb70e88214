//! A shell around an entity that fails when it is told to.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix::Addr;
use crossbeam_channel::{Receiver, unbounded};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::{Health, Hosted, Rebuilt, Shell};
use crate::domain::command::{Actor, Command, Refusal};
use crate::domain::entity::{Entity, Reconciled};
use crate::domain::event::EventData;
use crate::domain::exception::{ExceptionItem, ExceptionTransition};
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use crate::domain::record::{Body, Delivery, Record, RefusedEvent, SystemBody, Transition, TransitionBody};
use crate::domain::reference::Reference;
use crate::domain::time::Timestamp;
use crate::runtime::admission::Admission;
use crate::runtime::fold::Routed;
use crate::runtime::metrics::Metrics;
use crate::runtime::progress::Progress;
use crate::runtime::rebuild::{Making, RebuildRequest, Rebuilder, Whole};
use crate::runtime::shard::{EntityAddr, ShardLimits, ShardParts, ShardShared, StateKind};
use crate::runtime::summaries::{Cases, Exceptions};
use crate::runtime::writer::Submission;

pub(super) const TENANT: TenantNumber = TenantNumber(0);

/// Remembers which records it was given, each with the version of the Reference that it read.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Diary {
    pub read: Vec<(u64, u64)>,
    revision: u64,
    /// What it decides, and proposes when it looks: refusals of events with details of so many bytes.
    wants: Vec<usize>,
    /// What it says of that.
    pub settles: bool,
    pub is_urgent: bool,
}

impl Diary {
    fn proposals(&self) -> Vec<Transition> {
        let refused = |bytes: &usize| {
            let code = Name::from("told_to");
            Transition::RefusedEvent(RefusedEvent { lsn: Lsn(1), code, detail: "x".repeat(*bytes) })
        };
        self.wants.iter().map(refused).collect()
    }
}

impl Entity for Diary {
    fn new(_: &EntityKey) -> Diary {
        Diary::default()
    }

    fn apply(&mut self, delivery: &Delivery<'_>, reference: &Reference) {
        self.read.push((delivery.record.lsn.0, reference.version().0));
        assert!(delivery.record.id != "poison", "told to fail");
        if delivery.record.entity_revision == self.revision + 1 {
            self.revision += 1;
        }
    }

    fn reconcile(&self, _: &EntityKey, now: Timestamp, _: &Reference) -> Reconciled {
        assert!(now != Timestamp::MIN, "told to fail");
        Reconciled { proposals: self.proposals().into(), next_review_at: None, settles: self.settles }
    }

    fn is_urgent(&self, now: Timestamp) -> bool {
        assert!(now != Timestamp::MIN, "told to fail");
        self.is_urgent
    }

    fn decide(
        &self,
        _: &EntityKey,
        _: &Command,
        _: &Actor,
        _: Timestamp,
        _: &Reference,
    ) -> Result<Vec<Transition>, Refusal> {
        Ok(self.proposals())
    }

    fn applied_lsn(&self) -> Lsn {
        Lsn(self.read.last().map_or(0, |(lsn, _)| *lsn))
    }

    fn revision(&self) -> u64 {
        self.revision
    }
}

impl Hosted for Diary {
    const STATE_KIND: Option<StateKind> = Some(StateKind::Supplier);

    fn addr(_: &EntityAddr) -> Option<&Addr<Shell<Diary>>> {
        None
    }

    fn state_item(&self, _: &EntityKey, _: Timestamp, _: &Reference) -> Value {
        panic!("told to fail")
    }
}

pub(super) struct House {
    pub shell: Shell<Diary>,
    pub journal: Vec<Arc<Record>>,
    pub reference: Arc<Reference>,
    pub submitted: Receiver<Submission>,
}

pub(super) fn key() -> EntityKey {
    EntityKey::Supplier { tenant: TENANT, supplier: Name::from("S") }
}

pub(super) fn exception(id: &str, state: &str) -> ExceptionItem {
    serde_json::from_value(json!({
        "id": id, "type": "missing_master_data", "state": state, "severity": "low", "urgency": 1, "value_at_risk": null,
        "units_at_risk": null, "decide_by": null,
        "subject": {"kind": "supplier", "sku": null, "location": null, "supplier": "S"},
        "opened_at": "2026-03-02T00:00:00Z", "updated_at": "2026-03-02T00:00:00Z", "cleared_at": null, "window": null,
        "cause": null, "confidence": null, "evidence": [], "case_id": null, "owner": null, "team": null,
        "sla_due_at": null, "revision": 1
    }))
    .unwrap()
}

fn nothing() -> Body {
    Body::Event { event_type: None, data: EventData::Reserved }
}

impl House {
    pub fn new() -> House {
        let (submissions, submitted) = unbounded();
        let parts = ShardParts {
            index: 0,
            limits: ShardLimits {
                reconcile_budget: Duration::MAX,
                review_slice: 1,
                look_slice: 1,
                look_again: Duration::from_secs(1),
                look_again_percent: 25,
                capture_slice: 1,
                live_max: 1_000,
                packed_bytes_max: 1 << 20,
                state_interval: Duration::MAX,
            },
            submissions,
            progress: Arc::new(Progress::new(1)),
            admission: Arc::new(Admission::new(1, 1)),
            metrics: Arc::new(Metrics::default()),
            exceptions: Arc::new(Exceptions::new(10)),
            cases: Arc::new(Cases::new(10)),
            idempotency_keys: Arc::default(),
            rebuilder: Rebuilder::idle(),
            state_sink: crate::feed::channel().0,
            wall_clock: || Timestamp::from_micros(0),
        };
        let shared = Rc::new(ShardShared::new(parts));
        shared.live.set(true);
        let shell = Shell::new(Arc::new(key()), 0, shared);
        House { shell, journal: Vec::new(), reference: Arc::default(), submitted }
    }

    pub fn take(&mut self, id: &str, entity_revision: u64, body: Body) -> Lsn {
        let lsn = Lsn(self.journal.len() as u64 + 1);
        let time = Timestamp::from_micros(lsn.0 as i64);
        let record = Arc::new(Record {
            lsn,
            tenant: TENANT,
            event_time: time,
            ingest_time: time,
            business_time: time,
            causing_lsn: Lsn::ZERO,
            entity_revision,
            source: Name::from("/test"),
            id: Name::from(id),
            sequence: Name::default(),
            principal: Name::from("dev"),
            body,
        });
        let at = Routed { record: &record, lsn, business_time: time, origin: lsn };
        self.shell.apply(at, &self.reference);
        self.journal.push(record);
        lsn
    }

    pub fn look(&mut self, now: Timestamp, origin: Lsn) {
        self.shell.reconcile(now, origin);
    }

    pub fn event(&mut self, id: &str) -> Lsn {
        self.take(id, 0, nothing())
    }

    pub fn transition(&mut self, revision: u64, kind: &str, item: ExceptionItem) -> Lsn {
        let kind = serde_json::from_value(json!(kind)).unwrap();
        let transition = Transition::Exception(Box::new(ExceptionTransition::alone(kind, item)));
        self.take("", revision, Body::Transition(Box::new(TransitionBody { entity: key(), transition })))
    }

    pub fn quarantined(&mut self, poison: Lsn) -> Lsn {
        let body = SystemBody::EntityQuarantined { entity: key(), poison, detail: String::new() };
        self.take("", 0, Body::System(Box::new(body)))
    }

    pub fn released(&mut self, poison: Lsn, skip: bool) -> Lsn {
        let body = SystemBody::EntityReleased { entity: key(), poison, skip };
        self.take("", 0, Body::System(Box::new(body)))
    }

    /// Folds the journal for the request that the shell awaits now.
    pub fn rebuilt(&self, until: Lsn) -> Rebuilt<Diary> {
        let mut making = Making::new(RebuildRequest {
            key: key(),
            slot: 0,
            ticket: self.shell.ticket,
            until,
            stop_before: None,
            since: self.shell.stopped_at.unwrap_or_default(),
            skip: self.shell.shard.skipped(&key()),
        });
        for record in &self.journal {
            let at =
                Routed { record, lsn: record.lsn, business_time: record.business_time, origin: record.lsn };
            making.deliver(at, &self.reference);
        }
        Rebuilt { ticket: self.shell.ticket, outcome: making.outcome(None) }
    }

    /// A state that has the first `count` records.
    pub fn state_of(&self, count: u64) -> Rebuilt<Diary> {
        let read = (1..=count).map(|lsn| (lsn, 0)).collect();
        let whole =
            Whole { entity: Diary { read, ..Diary::default() }, exceptions: Vec::new(), cases: Vec::new() };
        Rebuilt { ticket: self.shell.ticket, outcome: Ok(whole) }
    }

    /// Records of the live state; `None` if it is not live.
    pub fn read(&self) -> Option<Vec<u64>> {
        match &self.shell.health {
            Health::Live(diary) => Some(diary.read.iter().map(|(lsn, _)| *lsn).collect()),
            _ => None,
        }
    }

    pub fn failed_at(&self) -> Option<u64> {
        match &self.shell.health {
            Health::Failed { failure, .. } => Some(failure.failed_at.0),
            _ => None,
        }
    }

    pub fn wants(&mut self, bytes: &[usize]) {
        if let Health::Live(diary) = &mut self.shell.health {
            diary.wants = bytes.to_vec();
        }
    }

    /// Revisions and lengths of what it proposed since last asked, by group.
    pub fn proposed(&self) -> Vec<Vec<(u64, usize)>> {
        let group = |submission| match submission {
            Submission::Own { records, buffer, .. } => {
                let told = records.iter().map(|own| (own.record.entity_revision, own.bytes.len()));
                assert_eq!(records.last().map_or(0, |own| own.bytes.end), buffer.len());
                told.collect()
            }
            _ => panic!("an entity submits its own"),
        };
        self.submitted.try_iter().map(group).collect()
    }

    pub fn open(&self) -> Vec<(String, u64)> {
        let entries = self.shell.shard.exceptions.select(TENANT, false, |_| true);
        entries.iter().map(|entry| (entry.item.id.to_string(), entry.lsn.0)).collect()
    }
}
