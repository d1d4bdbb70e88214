//! The exceptions that one entity has, by what they are about, and what is remembered of those that are over.
//!
//! Whether a transition is the entity's next one (its `entity_revision`) is for the entity to check, because its
//! other transitions count there too. What is checked here is that the change fits the exception it names.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::group::{CauseRef, Members};
use super::routing::Peak;
use super::{
    ExceptionChange, ExceptionItem, ExceptionState, ExceptionTransition, ExceptionType, ExceptionWindow,
};
use crate::domain::ids::{EntityKey, Name};
use crate::domain::record::Transition;
use crate::domain::time::Timestamp;

/// Slots about parts of an entity (its documents) that are kept after their exception ended; the one that ended
/// longest ago goes first.
pub const ENDED_PARTS_MAX: usize = 1_024;

/// At most one open exception per type and part of the entity. Takes 8 bytes until the first one was raised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ExceptionSlots {
    kept: Option<Box<Kept>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Kept {
    /// In the order of type and part.
    slots: Vec<ExceptionSlot>,
    /// By the part of the entity that is their cause.
    members: BTreeMap<Name, Members>,
    /// The highest generation among forgotten slots of each type: a part that comes back goes on above it, so that no
    /// id is given twice.
    #[serde(default)]
    forgotten: BTreeMap<ExceptionType, u32>,
}

/// What is known of one kind of exception about one part of an entity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExceptionSlot {
    #[serde(rename = "type")]
    pub exception_type: ExceptionType,
    /// What of the entity: a document; empty for the entity as such.
    pub of: Name,
    /// Exceptions opened so far.
    pub generation: u32,
    pub open: Option<Arc<ExceptionItem>>,
    /// The condition has held since then, and has not held long enough to be raised.
    pub pending_since: Option<Timestamp>,
    /// A person dismissed it, and the condition has not gone away since.
    pub dismissed: bool,
    /// The last one that is over.
    pub ended: Option<Box<EndedException>>,
    /// The case that says it decides about the open one.
    pub claimed_by: Option<Name>,
    /// The case that decided about the open one is over.
    pub released: bool,
    /// The cause that the open one is grouped under.
    pub cause: Option<Box<CauseRef>>,
    /// The most that the open one was told to be since it was raised, or since it came back from a snooze or a case.
    pub peak: Option<Peak>,
}

/// What is remembered of an exception that is over, in case it comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndedException {
    pub id: Name,
    pub opened_at: Timestamp,
    pub ended_at: Timestamp,
    pub window: Option<ExceptionWindow>,
    pub revision: u64,
    pub reopened: u32,
}

impl ExceptionSlot {
    fn new(exception_type: ExceptionType, of: Name, generation: u32) -> ExceptionSlot {
        ExceptionSlot {
            exception_type,
            of,
            generation,
            open: None,
            pending_since: None,
            dismissed: false,
            ended: None,
            claimed_by: None,
            released: false,
            cause: None,
            peak: None,
        }
    }

    /// The most that its exception was told to be, by what it is now and what was told before.
    /// While somebody has taken it up it is not routed, and what it rises to does not count.
    pub fn peak_with(&self, item: &ExceptionItem) -> Peak {
        let is_free = item.state == ExceptionState::Open && item.owner.is_none();
        match self.peak {
            None => Peak::of(item),
            Some(peak) if is_free => peak.with(item),
            Some(peak) => peak,
        }
    }
}

/// The condition of a kind has begun to hold, or has ceased to, without an exception being open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConditionNoted {
    #[serde(rename = "type")]
    pub exception_type: ExceptionType,
    #[serde(default)]
    pub of: Name,
    /// Since when it holds; `None` if it does not any more, which also ends the effect of a dismissal.
    pub holds_since: Option<Timestamp>,
}

impl ExceptionSlots {
    /// The open exception of that type about the entity as such.
    pub fn open(&self, exception_type: &ExceptionType) -> Option<&Arc<ExceptionItem>> {
        self.open_of(exception_type, "")
    }

    /// The open exception of that type about a part of the entity.
    pub fn open_of(&self, exception_type: &ExceptionType, of: &str) -> Option<&Arc<ExceptionItem>> {
        self.slot(exception_type, of)?.open.as_ref()
    }

    /// All open exceptions.
    pub fn iter_open(&self) -> impl Iterator<Item = &Arc<ExceptionItem>> {
        self.slots().iter().filter_map(|slot| slot.open.as_ref())
    }

    /// How many are open.
    pub fn open_count(&self) -> usize {
        self.iter_open().count()
    }

    /// How many of the tower's own kinds are open. An operator's own may be about this number, and would change it.
    pub fn open_built_in(&self) -> usize {
        self.iter_open().filter(|item| item.exception_type.index().is_some()).count()
    }

    /// All slots in the order of type and part.
    pub fn slots(&self) -> &[ExceptionSlot] {
        self.kept.as_ref().map_or(&[], |kept| &kept.slots)
    }

    /// What is known of that kind about that part.
    pub fn slot(&self, exception_type: &ExceptionType, of: &str) -> Option<&ExceptionSlot> {
        let slots = self.slots();
        find(slots, exception_type, of).ok().map(|at| &slots[at])
    }

    /// The slot whose open exception has that id.
    pub fn slot_of_open(&self, id: &str) -> Option<&ExceptionSlot> {
        self.slots().iter().find(|slot| slot.open.as_ref().is_some_and(|open| open.id == id))
    }

    /// The generation that the next exception gets; the first is 1.
    pub fn next_generation(&self, exception_type: &ExceptionType, of: &str) -> u32 {
        let forgotten = || self.kept.as_ref().and_then(|kept| kept.forgotten.get(exception_type)).copied();
        let last = self.slot(exception_type, of).map(|slot| slot.generation).or_else(forgotten);
        last.unwrap_or(0).saturating_add(1)
    }

    /// The exceptions of other entities that have a part of this one as their cause.
    pub fn members(&self, of: &str) -> Option<&Members> {
        self.kept.as_ref()?.members.get(of).filter(|members| !members.is_empty())
    }

    /// Whether no part of this entity is a cause.
    pub fn has_no_members(&self) -> bool {
        self.causes().all(|(_, members)| members.is_empty())
    }

    /// The parts of this entity that are causes, with what is grouped under them.
    pub fn causes(&self) -> impl Iterator<Item = (&Name, &Members)> {
        self.kept.iter().flat_map(|kept| kept.members.iter())
    }

    /// Folds a change in; says whether it fitted. Opening needs that none of the type is open; every other change
    /// needs the open one's id and a higher exception revision. What does not fit changes nothing.
    pub fn apply(&mut self, transition: &ExceptionTransition) -> bool {
        let item = &transition.item;
        let open = self.open_of(&item.exception_type, &transition.of);
        let fits = match (transition.kind, open) {
            (ExceptionChange::Opened, open) => open.is_none(),
            (_, Some(open)) => open.id == item.id && open.revision < item.revision,
            (_, None) => false,
        };
        if !fits {
            return false;
        }
        let slot = self.slot_mut(&item.exception_type, &transition.of);
        if transition.kind == ExceptionChange::Opened {
            let is_new = slot.ended.as_ref().is_none_or(|ended| ended.id != item.id);
            slot.generation = slot.generation.saturating_add(u32::from(is_new));
            slot.ended = None;
            slot.claimed_by = None;
        }
        slot.pending_since = None;
        slot.released &= item.state == ExceptionState::InCase;
        slot.dismissed = item.state == ExceptionState::Resolved;
        if item.state.is_final() {
            slot.open = None;
            slot.claimed_by = None;
            slot.cause = None;
            slot.peak = None;
            slot.ended = Some(Box::new(EndedException {
                id: item.id.clone(),
                opened_at: item.opened_at,
                ended_at: item.updated_at,
                window: item.window,
                revision: item.revision,
                reopened: item.reopened,
            }));
            self.forget_ended_parts();
        } else {
            let was_away = slot
                .open
                .as_ref()
                .is_some_and(|open| matches!(open.state, ExceptionState::Snoozed | ExceptionState::InCase));
            let begins_anew = was_away && item.state == ExceptionState::Open;
            slot.peak = Some(if begins_anew { Peak::of(item) } else { slot.peak_with(item) });
            slot.open = Some(Arc::clone(item));
            slot.cause = transition.cause.clone();
        }
        true
    }

    /// Folds in that a condition began or ceased to hold.
    pub fn note_condition(&mut self, noted: &ConditionNoted) {
        let slot = self.slot_mut(&noted.exception_type, &noted.of);
        slot.pending_since = noted.holds_since;
        if noted.holds_since.is_none() {
            slot.dismissed = false;
        }
    }

    /// Folds in another entity's exception that names a part of this one as its cause, or no longer does.
    pub fn note_member(&mut self, of: &Name, item: &ExceptionItem, stays: bool) {
        let stays = stays && !item.state.is_final();
        let kept = self.kept.get_or_insert_default();
        if stays || kept.members.contains_key(of) {
            kept.members.entry(of.clone()).or_default().note(item, stays);
        }
        kept.members.retain(|_, members| !members.is_empty());
    }

    /// Folds in that a case says it decides about the exception (`held`), or no longer does. The case that has it
    /// keeps it: another one's claim comes to nothing, and only the holder lets it go.
    pub fn note_claim(&mut self, exception_id: &str, case_id: &Name, held: bool) {
        let Some(kept) = &mut self.kept else { return };
        let of_it =
            |slot: &&mut ExceptionSlot| slot.open.as_ref().is_some_and(|open| open.id == exception_id);
        let Some(slot) = kept.slots.iter_mut().find(of_it) else { return };
        let decided_in = |open: &Arc<ExceptionItem>| {
            (open.state == ExceptionState::InCase && !slot.released).then(|| open.case_id.clone()).flatten()
        };
        let holder = slot.claimed_by.clone().or_else(|| slot.open.as_ref().and_then(decided_in));
        if held {
            if holder.is_none_or(|holder| holder == *case_id) {
                slot.claimed_by = Some(case_id.clone());
                slot.released = false;
            }
        } else if holder.is_some_and(|holder| holder == *case_id) {
            slot.claimed_by = None;
            slot.released = true;
        }
    }

    /// Folds in what another entity decided, as far as it is about causes of this one or claims on its exceptions.
    pub fn hear(&mut self, transition: &Transition, is_own: impl Fn(&EntityKey) -> bool) {
        match transition {
            Transition::Exception(change) => {
                if let Some(cause) = change.cause.as_deref().filter(|cause| is_own(&cause.entity)) {
                    self.note_member(&cause.of, &change.item, true);
                }
                if let Some(left) = change.left_cause.as_deref().filter(|cause| is_own(&cause.entity)) {
                    self.note_member(&left.of, &change.item, false);
                }
            }
            Transition::Case(change) => {
                for claim in change.claims.iter().filter(|claim| is_own(&claim.entity)) {
                    for exception in &claim.exceptions {
                        self.note_claim(exception, &change.item.id, claim.held);
                    }
                }
            }
            Transition::ConditionNoted(_)
            | Transition::RefusedEvent(_)
            | Transition::SupplierStatistics(_) => {}
        }
    }

    fn slot_mut(&mut self, exception_type: &ExceptionType, of: &Name) -> &mut ExceptionSlot {
        let kept = self.kept.get_or_insert_default();
        let forgotten = kept.forgotten.get(exception_type).copied().unwrap_or(0);
        let slots = &mut kept.slots;
        let at = match find(slots, exception_type, of) {
            Ok(at) => at,
            Err(at) => {
                // Grown by exactly one while there are few: millions of entities hold one of these.
                if slots.len() < 8 {
                    slots.reserve_exact(1);
                }
                slots.insert(at, ExceptionSlot::new(exception_type.clone(), of.clone(), forgotten));
                at
            }
        };
        &mut slots[at]
    }

    fn forget_ended_parts(&mut self) {
        let Some(kept) = &mut self.kept else { return };
        let is_ended_part = |slot: &ExceptionSlot| !slot.of.is_empty() && slot.open.is_none();
        if kept.slots.iter().filter(|slot| is_ended_part(slot)).count() <= ENDED_PARTS_MAX {
            return;
        }
        // Those go last whose condition still counts: they would wait, or be raised, anew.
        let counts = |slot: &ExceptionSlot| slot.dismissed || slot.pending_since.is_some();
        let ended_at = |slot: &ExceptionSlot| slot.ended.as_ref().map(|ended| ended.ended_at);
        let oldest = kept
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| is_ended_part(slot))
            .min_by_key(|(_, slot)| (counts(slot), ended_at(slot)))
            .map(|(at, _)| at);
        if let Some(oldest) = oldest {
            let slot = kept.slots.remove(oldest);
            let highest = kept.forgotten.entry(slot.exception_type).or_default();
            *highest = slot.generation.max(*highest);
        }
    }
}

fn find(slots: &[ExceptionSlot], exception_type: &ExceptionType, of: &str) -> Result<usize, usize> {
    slots.binary_search_by(|slot| {
        slot.exception_type.cmp(exception_type).then_with(|| slot.of.as_str().cmp(of))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exception::testing;

    fn change(
        kind: ExceptionChange,
        exception_type: ExceptionType,
        id: &str,
        revision: u64,
    ) -> ExceptionTransition {
        let state =
            if kind == ExceptionChange::Cleared { ExceptionState::Cleared } else { ExceptionState::Open };
        let mut item = testing::item(id, exception_type);
        item.state = state;
        item.revision = revision;
        ExceptionTransition::alone(kind, item)
    }

    use ExceptionChange::{Cleared, Opened, Updated};
    use ExceptionType::{ProjectedStockout, ShortageNow};

    #[test]
    fn an_exception_opens_changes_and_clears_and_the_next_one_is_another_generation() {
        let mut slots = ExceptionSlots::default();
        assert_eq!(slots.next_generation(&ShortageNow, ""), 1);
        assert!(slots.apply(&change(Opened, ShortageNow, "a", 1)));
        assert!(slots.apply(&change(Opened, ProjectedStockout, "b", 1)));
        assert_eq!((slots.open_count(), slots.next_generation(&ShortageNow, "")), (2, 2));
        assert!(slots.apply(&change(Updated, ShortageNow, "a", 2)));
        assert_eq!(slots.open(&ShortageNow).map(|item| item.revision), Some(2));
        assert!(slots.apply(&change(Cleared, ShortageNow, "a", 3)));
        assert_eq!(slots.open(&ShortageNow), None);
        assert_eq!((slots.open_count(), slots.next_generation(&ShortageNow, "")), (1, 2));
        assert!(slots.apply(&change(Opened, ShortageNow, "c", 1)));
        assert_eq!(slots.next_generation(&ShortageNow, ""), 3);
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
        assert_eq!(size_of::<ExceptionSlots>(), 8);
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

    #[test]
    fn an_exception_that_comes_back_under_its_own_id_is_the_same_generation() {
        let mut slots = ExceptionSlots::default();
        slots.apply(&change(Opened, ShortageNow, "a", 1));
        slots.apply(&change(Cleared, ShortageNow, "a", 2));
        let ended = slots.slot(&ShortageNow, "").unwrap().ended.clone().unwrap();
        assert_eq!((ended.id.as_str(), ended.revision), ("a", 2));
        slots.apply(&change(Opened, ShortageNow, "a", 3));
        assert_eq!(slots.next_generation(&ShortageNow, ""), 2);
    }

    #[test]
    fn parts_are_told_apart_and_only_the_last_ended_ones_are_kept() {
        let mut slots = ExceptionSlots::default();
        let of_part = |kind, part: usize, revision| {
            let mut transition = change(kind, ShortageNow, &format!("id{part}"), revision);
            transition.of = format!("part{part:05}").into();
            Arc::make_mut(&mut transition.item).updated_at =
                crate::domain::time::Timestamp::from_micros(part as i64);
            transition
        };
        for part in 0..ENDED_PARTS_MAX + 3 {
            assert!(slots.apply(&of_part(Opened, part, 1)));
        }
        assert_eq!(slots.open_count(), ENDED_PARTS_MAX + 3);
        for part in 0..ENDED_PARTS_MAX + 3 {
            assert!(slots.apply(&of_part(Cleared, part, 2)));
        }
        assert_eq!(slots.slots().len(), ENDED_PARTS_MAX);
        assert!(slots.slot(&ShortageNow, "part00002").is_none());
        assert!(slots.slot(&ShortageNow, "part00003").is_some());
        // What comes back after it was forgotten is another generation than it was, and goes on from there.
        assert_eq!(
            (
                slots.next_generation(&ShortageNow, "part00002"),
                slots.next_generation(&ProjectedStockout, "x")
            ),
            (2, 1)
        );
        let mut back = of_part(Opened, 2, 1);
        std::sync::Arc::make_mut(&mut back.item).id = "again".into();
        assert!(slots.apply(&back));
        assert_eq!(slots.next_generation(&ShortageNow, "part00002"), 3);
        let text = serde_json::to_string(&slots).unwrap();
        assert_eq!(serde_json::from_str::<ExceptionSlots>(&text).unwrap(), slots);
    }

    #[test]
    fn a_part_whose_condition_still_counts_is_forgotten_after_those_that_are_over() {
        let mut slots = ExceptionSlots::default();
        let waiting = ConditionNoted {
            exception_type: ShortageNow,
            of: "waits".into(),
            holds_since: Some(crate::domain::time::Timestamp::from_micros(1)),
        };
        slots.note_condition(&waiting);
        for part in 0..=ENDED_PARTS_MAX {
            for (kind, revision) in [(Opened, 1), (Cleared, 2)] {
                let mut transition = change(kind, ShortageNow, &format!("id{part}"), revision);
                transition.of = format!("part{part:05}").into();
                assert!(slots.apply(&transition));
            }
        }
        assert_eq!(slots.slots().len(), ENDED_PARTS_MAX);
        assert!(slots.slot(&ShortageNow, "waits").is_some_and(|slot| slot.pending_since.is_some()));
    }

    #[test]
    fn a_dismissal_lasts_until_the_condition_has_gone() {
        let mut slots = ExceptionSlots::default();
        slots.apply(&change(Opened, ShortageNow, "a", 1));
        let mut resolved = change(ExceptionChange::Resolved, ShortageNow, "a", 2);
        Arc::make_mut(&mut resolved.item).state = ExceptionState::Resolved;
        assert!(slots.apply(&resolved));
        assert!(slots.slot(&ShortageNow, "").unwrap().dismissed);
        let noted =
            |holds_since| ConditionNoted { exception_type: ShortageNow, of: Name::default(), holds_since };
        slots.note_condition(&noted(Some(Timestamp::default())));
        assert!(slots.slot(&ShortageNow, "").unwrap().dismissed);
        slots.note_condition(&noted(None));
        assert!(!slots.slot(&ShortageNow, "").unwrap().dismissed);
    }

    #[test]
    fn a_case_keeps_what_it_has_and_only_it_lets_go() {
        let mut slots = ExceptionSlots::default();
        slots.apply(&change(Opened, ShortageNow, "a", 1));
        let holder = |slots: &ExceptionSlots| slots.slot(&ShortageNow, "").unwrap().claimed_by.clone();
        let (one, other) = (Name::from("one"), Name::from("other"));
        slots.note_claim("a", &one, true);
        slots.note_claim("a", &other, true);
        assert_eq!(holder(&slots), Some(one.clone()));
        slots.note_claim("a", &other, false);
        assert_eq!(holder(&slots), Some(one.clone()));
        slots.note_claim("a", &one, false);
        assert_eq!(holder(&slots), None);
        slots.note_claim("a", &other, true);
        assert_eq!(holder(&slots), Some(other));
    }
}
