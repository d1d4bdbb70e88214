//! Which threads go first on a busy machine.

use tracing::info;

/// How much less of the processor such a thread asks for (Linux: 1 to 19, by thread).
const GIVE_WAY_NICENESS: i32 = 5;

/// Has the calling thread give way to the door and the writer: an acknowledgement should not wait for reconciling. What is
/// accepted and not applied is bounded by credits, so the threads behind can't fall back without end.
pub(super) fn give_way() {
    if let Err(error) = rustix::process::nice(GIVE_WAY_NICENESS) {
        info!(%error, "this system does not let threads give way; acknowledgements may wait longer under load");
    }
}
