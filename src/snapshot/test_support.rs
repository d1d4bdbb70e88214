//! Generations with known content, for the tests of this module.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;

/// Entries by section and block.
pub(super) type Content = BTreeMap<(u16, u32), Vec<Vec<u8>>>;

/// A directory in memory where there is one: these tests sync thousands of times.
pub(super) fn fast_directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Numbers that look random: splitmix64.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Bytes of which `compressible` in 4 are zeros.
    pub(super) fn bytes(&mut self, length: usize, compressible: usize) -> Vec<u8> {
        (0..length).map(|_| if self.below(4) < compressible { 0 } else { self.next() as u8 }).collect()
    }
}

/// `blocks` blocks in each of the sections 1, 2 and 9, of up to `bytes` bytes.
pub(super) fn content(seed: u64, blocks: u32, bytes: usize) -> Content {
    let mut random = Random(seed);
    let mut content = Content::new();
    for section in [1, 2, 9] {
        for index in 0..blocks {
            let compressible = random.below(5);
            let entries = (0..1 + random.below(4)).map(|_| {
                let length = random.below(bytes / 4 + 1);
                random.bytes(length, compressible)
            });
            content.insert((section, index), entries.collect());
        }
    }
    content
}

pub(super) fn builder(entries: &[Vec<u8>]) -> BlockBuilder {
    let mut builder = BlockBuilder::default();
    entries.iter().for_each(|entry| builder.push(entry));
    builder
}

pub(super) fn put_all(writer: &mut GenerationWriter, content: &Content) -> Result<(), SnapshotError> {
    content.iter().try_for_each(|(&(section, index), entries)| {
        writer.put_block(SectionId(section), index, &builder(entries))
    })
}

pub(super) fn write(store: &Store, content: &Content) -> Result<Generation, SnapshotError> {
    let mut writer = store.begin()?;
    put_all(&mut writer, content)?;
    let meta = format!("meta of {}", writer.number());
    writer.publish(meta.as_bytes())
}

/// Each block reads as it was written, and there is no other.
pub(super) fn assert_holds(generation: &Generation, content: &Content) {
    assert_eq!(generation.meta(), format!("meta of {}", generation.number()).as_bytes());
    let blocks: u32 = generation.sections().map(|section| generation.block_count(section)).sum();
    assert_eq!(blocks as usize, content.len());
    for (&(section, index), entries) in content {
        let block = generation.read_block(SectionId(section), index).unwrap();
        assert!(block.iter().eq(entries.iter().map(Vec::as_slice)), "section {section} block {index}");
    }
}

/// Each block reads as it was written or is refused. Gives how many were refused.
pub(super) fn count_refused(generation: &Generation, content: &Content) -> usize {
    let refused = content.iter().filter(|((section, index), entries)| {
        match generation.read_block(SectionId(*section), *index) {
            Ok(block) => {
                assert!(block.iter().eq(entries.iter().map(Vec::as_slice)), "wrong bytes");
                false
            }
            Err(_) => true,
        }
    });
    refused.count()
}

/// All files below a directory with their content.
pub(super) fn files(directory: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    all
}

pub(super) fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), &target).unwrap();
        }
    }
}
