//! Compressing and trimming: a crash, an error or a full disk between any two of their steps loses nothing and leaves
//! nothing that can't be read, and what is needed never goes.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use proptest::prelude::*;

use super::compressor::{Compressed, Compressor};
use super::directory::Directory;
use super::disk::Disk;
use super::recovery::verify_in;
use super::simulated_disk::{Fate, Loss, Operation, SimulatedDisk};
use super::*;

const OPTIONS: JournalOptions = JournalOptions { segment_bytes_max: 700 };
const DIRECTORY: &str = "/journal";

fn on(disk: &SimulatedDisk) -> Directory {
    Directory { disk: Disk::Simulated(disk.clone()), path: DIRECTORY.into() }
}

fn open(disk: &SimulatedDisk) -> Result<Journal, JournalError> {
    Journal::open_in(on(disk), OPTIONS, None).map(|(journal, _)| journal)
}

fn open_trusting(disk: &SimulatedDisk, position: &Position) -> Result<Journal, JournalError> {
    Journal::open_in(on(disk), OPTIONS, Some(position)).map(|(journal, _)| journal)
}

fn record(lsn: u64) -> Vec<u8> {
    format!("record number {lsn} ").repeat(3).into_bytes()
}

fn append(journal: &mut Journal, count: u64) {
    let mut group = GroupBuilder::new(journal.next_lsn());
    for _ in 0..count {
        let lsn = group.next_lsn();
        group.push(&record(lsn)).unwrap();
    }
    journal.append_group(&mut group).unwrap();
}

fn compressor(journal: &Journal) -> Compressor {
    Compressor::new(journal.reader().share(), Arc::new(AtomicBool::new(false)))
}

/// Compresses all there is.
fn compress_all(journal: &Journal) -> Vec<Compressed> {
    let mut compressor = compressor(journal);
    std::iter::from_fn(|| compressor.compress_next().unwrap()).collect()
}

fn assert_records_from(journal: &Journal, first_lsn: u64) {
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
fn sample(disk: &SimulatedDisk) -> (Journal, Vec<Position>) {
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
fn strike_everywhere(
    prepare: impl Fn(&Journal),
    mut work: impl FnMut(&mut Journal) -> Result<(), JournalError>,
    mut check: impl FnMut(&SimulatedDisk, &[Position], u64, &str),
) {
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
        }
        assert!(through);
    }
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
fn a_strike_between_any_two_steps_of_trimming_leaves_what_is_needed() {
    for compressed in [false, true] {
        strike_everywhere(
            |journal| {
                if compressed {
                    compress_all(journal);
                }
            },
            |journal| journal.trimmer().trim(11).map(|_| ()),
            |disk, positions, acknowledged, what| {
                let trusted = positions.iter().find(|position| position.lsn >= 10).unwrap();
                let journal = open_trusting(disk, trusted).unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(journal.durable_lsn(), acknowledged, "{what}");
                let begin = journal.reader().statistics().first_lsn;
                assert!(begin <= 11, "{what}");
                assert_records_from(&journal, begin);
                drop(journal);
                let report = verify_in(&on(disk)).unwrap();
                assert_eq!(report.first_lsn, begin, "{what}");
                match open(disk) {
                    Ok(_) => assert_eq!(begin, 1, "{what}"),
                    Err(JournalError::TrimmedBeginning { first_lsn, .. }) => assert_eq!(first_lsn, begin),
                    Err(error) => panic!("{what}: {error}"),
                }
            },
        );
    }
}

#[test]
fn a_trimmed_journal_says_so_and_a_missing_beginning_is_not_a_trimmed_one() {
    let disk = SimulatedDisk::new(1);
    let (journal, positions) = sample(&disk);
    let first_lsns = journal.reader().share().published.first_lsns();
    let trimmed = journal.trimmer().trim(first_lsns[2]).unwrap();
    assert_eq!(trimmed, Trimmed { segments: 2, first_lsn: first_lsns[2] });
    let error = journal.reader().read_from(1).next().unwrap().unwrap_err();
    assert!(
        matches!(error, JournalError::Trimmed { lsn: 1, first_lsn } if first_lsn == first_lsns[2]),
        "{error}"
    );
    assert!(matches!(journal.reader().read_one(1), Err(JournalError::Trimmed { .. })));
    assert!(matches!(journal.reader().position_at(1), Err(JournalError::Trimmed { .. })));
    let trimmer = journal.trimmer();
    drop(journal);
    assert!(matches!(trimmer.trim(100), Err(JournalError::Closed)));
    let error = open(&disk).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::TrimmedBeginning { .. }), "{error}");
    let error = open_trusting(&disk, &positions[0]).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::PositionMisfit { misfit: Misfit::SegmentMissing, .. }), "{error}");
    let mut files = disk.files();
    files.remove(&on(&disk).segment_path(first_lsns[2])).unwrap();
    let damage = verify_in(&on(&SimulatedDisk::with_files(files.clone()))).unwrap_err();
    assert!(matches!(damage, JournalError::Damaged { damage: Damage::LsnGap { .. }, .. }), "{damage}");
    let mut files = disk.files();
    files.remove(Path::new("/journal/trim.mark")).unwrap();
    let damage = verify_in(&on(&SimulatedDisk::with_files(files))).unwrap_err();
    assert!(matches!(damage, JournalError::Damaged { damage: Damage::LsnGap { .. }, .. }), "{damage}");
    let mut journal = open_trusting(&disk, positions.last().unwrap()).unwrap();
    append(&mut journal, 2);
    assert_records_from(&journal, first_lsns[2]);
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

#[test]
fn a_reader_that_falls_too_far_behind_loses_its_hold_and_others_keep_theirs() {
    let disk = SimulatedDisk::new(1);
    let (mut journal, _) = sample(&disk);
    let reader = journal.reader();
    assert_eq!(reader.oldest_hold(), None);
    let mut slow = reader.hold("slow", 1, 20).unwrap();
    let _audit = reader.hold("audit", 4, u64::MAX).unwrap();
    assert_eq!(reader.oldest_hold(), Some(OldestHold { name: "slow".into(), lsn: 1 }));
    assert_eq!(journal.trimmer().trim(15).unwrap().segments, 0);
    slow.advance(2).unwrap();
    while journal.durable_lsn() <= 22 {
        append(&mut journal, 1);
    }
    let first_lsn = journal.trimmer().trim(15).unwrap().first_lsn;
    assert!((2..=4).contains(&first_lsn), "{first_lsn}: the other one holds 4");
    assert!(matches!(slow.advance(3), Err(JournalError::Trimmed { lsn: 3, .. })));
    assert!(matches!(reader.hold("late", 1, 5), Err(JournalError::Trimmed { .. })));
    assert_eq!(reader.oldest_hold(), Some(OldestHold { name: "audit".into(), lsn: 4 }));
    assert_records_from(&journal, 4);
}

#[derive(Debug, Clone)]
enum Act {
    Append(u64),
    Compress,
    Hold(u64, u64),
    Advance(usize, u64),
    Release(usize),
    Trim(u64),
    Restart,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1u64..6).prop_map(Act::Append),
        1 => Just(Act::Compress),
        2 => (0u64..60, 5u64..40).prop_map(|(lsn, behind_max)| Act::Hold(lsn, behind_max)),
        2 => (0usize..4, 0u64..20).prop_map(|(which, by)| Act::Advance(which, by)),
        1 => (0usize..4).prop_map(Act::Release),
        3 => (0u64..70).prop_map(Act::Trim),
        1 => Just(Act::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    /// Against a model that knows only what is needed: what lies at or above the last trim's bound, or a hold within
    /// its cap, is there.
    #[test]
    fn what_is_needed_never_goes(acts in proptest::collection::vec(act(), 1..60)) {
        let disk = SimulatedDisk::new(1);
        let mut journal = open(&disk).unwrap();
        append(&mut journal, 1);
        // The model: each hold's LSN and cap, and the lowest LSN that must be there.
        let mut holds: Vec<(Hold, u64, u64)> = Vec::new();
        let mut needed = BTreeMap::from([("bound", 1u64)]);
        for act in acts {
            match act {
                Act::Append(count) => append(&mut journal, count),
                Act::Compress => {
                    compress_all(&journal);
                }
                Act::Hold(lsn, behind_max) => {
                    let lsn = lsn.min(journal.durable_lsn());
                    match journal.reader().hold("reader", lsn, behind_max) {
                        Ok(hold) => holds.push((hold, lsn, behind_max)),
                        Err(JournalError::Trimmed { .. }) => prop_assert!(lsn < needed["bound"]),
                        Err(error) => panic!("{error}"),
                    }
                }
                Act::Advance(which, by) => {
                    if let Some((hold, lsn, _)) = holds.get_mut(which) {
                        *lsn += by;
                        hold.advance(*lsn).unwrap();
                    }
                }
                Act::Release(which) => {
                    if which < holds.len() {
                        drop(holds.remove(which));
                    }
                }
                Act::Trim(before) => {
                    let durable = journal.durable_lsn();
                    let before = before.min(durable);
                    let is_lost = |lsn: u64, cap: u64| lsn < before && durable - lsn.min(durable) > cap;
                    holds.retain_mut(|(hold, lsn, cap)| {
                        let _ = &hold;
                        !is_lost(*lsn, *cap)
                    });
                    let held = holds.iter().map(|(_, lsn, _)| *lsn).min().unwrap_or(u64::MAX);
                    let bound = needed["bound"].max(before.min(held));
                    needed.insert("bound", bound);
                    let first_lsn = journal.trimmer().trim(before).unwrap().first_lsn;
                    prop_assert!(first_lsn <= bound.max(1), "{first_lsn} > {bound}");
                }
                Act::Restart => {
                    holds.clear();
                    let position = journal.durable_position();
                    drop(journal);
                    journal = open_trusting(&disk, &position).unwrap();
                }
            }
            let from = needed["bound"].max(1);
            if from <= journal.durable_lsn() {
                assert_records_from(&journal, from);
            }
        }
    }
}
