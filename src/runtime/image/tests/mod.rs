//! Whatever happened, and wherever an image is taken: what is restored from it goes on as what saw everything.

mod history;
mod summaries;
mod tower;

use std::collections::HashMap;
use std::sync::Arc;

use proptest::prelude::*;

use self::history::{Throw, throws};
use self::tower::{State, TENANT, Tower};
use super::{EntryIterator, ImageError, Section, Source, decode, encode};
use crate::domain::event::DocumentKind;
use crate::domain::record::Record;
use crate::domain::settings::CustomSubject;
use crate::runtime::directory::Address;

/// Entries in memory.
#[derive(Default)]
pub struct Kept(HashMap<Section, Vec<Vec<u8>>>);

impl Kept {
    pub fn put(&mut self, section: Section, entry: &[u8]) -> Result<(), ImageError> {
        self.0.entry(section).or_default().push(entry.to_vec());
        Ok(())
    }
}

impl Source for Kept {
    fn entries(&self, section: Section) -> EntryIterator<'_> {
        Box::new(self.0.get(&section).into_iter().flatten().cloned().map(Ok))
    }
}

/// The records of a history, as a tower makes them: its entities propose, too.
fn records(throws: &[Throw]) -> Vec<Arc<Record>> {
    let mut tower = Tower::new(2);
    tower.found();
    for throw in throws {
        tower.happen(throw);
    }
    tower.records
}

/// Takes an image behind the first `cut` records, goes on meanwhile, and restores it over `shards` shards.
fn restored(records: &[Arc<Record>], cut: usize, shards_before: u16, shards: u16) -> Tower {
    let mut before = Tower::new(shards_before);
    records[..cut].iter().for_each(|record| before.take(record));
    let image = before.fold.image();
    let states: Vec<(Address, Vec<u8>)> =
        before.heard.states.iter().map(|(at, state)| (*at, state.encoded())).collect();
    records[cut..].iter().for_each(|record| before.take(record));
    let mut kept = Kept::default();
    image.write(&mut |section, entry| kept.put(section, entry)).unwrap();
    let (mut tower, map) = Tower::restored(shards, &kept);
    for (was, state) in states {
        let (key, is) = (map.key(was).unwrap(), map.get(was).unwrap());
        assert_eq!(tower.directory.find(key), Some(is));
        tower.heard.states.insert(is, State::decoded(key, &state));
    }
    assert!(map.get(Address { shard: shards_before, slot: 0 }).is_none());
    tower
}

fn document_names(tower: &Tower) -> Vec<Vec<String>> {
    let names = |kind| {
        let page = tower.fold.documents.reader().page(TENANT, kind, None, false, 1_000, |_| true);
        page.documents.iter().map(|document| document.document.to_string()).collect()
    };
    [DocumentKind::Order, DocumentKind::PurchaseOrder, DocumentKind::Transfer].map(names).into()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_restored_fold_goes_on_as_one_that_saw_everything(
        throws in throws(1..160), cut in 0.0..1.0_f64, shards_before in 1_u16..4, shards in 1_u16..4,
    ) {
        let records = records(&throws);
        let cut = (records.len() as f64 * cut) as usize;
        let mut tower = restored(&records, cut, shards_before, shards);
        let mut whole = Tower::new(shards);
        records[..cut].iter().for_each(|record| whole.take(record));
        prop_assert_eq!(&tower.fold.reference, &whole.fold.reference);
        prop_assert_eq!(tower.fold.usage(), whole.fold.usage());
        whole.heard.told.clear();
        for record in &records[cut..] {
            tower.take(record);
            whole.take(record);
            prop_assert_eq!(&tower.heard.told, &whole.heard.told, "record {}", record.lsn);
        }
        prop_assert_eq!(&tower.fold.reference, &whole.fold.reference);
        prop_assert_eq!(tower.fold.usage(), whole.fold.usage());
        prop_assert_eq!(tower.quarantined(), whole.quarantined());
        prop_assert_eq!(tower.quarantine.read().usage(), whole.quarantine.read().usage());
        prop_assert_eq!(document_names(&tower), document_names(&whole));
        for record in &records {
            let [a, b] = [&tower, &whole].map(|tower| tower.fold.no_ops().contains(record.lsn));
            prop_assert_eq!(a, b);
        }
        prop_assert_eq!(tower.heard.states.len(), whole.heard.states.len());
        for (address, state) in &whole.heard.states {
            prop_assert_eq!(&tower.heard.states[address], state);
        }
        let about = CustomSubject::SkuLocation;
        let own = [&tower, &whole].map(|tower| tower.fold.reference.own_kinds(about).len());
        prop_assert_eq!(own, [whole.fold.reference.settings().exceptions.custom.len(); 2], "compiled again");
    }

    #[test]
    fn every_state_reads_back_as_it_was(throws in throws(1..120)) {
        let mut tower = Tower::new(1);
        tower.found();
        for throw in &throws {
            tower.happen(throw);
        }
        for (address, state) in &tower.heard.states {
            let key = &tower.heard.keys[address];
            prop_assert_eq!(&State::decoded(key, &state.encoded()), state);
        }
        let reference = &tower.fold.reference;
        prop_assert_eq!(&decode::<crate::domain::reference::Reference>(&encode(reference).unwrap()).unwrap(), reference);
    }
}

#[test]
fn histories_have_something_of_everything() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = HashMap::new();
    for _ in 0..12 {
        let throws = proptest::strategy::ValueTree::current(&throws(150..160).new_tree(&mut runner).unwrap());
        let records = records(&throws);
        let mut tower = Tower::new(1);
        records.iter().for_each(|record| tower.take(record));
        let usage = tower.fold.usage();
        let no_ops = records.iter().filter(|record| tower.fold.no_ops().contains(record.lsn)).count();
        let counts = [
            ("documents forgotten", usage.documents_forgotten as usize),
            ("held", usage.held),
            ("refused", usage.entities_refused as usize),
            ("no-ops", no_ops),
            ("quarantined", tower.quarantined().len()),
            ("entities", tower.heard.states.len()),
        ];
        for (what, count) in counts {
            *seen.entry(what).or_insert(0) += count;
        }
        for state in tower.heard.states.values() {
            *seen.entry(state.kind()).or_insert(0) += usize::from(state.revision() > 0);
        }
        let feeds = tower.heard.traffic;
        *seen.entry("traffic").or_insert(0) += feeds;
    }
    for what in [
        "documents forgotten",
        "held",
        "refused",
        "no-ops",
        "quarantined",
        "traffic",
        "place",
        "supplier",
        "subject",
        "case",
    ] {
        assert!(seen.get(what).is_some_and(|count| *count > 0), "{what}: {seen:?}");
    }
}

#[test]
fn an_image_that_was_damaged_is_refused() {
    let records = records(&[]);
    let mut tower = Tower::new(1);
    records.iter().for_each(|record| tower.take(record));
    let mut kept = Kept::default();
    tower.fold.image().write(&mut |section, entry| kept.put(section, entry)).unwrap();
    let refused = |change: &dyn Fn(&mut Kept)| {
        let mut kept = Kept(kept.0.clone());
        change(&mut kept);
        let mut tower = Tower::new(1);
        tower.restore(&kept).is_err()
    };
    assert!(!refused(&|_| ()));
    assert!(refused(&|kept| kept.0.get_mut(&Section::Reference).unwrap()[0].truncate(40)));
    assert!(refused(&|kept| kept.0.get_mut(&Section::Fold).unwrap()[0][0] = 99), "a kind that is none");
    assert!(refused(&|kept| kept.0.get_mut(&Section::Keys).unwrap().clear()), "entities that are not there");
    assert!(refused(&|kept| kept.0.get_mut(&Section::Fold).unwrap()[0].clear()));
}
