//! Opening a journal from a position that is trusted: what lies before is not scanned, what lies behind is checked as
//! ever, and a position of another journal or history is refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/journal_files.rs"]
mod journal_files;

use std::fs;
use std::path::{Path, PathBuf};

use journal_files::{Files, MARK, append, directory, directory_of, files};
use tempfile::TempDir;
use tidewatch::journal::{
    Damage, GroupBuilder, GroupHash, Journal, JournalError, JournalOptions, Misfit, Position,
};

const OPTIONS: JournalOptions = JournalOptions { segment_bytes_max: 500 };
const FIRST_SEGMENT: &str = "00000000000000000001.twj";

fn record(lsn: u64) -> Vec<u8> {
    format!("record number {lsn}").into_bytes()
}

fn open_trusting(files: &Files, position: &Position) -> Result<(Journal, TempDir), JournalError> {
    let directory = directory_of(files);
    let (journal, recovered) = Journal::open_trusting(directory.path(), OPTIONS, position)?;
    assert_eq!(recovered.report.trusted_lsn, position.lsn);
    assert_eq!(
        recovered.report.records,
        journal.durable_lsn() - position.lsn,
        "only what is behind is scanned"
    );
    Ok((journal, directory))
}

fn misfit(files: &Files, position: &Position) -> Misfit {
    let directory = directory_of(files);
    match Journal::open_trusting(directory.path(), OPTIONS, position)
        .map(|(journal, _)| journal.durable_lsn())
    {
        Err(JournalError::PositionMisfit { misfit, .. }) => {
            let mut after = self::files(directory.path());
            after.remove(Path::new("lock"));
            let mut before = files.clone();
            before.remove(Path::new("lock"));
            assert_eq!(after, before, "a refusal changes nothing");
            Journal::open(directory.path(), OPTIONS).unwrap();
            misfit
        }
        other => panic!("{position:?}: {other:?}"),
    }
}

/// Groups of several sizes over at least four segments, and the position behind each.
fn sample() -> (Files, Vec<Position>) {
    let directory = directory();
    let (mut journal, _) = Journal::open(directory.path(), OPTIONS).unwrap();
    let mut positions = vec![journal.durable_position()];
    for count in [1, 2, 3, 1, 2, 1, 4, 1] {
        append(&mut journal, count, record);
        positions.push(journal.durable_position());
    }
    let segments: Vec<u64> = positions.iter().map(|position| position.segment_first_lsn).collect();
    assert!(segments.iter().max() > segments.iter().min() && files(directory.path()).len() >= 6);
    journal.close().unwrap();
    (files(directory.path()), positions)
}

fn assert_reads_from_everywhere(journal: &Journal) {
    let reader = journal.reader();
    // The newest first: what was never scanned is opened last.
    for from in (1..=journal.durable_lsn()).rev() {
        let read: Vec<_> = reader.read_from(from).map(Result::unwrap).collect();
        let expected: Vec<_> = (from..=journal.durable_lsn()).map(|lsn| (lsn, record(lsn).into())).collect();
        assert_eq!(read, expected);
        assert_eq!(reader.read_one(from).unwrap().unwrap(), record(from));
    }
}

#[test]
fn a_position_is_the_last_place_between_groups_up_to_a_record() {
    let (files, positions) = sample();
    let directory = directory_of(&files);
    let (journal, _) = Journal::open(directory.path(), OPTIONS).unwrap();
    assert_eq!(Some(&journal.durable_position()), positions.last());
    for lsn in 0..journal.durable_lsn() + 3 {
        let expected = positions.iter().rfind(|position| position.lsn <= lsn).unwrap();
        let found = journal.reader().position_at(lsn).unwrap();
        // Between two segments there are two names for one place.
        assert_eq!((found.lsn, found.group_hash), (expected.lsn, expected.group_hash), "{lsn}");
        let (trusting, _directory) = open_trusting(&files, &found).unwrap();
        assert_eq!(trusting.durable_position(), journal.durable_position());
    }
}

#[test]
fn positions_are_found_through_the_index() {
    let directory = directory();
    let options = JournalOptions { segment_bytes_max: 8 << 20 };
    let (mut journal, _) = Journal::open(directory.path(), options.clone()).unwrap();
    let mut positions = Vec::new();
    for n in 0..30u8 {
        let mut group = GroupBuilder::new(journal.next_lsn());
        for _ in 0..2 {
            group.push(&vec![n; 1000 + usize::from(n % 7) * 100_000]).unwrap();
        }
        journal.append_group(&mut group).unwrap();
        positions.push(journal.durable_position());
    }
    for position in &positions {
        for lsn in [position.lsn, position.lsn + 1] {
            assert_eq!(journal.reader().position_at(lsn).unwrap().group_hash, position.group_hash);
        }
    }
    drop(journal);
    let (journal, _) = Journal::open_trusting(directory.path(), options, &positions[27]).unwrap();
    for position in positions.iter().rev() {
        assert_eq!(journal.reader().position_at(position.lsn).unwrap().group_hash, position.group_hash);
        assert_eq!(journal.reader().read_from(position.lsn - 1).count() as u64, 60 - position.lsn + 2);
    }
}

#[test]
fn a_journal_opens_from_each_of_its_positions_reads_everything_and_goes_on() {
    let (files, positions) = sample();
    for position in &positions {
        let (mut journal, directory) = open_trusting(&files, position).unwrap();
        assert_eq!(Some(&journal.durable_position()), positions.last());
        assert_reads_from_everywhere(&journal);
        append(&mut journal, 2, record);
        append(&mut journal, 5, record);
        let end = journal.durable_position();
        drop(journal);
        let (journal, recovered) = Journal::open(directory.path(), OPTIONS).unwrap();
        assert_eq!((journal.durable_position(), recovered.report.torn_tail), (end, None));
        assert_reads_from_everywhere(&journal);
    }
}

#[test]
fn what_lies_before_is_not_scanned_and_damage_there_shows_when_it_is_read() {
    let (files, positions) = sample();
    let position = &positions[5];
    assert!(position.segment_first_lsn > 2);
    let first = Path::new(FIRST_SEGMENT);
    for index in 80..files[first].len() {
        let mut changed = files.clone();
        changed.get_mut(first).unwrap()[index] ^= 0x10;
        let (journal, _directory) = open_trusting(&changed, position).unwrap();
        let reader = journal.reader();
        let behind = reader.read_from(position.lsn + 1).filter(Result::is_ok).count() as u64;
        assert_eq!(behind, journal.durable_lsn() - position.lsn, "byte {index}");
        for (expected_lsn, read) in (1..).zip(reader.read_from(1)) {
            match read {
                Ok((lsn, bytes)) => assert_eq!((lsn, &bytes[..]), (expected_lsn, &record(lsn)[..])),
                Err(error) => assert!(matches!(error, JournalError::Damaged { .. }), "{error}"),
            }
        }
        let read = journal.reader().read_one(1);
        assert!(matches!(read, Err(JournalError::Damaged { .. })), "byte {index} is missed: {read:?}");
    }
}

#[test]
fn a_segment_that_is_missing_or_another_one_before_the_position_shows_when_what_stands_there_is_read() {
    let (files, positions) = sample();
    let position = positions.last().unwrap();
    let mut firsts: Vec<u64> = positions.iter().map(|position| position.segment_first_lsn).collect();
    firsts.dedup();
    let second: PathBuf = format!("{:020}.twj", firsts[1]).into();
    let mut without = files.clone();
    without.remove(&second).unwrap();
    let (journal, _directory) = open_trusting(&without, position).unwrap();
    let reads: Vec<_> = journal.reader().read_from(1).collect();
    assert!(
        matches!(&reads[..], [Err(JournalError::Damaged { damage: Damage::LsnGap { .. }, .. })]),
        "{reads:?}"
    );
}

#[test]
fn headers_before_are_checked_at_once() {
    let (files, positions) = sample();
    let position = positions.last().unwrap();
    for index in 0..80 {
        let mut changed = files.clone();
        changed.get_mut(Path::new(FIRST_SEGMENT)).unwrap()[index] ^= 0x10;
        let error = open_trusting(&changed, position).map(|_| ()).unwrap_err();
        assert!(matches!(error, JournalError::Damaged { .. }), "byte {index}: {error}");
    }
    let mut without = files.clone();
    without.remove(Path::new(FIRST_SEGMENT));
    let error = open_trusting(&without, position).map(|_| ()).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { damage: Damage::LsnGap { .. }, .. }), "{error}");
}

#[test]
fn a_changed_byte_behind_the_position_is_refused() {
    let (files, positions) = sample();
    let position = &positions[5];
    for (name, bytes) in &files {
        let is_segment = name.extension().is_some_and(|extension| extension == "twj");
        let Ok(first_lsn) = name.file_stem().unwrap().to_str().unwrap().parse::<u64>() else { continue };
        assert!(is_segment);
        let begin = match first_lsn.cmp(&position.segment_first_lsn) {
            std::cmp::Ordering::Less => continue,
            std::cmp::Ordering::Equal => position.end_offset as usize,
            std::cmp::Ordering::Greater => 0,
        };
        for index in begin..bytes.len() {
            let mut changed = files.clone();
            changed.get_mut(name).unwrap()[index] ^= 0x04;
            assert!(open_trusting(&changed, position).is_err(), "{} byte {index}", name.display());
        }
    }
}

#[test]
fn a_torn_tail_behind_the_position_is_cut_and_an_end_below_the_mark_is_refused() {
    let (files, positions) = sample();
    let [.., before, end] = &positions[..] else { panic!("there are positions") };
    let last: PathBuf = format!("{:020}.twj", end.segment_first_lsn).into();
    for position in &positions {
        let mut torn = files.clone();
        torn.get_mut(&last).unwrap().extend([7; 50]);
        let (journal, directory) = open_trusting(&torn, position).unwrap();
        assert_eq!(journal.durable_position(), *end);
        drop(journal);
        assert_eq!(self::files(directory.path())[&last], files[&last]);
    }
    let mut cut = files.clone();
    cut.get_mut(&last).unwrap().pop();
    assert!(matches!(open_trusting(&cut, before), Err(JournalError::EndsBelowMark { .. })));
    cut.remove(Path::new(MARK));
    assert!(matches!(open_trusting(&cut, before), Err(JournalError::MarkMissing(_))));
    // Also where there is no group behind the position.
    let mut unmarked = files.clone();
    unmarked.remove(Path::new(MARK));
    assert!(matches!(open_trusting(&unmarked, end), Err(JournalError::MarkMissing(_))));
}

#[test]
fn a_position_that_is_not_of_this_journal_is_refused() {
    let (files, positions) = sample();
    let (other_files, other) = sample();
    for position in &positions {
        let wrong_hash = Position { group_hash: GroupHash([9; 32]), ..*position };
        assert_eq!(misfit(&files, &wrong_hash), Misfit::OtherGroup);
        let wrong_lsn = Position { lsn: position.lsn + 1, ..*position };
        assert_eq!(misfit(&files, &wrong_lsn), Misfit::OtherGroup);
        let inside = Position { end_offset: position.end_offset - 1, ..*position };
        assert_eq!(misfit(&files, &inside), Misfit::NoGroupEnd);
        let foreign = Position { identity: other[0].identity, ..*position };
        assert_eq!(misfit(&files, &foreign), Misfit::OtherJournal);
        let no_segment = Position { segment_first_lsn: 2, ..*position };
        assert_eq!(misfit(&files, &no_segment), Misfit::SegmentMissing);
        let beyond = Position { end_offset: 5000, ..*position };
        assert_eq!(misfit(&files, &beyond), Misfit::BeyondEnd);
        let later_segment = Position { segment_first_lsn: 1000, ..*position };
        assert_eq!(misfit(&files, &later_segment), Misfit::BeyondEnd);
    }
    assert_eq!(misfit(&other_files, &positions[0]), Misfit::OtherJournal);
    assert_eq!(misfit(&Files::new(), &positions[3]), Misfit::BeyondEnd);
}

#[test]
fn a_mark_that_a_power_loss_left_behind_the_position_does_no_harm() {
    let directory = directory();
    let (mut journal, _) = Journal::open(directory.path(), OPTIONS).unwrap();
    append(&mut journal, 1, record);
    let old_mark = fs::read(directory.path().join(MARK)).unwrap();
    for _ in 0..6 {
        append(&mut journal, 1, record);
    }
    let position = journal.durable_position();
    append(&mut journal, 1, record);
    drop(journal);
    let mut files = files(directory.path());
    files.insert(MARK.into(), old_mark);
    let (journal, _directory) = open_trusting(&files, &position).unwrap();
    assert_eq!(journal.durable_lsn(), 8);
    assert_reads_from_everywhere(&journal);
}
