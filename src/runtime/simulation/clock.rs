//! The wall clock of a simulation: it goes with tokio's virtual time, jumps when it is told to, and outlasts a life of
//! the tower.

use std::cell::Cell;

use tokio::time::Instant;

use crate::domain::time::Timestamp;

thread_local! {
    static WALL: Cell<Option<(Timestamp, Instant)>> = const { Cell::new(None) };
}

/// The time of this thread's simulation; `None` where there is none. Called within its runtime.
pub fn now() -> Option<Timestamp> {
    WALL.get().map(|(then, since)| then.plus(i64::try_from(since.elapsed().as_micros()).unwrap_or(i64::MAX)))
}

/// From now on this thread's wall clock shows `time`, and goes on from there.
pub fn set(time: Timestamp) {
    WALL.set(Some((time, Instant::now())));
}

/// Moves the clock, perhaps back.
pub fn jump(micros: i64) {
    if let Some(time) = now() {
        set(time.plus(micros));
    }
}

/// The simulation of this thread is over.
pub fn stop() {
    WALL.set(None);
}
