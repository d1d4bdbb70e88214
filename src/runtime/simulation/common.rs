//! What the simulation takes from the whole-process tests: random histories, and the model of stock. None of it uses the
//! library.

#[path = "../../../tests/common/events.rs"]
#[allow(dead_code, reason = "each user takes its part")]
pub mod events;
#[path = "../../../tests/common/history.rs"]
#[allow(dead_code, reason = "each user takes its part")]
pub mod history;
#[path = "../../../tests/common/model.rs"]
#[allow(dead_code, reason = "each user takes its part")]
pub mod model;
#[path = "../../../tests/common/random.rs"]
#[allow(dead_code, reason = "each user takes its part")]
pub mod random;
