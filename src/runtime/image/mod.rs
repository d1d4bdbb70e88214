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
//! // Dispatcher, at S, between two batches. `Clocks` is a small value that it folds live: `clocks.take(&record)`.
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
//! trait Source: Sync { fn entries(&self, Section) -> Box<dyn Iterator<Item = Result<Vec<u8>, ImageError>> + '_>; }
//! Fold::restore(shards: u16, Arc<Directory>, Arc<RwLock<Quarantine>>, &impl Source) -> Result<(Fold, AddressMap), ImageError>;
//! AddressMap::get(&self, Address) -> Option<Address>;   // from where the state was captured to where it belongs now
//! AddressMap::key(&self, Address) -> Option<&Arc<EntityKey>>;   // of a captured address
//! Duplicates::restore(window: usize, entries) -> Result<Duplicates, ImageError>;   // on a thread of its own
//! summaries::restore(&Exceptions, &Cases, &IdempotencyKeys, &impl Source) -> Result<(), ImageError>;
//! encode(&impl Serialize) -> Result<Vec<u8>, ImageError>;  decode(&[u8]) -> Result<T, ImageError>;   // for states, too
//! ```

pub mod duplicates;

/// Which part of an image an entry belongs to. The numbers are part of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Section {
    Keys = 1,
    Reference = 2,
    Fold = 3,
    Summaries = 4,
    Duplicates = 5,
}
