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

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::directory::Directory;
use super::disk::Disk;
use super::recovery::verify_in;
use super::simulated_disk::{self, Fate, Operation, SimulatedDisk};
use super::*;

/// Small enough for a rollover after every second or third group.
const OPTIONS: JournalOptions = JournalOptions { segment_bytes_max: 450 };
const DIRECTORY: &str = "/journal";
const MARK: &str = "/journal/durable.mark";

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

/// What the tests make of the recorded operations, without the simulated disk's own idea of losses.
type Files = BTreeMap<PathBuf, FileState>;

fn on(disk: &SimulatedDisk) -> Directory {
    Directory { disk: Disk::Simulated(disk.clone()), path: DIRECTORY.into() }
}

fn open(disk: &SimulatedDisk) -> Result<(Journal, Recovered), JournalError> {
    Journal::open_simulated(disk, Path::new(DIRECTORY), OPTIONS, None)
}

fn record(lsn: u64) -> Vec<u8> {
    format!("record number {lsn}").into_bytes()
}

fn append(disk: &SimulatedDisk, journal: &mut Journal, count: u64) -> Result<u64, JournalError> {
    let mut group = GroupBuilder::new(journal.next_lsn());
    for _ in 0..count {
        let lsn = group.next_lsn();
        group.push(&record(lsn)).unwrap();
    }
    let last_lsn = journal.append_group(&mut group)?;
    disk.note(Operation::Acknowledged(last_lsn));
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

fn apply(disk: &mut Files, operation: &Operation) {
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
        Operation::Rename(..) => unreachable!("nothing is renamed here"),
        Operation::SyncDirectory(path) if path == Path::new(DIRECTORY) => {
            disk.retain(|_, file| !file.removed);
            disk.values_mut().for_each(|file| file.name_synced = true);
        }
        Operation::SyncDirectory(_) | Operation::Acknowledged(_) => {}
    }
}

/// A disk as the loss leaves it.
fn after(files: &Files, loss: Loss) -> SimulatedDisk {
    let keeps_names = matches!(loss, Loss::Process | Loss::PowerAfterNames);
    let exists = |file: &FileState| if keeps_names { !file.removed } else { file.name_synced };
    let left = files.iter().filter(|(_, file)| exists(file)).map(|(path, file)| {
        let is_mark = path == Path::new(MARK);
        let keeps_data = loss == Loss::Process || (loss == Loss::PowerAfterData && !is_mark);
        (path.clone(), if keeps_data { file.written.clone() } else { file.synced.clone() })
    });
    SimulatedDisk::with_files(left)
}

/// Opens the disk after the loss and checks that it holds what was acknowledged, and goes on.
fn check(files: &Files, loss: Loss, acknowledged: u64, what: &str) {
    let disk = after(files, loss);
    let (mut journal, recovered) = open(&disk).unwrap_or_else(|error| panic!("{loss:?} {what}: {error}"));
    let tail_lsn = recovered.report.tail_lsn;
    assert!(tail_lsn >= acknowledged, "{loss:?} {what}: {tail_lsn} < {acknowledged}");
    assert_records(&journal);
    append(&disk, &mut journal, 2).unwrap();
    drop(journal);
    let (journal, recovered) = open(&disk).unwrap();
    assert_eq!((recovered.report.tail_lsn, &recovered.report.torn_tail), (tail_lsn + 2, &None));
    assert_records(&journal);
}

/// Opens every state that a crash during `operations`, begun on `disk`, can leave behind.
fn check_all_crashes(mut disk: Files, operations: &[Operation], mut acknowledged: u64) {
    let crashes = Cell::new(0);
    let check = |files: &Files, loss: Loss, acknowledged: u64, what: &str| {
        crashes.set(crashes.get() + 1);
        check(files, loss, acknowledged, what);
    };
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
        apply(&mut disk, operation);
        if let Operation::Acknowledged(lsn) = operation {
            acknowledged = *lsn;
        }
    }
    for loss in LOSSES {
        check(&disk, loss, acknowledged, "at the end");
    }
    println!("{} crashes", crashes.get());
}

#[test]
fn a_crash_anywhere_from_creation_over_rollovers_to_the_clean_stop_loses_nothing_acknowledged() {
    let disk = SimulatedDisk::new(1);
    disk.record();
    let (mut journal, _) = open(&disk).unwrap();
    for count in [1, 3, 1, 2, 1] {
        append(&disk, &mut journal, count).unwrap();
    }
    journal.close().unwrap();
    let (mut journal, _) = open(&disk).unwrap();
    append(&disk, &mut journal, 1).unwrap();
    let operations = disk.recorded();
    let created = operations.iter().filter(|operation| matches!(operation, Operation::Create(_))).count();
    assert!(created >= 4, "the mark and at least three segments: {created}");
    check_all_crashes(Files::new(), &operations, 0);
}

#[test]
fn a_crash_anywhere_during_recovery_loses_nothing_either() {
    let disk = SimulatedDisk::new(1);
    let (mut journal, _) = open(&disk).unwrap();
    append(&disk, &mut journal, 2).unwrap();
    let old_mark = disk.files()[Path::new(MARK)].clone();
    append(&disk, &mut journal, 2).unwrap();
    drop(journal);
    let mut left = disk.files();
    let segment = left.get_mut(&segment_path(1)).unwrap();
    segment.extend_from_within(SEGMENT_HEADER_LENGTH..SEGMENT_HEADER_LENGTH + 120);
    left.insert(MARK.into(), old_mark);
    left.insert(segment_path(5), b"\xf7TWJ".to_vec());

    let synced = |bytes: Vec<u8>| FileState {
        written: bytes.clone(),
        synced: bytes,
        name_synced: true,
        removed: false,
    };
    let files = left.iter().map(|(path, bytes)| (path.clone(), synced(bytes.clone()))).collect();
    let disk = SimulatedDisk::with_files(left);
    disk.record();
    let (_, recovered) = open(&disk).unwrap();
    let operations = disk.recorded();
    assert!(recovered.report.torn_tail.is_some() && recovered.report.unborn_segment.is_some());
    assert_eq!(recovered.report.tail_lsn, 4);
    check_all_crashes(files, &operations, 4);
}

type Matches = fn(&Operation) -> bool;

/// Refuses the next operation that `matches`, once.
fn refuse_once(disk: &SimulatedDisk, kind: ErrorKind, matches: impl Fn(&Operation) -> bool + Send + 'static) {
    let mut refused = false;
    disk.decide(move |operation| {
        let refuse = !refused && matches(operation);
        refused |= refuse;
        if refuse { Fate::Fails(kind) } else { Fate::Done }
    });
}

/// The next sync of a segment fails.
fn fail_next_sync(disk: &SimulatedDisk) {
    refuse_once(
        disk,
        ErrorKind::Other,
        |operation| matches!(operation, Operation::Sync(path) if is_segment(path)),
    );
}

fn segment_path(first_lsn: u64) -> PathBuf {
    Path::new(DIRECTORY).join(format!("{first_lsn:020}.twj"))
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "twj")
}

/// Two groups, the first segment nearly full.
fn journal_of_two_groups(disk: &SimulatedDisk) -> Journal {
    let (mut journal, _) = open(disk).unwrap();
    append(disk, &mut journal, 1).unwrap();
    append(disk, &mut journal, 1).unwrap();
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
        let disk = SimulatedDisk::new(1);
        let mut journal = journal_of_two_groups(&disk);
        // Five records don't fit into the first segment.
        let count = if what == "a group" { 1 } else { 5 };
        refuse_once(&disk, ErrorKind::StorageFull, matches);
        let error = append(&disk, &mut journal, count).unwrap_err();
        assert!(matches!(error, JournalError::DiskFull { .. }), "{what}: {error}");
        assert_eq!(journal.durable_lsn(), 2, "{what}");
        assert!(verify_in(&on(&disk)).unwrap().torn_tail.is_none(), "{what}");
        append(&disk, &mut journal, count).unwrap();
        assert_records(&journal);
        disk.let_be();
        drop(journal);
        let (journal, recovered) = open(&disk).unwrap();
        assert_eq!(recovered.report.tail_lsn, 2 + count, "{what}");
        assert_records(&journal);
    }
}

#[test]
fn looking_for_room_says_whether_there_is_and_leaves_the_journal_as_it_was() {
    let disk = SimulatedDisk::new(1);
    let mut journal = journal_of_two_groups(&disk);
    let before = disk.files();
    assert!(journal.has_room().unwrap());
    assert_eq!(disk.files(), before);
    refuse_once(&disk, ErrorKind::StorageFull, |operation| matches!(operation, Operation::Write(..)));
    assert!(!journal.has_room().unwrap());
    assert_eq!(disk.files(), before);
    disk.let_be();
    append(&disk, &mut journal, 1).unwrap();
    assert_records(&journal);

    refuse_once(&disk, ErrorKind::Other, |operation| matches!(operation, Operation::Sync(_)));
    let error = journal.has_room().unwrap_err();
    assert!(matches!(error, JournalError::Io { .. }), "{error}");
    assert!(matches!(append(&disk, &mut journal, 1), Err(JournalError::Poisoned)));
}

/// The disk was full: what was written of a group is cut off again, but the disk never gets that cut, though reads show it
/// as made. The next life must not build upon what it sees.
#[test]
fn a_cut_that_failed_to_sync_is_made_again_by_recovery() {
    let disk = SimulatedDisk::new(1);
    let mut journal = journal_of_two_groups(&disk);
    fail_next_sync(&disk);
    journal.has_room().unwrap_err();
    disk.let_be();
    drop(journal);
    disk.record();
    let (mut journal, recovered) = open(&disk).unwrap();
    assert_eq!((recovered.report.tail_lsn, &recovered.report.torn_tail), (2, &None));
    let is_cut =
        |operation: &Operation| matches!(operation, Operation::Truncate(path, _) if is_segment(path));
    assert!(disk.recorded().iter().any(is_cut));
    // Another segment follows, and then the power fails.
    append(&disk, &mut journal, 5).unwrap();
    drop(journal);
    disk.crash(simulated_disk::Loss::Everything);
    let (journal, _) = open(&disk).unwrap();
    assert_eq!(journal.durable_lsn(), 7);
    assert_records(&journal);
}

#[test]
fn a_crash_while_looking_for_room_loses_nothing() {
    let disk = SimulatedDisk::new(1);
    disk.record();
    let mut journal = journal_of_two_groups(&disk);
    journal.has_room().unwrap();
    append(&disk, &mut journal, 1).unwrap();
    check_all_crashes(Files::new(), &disk.recorded(), 0);
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
        let disk = SimulatedDisk::new(1);
        let mut journal = journal_of_two_groups(&disk);
        let reader = journal.reader();
        refuse_once(&disk, kind, matches);
        let error = append(&disk, &mut journal, 1).unwrap_err();
        assert!(matches!(error, JournalError::Io { .. }), "{what}: {error}");
        assert!(error.to_string().contains(DIRECTORY), "{what}: {error}");
        assert_eq!(reader.durable_lsn(), 2, "{what}: what failed is not shown");
        assert!(matches!(append(&disk, &mut journal, 1), Err(JournalError::Poisoned)), "{what}");
        assert!(matches!(journal.close(), Err(JournalError::Poisoned)), "{what}");
        disk.let_be();
        let (journal, recovered) = open(&disk).unwrap();
        assert!((2..=3).contains(&recovered.report.tail_lsn), "{what}");
        assert_records(&journal);
    }
}

#[test]
fn recovery_writes_an_unmarked_end_again_before_it_counts_as_durable() {
    let disk = SimulatedDisk::new(1);
    let mut journal = journal_of_two_groups(&disk);
    fail_next_sync(&disk);
    append(&disk, &mut journal, 1).unwrap_err();
    disk.let_be();
    drop(journal);
    let unsynced = {
        let report = verify_in(&on(&disk)).unwrap();
        assert_eq!((report.marked_lsn, report.tail_lsn), (Some(2), 3));
        disk.files()[&segment_path(1)].clone()
    };
    disk.record();
    open(&disk).unwrap();
    let operations = disk.recorded();
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
    let disk = SimulatedDisk::new(1);
    let mut journal = journal_of_two_groups(&disk);
    disk.record();
    append(&disk, &mut journal, 5).unwrap();
    append(&disk, &mut journal, 1).unwrap();
    journal.close().unwrap();
    let operations = disk.recorded();
    let is_mark_sync =
        |operation: &Operation| matches!(operation, Operation::Sync(path) if !is_segment(path));
    let created = operations.iter().position(|operation| matches!(operation, Operation::Create(_)));
    assert!(is_mark_sync(&operations[created.expect("a new segment") - 1]));
    assert!(is_mark_sync(operations.last().unwrap()));
}
