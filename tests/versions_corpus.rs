//! The golden corpus: journals and snapshots as every released version wrote them must load for ever, and show the same.
//!
//! `docs/versions.md` says how a version adds its own; `tests/corpus/README.md` says where each comes from.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod catalogue;
mod common;
mod decision;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use catalogue::actions::{self, People};
use catalogue::{Stage, demand, places, sources, suppliers};
use common::sandbox::{Sandbox, free_address};
use common::{Client, Tower, eventually};
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Map, Value, json};
use tidewatch::domain::event::{EventType, RESERVED_TYPES};
use tidewatch::journal::envelope;
use tidewatch::journal::{Journal, JournalOptions};

/// What a corpus of another place in time would show otherwise.
const VOLATILE: [&str; 4] = ["lsn", "position", "as_of", "started_at"];

const LISTS: [&str; 14] = [
    "sku-locations",
    "suppliers",
    "exceptions?state=open&state=acknowledged&state=in_case&state=snoozed&state=resolved&state=cleared",
    "cases?state=draft&state=proposed&state=awaiting_approval&state=approved&state=executing&state=executed&state=reconciled&state=closed&state=rejected&state=cancelled&state=expired&state=failed&state=superseded",
    "actions",
    "deliveries",
    "items",
    "locations",
    "customers",
    "orders",
    "purchase-orders",
    "transfers",
    "promotions",
    "quarantine",
];

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// One corpus: `actors.toml`, `journal/*.gz`, `expected.json.gz`, and perhaps `generations/`.
fn corpora() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = std::fs::read_dir(corpus())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("expected.json.gz").is_file())
        .collect();
    all.sort();
    all
}

fn unzipped(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(std::fs::File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

fn zip(bytes: &[u8], path: &Path) {
    let mut encoder = GzEncoder::new(std::fs::File::create(path).unwrap(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap();
}

/// Copies a folder, files that end in `.gz` without their compression.
fn unpack(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        match name.strip_suffix(".gz") {
            _ if path.is_dir() => unpack(&path, &to.join(name)),
            Some(plain) => std::fs::write(to.join(plain), unzipped(&path)).unwrap(),
            None => drop(std::fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}

fn tenants(configuration: &str) -> Vec<String> {
    let named =
        configuration.lines().filter_map(|line| line.trim().strip_prefix("[tenants.")?.strip_suffix(']'));
    std::iter::once("default").chain(named).map(str::to_owned).collect()
}

fn without_volatile(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !VOLATILE.contains(&name.as_str()));
            members.values_mut().for_each(without_volatile);
        }
        Value::Array(elements) => elements.iter_mut().for_each(without_volatile),
        _ => {}
    }
}

/// Everything that can be read, by tenant and list.
fn picture(tower: &Tower, tenants: &[String]) -> Value {
    let mut all = Map::new();
    // All at once: the tower looks for new keys now and then.
    let keys: Vec<String> = tenants
        .iter()
        .map(|tenant| tower.create_key(&format!("reader-{tenant}"), "admin", &["--tenant", tenant]).1)
        .collect();
    for (tenant, key) in tenants.iter().zip(keys) {
        let client = tower.http().with_key(&key);
        eventually("the key is known", || (client.get("/api/v1/items").status == 200).then_some(()));
        eventually("it is at rest", || {
            let stats = client.get("/api/v1/stats").expect(200);
            let lsn = stats["lsn"].as_u64().unwrap();
            (client.settled("/api/v1/exceptions?limit=1", lsn).status == 200).then_some(())
        });
        let mut of_tenant = Map::new();
        for list in LISTS {
            let mut items = client.list(&format!("/api/v1/{list}"));
            items.iter_mut().for_each(without_volatile);
            items.sort_by_key(Value::to_string);
            of_tenant.insert(list.split('?').next().unwrap().to_owned(), items.into());
        }
        all.insert(tenant.clone(), of_tenant.into());
    }
    all.into()
}

/// A tower on a copy of what a corpus holds, with or without its generations.
fn load(corpus: &Path, with_generations: bool) -> (Tower, Vec<String>) {
    let configuration = std::fs::read_to_string(corpus.join("actors.toml")).unwrap();
    let corpus = corpus.to_owned();
    let tenants = tenants(&configuration);
    let tower = Tower::launch()
        .event_clock()
        .configuration(&configuration)
        .prepare(move |directory| {
            for folder in ["journal", "generations"] {
                let from = corpus.join(folder);
                if from.is_dir() && (folder == "journal" || with_generations) {
                    unpack(&from, &directory.join("data").join(folder));
                }
            }
        })
        .start();
    (tower, tenants)
}

/// Says where two pictures differ first, instead of printing both.
#[track_caller]
fn expect_same(found: &Value, expected: &Value, at: &str) {
    match (found, expected) {
        (Value::Object(found), Value::Object(expected)) => {
            // What a version adds is no difference.
            for (name, value) in expected {
                let found = found.get(name).unwrap_or_else(|| panic!("{at}/{name} is gone"));
                expect_same(found, value, &format!("{at}/{name}"));
            }
        }
        (Value::Array(found), Value::Array(expected)) => {
            assert_eq!(found.len(), expected.len(), "{at}");
            for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
                expect_same(found, expected, &format!("{at}/{index}"));
            }
        }
        _ => assert_eq!(found, expected, "{at}"),
    }
}

/// Snapshots of a fold version that no migration leads on from: `docs/versions.md` says why.
const PASSED_OVER: &[&str] = &["v0.1.0-fold3-snapshot"];

fn check(corpus: &Path, with_generations: bool) {
    let (mut tower, tenants) = load(corpus, with_generations);
    let expected: Value = serde_json::from_slice(&unzipped(&corpus.join("expected.json.gz"))).unwrap();
    let name = corpus.file_name().unwrap().to_string_lossy().into_owned();
    let started_from = tower.http().get("/readyz").expect(200)["generation"].clone();
    let is_read = with_generations && !PASSED_OVER.contains(&name.as_str());
    assert_eq!(started_from.is_u64(), is_read, "{name} starts from its snapshot if it can be read");
    expect_same(&picture(&tower, &tenants), &expected, &name);
    // What the start itself journaled is read back as well.
    tower.stop();
    tower.start_again();
    expect_same(&picture(&tower, &tenants), &expected, &name);
}

#[test]
fn every_corpus_loads_and_shows_what_it_showed() {
    let all = corpora();
    assert!(!all.is_empty(), "there is no corpus");
    for corpus in all {
        check(&corpus, false);
        if corpus.join("generations").is_dir() {
            check(&corpus, true);
        }
    }
}

/// The types of the records in a journal.
fn record_types(journal: &Path) -> BTreeMap<String, usize> {
    let mut types = BTreeMap::new();
    let (journal, _) = Journal::open(journal, JournalOptions::default()).unwrap();
    for read in journal.reader().read_from(1) {
        let (_, bytes) = read.unwrap();
        let (envelope, _) = envelope::decode_record(&bytes).unwrap();
        *types.entry(envelope.record_type.to_owned()).or_insert(0) += 1;
    }
    types
}

/// Every type of record that this version writes.
fn known_types() -> BTreeSet<String> {
    let own = [
        "tenant.declared",
        "tower.started",
        "configuration.activated",
        "event.rejected",
        "quarantine.closed",
        "tower.restored",
        "outbox.released",
        "supplier.statistics_published",
        "event.refused",
        "exception.condition_noted",
        "exception.opened",
        "exception.updated",
        "exception.acknowledged",
        "exception.assigned",
        "exception.snoozed",
        "exception.resolved",
        "exception.cleared",
        "case.opened",
        "case.options",
        "case.chosen",
        "case.voted",
        "case.approved",
        "case.rejected",
        "case.executing",
        "case.executed",
        "case.reconciled",
        "case.cancelled",
        "case.reopened",
        "case.delegated",
        "case.commented",
        "case.task",
        "case.action",
        "case.updated",
    ];
    let events = EventType::ALL.iter().map(|known| known.as_str()).chain(RESERVED_TYPES.iter().copied());
    events.chain(own).map(str::to_owned).collect()
}

#[test]
fn the_corpora_hold_every_type_of_record() {
    let mut found = BTreeSet::new();
    for corpus in corpora() {
        let directory = tempfile::tempdir().unwrap();
        unpack(&corpus.join("journal"), directory.path());
        found.extend(record_types(directory.path()).into_keys());
    }
    let missing: Vec<String> = known_types().difference(&found).cloned().collect();
    assert_eq!(missing, Vec::<String>::new(), "no corpus holds these: see docs/versions.md");
}

type Life = fn(&mut Stage);
type LifeWithPeople = fn(&mut Stage, &People);

/// Lives of the catalogue that together have most of what an entity can hold.
const LIVES: [(&str, Life); 14] = [
    ("shortage-now", places::shortage_now),
    ("projected-stockout", places::projected_stockout),
    ("expiry-before-use", places::expiry_before_use),
    ("stock-mismatch", places::stock_mismatch),
    ("demand-spike", demand::demand_spike),
    ("forecast-bias", demand::forecast_bias),
    ("promotion-uncovered", demand::promotion_uncovered),
    ("purchase-late", suppliers::purchase_late),
    ("receipt-partial", suppliers::receipt_partial),
    ("lead-time-drift", suppliers::lead_time_drift),
    ("transfer-late", places::transfer_late),
    ("feed-stale", sources::feed_stale),
    ("missing-master-data", sources::missing_master_data),
    ("data-quality", sources::data_quality),
];
const WITH_PEOPLE: [(&str, LifeWithPeople); 2] = [
    ("action-refused", actions::action_refused),
    ("reconciliation-mismatch", actions::reconciliation_mismatch),
];

fn keyed(tower: &Tower, tenant: &str, role: &str) -> Client {
    let (_, key) = tower.create_key(role, role, &["--tenant", tenant]);
    let client = tower.http().with_key(&key);
    eventually("the key is known", || (client.get("/api/v1/items").status == 200).then_some(()));
    client
}

fn post(client: &Client, path: &str, body: Value, status: u16) -> Value {
    let headers = [("Content-Type", "application/json")];
    client.send("POST", &format!("/api/v1{path}"), &headers, body.to_string().as_bytes()).expect(status)
}

/// One event of every type, as the tower's own document shows it.
fn tell_everything(client: &Client) {
    let document = client.get("/openapi.json").expect(200);
    let examples = &document["paths"]["/api/v1/events"]["post"]["requestBody"]["content"]["application/cloudevents+json"]
        ["examples"];
    let examples = examples.as_object().unwrap();
    assert!(examples.len() >= EventType::ALL.len(), "{}", examples.len());
    let mut events: Vec<Value> = examples.values().map(|example| example["value"].clone()).collect();
    // The clock last: what is told lies before it.
    events.sort_by_key(|event| event["type"] == "clock.advanced");
    for event in events {
        client.accept(&[event]);
    }
    for reserved in RESERVED_TYPES {
        client.accept(&[common::event(reserved, reserved, json!({"anything": 1}))]);
    }
    // One that can't be used, and what is done about it; one that is of no use only when it is applied.
    assert_eq!(client.post_event(&common::event("no.such", "bad", json!({}))).status, 422);
    let kept = eventually("an entry", || client.list("/api/v1/quarantine").pop());
    client.delete(&format!("/api/v1/quarantine/{}", kept["id"].as_str().unwrap())).expect(200);
}

/// A count that is accepted, and then needs movements that are forgotten.
fn count_too_late(client: &Client) {
    const HOUR: i64 = 3_600;
    let clock = client.get("/api/v1/stats").expect(200)["business_time"].as_str().unwrap().to_owned();
    let now = clock.parse::<jiff::Timestamp>().unwrap().as_second();
    let mut batch = common::Batch::new("late-count");
    for (hours, quantity) in [(0, 1), (60, 2)] {
        let at = now + hours * HOUR;
        batch.add_at(at, "clock.advanced", json!({"to": common::at(at)}));
        client.accept(&batch.take());
        batch.add_at(at, "pos.sale", json!({"sku": "LATE", "location": "H", "quantity": quantity}));
        client.accept(&batch.take());
    }
    batch.add_at(
        now - 10 * HOUR,
        "inventory.counted",
        json!({"sku": "LATE", "location": "H", "on_hand": 50}),
    );
    client.accept(&batch.take());
    eventually("the count in quarantine", || {
        let kept = client.list("/api/v1/quarantine");
        kept.iter().any(|entry| entry["code"] == "count_too_old").then_some(())
    });
}

/// Places of document lines by half: of what is known, of what waits, and of what moves.
fn halves(client: &Client) {
    let mut batch = common::Batch::new("halves");
    for (sku, location) in [("HALF", "H"), ("HALF", "K")] {
        batch.add("inventory.counted", json!({"sku": sku, "location": location, "on_hand": 500}));
    }
    let waits = json!({"po_id": "NEVER", "line_id": "1", "quantity": 4, "location": "H"});
    batch.add("purchase_order.received", waits);
    let order = json!({"order_id": "HALF", "line_id": "1", "sku": "HALF", "location": "H", "quantity": 50});
    batch.add("order.placed", order);
    let shipped =
        |half: &str, name: &str| json!({"order_id": "HALF", "line_id": "1", "quantity": 7, (half): name});
    batch.add("order.shipped", shipped("sku", "HALF"));
    batch.add("order.shipped", shipped("location", "K"));
    let line = |line: Value| json!({"po_id": "HALF", "supplier": "W", "lines": [line]});
    batch.add(
        "purchase_order.placed",
        line(json!({"line_id": "1", "sku": "HALF", "location": "H", "quantity": 40})),
    );
    batch.add("purchase_order.changed", line(json!({"line_id": "1", "location": "K", "quantity": 41})));
    let received = json!({"po_id": "HALF", "line_id": "1", "quantity": 5, "sku": "HALF"});
    batch.add("purchase_order.received", received);
    client.accept(&batch.take());
}

/// What people do with exceptions and cases beside deciding.
fn handle(tower: &Tower, admin: &Client) {
    let mut batch = common::Batch::new("handle");
    for sku in ["H1", "H2", "H3"] {
        let order = json!({"order_id": sku, "line_id": "1", "sku": sku, "location": "H", "quantity": 50});
        batch.add("order.placed", order);
    }
    batch.add("supplier.described", json!({"supplier": "V", "lead_time_days": 2}));
    let lsn = admin.accept(&batch.take())["lsn"].as_u64().unwrap();
    assert_eq!(admin.settled("/api/v1/exceptions", lsn).status, 200);
    let of = |sku: &str| admin.list(&format!("/api/v1/exceptions?type=shortage_now&sku={sku}"))[0].clone();
    let id = |item: &Value| item["id"].as_str().unwrap().to_owned();
    let exception = id(&of("H1"));
    post(admin, &format!("/exceptions/{exception}/acknowledge"), json!({}), 200);
    post(admin, &format!("/exceptions/{exception}/assign"), json!({"owner": "ann"}), 200);
    post(admin, &format!("/exceptions/{exception}/comment"), json!({"text": "on it"}), 200);
    let until = json!({"until": "2030-01-01T00:00:00Z"});
    post(admin, &format!("/exceptions/{exception}/snooze"), until, 200);
    let dismissed = id(&of("H2"));
    post(admin, &format!("/exceptions/{dismissed}/dismiss"), json!({"reason": "known"}), 200);
    let case = id(&post(admin, "/cases", json!({"exceptions": [id(&of("H3"))]}), 201));
    post(admin, &format!("/cases/{case}/comment"), json!({"text": "look"}), 200);
    post(admin, &format!("/cases/{case}/tasks"), json!({"title": "call them"}), 200);
    // Two roles are wanted: one agrees, the other hands it on and then does not.
    let steps = json!([
        {"kind": "order", "sku": "H3", "location": "H", "supplier": "V", "quantity": 60},
        {"kind": "custom", "sku": "H3", "location": "H", "note": "call the customer"},
    ]);
    let version = || admin.get(&format!("/api/v1/cases/{case}")).expect(200)["version"].clone();
    let own = json!({"kind": "custom", "title": "order and tell", "steps": steps, "version": version()});
    let seen = post(admin, &format!("/cases/{case}/options"), own, 200);
    let own = seen["options"].as_array().unwrap().iter().find(|option| option["kind"] == "custom").unwrap();
    let body = json!({"option_id": own["id"], "version": version()});
    post(admin, &format!("/cases/{case}/choose"), body, 200);
    let buyer = keyed(tower, "everything", "supply_planner");
    post(&buyer, &format!("/cases/{case}/approve"), json!({"version": version()}), 200);
    let manager = keyed(tower, "everything", "category_manager");
    let delegation = json!({"to": "zoe", "reason": "away"});
    post(&manager, &format!("/cases/{case}/delegate"), delegation, 200);
    post(&manager, &format!("/cases/{case}/reject"), json!({"reason": "no", "version": version()}), 200);
    post(admin, &format!("/cases/{case}/reopen"), json!({"reason": "after all"}), 200);
    post(admin, &format!("/cases/{case}/cancel"), json!({"reason": "enough"}), 200);
}

/// Writes the corpus of this version: `cargo test --test versions_corpus -- --ignored write_corpus`.
#[test]
#[ignore = "writes into tests/corpus"]
fn write_corpus() {
    let sandbox_at = free_address();
    let sandbox = Sandbox::start(sandbox_at, None, &["--wrong", "silence"]);
    let names: Vec<&str> =
        LIVES.iter().map(|(name, _)| *name).chain(WITH_PEOPLE.iter().map(|(name, _)| *name)).collect();
    let tenants: String = ["everything"]
        .iter()
        .chain(&names)
        .map(|name| {
            format!("[tenants.{name}]\nclock = \"event\"\nbase_currency = \"EUR\"\ntimezone = \"UTC\"\n\n")
        })
        .collect();
    let configuration = format!("routing = []\n\n{tenants}");
    let delivering = format!("{configuration}[targets.erp]\nurl = \"http://{sandbox_at}/actions\"\n");
    let mut tower = Tower::launch().event_clock().configuration(&delivering).start();
    let admin = keyed(&tower, "everything", "admin");
    tell_everything(&admin);
    count_too_late(&admin);
    halves(&admin);
    handle(&tower, &admin);
    for (name, life) in LIVES {
        life(&mut Stage::open(keyed(&tower, name, "admin"), leaked(name)));
    }
    for (name, life) in WITH_PEOPLE {
        let mut stage = Stage::open(keyed(&tower, name, "admin"), leaked(name));
        let people = People {
            proposer: keyed(&tower, name, "planner"),
            approver: keyed(&tower, name, "supply_planner"),
        };
        life(&mut stage, &people);
    }
    tower.stop();
    drop(sandbox);

    // Another epoch, and another configuration, by way of a backup.
    let directory = tempfile::tempdir().unwrap();
    let (backup, restored) = (directory.path().join("backup"), directory.path().join("restored"));
    let run = |arguments: &[&str], paths: &[&Path]| {
        let output = Command::new(common::tower::program()).args(arguments).args(paths).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run(&["backup", "--data"], &[&tower.data(), &backup]);
    run(&["restore"], &[&backup, Path::new("--data"), &restored]);
    let from = restored.clone();
    let mut tower = Tower::launch()
        .event_clock()
        .configuration(&format!("{configuration}\n[exceptions.excess]\nraise = 2.0\n"))
        .prepare(move |directory| unpack(&from, &directory.join("data")))
        .start();
    let admin = keyed(&tower, "default", "admin");
    admin.send("POST", "/api/v1/outbox/release", &[], b"").expect(200);
    tower.stop();
    tower.configure(&configuration);
    tower.start_again();
    tower.stop();

    let more = std::env::var("TIDEWATCH_CORPUS_SUFFIX").unwrap_or_default();
    let target = corpus().join(format!(
        "v{}-fold{}{more}",
        env!("CARGO_PKG_VERSION"),
        tidewatch::runtime::codec::FOLD_VERSION
    ));
    let _ = std::fs::remove_dir_all(&target);
    std::fs::create_dir_all(target.join("journal")).unwrap();
    std::fs::write(target.join("actors.toml"), &configuration).unwrap();
    for entry in std::fs::read_dir(tower.data().join("journal")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name != "lock" {
            zip(&std::fs::read(&path).unwrap(), &target.join("journal").join(format!("{name}.gz")));
        }
    }
    // The clean stop took a snapshot.
    pack(&newest_generation(&tower.data()), &target);
    let (loaded, tenants) = load(&target, false);
    let expected = picture(&loaded, &tenants);
    zip(serde_json::to_string_pretty(&expected).unwrap().as_bytes(), &target.join("expected.json.gz"));
    drop(loaded);
    check(&target, false);
    check(&target, true);
    let unpacked = directory.path().join("journal");
    unpack(&target.join("journal"), &unpacked);
    for (name, count) in record_types(&unpacked) {
        println!("{name}: {count}");
    }
}

fn newest_generation(data: &Path) -> PathBuf {
    let all = std::fs::read_dir(data.join("generations")).unwrap().map(|entry| entry.unwrap().path());
    all.filter(|path| path.is_dir()).max().unwrap()
}

/// Puts a generation into a corpus, its files compressed.
fn pack(generation: &Path, corpus: &Path) {
    let to = corpus.join("generations").join(generation.file_name().unwrap());
    let mut folders = vec![(generation.to_owned(), to)];
    while let Some((from, to)) = folders.pop() {
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push((path, to.join(name)));
            } else {
                zip(&std::fs::read(&path).unwrap(), &to.join(format!("{name}.gz")));
            }
        }
    }
}

/// The stage names its kind for the rest of the program's life.
fn leaked(tenant: &str) -> &'static str {
    Box::leak(tenant.replace('-', "_").into_boxed_str())
}
