//! Trimming: a crash, an error or a full disk between any two of its steps leaves what is needed, a trimmed beginning is
//! told apart from a missing one, and what is needed never goes.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::recovery::verify_in;
use super::sealing_tests::{
    append, assert_records_from, compress_all, on, open, open_trusting, sample, strike_everywhere,
};
use super::simulated_disk::SimulatedDisk;
use super::*;

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
fn a_reader_that_falls_too_far_behind_loses_its_hold_and_others_keep_theirs() {
    let disk = SimulatedDisk::new(1);
    let (mut journal, _) = sample(&disk);
    let reader = journal.reader();
    assert_eq!(reader.oldest_holds(), []);
    let mut slow = reader.hold("slow", 1, 20).unwrap();
    let _audit = reader.hold("audit", 4, u64::MAX).unwrap();
    let held = |name: &str, lsn| OldestHold { name: name.into(), lsn };
    let _later = reader.hold("audit", 9, u64::MAX).unwrap();
    assert_eq!(reader.oldest_holds(), [held("slow", 1), held("audit", 4)], "the oldest of each name");
    assert_eq!(journal.trimmer().trim(15).unwrap().segments, 0);
    slow.advance(2).unwrap();
    while journal.durable_lsn() <= 22 {
        append(&mut journal, 1);
    }
    let first_lsn = journal.trimmer().trim(15).unwrap().first_lsn;
    assert!((2..=4).contains(&first_lsn), "{first_lsn}: the other one holds 4");
    assert!(matches!(slow.advance(3), Err(JournalError::Trimmed { lsn: 3, .. })));
    assert!(matches!(reader.hold("late", 1, 5), Err(JournalError::Trimmed { .. })));
    assert_eq!(reader.oldest_holds(), [held("audit", 4)]);
    assert_eq!(reader.holds_lost(), 1);
    assert_records_from(&journal, 4);
}

#[test]
fn the_newest_segments_are_counted_as_they_are_on_the_disk() {
    for compressed in [false, true] {
        let disk = SimulatedDisk::new(1);
        let (journal, _) = sample(&disk);
        if compressed {
            compress_all(&journal);
        }
        let first_lsns = journal.reader().share().published.first_lsns();
        let (last, before) = (first_lsns[first_lsns.len() - 1], first_lsns[first_lsns.len() - 2]);
        let bytes_of = |lsn| {
            let (plain, packed) = (on(&disk).segment_path(lsn), on(&disk).compressed_path(lsn));
            let files = disk.files();
            files.get(&plain).or_else(|| files.get(&packed)).unwrap().len() as u64
        };
        let trimmer = journal.trimmer();
        let both = bytes_of(last) + bytes_of(before);
        assert_eq!(trimmer.newest_from(0).unwrap(), last, "what is written to stays");
        assert_eq!(trimmer.newest_from(both - 1).unwrap(), last);
        assert_eq!(trimmer.newest_from(both).unwrap(), before);
        assert_eq!(trimmer.newest_from(u64::MAX).unwrap(), first_lsns[0]);
    }
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
