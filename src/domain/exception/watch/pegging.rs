//! What is grouped under an exception counts with it, and with one of them only: its loss (F44) and its deadline (F45).

use super::Watch;
use crate::domain::exception::assessment::{Assessment, Description, URGENCY_STEP, severity_by_value};
use crate::domain::exception::group::Members;
use crate::domain::exception::{ExceptionItem, ExceptionType};
use crate::domain::record::Transition;
use crate::domain::time::Timestamp;

impl<'a> Watch<'a> {
    /// The exception with which what is grouped under a part of the entity is counted, if it is another one than this: the
    /// one that tells best why the others are there, as things stand after what was proposed so far.
    pub(super) fn counted_with(&self, kind: &ExceptionType, of: &str) -> Option<ExceptionType> {
        let rank = rank_among_causes;
        let of_it = |transition: &'_ Transition| match transition {
            Transition::Exception(change) if change.of == of => Some(change.item.exception_type.clone()),
            _ => None,
        };
        let is_ending =
            |kind: &ExceptionType| self.endings.iter().filter_map(of_it).any(|ended| ended == *kind);
        let known = ExceptionType::BUILT_IN.iter().filter(|other| self.knows(other));
        let open = known
            .filter(|other| rank(other) < rank(kind) && self.slots.open_of(other, of).is_some())
            .filter(|other| !is_ending(other))
            .cloned();
        let proposed = self.others.iter().filter_map(of_it).filter(|other| rank(other) < rank(kind));
        open.chain(proposed).min_by_key(rank)
    }

    /// What is grouped under a part of the entity, if it is counted with this exception.
    fn carried(&self, kind: &ExceptionType, of: &str) -> Option<&'a Members> {
        let members = self.slots.members(of)?;
        (is_cause(kind) && self.counted_with(kind, of).is_none()).then_some(members)
    }

    /// What is told of an exception: it has to be decided as soon as any that is grouped under it.
    pub(super) fn describe(
        &self,
        kind: &ExceptionType,
        of: &str,
        assessment: &Assessment,
        describe: impl FnOnce(&Assessment) -> Description,
    ) -> Description {
        let mut description = describe(assessment);
        if let Some(members) = self.carried(kind, of) {
            let earliest =
                |own: Option<Timestamp>, other: Option<Timestamp>| own.into_iter().chain(other).min();
            let decide_by = members.first_to_decide().map(|(_, decide_by)| decide_by);
            description.decide_by = earliest(description.decide_by, decide_by);
            description.act_by = earliest(description.act_by, members.act_by());
        }
        description
    }

    /// Whether an exception of that kind is open about a part of the entity after what was proposed so far.
    pub fn has_open(&self, kind: &ExceptionType, of: &str) -> bool {
        let mut told = self.endings.iter().chain(&self.others).filter_map(|found| match found {
            Transition::Exception(change) if change.of == of && change.item.exception_type == *kind => {
                Some(!change.item.state.is_final())
            }
            _ => None,
        });
        told.next_back().unwrap_or_else(|| self.knows(kind) && self.slots.open_of(kind, of).is_some())
    }

    /// Whether what is grouped under it makes it more urgent than it was told to be, by a step.
    pub(super) fn members_press(&self, open: &ExceptionItem, of: &str) -> bool {
        let act_by = self.carried(&open.exception_type, of).and_then(Members::act_by);
        act_by.is_some_and(|act_by| self.urgency_of(act_by) >= open.urgency.saturating_add(URGENCY_STEP))
    }

    /// What is grouped under this one is what it costs: counted once, here.
    pub(super) fn peg(&self, kind: &ExceptionType, of: &str, assessment: &mut Assessment) {
        let Some(members) = self.carried(kind, of) else { return };
        let own = assessment.value_at_risk;
        assessment.value_at_risk = match (members.value_at_risk(), own) {
            (Some(members), Some(own)) if own.as_f64() > members.as_f64() => Some(own),
            (Some(members), _) => Some(members),
            (None, own) => own,
        };
        let units = members.units_at_risk();
        assessment.units_at_risk = assessment.units_at_risk.max(Some(units));
        let exceptions = &self.settings.exceptions;
        assessment.severity =
            assessment.severity.max(severity_by_value(exceptions, assessment.value_at_risk));
    }

    /// Whether what is grouped under it is told at once: lists leave that out, so that it has to show here from the first
    /// one on. Their number moves less than `share` while many come one after the other.
    pub(super) fn others_affected(&self, open: &ExceptionItem, of: &str, share: f64) -> bool {
        let (affected, shown) = self.affected(open, of);
        (affected == 0) != (shown == 0) || affected.abs_diff(shown) as f64 > share * shown as f64
    }

    /// How many are grouped under it, and how many it shows.
    pub(super) fn affected(&self, open: &ExceptionItem, of: &str) -> (usize, usize) {
        let members = self.slots.members(of).filter(|_| is_cause(&open.exception_type));
        let affected = members.map_or(0, Members::count);
        (affected, open.affected.as_ref().map_or(0, |affected| affected.count as usize))
    }
}

/// Whether anything can be grouped under an exception of that kind: an operator's own kinds are no causes.
pub(super) fn is_cause(kind: &ExceptionType) -> bool {
    kind.index().is_some()
}

/// Which of several exceptions of one part of an entity tells best why others are grouped under it: the one of the least
/// rank.
pub fn rank_among_causes(kind: &ExceptionType) -> (u8, Option<usize>) {
    let rank = match kind {
        ExceptionType::ShortageNow | ExceptionType::PurchaseLate => 0,
        ExceptionType::ProjectedStockout | ExceptionType::PurchaseLatePredicted => 1,
        ExceptionType::BelowSafetyStock | ExceptionType::ReceiptPartial => 2,
        _ => 3,
    };
    (rank, kind.index())
}
