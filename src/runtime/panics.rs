//! What a panic means, by where it happens.
//!
//! In an entity's own code it is contained: the entity fails alone. Anywhere else on the threads that carry the journal's
//! order (writer, dispatcher, shards) an invariant is broken, and going on would mean a tower that answers and no longer
//! works: the process ends, and the next start folds the journal anew.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// Exit code when an invariant broke on a thread that the tower can't do without.
pub const EXIT_INVARIANT_BROKEN: i32 = 70;

thread_local! {
    static IS_CRITICAL: Cell<bool> = const { Cell::new(false) };
    static IS_CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// From now on a panic of the calling thread ends the process, unless it is contained.
pub fn mark_thread_critical() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            before(panic);
            if IS_CRITICAL.get() && !IS_CONTAINED.get() {
                tracing::error!(
                    "an invariant is broken on a thread that the tower can't do without: stopping"
                );
                std::process::exit(EXIT_INVARIANT_BROKEN);
            }
        }));
    });
    IS_CRITICAL.set(true);
}

/// Runs an entity's code; `Err` with what it said if it panicked.
pub fn contain<T>(code: impl FnOnce() -> T) -> Result<T, String> {
    let outside = IS_CONTAINED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(code));
    IS_CONTAINED.set(outside);
    outcome.map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "panic without a message".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contained_panic_is_told_and_goes_no_further() {
        mark_thread_critical();
        let told: Result<(), String> = contain(|| panic!("stock of {} is odd", "A"));
        assert_eq!(told, Err("stock of A is odd".to_owned()));
        assert_eq!(contain(|| 7), Ok(7));
    }
}
