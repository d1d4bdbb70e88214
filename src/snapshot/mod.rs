//! Snapshots: generations of state on the disk, so that a start need not replay the whole journal.
//!
//! A *generation* is a sled database in a directory of its own, `NUMBER` with 10 digits. It is written once, under the
//! name `NUMBER.new`; made durable by this module itself, since sled's `flush` is no power-loss guarantee; published by
//! a rename; and from then on only read. Its content are blocks of entries in sections: opaque bytes, compressed, each
//! verified against its hash whenever it is read. `docs/snapshots.md` is the public description of the format and of
//! what is promised.
//!
//! Not responsible for: what entries mean, when a generation is written, what it has to hold, what is read if it is
//! damaged. There is no lock either: the journal's lock covers the whole data directory, and within the process a
//! [`Store`] lets one generation be written at a time.
//!
//! sled is named in `database.rs` and nowhere else.

mod block;
mod contents;
mod database;
mod disk;
mod error;
mod generation;
mod manifest;
mod store;
mod writer;

pub use block::{BLOCK_BYTES_FULL, BLOCK_BYTES_MAX, Block, BlockBuilder};
pub use contents::{BLOCKS_IN_SECTION_MAX, GENERATION_FORMAT_VERSION, META_BYTES_MAX, SectionId};
pub use error::{Damage, Place, SnapshotError};
pub use generation::{Generation, Verified};
pub use store::Store;
pub use writer::GenerationWriter;

#[cfg(test)]
pub(crate) use disk::faults;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod fault_tests;
#[cfg(test)]
mod process_tests;
#[cfg(test)]
mod test_support;
