//! What the journal's writer publishes to its readers, and how waiters are woken, in every interleaving that the memory
//! model allows.
//!
//! `src/journal/published.rs` is compiled here a second time, with loom's primitives. Nothing else of the journal or the
//! feed is shared without a lock: the feed's ring belongs to one thread at a time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use loom::sync::Arc;
use loom::thread;

use self::published::{Located, Published, SegmentIndex};
use self::sync::{AtomicU64, Ordering};

#[allow(dead_code, reason = "only what is published is looked at here")]
#[path = "../src/journal/published.rs"]
mod published;

mod segment {
    pub(super) const SEGMENT_HEADER_LENGTH: usize = 80;
}

mod sync {
    use std::ops::{Deref, DerefMut};

    pub(super) use loom::sync::atomic::{AtomicU64, Ordering};

    /// loom's lock, spoken to like the one that the journal uses.
    pub(super) struct RwLock<T>(loom::sync::RwLock<T>);

    impl<T> RwLock<T> {
        pub(super) fn new(value: T) -> Self {
            Self(loom::sync::RwLock::new(value))
        }

        pub(super) fn read(&self) -> impl Deref<Target = T> + '_ {
            self.0.read().unwrap()
        }

        pub(super) fn write(&self) -> impl DerefMut<Target = T> + '_ {
            self.0.write().unwrap()
        }
    }
}

/// A journal whose first record stands in its first segment, and a cell for each LSN that says whether its bytes are
/// there. The cells order nothing by themselves.
fn journal() -> Arc<(Published, [AtomicU64; 4])> {
    let cells: [AtomicU64; 4] = std::array::from_fn(|lsn| AtomicU64::new(u64::from(lsn == 1)));
    Arc::new((Published::new(1, vec![SegmentIndex::new(1, None)]), cells))
}

fn assert_readable((published, cells): &(Published, [AtomicU64; 4])) {
    let durable_lsn = published.durable_lsn();
    for lsn in 1..=durable_lsn {
        assert_eq!(
            cells[lsn as usize].load(Ordering::Relaxed),
            1,
            "LSN {lsn} of {durable_lsn} has its bytes"
        );
    }
}

#[test]
fn whoever_sees_the_durable_lsn_sees_the_bytes_and_the_segment_of_every_record_up_to_it() {
    loom::model(|| {
        let journal = journal();
        let writer = thread::spawn({
            let journal = Arc::clone(&journal);
            move || {
                let (published, cells) = &*journal;
                cells[2].store(1, Ordering::Relaxed);
                // Far enough behind to get an index entry.
                published.publish(2, 2 << 20, 2);
                published.begin_segment(3);
                cells[3].store(1, Ordering::Relaxed);
                published.publish(3, 80, 3);
            }
        });
        assert_readable(&journal);
        let (published, _) = &*journal;
        let durable_lsn = published.durable_lsn();
        let expected = match durable_lsn {
            1 => Located::At(1, 80),
            2 => Located::At(1, 2 << 20),
            _ => Located::At(3, 80),
        };
        match published.locate(durable_lsn) {
            located if located == expected => {}
            other => panic!("LSN {durable_lsn} is located at {other:?}"),
        }
        writer.join().unwrap();
        assert_readable(&journal);
    });
}

#[test]
fn a_durable_lsn_never_goes_back_for_anyone() {
    loom::model(|| {
        let journal = journal();
        let writer = thread::spawn({
            let journal = Arc::clone(&journal);
            move || {
                journal.0.publish(2, 100, 2);
                journal.0.publish(3, 200, 3);
            }
        });
        let first = journal.0.durable_lsn();
        let second = journal.0.durable_lsn();
        assert!(first <= second);
        writer.join().unwrap();
        assert_eq!(journal.0.durable_lsn(), 3);
    });
}

#[test]
fn a_reader_beside_trimming_and_compressing_finds_a_record_or_that_it_is_gone() {
    loom::model(|| {
        let segments = [1, 5, 9].map(|first_lsn| SegmentIndex::unseen(first_lsn, None)).to_vec();
        let published = Arc::new(Published::new(12, segments));
        let caretaker = thread::spawn({
            let published = Arc::clone(&published);
            move || {
                let bytes = published::CompressedBytes { before: 10, after: 2 };
                published.note_compressed(5, bytes);
                published.forget_segments_before(5);
            }
        });
        match published.locate(2) {
            Located::Unseen(1) | Located::Trimmed(5) => published.note_seen(SegmentIndex::new(1, None)),
            other => panic!("{other:?}"),
        }
        assert!(matches!(published.locate(6), Located::Unseen(5)));
        published.note_seen(SegmentIndex::new(5, None));
        caretaker.join().unwrap();
        assert_eq!(published.locate(6), Located::At(5, 80));
        assert_eq!(published.locate(2), Located::Trimmed(5));
        assert_eq!(published.statistics().compressed_segments, 1);
    });
}

/// The protocol of waiting for progress, with `tokio::sync::Notify` as its documentation has it: a waiter that is
/// registered before `notify_waiters` is woken by it.
mod progress {
    use loom::sync::Mutex;

    use super::sync::{AtomicU64, Ordering};

    #[derive(Default)]
    struct Waiters {
        registered: bool,
        woken: bool,
    }

    pub(super) struct Progress {
        applied: AtomicU64,
        waiters: Mutex<Waiters>,
    }

    impl Progress {
        pub(super) fn new() -> Self {
            Self { applied: AtomicU64::new(0), waiters: Mutex::default() }
        }

        pub(super) fn publish(&self, lsn: u64) {
            self.applied.store(lsn, Ordering::Release);
            let mut waiters = self.waiters.lock().unwrap();
            waiters.woken |= waiters.registered;
        }

        /// Registers, looks, and would sleep: gives whether the condition was seen.
        pub(super) fn register_and_look(&self, lsn: u64) -> bool {
            self.waiters.lock().unwrap().registered = true;
            self.applied.load(Ordering::Acquire) >= lsn
        }

        pub(super) fn is_woken(&self) -> bool {
            self.waiters.lock().unwrap().woken
        }
    }
}

#[test]
fn who_registers_before_looking_sees_the_change_or_is_woken() {
    loom::model(|| {
        let progress = Arc::new(progress::Progress::new());
        let publisher = thread::spawn({
            let progress = Arc::clone(&progress);
            move || progress.publish(7)
        });
        let seen = progress.register_and_look(7);
        publisher.join().unwrap();
        assert!(seen || progress.is_woken(), "nobody wakes the waiter");
    });
}
