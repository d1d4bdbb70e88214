//! Which threads go first on a busy machine.

use tracing::info;

/// How much less of the processor such a thread asks for (Linux: 1 to 19, by thread).
const GIVE_WAY_NICENESS: i32 = 5;
/// The same of what nobody waits for, but what has to come to its end on a busy machine too.
const IN_THE_BACKGROUND_NICENESS: i32 = 10;

/// Has the calling thread give way to the door and the writer: an acknowledgement should not wait for reconciling. What is
/// accepted and not applied is bounded by credits, so the threads behind can't fall back without end.
pub(super) fn give_way() {
    be_nice(GIVE_WAY_NICENESS);
}

/// Has the calling thread, and those that it starts, give way to all that stands between an event and its frame.
pub(super) fn work_in_the_background() {
    be_nice(IN_THE_BACKGROUND_NICENESS);
}

fn be_nice(niceness: i32) {
    if let Err(error) = rustix::process::nice(niceness) {
        info!(%error, "this system does not let threads give way; acknowledgements may wait longer under load");
    }
}
