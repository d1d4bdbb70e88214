//! The core events of the contract, typed. One struct per shape of `data`; unknown fields are not here: the
//! journal keeps the `data` as it was sent.

mod data;
mod kind;

pub use data::*;
pub use kind::{EventType, RESERVED_TYPES};
