//! Which cases there is work for, kept as cases change: services look at those and not at all there are.

use std::collections::{BTreeSet, HashMap};

use foldhash::fast::FixedState;

use crate::domain::approval_case::{ActionState, CaseItem};
use crate::domain::ids::{Name, TenantNumber};

/// A case, over all tenants.
pub type CaseKey = (TenantNumber, Name);

/// What cases still need, by what they need.
#[derive(Default)]
pub struct Work {
    /// Those whose facts have no options yet.
    pub lacking_options: BTreeSet<CaseKey>,
    /// Those with an action that is to be delivered, or could not be.
    pub undelivered: BTreeSet<CaseKey>,
    /// Which case an action is of, also of cases that are over.
    case_of: HashMap<(TenantNumber, Name), Name, FixedState>,
}

impl Work {
    /// Takes a case as it is now in the place of what it was.
    pub fn change(&mut self, tenant: TenantNumber, was: Option<&CaseItem>, is: &CaseItem) {
        let key = (tenant, is.id.clone());
        let is_open = !is.state.is_final();
        note(&mut self.lacking_options, &key, is_open && is.wants_options().is_some());
        note(
            &mut self.undelivered,
            &key,
            is_open && is.actions.iter().any(|action| is_undelivered(action.state)),
        );
        if let Some(was) = was {
            self.forget_actions(tenant, was);
        }
        for action in &is.actions {
            self.case_of.insert((tenant, action.id.clone()), is.id.clone());
        }
    }

    /// Forgets a case that is over and not shown any more.
    pub fn forget(&mut self, tenant: TenantNumber, was: &CaseItem) {
        let key = (tenant, was.id.clone());
        self.lacking_options.remove(&key);
        self.undelivered.remove(&key);
        self.forget_actions(tenant, was);
    }

    /// The case that an action is of.
    pub fn case_of(&self, tenant: TenantNumber, action: &Name) -> Option<&Name> {
        self.case_of.get(&(tenant, action.clone()))
    }

    fn forget_actions(&mut self, tenant: TenantNumber, was: &CaseItem) {
        for action in &was.actions {
            self.case_of.remove(&(tenant, action.id.clone()));
        }
    }
}

fn note(keys: &mut BTreeSet<CaseKey>, key: &CaseKey, is_in: bool) {
    if !is_in {
        keys.remove(key);
    } else if !keys.contains(key) {
        keys.insert(key.clone());
    }
}

/// Whether an action waits for the outbox, or for a person because the outbox gave up.
fn is_undelivered(state: ActionState) -> bool {
    matches!(state, ActionState::Pending | ActionState::Sending | ActionState::Dead)
}
