//! Compressing and trimming beside a writer and its readers, on the system's disk.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/journal_files.rs"]
mod journal_files;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use journal_files::{append, directory};
use tidewatch::journal::{
    InspectLine, Journal, JournalError, JournalOptions, JournalReader, inspect, verify,
};

const OPTIONS: JournalOptions = JournalOptions { segment_bytes_max: 600_000 };
/// How long the other thread may take until the test is a failure rather than slow.
const PATIENCE: Duration = Duration::from_secs(60);

fn record(lsn: u64) -> Vec<u8> {
    format!("{{\"sku\":\"{}\",\"quantity\":{},\"lsn\":{lsn}}}", lsn % 97, lsn * 7 % 11).repeat(5).into_bytes()
}

fn assert_reads(reader: &JournalReader, first_lsn: u64) {
    let mut expected_lsn = first_lsn;
    for entry in reader.read_from(first_lsn) {
        let (lsn, bytes) = entry.unwrap();
        assert_eq!((lsn, &bytes[..]), (expected_lsn, &record(lsn)[..]));
        expected_lsn += 1;
    }
    assert!(expected_lsn > first_lsn);
}

fn wait_until(mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < PATIENCE, "it takes too long");
        thread::sleep(Duration::from_millis(2));
    }
}

fn is_compressed_but_for_the_last(reader: &JournalReader) -> bool {
    let statistics = reader.statistics();
    statistics.compressed_segments + 1 == statistics.segments
}

#[test]
fn segments_are_compressed_while_the_journal_is_written_and_read() {
    let directory = directory();
    let (mut journal, _) = Journal::open(directory.path(), OPTIONS).unwrap();
    append(&mut journal, 10, record);
    journal.compress_sealed_segments().unwrap();
    let is_over = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let (reader, is_over) = (journal.reader(), Arc::clone(&is_over));
            thread::spawn(move || {
                let mut from = 1;
                while !is_over.load(Ordering::Relaxed) {
                    assert_reads(&reader, from);
                    from = from % reader.durable_lsn() / 2 + 1;
                }
            })
        })
        .collect();
    for _ in 0..120 {
        append(&mut journal, 200, record);
    }
    let reader = journal.reader();
    wait_until(|| is_compressed_but_for_the_last(&reader));
    is_over.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
    let statistics = reader.statistics();
    assert!(statistics.segments > 5, "{statistics:?}");
    assert!(statistics.compressed_bytes.after * 3 < statistics.compressed_bytes.before, "{statistics:?}");
    let position = reader.position_at(12_000).unwrap();
    journal.close().unwrap();

    let report = verify(directory.path()).unwrap();
    assert_eq!(report.compressed_segments, statistics.compressed_segments);
    assert_eq!(report.records, 24_010);
    let mut compressed = 0;
    inspect(directory.path(), |line| match line {
        InspectLine::Segment { compressed_length, .. } => {
            compressed += u64::from(compressed_length.is_some())
        }
        InspectLine::Damage { place, damage } => panic!("{place}: {damage}"),
        _ => {}
    })
    .unwrap();
    assert_eq!(compressed, statistics.compressed_segments);
    let (journal, recovered) = Journal::open_trusting(directory.path(), OPTIONS, &position).unwrap();
    assert!(recovered.report.records <= 24_010 - position.lsn && position.lsn > 11_000);
    assert_reads(&journal.reader(), 1);
}

#[test]
fn closing_stops_the_compressor_and_the_next_start_clears_away_and_goes_on() {
    let directory = directory();
    let (mut journal, _) = Journal::open(directory.path(), OPTIONS).unwrap();
    for _ in 0..60 {
        append(&mut journal, 200, record);
    }
    for _ in 0..20 {
        journal.compress_sealed_segments().unwrap();
        drop(journal);
        // The lock is free at once, and whatever the compressor was at does no harm.
        journal = Journal::open(directory.path(), OPTIONS).unwrap().0;
        let names = fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().path());
        assert_eq!(names.filter(|name| name.extension().is_some_and(|found| found == "tmp")).count(), 0);
        assert_reads(&journal.reader(), 1);
    }
    journal.compress_sealed_segments().unwrap();
    let reader = journal.reader();
    wait_until(|| is_compressed_but_for_the_last(&reader));
    assert_reads(&reader, 1);
}

#[test]
fn trimming_beside_compressor_and_readers_takes_only_what_nobody_holds() {
    let directory = directory();
    let (mut journal, _) = Journal::open(directory.path(), OPTIONS).unwrap();
    append(&mut journal, 10, record);
    journal.compress_sealed_segments().unwrap();
    let reader = journal.reader();
    let mut hold = reader.hold("audit", 1, u64::MAX).unwrap();
    let trimmer = journal.trimmer();
    let is_over = Arc::new(AtomicBool::new(false));
    let audit = thread::spawn({
        let (reader, is_over) = (reader.clone(), Arc::clone(&is_over));
        move || {
            let mut next_lsn = 1;
            let mut records = reader.read_from(next_lsn);
            loop {
                let was_over = is_over.load(Ordering::Relaxed);
                for entry in records.by_ref() {
                    let (lsn, bytes) = entry.unwrap();
                    assert_eq!((lsn, &bytes[..]), (next_lsn, &record(next_lsn)[..]));
                    next_lsn += 1;
                    if lsn % 1000 == 0 {
                        hold.advance(lsn).unwrap();
                    }
                }
                if was_over {
                    return next_lsn;
                }
                thread::yield_now();
            }
        }
    });
    let mut trimmed_to = 0;
    for _ in 0..120 {
        append(&mut journal, 200, record);
        let held = reader.oldest_holds()[0].lsn;
        let trimmed = trimmer.trim(journal.durable_lsn()).unwrap();
        assert!(trimmed.first_lsn <= journal.durable_lsn());
        // What was held before is there; the reader may have gone on since.
        assert!(trimmed.first_lsn <= reader.oldest_holds()[0].lsn.max(held));
        trimmed_to = trimmed.first_lsn;
    }
    is_over.store(true, Ordering::Relaxed);
    assert_eq!(audit.join().unwrap(), 24_011);
    let first_lsn = trimmer.trim(20_000).unwrap().first_lsn;
    // Where the reader was quick, the loop has trimmed up to what it still held.
    assert!(first_lsn > 10_000 && first_lsn <= trimmed_to.max(20_000), "{first_lsn}");
    assert_reads(&reader, first_lsn);
    let position = journal.durable_position();
    journal.close().unwrap();
    assert!(matches!(trimmer.trim(24_000), Err(JournalError::Closed)));
    assert_eq!(verify(directory.path()).unwrap().first_lsn, first_lsn);
    assert!(matches!(Journal::open(directory.path(), OPTIONS), Err(JournalError::TrimmedBeginning { .. })));
    let (journal, _) = Journal::open_trusting(directory.path(), OPTIONS, &position).unwrap();
    assert_reads(&journal.reader(), first_lsn);
}
