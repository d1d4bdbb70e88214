//! The exceptions that one entity has open, and how often it opened each kind.
//!
//! Whether a transition is the entity's next one (its `entity_revision`) is for the entity to check, because its
//! other transitions count there too. What is checked here is that the change fits the exception it names.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::exception::{ExceptionChange, ExceptionItem, ExceptionTransition, ExceptionType};

/// At most one open exception per type. Takes 16 bytes until the first one was opened.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExceptionSlots {
    /// One per type that was ever open, in order of first opening: never more than there are types.
    slots: Box<[ExceptionSlot]>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ExceptionSlot {
    #[serde(rename = "type")]
    exception_type: ExceptionType,
    /// Exceptions of this type opened so far.
    generation: u32,
    open: Option<Arc<ExceptionItem>>,
}

impl ExceptionSlots {
    /// The open exception of that type.
    pub fn open(&self, exception_type: ExceptionType) -> Option<&Arc<ExceptionItem>> {
        self.slot(exception_type)?.open.as_ref()
    }

    /// All open exceptions.
    pub fn iter_open(&self) -> impl Iterator<Item = &Arc<ExceptionItem>> {
        self.slots.iter().filter_map(|slot| slot.open.as_ref())
    }

    /// How many are open.
    pub fn open_count(&self) -> usize {
        self.iter_open().count()
    }

    /// The generation that the next exception of that type gets; the first is 1.
    pub fn next_generation(&self, exception_type: ExceptionType) -> u32 {
        self.slot(exception_type).map_or(0, |slot| slot.generation).saturating_add(1)
    }

    /// Folds a change in; says whether it fitted. Opening needs that none of the type is open; every other change
    /// needs the open one's id and a higher exception revision. What does not fit changes nothing.
    pub fn apply(&mut self, transition: &ExceptionTransition) -> bool {
        let item = &transition.item;
        let at = self.slots.iter().position(|slot| slot.exception_type == item.exception_type);
        let open = at.and_then(|at| self.slots[at].open.as_ref());
        let fits = match (transition.kind, open) {
            (ExceptionChange::Opened, open) => open.is_none(),
            (_, Some(open)) => open.id == item.id && open.revision < item.revision,
            (_, None) => false,
        };
        if !fits {
            return false;
        }
        let opened = u32::from(transition.kind == ExceptionChange::Opened);
        let open = (!item.state.is_final()).then(|| Arc::new(item.clone()));
        match at {
            Some(at) => {
                let slot = &mut self.slots[at];
                slot.generation = slot.generation.saturating_add(opened);
                slot.open = open;
            }
            None => {
                let slot = ExceptionSlot { exception_type: item.exception_type, generation: opened, open };
                // Grown by exactly one: this happens once per type, and millions of entities hold one of these.
                let mut slots = Vec::with_capacity(self.slots.len() + 1);
                slots.extend(std::mem::take(&mut self.slots));
                slots.push(slot);
                self.slots = slots.into_boxed_slice();
            }
        }
        true
    }

    fn slot(&self, exception_type: ExceptionType) -> Option<&ExceptionSlot> {
        self.slots.iter().find(|slot| slot.exception_type == exception_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exception::{ExceptionState, ExceptionSubject, Severity};
    use crate::domain::ids::Name;
    use crate::domain::time::Timestamp;

    fn change(
        kind: ExceptionChange,
        exception_type: ExceptionType,
        id: &str,
        revision: u64,
    ) -> ExceptionTransition {
        let state =
            if kind == ExceptionChange::Cleared { ExceptionState::Cleared } else { ExceptionState::Open };
        ExceptionTransition {
            kind,
            item: ExceptionItem {
                id: Name::from(id),
                exception_type,
                state,
                severity: Severity::Low,
                urgency: 0,
                value_at_risk: None,
                units_at_risk: None,
                decide_by: None,
                subject: ExceptionSubject {
                    kind: Name::from("item"),
                    sku: Some(Name::from("A")),
                    location: None,
                    supplier: None,
                },
                opened_at: Timestamp::default(),
                updated_at: Timestamp::default(),
                cleared_at: None,
                window: None,
                cause: None,
                confidence: None,
                evidence: Vec::new(),
                case_id: None,
                owner: None,
                team: None,
                sla_due_at: None,
                revision,
            },
        }
    }

    use ExceptionChange::{Cleared, Opened, Updated};
    use ExceptionType::{ProjectedStockout, ShortageNow};

    #[test]
    fn an_exception_opens_changes_and_clears_and_the_next_one_is_another_generation() {
        let mut slots = ExceptionSlots::default();
        assert_eq!(slots.next_generation(ShortageNow), 1);
        assert!(slots.apply(&change(Opened, ShortageNow, "a", 1)));
        assert!(slots.apply(&change(Opened, ProjectedStockout, "b", 1)));
        assert_eq!((slots.open_count(), slots.next_generation(ShortageNow)), (2, 2));
        assert!(slots.apply(&change(Updated, ShortageNow, "a", 2)));
        assert_eq!(slots.open(ShortageNow).map(|item| item.revision), Some(2));
        assert!(slots.apply(&change(Cleared, ShortageNow, "a", 3)));
        assert_eq!(slots.open(ShortageNow), None);
        assert_eq!((slots.open_count(), slots.next_generation(ShortageNow)), (1, 2));
        assert!(slots.apply(&change(Opened, ShortageNow, "c", 1)));
        assert_eq!(slots.next_generation(ShortageNow), 3);
    }

    #[test]
    fn what_does_not_fit_changes_nothing() {
        let mut slots = ExceptionSlots::default();
        assert!(!slots.apply(&change(Updated, ShortageNow, "a", 2)));
        assert!(!slots.apply(&change(Cleared, ShortageNow, "a", 2)));
        assert_eq!(slots, ExceptionSlots::default());
        slots.apply(&change(Opened, ShortageNow, "a", 2));
        let before = slots.clone();
        for misfit in [
            change(Opened, ShortageNow, "b", 1),
            change(Updated, ShortageNow, "b", 3),
            change(Updated, ShortageNow, "a", 2),
            change(Cleared, ProjectedStockout, "a", 3),
        ] {
            assert!(!slots.apply(&misfit), "{misfit:?}");
            assert_eq!(slots, before);
        }
    }

    #[test]
    fn is_small_while_nothing_was_ever_open() {
        assert_eq!(size_of::<ExceptionSlots>(), 16);
    }

    #[test]
    fn survives_json() {
        let mut slots = ExceptionSlots::default();
        slots.apply(&change(Opened, ShortageNow, "a", 1));
        slots.apply(&change(Cleared, ShortageNow, "a", 2));
        slots.apply(&change(Opened, ProjectedStockout, "b", 1));
        let text = serde_json::to_string(&slots).unwrap();
        assert_eq!(serde_json::from_str::<ExceptionSlots>(&text).unwrap(), slots);
    }
}
