//! What needs a process of its own: one that is killed while a generation is open, and one that can't make its files
//! longer. The children are tests of this file, run by the test program itself.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;
use std::{env, fs};

use super::test_support::*;
use super::*;

const DIRECTORY_VARIABLE: &str = "TIDEWATCH_TEST_SNAPSHOT_DIRECTORY";

fn stored_content() -> Content {
    content(5, 30, 30_000)
}

fn too_much() -> Content {
    content(6, 60, 100_000)
}

fn directory_of_child() -> Option<PathBuf> {
    env::var_os(DIRECTORY_VARIABLE).map(PathBuf::from)
}

/// A shell line that becomes the test program with one test; `before` comes first in it.
fn child(test: &str, directory: &Path, before: &str) -> Child {
    let module = module_path!().split_once("::").unwrap().1;
    Command::new("sh")
        .arg("-c")
        .arg(format!("{before} exec \"$0\" --exact {module}::{test} --ignored --nocapture"))
        .arg(env::current_exe().unwrap())
        .env(DIRECTORY_VARIABLE, directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
#[ignore = "a child of another test"]
fn child_that_opens_and_reads_for_ever() {
    let Some(directory) = directory_of_child() else { return };
    let store = Store::open(&directory).unwrap();
    loop {
        assert_holds(&store.load(1).unwrap(), &stored_content());
        fs::write(directory.with_extension("read"), b"").unwrap();
    }
}

#[test]
fn a_process_that_is_killed_while_a_generation_is_open_changes_nothing() {
    let parent = fast_directory();
    let directory = parent.path().join("generations");
    drop(write(&Store::open(&directory).unwrap(), &stored_content()).unwrap());
    let before = files(&directory);
    let mut random = Random(11);
    for _ in 0..30 {
        let mut child = child("child_that_opens_and_reads_for_ever", &directory, "");
        let has_read = directory.with_extension("read");
        while !has_read.exists() {
            assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(random.below(40_000) as u64));
        assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_file(&has_read).unwrap();
        assert!(files(&directory) == before);
    }
    assert_holds(&Store::open(&directory).unwrap().load(1).unwrap(), &stored_content());
}

#[test]
#[ignore = "a child of another test"]
fn child_that_writes_into_a_full_disk() {
    let Some(directory) = directory_of_child() else { return };
    let store = Store::open(&directory).unwrap();
    let error = write(&store, &too_much()).unwrap_err();
    let SnapshotError::DiskFull { source, .. } = error else { panic!("{error}") };
    assert!(matches!(source.kind(), ErrorKind::FileTooLarge | ErrorKind::StorageFull));
    // What was written is gone at once, and the older generation can be used.
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
    assert_holds(&store.load(1).unwrap(), &stored_content());
}

/// The limit on the size of files stands for a disk that is full: it needs no rights, and sled meets it in its own
/// writes too.
#[test]
fn a_full_disk_is_a_clean_error_and_leaves_the_older_generations() {
    let directory = fast_directory();
    let store = Store::open(directory.path()).unwrap();
    drop(write(&store, &stored_content()).unwrap());
    let present = largest_file(directory.path());
    drop(write(&store, &too_much()).unwrap());
    let needed = largest_file(directory.path());
    fs::remove_dir_all(directory.path().join("0000000002")).unwrap();
    // From just above what is there to where the new one nearly fits: there sled's second opening finds no room.
    assert!(present + 500_000 < needed);
    for length in [present + 8_000, present + 200_000, needed - 500_000, needed - 100_000, needed - 1_024] {
        // In units of 512 bytes.
        let limit = format!("trap '' XFSZ; ulimit -f {}; ", length / 512);
        let mut child = child("child_that_writes_into_a_full_disk", directory.path(), &limit);
        assert!(child.wait().unwrap().success(), "{length} of {needed} bytes");
    }
}

fn largest_file(directory: &Path) -> usize {
    files(directory).values().map(Vec::len).max().unwrap()
}
