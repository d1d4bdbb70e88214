//! Approved actions that no document speaks of yet: supply to come, or stock held for another place.

use serde::{Deserialize, Serialize};

use super::raw;
use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::time::Timestamp;

/// Most actions planned at once, and most answered actions remembered; the oldest go first.
const PLANNED_MAX: usize = 256;

/// An approved action: counts at once, until its document arrives, it is refused, or it expires.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Planned {
    pub action_id: Name,
    #[serde(with = "raw::quantity")]
    pub quantity: Quantity,
    #[serde(with = "raw::timestamp")]
    pub arrives_at: Timestamp,
    #[serde(with = "raw::timestamp")]
    pub expires_at: Timestamp,
    /// A hold on stock here for a transfer away, instead of supply coming here.
    pub outbound: bool,
}

/// All planned actions of one place.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlannedSupply {
    planned: Vec<Planned>,
    /// Actions whose document or refusal has come, possibly before their plan.
    answered: Vec<Name>,
}

impl PlannedSupply {
    /// Counts an action from now on, unless it is answered already or planned before.
    pub fn plan(&mut self, planned: Planned, business_time: Timestamp) {
        self.planned.retain(|known| known.expires_at > business_time);
        let known = self.planned.iter().any(|known| known.action_id == planned.action_id);
        if known || self.answered.contains(&planned.action_id) {
            return;
        }
        if self.planned.len() >= PLANNED_MAX {
            self.planned.remove(0);
        }
        self.planned.push(planned);
    }

    /// The action's document or its refusal is here.
    pub fn answer(&mut self, action_id: &Name) {
        self.planned.retain(|known| known.action_id != *action_id);
        if !self.answered.contains(action_id) {
            if self.answered.len() >= PLANNED_MAX {
                self.answered.remove(0);
            }
            self.answered.push(action_id.clone());
        }
    }

    /// The action counts no more for now; if it was done after all, it is planned again.
    pub fn suspend(&mut self, action_id: &Name) {
        self.planned.retain(|known| known.action_id != *action_id);
    }

    /// What counts at `now`.
    pub fn in_force(&self, now: Timestamp) -> impl Iterator<Item = &Planned> {
        self.planned.iter().filter(move |planned| planned.expires_at > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(action_id: &str) -> Planned {
        Planned {
            action_id: action_id.into(),
            quantity: Quantity::from_units(5),
            arrives_at: Timestamp::from_micros(50),
            expires_at: Timestamp::from_micros(100),
            outbound: false,
        }
    }

    fn count(supply: &PlannedSupply, now: i64) -> usize {
        supply.in_force(Timestamp::from_micros(now)).count()
    }

    #[test]
    fn an_action_counts_until_it_expires() {
        let mut supply = PlannedSupply::default();
        supply.plan(planned("a"), Timestamp::from_micros(0));
        assert_eq!((count(&supply, 99), count(&supply, 100)), (1, 0));
    }

    #[test]
    fn an_answer_ends_it_whichever_comes_first() {
        let mut supply = PlannedSupply::default();
        supply.plan(planned("a"), Timestamp::from_micros(0));
        supply.answer(&"a".into());
        supply.answer(&"b".into());
        supply.plan(planned("b"), Timestamp::from_micros(0));
        supply.plan(planned("a"), Timestamp::from_micros(0));
        assert_eq!(count(&supply, 0), 0);
    }

    #[test]
    fn planning_twice_counts_once_and_the_number_is_bounded() {
        let mut supply = PlannedSupply::default();
        for index in 0..2 * PLANNED_MAX {
            supply.plan(planned(&(index / 2).to_string()), Timestamp::from_micros(0));
        }
        assert_eq!(count(&supply, 0), PLANNED_MAX);
        supply.plan(planned("one more"), Timestamp::from_micros(0));
        assert_eq!(count(&supply, 0), PLANNED_MAX);
    }
}
