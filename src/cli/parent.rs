//! A process that does not outlive the one that started it.

use rustix::process::{Signal, getppid, set_parent_process_death_signal};

/// Asks the system to tell this process to stop (`SIGTERM`) when the thread that started it ends, which it does at the
/// latest with its process, be that killed.
pub fn end_with_it() {
    let parent = getppid();
    if let Err(error) = set_parent_process_death_signal(Some(Signal::TERM)) {
        eprintln!("this process may outlive the one that started it: {error}");
    }
    // It may have ended before the system was asked.
    if getppid() != parent {
        std::process::exit(1);
    }
}
