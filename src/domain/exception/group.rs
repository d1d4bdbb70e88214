//! Grouping by cause: what one late purchase order, one centre's shortage or one promotion leads to stands under one
//! exception.
//!
//! An exception whose entity sees that another entity's trouble is behind it names that as its cause. The other
//! entity hears of it as a fact, keeps it among the members of its own exception, and shows how many there are and what
//! they are worth: counted once, however many exceptions it leads to.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ExceptionItem, ExceptionSubject, ExceptionType};
use crate::domain::ids::{EntityKey, Name};
use crate::domain::money::Money;
use crate::domain::quantity::Quantity;

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
}

/// The members of one cause.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Members {
    by_id: BTreeMap<Name, AffectedException>,
}

impl Members {
    /// Whether nothing is grouped here.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Members in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &AffectedException> {
        self.by_id.values()
    }

    /// Takes an exception as it is now; `stays` is false when it is over or has another cause.
    pub fn note(&mut self, item: &ExceptionItem, stays: bool) {
        if !stays {
            self.by_id.remove(&item.id);
        } else if self.by_id.len() < MEMBERS_MAX || self.by_id.contains_key(&item.id) {
            let member = AffectedException {
                id: item.id.clone(),
                exception_type: item.exception_type.clone(),
                subject: item.subject.clone(),
                value_at_risk: item.value_at_risk,
                units_at_risk: item.units_at_risk,
            };
            self.by_id.insert(item.id.clone(), member);
        }
    }

    /// The sum of what the members have at risk; `None` if none has a known value. All are in the base currency.
    pub fn value_at_risk(&self) -> Option<Money> {
        let mut values = self.by_id.values().filter_map(|member| member.value_at_risk);
        let first = values.next()?;
        let sum = values
            .filter(|value| value.currency() == first.currency())
            .fold(first.ten_thousandths(), |sum, value| sum.saturating_add(value.ten_thousandths()));
        Some(Money::from_ten_thousandths(sum, first.currency()))
    }

    /// The sum of the units.
    pub fn units_at_risk(&self) -> Quantity {
        self.by_id.values().filter_map(|member| member.units_at_risk).sum()
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
