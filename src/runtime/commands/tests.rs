//! What becomes of idempotency keys, whoever hears of the outcome.

use super::*;
use crate::domain::exception::testing::item;
use crate::domain::exception::{ExceptionChange, ExceptionTransition, ExceptionType};
use crate::domain::time::Timestamp;

const TENANT: TenantNumber = TenantNumber(0);

fn idempotency(key: &str, hash: u8) -> Idempotency {
    Idempotency { key: key.into(), hash: [hash; 16] }
}

fn place() -> EntityKey {
    EntityKey::SkuLocation { tenant: TENANT, sku: "A".into(), location: "L".into() }
}

fn done(lsn: u64) -> Result<CommandDone, CommandError> {
    Ok(CommandDone { lsn: Lsn(lsn), entity: place(), repeated: false })
}

fn conflict() -> CommandError {
    CommandError::Refused(Refusal::conflict("not now"))
}

/// The record that follows from ann's command under that key.
fn record(lsn: u64, source: &'static str, key: &str) -> Record {
    let change =
        ExceptionTransition::alone(ExceptionChange::Acknowledged, item("x", ExceptionType::ShortageNow));
    let transition = Transition::Exception(Box::new(change));
    Record {
        lsn: Lsn(lsn),
        tenant: TENANT,
        event_time: Timestamp::default(),
        ingest_time: Timestamp::default(),
        business_time: Timestamp::default(),
        causing_lsn: Lsn::ZERO,
        entity_revision: 1,
        source: Name::const_new(source),
        id: key.into(),
        sequence: Name::default(),
        principal: "ann".into(),
        body: Body::Transition(Box::new(TransitionBody { entity: place(), transition })),
    }
}

/// What ann is told when she sends a request under a key: `new`, or what came of it before.
fn told(keys: &IdempotencyKeys, key: &str, hash: u8) -> String {
    match keys.reserve(TENANT, &"ann".into(), &idempotency(key, hash)) {
        Ok(_) => "new".to_owned(),
        Err(Ok(before)) => format!("done {}", before.lsn),
        Err(Err(error)) => error.to_string(),
    }
}

const IN_FLIGHT: &str = "a request with this idempotency key is being carried out";
const REUSED: &str = "this idempotency key was used for another request";

#[test]
fn a_key_is_carried_out_once_and_free_again_after_a_refusal() {
    let keys = IdempotencyKeys::default();
    let ann = Name::from("ann");
    let reserve = |key: &str, hash| keys.reserve(TENANT, &ann, &idempotency(key, hash));
    let first = reserve("k", 1).ok().unwrap();
    assert!(matches!(reserve("k", 1).err(), Some(Err(CommandError::KeyInFlight))));
    first.settle(&Err(conflict()));
    let second = reserve("k", 2).ok().unwrap();
    second.settle(&done(7));
    assert!(matches!(reserve("k", 1).err(), Some(Err(CommandError::KeyReused))));
    let Some(Ok(again)) = reserve("k", 2).err() else { panic!("it was carried out") };
    assert_eq!((again.lsn, again.repeated), (Lsn(7), true));
    let bob = keys.reserve(TENANT, &Name::from("bob"), &idempotency("k", 9));
    assert!(bob.is_ok(), "another person's keys are their own");
}

#[test]
fn a_key_whose_outcome_is_unknown_stays_taken() {
    let keys = IdempotencyKeys::default();
    let reserved = keys.reserve(TENANT, &"ann".into(), &idempotency("k", 1)).ok().unwrap();
    reserved.settle(&Err(CommandError::Unknown));
    assert_eq!(told(&keys, "k", 1), IN_FLIGHT);
}

#[test]
fn the_record_of_a_command_settles_its_key_though_nobody_heard_of_it() {
    let keys = IdempotencyKeys::default();
    assert_eq!((told(&keys, "k", 1), told(&keys, "k", 1)), ("new".into(), IN_FLIGHT.into()));
    keys.settle(&record(5, "tidewatch", "k"));
    assert_eq!(told(&keys, "k", 1), IN_FLIGHT, "a record of the tower's own settles nobody's key");
    keys.settle(&record(7, COMMAND_SOURCE, "k"));
    assert_eq!((told(&keys, "k", 1), told(&keys, "k", 2)), ("done 7".into(), REUSED.into()));
}

#[test]
fn a_record_settles_no_key_that_is_not_in_use() {
    let keys = IdempotencyKeys::default();
    keys.settle(&record(7, COMMAND_SOURCE, "k"));
    keys.settle(&record(8, COMMAND_SOURCE, ""));
    assert_eq!((told(&keys, "k", 1), told(&keys, "", 1)), ("new".into(), "new".into()));
}

#[test]
fn a_refusal_that_nobody_hears_frees_the_key() {
    let keys = IdempotencyKeys::default();
    assert_eq!((told(&keys, "k", 1), told(&keys, "k", 2)), ("new".into(), REUSED.into()));
    let (reply, answer) = oneshot::channel();
    drop(answer);
    let mut actor = Actor::system("ann");
    let asker = Asker { tenant: TENANT, actor: actor.clone(), idempotency: Some(idempotency("k", 1)), reply };
    asker.refuse(&keys, CommandError::Busy);
    assert_eq!(told(&keys, "k", 2), "new");
    // Whoever hears of it frees the key with the outcome.
    let (reply, _answer) = oneshot::channel();
    actor.name = "ann".into();
    let asker = Asker { tenant: TENANT, actor, idempotency: Some(idempotency("k", 2)), reply };
    asker.refuse(&keys, conflict());
    assert_eq!(told(&keys, "k", 2), IN_FLIGHT);
}

#[test]
fn what_was_carried_out_is_not_freed() {
    let keys = IdempotencyKeys::default();
    keys.replay(&record(7, COMMAND_SOURCE, "k"), [1; 16]);
    keys.free(TENANT, &"ann".into(), &"k".into());
    keys.free(TENANT, &"ann".into(), &"never seen".into());
    assert_eq!((told(&keys, "k", 1), told(&keys, "never seen", 1)), ("done 7".into(), "new".into()));
}

#[test]
fn what_was_carried_out_is_known_after_a_restart_from_a_snapshot_too() {
    let keys = IdempotencyKeys::default();
    keys.replay(&record(7, COMMAND_SOURCE, "a"), [1; 16]);
    assert_eq!(told(&keys, "b", 1), "new");
    let mut stored = Vec::new();
    let kept = keys.store(|key| {
        stored.push(key);
        Ok::<(), ()>(())
    });
    assert_eq!(kept, Ok(()));
    let restored = IdempotencyKeys::default();
    stored.into_iter().for_each(|key| restored.restore(key));
    // The replay brings what is known already.
    restored.replay(&record(7, COMMAND_SOURCE, "a"), [1; 16]);
    assert_eq!(told(&restored, "a", 1), "done 7");
    assert_eq!(told(&restored, "a", 2), REUSED);
    assert_eq!(told(&restored, "b", 1), "new", "it was being carried out, and is not in the journal");
}
