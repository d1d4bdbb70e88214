//! The outer sections: HTTP, admission, journal, logging.

use std::net::{Ipv4Addr, SocketAddr};

use serde::{Deserialize, Serialize};

use super::reader::Section;

/// `[server]`: the HTTP door.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServerConfig {
    /// Address and port to listen on; port 0 lets the system choose one.
    pub listen: SocketAddr,
    /// HTTP worker threads, 1–256.
    pub workers: usize,
    /// Connections each worker keeps open at most, 1–1,000,000; more wait in the system's backlog.
    pub connections_max: usize,
    /// Bytes of one request body, 1 KiB–1 GiB; more is `413`.
    pub request_bytes_max: usize,
    /// Bytes of one event, 256 B–8 MiB; more is `413` or a rejection in a batch.
    pub event_bytes_max: usize,
    /// Nesting of JSON values, 4–128; deeper is refused.
    pub json_depth_max: usize,
    /// Milliseconds for a client to send its request's head, 100–600,000; then the connection is closed.
    pub request_timeout_ms: u64,
    /// Milliseconds without a byte of an announced body, 100–600,000; then `408`.
    pub body_timeout_ms: u64,
    /// Seconds that an idle connection stays open, 1–3,600.
    pub keep_alive_s: u64,
    /// Milliseconds that a read waits for its `at_least`, 1–5,000; then `504 not_yet_applied`.
    pub read_timeout_ms: u64,
    /// Milliseconds that a stop waits for accepted work to be applied and durable, 100–8,000. Closing the journal and open connections
    /// take up to 1.5 s more.
    pub drain_ms: u64,
    /// The highest `limit` of a list, 1–1,000.
    pub list_limit_max: usize,
}

impl ServerConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 8080));
        let listen_allowed = "an address with a port, such as \"127.0.0.1:8080\"";
        Self {
            listen: section.text("listen", listen, listen_allowed, |text| text.parse().ok()),
            workers: section.integer("workers", 2, 1..=256),
            connections_max: section.integer("connections_max", 10_000, 1..=1_000_000),
            request_bytes_max: section.integer("request_bytes_max", 8 << 20, 1 << 10..=1 << 30),
            event_bytes_max: section.integer("event_bytes_max", 64 << 10, 256..=8 << 20),
            json_depth_max: section.integer("json_depth_max", 32, 4..=128),
            request_timeout_ms: section.integer("request_timeout_ms", 5_000, 100..=600_000),
            body_timeout_ms: section.integer("body_timeout_ms", 15_000, 100..=600_000),
            keep_alive_s: section.integer("keep_alive_s", 75, 1..=3_600),
            read_timeout_ms: section.integer("read_timeout_ms", 5_000, 1..=5_000),
            drain_ms: section.integer("drain_ms", 8_000, 100..=8_000),
            list_limit_max: section.integer("list_limit_max", 1_000, 1..=1_000),
        }
    }
}

/// `[admission]`: the credits that outside work takes. None left means `429` with `Retry-After`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdmissionConfig {
    /// Records accepted and not yet applied, 1,000–10,000,000.
    pub records_max: usize,
    /// Bytes of such records, 1 MiB–64 GiB.
    pub bytes_max: usize,
    /// Seconds that a refused client is told to wait, 1–60.
    pub retry_after_s: u64,
}

impl AdmissionConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            records_max: section.integer("records_max", 200_000, 1_000..=10_000_000),
            bytes_max: section.integer("bytes_max", 256 << 20, 1 << 20..=64 << 30),
            retry_after_s: section.integer("retry_after_s", 1, 1..=60),
        }
    }
}

/// `[journal]`: how records are grouped and stored, and how far back a repeated event is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JournalConfig {
    /// Bytes of one segment file, 1 MiB–4 GiB; then the next one is begun.
    pub segment_bytes_max: usize,
    /// Records that share one `fdatasync`, 1–65,536; more wait for the next group.
    pub group_records_max: usize,
    /// Bytes that share one `fdatasync`, 64 KiB–64 MiB; more wait for the next group.
    pub group_bytes_max: usize,
    /// Submissions waiting for the writer, 16–65,536; more wait at the edge, which has their credits.
    pub queue_submissions_max: usize,
    /// Events whose repeat is recognised, 1,000–100,000,000; older ones are forgotten, and a repeat of one is
    /// taken as new.
    pub duplicate_window_events: usize,
    /// Whether segments that are followed by another one are compressed in the background.
    pub compress_sealed: bool,
    /// Whether segments that no kept snapshot and no reader needs any more are removed, oldest first, whenever a
    /// snapshot was published.
    pub trim: bool,
    /// Bytes of segments, as they are on the disk, that stay whether they are needed or not, 0–1 PiB.
    pub trim_keep_bytes: usize,
    /// Records that a reader may be behind the journal's end and still keep segments, 1,000–1,000,000,000,000; one
    /// that is further behind loses its hold.
    pub trim_hold_records_max: usize,
}

impl JournalConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            segment_bytes_max: section.integer("segment_bytes_max", 256 << 20, 1 << 20..=4 << 30),
            group_records_max: section.integer("group_records_max", 8_192, 1..=65_536),
            group_bytes_max: section.integer("group_bytes_max", 8 << 20, 64 << 10..=64 << 20),
            queue_submissions_max: section.integer("queue_submissions_max", 4_096, 16..=65_536),
            duplicate_window_events: section.integer(
                "duplicate_window_events",
                4_000_000,
                1_000..=100_000_000,
            ),
            compress_sealed: section.boolean("compress_sealed", true),
            trim: section.boolean("trim", false),
            trim_keep_bytes: section.integer("trim_keep_bytes", 16 << 30, 0..=1 << 50),
            trim_hold_records_max: section.integer(
                "trim_hold_records_max",
                20_000_000,
                1_000..=1_000_000_000_000,
            ),
        }
    }
}

/// `[snapshots]`: when the tower writes down what it holds, so that a start need not replay the whole journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SnapshotsConfig {
    /// Bytes of the journal after which another snapshot is taken, 1 MiB–1 TiB.
    pub journal_bytes: usize,
    /// Entities that a shard captures at a time, before it looks at what else there is to do, 1–100,000.
    pub slice_entities: usize,
    /// Bytes that stay free on the disk beside a new snapshot, 0–1 TiB.
    pub free_bytes_min: usize,
}

impl SnapshotsConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            journal_bytes: section.integer("journal_bytes", 1 << 30, 1 << 20..=1 << 40),
            slice_entities: section.integer("slice_entities", 32, 1..=100_000),
            free_bytes_min: section.integer("free_bytes_min", 64 << 20, 0..=1 << 40),
        }
    }
}

/// `[log]`: what goes to standard error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogConfig {
    /// The least important level that is written.
    pub level: LogLevel,
    /// Lines for people or for programs.
    pub format: LogFormat,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Only what needs a person.
    Error,
    /// What may need one.
    Warn,
    /// What happens once in a while: starts, stops, recoveries.
    Info,
    /// What happens with each request.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The level as `tracing` filters spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl LogConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        let levels = [LogLevel::Error, LogLevel::Warn, LogLevel::Info, LogLevel::Debug, LogLevel::Trace]
            .map(|level| (level.as_str(), level));
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        Self {
            level: section.choice("level", LogLevel::Info, &levels),
            format: section.choice("format", LogFormat::Text, &formats),
        }
    }
}
