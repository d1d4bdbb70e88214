//! Grouping by cause: what one late purchase order, one centre's shortage or one promotion leads to stands under one
//! exception.
//!
//! An exception whose entity sees that another entity's trouble is behind it names that as its cause. The other
//! entity hears of it as a fact, keeps it among the members of its own exception, and shows how many there are and what
//! they are worth: counted once, however many exceptions it leads to.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::assessment::URGENCY_WITHOUT_DEADLINE;
use super::{ExceptionItem, ExceptionSubject, ExceptionType};
use crate::domain::ids::{EntityKey, Name};
use crate::domain::money::{Currency, Money};
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// Affected exceptions that a cause's item names one by one; a list gives all.
pub const AFFECTED_SHOWN_MAX: usize = 20;
/// Members that one cause keeps; more are counted where they are raised, and not here.
pub const MEMBERS_MAX: usize = 20_000;

/// An exception of another entity that is behind this one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CauseRef {
    pub entity: EntityKey,
    /// What of the entity: a purchase order of a supplier; empty for the entity as such.
    pub of: Name,
}

impl CauseRef {
    /// The key under which cause and members find each other, unique in a tenant. Shown as `group`.
    pub fn group_key(&self) -> Name {
        match &self.entity {
            EntityKey::SkuLocation { sku, location, .. } => {
                Name::from(format!("sku_location:{sku}@{location}"))
            }
            EntityKey::Supplier { .. } if !self.of.is_empty() => {
                Name::from(format!("purchase_order:{}", self.of))
            }
            EntityKey::Supplier { supplier, .. } => Name::from(format!("supplier:{supplier}")),
            EntityKey::Subject { subject, id, .. } => {
                Name::from(format!("{}:{id}{}", subject.as_str(), self.of))
            }
            EntityKey::ApprovalCase { case, .. } => Name::from(format!("case:{case}")),
        }
    }
}

/// What is grouped under a cause, as its item shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AffectedSummary {
    /// What the members' `group` says.
    pub key: Name,
    pub count: u32,
    /// How many of `exceptions` the reader's scope left out; 0 as it is journaled.
    #[serde(default)]
    pub hidden: u32,
    /// The first ones by value.
    pub exceptions: Vec<AffectedException>,
}

/// One affected exception.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AffectedException {
    pub id: Name,
    #[serde(rename = "type")]
    pub exception_type: ExceptionType,
    pub subject: ExceptionSubject,
    pub value_at_risk: Option<Money>,
    pub units_at_risk: Option<Quantity>,
    #[serde(default)]
    pub decide_by: Option<Timestamp>,
    /// What its urgency is measured against: `decide_by`, or when the trouble begins where nothing can be done about it.
    #[serde(default)]
    pub act_by: Option<Timestamp>,
}

/// The members of one cause.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "KeptMembers")]
pub struct Members {
    by_id: BTreeMap<Name, AffectedException>,
    /// What each has at risk, by its SKU-location: what several of one place have at risk is the same loss.
    #[serde(skip)]
    at_risk: BTreeMap<(Name, Name), SmallVec<[AtRisk; 2]>>,
    /// The sums over all places: they are asked for at each look at the cause, of which there are as many as members.
    #[serde(skip)]
    sums: Sums,
    /// Who has to be decided by when.
    #[serde(skip)]
    by_deadline: BTreeSet<(Timestamp, Name)>,
    /// What the urgency of whom is measured against.
    #[serde(skip)]
    by_act_by: BTreeSet<(Timestamp, Name)>,
}

/// What the places have at risk together, of each the most. Wider than a value, so that what was added can be taken away.
#[derive(Clone, Debug, Default, PartialEq)]
struct Sums {
    /// By currency, in its ten-thousandths: how many places have a value in it. All are in the base currency, unless that
    /// was changed since some were told.
    values: BTreeMap<Currency, (usize, i128)>,
    /// Thousandths.
    units: i128,
}

impl Sums {
    fn add(&mut self, place: &[AtRisk]) {
        if let Some(value) = most_value(place) {
            let sum = self.values.entry(value.currency()).or_default();
            sum.0 += 1;
            sum.1 += i128::from(value.ten_thousandths());
        }
        self.units += i128::from(most_units(place).milli());
    }

    fn take(&mut self, place: &[AtRisk]) {
        if let Some(value) = most_value(place)
            && let Some(sum) = self.values.get_mut(&value.currency())
        {
            sum.0 -= 1;
            sum.1 -= i128::from(value.ten_thousandths());
            if sum.0 == 0 {
                self.values.remove(&value.currency());
            }
        }
        self.units -= i128::from(most_units(place).milli());
    }
}

fn most_value(place: &[AtRisk]) -> Option<Money> {
    place.iter().filter_map(|one| one.value).max_by_key(|value| value.ten_thousandths())
}

fn most_units(place: &[AtRisk]) -> Quantity {
    place.iter().filter_map(|one| one.units).max().unwrap_or_default()
}

/// As far as it can be told.
fn clamped(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

/// Members as they are written.
#[derive(Deserialize)]
struct KeptMembers {
    by_id: BTreeMap<Name, AffectedException>,
}

impl From<KeptMembers> for Members {
    fn from(kept: KeptMembers) -> Members {
        let mut members = Members::default();
        kept.by_id.into_values().for_each(|member| members.put(member));
        members
    }
}

/// What one member has at risk.
#[derive(Clone, Debug, PartialEq)]
struct AtRisk {
    id: Name,
    value: Option<Money>,
    units: Option<Quantity>,
}

/// Where a member is; one that is about no SKU-location stands for itself.
fn place_of(member: &AffectedException) -> (Name, Name) {
    match (&member.subject.sku, &member.subject.location) {
        (Some(sku), Some(location)) => (sku.clone(), location.clone()),
        // No SKU is empty.
        _ => (Name::default(), member.id.clone()),
    }
}

/// When the trouble begins, if something has to be done until then. An urgency that happens to be the fixed one says that
/// nothing has to, and would not be another one.
fn begins_at(item: &ExceptionItem) -> Option<Timestamp> {
    item.window.filter(|_| item.urgency != URGENCY_WITHOUT_DEADLINE)?.from
}

impl Members {
    /// Whether nothing is grouped here.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.by_id.len()
    }

    /// Members in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &AffectedException> {
        self.by_id.values()
    }

    /// Takes an exception as it is now; `stays` is false when it is over or has another cause.
    pub fn note(&mut self, item: &ExceptionItem, stays: bool) {
        if !stays {
            self.remove(&item.id);
        } else if self.by_id.len() < MEMBERS_MAX || self.by_id.contains_key(&item.id) {
            let member = AffectedException {
                id: item.id.clone(),
                exception_type: item.exception_type.clone(),
                subject: item.subject.clone(),
                value_at_risk: item.value_at_risk,
                units_at_risk: item.units_at_risk,
                decide_by: item.decide_by,
                act_by: item.decide_by.or_else(|| begins_at(item)),
            };
            self.put(member);
        }
    }

    fn put(&mut self, member: AffectedException) {
        self.remove(&member.id);
        let (id, value, units) = (member.id.clone(), member.value_at_risk, member.units_at_risk);
        let place = self.at_risk.entry(place_of(&member)).or_default();
        self.sums.take(place);
        // By id, so that it does not matter in which order they came.
        let at = place.partition_point(|one| one.id < id);
        place.insert(at, AtRisk { id, value, units });
        self.sums.add(place);
        self.by_deadline.extend(member.decide_by.map(|at| (at, member.id.clone())));
        self.by_act_by.extend(member.act_by.map(|at| (at, member.id.clone())));
        self.by_id.insert(member.id.clone(), member);
    }

    fn remove(&mut self, id: &str) {
        let Some(member) = self.by_id.remove(id) else { return };
        for (deadlines, at) in
            [(&mut self.by_deadline, member.decide_by), (&mut self.by_act_by, member.act_by)]
        {
            if let Some(at) = at {
                deadlines.remove(&(at, member.id.clone()));
            }
        }
        let key = place_of(&member);
        if let Some(place) = self.at_risk.get_mut(&key) {
            self.sums.take(place);
            place.retain(|one| one.id != id);
            self.sums.add(place);
            if place.is_empty() {
                self.at_risk.remove(&key);
            }
        }
    }

    /// The sum of what the members have at risk, of each SKU-location the most (F44: a loss counts once); `None` if none has
    /// a known value. In the currency that most have: the base currency.
    pub fn value_at_risk(&self) -> Option<Money> {
        let (currency, (_, sum)) = self.sums.values.iter().max_by_key(|(_, (count, _))| *count)?;
        Some(Money::from_ten_thousandths(clamped(*sum), *currency))
    }

    /// The sum of the units, of each SKU-location the most.
    pub fn units_at_risk(&self) -> Quantity {
        Quantity::from_milli(clamped(self.sums.units))
    }

    /// The one that has to be decided first, of equal ones the one with the least id; `None` if nothing can be done about any.
    pub fn first_to_decide(&self) -> Option<(&AffectedException, Timestamp)> {
        let (decide_by, id) = self.by_deadline.first()?;
        Some((self.by_id.get(id)?, *decide_by))
    }

    /// The earliest moment that the urgency of one of them is measured against.
    pub fn act_by(&self) -> Option<Timestamp> {
        self.by_act_by.first().map(|(at, _)| *at)
    }

    /// As the cause's item shows it; `None` if there are none.
    pub fn summary(&self, key: Name) -> Option<Box<AffectedSummary>> {
        if self.is_empty() {
            return None;
        }
        let mut exceptions: Vec<&AffectedException> = self.by_id.values().collect();
        let value = |member: &AffectedException| {
            (
                member.value_at_risk.map(Money::ten_thousandths),
                member.units_at_risk.map(|units| units.milli()),
            )
        };
        // Stable: of equal ones the order of ids stays.
        exceptions.sort_by_key(|member| std::cmp::Reverse(value(member)));
        exceptions.truncate(AFFECTED_SHOWN_MAX);
        Some(Box::new(AffectedSummary {
            key,
            count: u32::try_from(self.by_id.len()).unwrap_or(u32::MAX),
            hidden: 0,
            exceptions: exceptions.into_iter().cloned().collect(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exception::testing::item;
    use crate::domain::exception::{ExceptionState, ExceptionWindow};

    fn member(id: &str, sku: Option<&str>, euros: i64, units: i64) -> ExceptionItem {
        let mut item = item(id, ExceptionType::ShortageNow);
        item.subject = match sku {
            Some(sku) => ExceptionSubject::sku_location(&sku.into(), &"L".into()),
            None => ExceptionSubject::supplier(&"V".into()),
        };
        item.value_at_risk =
            Currency::parse("EUR").map(|eur| Money::from_ten_thousandths(euros * 10_000, eur));
        item.units_at_risk = Some(Quantity::from_units(units));
        item.state = ExceptionState::Open;
        item
    }

    fn sums(members: &Members) -> (Option<i64>, Quantity) {
        let value = members.value_at_risk().map(|value| value.ten_thousandths() / 10_000);
        (value, members.units_at_risk())
    }

    #[test]
    fn what_one_place_has_at_risk_counts_once_and_is_the_same_after_it_was_written() {
        let units = Quantity::from_units;
        let mut members = Members::default();
        assert_eq!(sums(&members), (None, Quantity::ZERO));
        for (id, sku, euros, at_risk) in [
            ("a", Some("A"), 70, 3),
            ("b", Some("A"), 50, 8),
            ("c", Some("B"), 40, 1),
            ("d", None, 5, 1),
            ("e", None, 6, 1),
        ] {
            members.note(&member(id, sku, euros, at_risk), true);
        }
        assert_eq!(sums(&members), (Some(70 + 40 + 5 + 6), units(8 + 1 + 1 + 1)));
        let mut other_way_round = Members::default();
        for member in [("b", "A", 50, 8), ("a", "A", 1, 1), ("c", "B", 40, 1), ("a", "A", 70, 3)] {
            other_way_round.note(&self::member(member.0, Some(member.1), member.2, member.3), true);
        }
        ["e", "d"].into_iter().for_each(|id| {
            other_way_round.note(&member(id, None, if id == "d" { 5 } else { 6 }, 1), true);
        });
        assert_eq!(other_way_round, members);
        let written = rmp_serde::to_vec(&members).expect("MessagePack");
        assert_eq!(rmp_serde::from_slice::<Members>(&written).expect("members"), members);

        // It moved to another place, and another one is over.
        members.note(&member("a", Some("B"), 70, 3), true);
        members.note(&member("c", Some("B"), 40, 1), false);
        assert_eq!(sums(&members), (Some(50 + 70 + 5 + 6), units(8 + 3 + 1 + 1)));
        for id in ["a", "b", "d", "e", "never there"] {
            members.note(&member(id, None, 0, 0), false);
        }
        assert_eq!(members, Members::default());
    }

    #[test]
    fn the_earliest_deadline_counts_and_what_nothing_can_be_done_about_by_its_beginning() {
        let day = |day: i64| Timestamp::from_micros(day * 24 * 3_600_000_000);
        let one = |id: &str, decide_by: Option<i64>, from: Option<i64>, urgency: u8| {
            let mut item = member(id, Some("A"), 1, 1);
            item.decide_by = decide_by.map(day);
            item.window = Some(ExceptionWindow { from: from.map(day), until: None });
            item.urgency = urgency;
            item
        };
        let deadlines = |members: &Members| {
            let first = members.first_to_decide().map(|(member, by)| (member.id.to_string(), by));
            (first, members.act_by())
        };
        let mut members = Members::default();
        // It has begun, and nothing runs out.
        members.note(&one("a", None, Some(1), URGENCY_WITHOUT_DEADLINE), true);
        assert_eq!(deadlines(&members), (None, None));
        members.note(&one("b", None, Some(4), 60), true);
        assert_eq!(deadlines(&members), (None, Some(day(4))));
        for (id, decide_by) in [("e", 7), ("d", 6), ("c", 6)] {
            members.note(&one(id, Some(decide_by), Some(1), 60), true);
        }
        assert_eq!(deadlines(&members), (Some(("c".to_owned(), day(6))), Some(day(4))));
        let written = rmp_serde::to_vec(&members).expect("MessagePack");
        assert_eq!(rmp_serde::from_slice::<Members>(&written).expect("members"), members);
        members.note(&one("b", None, Some(4), 60), false);
        members.note(&one("c", Some(6), Some(1), 60), false);
        assert_eq!(deadlines(&members), (Some(("d".to_owned(), day(6))), Some(day(6))));
    }

    proptest::proptest! {
        /// What is kept beside the members says the same as going through all of them.
        #[test]
        fn sums_and_deadlines_are_those_of_the_members_that_are_left(
            told in proptest::collection::vec((0..6_u8, 0..3_u8, 0..9_i64, 0..9_i64, 0..5_i64, 0..8_u8), 0..40)
        ) {
            let mut members = Members::default();
            for (id, sku, euros, units, decide_by, more) in told {
                let sku = ["A", "B"].get(usize::from(sku)).copied();
                let mut item = member(&id.to_string(), sku, euros, units);
                item.decide_by = (decide_by > 0).then(|| Timestamp::from_micros(decide_by));
                item.window = Some(ExceptionWindow { from: Some(Timestamp::from_micros(units)), until: None });
                item.urgency = if more == 1 { URGENCY_WITHOUT_DEADLINE } else { 50 };
                if more == 2 {
                    (item.value_at_risk, item.units_at_risk) = (None, None);
                }
                members.note(&item, more > 0);
            }
            let all: Vec<&AffectedException> = members.iter().collect();
            let mut places: BTreeMap<(Name, Name), (Option<i64>, Option<i64>)> = BTreeMap::new();
            for one in &all {
                let most = places.entry(place_of(one)).or_default();
                most.0 = most.0.max(one.value_at_risk.map(Money::ten_thousandths));
                most.1 = most.1.max(one.units_at_risk.map(Quantity::milli));
            }
            let values: Vec<i64> = places.values().filter_map(|most| most.0).collect();
            let value = (!values.is_empty()).then(|| values.iter().sum());
            proptest::prop_assert_eq!(members.value_at_risk().map(Money::ten_thousandths), value);
            let units: i64 = places.values().filter_map(|most| most.1).sum();
            proptest::prop_assert_eq!(members.units_at_risk().milli(), units);
            let first = all.iter().filter_map(|one| Some((one.decide_by?, one.id.as_str()))).min();
            let told_first = members.first_to_decide().map(|(one, by)| (by, one.id.as_str()));
            proptest::prop_assert_eq!(told_first, first);
            proptest::prop_assert_eq!(members.act_by(), all.iter().filter_map(|one| one.act_by).min());
        }
    }
}
