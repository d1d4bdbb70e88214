//! What a client with a filter has been told, so that an item that no longer matches comes once more and no further.

use std::collections::HashMap;

use foldhash::fast::FixedState;

/// The items that a subscription with a filter told its client of. Bounded: beyond `items_max` it no longer remembers
/// new ones, and tells of everything that does not match, known or not.
pub struct Known {
    /// By the item's number; whether the client has it as matching.
    items: HashMap<u64, bool, FixedState>,
    items_max: usize,
    /// The client may have items from before that are not remembered here.
    may_have_others: bool,
}

/// What to tell of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Matches,
    /// It did, and does no longer.
    NoLonger,
    Silence,
}

/// Where an item is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing was ever told of it before.
    First,
    Middle,
    /// Nothing will be told of it after this.
    Last,
}

impl Known {
    /// Nothing told yet; a client that comes back has items of which nothing is known here.
    pub fn new(items_max: usize, comes_back: bool) -> Known {
        Known { items: HashMap::default(), items_max, may_have_others: comes_back }
    }

    /// Decides on an item as it is now, and remembers it as told.
    pub fn see(&mut self, item: u64, matches: bool, stage: Stage) -> Verdict {
        let before = self.items.get(&item).copied();
        if matches {
            if stage == Stage::Last {
                self.items.remove(&item);
            } else {
                self.remember(item, true);
            }
            return Verdict::Matches;
        }
        let unknown = before.is_none() && self.may_have_others && stage != Stage::First;
        let verdict = if before == Some(true) || unknown { Verdict::NoLonger } else { Verdict::Silence };
        if stage != Stage::Last && self.may_have_others {
            self.remember(item, false);
        } else {
            self.items.remove(&item);
        }
        verdict
    }

    fn remember(&mut self, item: u64, matches: bool) {
        if self.items.len() < self.items_max || self.items.contains_key(&item) {
            self.items.insert(item, matches);
        } else if matches {
            self.may_have_others = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_item_that_no_longer_matches_comes_once() {
        let mut known = Known::new(10, false);
        assert_eq!(known.see(1, false, Stage::First), Verdict::Silence, "it never did");
        assert_eq!(known.see(1, true, Stage::Middle), Verdict::Matches);
        assert_eq!(known.see(1, true, Stage::Middle), Verdict::Matches);
        assert_eq!(known.see(1, false, Stage::Middle), Verdict::NoLonger);
        assert_eq!(known.see(1, false, Stage::Middle), Verdict::Silence);
        assert_eq!(known.see(1, true, Stage::Middle), Verdict::Matches);
        assert_eq!(known.see(1, false, Stage::Last), Verdict::NoLonger);
    }

    #[test]
    fn a_client_that_came_back_is_told_also_of_what_is_not_known_here() {
        let mut known = Known::new(10, true);
        assert_eq!(known.see(1, false, Stage::Middle), Verdict::NoLonger);
        assert_eq!(known.see(1, false, Stage::Middle), Verdict::Silence);
        assert_eq!(known.see(2, false, Stage::First), Verdict::Silence, "it can't know this one");
        assert_eq!(known.see(2, false, Stage::Last), Verdict::Silence);
    }

    #[test]
    fn what_is_over_is_forgotten() {
        let mut known = Known::new(10, true);
        for item in 0..100 {
            known.see(item, item % 2 == 0, Stage::First);
            known.see(item, item % 3 == 0, Stage::Last);
        }
        assert!(known.items.is_empty());
    }

    proptest! {
        /// Whatever the bound, a client that follows the verdicts ends with exactly the items that match.
        #[test]
        fn a_client_has_what_matches(
            items_max in 0usize..8,
            acts in proptest::collection::vec((0u64..12, any::<bool>()), 0..200),
        ) {
            let mut known = Known::new(items_max, false);
            let (mut client, mut matching, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
            for (item, matches) in acts {
                let stage = if seen.insert(item) { Stage::First } else { Stage::Middle };
                match known.see(item, matches, stage) {
                    Verdict::Matches => {
                        client.insert(item);
                    }
                    Verdict::NoLonger => {
                        client.remove(&item);
                    }
                    Verdict::Silence => {}
                }
                if matches { matching.insert(item) } else { matching.remove(&item) };
                prop_assert!(known.items.len() <= items_max);
            }
            prop_assert_eq!(client, matching);
        }
    }
}
