//! The core events of the contract, typed. One struct per shape of `data`; unknown fields are not here: the
//! journal keeps the `data` as it was sent.

#[cfg(test)]
pub(crate) mod asked;
mod data;
mod fields;
pub mod json;
mod kind;
mod parse;
mod shapes;
#[cfg(test)]
mod tests;
mod units;

pub use data::*;
pub use fields::{FIELD_ERRORS_MAX, FieldError, TEXT_SCALARS_MAX};
pub use kind::{EventType, RESERVED_TYPES};
pub use parse::{DATA_DEPTH_MAX, KnownType, ParseError, parse, parse_data};
pub use units::{BaseSale, UnitError};
