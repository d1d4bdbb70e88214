//! Images: what the dispatcher's side holds, as of one record, in a form that a snapshot can keep.
//!
//! An image is *taken* on the dispatcher's thread between two batches, for the price of some thousand reference counts:
//! everything large stands in persistent maps or in [`Pieces`](super::pieces::Pieces) that are copied when they are
//! first touched afterwards. It is *written* elsewhere, as entries of [`Section`]s: opaque bytes of at most about 64 KiB,
//! to be read back in the order in which they were written.
//!
//! # What is stored, and what follows from it
//! - **Keys** of all entities in the order of their creation, each with its shard. Slots are handed out per shard in that
//!   order, so an entity's address follows from its place here; states of entities need not repeat their keys. Everywhere
//!   else an entity is named by its ordinal in this list. So an image can be restored over another number of shards: the
//!   new slots are those that a replay of the whole journal over that many shards would have given
//!   ([`AddressMap`] says which old slot is which new one), and [`rebuild`](super::rebuild) agrees with them.
//! - **Reference**, one value, cut into entries. What it leaves out (the operator's conditions, compiled) is made again
//!   when it is first asked for.
//! - **Fold**: bounds of the tables with what stands in each half (when they take turns decides what is forgotten, so it is
//!   kept exactly), document lines, actions, who is supplied by whom, the holding area, what sources sent that nobody has
//!   been told of, quarantine, the revisions that decide which transitions took effect. Records in there (waiting ones, the
//!   ends of documents) are stored whole: the journal may have been trimmed by then.
//! - Derived: the directory, SKU-locations by location, who waits for what.
//! - Names of documents, which only lists need, are read from the live index while the image is written: they may be
//!   newer than the image, never older. What is missing for that is added by the replay.
//! - **Summaries** and **idempotency keys** are taken after the states of all entities. A replay brings changes that they
//!   have already: an older change never takes the place of a newer one.
//! - **Duplicates**: see [`duplicates`].
//!
//! # How to use it
//! ```ignore
//! // Dispatcher, at S, between two batches.
//! Fold::image(&self) -> FoldImage;
//! // Snapshotter. Slots below these are to be captured, by shard.
//! FoldImage::next_slots(&self) -> &[u32];
//! FoldImage::write<E: From<ImageError>>(self, emit: &mut impl FnMut(Section, &[u8]) -> Result<(), E>) -> Result<(), E>;
//! // After the states of all entities were captured:
//! summaries::write<E: From<ImageError>>(&Exceptions, &Cases, &IdempotencyKeys, emit: &mut impl FnMut(Section, &[u8]) -> Result<(), E>)
//!     -> Result<(), E>;
//! // The duplicate window: feed the events of (S of the previous generation, S] in LSN order.
//! DuplicateRuns::resume(window: usize, DuplicateTail) -> DuplicateRuns;   // the tail is a serde value for the meta entry
//! DuplicateRuns::needs(&self, entry: &[u8]) -> bool;   // of an entry of the previous generation: copy it (first), or drop it
//! DuplicateRuns::take<E>(&mut self, &EventIdentity, Lsn, Timestamp, emit: &mut impl FnMut(Section, &[u8]) -> Result<(), E>)
//!     -> Result<(), E>;
//! DuplicateRuns::finish<E>(self, emit: …) -> Result<DuplicateTail, E>;
//! codec::event_identity(&[u8]) -> Result<Option<(EventIdentity, Lsn, Timestamp)>, CodecError>;   // without parsing bodies
//!
//! // Boot. `Source` gives the entries of a section in the order in which they were written.
//! trait Source: Sync { fn entries(&self, Section) -> EntryIterator<'_>; }   // boxed, of Result<Vec<u8>, ImageError>
//! Fold::restore(shards: u16, Arc<Directory>, Arc<RwLock<Quarantine>>, &impl Source) -> Result<(Fold, AddressMap), ImageError>;
//! AddressMap::get(&self, Address) -> Option<Address>;   // from where the state was captured to where it belongs now
//! AddressMap::key(&self, Address) -> Option<&Arc<EntityKey>>;   // of a captured address
//! Refill::restore(window: usize, entries) -> Result<Refill, ImageError>;   // of the duplicate window, on a thread of its own
//! Reading::of(&impl Source).help() -> Result<Option<Summaries>, ImageError>; // by any number of threads
//! Summaries::restore(self, &Exceptions, &Cases, &IdempotencyKeys);
//! encode(&impl Serialize) -> Result<Vec<u8>, ImageError>;  decode(&[u8]) -> Result<T, ImageError>;   // for states, too
//! ```

pub mod duplicates;
mod entries;
mod restore;
mod stored;
pub mod summaries;
#[cfg(test)]
mod tests;
mod write;

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::restore::AddressMap;
use super::directory::Directory;
use super::documents::{Document, DocumentIndex};
use super::feeds::Feeds;
use super::fold::{Fold, KnownAction, Supplied};
use super::generations::Generations;
use super::holding::Held;
use super::log::Log;
use super::pieces::Pieces;
use super::quarantine::Quarantine;
use super::revisions::Revisions;
use crate::domain::ids::{EntityKey, Name, TenantNumber};
use crate::domain::reference::Reference;
use crate::runtime::directory::Address;

/// Which part of an image an entry belongs to. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Section {
    Keys = 1,
    Reference = 2,
    Fold = 3,
    Summaries = 4,
    Duplicates = 5,
}

/// Entries as they are read, by whatever thread takes the next one.
pub type EntryIterator<'s> = Box<dyn Iterator<Item = Result<Vec<u8>, ImageError>> + Send + 's>;

/// Where the entries of an image are read.
pub trait Source: Sync {
    /// The entries of a section in the order in which they were written.
    fn entries(&self, section: Section) -> EntryIterator<'_>;
}

/// Why an image can't be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    #[error("it can't be written: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
    #[error("it can't be read: {0}")]
    Decode(#[from] rmp_serde::decode::Error),
    /// Its entries could not be had.
    #[error("{0}")]
    Source(String),
    #[error("it does not fit together: {0}")]
    Inconsistent(String),
}

/// Encodes a value as images are: MessagePack with the names of fields.
///
/// # Errors
/// [`ImageError::Encode`] if a value has a shape that MessagePack has not.
pub fn encode(value: &impl Serialize) -> Result<Vec<u8>, ImageError> {
    Ok(rmp_serde::to_vec_named(value)?)
}

/// Decodes what [`encode`] made.
///
/// # Errors
/// [`ImageError::Decode`]
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ImageError> {
    Ok(rmp_serde::from_slice(bytes)?)
}

/// A fold as of one record.
pub struct FoldImage {
    reference: Reference,
    directory: Arc<Directory>,
    next_slots: Vec<u32>,
    entities: Log<Arc<EntityKey>>,
    documents: Generations<u128, Document>,
    document_names: DocumentIndex,
    actions: Generations<(TenantNumber, Name), KnownAction>,
    supplied_by: Pieces<Address, Supplied>,
    held: Held,
    feeds: Feeds,
    revisions: Revisions,
    quarantine: Quarantine,
    entities_refused: u64,
}

impl Fold {
    /// The fold as it is now, between two records. Takes time for thousands of reference counts, not for what they count.
    pub fn image(&self) -> FoldImage {
        debug_assert!(self.released.is_empty(), "a record was taken to its end");
        FoldImage {
            reference: self.reference.clone(),
            directory: self.directory.clone(),
            next_slots: self.next_slot.clone(),
            entities: self.entities.clone(),
            documents: self.documents.table(),
            document_names: self.documents.reader(),
            actions: self.actions.clone(),
            supplied_by: self.supplied_by.clone(),
            held: self.holding.held().clone(),
            feeds: self.feeds.clone(),
            revisions: self.revisions.clone(),
            quarantine: self.quarantine.read().clone(),
            entities_refused: self.entities_refused,
        }
    }
}

impl FoldImage {
    /// By shard, how many slots there are.
    pub fn next_slots(&self) -> &[u32] {
        &self.next_slots
    }
}
