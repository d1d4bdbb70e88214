//! Every state that a crash can leave behind opens again, with everything that was acknowledged; and a disk that is
//! full or fails is told apart.
//!
//! A scenario runs once and its operations are recorded. Then the disk is built up to each operation, and within each
//! write up to each byte, as a process crash and several kinds of power loss would leave it:
//!
//! | loss | written data | names of files |
//! | --- | --- | --- |
//! | `Process` | stays | stay |
//! | `Power` | only what was synced stays | only what was synced stays |
//! | `PowerAfterNames` | only what was synced stays | stay |
//! | `PowerAfterData` | stays, but of the mark only what was synced | only what was synced stays |
//!
//! Out of scope: sectors written out of order within one group (the group's hash finds that like any other torn
//! write), and disks that lose what they said is synced.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::disk::faults::{self, Operation};
use super::*;

/// Small enough for a rollover after every second or third group.
const OPTIONS: JournalOptions = JournalOptions { segment_bytes_max: 450 };

#[derive(Debug, Clone, Copy, PartialEq)]
enum Loss {
    Process,
    Power,
    PowerAfterNames,
    PowerAfterData,
}

const LOSSES: [Loss; 4] = [Loss::Process, Loss::Power, Loss::PowerAfterNames, Loss::PowerAfterData];

#[derive(Debug, Clone, Default)]
struct FileState {
    written: Vec<u8>,
    synced: Vec<u8>,
    name_synced: bool,
    removed: bool,
}

type Disk = BTreeMap<PathBuf, FileState>;

/// A directory in memory where there is one: these tests sync thousands of times.
fn fast_directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

fn record(lsn: u64) -> Vec<u8> {
    format!("record number {lsn}").into_bytes()
}

fn append(journal: &mut Journal, count: u64) -> Result<u64, JournalError> {
    let mut group = GroupBuilder::new(journal.next_lsn());
    for _ in 0..count {
        let lsn = group.next_lsn();
        group.push(&record(lsn)).unwrap();
    }
    let last_lsn = journal.append_group(&mut group)?;
    let _ = faults::on(Operation::Acknowledged(last_lsn));
    Ok(last_lsn)
}

fn assert_records(journal: &Journal) {
    let mut expected_lsn = 0;
    for entry in journal.reader().read_from(1) {
        let (lsn, bytes) = entry.unwrap();
        expected_lsn += 1;
        assert_eq!((lsn, &bytes[..]), (expected_lsn, &record(lsn)[..]));
    }
    assert_eq!(expected_lsn, journal.durable_lsn());
}

fn write_at(bytes: &mut Vec<u8>, offset: u64, data: &[u8]) {
    let end = offset as usize + data.len();
    bytes.resize(bytes.len().max(end), 0);
    bytes[offset as usize..end].copy_from_slice(data);
}

fn apply(disk: &mut Disk, operation: &Operation, directory: &Path) {
    match operation {
        Operation::Create(path) => {
            let fresh = FileState::default();
            assert!(disk.insert(path.clone(), fresh).is_none_or(|file| file.removed), "{path:?} exists");
        }
        Operation::Write(path, offset, data) => {
            write_at(&mut disk.get_mut(path).unwrap().written, *offset, data);
        }
        Operation::Truncate(path, length) => disk.get_mut(path).unwrap().written.truncate(*length as usize),
        Operation::Sync(path) => {
            let file = disk.get_mut(path).unwrap();
            file.synced = file.written.clone();
        }
        Operation::Remove(path) => disk.get_mut(path).unwrap().removed = true,
        Operation::SyncDirectory(path) if path == directory => {
            disk.retain(|_, file| !file.removed);
            disk.values_mut().for_each(|file| file.name_synced = true);
        }
        Operation::SyncDirectory(_) | Operation::Acknowledged(_) => {}
    }
}

/// Writes the disk into an empty directory as the loss leaves it.
fn materialise(disk: &Disk, loss: Loss, directory: &Path) {
    for (path, file) in disk {
        let keeps_names = matches!(loss, Loss::Process | Loss::PowerAfterNames);
        let exists = if keeps_names { !file.removed } else { file.name_synced };
        if !exists {
            continue;
        }
        let is_mark = path.extension().is_some_and(|extension| extension == "mark");
        let keeps_data = loss == Loss::Process || (loss == Loss::PowerAfterData && !is_mark);
        let bytes = if keeps_data { &file.written } else { &file.synced };
        fs::write(directory.join(path.file_name().unwrap()), bytes).unwrap();
    }
}

/// Opens the disk after the loss and checks that it holds what was acknowledged, and goes on.
fn check(disk: &Disk, loss: Loss, acknowledged: u64, what: &str) {
    let directory = fast_directory();
    materialise(disk, loss, directory.path());
    let (mut journal, recovered) =
        Journal::open(directory.path(), OPTIONS).unwrap_or_else(|error| panic!("{loss:?} {what}: {error}"));
    let tail_lsn = recovered.report.tail_lsn;
    assert!(tail_lsn >= acknowledged, "{loss:?} {what}: {tail_lsn} < {acknowledged}");
    assert_records(&journal);
    append(&mut journal, 2).unwrap();
    drop(journal);
    let (journal, recovered) = Journal::open(directory.path(), OPTIONS).unwrap();
    assert_eq!((recovered.report.tail_lsn, &recovered.report.torn_tail), (tail_lsn + 2, &None));
    assert_records(&journal);
}

/// Opens every state that a crash during `operations`, begun on `disk`, can leave behind.
fn check_all_crashes(mut disk: Disk, operations: &[Operation], directory: &Path, mut acknowledged: u64) {
    for (index, operation) in operations.iter().enumerate() {
        for loss in LOSSES {
            check(&disk, loss, acknowledged, &format!("before operation {index}, {operation:?}"));
        }
        if let Operation::Write(path, offset, data) = operation {
            let kept_max = data.len().min(400);
            for kept in 1..kept_max {
                let what = format!("{kept} bytes into operation {index}, {operation:?}");
                let mut torn = disk.clone();
                let file = torn.get_mut(path).unwrap();
                write_at(&mut file.written, *offset, &data[..kept]);
                check(&torn, Loss::Process, acknowledged, &what);
                // The bytes reached the disk without being asked to; then, where the write makes the file longer, its
                // length without its last bytes.
                let file = torn.get_mut(path).unwrap();
                let lengthens = file.synced.len() <= *offset as usize;
                file.synced = file.written.clone();
                check(&torn, Loss::Power, acknowledged, &what);
                if !lengthens {
                    continue;
                }
                let file = torn.get_mut(path).unwrap();
                write_at(&mut file.synced, offset + kept as u64, &vec![0; data.len() - kept]);
                check(&torn, Loss::Power, acknowledged, &format!("{what}, zeros behind"));
            }
        }
        if let Operation::Write(path, offset, data) = operation {
            // This write reached the disk, earlier ones to the same file that were not synced didn't.
            let mut reordered = disk.clone();
            write_at(&mut reordered.get_mut(path).unwrap().synced, *offset, data);
            check(&reordered, Loss::Power, acknowledged, &format!("operation {index} alone, {operation:?}"));
        }
        apply(&mut disk, operation, directory);
        if let Operation::Acknowledged(lsn) = operation {
            acknowledged = *lsn;
        }
    }
    for loss in LOSSES {
        check(&disk, loss, acknowledged, "at the end");
    }
}

#[test]
fn a_crash_anywhere_from_creation_over_rollovers_to_the_clean_stop_loses_nothing_acknowledged() {
    let directory = fast_directory();
    faults::record();
    let (mut journal, _) = Journal::open(directory.path(), OPTIONS).unwrap();
    for count in [1, 3, 1, 2, 1] {
        append(&mut journal, count).unwrap();
    }
    journal.close().unwrap();
    let (mut journal, _) = Journal::open(directory.path(), OPTIONS).unwrap();
    append(&mut journal, 1).unwrap();
    let operations = faults::recorded();
    let created = operations.iter().filter(|operation| matches!(operation, Operation::Create(_))).count();
    assert!(created >= 4, "the mark and at least three segments: {created}");
    check_all_crashes(Disk::new(), &operations, directory.path(), 0);
}

#[test]
fn a_crash_anywhere_during_recovery_loses_nothing_either() {
    let directory = fast_directory();
    let (mut journal, _) = Journal::open(directory.path(), OPTIONS).unwrap();
    append(&mut journal, 2).unwrap();
    let old_mark = fs::read(directory.path().join("durable.mark")).unwrap();
    append(&mut journal, 2).unwrap();
    drop(journal);
    let segment = directory.path().join("00000000000000000001.twj");
    let mut bytes = fs::read(&segment).unwrap();
    let torn_group = bytes[SEGMENT_HEADER_LENGTH..][..120].to_vec();
    bytes.extend(torn_group);
    fs::write(&segment, bytes).unwrap();
    fs::write(directory.path().join("durable.mark"), old_mark).unwrap();
    fs::write(directory.path().join("00000000000000000005.twj"), b"\xf7TWJ").unwrap();

    let mut disk = Disk::new();
    for entry in fs::read_dir(directory.path()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let file = FileState { written: bytes.clone(), synced: bytes, name_synced: true, removed: false };
        disk.insert(path, file);
    }
    faults::record();
    let (_, recovered) = Journal::open(directory.path(), OPTIONS).unwrap();
    let operations = faults::recorded();
    assert!(recovered.report.torn_tail.is_some() && recovered.report.unborn_segment.is_some());
    assert_eq!(recovered.report.tail_lsn, 4);
    check_all_crashes(disk, &operations, directory.path(), 4);
}

type Matches = fn(&Operation) -> bool;

/// Refuses the next operation that `matches`, once.
fn refuse_once(kind: ErrorKind, matches: impl Fn(&Operation) -> bool + 'static) {
    let mut refused = false;
    faults::refuse(move |operation| {
        let refuse = !refused && matches(operation);
        refused |= refuse;
        refuse.then_some(kind)
    });
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "twj")
}

/// Two groups, the first segment nearly full.
fn journal_of_two_groups(directory: &Path) -> Journal {
    let (mut journal, _) = Journal::open(directory, OPTIONS).unwrap();
    append(&mut journal, 1).unwrap();
    append(&mut journal, 1).unwrap();
    journal
}

#[test]
fn a_full_disk_leaves_the_journal_usable_wherever_it_strikes() {
    let strikes: [(&str, Matches); 4] = [
        ("a group", |operation| matches!(operation, Operation::Write(path, ..) if is_segment(path))),
        ("creating a segment", |operation| matches!(operation, Operation::Create(_))),
        (
            "a segment's header",
            |operation| matches!(operation, Operation::Write(_, 0, data) if data.len() == 80),
        ),
        ("syncing a new name", |operation| matches!(operation, Operation::SyncDirectory(_))),
    ];
    for (what, matches) in strikes {
        let directory = fast_directory();
        let mut journal = journal_of_two_groups(directory.path());
        // Five records don't fit into the first segment.
        let count = if what == "a group" { 1 } else { 5 };
        refuse_once(ErrorKind::StorageFull, matches);
        let error = append(&mut journal, count).unwrap_err();
        assert!(matches!(error, JournalError::DiskFull { .. }), "{what}: {error}");
        assert_eq!(journal.durable_lsn(), 2, "{what}");
        assert!(verify(directory.path()).unwrap().torn_tail.is_none(), "{what}");
        append(&mut journal, count).unwrap();
        assert_records(&journal);
        faults::refuse_nothing();
        drop(journal);
        let (journal, recovered) = Journal::open(directory.path(), OPTIONS).unwrap();
        assert_eq!(recovered.report.tail_lsn, 2 + count, "{what}");
        assert_records(&journal);
    }
}

#[test]
fn after_a_disk_error_the_journal_refuses_everything_and_recovery_finds_what_was_acknowledged() {
    let strikes: [(&str, ErrorKind, Matches); 5] = [
        (
            "write",
            ErrorKind::Other,
            |operation| matches!(operation, Operation::Write(path, ..) if is_segment(path)),
        ),
        (
            "sync",
            ErrorKind::Other,
            |operation| matches!(operation, Operation::Sync(path) if is_segment(path)),
        ),
        (
            "full at sync",
            ErrorKind::StorageFull,
            |operation| matches!(operation, Operation::Sync(path) if is_segment(path)),
        ),
        (
            "mark",
            ErrorKind::Other,
            |operation| matches!(operation, Operation::Write(path, ..) if !is_segment(path)),
        ),
        (
            "full at mark",
            ErrorKind::StorageFull,
            |operation| matches!(operation, Operation::Write(path, ..) if !is_segment(path)),
        ),
    ];
    for (what, kind, matches) in strikes {
        let directory = fast_directory();
        let mut journal = journal_of_two_groups(directory.path());
        let reader = journal.reader();
        refuse_once(kind, matches);
        let error = append(&mut journal, 1).unwrap_err();
        assert!(matches!(error, JournalError::Io { .. }), "{what}: {error}");
        assert!(error.to_string().contains(directory.path().to_str().unwrap()), "{what}: {error}");
        assert_eq!(reader.durable_lsn(), 2, "{what}: what failed is not shown");
        assert!(matches!(append(&mut journal, 1), Err(JournalError::Poisoned)), "{what}");
        assert!(matches!(journal.close(), Err(JournalError::Poisoned)), "{what}");
        faults::refuse_nothing();
        let (journal, recovered) = Journal::open(directory.path(), OPTIONS).unwrap();
        assert!((2..=3).contains(&recovered.report.tail_lsn), "{what}");
        assert_records(&journal);
    }
}

#[test]
fn recovery_writes_an_unmarked_end_again_before_it_counts_as_durable() {
    let directory = fast_directory();
    let mut journal = journal_of_two_groups(directory.path());
    refuse_once(ErrorKind::Other, |operation| matches!(operation, Operation::Sync(path) if is_segment(path)));
    append(&mut journal, 1).unwrap_err();
    faults::refuse_nothing();
    drop(journal);
    let unsynced = {
        let report = verify(directory.path()).unwrap();
        assert_eq!((report.marked_lsn, report.tail_lsn), (Some(2), 3));
        fs::read(directory.path().join("00000000000000000001.twj")).unwrap()
    };
    faults::record();
    Journal::open(directory.path(), OPTIONS).unwrap();
    let operations = faults::recorded();
    let rewritten = operations.iter().find_map(|operation| match operation {
        Operation::Write(path, offset, data) if is_segment(path) => Some((*offset as usize, data)),
        _ => None,
    });
    let (offset, data) = rewritten.expect("the third group is written again");
    assert_eq!(unsynced[offset..], data[..]);
    assert_eq!(unsynced[offset..][..4], [0xf7, b'T', b'W', b'G']);
}

#[test]
fn the_mark_is_synced_before_a_segment_is_begun_and_on_a_clean_stop() {
    let directory = fast_directory();
    let mut journal = journal_of_two_groups(directory.path());
    faults::record();
    append(&mut journal, 5).unwrap();
    append(&mut journal, 1).unwrap();
    journal.close().unwrap();
    let operations = faults::recorded();
    let is_mark_sync =
        |operation: &Operation| matches!(operation, Operation::Sync(path) if !is_segment(path));
    let created = operations.iter().position(|operation| matches!(operation, Operation::Create(_)));
    assert!(is_mark_sync(&operations[created.expect("a new segment") - 1]));
    assert!(is_mark_sync(operations.last().unwrap()));
}
