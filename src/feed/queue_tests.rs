use super::*;
use crate::domain::ids::{Name, TenantNumber};

const INTERVAL: Duration = Duration::from_millis(100);

fn queue(frames_max: usize, bytes_max: usize) -> SocketQueue {
    SocketQueue::new(QueueLimits { frames_max, bytes_max, state_interval: INTERVAL })
}

fn event(lsn: u64, bytes: usize) -> Frame {
    Frame { event: Some(Lsn(lsn)), head: Arc::from(""), tail: Arc::from("x".repeat(bytes)) }
}

fn key(supplier: &str) -> StateKey {
    StateKey::Entity(EntityKey::Supplier { tenant: TenantNumber(0), supplier: Name::from(supplier) })
}

/// What is due now: the message, or `None`.
fn due(queue: &SocketQueue, now: Instant) -> Option<String> {
    match queue.take_due(now) {
        Due::Now(Outgoing::Message(text, _)) => Some(text),
        Due::Now(Outgoing::Close(closing)) => panic!("closed: {closing:?}"),
        Due::At(_) => None,
    }
}

#[test]
fn frames_that_are_due_together_make_one_message() {
    let queue = queue(10, 1_000);
    assert_eq!(queue.push(Frame::own("1")), Pushed::Queued);
    assert_eq!(due(&queue, Instant::now()).as_deref(), Some("1"));
    for text in ["2", "3"] {
        queue.push(Frame::own(text));
    }
    queue.push(Frame { event: Some(Lsn(4)), head: Arc::from("{4"), tail: Arc::from("}") });
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
    assert_eq!(lengths, [40_000, 40_000, 40_000, 100_000]);
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
    queue.put_state(1, key("A"), Arc::from("a1"));
    assert_eq!(due(&queue, start), None, "its snapshot comes first");
    queue.open_states(1);
    queue.put_state(1, key("B"), Arc::from("b1"));
    queue.put_state(1, key("A"), Arc::from("a2"));
    assert_eq!(due(&queue, start).as_deref(), Some("[sa2,sb1]"));
    queue.put_state(1, key("A"), Arc::from("a3"));
    assert_eq!(due(&queue, start + INTERVAL / 2), None);
    queue.put_state(1, key("A"), Arc::from("a4"));
    queue.push(Frame::own("e"));
    assert_eq!(due(&queue, start + INTERVAL).as_deref(), Some("[e,sa4]"), "with the events of the moment");
    queue.put_state(1, key("A"), Arc::from("a5"));
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
        queue.put_state(1, key(supplier), Arc::from(supplier.repeat(MESSAGE_BYTES_MAX)));
    }
    assert!(due(&queue, start).is_some_and(|text| text.starts_with('A')));
    queue.push(Frame::own("event"));
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
    told.push(Frame::own("last"));
    told.close(closing());
    assert_eq!(told.push(Frame::own("late")), Pushed::Ended);
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
