//! Files that rot, are cut off, or vanish: a generation gives the right bytes or an error, never wrong bytes, and never
//! ends the process.
//!
//! Three situations, from the outermost defence to the innermost: the files are damaged before the generation is loaded
//! (their hashes find it); they are damaged while it is open; they are damaged and their list of hashes is made to fit,
//! so that sled gets to open them (its checksums, the containment of its panics and the blocks' hashes are left).

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::contents::block_key;
use super::database::Database;
use super::test_support::*;
use super::*;

/// Large enough for several leaves, a file beside `db`, and more than one of sled's segments.
fn large_content() -> Content {
    let mut content = content(7, 40, 40_000);
    content.insert((3, 0), vec![Random(8).bytes(700_000, 0)]);
    content
}

/// A store with one generation, to be copied for each damage.
fn prepare(directory: &Path, content: &Content) {
    let store = Store::open(directory).unwrap();
    assert_holds(&write(&store, content).unwrap(), content);
}

struct Trial {
    _directory: tempfile::TempDir,
    store: Store,
    generation: PathBuf,
}

fn trial(prepared: &Path) -> Trial {
    let directory = fast_directory();
    copy_tree(prepared, directory.path());
    let store = Store::open(directory.path()).unwrap();
    Trial { generation: directory.path().join("0000000001"), _directory: directory, store }
}

/// Flips a bit, at the start of the file or anywhere.
fn flip(path: &Path, random: &mut Random) {
    let mut bytes = fs::read(path).unwrap();
    if bytes.is_empty() {
        return fs::write(path, [1]).unwrap();
    }
    let reach = if random.below(4) == 0 { bytes.len().min(64) } else { bytes.len() };
    bytes[random.below(reach)] ^= 1 << random.below(8);
    fs::write(path, bytes).unwrap();
}

/// Flips, cuts off, overwrites, empties or removes a file.
fn damage(path: &Path, random: &mut Random) {
    let length = fs::metadata(path).unwrap().len();
    match random.below(8) {
        0 => fs::remove_file(path).unwrap(),
        1 => fs::write(path, b"").unwrap(),
        2 => {
            let file = fs::OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(random.below(length as usize + 1) as u64).unwrap();
        }
        3 => {
            let mut bytes = fs::read(path).unwrap();
            let start = random.below(bytes.len() + 1);
            let end = (start + random.below(100_000)).min(bytes.len());
            let compressible = random.below(5);
            let garbage = random.bytes(end - start, compressible);
            bytes[start..end].copy_from_slice(&garbage);
            fs::write(path, bytes).unwrap();
        }
        _ => flip(path, random),
    }
}

fn pick(files: &[PathBuf], random: &mut Random) -> PathBuf {
    files[random.below(files.len())].clone()
}

fn names(directory: &Path) -> Vec<PathBuf> {
    files(directory).into_keys().collect()
}

#[test]
fn a_generation_with_any_damaged_file_is_refused() {
    let prepared = fast_directory();
    prepare(prepared.path(), &large_content());
    let mut random = Random(1);
    let trial = trial(prepared.path());
    let names = names(&trial.generation);
    assert!(names.iter().any(|name| name.parent().is_some_and(|parent| parent.ends_with("blobs"))));
    for round in 0..150 {
        // Every file several times; the list of files is one of them.
        let path = &names[round % names.len()];
        let before = fs::read(path).unwrap();
        damage(path, &mut random);
        let unchanged = fs::read(path).is_ok_and(|bytes| bytes == before);
        match trial.store.load(1) {
            Err(SnapshotError::Damaged { place, .. }) => assert!(place.file.is_some(), "{place}"),
            Ok(_) if unchanged => {}
            other => panic!("round {round}: {other:?}"),
        }
        fs::write(path, before).unwrap();
    }
    assert_holds(&trial.store.load(1).unwrap(), &large_content());
}

#[test]
fn damage_while_it_is_open_gives_right_bytes_or_an_error() {
    let prepared = fast_directory();
    let content = large_content();
    prepare(prepared.path(), &content);
    let mut refused = 0;
    for seed in 0..60 {
        let mut random = Random(seed);
        let trial = trial(prepared.path());
        let generation = trial.store.load(1).unwrap();
        for _ in 0..1 + random.below(20) {
            let path = trial.generation.join(if random.below(8) == 0 { "blobs" } else { "db" });
            if path.is_dir() {
                flip(&pick(&names(&path), &mut random), &mut random);
            } else {
                // In place: it is open.
                let bytes = fs::read(&path).unwrap();
                let position = random.below(bytes.len());
                let flipped = [bytes[position] ^ (1 << random.below(8))];
                let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
                std::os::unix::fs::FileExt::write_all_at(&file, &flipped, position as u64).unwrap();
            }
        }
        refused += count_refused(&generation, &content);
        let verified = generation.verify();
        assert_eq!(verified.is_err(), count_refused(&generation, &content) > 0, "seed {seed}: {verified:?}");
    }
    assert!(refused > 100, "{refused}");
}

/// `rounds` damages by seed, hidden from the first defence.
fn check_hidden_damage(seeds: std::ops::Range<u64>) {
    let prepared = fast_directory();
    let content = large_content();
    prepare(prepared.path(), &content);
    let (mut refused, mut loaded) = (0, 0);
    for seed in seeds {
        let mut random = Random(seed);
        let trial = trial(prepared.path());
        for _ in 0..1 + random.below(5) {
            let path = pick(&names(&trial.generation), &mut random);
            if path.file_name().is_some_and(|name| name != "files.b3") {
                damage(&path, &mut random);
            }
        }
        let list = trial.generation.join("files.b3");
        fs::remove_file(&list).unwrap();
        manifest::write(&trial.generation).unwrap();
        match trial.store.load(1) {
            Ok(generation) => {
                loaded += 1;
                refused += count_refused(&generation, &content);
            }
            Err(SnapshotError::Damaged { .. }) => refused += 1,
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    assert!(refused > 10 && loaded > 0, "{refused} refused, {loaded} loaded");
}

#[test]
fn damage_that_reaches_the_database_gives_right_bytes_or_an_error() {
    check_hidden_damage(0..60);
}

#[test]
#[ignore = "minutes: many more seeds"]
fn damage_that_reaches_the_database_gives_right_bytes_or_an_error_for_long() {
    check_hidden_damage(1000..5000);
}

#[test]
fn a_generation_under_another_ones_number_is_refused() {
    let directory = fast_directory();
    let store = Store::open(directory.path()).unwrap();
    write(&store, &content(1, 1, 100)).unwrap();
    fs::rename(directory.path().join("0000000001"), directory.path().join("0000000005")).unwrap();
    let error = store.load(5).unwrap_err();
    assert_eq!(error.to_string(), "snapshot generation 5: it says that it is generation 1");
}

/// Everything that sled checks is right here: only the hashes of blocks are left.
#[test]
fn a_block_in_another_ones_place_or_of_other_bytes_is_refused() {
    let directory = fast_directory();
    let path = directory.path().join("0000000001");
    let store = Store::open(directory.path()).unwrap();
    let content = content(1, 3, 5000);
    drop(write(&store, &content).unwrap());
    let database = Database::open(&path).unwrap();
    let [first, second, third] = [0, 1, 2].map(|index| block_key(SectionId(1), index));
    let values = [first, second].map(|key| database.get(&key).unwrap().unwrap());
    database.insert(&first, &values[1]).unwrap();
    database.insert(&second, &values[0]).unwrap();
    // The bytes of a block, but not of this one.
    database.insert(&third, &builder(&[b"other".to_vec()]).encode().unwrap()).unwrap();
    database.insert(&block_key(SectionId(2), 0), &[]).unwrap();
    database.close().unwrap();
    Database::settle(&path, |_| Ok(())).unwrap();
    fs::remove_file(path.join("files.b3")).unwrap();
    manifest::write(&path).unwrap();

    let generation = store.load(1).unwrap();
    for (section, block) in [(1, 0), (1, 1), (1, 2), (2, 0)] {
        let error = generation.read_block(SectionId(section), block).unwrap_err();
        let expected =
            format!("snapshot generation 1, section {section}, block {block}: the block's hash is wrong");
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(count_refused(&generation, &content), 4);
}

/// What makes the hashes of files possible at all, and a crash while a generation is open harmless.
fn assert_opening_changes_nothing(content: &Content, meta: usize) {
    let directory = fast_directory();
    let store = Store::open(directory.path()).unwrap();
    let mut writer = store.begin().unwrap();
    put_all(&mut writer, content).unwrap();
    drop(writer.publish(&vec![7; meta]).unwrap());
    let before = files(directory.path());
    for _ in 0..3 {
        let generation = store.load(1).unwrap();
        assert_eq!(count_refused(&generation, content), 0);
        assert!(files(directory.path()) == before, "changed while it was open");
        drop(generation);
        assert!(files(directory.path()) == before, "changed when it was closed");
    }
}

#[test]
fn opening_an_empty_generation_changes_nothing() {
    assert_opening_changes_nothing(&Content::new(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn opening_reading_and_closing_change_nothing(
        seed: u64,
        blocks in 0u32..40,
        bytes in prop_oneof![1usize..2_000, 50_000usize..200_000, 1_000_000usize..4_000_000],
        // Lets the log end anywhere in one of sled's segments, also just before its end.
        meta in prop_oneof![0usize..5_000, 0usize..2_200_000],
    ) {
        let blocks = if bytes > 500_000 { blocks % 4 } else { blocks };
        assert_opening_changes_nothing(&content(seed, blocks, bytes), meta);
    }
}

/// sled writes a leaf again whenever it splits it; blocks are not in it then.
#[test]
fn each_block_is_on_the_disk_once() {
    let directory = fast_directory();
    let store = Store::open(directory.path()).unwrap();
    let mut writer = store.begin().unwrap();
    let mut random = Random(12);
    for index in 0..400 {
        writer.put_block(SectionId(1), index, &builder(&[random.bytes(30_000, 0)])).unwrap();
    }
    let generation = writer.publish(b"").unwrap();
    let stored = generation.verify().unwrap().bytes_stored;
    // Besides them: padding of segments, up to 2 MiB of zeros, keys, hashes.
    assert!(
        stored > 11_900_000 && generation.bytes() < stored + stored / 8 + 2_100_000,
        "{}",
        generation.bytes()
    );
}

/// The database is opened anew every so many reads.
#[test]
fn more_reads_than_between_two_openings() {
    let directory = fast_directory();
    let store = Store::open(directory.path()).unwrap();
    let content = content(3, 100, 400);
    let generation = write(&store, &content).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..10).for_each(|_| assert_holds(&generation, &content)));
        }
    });
}

/// The last insertion into a leaf of sled's may leave it too large, and whoever comes by next splits it.
#[test]
fn reading_changes_no_file_in_whatever_order_sections_were_written() {
    let directory = fast_directory();
    let store = Store::open(directory.path()).unwrap();
    let mut random = Random(7);
    for _ in 0..100 {
        let mut sections: Vec<u16> = (0..1 + random.below(24) as u16).collect();
        let mut writer = store.begin().unwrap();
        while !sections.is_empty() {
            let section = SectionId(sections.swap_remove(random.below(sections.len())));
            for index in 0..1 + random.below(3) as u32 {
                writer.put_block(section, index, &builder(&[random.bytes(50, 2)])).unwrap();
            }
        }
        let number = writer.publish(b"meta").unwrap().number();
        // Whatever reading changes, loading finds.
        for _ in 0..2 {
            store.load(number).unwrap().verify().unwrap();
        }
        store.keep_newest(0, &[]).unwrap();
    }
}
