//! The writer over a real journal: what it answers to repeats, and which numbers and times it stamps.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, unbounded};
use parking_lot::RwLock;
use tokio::sync::oneshot;

use super::admission::{Admission, Credits};
use super::codec::{self, EventIdentity, RetryIdentity, SentEvent};
use super::duplicates::Duplicates;
use super::metrics::Metrics;
use super::progress::Progress;
use super::tower::{pending_own, system_record};
use super::writer::{Committed, GroupLimits, Outcome, Pending, Submission, Writer, WriterShared, Written};
use crate::domain::event::{self, EventType};
use crate::domain::ids::{Lsn, Name, TenantNumber};
use crate::domain::money::Currency;
use crate::domain::record::{Body, ClockKind, Record, SystemBody};
use crate::domain::time::Timestamp;
use crate::journal::{Journal, JournalError, JournalOptions};

/// A clock that goes back a second with each look.
fn wall_clock() -> Timestamp {
    static MICROS: AtomicI64 = AtomicI64::new(2_000_000_000_000_000);
    Timestamp::from_micros(MICROS.fetch_sub(1_000_000, Ordering::Relaxed))
}

/// A writer, before or while it works.
struct House {
    submissions: Sender<Submission>,
    committed: Receiver<Vec<Committed>>,
    admission: Arc<Admission>,
    shared: Arc<WriterShared>,
    idle: Option<Writer>,
    working: Option<JoinHandle<Result<(), JournalError>>>,
}

impl House {
    /// On a journal, the window of known events rebuilt from its records.
    fn open(data: &Path, limits: GroupLimits) -> House {
        let (journal, _) = Journal::open(data, JournalOptions { segment_bytes_max: 1 << 20 }).unwrap();
        let mut duplicates = Duplicates::new(1_000);
        for read in journal.reader().read_from(1) {
            let (record, identity) = codec::decode(&read.unwrap().1).unwrap();
            if let Some(identity) = identity {
                duplicates.reserve(&identity, record.lsn, record.ingest_time);
            }
        }
        let (submissions, submitted) = unbounded();
        let (committed_in, committed) = unbounded();
        let admission = Arc::new(Admission::new(1_000, 1 << 20));
        let shared = Arc::new(WriterShared {
            is_disk_full: std::sync::atomic::AtomicBool::new(false),
            clocks: RwLock::default(),
            reach: RwLock::new(duplicates.reach()),
        });
        let writer = Writer {
            journal,
            duplicates,
            limits,
            submissions: submitted,
            committed: committed_in,
            shared: shared.clone(),
            progress: Arc::new(Progress::new(1)),
            admission: admission.clone(),
            metrics: Arc::new(Metrics::default()),
            wall_clock,
            last_ingest: Timestamp::default(),
        };
        House { submissions, committed, admission, shared, idle: Some(writer), working: None }
    }

    /// What was submitted before makes one group, as far as the limits allow.
    fn work(&mut self) {
        let writer = self.idle.take().unwrap();
        self.working = Some(std::thread::spawn(move || writer.run()));
    }

    fn submit(&self, events: &[(&str, i64)]) -> oneshot::Receiver<Written> {
        let mut buffer = Vec::new();
        let records = events.iter().map(|(id, quantity)| sale(id, *quantity, &mut buffer)).collect();
        self.submit_pending(records, buffer)
    }

    fn submit_pending(&self, records: Vec<Pending>, buffer: Vec<u8>) -> oneshot::Receiver<Written> {
        let credits = Credits { records: records.len() as u64, bytes: 1 };
        assert!(self.admission.try_take(credits));
        let (reply, answer) = oneshot::channel();
        self.submissions.send(Submission::Outside { records, buffer, credits, reply }).unwrap();
        answer
    }

    fn submit_own(&self, body: SystemBody, tenant: TenantNumber) -> oneshot::Receiver<Written> {
        let record = system_record(tenant, Name::from("tidewatch"), body);
        let mut buffer = Vec::new();
        codec::encode_own(&record, &mut buffer).unwrap();
        let records = vec![Pending { record: Arc::new(record), bytes: 0..buffer.len(), identity: None }];
        let (reply, answer) = oneshot::channel();
        self.submissions.send(Submission::Own { records, buffer, origin: None, reply: Some(reply) }).unwrap();
        answer
    }

    /// Stops it; gives the groups that it committed.
    fn stop(mut self) -> Vec<Vec<Committed>> {
        let (done, stopped) = oneshot::channel();
        self.submissions.send(Submission::Stop { done }).unwrap();
        stopped.blocking_recv().unwrap();
        self.working.take().unwrap().join().unwrap().unwrap();
        self.committed.iter().collect()
    }
}

fn pending(kind: &str, id: &str, data: &str, time: Option<i64>, buffer: &mut Vec<u8>) -> Pending {
    let time_given = time.is_some();
    let time = Timestamp::from_micros(time.unwrap_or(1));
    let tenant = TenantNumber(0);
    let record = Record {
        lsn: Lsn::ZERO,
        tenant,
        event_time: time,
        ingest_time: time,
        business_time: time,
        causing_lsn: Lsn::ZERO,
        entity_revision: 0,
        source: Name::from("/t"),
        id: Name::from(id),
        sequence: Name::default(),
        principal: Name::from("dev"),
        body: Body::Event { event_type: EventType::parse(kind), data: event::parse(kind, data).unwrap() },
    };
    let mut content_hash = [0; 16];
    content_hash.copy_from_slice(&blake3::hash(data.as_bytes()).as_bytes()[..16]);
    let sent = SentEvent { type_name: kind, subject: "", time_given, content_hash, data: data.as_bytes() };
    let start = buffer.len();
    codec::encode_event(&record, sent, buffer);
    let identity = EventIdentity { key: codec::event_key(tenant, "/t", id), content_hash, retry: None };
    Pending { record: Arc::new(record), bytes: start..buffer.len(), identity: Some(identity) }
}

fn sale(id: &str, quantity: i64, buffer: &mut Vec<u8>) -> Pending {
    let data = format!(r#"{{"sku":"A","location":"L","quantity":{quantity}}}"#);
    pending("pos.sale", id, &data, None, buffer)
}

const ROOMY: GroupLimits = GroupLimits { records_max: 100, bytes_max: 1 << 20 };

#[track_caller]
fn outcomes(answer: oneshot::Receiver<Written>) -> Vec<Outcome> {
    match answer.blocking_recv().unwrap() {
        Written::Done(outcomes) => outcomes,
        Written::DiskFull => panic!("the disk is full"),
    }
}

fn accepted(lsn: u64) -> Outcome {
    Outcome::Accepted(Lsn(lsn))
}

fn duplicate(lsn: u64) -> Outcome {
    Outcome::Duplicate(Lsn(lsn))
}

fn ids(groups: &[Vec<Committed>]) -> Vec<Vec<&str>> {
    groups.iter().map(|group| group.iter().map(|one| one.record.id.as_str()).collect()).collect()
}

#[test]
fn a_repeat_is_known_within_its_request_its_group_and_after_it() {
    let data = tempfile::tempdir().unwrap();
    let mut house = House::open(data.path(), ROOMY);
    let first = house.submit(&[("a", 1), ("b", 1), ("a", 1)]);
    let second = house.submit(&[("b", 1), ("c", 1), ("a", 2)]);
    house.work();
    assert_eq!(outcomes(first), [accepted(1), accepted(2), duplicate(1)]);
    assert_eq!(outcomes(second), [duplicate(2), accepted(3), Outcome::Reused(Lsn(1))]);
    let third = house.submit(&[("c", 1), ("a", 1), ("b", 9), ("d", 1)]);
    assert_eq!(outcomes(third), [duplicate(3), duplicate(1), Outcome::Reused(Lsn(2)), accepted(4)]);
    let groups = house.stop();
    assert_eq!(ids(&groups), [vec!["a", "b", "c"], vec!["d"]], "two groups, each event in one of them once");
}

#[test]
fn repeats_are_known_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let mut house = House::open(data.path(), ROOMY);
    let first = house.submit(&[("a", 1), ("b", 1)]);
    house.work();
    outcomes(first);
    house.stop();
    let mut house = House::open(data.path(), ROOMY);
    house.work();
    let again = house.submit(&[("b", 1), ("a", 2), ("c", 1)]);
    assert_eq!(outcomes(again), [duplicate(2), Outcome::Reused(Lsn(1)), accepted(3)]);
    let reach = *house.shared.reach.read();
    assert_eq!((reach.events, reach.since.map(|(lsn, _)| lsn)), (3, Some(Lsn(1))));
    assert_eq!(ids(&house.stop()), [["c"]]);
}

#[test]
fn a_request_of_repeats_alone_writes_nothing_and_holds_no_credits() {
    let data = tempfile::tempdir().unwrap();
    let mut house = House::open(data.path(), ROOMY);
    house.work();
    outcomes(house.submit(&[("a", 1)]));
    let held = house.admission.usage().0;
    assert_eq!(outcomes(house.submit(&[("a", 1), ("a", 1)])), [duplicate(1), duplicate(1)]);
    assert_eq!(house.admission.usage().0, held, "only what is not applied yet holds credits");
    house.admission.applied(Lsn(1));
    assert_eq!(house.admission.usage().0, Credits::default());
    assert_eq!(house.stop().len(), 1);
}

/// An entry of quarantine is closed without effect.
fn closing(entry: u64, buffer: &mut Vec<u8>) -> Pending {
    let body = SystemBody::QuarantineClosed { entry: Lsn(entry), retried: false };
    let pending = pending_own(system_record(TenantNumber(0), Name::from("ann"), body), buffer).unwrap();
    let identity = codec::closing_identity(TenantNumber(0), Lsn(entry));
    Pending { identity: Some(identity), ..pending }
}

/// It is tried again as this event, and closed by that.
fn retry(entry: u64, id: &str, buffer: &mut Vec<u8>) -> Vec<Pending> {
    let mut event = sale(id, 1, buffer);
    let entry_key = codec::entry_key(TenantNumber(0), Lsn(entry));
    event.identity = event.identity.map(|identity| EventIdentity {
        retry: Some(RetryIdentity { entry_key, keeps_id: false }),
        ..identity
    });
    let body = SystemBody::QuarantineClosed { entry: Lsn(entry), retried: true };
    vec![event, pending_own(system_record(TenantNumber(0), Name::from("bob"), body), buffer).unwrap()]
}

#[test]
fn of_closing_an_entry_and_trying_it_again_the_one_that_comes_first_counts() {
    let data = tempfile::tempdir().unwrap();
    let mut house = House::open(data.path(), ROOMY);
    let submit = |make: &dyn Fn(&mut Vec<u8>) -> Vec<Pending>| {
        let mut buffer = Vec::new();
        let records = make(&mut buffer);
        house.submit_pending(records, buffer)
    };
    let answers = [
        submit(&|buffer| vec![closing(70, buffer)]),
        submit(&|buffer| retry(70, "a", buffer)),
        submit(&|buffer| vec![closing(70, buffer)]),
        submit(&|buffer| retry(80, "b", buffer)),
        submit(&|buffer| vec![closing(80, buffer)]),
        submit(&|buffer| vec![closing(90, buffer)]),
    ];
    house.work();
    let told = answers.map(outcomes);
    let reused = Outcome::Reused;
    assert_eq!(told[0], [accepted(1)]);
    assert_eq!(told[1], [reused(Lsn(1)), reused(Lsn(1))], "what was closed takes no effect any more");
    assert_eq!(told[2], [duplicate(1)], "closing twice is closing once");
    assert_eq!(told[3], [accepted(2), accepted(3)]);
    assert_eq!(told[4], [reused(Lsn(2))], "what was tried again is not closed without effect");
    assert_eq!(told[5], [accepted(4)], "another entry is another matter");
    assert_eq!(house.stop().iter().map(Vec::len).sum::<usize>(), 4);
}

#[test]
fn a_group_ends_with_the_request_that_fills_it() {
    let data = tempfile::tempdir().unwrap();
    let mut house = House::open(data.path(), GroupLimits { records_max: 3, ..ROOMY });
    let answers: Vec<_> = ["a", "b"]
        .map(|name| [format!("{name}1"), format!("{name}2")])
        .iter()
        .map(|[one, two]| house.submit(&[(one, 1), (two, 1)]))
        .collect();
    let last = house.submit(&[("c1", 1)]);
    house.work();
    let answers: Vec<_> = answers.into_iter().map(outcomes).collect();
    assert_eq!(answers, [[accepted(1), accepted(2)], [accepted(3), accepted(4)]]);
    assert_eq!(outcomes(last), [accepted(5)]);
    assert_eq!(ids(&house.stop()), [vec!["a1", "a2", "b1", "b2"], vec!["c1"]]);
}

#[test]
fn times_go_on_while_the_wall_clock_goes_back() {
    let data = tempfile::tempdir().unwrap();
    let mut house = House::open(data.path(), ROOMY);
    let declared = house.submit_own(
        SystemBody::TenantDeclared {
            name: Name::from("default"),
            clock: ClockKind::Wall,
            base_currency: Currency::parse("EUR").unwrap(),
            timezone: Name::from("UTC"),
        },
        TenantNumber(0),
    );
    let before = house.submit(&[("a", 1), ("b", 1)]);
    house.work();
    assert_eq!((outcomes(declared), outcomes(before)), (vec![accepted(1)], vec![accepted(2), accepted(3)]));
    for n in 0..20 {
        outcomes(house.submit(&[(&format!("later-{n}"), 1)]));
    }
    let mut buffer = Vec::new();
    let told =
        pending("pos.sale", "told", r#"{"sku":"A","location":"L","quantity":1}"#, Some(77), &mut buffer);
    outcomes(house.submit_pending(vec![told], buffer));
    let groups = house.stop();
    let records: Vec<&Record> = groups.iter().flatten().map(|committed| &*committed.record).collect();
    assert_eq!(records.len(), 24);
    assert!(records.iter().enumerate().all(|(at, record)| record.lsn == Lsn(at as u64 + 1)));
    for pair in records.windows(2) {
        assert!(pair[0].ingest_time < pair[1].ingest_time, "each has an ingest time of its own");
        assert!(pair[0].business_time <= pair[1].business_time);
    }
    let (told, untold) = records[1..].split_last().unwrap();
    assert!(
        untold.iter().all(|record| record.event_time == record.ingest_time),
        "no time told: that of ingest"
    );
    assert_eq!(told.event_time, Timestamp::from_micros(77), "told is told");

    // What the journal keeps is what was handed on.
    let (journal, _) = Journal::open(data.path(), JournalOptions { segment_bytes_max: 1 << 20 }).unwrap();
    for (read, record) in journal.reader().read_from(1).zip(&records) {
        let (kept, _) = codec::decode(&read.unwrap().1).unwrap();
        assert_eq!(format!("{kept:?}"), format!("{record:?}"));
    }
}

/// Between the decision and its record the wall is set back. Were the record earlier than what was decided, a wait that was
/// decided with it would last as long as the wall was set back.
#[test]
fn business_time_is_not_before_what_was_decided() {
    let data = tempfile::tempdir().unwrap();
    let mut house = House::open(data.path(), ROOMY);
    house.work();
    let declared = SystemBody::TenantDeclared {
        name: Name::from("default"),
        clock: ClockKind::Wall,
        base_currency: Currency::parse("EUR").unwrap(),
        timezone: Name::from("UTC"),
    };
    outcomes(house.submit_own(declared, TenantNumber(0)));
    let decided_at = wall_clock().plus(3_600_000_000);
    let body = SystemBody::QuarantineClosed { entry: Lsn(1), retried: false };
    let decided =
        Record { event_time: decided_at, ..system_record(TenantNumber(0), Name::from("tidewatch"), body) };
    let mut buffer = Vec::new();
    let records = vec![pending_own(decided, &mut buffer).unwrap()];
    let (reply, answer) = oneshot::channel();
    house.submissions.send(Submission::Own { records, buffer, origin: None, reply: Some(reply) }).unwrap();
    outcomes(answer);
    outcomes(house.submit(&[("later", 1)]));
    let seen = house.shared.business_time(TenantNumber(0), wall_clock());
    let groups = house.stop();
    let times: Vec<Timestamp> =
        groups.iter().flatten().skip(1).map(|committed| committed.record.business_time).collect();
    assert_eq!((times, seen), (vec![decided_at; 2], decided_at));
}

#[test]
fn an_event_clock_moves_with_clock_events_alone_and_never_back() {
    let data = tempfile::tempdir().unwrap();
    let mut house = House::open(data.path(), ROOMY);
    house.work();
    let declared = SystemBody::TenantDeclared {
        name: Name::from("default"),
        clock: ClockKind::Event,
        base_currency: Currency::parse("EUR").unwrap(),
        timezone: Name::from("UTC"),
    };
    outcomes(house.submit_own(declared, TenantNumber(0)));
    let advance = |id: &str, to: &str| {
        let mut buffer = Vec::new();
        let event = pending("clock.advanced", id, &format!(r#"{{"to":"{to}"}}"#), None, &mut buffer);
        outcomes(house.submit_pending(vec![event], buffer));
    };
    outcomes(house.submit(&[("a", 1)]));
    advance("forward", "2020-01-02T00:00:00Z");
    outcomes(house.submit(&[("b", 1)]));
    advance("back", "2020-01-01T00:00:00Z");
    outcomes(house.submit(&[("c", 1)]));
    let groups = house.stop();
    let times: Vec<String> =
        groups.iter().flatten().map(|committed| committed.record.business_time.to_string()).collect();
    let (start, later) = ("1970-01-01T00:00:00Z", "2020-01-02T00:00:00Z");
    assert_eq!(times, [start, start, later, later, later, later]);
}
