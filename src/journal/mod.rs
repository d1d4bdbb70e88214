//! The journal: the one ordered, durable record of everything that can change state.
//!
//! Segment files hold hash-chained, checksummed groups of records; each group is one write and one `fdatasync`. The
//! durable mark, in a file of its own, says up to where the journal was promised to be durable, so that a journal that
//! lost its end is told apart from one that was cut off in the middle of a write. `docs/journal.md` is the public
//! description of the format and of what is promised.
//!
//! Not responsible for: what records mean, duplicates, who may write, when a group is cut.

pub mod envelope;

mod compressed;
mod compressor;
mod directory;
mod disk;
mod durable_mark;
mod error;
mod fields;
mod group;
mod inspect;
mod log;
mod position;
mod published;
mod reader;
mod recovery;
mod segment;
mod trim;
mod trim_mark;
mod trusted;

/// What [`published`] is made of: a test puts those of a model checker in their place.
mod sync {
    pub(super) use std::sync::atomic::{AtomicU64, Ordering};

    pub(super) use parking_lot::RwLock;
}

pub use compressed::COMPRESSED_FORMAT_VERSION;
pub use durable_mark::MARK_FORMAT_VERSION;
pub use error::{Damage, JournalError, Place};
pub use group::{
    GROUP_FORMAT_VERSION, GROUP_HEADER_LENGTH, GROUP_PAYLOAD_BYTES_MAX, GroupBuilder, GroupHash,
    RECORD_BYTES_MAX, RECORD_FRAME_LENGTH,
};
pub use inspect::{InspectLine, inspect};
pub use log::{Journal, JournalOptions, Recovered};
pub use position::{Misfit, Position};
pub use published::{CompressedBytes, SegmentStatistics};
pub use reader::{JournalReader, Records};
pub use recovery::{TornTail, VerifyReport, verify};
pub use segment::{SEGMENT_FORMAT_VERSION, SEGMENT_HEADER_LENGTH};
pub use trim::{Hold, OldestHold, Trimmed, Trimmer};
pub use trim_mark::TRIM_FORMAT_VERSION;

#[cfg(test)]
mod campaign_tests;
#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod sealing_tests;
#[cfg(test)]
pub(crate) mod simulated_disk;
#[cfg(test)]
mod trim_tests;
