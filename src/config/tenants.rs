//! The tenants. Their numbers follow the order of the file, so this is a list and not a map.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::reader::Section;

/// The tenant that is always there.
const DEFAULT_TENANT: &str = "default";
const NAME_BYTES_MAX: usize = 64;
/// What the name of a tenant may be, in words.
pub(crate) const TENANT_NAME_ALLOWED: &str = "1 to 64 of a-z, 0-9, - and _";

/// `[tenants.NAME]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TenantConfig {
    /// NAME: 1–64 of `a-z`, `0-9`, `-` and `_`.
    pub name: CompactString,
    /// What moves this tenant's business time.
    pub clock: ClockKind,
    /// The ISO 4217 code in which values are ranked: three capital letters.
    pub base_currency: CompactString,
    /// The IANA time zone of a day where the location has none of its own.
    pub timezone: CompactString,
}

/// What moves a tenant's business time. Written down in the journal when the tenant first appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClockKind {
    /// The machine's clock.
    Wall,
    /// `clock.advanced` events alone: for replays of the past.
    Event,
}

impl TenantConfig {
    fn read(name: CompactString, section: &mut Section<'_, '_>) -> Self {
        let clocks = [("wall", ClockKind::Wall), ("event", ClockKind::Event)];
        Self {
            name,
            clock: section.choice("clock", ClockKind::Wall, &clocks),
            base_currency: section.text(
                "base_currency",
                CompactString::const_new("EUR"),
                "an ISO 4217 code, such as \"EUR\"",
                |text| is_currency_code(text).then(|| CompactString::from(text)),
            ),
            timezone: section.text(
                "timezone",
                CompactString::const_new("UTC"),
                "an IANA time zone, such as \"Europe/Berlin\"",
                |text| jiff::tz::TimeZone::get(text).is_ok().then(|| CompactString::from(text)),
            ),
        }
    }
}

/// The tenants of the file, in its order, with `default` first where the file does not name it.
pub(super) fn read(root: &mut Section<'_, '_>) -> Vec<TenantConfig> {
    let mut tenants = root.named_tables("tenants", TENANT_NAME_ALLOWED, is_tenant_name, TenantConfig::read);
    if tenants.iter().all(|tenant| tenant.name != DEFAULT_TENANT) {
        let name = CompactString::const_new(DEFAULT_TENANT);
        tenants.insert(0, super::defaults(|section| TenantConfig::read(name, section)));
    }
    tenants
}

/// Whether a tenant may have this name.
pub(crate) fn is_tenant_name(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

fn is_currency_code(text: &str) -> bool {
    text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}
