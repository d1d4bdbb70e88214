use super::*;
use crate::domain::ids::{Name, TenantNumber};

const INTERVAL: Duration = Duration::from_millis(100);

fn queue(frames_max: usize, bytes_max: usize) -> SocketQueue {
    SocketQueue::new(QueueLimits { frames_max, bytes_max, states_max: 1_000, state_interval: INTERVAL })
}

/// An event of `bytes`, the brackets of an array among them.
fn event(lsn: u64, bytes: usize) -> Chunk {
    let mut builder = ChunkBuilder::default();
    let text = "x".repeat(bytes.saturating_sub(2));
    builder.push(Some(Lsn(lsn)), &[&text]);
    builder.finish()
}

fn state(text: &str) -> StateFrame {
    StateFrame { matches: true, tail: Arc::from(text) }
}

fn key(supplier: &str) -> StateKey {
    StateKey::Entity(EntityKey::Supplier { tenant: TenantNumber(0), supplier: Name::from(supplier) })
}

/// What is due now: the message, or `None`.
fn due(queue: &SocketQueue, now: Instant) -> Option<String> {
    match queue.take_due(now) {
        Due::Now(Outgoing::Message(text, _)) => Some(text.to_string()),
        Due::Now(Outgoing::Close(closing)) => panic!("closed: {closing:?}"),
        Due::At(_) => None,
    }
}

#[test]
fn frames_that_are_due_together_make_one_message() {
    let queue = queue(10, 1_000);
    assert_eq!(queue.push(Chunk::own("1")), Pushed::Queued);
    assert_eq!(due(&queue, Instant::now()).as_deref(), Some("1"));
    for text in ["2", "3"] {
        queue.push(Chunk::own(text));
    }
    let mut builder = ChunkBuilder::default();
    builder.push_event(Lsn(4), "{4", true, "}");
    queue.push(builder.finish());
    assert_eq!(queue.first_waiting(), Some(Lsn(4)));
    assert_eq!(due(&queue, Instant::now()).as_deref(), Some("[2,3,{4}]"));
    assert_eq!((due(&queue, Instant::now()), queue.first_waiting()), (None, None));
}

#[test]
fn a_message_takes_no_more_frames_than_its_bytes_allow() {
    let queue = queue(10, 1 << 20);
    for lsn in 1..=3 {
        queue.push(event(lsn, 40_000));
    }
    queue.push(event(4, 100_000));
    let lengths: Vec<usize> =
        std::iter::from_fn(|| due(&queue, Instant::now())).map(|message| message.len()).collect();
    assert_eq!(lengths, [39_998, 39_998, 39_998, 99_998]);
    for lsn in 5..=7 {
        queue.push(event(lsn, 5_000));
    }
    queue.push(event(8, ALONE_BYTES_MIN));
    queue.push(event(9, 5_000));
    let frames: Vec<usize> = std::iter::from_fn(|| match queue.take_due(Instant::now()) {
        Due::Now(Outgoing::Message(_, frames)) => Some(frames),
        _ => None,
    })
    .collect();
    assert_eq!(frames, [3, 1, 1], "what is long is not copied beside others");
}

#[test]
fn one_frame_too_many_is_refused_by_number_and_by_bytes() {
    let by_number = queue(2, 1_000);
    let pushed: Vec<Pushed> = (1..=3).map(|lsn| by_number.push(event(lsn, 1))).collect();
    assert_eq!(pushed, [Pushed::Queued, Pushed::Queued, Pushed::Overflow]);
    let by_bytes = queue(100, 10);
    assert_eq!(by_bytes.push(event(1, 6)), Pushed::Queued);
    assert_eq!(by_bytes.push(event(2, 6)), Pushed::Overflow);
    assert_eq!(by_bytes.push(event(2, 4)), Pushed::Queued);
    due(&by_bytes, Instant::now());
    assert_eq!(by_bytes.push(event(3, 11)), Pushed::Queued, "a frame longer than the queue goes alone");
}

#[test]
fn half_a_queue_is_kept_free_of_work_that_can_wait() {
    let queue = queue(4, 1_000);
    queue.push(event(1, 1));
    assert!(queue.has_room());
    queue.push(event(2, 1));
    assert!(!queue.has_room());
    due(&queue, Instant::now());
    assert!(queue.has_room());
}

#[test]
fn state_is_conflated_and_sent_once_an_interval() {
    let queue = queue(10, 1_000);
    let start = Instant::now();
    queue.add_states(1, Arc::from("s"));
    queue.put_state(1, key("A"), state("a1"));
    assert_eq!(due(&queue, start), None, "its snapshot comes first");
    queue.open_states(1);
    queue.put_state(1, key("B"), state("b1"));
    queue.put_state(1, key("A"), state("a2"));
    assert_eq!(due(&queue, start).as_deref(), Some("[sa2,sb1]"));
    queue.put_state(1, key("A"), state("a3"));
    assert_eq!(due(&queue, start + INTERVAL / 2), None);
    queue.put_state(1, key("A"), state("a4"));
    queue.push(Chunk::own("e"));
    assert_eq!(due(&queue, start + INTERVAL).as_deref(), Some("[e,sa4]"), "with the events of the moment");
    queue.put_state(1, key("A"), state("a5"));
    queue.remove_states(1);
    assert_eq!(due(&queue, start + INTERVAL * 3), None);
}

#[test]
fn a_long_round_of_states_lets_events_pass() {
    let queue = queue(10, 1_000);
    let start = Instant::now();
    queue.add_states(1, Arc::from(""));
    queue.open_states(1);
    for supplier in ["A", "B", "C"] {
        queue.put_state(1, key(supplier), state(&supplier.repeat(MESSAGE_BYTES_MAX)));
    }
    assert!(due(&queue, start).is_some_and(|text| text.starts_with('A')));
    queue.push(Chunk::own("event"));
    assert!(due(&queue, start).is_some_and(|text| text.starts_with("[event,B")));
    assert!(
        due(&queue, start).is_some_and(|text| text.starts_with('C')),
        "the round goes on within its interval"
    );
    assert_eq!(due(&queue, start), None);
}

#[test]
fn an_end_comes_after_what_waits_or_instead_of_it() {
    let closing = || Closing { code: 1012, reason: "e-1".into() };
    let told = queue(10, 1_000);
    told.push(Chunk::own("last"));
    told.close(closing());
    assert_eq!(told.push(Chunk::own("late")), Pushed::Ended);
    assert_eq!(due(&told, Instant::now()).as_deref(), Some("last"));
    assert!(
        matches!(told.take_due(Instant::now()), Due::Now(Outgoing::Close(Some(end))) if end == closing())
    );

    let slow = queue(10, 1_000);
    slow.push(event(7, 1));
    slow.cut(Closing { code: 4008, reason: "e-6".into() });
    slow.abandon();
    assert!(
        matches!(slow.take_due(Instant::now()), Due::Now(Outgoing::Close(Some(end))) if end.code == 4008),
        "the first end stands"
    );
}

#[test]
fn waiting_states_are_bounded() {
    let limits = QueueLimits { frames_max: 10, bytes_max: 1_000, states_max: 2, state_interval: INTERVAL };
    let queue = SocketQueue::new(limits);
    for subscription in [1, 2] {
        queue.add_states(subscription, Arc::from(""));
    }
    assert_eq!(queue.put_state(1, key("A"), state("a")), Pushed::Queued);
    assert_eq!(queue.put_state(2, key("A"), state("a")), Pushed::Queued);
    assert_eq!(queue.put_state(1, key("B"), state("b")), Pushed::Overflow);
    assert_eq!(queue.put_state(1, key("A"), state("a2")), Pushed::Queued, "in the place of another");
}

#[test]
fn a_state_that_no_longer_matches_says_so() {
    let queue = queue(10, 1_000);
    queue.add_states(1, Arc::from("{\"id\":1"));
    queue.open_states(1);
    queue.put_state(1, key("A"), StateFrame { matches: false, tail: Arc::from(",\"lsn\":5}") });
    assert_eq!(due(&queue, Instant::now()).as_deref(), Some("{\"id\":1,\"matches\":false,\"lsn\":5}"));
}

#[test]
fn an_idle_queue_keeps_no_room() {
    let queue = queue(100_000, 1 << 30);
    queue.add_states(1, Arc::from(""));
    queue.open_states(1);
    for lsn in 0..10_000 {
        queue.push(event(lsn, 10));
        queue.put_state(1, key(&lsn.to_string()), state("s"));
    }
    let start = Instant::now();
    while due(&queue, start).is_some() {}
    assert!(queue.waiting.lock().chunks.capacity() <= IDLE_PLACES_MAX);
}
