//! Systems that send events: in random batches, with repeats, again and again until they are acknowledged. And what they
//! were told, which is what the journal is held against.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::oneshot;

use super::common::random::Random;
use super::house::House;
use super::trace::Trace;
use crate::domain::event::KnownType;
use crate::domain::ids::{Lsn, Name, TenantNumber};
use crate::domain::record::{Body, Record};
use crate::http::cloudevents::{Limits, parse_event};
use crate::runtime::admission::Credits;
use crate::runtime::codec::{self, EventIdentity, SentEvent};
use crate::runtime::{Outcome, Pending, Submission, Written, wall_clock};

/// Everything is about one tenant.
pub const TENANT: TenantNumber = TenantNumber(0);
/// Most events of one request.
const REQUEST_EVENTS_MAX: u64 = 12;

/// What was acknowledged, by source and id.
#[derive(Default)]
pub struct Ledger {
    pub acknowledged: BTreeMap<(String, String), Lsn>,
    /// The events of that, in the order in which it was heard.
    taken: Vec<Value>,
    /// Every event that was ever to be sent, for the model.
    pub said: Vec<Value>,
    pub repeats: u64,
    pub refused: u64,
    pub full: u64,
}

/// A system that sends events.
pub struct Client {
    name: &'static str,
    /// Keeps the order of its events, over refusals and crashes too.
    keeps_order: bool,
    waiting: VecDeque<Value>,
    in_flight: Option<(Vec<Value>, oneshot::Receiver<Written>)>,
}

impl Client {
    pub fn new(name: &'static str, keeps_order: bool) -> Client {
        Client { name, keeps_order, waiting: VecDeque::new(), in_flight: None }
    }

    /// Gives it something to tell.
    pub fn tell(&mut self, ledger: &mut Ledger, event: Value) {
        ledger.said.push(event.clone());
        self.waiting.push_back(event);
    }

    /// Whether it has told everything and knows that it was taken.
    pub fn is_done(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_none()
    }

    /// Sends a request, if none is on its way and there is anything to tell, or to tell again.
    pub fn submit(
        &mut self,
        house: &House,
        ledger: &mut Ledger,
        random: &mut Random,
        repeats: bool,
        trace: &mut Trace,
    ) {
        if self.in_flight.is_some() {
            return;
        }
        let count = usize::try_from(1 + random.below(REQUEST_EVENTS_MAX)).unwrap();
        let mut events: Vec<Value> = self.waiting.drain(..count.min(self.waiting.len())).collect();
        if repeats && random.chance(20) && !ledger.taken.is_empty() {
            // Told and acknowledged before, by whomever.
            events.push(random.pick(&ledger.taken).clone());
            if !self.keeps_order {
                random.shuffle(&mut events);
            }
        }
        if events.is_empty() {
            return;
        }
        let mut buffer = Vec::new();
        let records: Vec<Pending> = events.iter().map(|event| pending(event, &mut buffer)).collect();
        let credits = Credits { records: records.len() as u64, bytes: buffer.len() as u64 };
        if !house.running.admission.try_take(credits) {
            ledger.refused += 1;
            trace.step(format!("{}: no credits for {}", self.name, events.len()));
            self.take_back(events, random);
            return;
        }
        trace.step(format!("{}: {} events", self.name, events.len()));
        let (reply, answer) = oneshot::channel();
        house.running.submissions.send(Submission::Outside { records, buffer, credits, reply }).unwrap();
        self.in_flight = Some((events, answer));
    }

    /// Hears what became of its request, if it has an answer.
    pub fn hear(&mut self, house: &House, ledger: &mut Ledger, random: &mut Random, trace: &mut Trace) {
        let Some((events, mut answer)) = self.in_flight.take() else { return };
        match answer.try_recv() {
            Ok(Written::Done(outcomes)) => {
                trace.step(format!("{}: {outcomes:?}", self.name));
                assert_eq!(outcomes.len(), events.len());
                for (event, outcome) in events.iter().zip(outcomes) {
                    ledger.note(house, event, outcome);
                }
            }
            Ok(Written::DiskFull) => {
                ledger.full += 1;
                trace.step(format!("{}: the disk is full", self.name));
                self.take_back(events, random);
            }
            Err(oneshot::error::TryRecvError::Empty) => self.in_flight = Some((events, answer)),
            Err(oneshot::error::TryRecvError::Closed) => panic!("the writer lost a request"),
        }
    }

    /// The tower is gone: what was not answered is sent again.
    pub fn lose_connection(&mut self, random: &mut Random) {
        if let Some((events, _)) = self.in_flight.take() {
            self.take_back(events, random);
        }
    }

    fn take_back(&mut self, events: Vec<Value>, random: &mut Random) {
        events.into_iter().rev().for_each(|event| self.waiting.push_front(event));
        if !self.keeps_order {
            random.shuffle(self.waiting.make_contiguous());
        }
    }
}

/// Who an event is.
pub fn name_of(event: &Value) -> (String, String) {
    let text = |key: &str| event[key].as_str().unwrap().to_owned();
    (text("source"), text("id"))
}

impl Ledger {
    fn note(&mut self, house: &House, event: &Value, outcome: Outcome) {
        let durable = house.running.progress.durable();
        assert!(outcome.lsn() <= durable, "invariant 1: {outcome:?} is answered, durable is {durable}");
        let name = name_of(event);
        let before = self.acknowledged.get(&name).copied();
        match (before, outcome) {
            (Some(before), Outcome::Duplicate(lsn)) => {
                assert_eq!(before, lsn, "invariant 2: {name:?} has another number than it had");
                self.repeats += 1;
            }
            (None, Outcome::Accepted(lsn) | Outcome::Duplicate(lsn)) => {
                self.acknowledged.insert(name, lsn);
                self.taken.push(event.clone());
            }
            (before, outcome) => panic!("invariant 2: {name:?} was {before:?} and now is {outcome:?}"),
        }
    }
}

/// An event through the door's own eyes.
pub fn pending(event: &Value, buffer: &mut Vec<u8>) -> Pending {
    let text = event.to_string();
    let parsed =
        parse_event(text.as_bytes(), &Limits::default()).unwrap_or_else(|no| panic!("{no:?}: {text}"));
    let now = wall_clock();
    let event_type = match parsed.event_type {
        KnownType::Core(core) => Some(core),
        KnownType::Reserved(_) => None,
    };
    let record = Record {
        lsn: Lsn::ZERO,
        tenant: TENANT,
        event_time: parsed.time.unwrap_or(now),
        ingest_time: now,
        business_time: now,
        causing_lsn: Lsn::ZERO,
        entity_revision: 0,
        source: Name::from(&*parsed.source),
        id: Name::from(&*parsed.id),
        sequence: parsed.sequence.as_deref().map(Name::from).unwrap_or_default(),
        principal: Name::const_new("simulation"),
        body: Body::Event { event_type, data: parsed.data },
    };
    let sent = SentEvent {
        type_name: parsed.event_type.as_str(),
        subject: "",
        time_given: parsed.time.is_some(),
        content_hash: parsed.content_hash,
        data: parsed.data_json.as_bytes(),
    };
    let key = codec::event_key(TENANT, &record.source, &record.id);
    let identity = EventIdentity { key, content_hash: parsed.content_hash, retry: None };
    let start = buffer.len();
    codec::encode_event(&record, sent, buffer);
    Pending { record: Arc::new(record), bytes: start..buffer.len(), identity: Some(identity) }
}
