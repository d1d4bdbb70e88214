//! CloudEvents 1.0 over HTTP: from a request's headers and body to parsed events.
//!
//! The steps are the caller's to join: [`content_mode`] says what the body is; [`split_batch`] or [`LineSplitter`]
//! cuts it into events, [`structured_from_binary`] makes one of headers and body; [`parse_event`] reads each.
//! Not here: credentials, sizes of whole requests, the clock, duplicates.

mod binary;
mod canonical;
mod event;
mod mode;
mod split;

pub use binary::structured_from_binary;
pub use event::{Limits, ParsedEvent, Rejection, is_too_far_ahead, parse_event};
pub use mode::{Mode, content_mode, starts_array};
pub use split::{BrokenArray, LineSplitter, LineTooLong, split_batch};
