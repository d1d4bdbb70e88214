//! Reading records by LSN, at rest and while the writer appends.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/journal_files.rs"]
mod journal_files;

use std::fs::OpenOptions;
use std::io::Write;
use std::thread;

use journal_files::directory;
use proptest::prelude::*;
use tempfile::TempDir;
use tidewatch::journal::{GroupBuilder, Journal, JournalOptions, JournalReader};

fn open(directory: &TempDir, segment_bytes_max: u64) -> Journal {
    Journal::open(directory.path(), JournalOptions { segment_bytes_max }).unwrap().0
}

fn append(journal: &mut Journal, records: &[Vec<u8>]) {
    let mut group = GroupBuilder::new(journal.next_lsn());
    for record in records {
        group.push(record).unwrap();
    }
    journal.append_group(&mut group).unwrap();
}

fn read_from(reader: &JournalReader, lsn: u64) -> Vec<(u64, Vec<u8>)> {
    reader
        .read_from(lsn)
        .map(|entry| {
            let (lsn, bytes) = entry.unwrap();
            (lsn, bytes.to_vec())
        })
        .collect()
}

/// Reading from every LSN, and every record alone, gives what was appended.
fn assert_reads(reader: &JournalReader, expected: &[Vec<u8>]) {
    let all: Vec<(u64, Vec<u8>)> = (1..).zip(expected.iter().cloned()).collect();
    for (lsn, record) in &all {
        assert_eq!(read_from(reader, *lsn), all[*lsn as usize - 1..]);
        assert_eq!(reader.read_one(*lsn).unwrap().unwrap(), record[..]);
    }
    assert_eq!(read_from(reader, 0), all);
    let behind = expected.len() as u64 + 1;
    assert_eq!(read_from(reader, behind), []);
    assert_eq!(reader.read_one(behind).unwrap(), None);
    assert_eq!(reader.read_one(0).unwrap(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn what_was_appended_is_read_back_from_everywhere_before_and_after_a_restart(
        groups in proptest::collection::vec(
            proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 1..6),
            0..12,
        ),
        segment_bytes_max in 0u64..2000,
    ) {
        let directory = directory();
        let mut journal = open(&directory, segment_bytes_max);
        let mut expected = Vec::new();
        for group in &groups {
            append(&mut journal, group);
            expected.extend(group.iter().cloned());
        }
        assert_reads(&journal.reader(), &expected);
        let (identity, hash) = (journal.identity(), journal.last_group_hash());
        drop(journal);
        let journal = open(&directory, segment_bytes_max);
        assert_reads(&journal.reader(), &expected);
        prop_assert_eq!((journal.identity(), journal.last_group_hash()), (identity, hash));
    }
}

#[test]
fn records_far_apart_are_found_through_the_index() {
    let directory = directory();
    let mut journal = open(&directory, 8 << 20);
    // Some are larger than what is read ahead, some MiB apart, over several segments.
    let records: Vec<Vec<u8>> = (0..60u8).map(|n| vec![n; 1000 + usize::from(n % 7) * 200_000]).collect();
    for group in records.chunks(2) {
        append(&mut journal, group);
    }
    let check = |journal: &Journal| {
        let reader = journal.reader();
        for (lsn, record) in (1..).zip(&records) {
            assert!(reader.read_one(lsn).unwrap().unwrap() == record[..], "record {lsn}");
        }
        assert_eq!(reader.read_from(1).count(), records.len());
    };
    check(&journal);
    drop(journal);
    check(&open(&directory, 8 << 20));
}

#[test]
fn a_reader_at_the_end_goes_on_when_more_is_durable() {
    let directory = directory();
    let mut journal = open(&directory, 300);
    let mut records = journal.reader().read_from(1);
    for lsn in 1..=20u64 {
        assert!(records.next().is_none());
        append(&mut journal, &[vec![lsn as u8; 40]]);
        let (read_lsn, bytes) = records.next().unwrap().unwrap();
        assert_eq!((read_lsn, &bytes[..]), (lsn, &vec![lsn as u8; 40][..]));
    }
}

#[test]
fn what_stood_behind_the_durable_end_when_it_was_read_is_read_again() {
    let directory = directory();
    let mut journal = open(&directory, 1 << 20);
    append(&mut journal, &[b"one".to_vec()]);
    let mut records = journal.reader().read_from(1);
    // As when the next group's write has only just begun.
    let path = directory.path().join("00000000000000000001.twj");
    OpenOptions::new().append(true).open(path).unwrap().write_all(&[0; 1000]).unwrap();
    assert_eq!(records.next().unwrap().unwrap().1, b"one"[..]);
    append(&mut journal, &[b"two".to_vec()]);
    assert_eq!(records.next().unwrap().unwrap().1, b"two"[..]);
}

#[test]
fn a_reader_beside_the_writer_sees_every_record_once_and_only_whole() {
    const RECORDS: u64 = 4000;
    let directory = directory();
    let mut journal = open(&directory, 20_000);
    let reader = journal.reader();
    let tail = thread::spawn(move || {
        let mut records = reader.read_from(1);
        let mut expected_lsn = 1;
        while expected_lsn <= RECORDS {
            match records.next() {
                Some(entry) => {
                    let (lsn, bytes) = entry.unwrap();
                    assert_eq!((lsn, &bytes[..]), (expected_lsn, lsn.to_string().repeat(5).as_bytes()));
                    expected_lsn += 1;
                }
                None => thread::yield_now(),
            }
        }
    });
    while journal.durable_lsn() < RECORDS {
        let first_lsn = journal.next_lsn();
        let count = (first_lsn % 7 + 1).min(RECORDS + 1 - first_lsn);
        let records: Vec<Vec<u8>> =
            (first_lsn..first_lsn + count).map(|lsn| lsn.to_string().repeat(5).into_bytes()).collect();
        append(&mut journal, &records);
    }
    tail.join().unwrap();
}

#[test]
fn a_group_that_is_empty_or_numbered_for_elsewhere_is_refused_and_harms_nothing() {
    let directory = directory();
    let mut journal = open(&directory, 300);
    journal.append_group(&mut GroupBuilder::new(1)).unwrap_err();
    let mut elsewhere = GroupBuilder::new(2);
    elsewhere.push(b"a").unwrap();
    journal.append_group(&mut elsewhere).unwrap_err();
    elsewhere.reset(1);
    elsewhere.push(b"b").unwrap();
    assert_eq!(journal.append_group(&mut elsewhere).unwrap(), 1);
    assert_reads(&journal.reader(), &[b"b".to_vec()]);
}
