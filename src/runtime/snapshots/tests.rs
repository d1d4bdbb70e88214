//! An entity's entry, written and read.

use std::path::Path;

use super::meta::MetaParts;
use super::*;
use crate::domain::approval_case::ApprovalCase;
use crate::domain::entity::Entity;
use crate::domain::ids::{Name, SubjectKind, TenantNumber};
use crate::domain::sku_location::SkuLocation;
use crate::domain::sku_location::testing::{Place, counted, hour, order, purchase, sale};
use crate::domain::subject::Subject;
use crate::domain::supplier::Supplier;
use crate::journal::{GroupBuilder, Journal, JournalOptions};
use crate::runtime::shell::Hosted;

const TENANT: TenantNumber = TenantNumber(3);

fn keys() -> [EntityKey; 4] {
    [
        EntityKey::SkuLocation { tenant: TENANT, sku: Name::from("S"), location: Name::from("L") },
        EntityKey::Supplier { tenant: TENANT, supplier: Name::from("V") },
        EntityKey::Subject { tenant: TENANT, subject: SubjectKind::Item, id: Name::from("S") },
        EntityKey::ApprovalCase { tenant: TENANT, case: Name::from("C") },
    ]
}

/// The slot in which an entity stood, and the entity.
fn decode_entity(entry: &[u8]) -> Result<(u32, Restored), SnapshotFailure> {
    let entry = Entry::read(entry)?;
    Ok((entry.slot(), entry.restored(entry.state()?, None)))
}

/// How an entity was found when it was captured.
#[derive(Clone, Copy)]
struct As {
    has_state: bool,
    failure: Option<FailureImage>,
    is_rebuilding: bool,
    is_unsettled: bool,
    review_at: Option<Timestamp>,
}

fn entry<E: Hosted>(key: &EntityKey, entity: &E, found: As) -> Vec<u8> {
    let captured = Captured {
        key,
        state: found.has_state.then_some(entity),
        failure: found.failure,
        is_rebuilding: found.is_rebuilding,
        stopped_at: found.failure.map(|failure| failure.failed_at),
        is_unsettled: found.is_unsettled,
    };
    let image = EntityImage {
        slot: 7,
        at: Lsn(1 << 40),
        is_dirty: found.is_unsettled,
        review_at: found.review_at,
        captured,
    };
    let mut bytes = Vec::new();
    encode_entity(&image, &mut bytes).unwrap();
    bytes
}

fn entry_of(key: &EntityKey, found: As) -> Vec<u8> {
    match key {
        EntityKey::SkuLocation { .. } => entry(key, &SkuLocation::new(key), found),
        EntityKey::Supplier { .. } => entry(key, &Supplier::new(key), found),
        EntityKey::Subject { .. } => entry(key, &Subject::new(key), found),
        EntityKey::ApprovalCase { .. } => entry(key, &ApprovalCase::new(key), found),
    }
}

const LIVE: As =
    As { has_state: true, failure: None, is_rebuilding: false, is_unsettled: false, review_at: None };
const REBUILDING: As = As { has_state: false, is_rebuilding: true, ..LIVE };
const FAILED: As = As {
    has_state: false,
    failure: Some(FailureImage { poison: Lsn(5), failed_at: Lsn(6) }),
    is_rebuilding: false,
    is_unsettled: true,
    review_at: Some(Timestamp::MIN),
};

#[test]
fn an_entity_comes_back_as_it_was_captured() {
    for key in keys() {
        for found in [LIVE, FAILED, REBUILDING, As { has_state: true, ..FAILED }] {
            let (slot, restored) = decode_entity(&entry_of(&key, found)).unwrap();
            assert_eq!((slot, restored.at), (7, Lsn(1 << 40)));
            assert_eq!((restored.is_dirty, restored.review_at), (found.is_unsettled, found.review_at));
            assert_eq!(restored.state.has_stopped(), found.failure.is_some() || found.is_rebuilding);
            let stopped_at = found.failure.map(|failure| failure.failed_at);
            let seen = match (&key, restored.state) {
                (EntityKey::SkuLocation { .. }, RestoredState::SkuLocation(image)) => {
                    assert_eq!(image.entity, found.has_state.then(|| SkuLocation::new(&key)));
                    (image.failure, image.stopped_at, image.is_rebuilding)
                }
                (EntityKey::Supplier { .. }, RestoredState::Supplier(image)) => {
                    assert_eq!(image.entity, found.has_state.then(|| Supplier::new(&key)));
                    (image.failure, image.stopped_at, image.is_rebuilding)
                }
                (EntityKey::Subject { .. }, RestoredState::Subject(image)) => {
                    assert_eq!(image.entity, found.has_state.then(|| Subject::new(&key)));
                    (image.failure, image.stopped_at, image.is_rebuilding)
                }
                (EntityKey::ApprovalCase { .. }, RestoredState::ApprovalCase(image)) => {
                    assert_eq!(image.entity, found.has_state.then(|| ApprovalCase::new(&key)));
                    (image.failure, image.stopped_at, image.is_rebuilding)
                }
                _ => panic!("{key} came back as something else"),
            };
            assert_eq!(seen, (found.failure, stopped_at, found.is_rebuilding));
        }
    }
}

/// Orders, purchases, sales, and more sold than there is: two kinds of exceptions or more are open.
fn busy() -> Place {
    let mut place = Place::new();
    place.event(hour(0), counted(5));
    place.event(hour(0), order("O1", 5, Some(hour(40))));
    place.event(hour(1), order("O2", 5, None));
    place.event(hour(1), purchase("P1", 50, Some(hour(90))));
    for n in 2..18 {
        place.at(hour(n));
        place.event(hour(n), sale(1 + n % 3));
        place.settle();
    }
    place
}

/// Fields have no names: one that is left out, wherever it stands, puts others in its place.
#[test]
fn a_state_with_and_without_all_that_it_may_hold_comes_back_whole() {
    let (busy, mut calm) = (busy(), Place::new());
    calm.event(hour(0), counted(500));
    calm.settle();
    assert!(busy.state.open_exceptions().count() >= 2 && calm.state.open_exceptions().count() == 0);
    for place in [busy, calm] {
        let (_, restored) = decode_entity(&entry(&place.key, &place.state, LIVE)).unwrap();
        let RestoredState::SkuLocation(image) = restored.state else { panic!("something else came back") };
        assert_eq!(image.entity, Some(place.state));
    }
}

#[test]
fn an_entry_has_no_names_of_fields() {
    let bytes = entry_of(&keys()[0], LIVE);
    for name in ["review_at", "applied_lsn", "order_lines", "smoothing"] {
        assert!(bytes.windows(name.len()).all(|window| window != name.as_bytes()), "{name}");
    }
}

#[test]
fn a_packed_state_makes_the_entry_that_the_entity_would_have_made() {
    let busy = busy();
    let whole = entry(&busy.key, &busy.state, LIVE);
    let read = Entry::read(&whole).unwrap();
    let state = read.packed().unwrap();
    assert_eq!(&*pack(&busy.state).unwrap(), state);
    let mut again = Vec::new();
    let (slot, at) = (7, Lsn(1 << 40));
    let As { is_unsettled, review_at, .. } = LIVE;
    let image = PackedImage { slot, key: &busy.key, at, is_dirty: is_unsettled, review_at, state };
    encode_packed(&image, &mut again).unwrap();
    assert_eq!(again, whole);
    let RestoredState::SkuLocation(image) = unpack(Kind::of(&busy.key), state).unwrap() else {
        panic!("something else came back")
    };
    assert_eq!(image.entity, Some(busy.state));
    assert!(unpack(Kind::Supplier, state).is_err(), "a state of another kind");
}

#[test]
fn of_an_entity_that_does_not_work_a_state_alone_would_not_be_enough() {
    for key in keys() {
        for found in [FAILED, REBUILDING, As { has_state: true, ..FAILED }] {
            assert!(Entry::read(&entry_of(&key, found)).unwrap().packed().is_none(), "{key}");
        }
        assert!(Entry::read(&entry_of(&key, LIVE)).unwrap().packed().is_some(), "{key}");
    }
}

#[test]
fn an_entry_that_is_cut_off_is_refused() {
    for key in keys() {
        let whole = entry_of(&key, LIVE);
        for length in 0..whole.len() {
            assert!(decode_entity(&whole[..length]).is_err(), "{key} cut at {length} of {}", whole.len());
        }
    }
}

/// A journal, behind what it has, with groups of two records each, which say these.
fn journal(directory: &Path, groups: &[&str]) -> Journal {
    let (mut journal, _) = Journal::open(directory, JournalOptions { segment_bytes_max: 1 << 20 }).unwrap();
    for text in groups {
        let mut group = GroupBuilder::new(journal.next_lsn());
        group.push(text.as_bytes()).unwrap();
        group.push(text.as_bytes()).unwrap();
        journal.append_group(&mut group).unwrap();
    }
    journal
}

#[test]
fn a_generation_fits_only_a_journal_that_has_the_records_it_shows() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(journal(first.path(), &["a", "b"]));
    for file in std::fs::read_dir(first.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), second.path().join(file.file_name())).unwrap();
    }
    let taken_of = journal(first.path(), &["c", "d"]);
    let reader = taken_of.reader();
    let meta = Meta::new(MetaParts {
        position: reader.position_at(4).unwrap(),
        highest: Lsn(7),
        witness: reader.position_at(u64::MAX).unwrap(),
        summaries_at: Lsn(7),
        clocks: Clocks::default(),
        slots: Vec::new(),
        entities: 0,
        duplicates: Default::default(),
        previous: None,
        kept_for_rebuild: Default::default(),
        taken_at: Timestamp::MIN,
        seconds: 0.0,
    });
    meta.check_against(&reader).unwrap();
    // The same up to the generation's start, and shorter.
    let other = journal(second.path(), &["x"]);
    let error = meta.check_against(&other.reader()).unwrap_err();
    assert!(matches!(error, SnapshotFailure::AheadOfDisk { .. }) && !error.is_for_good(), "{error}");
    drop(other);
    // It has grown past the generation since.
    let other = journal(second.path(), &["y", "z"]);
    let error = meta.check_against(&other.reader()).unwrap_err();
    assert!(matches!(error, SnapshotFailure::OtherRecords { at: Lsn(8) }) && error.is_for_good(), "{error}");
}
