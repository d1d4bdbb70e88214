//! The exceptions of a case: what is known of each, and what they are worth together.

use std::collections::{BTreeMap, BTreeSet};

use super::item::{CaseItem, CaseMember, CasePlace, PLACES_MAX};
use super::words;
use crate::domain::exception::{ExceptionItem, ExceptionState, ExceptionType};
use crate::domain::ids::{EntityKey, Name};
use crate::domain::money::Money;
use crate::domain::quantity::Quantity;
use crate::domain::reference::TenantReference;
use crate::domain::time::Timestamp;

/// How the cause of an exception begins that went because a worse one took its place.
const SUPERSEDED: &str = "superseded by";

impl CaseMember {
    /// An exception that the case lays claim to at `now`.
    pub(super) fn claimed(entity: &EntityKey, item: &ExceptionItem, now: Timestamp) -> CaseMember {
        let mut member = CaseMember {
            id: item.id.clone(),
            entity: entity.clone(),
            exception_type: item.exception_type.clone(),
            subject: item.subject.clone(),
            state: ExceptionState::InCase,
            value_at_risk: None,
            units_at_risk: None,
            from: None,
            decide_by: None,
            group: None,
            affected_key: None,
            affected: 0,
            places: Vec::new(),
            claimed_at: now,
            confirmed: false,
            let_go: None,
            ended: None,
        };
        member.learn(item);
        member
    }

    /// Takes over what the exception says now, but whether it is over.
    pub(super) fn learn(&mut self, item: &ExceptionItem) {
        self.subject = item.subject.clone();
        self.value_at_risk = item.value_at_risk;
        self.units_at_risk = item.units_at_risk;
        self.from = item.window.and_then(|window| window.from);
        self.decide_by = item.decide_by;
        self.group = item.group.clone();
        self.affected_key = item.affected.as_ref().map(|affected| affected.key.clone());
        self.affected = item.affected.as_ref().map_or(0, |affected| affected.count);
        let affected = item.affected.iter().flat_map(|affected| &affected.exceptions);
        let subjects = std::iter::once(&item.subject).chain(affected.map(|affected| &affected.subject));
        self.places = subjects
            .filter_map(|subject| {
                Some(CasePlace { sku: subject.sku.clone()?, location: subject.location.clone()? })
            })
            .take(PLACES_MAX)
            .collect();
    }

    /// Takes over that the exception is over.
    pub(super) fn end(&mut self, state: ExceptionState, why: Option<&str>) {
        self.state = state;
        self.ended = why.map(str::to_owned);
    }

    /// Whether it went because a worse exception took its place.
    pub(super) fn is_superseded(&self) -> bool {
        self.ended.as_ref().is_some_and(|why| why.starts_with(SUPERSEDED))
    }
}

/// What is at risk together, in base currency and in units; `None` where nothing is known. Exceptions about the same
/// thing are one trouble, of which the greatest counts, and what is grouped under another one counts there.
pub fn at_risk(members: &[CaseMember]) -> (Option<Money>, Option<Quantity>) {
    let open = || members.iter().filter(|member| member.is_open());
    let keys: BTreeSet<&Name> = open().filter_map(|member| member.affected_key.as_ref()).collect();
    let counts = |member: &&CaseMember| member.group.as_ref().is_none_or(|group| !keys.contains(group));
    let mut values: BTreeMap<String, Money> = BTreeMap::new();
    let mut units: BTreeMap<String, Quantity> = BTreeMap::new();
    for member in open().filter(counts) {
        let subject = words::subject(&member.subject);
        if let Some(value) = member.value_at_risk {
            let known = values.entry(subject.clone()).or_insert(value);
            if value.ten_thousandths() > known.ten_thousandths() {
                *known = value;
            }
        }
        if let Some(quantity) = member.units_at_risk {
            let known = units.entry(subject).or_insert(quantity);
            *known = quantity.max(*known);
        }
    }
    let value = values.values().copied().reduce(|sum, value| {
        Money::from_ten_thousandths(
            sum.ten_thousandths().saturating_add(value.ten_thousandths()),
            sum.currency(),
        )
    });
    (value, (!units.is_empty()).then(|| units.values().copied().sum()))
}

/// What kind of case decides about such exceptions.
pub fn kind_of(members: &[CaseMember]) -> Name {
    use ExceptionType::*;
    let kind = match members.first().map(|member| &member.exception_type) {
        Some(
            ShortageNow | ProjectedStockout | BelowSafetyStock | PromotionUncovered | OrderAtRisk
            | AllocationShortage,
        ) => "shortage",
        Some(Excess | DeadStock | ExpiryBeforeUse) => "excess",
        Some(DemandSpike | DemandDrop | ForecastBias | ForecastAccuracy | PromotionOffPlan) => "demand",
        Some(
            PurchaseLate
            | PurchaseLatePredicted
            | ReceiptPartial
            | AcknowledgementMissing
            | AcknowledgementDiffers
            | LeadTimeDrift
            | SupplierUnreliable
            | CapacityExceeded
            | SingleSource
            | TransferLate
            | ActionUnconfirmed
            | ActionRefused
            | ReconciliationMismatch,
        ) => "supply",
        Some(NegativeStock | StockMismatch | FeedStale | MissingMasterData | DataQuality) => "data",
        Some(Custom(_)) | None => "manual",
    };
    Name::const_new(kind)
}

/// Brings what the item says about all its exceptions together in line with what it says about each.
pub fn summarize(item: &mut CaseItem, tenant: Option<&TenantReference>) {
    let (value, _) = at_risk(&item.members);
    item.exceptions = item.members.iter().map(|member| member.id.clone()).collect();
    item.subjects.clear();
    for member in &item.members {
        if !item.subjects.contains(&member.subject) {
            item.subjects.push(member.subject.clone());
        }
    }
    // Once all is over the last value stays: it says what the case was about.
    if !item.is_solved() {
        item.value_at_risk = value;
        item.decide_by =
            item.members.iter().filter(|member| member.is_open()).filter_map(|m| m.decide_by).min();
        if !item.titled_by_hand {
            item.title = words::title(&item.members, value, tenant);
        }
    }
}
