//! The journal: the one ordered, durable record of everything that can change state.
//!
//! Segment files hold hash-chained, checksummed groups of records; each group is one write and one `fdatasync`. The
//! durable mark, in a file of its own, says up to where the journal was promised to be durable, so that a journal that
//! lost its end is told apart from one that was cut off in the middle of a write. `docs/journal.md` is the public
//! description of the format and of what is promised.
//!
//! Not responsible for: what records mean, duplicates, who may write, when a group is cut.

pub mod envelope;

mod directory;
mod disk;
mod durable_mark;
mod error;
mod fields;
mod group;
mod inspect;
mod log;
mod reader;
mod recovery;
mod segment;

#[cfg(test)]
pub(crate) use disk::faults;
pub use durable_mark::{DurableMark, MARK_FORMAT_VERSION};
pub use error::{Damage, JournalError, Place};
pub use group::{
    GROUP_FORMAT_VERSION, GROUP_HEADER_LENGTH, GROUP_PAYLOAD_BYTES_MAX, GroupBuilder, GroupHash,
    RECORD_BYTES_MAX, RECORD_FRAME_LENGTH,
};
pub use inspect::{InspectLine, inspect};
pub use log::{Journal, JournalOptions, Recovered};
pub use reader::{JournalReader, Records};
pub use recovery::{TornTail, VerifyReport, verify};
pub use segment::{SEGMENT_FORMAT_VERSION, SEGMENT_HEADER_LENGTH};

#[cfg(test)]
mod crash_tests;
