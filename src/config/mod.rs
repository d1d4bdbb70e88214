//! `actors.toml`, typed and validated.
//!
//! Each section is a struct whose `read` names every key once, with its default and what is allowed;
//! [`Config::default`] is what reading an empty file gives, and the file that is shipped says the same in
//! words. A mistake names file, line, column, key and what is allowed ([`ConfigError`]); all mistakes of a
//! file are told at once.
//!
//! Not done here: what the command line overrides, and what a section means (that stands with its users).

mod actors;
mod amount;
mod edge;
mod error;
mod exceptions;
mod feed;
mod outbox;
mod reader;
mod routing;
mod tenants;

use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use toml::de::DeTable;

use crate::domain::exception::routing::{RoutingRule, Team};
use crate::domain::settings::CaseSettings;
pub use actors::{
    DemandConfig, LeadTimeDefaults, OtifDate, RuntimeConfig, SkuLocationConfig, SupplierConfig,
};
pub use amount::BaseCurrencyAmount;
pub use edge::{
    AdmissionConfig, JournalConfig, LogConfig, LogFormat, LogLevel, ServerConfig, SnapshotsConfig,
};
pub use error::{ConfigError, Problem, ProblemKind};
pub use exceptions::{ExceptionsConfig, SeverityConfig};
pub use feed::FeedConfig;
pub use outbox::{OutboxConfig, TargetConfig};
pub use tenants::{ClockKind, TenantConfig};
pub(crate) use tenants::{TENANT_NAME_ALLOWED, is_tenant_name};

use error::Finding;
use reader::{Findings, Section, defaults, read_document};

/// The file that is read when none is named, and may be absent.
pub const DEFAULT_FILE: &str = "actors.toml";

/// The most bytes a configuration file may have.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Everything that can be tuned. See `actors.toml` for the keys in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// `[server]`: the HTTP door.
    pub server: ServerConfig,
    /// `[admission]`: how much accepted work may wait.
    pub admission: AdmissionConfig,
    /// `[journal]`: segments, groups and the window of known events.
    pub journal: JournalConfig,
    /// `[snapshots]`: when what the tower holds is written down.
    pub snapshots: SnapshotsConfig,
    /// `[runtime]`: shards, batches, reviews, and the bounds of what is held in memory.
    pub runtime: RuntimeConfig,
    /// `[sku_location]`: what one SKU-location keeps.
    pub sku_location: SkuLocationConfig,
    /// `[demand]`: the demand model.
    pub demand: DemandConfig,
    /// `[defaults]`: the parameters of a SKU-location for which nothing else is said.
    pub defaults: LeadTimeDefaults,
    /// `[supplier]`: what one supplier keeps and publishes.
    pub supplier: SupplierConfig,
    /// `[exceptions]`: when an exception is raised, updated and cleared.
    pub exceptions: ExceptionsConfig,
    /// `[teams.NAME]`: who looks after exceptions, and when they work.
    pub teams: Vec<Team>,
    /// `[[routing]]`: which team looks after which exceptions; the first rule that fits holds.
    pub routing: Vec<RoutingRule>,
    /// `[cases]`: what decisions cost, and who approves them.
    pub cases: CaseSettings,
    /// `[feed]`: the WebSocket feed.
    pub feed: FeedConfig,
    /// `[outbox]`: delivering approved actions.
    pub outbox: OutboxConfig,
    /// `[targets.NAME]` in the order of the file; `erp` is always among them.
    pub targets: Vec<TargetConfig>,
    /// `[log]`: what goes to standard error.
    pub log: LogConfig,
    /// `[tenants.NAME]` in the order of the file; `default` is always among them, and first where the file
    /// does not name it.
    pub tenants: Vec<TenantConfig>,
}

impl Default for Config {
    fn default() -> Self {
        defaults(Self::read)
    }
}

impl Config {
    /// Reads and validates a file; with `None` the file [`DEFAULT_FILE`] of the working directory, where a
    /// file that is absent means the defaults.
    ///
    /// # Errors
    /// [`ConfigError::Unreadable`] if the file can't be read (or `file` is absent), is longer than 1 MiB or no
    /// UTF-8; [`ConfigError::Invalid`] with every mistake in it.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        match file {
            Some(file) => Self::load_if_present(file)?.ok_or_else(|| ConfigError::Unreadable {
                file: file.to_owned(),
                reason: "there is no such file".to_owned(),
            }),
            None => Ok(Self::load_if_present(Path::new(DEFAULT_FILE))?.unwrap_or_default()),
        }
    }

    fn load_if_present(file: &Path) -> Result<Option<Self>, ConfigError> {
        let unreadable = |reason: String| ConfigError::Unreadable { file: file.to_owned(), reason };
        let opened = match std::fs::File::open(file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|error| unreadable(error.to_string()))?,
        };
        let mut bytes = Vec::new();
        opened
            .take(FILE_BYTES_MAX + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| unreadable(error.to_string()))?;
        if bytes.len() as u64 > FILE_BYTES_MAX {
            return Err(unreadable(format!("it is longer than {FILE_BYTES_MAX} bytes")));
        }
        let text =
            String::from_utf8(bytes).map_err(|error| unreadable(format!("it is no UTF-8: {error}")))?;
        Self::parse(&file.display().to_string(), &text).map(Some)
    }

    /// Reads and validates the text of a file. `file` is its name in messages.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] with every mistake in it; a text that is no TOML is one mistake.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigError> {
        let mut findings = match DeTable::parse(text) {
            Err(error) => vec![Finding::syntax(&error)],
            Ok(document) => {
                let (config, problems) = read_document(Some((document.get_ref(), text)), Self::read);
                if problems.is_empty() {
                    return Ok(config);
                }
                problems
            }
        };
        findings.sort_by_key(|finding| finding.span.start);
        let text: Arc<str> = Arc::from(text);
        let problems = findings.into_iter().map(|finding| Problem::new(finding, file, &text)).collect();
        Err(ConfigError::Invalid { file: file.to_owned(), problems })
    }

    /// The configuration as JSON with sorted keys and every value present: the content of the record that
    /// activates it. `serde_json` reads it back.
    ///
    /// # Errors
    /// None in practice: every field has a JSON form.
    pub fn canonical_json(&self) -> Result<String, serde_json::Error> {
        // A `Value` keeps its members sorted, whatever order the structs declare them in.
        serde_json::to_value(self).map(|value| value.to_string())
    }

    /// The blake3 hash of [`Config::canonical_json`]: equal exactly for equal configurations.
    ///
    /// # Errors
    /// Those of [`Config::canonical_json`].
    pub fn content_hash(&self) -> Result<blake3::Hash, serde_json::Error> {
        self.canonical_json().map(|json| blake3::hash(json.as_bytes()))
    }

    fn read(root: &mut Section<'_, '_>) -> Self {
        let config = Self {
            server: root.table("server", ServerConfig::read),
            admission: root.table("admission", AdmissionConfig::read),
            journal: root.table("journal", JournalConfig::read),
            snapshots: root.table("snapshots", SnapshotsConfig::read),
            runtime: root.table("runtime", RuntimeConfig::read),
            sku_location: root.table("sku_location", SkuLocationConfig::read),
            demand: root.table("demand", DemandConfig::read),
            defaults: root.table("defaults", LeadTimeDefaults::read),
            supplier: root.table("supplier", SupplierConfig::read),
            exceptions: root.table("exceptions", ExceptionsConfig::read),
            teams: routing::read_teams(root),
            routing: routing::read_rules(root),
            cases: root.table("cases", routing::read_cases),
            feed: root.table("feed", FeedConfig::read),
            outbox: root.table("outbox", OutboxConfig::read),
            targets: outbox::read_targets(root),
            log: root.table("log", LogConfig::read),
            tenants: tenants::read(root),
        };
        let findings = root.findings();
        // The default that stands in for a refused value must not be blamed for a second mistake.
        if findings.problems.is_empty() {
            config.check_relations(findings);
        }
        config
    }

    /// The rules over more than one key: values that are sound one by one and not together.
    fn check_relations(&self, findings: &mut Findings<'_>) {
        let Self { server, admission, journal, sku_location, exceptions, feed, .. } = self;
        let rules = [
            (
                server.event_bytes_max <= server.request_bytes_max,
                ["server.event_bytes_max", "server.request_bytes_max"],
                "server.event_bytes_max must not be above server.request_bytes_max",
            ),
            (
                // Otherwise an allowed request could never get its credits.
                server.request_bytes_max <= admission.bytes_max,
                ["admission.bytes_max", "server.request_bytes_max"],
                "server.request_bytes_max must not be above admission.bytes_max",
            ),
            (
                server.event_bytes_max < journal.group_bytes_max,
                ["journal.group_bytes_max", "server.event_bytes_max"],
                "server.event_bytes_max must be below journal.group_bytes_max",
            ),
            (
                journal.group_bytes_max < journal.segment_bytes_max,
                ["journal.group_bytes_max", "journal.segment_bytes_max"],
                "journal.group_bytes_max must be below journal.segment_bytes_max",
            ),
            (
                sku_location.count_lateness_hours <= sku_location.lateness_hours,
                ["sku_location.count_lateness_hours", "sku_location.lateness_hours"],
                "sku_location.count_lateness_hours must not be above sku_location.lateness_hours",
            ),
            (
                feed.ping_interval_s < feed.silence_close_s,
                ["feed.ping_interval_s", "feed.silence_close_s"],
                "feed.ping_interval_s must be below feed.silence_close_s",
            ),
            (
                feed.snapshot_page_items <= feed.socket_queue_frames_max,
                ["feed.snapshot_page_items", "feed.socket_queue_frames_max"],
                "feed.snapshot_page_items must not be above feed.socket_queue_frames_max",
            ),
        ];
        for (holds, keys, allowed) in rules {
            if !holds {
                findings.contradiction(keys, allowed);
            }
        }
        for target in &self.targets {
            if target.backoff_initial_ms > target.backoff_max_ms {
                let keys = ["backoff_initial_ms", "backoff_max_ms"]
                    .map(|key| format!("targets.{}.{key}", target.name));
                let keys = [keys[0].as_str(), keys[1].as_str()];
                findings.contradiction(keys, "backoff_initial_ms must not be above backoff_max_ms");
            }
        }
        exceptions.check_relations(findings);
        exceptions.check_types(findings, "routing", self.routing.iter().map(|rule| &*rule.types));
        routing::check_relations(&self.teams, &self.routing, findings);
        routing::check_cases(&self.cases, &self.targets, &self.teams, findings);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_absent_is_told_apart_from_one_that_cannot_be_read() {
        let directory = tempfile::tempdir().expect("a directory");
        let absent = Config::load_if_present(&directory.path().join("actors.toml"));
        assert!(matches!(absent, Ok(None)));
        let no_file = Config::load_if_present(directory.path());
        assert!(matches!(no_file, Err(ConfigError::Unreadable { .. })));
    }
}
