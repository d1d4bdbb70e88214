//! What the whole-process tests share: a tower run as the real program, a plain HTTP client, a feed client and
//! builders for events. Nothing of the library is used here, so that what is checked is what the outside sees.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "every test program takes its part of this, and a failing test should panic"
)]

pub mod events;
pub mod feed;
pub mod formula;
pub mod history;
pub mod http;
pub mod model;
pub mod random;
pub mod receipt;
pub mod sandbox;
pub mod schema;
pub mod tower;

#[allow(unused_imports)]
pub use events::{Batch, at, event};
#[allow(unused_imports)]
pub use http::{Client, Response};
#[allow(unused_imports)]
pub use random::Random;
pub use tower::Tower;

use std::time::{Duration, Instant};

/// Asks again until the answer is there, for at most 20 seconds.
pub fn eventually<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < deadline, "gave up waiting: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A bound from the environment, for longer runs by hand.
pub fn count_from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// One check over a tower that others use too.
pub type Check = fn(&Tower);

/// Runs every check over one tower, so that few processes are needed and one failure hides no other.
pub fn run_checks(tower: &Tower, checks: &[(&str, Check)]) {
    let mut failed = Vec::new();
    for (name, check) in checks {
        let started = Instant::now();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(tower)));
        eprintln!(
            "check {name}: {} in {:?}",
            if outcome.is_ok() { "ok" } else { "FAILED" },
            started.elapsed()
        );
        if outcome.is_err() {
            failed.push(*name);
        }
    }
    assert!(failed.is_empty(), "failed: {failed:?}");
}

/// Names functions of `fn(&Tower)` for [`run_checks`].
#[macro_export]
macro_rules! checks {
    ($tower:expr, $($check:ident),+ $(,)?) => {
        $crate::common::run_checks(&$tower, &[$((stringify!($check), $check as fn(&$crate::common::Tower))),+])
    };
}
