//! What the disk alone takes to make a write durable: the floor under every acknowledgement.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use super::recorder::{Latencies, LatencySummary};

/// About what the journal writes for a group of a few hundred events.
const WRITE_BYTES: usize = 64 * 1_024;
const WRITES: usize = 500;
/// A slow disk is probed for no longer than this.
const PROBE_MAX: Duration = Duration::from_secs(10);

/// Appends 64 KiB and calls `fdatasync`, 500 times, in a file of its own within `directory`; the latency is that of
/// both together.
///
/// # Errors
/// If the file can't be made, written or synced.
pub fn probe_fdatasync(directory: &Path) -> io::Result<LatencySummary> {
    let path = directory.join("fdatasync-probe");
    let mut file = OpenOptions::new().create_new(true).write(true).open(&path)?;
    let result = probe(WRITES, || {
        file.write_all(&[0x5a; WRITE_BYTES])?;
        file.sync_data()
    });
    fs::remove_file(&path)?;
    result
}

fn probe(writes: usize, mut write: impl FnMut() -> io::Result<()>) -> io::Result<LatencySummary> {
    let mut latencies = Latencies::default();
    let began = Instant::now();
    for _ in 0..writes {
        let before = Instant::now();
        write()?;
        latencies.record(before.elapsed());
        if began.elapsed() > PROBE_MAX {
            break;
        }
    }
    Ok(latencies.summary())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_probe_measures_and_leaves_nothing() {
        let directory = tempfile::tempdir().expect("a directory");
        let summary = probe_fdatasync(directory.path()).expect("a disk");
        assert!(summary.max_ms >= summary.p99_ms && summary.p99_ms >= summary.p50_ms && summary.p50_ms > 0.0);
        assert_eq!(fs::read_dir(directory.path()).expect("a directory").count(), 0);
    }

    #[test]
    fn a_disk_that_fails_is_told() {
        assert!(probe(3, || Err(io::Error::other("broken"))).is_err());
        assert!(probe_fdatasync(Path::new("/nowhere/at/all")).is_err());
    }
}
