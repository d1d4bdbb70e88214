//! Publication and retention are stopped, or fail, at each of their steps in turn; after that a start finds either the
//! old generations or the new one as well, each whole.
//!
//! | fault | what happens at the step and after it |
//! | --- | --- |
//! | `Abort` | nothing any more: the process is gone |
//! | `Abort`, and power is lost | renames since the last sync of their directory are undone |
//! | `EIO`, `ENOSPC` | the step fails, the code goes on as it does with an error |
//!
//! Out of scope: what sled does while a generation is written. Nothing of it counts before its files are synced and
//! hashed here, and the directory that it writes to is removed by the next start.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::{fs, mem};

use super::disk::faults::{self, Fault, Operation};
use super::test_support::*;
use super::*;

fn content_of(number: u64) -> Content {
    content(number, 2, 3000)
}

/// Generations 1 and 2.
fn prepare(directory: &Path) -> Store {
    let store = Store::open(directory).unwrap();
    write(&store, &content_of(1)).unwrap();
    write(&store, &content_of(2)).unwrap();
    store
}

/// What is to be failed: the third generation is written, the first one removed.
fn change(store: &Store) -> Result<(), SnapshotError> {
    write(store, &content_of(3))?;
    store.keep_newest(2, &[])
}

/// A start after whatever happened.
fn check(directory: &Path, changed: bool, what: &str) {
    let store = Store::open(directory).unwrap();
    let names: BTreeSet<_> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    let numbers = store.numbers().unwrap();
    assert_eq!(names.len(), numbers.len(), "{what}: {names:?}");
    assert!(numbers.contains(&2), "{what}: {numbers:?}");
    assert!(!changed || numbers == [3, 2], "{what}: {numbers:?}");
    for number in numbers {
        let generation = store.load(number).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_holds(&generation, &content_of(number));
    }
    // And it goes on.
    let next = write(&store, &content(99, 1, 100)).unwrap();
    assert_holds(&next, &content(99, 1, 100));
}

fn count_steps() -> usize {
    let directory = fast_directory();
    let store = prepare(directory.path());
    faults::begin(None);
    change(&store).unwrap();
    let steps = faults::end().len();
    drop(store);
    check(directory.path(), true, "no fault");
    steps
}

#[test]
fn whatever_step_fails_there_is_an_old_or_a_new_generation() {
    let steps = count_steps();
    assert!(steps > 15, "{steps}");
    for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
        for step in 0..steps {
            let what = format!("{kind:?} at step {step}");
            let directory = fast_directory();
            let store = prepare(directory.path());
            faults::begin(Some((step, Fault::Error(kind))));
            let result = change(&store);
            let names: Vec<_> =
                fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
            faults::end();
            match &result {
                Ok(()) => {}
                Err(SnapshotError::DiskFull { .. }) => assert_eq!(kind, ErrorKind::StorageFull, "{what}"),
                Err(SnapshotError::Io { .. }) => assert_eq!(kind, ErrorKind::Other, "{what}"),
                Err(error) => panic!("{what}: {error}"),
            }
            // What is unfinished is gone at once, and the process goes on with what there was.
            assert!(!names.iter().any(|name| name.to_string_lossy().ends_with(".new")), "{what}: {names:?}");
            for number in store.numbers().unwrap() {
                assert_holds(&store.load(number).unwrap(), &content_of(number));
            }
            drop(store);
            check(directory.path(), result.is_ok(), &what);
        }
    }
    println!("{} strikes", 2 * steps);
}

#[test]
fn wherever_the_process_dies_there_is_an_old_or_a_new_generation() {
    let steps = count_steps();
    for step in 0..steps {
        for power_lost in [false, true] {
            let what = format!("aborted at step {step}, power lost: {power_lost}");
            let directory = fast_directory();
            let store = prepare(directory.path());
            faults::begin(Some((step, Fault::Abort)));
            let result = change(&store);
            drop(store);
            let operations = faults::end();
            assert!(result.is_err() && operations.len() == step, "{what}");
            if power_lost {
                undo_renames_not_synced(&operations, directory.path());
            }
            check(directory.path(), false, &what);
        }
    }
    println!("{} crashes", 2 * steps);
}

fn undo_renames_not_synced(operations: &[Operation], directory: &Path) {
    let mut not_synced = Vec::new();
    for operation in operations {
        match operation {
            Operation::Rename(from, to) => not_synced.push((from, to)),
            Operation::SyncDirectory(path) if path == directory => not_synced.clear(),
            _ => {}
        }
    }
    for (from, to) in not_synced.into_iter().rev() {
        fs::rename(to, from).unwrap();
    }
}

/// After each rename that was undone there would have been a sync; so a rename that did not last although it was synced
/// is a disk that lies. Still nothing worse comes of it than the older state.
#[test]
fn a_publication_that_did_not_last_leaves_the_older_generations() {
    let directory = fast_directory();
    let store = prepare(directory.path());
    write(&store, &content_of(3)).unwrap();
    drop(store);
    let path = |name: &str| directory.path().join(name);
    fs::rename(path("0000000003"), path("0000000003.new")).unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.numbers().unwrap(), [2, 1]);
    drop(store);
    check(directory.path(), false, "lost publication");
}

#[test]
fn everything_is_synced_before_the_rename_and_the_rename_before_anything_else() {
    let directory = fast_directory();
    let store = prepare(directory.path());
    faults::begin(None);
    change(&store).unwrap();
    let operations = faults::end();
    let position = |wanted: &dyn Fn(&Operation) -> bool| operations.iter().position(wanted).unwrap();

    let published = directory.path().join("0000000003");
    let unpublished = directory.path().join("0000000003.new");
    let publication =
        position(&|operation| *operation == Operation::Rename(unpublished.clone(), published.clone()));
    let (before, after) = operations.split_at(publication);
    for path in files(&published).into_keys() {
        let written_as = unpublished.join(path.strip_prefix(&published).unwrap());
        assert!(before.contains(&Operation::SyncFile(written_as.clone())), "{written_as:?}");
    }
    let synced_directories: Vec<_> = before
        .iter()
        .filter_map(|operation| match operation {
            Operation::SyncDirectory(path) => Some(path.components().collect::<PathBuf>()),
            _ => None,
        })
        .collect();
    assert_eq!(synced_directories, [unpublished.join("blobs"), unpublished.clone()]);
    assert_eq!(after[1], Operation::SyncDirectory(directory.path().to_owned()));

    let retirement = position(
        &|operation| matches!(operation, Operation::Rename(_, to) if to.ends_with("0000000001.dead")),
    );
    assert_eq!(operations[retirement + 1], Operation::SyncDirectory(directory.path().to_owned()));
    let first_removal = position(&|operation| matches!(operation, Operation::Remove(_)));
    assert!(publication < retirement && retirement + 1 < first_removal);
}

#[test]
fn what_was_never_published_is_removed_and_nothing_else() {
    let directory = fast_directory();
    drop(prepare(directory.path()));
    let path = |name: &str| directory.path().join(name);
    for name in ["0000000003.new", "0000000000.dead", "0000000004.other", "12.new", "notes"] {
        fs::create_dir(path(name)).unwrap();
        fs::write(path(name).join("file"), b"").unwrap();
    }
    fs::write(path("README"), b"").unwrap();
    let store = Store::open(directory.path()).unwrap();
    assert_eq!(store.numbers().unwrap(), [2, 1]);
    let names: BTreeSet<_> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let expected = ["0000000001", "0000000002", "0000000004.other", "12.new", "README", "notes"];
    assert!(names.iter().eq(&expected), "{names:?}");
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing_and_lets_another_write() {
    let directory = fast_directory();
    let store = prepare(directory.path());
    let mut writer = store.begin().unwrap();
    assert_eq!(writer.number(), 3);
    put_all(&mut writer, &content_of(3)).unwrap();
    assert!(matches!(store.begin(), Err(SnapshotError::AlreadyWriting)));
    drop(writer);
    assert!(!directory.path().join("0000000003.new").exists());
    assert_eq!(store.numbers().unwrap(), [2, 1]);
    assert_holds(&write(&store, &content_of(3)).unwrap(), &content_of(3));
}

#[test]
fn a_generation_lacks_no_block_and_has_none_twice() {
    let directory = fast_directory();
    let store = Store::open(directory.path()).unwrap();
    let mut writer = store.begin().unwrap();
    writer.put_block(SectionId(4), 2, &builder(&[b"two".to_vec()])).unwrap();
    writer.put_block(SectionId(4), 0, &builder(&[])).unwrap();
    let again = writer.put_block(SectionId(4), 2, &builder(&[]));
    assert_eq!(again.unwrap_err().to_string(), "snapshot generation 1, section 4, block 2: written twice");
    let over = writer.put_block(SectionId(4), BLOCKS_IN_SECTION_MAX, &builder(&[]));
    assert!(matches!(over, Err(SnapshotError::TooManyBlocks { .. })));
    let error = writer.publish(b"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "snapshot generation 1, section 4, block 1: not written, although there are blocks behind it"
    );
    assert!(store.numbers().unwrap().is_empty());
    assert!(matches!(store.load(1), Err(SnapshotError::NoSuchGeneration(1))));
}

#[test]
fn blocks_are_copied_as_they_are_to_other_places() {
    let directory = fast_directory();
    let store = Store::open(directory.path()).unwrap();
    let from = write(&store, &content_of(1)).unwrap();
    let mut writer = store.begin().unwrap();
    writer.put_block(SectionId(9), 0, &builder(&[b"new".to_vec()])).unwrap();
    writer.copy_block(&from, SectionId(2), 1, (SectionId(9), 1)).unwrap();
    let missing = writer.copy_block(&from, SectionId(2), 2, (SectionId(9), 2));
    assert!(matches!(missing, Err(SnapshotError::NoSuchBlock { .. })));
    let to = writer.publish(b"").unwrap();
    assert_eq!(to.block_count(SectionId(9)), 2);
    assert_eq!(to.read_block(SectionId(9), 1).unwrap(), from.read_block(SectionId(2), 1).unwrap());
    assert!(matches!(to.read_block(SectionId(9), 2), Err(SnapshotError::NoSuchBlock { .. })));
}

#[test]
fn a_generation_that_is_retired_while_it_is_open_says_so_and_does_not_come_back() {
    let directory = fast_directory();
    let store = prepare(directory.path());
    let first = store.load(1).unwrap();
    assert_holds(&first, &content_of(1));
    store.keep_newest(1, &[]).unwrap();
    assert!(matches!(first.read_block(SectionId(1), 0), Err(SnapshotError::NoSuchGeneration(1))));
    assert_eq!(mem::take(&mut store.numbers().unwrap()), [2]);
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn what_is_set_aside_no_longer_counts_and_goes_with_the_next_generation() {
    let directory = fast_directory();
    let store = prepare(directory.path());
    let numbers = store.numbers().unwrap();
    let open = store.load(numbers[0]).unwrap();
    store.set_aside(numbers[0]).unwrap();
    drop(open);
    assert_eq!(store.numbers().unwrap(), numbers[1..]);
    assert!(matches!(store.load(numbers[0]), Err(SnapshotError::NoSuchGeneration(_))));
    drop(store);
    // It stays over a start, and its number is not given again.
    let store = Store::open(directory.path()).unwrap();
    let aside = directory.path().join(format!("{:010}.bad", numbers[0]));
    assert!(aside.join("files.b3").is_file());
    let next = write(&store, &content_of(9)).unwrap();
    assert_eq!(next.number(), numbers[0] + 1);
    store.keep_newest(2, &[]).unwrap();
    assert_eq!(store.numbers().unwrap(), [next.number(), numbers[1]], "the older sound one is kept");
    assert!(!aside.exists());
}
