//! What is known about the demand of one item at one place, from what was demanded there.
//!
//! Every model here is a few numbers, updated in constant time and never fitted again over history. A
//! *period* is the item's demand period; which instants belong to which period (local days, closed days)
//! is decided by the caller.

pub mod classification;
pub mod errors;
pub mod forecast;
pub mod smoothing;
