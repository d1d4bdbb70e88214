use proptest::prelude::*;

use super::*;
use crate::runtime::duplicates::Duplicates;
use crate::runtime::duplicates::Seen;

/// Anything that a journal may hold, also what a writer would have refused.
fn events() -> impl Strategy<Value = Vec<EventIdentity>> {
    let event = (0_u128..60, 0_u8..3, proptest::option::weighted(0.2, 100_u128..110));
    let event = event.prop_map(|(key, content, entry_key)| EventIdentity {
        key: key << 64 | key,
        content_hash: [content; 16],
        retry: entry_key.map(|entry_key| RetryIdentity { entry_key, keeps_id: true }),
    });
    proptest::collection::vec(event, 0..400)
}

/// The window as of each of those snapshots in turn, made from the one before; and the entries of the last.
fn snapshots(window: usize, events: &[EventIdentity], at: &[usize]) -> Vec<Vec<u8>> {
    snapshots_with(window, events, at, false)
}

fn snapshots_with(window: usize, events: &[EventIdentity], at: &[usize], is_surveyed: bool) -> Vec<Vec<u8>> {
    let (mut entries, mut tail, mut done) = (Vec::<Vec<u8>>::new(), DuplicateTail::default(), 0);
    for at in at {
        let mut runs = if is_surveyed {
            let mut survey = DuplicateSurvey::resume(window, &tail);
            for (n, identity) in events.iter().enumerate().take(*at).skip(done) {
                survey.take(identity, place(n).0);
            }
            let (runs, begin) = survey.finish();
            done = begin.map_or(done, |begin| (0..).find(|n| place(*n).0 == begin).unwrap());
            runs
        } else {
            DuplicateRuns::resume(window, tail)
        };
        entries.retain(|entry| runs.needs(entry));
        let mut emit = |section: Section, entry: &[u8]| {
            assert_eq!(section, Section::Duplicates);
            entries.push(entry.to_vec());
            Ok::<(), ImageError>(())
        };
        for (n, identity) in events.iter().enumerate().take(*at).skip(done) {
            let (lsn, taken) = place(n);
            runs.take(identity, lsn, taken, &mut emit).unwrap();
        }
        tail = runs.finish(&mut emit).unwrap();
        done = *at;
    }
    entries
}

/// LSN and ingest time of the nth event; the clock was set back once.
fn place(n: usize) -> (Lsn, Timestamp) {
    let n = n as i64;
    (Lsn(n as u64 * 3 + 1), Timestamp::from_micros(n * 1_000_003 - if n > 50 { 90_000_000 } else { 0 }))
}

fn reserve(window: &mut Duplicates, events: &[EventIdentity], from: usize) {
    for (n, identity) in events.iter().enumerate().skip(from) {
        let (lsn, taken) = place(n);
        window.reserve(identity, lsn, taken);
    }
}

fn seen(window: &Duplicates) -> Vec<Seen> {
    let keys = (0_u128..60).map(|key| key << 64 | key).chain(100..110);
    let plain = keys.map(|key| EventIdentity { key, content_hash: [1; 16], retry: None });
    plain.map(|identity| window.look_up(&identity)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_restored_window_is_the_one_that_saw_everything(
        events in events(), window in 2_usize..80, cuts in proptest::collection::vec(0.0..1.0_f64, 1..6),
        replayed in 0.0..1.0_f64,
    ) {
        let mut at: Vec<usize> = cuts.iter().map(|cut| (events.len() as f64 * cut) as usize).collect();
        at.sort_unstable();
        let last = *at.last().unwrap();
        let entries = snapshots(window, &events, &at);
        // As much of what comes behind it as there is, before it settles: so a start does.
        let replayed = last.max((events.len() as f64 * replayed) as usize);
        let mut refill = Refill::restore(window, entries.into_iter().map(Ok)).unwrap();
        for (n, identity) in events.iter().enumerate().take(replayed).skip(last) {
            let (lsn, taken) = place(n);
            refill.remember(identity, lsn, taken);
        }
        let mut restored = refill.settle();
        let mut whole = Duplicates::new(window);
        reserve(&mut whole, &events[..replayed], 0);
        prop_assert_eq!(seen(&restored), seen(&whole));
        prop_assert_eq!(restored.reach(), whole.reach());
        reserve(&mut restored, &events, replayed);
        reserve(&mut whole, &events, replayed);
        prop_assert_eq!(seen(&restored), seen(&whole));
        prop_assert_eq!(restored.reach(), whole.reach());
    }

    #[test]
    fn a_smaller_window_is_exact_too_and_a_larger_one_says_how_far_it_reaches(
        events in events(), window in 2_usize..80, other in 2_usize..80, middle in 0.0..1.0_f64,
    ) {
        let middle = (events.len() as f64 * middle) as usize;
        let entries = snapshots(window, &events, &[middle, events.len()]);
        let restored = Refill::restore(other, entries.into_iter().map(Ok)).unwrap().settle();
        let mut whole = Duplicates::new(other);
        reserve(&mut whole, &events, 0);
        if other <= window {
            prop_assert_eq!(seen(&restored), seen(&whole));
            prop_assert_eq!(restored.reach(), whole.reach());
        } else if let Some((since, _)) = restored.reach().since {
            for (n, identity) in events.iter().enumerate() {
                // An event that is tried again may have its two places on either side of a turn.
                prop_assert!(place(n).0 <= since || restored.look_up(identity) != Seen::New);
            }
        }
    }
}

#[test]
fn a_survey_leaves_out_what_fell_out_of_the_window_meanwhile_and_nothing_else() {
    let retry = |n: u64| RetryIdentity { entry_key: u128::from(n) + (1 << 100), keeps_id: true };
    let event = |n: u64| EventIdentity {
        key: u128::from(n),
        content_hash: [1; 16],
        retry: n.is_multiple_of(7).then(|| retry(n)),
    };
    let events: Vec<EventIdentity> = (0..60_000).map(event).collect();
    // With nothing before; with a window that ended long before; with one that reaches back.
    for at in
        [vec![60_000], vec![5_000, 60_000], vec![52_000, 60_000], vec![59_999, 60_000], vec![60_000, 60_000]]
    {
        let window = 20_000;
        let entries = snapshots_with(window, &events, &at, true);
        let places: u64 = events.iter().map(places_of).sum();
        let first = Decoding::begin(&entries[0]).unwrap().from;
        // One entry of the generation before, or one mark, may stand across the window's beginning.
        assert!(places - first <= window as u64 + 5_000, "{at:?}: from {first} of {places}");
        let restored = Refill::restore(window, entries.into_iter().map(Ok)).unwrap().settle();
        let mut whole = Duplicates::new(window);
        reserve(&mut whole, &events, 0);
        assert_eq!(restored.reach(), whole.reach(), "{at:?}");
        for event in &events {
            assert_eq!(restored.look_up(event), whole.look_up(event), "{at:?}");
        }
    }
}

#[test]
fn what_fell_out_of_the_window_is_dropped() {
    let event = |n: u64| EventIdentity { key: u128::from(n), content_hash: [0; 16], retry: None };
    let events: Vec<EventIdentity> = (0..40_000).map(event).collect();
    let at: Vec<usize> = (1..=40).map(|n| n * 1_000).collect();
    let entries = snapshots(4_000, &events, &at);
    let held: u64 = entries
        .iter()
        .map(|entry| Decoding::begin(entry).unwrap())
        .map(|decoding| decoding.upto - decoding.from)
        .sum();
    assert!((4_000..=6_000).contains(&held), "two half windows and what came since: {held}");
    let bytes: usize = entries.iter().map(Vec::len).sum();
    assert!(bytes as u64 / held < 32, "bytes an event: {}", bytes as u64 / held);
}

#[test]
fn entries_that_do_not_fit_together_are_refused() {
    let event = |n: u64| EventIdentity { key: u128::from(n), content_hash: [0; 16], retry: None };
    let events: Vec<EventIdentity> = (0..5_000).map(event).collect();
    let entries = snapshots(10_000, &events, &[5_000]);
    assert!(entries.len() > 2);
    let restored = |entries: Vec<Vec<u8>>| Refill::restore(10_000, entries.into_iter().map(Ok)).is_ok();
    assert!(restored(entries.clone()));
    let mut missing = entries.clone();
    missing.remove(1);
    assert!(!restored(missing));
    let mut cut = entries.clone();
    cut[0].pop();
    assert!(!restored(cut));
    let mut short = entries;
    short[2].truncate(12);
    assert!(!restored(short));
}
