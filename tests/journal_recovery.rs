//! What the journal opens, what it refuses, and that it says where and why.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "common/journal_files.rs"]
mod journal_files;

use std::fs;
use std::path::{Path, PathBuf};

use journal_files::{Files, MARK, append, directory, directory_of, files};
use tidewatch::journal::envelope::{Envelope, encode_record};
use tidewatch::journal::{
    Damage, InspectLine, Journal, JournalError, JournalOptions, Recovered, inspect, last_record, verify,
};

const OPTIONS: JournalOptions = JournalOptions { segment_bytes_max: 900 };

fn record(lsn: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let envelope = Envelope { lsn, record_type: "pos.sale".into(), id: "a1".into(), ..Envelope::default() };
    encode_record(&envelope.borrowed(), b"{}", &mut bytes);
    bytes
}

fn open(directory: &Path) -> Result<(Journal, Recovered), JournalError> {
    Journal::open(directory, OPTIONS)
}

fn segments(files: &Files) -> Vec<PathBuf> {
    files
        .keys()
        .filter(|name| name.extension().is_some_and(|extension| extension == "twj"))
        .cloned()
        .collect()
}

/// Groups of 1, 2, 3, 1, 2 and 1 records over at least three segments, with the mark as it stood after each group.
fn sample() -> (Files, Vec<(u64, Vec<u8>)>) {
    let directory = directory();
    let (mut journal, recovered) = open(directory.path()).unwrap();
    assert!(recovered.created);
    let mut marks = Vec::new();
    for count in [1, 2, 3, 1, 2, 1] {
        append(&mut journal, count, record);
        marks.push((journal.durable_lsn(), fs::read(directory.path().join(MARK)).unwrap()));
    }
    journal.close().unwrap();
    let files = files(directory.path());
    assert!(segments(&files).len() >= 3);
    (files, marks)
}

/// Opening is refused, checking without opening says the same, and no byte is changed.
fn refused(files: &Files) -> JournalError {
    let directory = directory_of(files);
    let error = open(directory.path()).map(|(journal, _)| journal.durable_lsn()).unwrap_err();
    let verified = verify(directory.path()).unwrap_err();
    assert_eq!(std::mem::discriminant(&error), std::mem::discriminant(&verified), "{error} / {verified}");
    assert_eq!(&self::files(directory.path()), files, "a refusal changes nothing: {error}");
    error
}

/// The journal opens and holds the right records; gives the LSN of the last one.
fn opened(files: &Files) -> u64 {
    let directory = directory_of(files);
    let (journal, recovered) = open(directory.path()).unwrap();
    let mut lsns = 1..;
    for entry in journal.reader().read_from(1) {
        let (lsn, bytes) = entry.unwrap();
        assert_eq!((Some(lsn), &bytes[..]), (lsns.next(), &record(lsn)[..]));
    }
    assert_eq!(lsns.next(), Some(recovered.report.tail_lsn + 1));
    recovered.report.tail_lsn
}

#[test]
fn a_journal_opens_as_it_was_closed() {
    let (files, _) = sample();
    assert_eq!(opened(&files), 10);
    let report = verify(directory_of(&files).path()).unwrap();
    assert_eq!((report.groups, report.records, report.marked_lsn), (6, 10, Some(10)));
}

#[test]
fn a_segment_cut_anywhere_below_the_mark_is_refused() {
    let (files, _) = sample();
    for name in segments(&files) {
        for length in 0..files[&name].len() {
            let mut cut = files.clone();
            cut.get_mut(&name).unwrap().truncate(length);
            refused(&cut);
        }
    }
}

#[test]
fn a_last_segment_cut_above_the_mark_is_shortened_to_whole_groups_and_below_it_is_refused() {
    let (files, marks) = sample();
    let last = segments(&files).pop().unwrap();
    for (marked_lsn, mark) in &marks {
        for length in 0..files[&last].len() {
            let mut cut = files.clone();
            cut.insert(MARK.into(), mark.clone());
            cut.get_mut(&last).unwrap().truncate(length);
            let directory = directory_of(&cut);
            let before = self::files(directory.path());
            match open(directory.path()) {
                Ok((_, recovered)) => {
                    assert!(recovered.report.tail_lsn >= *marked_lsn);
                    assert_eq!(opened(&before), recovered.report.tail_lsn);
                }
                Err(JournalError::EndsBelowMark { tail_lsn, durable_lsn, .. }) => {
                    assert!(tail_lsn < durable_lsn);
                    assert_eq!(durable_lsn, *marked_lsn);
                }
                Err(error) => panic!("mark {marked_lsn}, cut to {length}: {error}"),
            }
        }
    }
}

#[test]
fn a_changed_byte_anywhere_below_the_mark_is_refused() {
    let (files, _) = sample();
    for name in segments(&files) {
        for index in 0..files[&name].len() {
            for flip in [0x01, 0x80] {
                let mut changed = files.clone();
                changed.get_mut(&name).unwrap()[index] ^= flip;
                refused(&changed);
            }
        }
    }
}

#[test]
fn a_changed_byte_above_the_mark_never_yields_a_wrong_record_nor_hides_a_group_behind_it() {
    let directory = directory();
    let (mut journal, _) = open(directory.path()).unwrap();
    append(&mut journal, 1, record);
    let mark = fs::read(directory.path().join(MARK)).unwrap();
    append(&mut journal, 1, record);
    let last_group_start = fs::metadata(directory.path().join("00000000000000000001.twj")).unwrap().len();
    append(&mut journal, 1, record);
    let marked_end = 80 + (last_group_start - 80) / 2;
    let mut files = files(directory.path());
    files.insert(MARK.into(), mark);
    let name = segments(&files).remove(0);
    for index in marked_end..files[&name].len() as u64 {
        let mut changed = files.clone();
        changed.get_mut(&name).unwrap()[index as usize] ^= 0x01;
        let directory = directory_of(&changed);
        match (index >= last_group_start, open(directory.path())) {
            (true, Ok((_, recovered))) => assert_eq!(recovered.report.tail_lsn, 2),
            (_, Err(JournalError::Damaged { .. })) => {}
            (false, Ok((_, recovered))) => panic!("byte {index}: cut to {}", recovered.report.tail_lsn),
            (_, Err(error)) => panic!("byte {index}: {error}"),
        }
    }
}

#[test]
fn a_torn_tail_is_reported_and_cut() {
    let (mut files, _) = sample();
    let last = segments(&files).pop().unwrap();
    let whole = files[&last].len();
    files.get_mut(&last).unwrap().extend([0; 5000]);
    let directory = directory_of(&files);
    let torn = verify(directory.path()).unwrap().torn_tail.unwrap();
    assert_eq!((torn.place.offset, torn.place.lsn, torn.length), (whole as u64, 11, 5000));
    assert_eq!(torn.damage, Damage::NoMagic);
    let (journal, recovered) = open(directory.path()).unwrap();
    assert_eq!(recovered.report.torn_tail, Some(torn));
    drop(journal);
    assert_eq!(self::files(directory.path())[&last].len(), whole);
    assert_eq!(verify(directory.path()).unwrap().torn_tail, None);
}

#[test]
fn a_journal_without_its_mark_is_refused() {
    let (mut files, _) = sample();
    files.insert(MARK.into(), vec![0; 1024]);
    assert!(matches!(refused(&files), JournalError::MarkMissing(_)));
    files.remove(Path::new(MARK));
    assert!(matches!(refused(&files), JournalError::MarkMissing(_)));
}

#[test]
fn a_mark_without_its_journal_is_refused() {
    let (mut files, _) = sample();
    for name in segments(&files) {
        files.remove(&name);
    }
    assert!(matches!(refused(&files), JournalError::SegmentsMissing(_)));
}

#[test]
fn segments_and_mark_of_different_journals_are_refused() {
    let (files, _) = sample();
    let (other, _) = sample();
    let mut mixed = files.clone();
    mixed.insert(MARK.into(), other[Path::new(MARK)].clone());
    assert!(matches!(refused(&mixed), JournalError::MarkMismatch { .. }));

    let mut mixed = files.clone();
    let last = segments(&files).pop().unwrap();
    mixed.insert(last.clone(), other[&last].clone());
    let error = refused(&mixed);
    assert!(matches!(error, JournalError::Damaged { damage: Damage::ForeignSegment, .. }), "{error}");
}

#[test]
fn a_mark_from_another_history_of_the_same_journal_is_refused() {
    let directory = directory();
    let (mut journal, _) = open(directory.path()).unwrap();
    append(&mut journal, 1, record);
    journal.close().unwrap();
    let backup = files(directory.path());
    let (mut journal, _) = open(directory.path()).unwrap();
    append(&mut journal, 2, record);
    drop(journal);
    let mark = files(directory.path())[Path::new(MARK)].clone();

    // The same LSNs again, in other groups.
    let restored = directory_of(&backup);
    let (mut journal, _) = open(restored.path()).unwrap();
    append(&mut journal, 1, record);
    append(&mut journal, 1, record);
    drop(journal);
    let mut mixed = files(restored.path());
    mixed.insert(MARK.into(), mark);
    assert!(matches!(refused(&mixed), JournalError::MarkMismatch { .. }));
}

/// Two histories of one journal: both hold the LSNs 1 to 4 and end with a group of LSN 4 alone, but were grouped in
/// different ways in between.
fn two_histories(segment_bytes_max: u64) -> (Files, Files) {
    let open = |directory: &Path| Journal::open(directory, JournalOptions { segment_bytes_max }).unwrap().0;
    let directory = directory();
    append(&mut open(directory.path()), 1, record);
    let beginning = files(directory.path());
    let history = |counts: &[u64]| {
        let directory = directory_of(&beginning);
        let mut journal = open(directory.path());
        counts.iter().for_each(|&count| append(&mut journal, count, record));
        drop(journal);
        files(directory.path())
    };
    (history(&[2, 1]), history(&[1, 1, 1]))
}

#[test]
fn a_group_or_segment_from_another_history_breaks_the_chain() {
    let (mut files, other) = two_histories(1 << 20);
    let name = &segments(&files)[0];
    let last_group_length = 100 + 8 + record(4).len();
    let bytes = files.get_mut(name).unwrap();
    bytes.truncate(bytes.len() - last_group_length);
    bytes.extend(&other[name][other[name].len() - last_group_length..]);
    let group_error = refused(&files);

    let (mut files, other) = two_histories(0);
    let last = segments(&files).pop().unwrap();
    files.insert(last.clone(), other[&last].clone());
    let segment_error = refused(&files);

    for error in [group_error, segment_error] {
        assert!(matches!(error, JournalError::Damaged { damage: Damage::ChainBroken, .. }), "{error}");
    }
}

#[test]
fn a_missing_segment_is_refused() {
    let (files, _) = sample();
    let names = segments(&files);
    for (index, name) in names.iter().enumerate() {
        let mut missing = files.clone();
        missing.remove(name);
        let error = refused(&missing);
        if index + 1 == names.len() {
            assert!(matches!(error, JournalError::EndsBelowMark { durable_lsn: 10, .. }), "{error}");
        } else {
            assert!(matches!(error, JournalError::Damaged { damage: Damage::LsnGap { .. }, .. }), "{error}");
        }
    }
}

#[test]
fn a_newer_format_is_named_and_never_cut() {
    let (files, _) = sample();
    let last = segments(&files).pop().unwrap();
    let newer = |name: &Path, offset: usize| {
        let mut newer = files.clone();
        newer.get_mut(name).unwrap()[offset] = 2;
        let error = refused(&newer);
        assert!(
            matches!(
                error,
                JournalError::Damaged { damage: Damage::NewerFormat { found: 2, supported: 1 }, .. }
            ),
            "{error}"
        );
    };
    newer(&last, 8);
    newer(&last, 84);
    newer(Path::new(MARK), 8);
}

#[test]
fn a_file_that_is_named_like_no_segment_is_refused() {
    let (mut files, _) = sample();
    files.insert("1.twj".into(), Vec::new());
    assert!(matches!(refused(&files), JournalError::StrangeFile(_)));
}

#[test]
fn two_writers_never_have_the_same_journal() {
    let directory = directory();
    let (journal, _) = open(directory.path()).unwrap();
    assert!(matches!(open(directory.path()), Err(JournalError::Locked(_))));
    drop(journal);
    open(directory.path()).unwrap();
}

#[test]
fn a_refusal_says_where_and_what_to_do() {
    let (mut files, _) = sample();
    let last = segments(&files).pop().unwrap();
    files.get_mut(&last).unwrap().truncate(100);
    let message = refused(&files).to_string();
    for part in [last.to_str().unwrap(), "byte 80", "durable up to LSN 10", "tidewatch inspect"] {
        assert!(message.contains(part), "{part:?} in {message}");
    }
}

#[test]
fn the_identity_stays_and_differs_between_journals() {
    let (files, _) = sample();
    let identity = |files: &Files| open(directory_of(files).path()).unwrap().0.identity();
    assert_eq!(identity(&files), identity(&files));
    assert_ne!(identity(&files), identity(&sample().0));
}

fn inspected(files: &Files) -> (Vec<String>, Vec<u64>, Vec<Damage>) {
    let (mut texts, mut lsns, mut damages) = (Vec::new(), Vec::new(), Vec::new());
    inspect(directory_of(files).path(), |line| {
        texts.push(line.to_string());
        match line {
            InspectLine::Record { lsn, envelope, .. } => {
                assert_eq!(envelope.unwrap().lsn, lsn);
                lsns.push(lsn);
            }
            InspectLine::Damage { damage, .. } => damages.push(damage),
            _ => {}
        }
    })
    .unwrap();
    (texts, lsns, damages)
}

#[test]
fn inspecting_shows_mark_segments_groups_and_records() {
    let (files, _) = sample();
    let (texts, lsns, damages) = inspected(&files);
    assert_eq!(lsns, (1..=10).collect::<Vec<_>>());
    assert_eq!(damages, []);
    assert!(texts[0].starts_with("durable mark: LSN 10 at byte "), "{}", texts[0]);
    assert_eq!(texts.iter().filter(|text| text.starts_with("segment ")).count(), segments(&files).len());
    assert_eq!(texts.iter().filter(|text| text.starts_with("  group ")).count(), 6);
    assert!(texts.iter().any(|text| text.starts_with("    record 3: pos.sale a1 from ")), "{texts:#?}");
}

#[test]
fn inspecting_goes_up_to_the_first_damage() {
    let (files, _) = sample();
    let name = &segments(&files)[1];
    let mut changed = files.clone();
    changed.get_mut(name).unwrap()[200] ^= 1;
    let (texts, lsns, damages) = inspected(&changed);
    assert_eq!(damages, [Damage::GroupHash]);
    assert!(texts.last().unwrap().contains("byte 80"), "{texts:#?}");
    let first_lsn: u64 = name.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    assert_eq!(lsns, (1..first_lsn).collect::<Vec<_>>());
    let (_, lsns, damages) = inspected(&Files::new());
    assert_eq!((lsns, damages), (vec![], vec![]));
}

#[test]
fn any_bytes_in_place_of_the_files_are_refused_or_opened_but_never_a_panic() {
    use proptest::prelude::*;
    let (files, _) = sample();
    let names: Vec<PathBuf> = files.keys().cloned().collect();
    let strategy = (0..names.len(), 0usize..1100, proptest::collection::vec(any::<u8>(), 0..200));
    proptest!(ProptestConfig::with_cases(400), |((file, offset, bytes) in strategy)| {
        let mut changed = files.clone();
        let content = changed.get_mut(&names[file]).unwrap();
        let offset = offset.min(content.len());
        let end = (offset + bytes.len()).min(content.len());
        content.splice(offset..end, bytes);
        let directory = directory_of(&changed);
        inspect(directory.path(), |_| {}).unwrap();
        if let Ok((journal, _)) = open(directory.path()) {
            prop_assert_eq!(journal.durable_lsn(), 10);
            drop(journal);
            prop_assert_eq!(opened(&changed), 10);
        }
    });
}

/// What the last record is said to be before anything is opened, however the last group is torn: nothing may depend on a
/// record that is not there, and none that is whole may be passed over.
#[test]
fn the_last_record_is_the_last_whole_one_wherever_the_last_group_is_torn() {
    let (files, marks) = sample();
    let last = segments(&files).pop().unwrap();
    let whole = files[&last].clone();
    let lsn_at = |bytes: &[u8]| {
        let mut torn = files.clone();
        torn.insert(last.clone(), bytes.to_vec());
        let directory = directory_of(&torn);
        last_record(directory.path()).unwrap().map(|(lsn, bytes)| {
            assert_eq!(bytes, record(lsn));
            lsn
        })
    };
    let lsns: Vec<u64> = marks.iter().map(|(lsn, _)| *lsn).collect();
    let newest = *lsns.last().unwrap();
    assert_eq!(lsn_at(&whole), Some(newest));
    let mut said = Vec::new();
    for length in (0..whole.len()).rev() {
        said.push(lsn_at(&whole[..length]).unwrap());
    }
    // Cut shorter and shorter it is always the end of a group, and never goes up again.
    assert!(said.iter().all(|lsn| lsns.contains(lsn) && *lsn < newest), "{said:?}");
    assert!(said.is_sorted_by(|before, after| before >= after), "{said:?}");
}

#[test]
fn behind_a_group_that_is_not_what_was_written_a_torn_one_hides_nothing() {
    let directory = directory();
    let (mut journal, _) =
        Journal::open(directory.path(), JournalOptions { segment_bytes_max: 1 << 20 }).unwrap();
    let segment = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.extension().is_some_and(|extension| extension == "twj"))
        .unwrap();
    let mut ends = Vec::new();
    for _ in 0..3 {
        append(&mut journal, 1, record);
        let position = journal.reader().position_at(journal.durable_lsn()).unwrap();
        ends.push(position.end_offset as usize);
    }
    journal.close().unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    bytes.truncate(ends[2] - 1);
    bytes[ends[1] - 1] ^= 1;
    fs::write(&segment, bytes).unwrap();
    assert_eq!(last_record(directory.path()).unwrap(), Some((1, record(1))));
}
