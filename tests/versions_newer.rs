//! A program that meets what a newer one has written stops, says so, and leaves everything as it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use common::{Tower, event};
use serde_json::json;
use tidewatch::journal::envelope::{self, EnvelopeRef};
use tidewatch::journal::{GroupBuilder, Journal, JournalOptions};
use tidewatch::runtime::codec::{FOLD_VERSION, SCHEMA_VERSION};

/// A data directory with a few records, after a clean stop.
fn data_directory() -> tempfile::TempDir {
    let mut tower = Tower::dev();
    tower.http().accept(&[event("pos.sale", "1", json!({"sku": "A", "location": "L", "quantity": 1}))]);
    tower.stop();
    let copied = tempfile::tempdir().unwrap();
    let copy = Command::new("cp").arg("-r").arg(tower.data()).arg(copied.path().join("data")).status();
    assert!(copy.unwrap().success());
    copied
}

/// Appends what a newer program would have written.
fn append(data: &Path, change: impl FnOnce(EnvelopeRef<'_>) -> EnvelopeRef<'_>, body: &[u8]) -> u64 {
    let (mut journal, _) = Journal::open(&data.join("journal"), JournalOptions::default()).unwrap();
    let lsn = journal.next_lsn();
    let plain = envelope::Envelope {
        lsn,
        epoch: journal.epoch(),
        schema_version: SCHEMA_VERSION,
        fold_version: FOLD_VERSION,
        kind: 3,
        record_type: "tower.started".into(),
        ..envelope::Envelope::default()
    };
    let mut record = Vec::new();
    envelope::encode_record(&change(plain.borrowed()), body, &mut record);
    let mut group = GroupBuilder::new(lsn);
    group.push(&record).unwrap();
    journal.append_group(&mut group).unwrap();
    journal.close().unwrap();
    lsn
}

fn files(data: &Path) -> BTreeMap<String, Vec<u8>> {
    let journal = std::fs::read_dir(data.join("journal")).unwrap();
    journal
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect()
}

fn serve(data: &Path) -> Output {
    Command::new(common::tower::program())
        .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .output()
        .unwrap()
}

#[track_caller]
fn expect_refusal(data: &Path, lsn: u64, version: &str, found: u16, known: u16) {
    let before = files(data);
    let output = serve(data);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    for part in [
        format!("record {lsn}"),
        format!("{version} version {found}"),
        format!("up to {known}"),
        "start that one, or restore a backup".to_owned(),
        format!("nothing in {} was changed", data.display()),
    ] {
        assert!(told.contains(&part), "`{part}` is not said: {told}");
    }
    assert_eq!(files(data), before, "the journal was changed");
}

#[test]
fn a_newer_record_stops_the_start_before_anything_is_changed() {
    let directory = data_directory();
    let data = directory.path().join("data");
    let started = json!({"started": {"version": "9.0.0", "fold_version": FOLD_VERSION}}).to_string();
    let lsn = append(
        &data,
        |envelope| EnvelopeRef { fold_version: FOLD_VERSION + 1, ..envelope },
        started.as_bytes(),
    );
    // A torn tail behind it stays, too: only the program that can read the rest may judge it.
    let segment = data.join("journal/00000000000000000001.twj");
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes.extend_from_slice(&[0xf7, b'T', b'W', b'G', 1, 0]);
    std::fs::write(&segment, bytes).unwrap();
    expect_refusal(&data, lsn, "fold", FOLD_VERSION + 1, FOLD_VERSION);
}

#[test]
fn so_does_a_newer_schema() {
    let directory = data_directory();
    let data = directory.path().join("data");
    let lsn = append(&data, |envelope| EnvelopeRef { schema_version: SCHEMA_VERSION + 7, ..envelope }, b"??");
    expect_refusal(&data, lsn, "schema", SCHEMA_VERSION + 7, SCHEMA_VERSION);
}

#[test]
fn a_start_of_a_newer_program_stops_it_too() {
    let directory = data_directory();
    let data = directory.path().join("data");
    let started = json!({"started": {"version": "9.0.0", "fold_version": FOLD_VERSION + 3}}).to_string();
    let lsn = append(&data, |envelope| envelope, started.as_bytes());
    let output = serve(&data);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{told}");
    assert!(told.contains(&format!("record {lsn} is of fold version {}", FOLD_VERSION + 3)), "{told}");
}
