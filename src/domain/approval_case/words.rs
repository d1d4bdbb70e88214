//! Titles and numbers as people read them.

use jiff::tz::TimeZone;

use super::item::CaseMember;
use crate::domain::decimal::format_scaled;
use crate::domain::exception::{ExceptionSubject, ExceptionType};
use crate::domain::ids::Name;
use crate::domain::money::Money;
use crate::domain::reference::TenantReference;
use crate::domain::time::Timestamp;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `520.00 EUR`.
pub fn money(money: Money) -> String {
    let digits = money.currency().minor_digits().min(4);
    let unit = 10_i64.pow(4 - digits);
    let minor = money.ten_thousandths().saturating_add(unit / 2).div_euclid(unit);
    format!("{} {}", format_scaled(minor, digits, digits), money.currency().as_str())
}

/// `3 March`, on the calendar of that zone.
pub fn date(at: Timestamp, zone: &TimeZone) -> String {
    let text = at.day(zone).to_string();
    let mut parts = text.rsplit('-').map(str::parse::<usize>);
    match (parts.next(), parts.next()) {
        (Some(Ok(day)), Some(Ok(month))) => match month.checked_sub(1).and_then(|at| MONTHS.get(at)) {
            Some(month) => format!("{day} {month}"),
            None => text,
        },
        _ => text,
    }
}

/// One sentence part about all that a case decides.
pub fn title(members: &[CaseMember], at_risk: Option<Money>, tenant: Option<&TenantReference>) -> String {
    const UTC: &TimeZone = &TimeZone::UTC;
    // The worst first: what one sees of a case is its title.
    let value = |member: &&CaseMember| {
        (member.is_open(), member.value_at_risk.map(Money::ten_thousandths), member.units_at_risk)
    };
    let Some(first) = members.iter().rev().max_by_key(value) else { return "Nothing to decide".to_owned() };
    let zone = match (tenant, &first.subject.location) {
        (Some(tenant), Some(location)) => tenant.time_zone_at(location),
        (Some(tenant), None) => &tenant.time_zone,
        (None, _) => UTC,
    };
    let what = match first.exception_type {
        ExceptionType::ShortageNow => "short now".to_owned(),
        ExceptionType::ProjectedStockout => match first.from {
            Some(from) => format!("short from {}", date(from, zone)),
            None => "likely to be short".to_owned(),
        },
        ref other => kind(other),
    };
    let mut facts = Vec::new();
    if first.affected > 0 {
        facts.push(format!("{} affected", first.affected));
    }
    if let Some(units) = first.units_at_risk.filter(|units| units.is_positive()) {
        facts.push(format!("{units} units"));
    }
    facts.extend(at_risk.map(money));
    let mut title = format!("{} {what}", subject(&first.subject));
    if !facts.is_empty() {
        title = format!("{title}: {}", facts.join(", "));
    }
    match members.len() - 1 {
        0 => title,
        1 => format!("{title}, and one more exception"),
        more => format!("{title}, and {more} more exceptions"),
    }
}

/// What is wrong, after what it is wrong with.
fn kind(kind: &ExceptionType) -> String {
    use ExceptionType::*;
    let words = match kind {
        BelowSafetyStock => "below its safety stock",
        Excess => "in excess",
        DeadStock => "without demand",
        ExpiryBeforeUse => "to expire before it is used",
        NegativeStock => "with negative stock",
        StockMismatch => "with stock that does not match its count",
        PromotionUncovered => "short of stock for its promotion",
        PromotionOffPlan => "off the plan of its promotion",
        OrderAtRisk => "at risk",
        AllocationShortage => "promised to more orders than it can serve",
        PurchaseLate | TransferLate => "late",
        PurchaseLatePredicted => "expected late",
        ReceiptPartial => "received in part",
        AcknowledgementMissing => "not acknowledged",
        AcknowledgementDiffers => "acknowledged otherwise than ordered",
        LeadTimeDrift => "with another lead time than usual",
        SupplierUnreliable => "unreliable",
        CapacityExceeded => "ordered from beyond its capacity",
        SingleSource => "the only source",
        ActionUnconfirmed => "not confirmed",
        ActionRefused => "refused",
        ReconciliationMismatch => "done otherwise than approved",
        FeedStale => "silent",
        MissingMasterData => "not described",
        other => return other.as_str().strip_prefix("custom.").unwrap_or(other.as_str()).replace('_', " "),
    };
    words.to_owned()
}

/// What an exception is about.
pub fn subject(subject: &ExceptionSubject) -> String {
    let named = |label: &str, name: &Option<Name>| name.as_ref().map(|name| format!("{label} {name}"));
    let place = || Some(format!("SKU {} at {}", subject.sku.as_ref()?, subject.location.as_ref()?));
    named("Action", &subject.action_id)
        .or_else(|| named("Order", &subject.order_id))
        .or_else(|| named("Purchase order", &subject.po_id))
        .or_else(|| named("Transfer", &subject.transfer_id))
        .or_else(|| named("Promotion", &subject.promotion_id))
        .or_else(place)
        .or_else(|| named("SKU", &subject.sku))
        .or_else(|| named("Location", &subject.location))
        .or_else(|| named("Supplier", &subject.supplier))
        .or_else(|| named("Source", &subject.source))
        .unwrap_or_else(|| subject.kind.to_string())
}
