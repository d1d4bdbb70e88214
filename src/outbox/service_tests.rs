//! The outbox in a whole tower, against a system of record that answers as a test says.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::{Outbox, OutboxError};
use crate::config::{FeedConfig, OutboxConfig, TargetConfig};
use crate::domain::approval_case::testing::{action, case};
use crate::domain::approval_case::{
    ActionState, AttemptOutcome, CaseAction, CaseChange, CaseCommand, CaseDecision, CaseState, CaseTransition,
};
use crate::domain::command::{Actor, Command};
use crate::domain::ids::{EntityKey, Name, TenantNumber};
use crate::domain::money::Currency;
use crate::domain::quantity::Quantity;
use crate::domain::record::ClockKind;
use crate::domain::settings::Settings;
use crate::feed::{self, Hub};
use crate::runtime::{TenantOptions, Tower, TowerOptions, wall_clock};

const SOON: Duration = Duration::from_secs(30);
const TENANT: TenantNumber = TenantNumber(0);

/// What the system of record does with a request.
#[derive(Clone, Copy, Debug)]
enum Reply {
    Takes,
    Status(u16),
    /// Takes it, and says so only after that long.
    Slowly(Duration),
    /// Takes it and never answers.
    Hangs,
}

/// A system of record: for each request its key, in the order of arrival.
struct Erp {
    address: SocketAddr,
    keys: Arc<Mutex<Vec<String>>>,
    busiest: Arc<AtomicUsize>,
}

impl Erp {
    /// `script` says what to do with the n-th request (from 0).
    fn start(script: impl Fn(usize) -> Reply + Send + Sync + 'static) -> Erp {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let erp =
            Erp { address: listener.local_addr().unwrap(), keys: Arc::default(), busiest: Arc::default() };
        let (keys, busiest) = (erp.keys.clone(), erp.busiest.clone());
        let (script, busy) = (Arc::new(script), Arc::new(AtomicUsize::new(0)));
        // Ends with the test program.
        std::thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                let (keys, busiest) = (keys.clone(), busiest.clone());
                let (script, busy) = (script.clone(), busy.clone());
                std::thread::spawn(move || {
                    let mut reader = BufReader::new(socket);
                    while let Some(key) = read_request(&mut reader) {
                        busiest.fetch_max(busy.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                        let number = {
                            let mut keys = keys.lock();
                            keys.push(key);
                            keys.len() - 1
                        };
                        answer(reader.get_mut(), script(number));
                        busy.fetch_sub(1, Ordering::SeqCst);
                    }
                });
            }
        });
        erp
    }

    fn target(&self) -> TargetConfig {
        TargetConfig {
            url: format!("http://{}/actions", self.address).into(),
            backoff_initial_ms: 10,
            backoff_max_ms: 20,
            breaker_open_ms: 10,
            retries_per_minute_max: 100_000,
            ..TargetConfig::with_defaults("erp")
        }
    }

    fn requests(&self) -> usize {
        self.keys.lock().len()
    }
}

fn read_request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let (mut key, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ") {
            match name.to_ascii_lowercase().as_str() {
                "idempotency-key" => key = value.to_owned(),
                "content-length" => length = value.parse().unwrap(),
                _ => {}
            }
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(key)
}

fn answer(socket: &mut TcpStream, reply: Reply) {
    let taken = "{\"external_ref\":\"PO-1\"}";
    let (status, body) = match reply {
        Reply::Takes => (201, taken),
        Reply::Status(status) => (status, "{}"),
        Reply::Slowly(after) => {
            std::thread::sleep(after);
            (201, taken)
        }
        Reply::Hangs => {
            // Until the other side goes away.
            let _ = socket.read(&mut [0; 1]);
            return;
        }
    };
    let _ = write!(socket, "HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len());
}

fn options(data: &Path, clock: ClockKind) -> TowerOptions {
    TowerOptions {
        data: data.to_owned(),
        shards: 2,
        segment_bytes_max: 1 << 24,
        group_records_max: 1_000,
        group_bytes_max: 1 << 20,
        duplicate_window_events: 1_000,
        compress_sealed: true,
        trim: crate::runtime::TrimOptions::default(),
        records_max: 10_000,
        bytes_max: 1 << 24,
        batch_records_max: 64,
        reconcile_budget: Duration::from_millis(20),
        review_slice: 100,
        look_slice: 100,
        look_again: Duration::from_secs(1),
        look_again_percent: 25,
        replay_records_in_flight_max: 1_000,
        quarantine_entries_max: 1_000,
        exceptions_ended_max: 1_000,
        state_interval: Duration::from_millis(200),
        snapshot_journal_bytes: 1 << 30,
        snapshot_slice_entities: 16,
        entities_live_max: 1_000_000,
        packed_bytes_max: 1 << 30,
        snapshot_free_bytes_min: 0,
        settings: Settings::default(),
        settings_hash: String::new(),
        tenants: vec![TenantOptions {
            name: Name::from("default"),
            clock,
            insists_on_clock: false,
            base_currency: Currency::parse("EUR").unwrap(),
            timezone: Name::from("UTC"),
        }],
    }
}

/// A tower with its outbox, on a thread of its own.
struct House {
    tower: Arc<Tower>,
    client: tokio::runtime::Runtime,
    stop: Option<oneshot::Sender<Duration>>,
    thread: Option<JoinHandle<bool>>,
}

impl House {
    fn start(data: &Path, target: &TargetConfig) -> House {
        House::on(data, target, ClockKind::Wall)
    }

    fn on(data: &Path, target: &TargetConfig, clock: ClockKind) -> House {
        let (options, target) = (options(data, clock), target.clone());
        let (ready, started) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let run = async move {
            let (state_sink, journal_sink, inlet) = feed::channel();
            let (done, recovered) = oneshot::channel();
            let tower = Tower::start(options, state_sink, journal_sink, done).unwrap();
            let feed: FeedConfig = crate::config::Config::default().feed;
            let _hub = Hub::start(inlet, tower.clone(), feed).unwrap();
            let outbox = OutboxConfig { enabled: true, in_flight_max: 32 };
            let outbox = Outbox::start(tower.clone(), &outbox, &[target]).unwrap();
            recovered.await.unwrap().unwrap();
            ready.send(tower.clone()).unwrap();
            let within = stopped.await.unwrap_or(Duration::ZERO);
            tower.begin_drain();
            let in_time = outbox.drain(within).await;
            assert!(tower.drain(SOON).await, "the tower drains");
            in_time
        };
        let thread = std::thread::spawn(move || actix_web::rt::System::new().block_on(run));
        let tower = started.recv_timeout(SOON).expect("the tower starts");
        let client = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        House { tower, client, stop: Some(stop), thread: Some(thread) }
    }

    /// Stops it, with that long for attempts under way; whether they ended.
    fn stop(mut self, within: Duration) -> bool {
        self.stop.take().unwrap().send(within).unwrap();
        self.thread.take().unwrap().join().unwrap()
    }

    /// A case whose one action was approved.
    fn approve(&self, id: &str) {
        let (approved, now) = (format!("act_{id}"), wall_clock());
        let mut item = case(id);
        item.state = CaseState::Approved;
        item.opened_at = now;
        let mut action = action(&approved, "A", "L1", None, Quantity::from_units(5));
        (action.approved_at, action.next_attempt_at) = (now, Some(crate::domain::time::Timestamp::default()));
        action.expires_at = now.plus_days(30.0);
        item.actions.push(action);
        let opened = CaseTransition { kind: CaseChange::Opened, item, claims: Vec::new() };
        let running = self.tower.running().unwrap();
        let actor = Actor::system("tests");
        let done = self.client.block_on(running.open_case(TENANT, opened, &actor, None, SOON));
        done.unwrap();
    }

    fn command(&self, id: &str, what: CaseDecision) {
        let entity = EntityKey::ApprovalCase { tenant: TENANT, case: id.into() };
        let command = Command::Case(Box::new(CaseCommand { version: None, what }));
        let running = self.tower.running().unwrap();
        let actor = Actor::system("tests");
        self.client.block_on(running.command(entity, command, actor, None, SOON)).unwrap();
    }

    fn action(&self, id: &str) -> CaseAction {
        self.tower.running().unwrap().cases.get(TENANT, id).unwrap().item.actions[0].clone()
    }

    #[track_caller]
    fn wait_for(&self, id: &str, state: ActionState) -> CaseAction {
        let deadline = Instant::now() + SOON;
        loop {
            let action = self.action(id);
            if action.state == state {
                return action;
            }
            assert!(Instant::now() < deadline, "never {state:?}: {action:?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

#[track_caller]
fn wait_until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn an_approved_action_is_delivered_once_with_its_id_as_the_key() {
    let directory = tempfile::tempdir().unwrap();
    let erp = Erp::start(|_| Reply::Takes);
    let house = House::start(directory.path(), &erp.target());
    house.approve("1");
    let action = house.wait_for("1", ActionState::Delivered);
    assert_eq!((action.attempt_count, action.external_ref.as_deref()), (1, Some("PO-1")));
    assert_eq!(action.attempts[0].outcome, AttemptOutcome::Delivered);
    assert!(house.stop(SOON));
    // Nor by the next process.
    let house = House::start(directory.path(), &erp.target());
    house.approve("2");
    house.wait_for("2", ActionState::Delivered);
    assert_eq!(*erp.keys.lock(), ["act_1", "act_2"]);
    house.stop(SOON);
}

#[test]
fn failures_are_tried_again_also_while_an_event_clock_stands_still() {
    for clock in [ClockKind::Wall, ClockKind::Event] {
        let directory = tempfile::tempdir().unwrap();
        let erp = Erp::start(|request| if request < 4 { Reply::Status(503) } else { Reply::Takes });
        let house = House::on(directory.path(), &erp.target(), clock);
        house.approve("1");
        let action = house.wait_for("1", ActionState::Delivered);
        let outcomes: Vec<_> = action.attempts.iter().map(|made| (made.outcome, made.status)).collect();
        let failed = (AttemptOutcome::Failed, Some(503));
        let delivered = (AttemptOutcome::Delivered, Some(201));
        assert_eq!(outcomes, [failed, failed, failed, failed, delivered], "{clock:?}");
        assert_eq!(erp.busiest.load(Ordering::SeqCst), 1, "one after the other");
        house.stop(SOON);
    }
}

#[test]
fn a_no_is_final() {
    let directory = tempfile::tempdir().unwrap();
    let erp = Erp::start(|_| Reply::Status(422));
    let house = House::start(directory.path(), &erp.target());
    house.approve("1");
    let action = house.wait_for("1", ActionState::Refused);
    assert_eq!((action.attempt_count, erp.requests()), (1, 1));
    house.stop(SOON);
}

#[test]
fn a_dead_letter_stays_dead_until_a_person_tries_it_again() {
    let directory = tempfile::tempdir().unwrap();
    let erp = Erp::start(|request| if request < 5 { Reply::Status(500) } else { Reply::Takes });
    let target = TargetConfig { attempts_max: 3, ..erp.target() };
    let house = House::start(directory.path(), &target);
    house.approve("1");
    assert_eq!(house.wait_for("1", ActionState::Dead).attempt_count, 3);
    house.stop(SOON);
    let house = House::start(directory.path(), &target);
    house.approve("2");
    // The other one uses up one more failure, and nothing comes from the dead one.
    house.wait_for("2", ActionState::Delivered);
    assert_eq!(house.action("1").state, ActionState::Dead);
    house.command("1", CaseDecision::RetryAction { action_id: "act_1".into() });
    assert_eq!(house.wait_for("1", ActionState::Delivered).attempt_count, 4);
    let metrics = &house.tower.metrics;
    let label = |outcome| crate::runtime::metrics::AttemptLabel { target: "erp".to_owned(), outcome };
    let counted = |outcome| metrics.outbox_attempts.get_or_create(&label(outcome)).get();
    wait_until("two deliveries", || counted("delivered") == 2);
    assert_eq!(counted("failed"), 2);
    house.stop(SOON);
}

#[test]
fn what_a_restart_finds_unfinished_is_repeated_under_the_same_key() {
    let directory = tempfile::tempdir().unwrap();
    let erp = Erp::start(|request| if request == 0 { Reply::Hangs } else { Reply::Takes });
    let house = House::start(directory.path(), &erp.target());
    house.approve("1");
    wait_until("a request", || erp.requests() == 1);
    assert!(!house.stop(Duration::from_millis(50)), "the attempt does not end");
    let house = House::start(directory.path(), &erp.target());
    let action = house.wait_for("1", ActionState::Delivered);
    let outcomes: Vec<_> = action.attempts.iter().map(|made| made.outcome).collect();
    assert_eq!(outcomes, [AttemptOutcome::Unknown, AttemptOutcome::Delivered]);
    assert_eq!(*erp.keys.lock(), ["act_1", "act_1"]);
    house.stop(SOON);
}

#[test]
fn what_a_restart_finds_unfinished_is_left_to_a_person_where_a_repeat_would_count() {
    let directory = tempfile::tempdir().unwrap();
    let erp = Erp::start(|_| Reply::Hangs);
    let target = TargetConfig { idempotent: false, ..erp.target() };
    let house = House::start(directory.path(), &target);
    house.approve("1");
    wait_until("a request", || erp.requests() == 1);
    house.stop(Duration::from_millis(50));
    let house = House::start(directory.path(), &target);
    let action = house.wait_for("1", ActionState::Dead);
    assert!(action.error.is_some_and(|error| error.contains("look there")));
    assert_eq!(erp.requests(), 1);
    house.stop(SOON);
}

#[test]
fn a_stop_waits_for_an_attempt_and_begins_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let erp = Erp::start(|_| Reply::Slowly(Duration::from_millis(300)));
    let target = TargetConfig { max_in_flight: 1, ..erp.target() };
    let house = House::start(directory.path(), &target);
    house.approve("1");
    house.approve("2");
    wait_until("a request", || erp.requests() == 1);
    assert!(house.stop(SOON));
    assert_eq!(erp.requests(), 1);
    let house = House::start(directory.path(), &target);
    house.wait_for("2", ActionState::Delivered);
    assert_eq!(house.action("1").attempt_count, 1, "its end was journaled by the stop");
    house.stop(SOON);
}

#[test]
fn many_actions_go_out_within_the_bound_and_each_once() {
    let directory = tempfile::tempdir().unwrap();
    let erp = Erp::start(|_| Reply::Slowly(Duration::from_millis(20)));
    let target = TargetConfig { max_in_flight: 4, ..erp.target() };
    let house = House::start(directory.path(), &target);
    let cases: Vec<String> = (0..40).map(|case| case.to_string()).collect();
    cases.iter().for_each(|case| house.approve(case));
    cases.iter().for_each(|case| drop(house.wait_for(case, ActionState::Delivered)));
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    erp.keys.lock().iter().for_each(|key| *times.entry(key.clone()).or_default() += 1);
    assert_eq!(times.len(), 40);
    assert!(times.values().all(|times| *times == 1), "{times:?}");
    assert!(erp.busiest.load(Ordering::SeqCst) <= 4);
    house.stop(SOON);
}

#[test]
fn a_secret_that_is_not_there_stops_the_start() {
    let target = TargetConfig {
        url: "http://127.0.0.1:9/".into(),
        authorization_env: "TIDEWATCH_TEST_NO_SUCH_VARIABLE".into(),
        ..TargetConfig::with_defaults("erp")
    };
    let directory = tempfile::tempdir().unwrap();
    let error = actix_web::rt::System::new().block_on(async {
        let (state_sink, journal_sink, _inlet) = feed::channel();
        let (done, _recovered) = oneshot::channel();
        let options = options(directory.path(), ClockKind::Wall);
        let tower = Tower::start(options, state_sink, journal_sink, done).unwrap();
        let config = OutboxConfig { enabled: true, in_flight_max: 1 };
        Outbox::start(tower, &config, &[target]).err()
    });
    assert!(matches!(error, Some(OutboxError::Target(_))), "{error:?}");
}
