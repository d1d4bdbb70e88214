//! What must hold in the end, when everything is at rest. Each names its invariant (`ARCHITECTURE.md`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::client::{Ledger, TENANT};
use super::common::model::{Place, Stock, stock_after};
use super::decisions::{Decisions, is_settled};
use super::follower::Follower;
use super::house::House;
use crate::domain::approval_case::{ActionState, ApprovalCase};
use crate::domain::event::EventData;
use crate::domain::exception::ExceptionType;
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::record::{Body, ClockKind, Record};
use crate::domain::reference::Reference;
use crate::domain::sku_location::SkuLocation;
use crate::domain::subject::Subject;
use crate::domain::supplier::Supplier;
use crate::domain::time::Timestamp;
use crate::runtime::admission::Credits;
use crate::runtime::ask::ask;
use crate::runtime::codec;
use crate::runtime::directory::Address;
use crate::runtime::shard::InspectSlot;
use crate::runtime::shell::{Hosted, Inspected};

/// Checks everything; gives the journal's records.
pub async fn check(
    house: &House,
    ledger: &Ledger,
    decisions: &Decisions,
    follower: &Follower,
    left_out: Option<&str>,
) -> Vec<Arc<Record>> {
    let journal = journal(house);
    at_rest(house);
    in_order_of_time(&journal, house.running.clocks.clock_kind(TENANT));
    one_group_at_a_time(&journal);
    exactly_once(&journal, ledger);
    raised_once(house);
    follower.check(&journal);
    decided_once(house, decisions);
    let said: Vec<Value> = ledger
        .said
        .iter()
        .filter(|event| event["id"].as_str() != left_out && event["type"] != "clock.advanced")
        .cloned()
        .collect();
    as_the_model_says(house, &said).await;
    journal
}

fn journal(house: &House) -> Vec<Arc<Record>> {
    let mut journal: Vec<Arc<Record>> = Vec::new();
    for read in house.running.reader.read_from(1) {
        let (lsn, bytes) = read.unwrap();
        assert_eq!(lsn, journal.len() as u64 + 1, "invariant 2: numbers have no gaps");
        journal.push(Arc::new(codec::decode(&bytes).unwrap().0));
    }
    journal
}

/// Invariant 25: nothing is left over.
fn at_rest(house: &House) {
    let running = &house.running;
    assert_eq!(running.admission.usage().0, Credits::default(), "invariant 25: all credits are back");
    assert_eq!(running.progress.unsettled_count(), 0, "invariant 25: nothing is unsettled");
    assert_eq!(running.fold_usage().held, 0, "invariant 25: every document was announced, nothing is held");
    let quarantine = running.quarantine.read();
    let left: Vec<_> = quarantine.list(TENANT, Lsn::ZERO).collect();
    assert!(left.is_empty(), "invariant 12: released, and nothing else was bad: {left:?}");
}

/// Invariant 25: whoever looked would find nothing if it looked again, by all that is known now, and needs no review yet.
/// Where the clock goes on, reviews are due meanwhile. Who rests does not know when it looked. Gives how many were asked.
pub async fn looked(house: &House) -> u64 {
    let running = &house.running;
    let mut asked = 0;
    let stands_still = running.clocks.clock_kind(TENANT) == ClockKind::Event;
    for (key, address) in running.directory.everyone() {
        let left = match &key {
            EntityKey::SkuLocation { .. } => left_to_find::<SkuLocation>(house, address, stands_still).await,
            EntityKey::Supplier { .. } => left_to_find::<Supplier>(house, address, stands_still).await,
            EntityKey::Subject { .. } => left_to_find::<Subject>(house, address, stands_still).await,
            EntityKey::ApprovalCase { .. } => {
                left_to_find::<ApprovalCase>(house, address, stands_still).await
            }
        };
        let Some(left) = left else { continue };
        assert!(left.is_empty(), "invariant 25: {key} has not looked for {left:#?}");
        asked += 1;
    }
    asked
}

/// What an entity would find if it looked again as of when it last did, and whether that should have been reviewed.
async fn left_to_find<E: Hosted>(house: &House, address: Address, is_reviewed: bool) -> Option<Vec<String>> {
    let (reply, answer) = tokio::sync::oneshot::channel();
    let look = move |inspected: Option<Inspected<'_, E>>| {
        // One that stands still, or is being made anew, looks afterwards.
        let Inspected { entity, key, now, reference, looked, .. } = inspected?;
        let looked = looked?;
        let found = entity.reconcile(key, looked, reference);
        let mut left: Vec<String> = found.proposals.iter().map(|proposal| format!("{proposal:?}")).collect();
        if let Some(at) = found.next_review_at.filter(|at| is_reviewed && *at <= now) {
            left.push(format!("a review at {at}, {now} by now"));
        }
        Some(left)
    };
    let inspection = Box::new(move |inspected: Option<Inspected<'_, E>>| drop(reply.send(look(inspected))));
    let shard = &house.running.shards[usize::from(address.shard)];
    shard.do_send(InspectSlot::<E> { slot: address.slot, inspection });
    answer.await.expect("every entity answers")
}

/// Invariants 2 and 23: what was acknowledged is there, under its number; what is there, is there once.
fn exactly_once(journal: &[Arc<Record>], ledger: &Ledger) {
    let mut found: BTreeMap<(String, String), Lsn> = BTreeMap::new();
    for record in journal {
        if matches!(record.body, Body::Event { .. }) {
            let name = (record.source.to_string(), record.id.to_string());
            let before = found.insert(name.clone(), record.lsn);
            assert_eq!(before, None, "invariant 2: {name:?} is there twice, again as {}", record.lsn);
        }
    }
    assert_eq!(found, ledger.acknowledged, "invariant 23: acknowledged and recovered");
    assert_eq!(found.len(), ledger.said.len(), "everything that was said was taken in the end");
}

/// Invariant 10: business time never goes back, whatever the wall does, and an event clock stands where it was put; each
/// record has an ingest time of its own.
fn in_order_of_time(journal: &[Arc<Record>], clock: ClockKind) {
    let mut put = Timestamp::default();
    // The first record is the tower's own, before any tenant had a clock.
    for pair in journal[1..].windows(2) {
        let [before, after] = pair else { continue };
        assert!(before.business_time <= after.business_time, "invariant 10: {before:?}, then {after:?}");
        assert!(before.ingest_time < after.ingest_time, "invariant 10: {before:?}, then {after:?}");
        if let Body::Event { data: EventData::ClockAdvanced(to), .. } = &after.body {
            put = put.max(*to);
        }
        assert!(clock == ClockKind::Wall || after.business_time == put, "invariant 10: {put}, and {after:?}");
        if let Body::Transition(_) = after.body {
            assert!(
                after.event_time <= after.business_time,
                "invariant 10: decided later than it is: {after:?}"
            );
        }
    }
}

/// Invariant 5: whatever was in between, no entity proposed anything on a state that it no longer had.
fn one_group_at_a_time(journal: &[Arc<Record>]) {
    let mut revisions: BTreeMap<&EntityKey, u64> = BTreeMap::new();
    for record in journal {
        if let Body::Transition(body) = &record.body {
            let revision = revisions.entry(&body.entity).or_default();
            *revision += 1;
            assert_eq!(record.entity_revision, *revision, "invariant 5: {record:?}");
        }
    }
}

/// Invariant 9: an open exception is unique for its type and subject.
fn raised_once(house: &House) {
    let mut open = BTreeSet::new();
    for entry in house.running.exceptions.select(TENANT, false, |_| true) {
        let what = format!("{} {:?}", entry.item.exception_type.as_str(), entry.item.subject);
        assert!(open.insert(what.clone()), "invariant 9: {what} twice");
    }
}

/// Every figure, every exception, every case.
pub async fn everything_shown(house: &House) -> Vec<String> {
    let mut shown: Vec<String> = Vec::new();
    for (place, view) in views(house).await.0 {
        shown.push(format!("{place:?} {view}"));
    }
    let running = &house.running;
    for entry in running.exceptions.select(TENANT, true, |_| true) {
        shown.push(serde_json::to_string(&*entry.item).unwrap());
    }
    for entry in running.cases.select(TENANT, true, |_| true) {
        shown.push(serde_json::to_string(&*entry.item).unwrap());
    }
    shown.sort();
    shown
}

/// Invariant 17: one action id per step of a decision, and the system of record did each of them, once.
fn decided_once(house: &House, decisions: &Decisions) {
    let mut ids = BTreeSet::new();
    for entry in house.running.cases.select(TENANT, true, |_| true) {
        let case = &entry.item;
        let steps = case.chosen_option.as_ref().and_then(|chosen| case.option(chosen)).map(|o| o.steps.len());
        if !case.actions.is_empty() {
            assert_eq!(Some(case.actions.len()), steps, "invariant 17: an action a step: {case:?}");
        }
        for action in &case.actions {
            assert!(ids.insert(action.id.clone()), "invariant 17: {} twice", action.id);
            assert!(is_settled(action.state), "invariant 25: {} is {:?}", action.id, action.state);
            let reference = decisions.carried_out.get(&action.id);
            assert!(reference.is_some(), "invariant 17: {} never arrived", action.id);
            if action.state == ActionState::Documented {
                let document = action.document.as_ref().map(|document| document.id.as_str());
                assert_eq!(document, reference.map(String::as_str), "the document of {}", action.id);
            }
        }
    }
    let arrived: BTreeSet<Name> = decisions.carried_out.keys().cloned().collect();
    assert_eq!(arrived, ids, "invariant 17: what arrived was decided");
}

/// What every SKU-location shows, and the time in seconds.
async fn views(house: &House) -> (BTreeMap<Place, Value>, i64) {
    let running = &house.running;
    let mut now = Timestamp::default();
    let mut views: BTreeMap<Place, Value> = BTreeMap::new();
    for (key, address) in running.directory.sku_locations_after(TENANT, None, 10_000) {
        let EntityKey::SkuLocation { sku, location, .. } = &key else { continue };
        let question = |entity: &SkuLocation, key: &EntityKey, now: Timestamp, reference: &Reference| {
            serde_json::to_value(entity.view(now, reference, key)).unwrap()
        };
        let seen = ask(running, address, question).await.expect("no entity stands still");
        assert_eq!(seen.failed_at, None, "invariant 12: {key} was released");
        now = now.max(seen.now);
        views.insert((sku.to_string(), location.to_string()), seen.value);
    }
    (views, now.micros().div_euclid(1_000_000))
}

/// Invariant 26: stock, reservations and pipeline are what a model makes of what was said; so are the exceptions that
/// follow from them alone.
async fn as_the_model_says(house: &House, said: &[Value]) {
    let running = &house.running;
    let mut wrong = Vec::new();
    let (views, now) = views(house).await;
    let expected = stock_after(said, now);
    for (place, stock) in &expected {
        match views.get(place) {
            None => wrong.push(format!("{place:?} is not there")),
            Some(view) => {
                let differences = stock.differences(view);
                if !differences.is_empty() {
                    wrong.push(format!("{place:?}: {}", differences.join("; ")));
                    explain(said, place);
                }
            }
        }
    }
    let open = |kind: ExceptionType| -> BTreeSet<Place> {
        let of_kind = |item: &crate::domain::exception::ExceptionItem| item.exception_type == kind;
        let found = running.exceptions.select(TENANT, false, |entry| of_kind(&entry.item));
        let place = |item: &crate::domain::exception::ExceptionItem| {
            let subject = &item.subject;
            let name = |name: &Option<Name>| name.as_deref().unwrap_or_default().to_owned();
            (name(&subject.sku), name(&subject.location))
        };
        found.iter().map(|entry| place(&entry.item)).collect()
    };
    let (negative, short) = (open(ExceptionType::NegativeStock), open(ExceptionType::ShortageNow));
    for (place, stock) in &expected {
        if (stock.on_hand < 0) != negative.contains(place) {
            wrong.push(format!(
                "{place:?} has {} on hand; open: {}",
                stock.on_hand,
                negative.contains(place)
            ));
        }
        if stock.backorders() > 0 && !short.contains(place) {
            wrong.push(format!("{place:?} is short of {}, and no exception says so", stock.backorders()));
        }
        if has_plenty(stock) && short.contains(place) && !said.iter().any(|event| is_demand(event, place)) {
            wrong.push(format!("{place:?} is said to be short"));
        }
    }
    assert!(wrong.is_empty(), "invariant 26: {wrong:#?}");
}

fn has_plenty(stock: &Stock) -> bool {
    stock.on_hand > 0 && stock.backorders() == 0
}

fn is_demand(event: &Value, place: &Place) -> bool {
    let kind = event["type"].as_str().unwrap_or_default();
    (kind == "pos.sale" || kind.starts_with("order."))
        && event["data"]["sku"] == *place.0
        && event["data"]["location"] == *place.1
}

/// Prints what was said about a place, by the documents too.
fn explain(said: &[Value], place: &Place) {
    let document = |event: &Value| {
        let ids =
            ["order_id", "po_id", "transfer_id"].map(|key| event["data"][key].as_str().map(str::to_owned));
        ids.into_iter().flatten().next()
    };
    let names = |event: &Value| event.to_string().contains(&place.0) && event.to_string().contains(&place.1);
    let documents: Vec<String> = said.iter().filter(|event| names(event)).filter_map(document).collect();
    let is_about = |event: &&Value| names(event) || document(event).is_some_and(|id| documents.contains(&id));
    for event in said.iter().filter(is_about) {
        eprintln!(
            "{} {} {} {} {}",
            event["id"], event["time"], event["sequence"], event["type"], event["data"]
        );
    }
}
