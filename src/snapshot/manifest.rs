//! The list of a generation's files with their hashes: what sled is given to open is what it had written, bit by bit.
//!
//! One line for each file, sorted: the BLAKE3 hash in hexadecimal, two spaces, the name relative to the generation's
//! directory. `b3sum --check` reads it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use blake3::hazmat::{HasherExt as _, Mode, left_subtree_len, merge_subtrees_root};

use super::disk;
use super::error::{Damage, Place, SnapshotError};

const MANIFEST_NAME: &str = "files.b3";

/// Syncs all files of a generation and all its directories, and writes the list in between. Gives the bytes of all
/// files.
pub(super) fn write(directory: &Path) -> Result<u64, SnapshotError> {
    let list = list(directory).map_err(SnapshotError::io("list", directory))?;
    let mut content = String::new();
    let mut bytes = 0;
    for name in &list.files {
        let path = directory.join(name);
        let file = File::open(&path).map_err(SnapshotError::io("open", &path))?;
        disk::sync_file(&path, &file).map_err(SnapshotError::io("sync", &path))?;
        let (hash, length) = hash(&file).map_err(SnapshotError::io("read", &path))?;
        content.push_str(&format!("{hash}  {}\n", name.display()));
        bytes += length;
    }
    let path = directory.join(MANIFEST_NAME);
    disk::create_file(&path, content.as_bytes()).map_err(SnapshotError::io("write", &path))?;
    let file = File::open(&path).map_err(SnapshotError::io("open", &path))?;
    disk::sync_file(&path, &file).map_err(SnapshotError::io("sync", &path))?;
    for name in list.directories.iter().rev() {
        let path = directory.join(name);
        disk::sync_directory(&path).map_err(SnapshotError::io("sync", &path))?;
    }
    Ok(bytes + content.len() as u64)
}

/// Checks that a generation has exactly the files of its list, and each as it was written. Gives the bytes of all files.
pub(super) fn check(directory: &Path, generation: u64) -> Result<u64, SnapshotError> {
    let damaged = |name: &Path, damage| SnapshotError::damaged(Place::file(generation, name), damage);
    let path = directory.join(MANIFEST_NAME);
    let content = match fs::read(&path) {
        Ok(content) => content,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(damaged(Path::new(MANIFEST_NAME), Damage::FileMissing));
        }
        Err(error) => return Err(SnapshotError::io("read", &path)(error)),
    };
    let mut expected = parse(&content).ok_or_else(|| damaged(Path::new(MANIFEST_NAME), Damage::Manifest))?;
    let list = list(directory).map_err(SnapshotError::io("list", directory))?;
    let mut bytes = content.len() as u64;
    for name in &list.files {
        let Some(expected_hash) = expected.remove(name.as_path()) else {
            return Err(damaged(name, Damage::FileStrange));
        };
        let path = directory.join(name);
        let file = File::open(&path).map_err(SnapshotError::io("open", &path))?;
        let (hash, length) = hash(&file).map_err(SnapshotError::io("read", &path))?;
        if hash != expected_hash {
            return Err(damaged(name, Damage::FileHash));
        }
        bytes += length;
    }
    match expected.keys().next() {
        Some(name) => Err(damaged(name, Damage::FileMissing)),
        None => Ok(bytes),
    }
}

/// Hash by name. `None` if a line is not as it should be.
fn parse(content: &[u8]) -> Option<BTreeMap<&Path, blake3::Hash>> {
    let content = std::str::from_utf8(content).ok()?;
    // A list that was cut off in the middle of a name.
    let content = content.strip_suffix('\n')?;
    content
        .split('\n')
        .map(|line| {
            let (hash, name) = line.split_once("  ")?;
            Some((Path::new(name), blake3::Hash::from_hex(hash).ok()?))
        })
        .collect()
}

/// The file's content is in the system's cache after that, for whoever opens it next.
fn hash(file: &File) -> io::Result<(blake3::Hash, u64)> {
    let length = file.metadata()?.len();
    if length <= HASHED_AT_ONCE_BYTES {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(Part { file, at: 0, end: length })?;
        return Ok((hasher.finalize(), hasher.count()));
    }
    // The hash is the root of a tree, whose two halves can be had at the same time: a start waits for them.
    let middle = left_subtree_len(length);
    let subtree = |at, end| {
        let mut hasher = blake3::Hasher::new();
        hasher.set_input_offset(at);
        hasher.update_reader(Part { file, at, end })?;
        match hasher.count() == end - at {
            true => Ok(hasher.finalize_non_root()),
            false => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        }
    };
    let (left, right) = std::thread::scope(|scope| {
        let left = scope.spawn(|| subtree(0, middle));
        let right = subtree(middle, length);
        let left = left.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (left, right)
    });
    Ok((merge_subtrees_root(&left?, &right?, Mode::Hash), length))
}

const HASHED_AT_ONCE_BYTES: u64 = 1 << 20;

/// Some of a file, to be read while others read the rest.
struct Part<'f> {
    file: &'f File,
    at: u64,
    end: u64,
}

impl io::Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(buffer.len());
        let read = self.file.read_at(&mut buffer[..left], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// Names relative to the generation's directory, sorted. A directory comes before what is in it.
#[derive(Default)]
struct List {
    files: Vec<PathBuf>,
    directories: Vec<PathBuf>,
}

fn list(directory: &Path) -> io::Result<List> {
    let mut list = List::default();
    let mut pending = vec![PathBuf::new()];
    while let Some(name) = pending.pop() {
        for entry in fs::read_dir(directory.join(&name))? {
            let entry = entry?;
            let name = name.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                pending.push(name);
            } else if name != Path::new(MANIFEST_NAME) {
                list.files.push(name);
            }
        }
        list.directories.push(name);
    }
    list.files.sort_unstable();
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH_OF_X: &str = "3f7b6a1b8a0ff0a1a1b2e0a3a64ee3c2e0c3b7c1a3dd0e1b2a55a2a0a6a1f5d2";

    #[test]
    fn a_list_that_is_cut_off_or_not_of_hashes_is_refused() {
        let whole = format!("{HASH_OF_X}  conf\n{HASH_OF_X}  db\n");
        assert_eq!(parse(whole.as_bytes()).unwrap().len(), 2);
        // A cut at a line's end leaves a valid list; the file that it misses is then a strange one.
        for length in (0..whole.len()).filter(|&length| length != whole.len() / 2 + 1) {
            assert!(parse(&whole.as_bytes()[..length]).is_none(), "cut to {length}");
        }
        assert!(parse(b"\xFF\n").is_none());
        assert!(parse(b"abc  conf\n").is_none());
    }

    #[test]
    fn exactly_the_files_of_the_list_with_their_bytes_are_accepted() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("blobs")).unwrap();
        fs::write(path("db"), b"abc").unwrap();
        fs::write(path("blobs/12"), b"").unwrap();
        let bytes = write(directory.path()).unwrap();
        let lines = fs::read_to_string(path("files.b3")).unwrap();
        assert_eq!(bytes, 3 + lines.len() as u64);
        // The published BLAKE3 hash of nothing.
        let hash_of_nothing = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert!(lines.starts_with(&format!("{hash_of_nothing}  blobs/12\n")), "{lines}");
        assert_eq!(check(directory.path(), 1).unwrap(), bytes);

        let damage = || match check(directory.path(), 1) {
            Err(SnapshotError::Damaged { place, damage }) => (place.file.unwrap(), damage),
            other => panic!("{other:?}"),
        };
        fs::write(path("db"), b"abd").unwrap();
        assert_eq!(damage(), (PathBuf::from("db"), Damage::FileHash));
        fs::write(path("db"), b"abc").unwrap();
        fs::write(path("more"), b"").unwrap();
        assert_eq!(damage(), (PathBuf::from("more"), Damage::FileStrange));
        fs::remove_file(path("more")).unwrap();
        fs::remove_file(path("blobs/12")).unwrap();
        assert_eq!(damage(), (PathBuf::from("blobs/12"), Damage::FileMissing));
        fs::remove_file(path("files.b3")).unwrap();
        assert_eq!(damage(), (PathBuf::from("files.b3"), Damage::FileMissing));
    }

    #[test]
    fn files_of_any_size_are_hashed_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let some = HASHED_AT_ONCE_BYTES as usize;
        for length in [0, 1, some, some + 1, 2 * some, 5 * some, 7 * some + 3] {
            let content: Vec<u8> = (0..length).map(|n| (n ^ (n >> 8) ^ (n >> 16)) as u8).collect();
            fs::write(&path, &content).unwrap();
            let hashed = hash(&File::open(&path).unwrap()).unwrap();
            assert_eq!(hashed, (blake3::hash(&content), length as u64));
        }
    }
}
