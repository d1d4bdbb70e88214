//! Which groups have a cause that is open, and which have lost it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Listed;
use crate::domain::ids::Name;

/// What is open of each group.
#[derive(Default)]
pub(super) struct Groups {
    open: HashMap<Name, Open>,
    /// Those with members and without a cause: nothing but their members shows them.
    bereft: Arc<HashSet<Name>>,
}

#[derive(Clone, Copy, Default)]
struct Open {
    members: u32,
    causes: u32,
}

impl Groups {
    /// The groups whose members have no cause that is open.
    pub fn bereft(&self) -> Arc<HashSet<Name>> {
        self.bereft.clone()
    }

    /// Whether nothing is known of any group.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.bereft.is_empty()
    }

    /// A thing is open from now on.
    pub fn join<T: Listed>(&mut self, item: &T) {
        self.change(item, u32::saturating_add);
    }

    /// A thing is as it was no longer.
    pub fn leave<T: Listed>(&mut self, item: &T) {
        self.change(item, u32::saturating_sub);
    }

    fn change<T: Listed>(&mut self, item: &T, by: fn(u32, u32) -> u32) {
        let Some(grouping) = T::GROUPING else { return };
        if let Some(group) = item.name(grouping.member) {
            self.note(group, |open| open.members = by(open.members, 1));
        }
        if let Some(group) = item.name(grouping.cause) {
            self.note(group, |open| open.causes = by(open.causes, 1));
        }
    }

    fn note(&mut self, group: &str, change: impl FnOnce(&mut Open)) {
        let open = match self.open.get_mut(group) {
            Some(open) => open,
            None => self.open.entry(Name::from(group)).or_default(),
        };
        change(open);
        let Open { members, causes } = *open;
        if members == 0 && causes == 0 {
            self.open.remove(group);
        }
        let is_bereft = members > 0 && causes == 0;
        // Seldom changed: a copy is made only while a list is being read.
        if is_bereft != self.bereft.contains(group) {
            let bereft = Arc::make_mut(&mut self.bereft);
            if is_bereft {
                bereft.insert(Name::from(group));
            } else {
                bereft.remove(group);
            }
        }
    }
}
