//! Lists and idempotency keys are as they were, whatever a replay brings again.

use std::sync::Arc;

use proptest::prelude::*;

use super::Kept;
use super::history::throws;
use super::records;
use crate::domain::approval_case::testing::case;
use crate::domain::approval_case::{CaseItem, CaseState};
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use crate::domain::record::{Body, Record, Transition};
use crate::runtime::commands::IdempotencyKeys;
use crate::runtime::image::summaries::{self, Reading};
use crate::runtime::summaries::{Cases, Exceptions};
use crate::runtime::summary::Listed as _;

/// How many that are over each list keeps.
const OVER_MAX: usize = 3;

/// Which item a record changes.
fn id_of(record: &Record) -> Option<&Name> {
    let Body::Transition(body) = &record.body else { return None };
    match &body.transition {
        Transition::Exception(change) => Some(&change.item.id),
        Transition::Case(change) => Some(&change.item.id),
        _ => None,
    }
}

struct Lists {
    exceptions: Exceptions,
    cases: Cases,
}

impl Lists {
    fn new() -> Lists {
        Lists { exceptions: Exceptions::new(OVER_MAX), cases: Cases::new(OVER_MAX) }
    }

    fn take(&self, record: &Record) {
        let Body::Transition(body) = &record.body else { return };
        let entity = Arc::new(body.entity.clone());
        match &body.transition {
            Transition::Exception(change) => {
                self.exceptions.upsert(record.tenant, &entity, change.item.clone(), record.lsn);
            }
            Transition::Case(change) => {
                self.cases.upsert(record.tenant, &entity, change.item.clone(), record.lsn)
            }
            _ => {}
        }
    }

    fn restored(&self) -> Lists {
        let (mut kept, keys) = (Kept::default(), IdempotencyKeys::default());
        summaries::write(&self.exceptions, &self.cases, &keys, &mut |section, entry| {
            kept.put(section, entry)
        })
        .unwrap();
        let lists = Lists::new();
        Reading::of(&kept).help().unwrap().unwrap().restore(&lists.exceptions, &lists.cases, &keys);
        lists
    }

    /// Ids of those that are over, each with the record that last changed it.
    fn over(&self) -> Vec<(Name, Lsn)> {
        let exceptions = self.exceptions.image().into_iter();
        let exceptions = exceptions.filter(|(_, entry)| entry.item.is_over());
        let cases = self.cases.summary().image().into_iter().filter(|(_, entry)| entry.item.is_over());
        exceptions
            .map(|(_, entry)| (entry.item.id.clone(), entry.lsn))
            .chain(cases.map(|(_, entry)| (entry.item.id.clone(), entry.lsn)))
            .collect()
    }

    fn open(&self) -> Vec<String> {
        let exceptions = self.exceptions.image().into_iter();
        let exceptions = exceptions
            .filter(|(_, entry)| !entry.item.is_over())
            .map(|(_, entry)| format!("{} {} {:?}", entry.lsn, entry.entity, entry.item));
        let cases = self.cases.summary().image().into_iter();
        let cases = cases
            .filter(|(_, entry)| !entry.item.is_over())
            .map(|(_, entry)| format!("{} {} {:?}", entry.lsn, entry.entity, entry.item));
        exceptions.chain(cases).collect()
    }

    fn all(&self) -> Vec<String> {
        let exceptions = self.exceptions.image().into_iter();
        let exceptions =
            exceptions.map(|(_, entry)| format!("{} {} {:?}", entry.lsn, entry.entity, entry.item));
        let cases = self.cases.summary().image().into_iter();
        let cases = cases.map(|(_, entry)| format!("{} {} {:?}", entry.lsn, entry.entity, entry.item));
        exceptions.chain(cases).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn lists_are_as_they_were_after_a_replay_from_before_their_image(
        throws in throws(1..120), start in 0.0..1.0_f64, taken in 0.0..1.0_f64,
    ) {
        let records = records(&throws);
        let start = (records.len() as f64 * start) as usize;
        let taken = start + ((records.len() - start) as f64 * taken) as usize;
        let whole = Lists::new();
        records[..taken].iter().for_each(|record| whole.take(record));
        let restored = whole.restored();
        prop_assert_eq!(restored.all(), whole.all());
        records[start..].iter().for_each(|record| restored.take(record));
        records[taken..].iter().for_each(|record| whole.take(record));
        prop_assert_eq!(restored.open(), whole.open());
        // Which of those that are over are shown depends on the way: one that was forgotten for another that then came
        // back is brought again by the replay. Each is as it last was, and there are no more than may be.
        let over = restored.over();
        prop_assert!(over.len() <= 2 * OVER_MAX);
        for (id, lsn) in over {
            let is_of_it = |record: &&Arc<Record>| id_of(record).is_some_and(|changed| *changed == id);
            prop_assert_eq!(records.iter().rfind(is_of_it).map(|record| record.lsn), Some(lsn), "{}", id);
        }
        prop_assert_eq!(restored.cases.undelivered().len(), whole.cases.undelivered().len());
        prop_assert_eq!(restored.cases.lacking_options().len(), whole.cases.lacking_options().len());
    }
}

fn ended(id: &str) -> CaseItem {
    CaseItem { state: CaseState::Expired, ..case(id) }
}

#[test]
fn an_older_change_of_a_thing_that_was_forgotten_does_not_push_out_a_newer_one() {
    let entity = Arc::new(EntityKey::ApprovalCase { tenant: TenantNumber(0), case: Name::const_new("c") });
    let cases = Cases::new(2);
    for (id, lsn) in [("a", 1), ("b", 2), ("c", 3)] {
        cases.upsert(TenantNumber(0), &entity, ended(id), Lsn(lsn));
    }
    cases.upsert(TenantNumber(0), &entity, ended("a"), Lsn(1));
    cases.upsert(TenantNumber(0), &entity, case("b"), Lsn(1));
    let left: Vec<Name> =
        cases.summary().image().into_iter().map(|(_, entry)| entry.item.id.clone()).collect();
    assert_eq!(left, ["b", "c"]);
    assert_eq!(cases.open_count(), 0, "b has ended since");
}
