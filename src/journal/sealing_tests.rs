//! Compressing: a crash, an error or a full disk between any two of its steps, and those of the writer, loses nothing and
//! leaves nothing that can't be read; and whatever is damaged is found.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use super::compressor::{Compressed, Compressor};
use super::directory::Directory;
use super::disk::Disk;
use super::recovery::verify_in;
use super::simulated_disk::{Fate, Loss, Operation, SimulatedDisk};
use super::*;
use crate::pacing::Pace;

const OPTIONS: JournalOptions = JournalOptions { segment_bytes_max: 700 };
const DIRECTORY: &str = "/journal";

pub(super) fn on(disk: &SimulatedDisk) -> Directory {
    Directory { disk: Disk::Simulated(disk.clone()), path: DIRECTORY.into() }
}

pub(super) fn open(disk: &SimulatedDisk) -> Result<Journal, JournalError> {
    Journal::open_simulated(disk, Path::new(DIRECTORY), OPTIONS, None).map(|(journal, _)| journal)
}

pub(super) fn open_trusting(disk: &SimulatedDisk, position: &Position) -> Result<Journal, JournalError> {
    Journal::open_simulated(disk, Path::new(DIRECTORY), OPTIONS, Some(position)).map(|(journal, _)| journal)
}

fn record(lsn: u64) -> Vec<u8> {
    format!("record number {lsn} ").repeat(3).into_bytes()
}

pub(super) fn append(journal: &mut Journal, count: u64) {
    let mut group = GroupBuilder::new(journal.next_lsn());
    for _ in 0..count {
        let lsn = group.next_lsn();
        group.push(&record(lsn)).unwrap();
    }
    journal.append_group(&mut group).unwrap();
}

fn compressor(journal: &Journal) -> Compressor {
    Compressor::new(journal.reader().share(), Arc::new(AtomicBool::new(false)), Pace::at_once())
}

/// Compresses all there is.
pub(super) fn compress_all(journal: &Journal) -> Vec<Compressed> {
    let mut compressor = compressor(journal);
    std::iter::from_fn(|| compressor.compress_next().unwrap()).collect()
}

pub(super) fn assert_records_from(journal: &Journal, first_lsn: u64) {
    let mut expected_lsn = first_lsn;
    for entry in journal.reader().read_from(first_lsn) {
        let (lsn, bytes) = entry.unwrap();
        assert_eq!((lsn, &bytes[..]), (expected_lsn, &record(lsn)[..]));
        expected_lsn += 1;
    }
    assert_eq!(expected_lsn, journal.durable_lsn() + 1);
}

fn names(disk: &SimulatedDisk, extension: &str) -> Vec<PathBuf> {
    let is_wanted = |path: &PathBuf| path.extension().is_some_and(|found| found == extension);
    disk.files().into_keys().filter(is_wanted).collect()
}

/// Eight groups over at least three sealed segments and the position behind each.
pub(super) fn sample(disk: &SimulatedDisk) -> (Journal, Vec<Position>) {
    let mut journal = open(disk).unwrap();
    let mut positions = vec![journal.durable_position()];
    for count in [1, 2, 3, 1, 2, 1, 4, 1] {
        append(&mut journal, count);
        positions.push(journal.durable_position());
    }
    assert!(journal.reader().statistics().segments >= 4);
    (journal, positions)
}

#[test]
fn compressed_segments_read_verify_and_open_like_plain_ones() {
    let disk = SimulatedDisk::new(1);
    let (mut journal, positions) = sample(&disk);
    let segments = journal.reader().statistics().segments;
    let mut records = journal.reader().read_from(1);
    records.next().unwrap().unwrap();
    let plain_bytes: u64 = names(&disk, "twj").iter().map(|path| disk.files()[path].len() as u64).sum();
    let compressed = compress_all(&journal);
    assert_eq!(compressed.len() as u64, segments - 1, "all but the one that is written");
    assert_eq!((names(&disk, "twj").len(), names(&disk, "twz").len()), (1, compressed.len()));
    assert_eq!(names(&disk, "tmp").len(), 0);
    let statistics = journal.reader().statistics();
    assert_eq!(statistics.compressed_segments, segments - 1);
    let last_bytes = disk.files()[&names(&disk, "twj")[0]].len() as u64;
    assert_eq!(statistics.compressed_bytes.before, plain_bytes - last_bytes);
    let stored: u64 = names(&disk, "twz").iter().map(|path| disk.files()[path].len() as u64).sum();
    assert_eq!(statistics.compressed_bytes.after, stored);

    assert_eq!(records.count() as u64, journal.durable_lsn() - 1, "who was reading goes on");
    assert_records_from(&journal, 1);
    append(&mut journal, 9);
    drop(journal);
    let report = verify_in(&on(&disk)).unwrap();
    assert_eq!((report.compressed_segments, report.records, report.first_lsn), (segments - 1, 24, 1));
    let mut shown = 0;
    inspect::inspect_in(&on(&disk), |line| match line {
        InspectLine::Segment { compressed_length, .. } => shown += u64::from(compressed_length.is_some()),
        InspectLine::Damage { place, damage } => panic!("{place}: {damage}"),
        _ => {}
    })
    .unwrap();
    assert_eq!(shown, segments - 1);
    for position in &positions {
        let journal = open_trusting(&disk, position).unwrap();
        assert_eq!(journal.reader().statistics().compressed_bytes, statistics.compressed_bytes);
        for lsn in (1..=journal.durable_lsn()).rev() {
            assert_records_from(&journal, lsn);
        }
        for position in &positions {
            assert_eq!(journal.reader().position_at(position.lsn).unwrap().group_hash, position.group_hash);
        }
    }
    assert_records_from(&open(&disk).unwrap(), 1);
}

#[test]
fn every_flipped_bit_of_a_plain_and_a_compressed_journal_is_found_or_harmless() {
    for is_compressed in [false, true] {
        let disk = SimulatedDisk::new(1);
        let (journal, positions) = sample(&disk);
        if is_compressed {
            compress_all(&journal);
        }
        let first_lsn = journal.reader().share().published.first_lsns()[1];
        journal.trimmer().trim(first_lsn).unwrap();
        let durable_lsn = journal.durable_lsn();
        journal.close().unwrap();
        // In the last segment, so that the others are only looked at when they are read.
        let trusted = positions.last().unwrap();
        let whole = disk.files();
        let (mut refused, mut found, mut harmless) = (0, 0, 0);
        for (path, bytes) in &whole {
            for bit in 0..bytes.len() * 8 {
                let what = format!("{} bit {bit}", path.display());
                let mut changed = whole.clone();
                changed.get_mut(path).unwrap()[bit / 8] ^= 1 << (bit % 8);
                let disk = SimulatedDisk::with_files(changed);
                let Ok(journal) = open_trusting(&disk, trusted) else {
                    refused += 1;
                    continue;
                };
                let mut expected_lsn = first_lsn;
                let mut is_found = false;
                for read in journal.reader().read_from(first_lsn) {
                    let Ok((lsn, bytes)) = read else {
                        is_found = true;
                        break;
                    };
                    assert_eq!((lsn, &bytes[..]), (expected_lsn, &record(lsn)[..]), "{what}");
                    expected_lsn += 1;
                }
                // Harmless: reserved bytes, the older slot of the mark, hashes of what is trusted.
                assert!(is_found || expected_lsn == durable_lsn + 1, "{what}: records are missing");
                found += u64::from(is_found);
                harmless += u64::from(!is_found);
                if path.extension().is_some_and(|extension| extension == "twz") {
                    assert!(is_found, "{what}: every bit of a compressed segment counts");
                }
            }
        }
        println!(
            "compressed: {is_compressed}: {refused} refused, {found} found when read, {harmless} harmless"
        );
        assert!(refused > 1000 && found > 1000 && harmless > 0, "{refused}, {found}, {harmless}");
    }
}

/// What a step may do instead of working.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Strike {
    Abort(Loss),
    Error,
    Full,
}

const STRIKES: [Strike; 5] = [
    Strike::Abort(Loss::Nothing),
    Strike::Abort(Loss::Everything),
    Strike::Abort(Loss::Some),
    Strike::Error,
    Strike::Full,
];

/// Does `work` on a fresh sample again and again, each time striking one operation later, until it gets through.
/// `check` looks at what is left after each.
pub(super) fn strike_everywhere(
    prepare: impl Fn(&Journal),
    mut work: impl FnMut(&mut Journal) -> Result<(), JournalError>,
    mut check: impl FnMut(&SimulatedDisk, &[Position], u64, &str),
) {
    let mut strikes = 0;
    for strike in STRIKES {
        let mut through = false;
        for step in 0.. {
            let disk = SimulatedDisk::new(step);
            let (mut journal, positions) = sample(&disk);
            prepare(&journal);
            let mut operations = 0;
            disk.decide(move |_| {
                operations += 1;
                match strike {
                    // Once it is gone, it does nothing any more.
                    Strike::Abort(_) if operations > step => Fate::Fails(ErrorKind::Other),
                    Strike::Error if operations == step + 1 => Fate::Fails(ErrorKind::Other),
                    Strike::Full if operations == step + 1 => Fate::Fails(ErrorKind::StorageFull),
                    _ => Fate::Done,
                }
            });
            let outcome = work(&mut journal);
            let acknowledged = journal.durable_lsn();
            disk.let_be();
            let what = format!("{strike:?} at step {step}: {outcome:?}");
            if let Strike::Abort(loss) = strike {
                drop(journal);
                disk.crash(loss);
            } else if outcome.is_err() {
                // The process is still there, and reads on.
                let begin = journal.reader().statistics().first_lsn;
                assert_records_from(&journal, begin);
                drop(journal);
            } else {
                drop(journal);
            }
            check(&disk, &positions, acknowledged, &what);
            if outcome.is_ok() {
                assert!(step > 3, "{strike:?} never struck");
                through = true;
                break;
            }
            strikes += 1;
        }
        assert!(through);
    }
    println!("{strikes} strikes");
}

#[test]
fn a_strike_between_any_two_steps_of_compressing_does_no_harm() {
    strike_everywhere(
        |_| {},
        |journal| {
            let mut compressor = compressor(journal);
            while compressor.compress_next()?.is_some() {}
            Ok(())
        },
        |disk, _, acknowledged, what| {
            let journal = open(disk).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(journal.durable_lsn(), acknowledged, "{what}");
            assert_records_from(&journal, 1);
            assert!(names(disk, "tmp").is_empty(), "{what}: what was not finished is gone");
            compress_all(&journal);
            assert_eq!(names(disk, "twj").len(), 1, "{what}: the rest is compressed later");
            assert_records_from(&journal, 1);
            drop(journal);
            assert_records_from(&open(disk).unwrap(), 1);
        },
    );
}

#[test]
fn a_strike_between_any_two_steps_of_writing_and_changing_segments_does_no_harm() {
    strike_everywhere(
        |_| {},
        |journal| {
            for count in [2, 5, 1, 6] {
                let mut group = GroupBuilder::new(journal.next_lsn());
                for _ in 0..count {
                    let lsn = group.next_lsn();
                    group.push(&record(lsn))?;
                }
                journal.append_group(&mut group)?;
            }
            Ok(())
        },
        |disk, _, acknowledged, what| {
            let mut journal = open(disk).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert!(journal.durable_lsn() >= acknowledged, "{what}");
            assert_records_from(&journal, 1);
            append(&mut journal, 3);
            drop(journal);
            assert_records_from(&open(disk).unwrap(), 1);
        },
    );
}

#[test]
fn a_compressed_segment_that_nothing_follows_is_refused() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = sample(&disk);
    compress_all(&journal);
    let last = journal.durable_position().segment_first_lsn;
    // The last segment holds no group: nothing that the mark names is missing.
    drop(journal);
    let mut files = disk.files();
    files.remove(&on(&disk).segment_path(last)).unwrap();
    let error = open(&SimulatedDisk::with_files(files)).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { damage: Damage::NothingFollows, .. }), "{error}");
}

#[test]
fn a_segment_that_rotted_before_it_was_compressed_stays_as_it_is() {
    let disk = SimulatedDisk::new(1);
    let (journal, _) = sample(&disk);
    let path = names(&disk, "twj")[1].clone();
    disk.rot(&path, 8 * 300);
    let before = disk.files()[&path].clone();
    let mut compressor = compressor(&journal);
    let mut outcomes = Vec::new();
    for _ in 0..10 {
        match compressor.compress_next() {
            Ok(Some(_)) => outcomes.push(true),
            Ok(None) => break,
            Err(error) => {
                assert!(matches!(error, JournalError::Damaged { .. }), "{error}");
                outcomes.push(false);
            }
        }
    }
    assert_eq!(outcomes.iter().filter(|outcome| !**outcome).count(), 1, "and it is tried once");
    assert_eq!(disk.files()[&path], before);
}

#[test]
fn a_write_of_the_compressed_form_that_went_astray_is_found_before_the_plain_one_goes() {
    for step in 0..4 {
        let disk = SimulatedDisk::new(1);
        let (journal, _) = sample(&disk);
        let mut writes = 0;
        disk.decide(move |operation| {
            let Operation::Write(..) = operation else { return Fate::Done };
            writes += 1;
            if writes == step + 1 { Fate::Misdirected(1) } else { Fate::Done }
        });
        let mut compressor = compressor(&journal);
        let failed =
            std::iter::from_fn(|| compressor.compress_next().transpose()).filter(Result::is_err).count();
        assert_eq!(failed, 1, "write {step}");
        assert_records_from(&journal, 1);
        drop(journal);
        disk.let_be();
        assert_records_from(&open(&disk).unwrap(), 1);
    }
}
