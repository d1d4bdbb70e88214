//! What a process and this machine say about themselves in `/proc`.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

/// The kernel's unit of processor time in `/proc`: `USER_HZ`, 100 on every architecture that this runs on.
const TICKS_PER_S: u64 = 100;

/// Processor time and memory of a process so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    /// User and system time of all its threads, in steps of 10 ms.
    pub cpu: Duration,
    pub resident_bytes: u64,
    /// The most that it ever was.
    pub resident_peak_bytes: u64,
}

impl Usage {
    /// Of the process with that id; `None` where there is no such process or no `/proc`.
    pub fn of(process: u32) -> Option<Usage> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        Some(Usage {
            cpu: cpu_in(&stat)?,
            resident_bytes: 1_024 * kib_in(&status, "VmRSS")?,
            resident_peak_bytes: 1_024 * kib_in(&status, "VmHWM")?,
        })
    }

    /// Of this process.
    pub fn own() -> Option<Usage> {
        Usage::of(std::process::id())
    }
}

/// Fields 14 and 15 of `/proc/PID/stat`, see proc_pid_stat(5). The second field is a name in parentheses that may
/// hold spaces and parentheses itself.
fn cpu_in(stat: &str) -> Option<Duration> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((user + system) * 1_000 / TICKS_PER_S))
}

/// The kibibytes in a line `NAME:   123 kB`.
fn kib_in(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    value.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The machine that figures are for.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_bytes: u64,
    pub kernel: String,
    /// Device and file system that hold the tower's data.
    pub disk: String,
}

impl Machine {
    /// This one, with the disk that `directory` is on. What can't be found out is `unknown`.
    pub fn this(directory: &Path) -> Machine {
        let unknown = || "unknown".to_owned();
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let cpu_info = read("/proc/cpuinfo");
        let processor = cpu_info.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        let absolute = directory.canonicalize().unwrap_or_else(|_| directory.to_owned());
        Machine {
            processor: processor.map_or_else(unknown, |(_, name)| name.to_owned()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_bytes: 1_024 * kib_in(&read("/proc/meminfo"), "MemTotal").unwrap_or(0),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .map_or_else(|_| unknown(), |release| release.trim().to_owned()),
            disk: mount_of(&read("/proc/self/mounts"), &absolute).unwrap_or_else(unknown),
        }
    }
}

/// Device and type of the mount that a path is on: the one with the longest matching mount point, the last of equals.
fn mount_of(mounts: &str, path: &Path) -> Option<String> {
    let mut found: Option<(usize, String)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ');
        let (Some(device), Some(point), Some(kind)) = (fields.next(), fields.next(), fields.next()) else {
            continue;
        };
        let depth = Path::new(point).components().count();
        if path.starts_with(point) && found.as_ref().is_none_or(|(deepest, _)| depth >= *deepest) {
            found = Some((depth, format!("{device} ({kind})")));
        }
    }
    found.map(|(_, mount)| mount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_user_and_system() {
        let stat = "4242 (tide) watch) S 1 2 3 4 5 6 7 8 9 10 1234 66 0 0 20 0 9 0 100 0 0";
        assert_eq!(cpu_in(stat), Some(Duration::from_secs(13)));
        assert_eq!(cpu_in("nonsense"), None);
    }

    #[test]
    fn memory_is_read_in_kibibytes() {
        assert_eq!(kib_in("VmHWM:\t 9 kB\nVmRSS:\t  2048 kB\n", "VmRSS"), Some(2_048));
        assert_eq!(kib_in("VmHWM:\t 9 kB\nVmRSS:\t  2048 kB\n", "VmHWM"), Some(9));
        assert_eq!(kib_in("VmRSS:\t  x kB\n", "VmRSS"), None);
    }

    #[test]
    fn this_process_uses_memory() {
        let own = Usage::own().expect("/proc");
        assert!(own.resident_bytes > 100_000 && own.resident_peak_bytes >= own.resident_bytes);
        assert!(Usage::of(u32::MAX).is_none());
    }

    #[test]
    fn a_path_is_on_its_deepest_mount() {
        let mounts = "overlay / overlay rw 0 0\n/dev/a /data ext4 rw 0 0\ntmpfs /data/tmp tmpfs rw 0 0\n";
        let check = |path: &str| mount_of(mounts, Path::new(path));
        assert_eq!(check("/home/x").as_deref(), Some("overlay (overlay)"));
        assert_eq!(check("/data/x").as_deref(), Some("/dev/a (ext4)"));
        assert_eq!(check("/data/tmp").as_deref(), Some("tmpfs (tmpfs)"));
        assert_eq!(check("/database").as_deref(), Some("overlay (overlay)"));
    }
}
