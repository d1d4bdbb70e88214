//! The list of a generation's files with their hashes: what sled is given to open is what it had written, bit by bit.
//!
//! One line for each file, sorted: the BLAKE3 hash in hexadecimal, two spaces, the name relative to the generation's
//! directory. `b3sum --check` reads it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crossbeam_channel::bounded;

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

/// Reads with large buffers; the file's content is in the system's cache after that, for whoever opens it next.
fn hash(file: &File) -> io::Result<(blake3::Hash, u64)> {
    if file.metadata()?.len() <= BUFFER_BYTES as u64 {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file)?;
        return Ok((hasher.finalize(), hasher.count()));
    }
    hash_large(file)
}

const BUFFER_BYTES: usize = 1 << 20;
/// Buffers that were read and not hashed yet.
const BUFFERS_READ_MAX: usize = 2;

/// Reads on a thread of its own: that takes about as long as to hash what was read, and a start waits for both.
fn hash_large(mut file: &File) -> io::Result<(blake3::Hash, u64)> {
    let (read, buffers) = bounded::<io::Result<Vec<u8>>>(BUFFERS_READ_MAX);
    let (used, spare) = bounded::<Vec<u8>>(BUFFERS_READ_MAX + 1);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            loop {
                let mut buffer = spare.try_recv().unwrap_or_else(|_| Vec::with_capacity(BUFFER_BYTES));
                buffer.clear();
                let filled = file.by_ref().take(BUFFER_BYTES as u64).read_to_end(&mut buffer);
                let is_over = matches!(filled, Ok(0) | Err(_));
                // If nobody waits any more there was an error before.
                if read.send(filled.map(|_| buffer)).is_err() || is_over {
                    return;
                }
            }
        });
        let mut hasher = blake3::Hasher::new();
        for buffer in buffers {
            let buffer = buffer?;
            hasher.update(&buffer);
            let _ = used.try_send(buffer);
        }
        Ok((hasher.finalize(), hasher.count()))
    })
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
        for length in [0, 1, BUFFER_BYTES, BUFFER_BYTES + 1, 5 * BUFFER_BYTES, 7 * BUFFER_BYTES + 3] {
            let content: Vec<u8> = (0..length).map(|n| (n ^ (n >> 8) ^ (n >> 16)) as u8).collect();
            fs::write(&path, &content).unwrap();
            let hashed = hash(&File::open(&path).unwrap()).unwrap();
            assert_eq!(hashed, (blake3::hash(&content), length as u64));
        }
    }
}
