//! The journal: the one ordered, durable record of everything that can change state.
//!
//! Segment files hold hash-chained, checksummed groups of records; each group is one write and one `fdatasync`. The
//! durable mark, in a file of its own, says up to where the journal was promised to be durable, so that a journal that
//! lost its end is told apart from one that was cut off in the middle of a write. `docs/journal.md` is the public
//! description of the format and of what is promised.
//!
//! Not responsible for: what records mean, duplicates, who may write, when a group is cut.

pub mod envelope;
mod fields;
