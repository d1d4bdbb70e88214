//! The sections about delivering approved actions to the systems of record.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::reader::Section;
use super::{TENANT_NAME_ALLOWED, is_tenant_name};

/// The target that is always there: where actions go that name no other.
const DEFAULT_TARGET: &str = "erp";
const ENVIRONMENT_NAME_BYTES_MAX: usize = 128;
const URL_BYTES_MAX: usize = 2_048;

/// `[outbox]`: delivering approved actions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxConfig {
    /// Whether anything is delivered; if not, approved actions wait and are shown as pending.
    pub enabled: bool,
    /// Attempts going on at once over all targets, 1–1,000; more wait.
    pub in_flight_max: usize,
}

impl OutboxConfig {
    pub(super) fn read(section: &mut Section<'_, '_>) -> Self {
        Self {
            enabled: section.boolean("enabled", true),
            in_flight_max: section.integer("in_flight_max", 32, 1..=1_000),
        }
    }
}

/// `[targets.NAME]`: a system of record that takes actions over HTTP.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetConfig {
    /// NAME: 1–64 of `a-z`, `0-9`, `-` and `_`.
    pub name: CompactString,
    /// Where actions are posted to; while it is empty they wait.
    pub url: CompactString,
    /// The environment variable that holds the value of the `Authorization` header; none if empty. The value itself
    /// stands in no file, no log and no journal.
    pub authorization_env: CompactString,
    /// Milliseconds for one attempt, from connecting to the last byte of the answer, 100–300,000.
    pub timeout_ms: u64,
    /// Attempts going on at once, 1–1,000.
    pub max_in_flight: usize,
    /// Attempts until an action is a dead letter, 1–1,000.
    pub attempts_max: u32,
    /// The longest wait after the first failure, 10–600,000 ms; it doubles with each further one.
    pub backoff_initial_ms: u64,
    /// The longest wait after any failure, 10–86,400,000 ms.
    pub backoff_max_ms: u64,
    /// Attempts after the first of their action, in a minute, 1–100,000.
    pub retries_per_minute_max: u32,
    /// Failures in a row that open the circuit breaker, 1–1,000.
    pub breaker_failures: u32,
    /// Milliseconds that it stays open before one attempt probes the target, 10–3,600,000.
    pub breaker_open_ms: u64,
    /// Whether the target takes a repeated `Idempotency-Key` as the same action.
    pub idempotent: bool,
}

impl TargetConfig {
    fn read(name: CompactString, section: &mut Section<'_, '_>) -> Self {
        Self {
            name,
            url: section.text(
                "url",
                CompactString::default(),
                "an http:// or https:// address without user and password, or \"\"",
                |text| (text.is_empty() || is_target_url(text)).then(|| CompactString::from(text)),
            ),
            authorization_env: section.text(
                "authorization_env",
                CompactString::default(),
                "the name of an environment variable (A-Z, a-z, 0-9 and _), or \"\"",
                |text| (text.is_empty() || is_environment_name(text)).then(|| CompactString::from(text)),
            ),
            timeout_ms: section.integer("timeout_ms", 10_000, 100..=300_000),
            max_in_flight: section.integer("max_in_flight", 8, 1..=1_000),
            attempts_max: section.integer("attempts_max", 20, 1..=1_000),
            backoff_initial_ms: section.integer("backoff_initial_ms", 500, 10..=600_000),
            backoff_max_ms: section.integer("backoff_max_ms", 300_000, 10..=86_400_000),
            retries_per_minute_max: section.integer("retries_per_minute_max", 120, 1..=100_000),
            breaker_failures: section.integer("breaker_failures", 5, 1..=1_000),
            breaker_open_ms: section.integer("breaker_open_ms", 15_000, 10..=3_600_000),
            idempotent: section.boolean("idempotent", true),
        }
    }

    /// A target of that name with every default.
    pub fn with_defaults(name: &str) -> TargetConfig {
        super::defaults(|section| TargetConfig::read(CompactString::from(name), section))
    }
}

/// The targets of the file, in its order, with `erp` first where the file does not name it.
pub(super) fn read_targets(root: &mut Section<'_, '_>) -> Vec<TargetConfig> {
    let mut targets = root.named_tables("targets", TENANT_NAME_ALLOWED, is_tenant_name, TargetConfig::read);
    if targets.iter().all(|target| target.name != DEFAULT_TARGET) {
        targets.insert(0, TargetConfig::with_defaults(DEFAULT_TARGET));
    }
    targets
}

/// Credentials in an address would end up in logs, and a fragment is never sent.
fn is_target_url(text: &str) -> bool {
    text.len() <= URL_BYTES_MAX
        && reqwest::Url::parse(text).is_ok_and(|url| {
            matches!(url.scheme(), "http" | "https")
                && url.has_host()
                && url.username().is_empty()
                && url.password().is_none()
                && url.fragment().is_none()
        })
}

fn is_environment_name(text: &str) -> bool {
    text.len() <= ENVIRONMENT_NAME_BYTES_MAX
        && !text.starts_with(|letter: char| letter.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn erp_is_always_a_target_and_has_no_address_by_default() {
        let config = Config::default();
        assert_eq!(config.targets.len(), 1);
        assert_eq!((config.targets[0].name.as_str(), config.targets[0].url.as_str()), ("erp", ""));
        let named =
            Config::parse("actors.toml", "[targets.wms]\nurl = \"https://wms.example.com/in\"\n").unwrap();
        let names: Vec<_> = named.targets.iter().map(|target| target.name.as_str()).collect();
        assert_eq!(names, ["erp", "wms"]);
    }

    #[test]
    fn addresses_with_credentials_and_values_of_secrets_are_refused() {
        for bad in [
            "url = \"erp.example.com\"",
            "url = \"ftp://erp.example.com\"",
            "url = \"https://user:secret@erp.example.com\"",
            "authorization_env = \"Bearer 12345\"",
            "authorization_env = \"1X\"",
        ] {
            let error = Config::parse("actors.toml", &format!("[targets.erp]\n{bad}\n"));
            assert!(error.is_err(), "{bad}");
        }
    }

    #[test]
    fn the_first_wait_must_not_be_above_the_longest() {
        let text = "[targets.wms]\nbackoff_initial_ms = 1000\nbackoff_max_ms = 500\n";
        let error = Config::parse("actors.toml", text).unwrap_err();
        assert!(format!("{error:?}").contains("targets.wms.backoff_initial_ms"), "{error:?}");
    }
}
