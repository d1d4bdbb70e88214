//! The outbox: delivers approved actions to the systems of record.
//!
//! An attempt is journaled before the call and its result after it, so that a restart knows what may have arrived.
//! Every attempt of an action carries its id as `Idempotency-Key`: one action id per decision, delivered at least
//! once, never two decisions.
//!
//! Not responsible for: what an action is and what its outcome means to its case (`domain::approval_case`), matching the
//! document that comes back (the same), or who may retry and withdraw (`http`).

mod backoff;
mod breaker;
mod delivery;
mod flight;
mod retry_budget;
mod schedule;
mod service;
#[cfg(test)]
mod service_tests;
mod target;

pub use service::{Outbox, OutboxError};
pub use target::TargetError;
