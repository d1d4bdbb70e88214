//! One entity as an entry of a block: what its shard knows of it, then its state.
//!
//! Four bytes say how long the first part is, so that whom an entry is about can be told without reading the state.
//!
//! Both parts are MessagePack with fields by their place, not by name: names are most of what there is to read, and a
//! start reads a million states. So a field may be added at the end of its type, with `#[serde(default)]`; anything else
//! needs a higher [`FOLD_VERSION`](crate::runtime::codec::FOLD_VERSION), and no field may be left out when it is written.

use serde::{Deserialize, Serialize};

use super::SnapshotFailure;
use crate::domain::approval_case::ApprovalCase;
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::sku_location::SkuLocation;
use crate::domain::subject::Subject;
use crate::domain::supplier::Supplier;
use crate::domain::time::Timestamp;
use crate::runtime::shell::{Hosted, ShellImage};

/// Where an entity's code failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureImage {
    pub poison: Lsn,
    pub failed_at: Lsn,
}

/// What a shell says of itself.
pub struct Captured<'a, E> {
    pub key: &'a EntityKey,
    /// Absent if it failed and the state before that is not known.
    pub state: Option<&'a E>,
    pub failure: Option<FailureImage>,
    /// It has no state, because that is being rebuilt: whoever restores it has it rebuilt anew.
    pub is_rebuilding: bool,
    /// Where it stopped being live.
    pub stopped_at: Option<Lsn>,
    /// Something waits for its next look.
    pub is_unsettled: bool,
}

impl<E> Captured<'_, E> {
    /// Whether it stands still, or is being rebuilt: another state than this has to be made for it to go on.
    pub fn stands_still(&self) -> bool {
        self.failure.is_some() || self.is_rebuilding
    }
}

/// An entity with what its shard knows of it.
pub struct EntityImage<'a, E> {
    pub slot: u32,
    /// The state has everything up to here.
    pub at: Lsn,
    pub is_dirty: bool,
    pub review_at: Option<Timestamp>,
    pub captured: Captured<'a, E>,
}

/// Which code an entity has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    SkuLocation,
    Supplier,
    Subject,
    ApprovalCase,
}

impl Kind {
    pub fn of(key: &EntityKey) -> Kind {
        match key {
            EntityKey::SkuLocation { .. } => Kind::SkuLocation,
            EntityKey::Supplier { .. } => Kind::Supplier,
            EntityKey::Subject { .. } => Kind::Subject,
            EntityKey::ApprovalCase { .. } => Kind::ApprovalCase,
        }
    }
}

/// The first part of an entry. Whose it is stands in the list of keys, at its shard and slot.
#[derive(Debug, Serialize, Deserialize)]
struct Head {
    slot: u32,
    kind: Kind,
    at: Lsn,
    is_dirty: bool,
    /// Microseconds since the Unix epoch.
    review_at: Option<i64>,
    failure: Option<FailureImage>,
    is_rebuilding: bool,
    stopped_at: Option<Lsn>,
}

const HEAD_LENGTH_BYTES: usize = 4;

/// Where an entity's entry stands in a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Of the generation: another start may have had another number of them.
    pub shard: u16,
    /// There.
    pub slot: u32,
    /// A block has at most 64 KiB of entries and one more, and an entry has several bytes.
    pub entry: u16,
    pub block: u32,
}

/// Appends an entity's entry.
///
/// # Errors
/// If a state can't be written, which none of its types allows for.
pub fn encode_entity<E: Serialize>(
    image: &EntityImage<'_, E>,
    out: &mut Vec<u8>,
) -> Result<(), rmp_serde::encode::Error> {
    let captured = &image.captured;
    let head = Head {
        slot: image.slot,
        kind: Kind::of(captured.key),
        at: image.at,
        is_dirty: image.is_dirty,
        review_at: image.review_at.map(Timestamp::micros),
        failure: captured.failure,
        is_rebuilding: captured.is_rebuilding,
        stopped_at: captured.stopped_at,
    };
    encode_head(&head, out)?;
    match captured.state {
        Some(state) => rmp_serde::encode::write(out, state),
        None => Ok(()),
    }
}

fn encode_head(head: &Head, out: &mut Vec<u8>) -> Result<(), rmp_serde::encode::Error> {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_LENGTH_BYTES]);
    rmp_serde::encode::write(out, head)?;
    let length = (out.len() - start - HEAD_LENGTH_BYTES) as u32;
    out[start..start + HEAD_LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// What a shard knows of an entity that has no actor, beside its state.
pub struct PackedImage<'a> {
    pub slot: u32,
    pub key: &'a EntityKey,
    pub at: Lsn,
    pub is_dirty: bool,
    pub review_at: Option<Timestamp>,
    /// As [`pack`] or an entry has it.
    pub state: &'a [u8],
}

/// Appends the entry of an entity whose state is written already.
///
/// # Errors
/// As for [`encode_entity`].
pub fn encode_packed(image: &PackedImage<'_>, out: &mut Vec<u8>) -> Result<(), rmp_serde::encode::Error> {
    let head = Head {
        slot: image.slot,
        kind: Kind::of(image.key),
        at: image.at,
        is_dirty: image.is_dirty,
        review_at: image.review_at.map(Timestamp::micros),
        failure: None,
        is_rebuilding: false,
        stopped_at: None,
    };
    encode_head(&head, out)?;
    out.extend_from_slice(image.state);
    Ok(())
}

/// A state as an entry has it.
///
/// # Errors
/// As for [`encode_entity`].
pub fn pack<E: Serialize>(state: &E) -> Result<Box<[u8]>, rmp_serde::encode::Error> {
    let mut bytes = Vec::with_capacity(PACKED_BYTES_EXPECTED);
    rmp_serde::encode::write(&mut bytes, state)?;
    Ok(bytes.into_boxed_slice())
}

/// Most states have fewer.
const PACKED_BYTES_EXPECTED: usize = 2_048;

/// An entity out of a generation.
pub struct Restored {
    pub at: Lsn,
    pub is_dirty: bool,
    pub review_at: Option<Timestamp>,
    pub state: RestoredState,
    /// Where its entry stands, if that is the same state.
    pub location: Option<Location>,
}

/// The state of an entity out of a generation.
pub enum RestoredState {
    SkuLocation(Box<ShellImage<SkuLocation>>),
    Supplier(Box<ShellImage<Supplier>>),
    Subject(Box<ShellImage<Subject>>),
    ApprovalCase(Box<ShellImage<ApprovalCase>>),
    /// As it is written.
    Packed(Box<[u8]>),
    /// Only where it stands.
    Stored,
}

impl RestoredState {
    /// Whether the entity stands still, or is being rebuilt.
    pub fn has_stopped(&self) -> bool {
        fn has_stopped<E>(image: &ShellImage<E>) -> bool {
            image.failure.is_some() || image.is_rebuilding
        }
        match self {
            RestoredState::SkuLocation(image) => has_stopped(image),
            RestoredState::Supplier(image) => has_stopped(image),
            RestoredState::Subject(image) => has_stopped(image),
            RestoredState::ApprovalCase(image) => has_stopped(image),
            RestoredState::Packed(_) | RestoredState::Stored => false,
        }
    }
}

/// An entry, read as far as its shard needs it.
pub struct Entry<'a> {
    head: Head,
    state: &'a [u8],
}

impl<'a> Entry<'a> {
    /// Reads the first part of an entry.
    ///
    /// # Errors
    /// If it is no entry that [`encode_entity`] wrote, or of a kind of entity that this version does not know.
    pub fn read(entry: &'a [u8]) -> Result<Entry<'a>, SnapshotFailure> {
        let cut = || SnapshotFailure::Unreadable("an entity's entry is cut off".to_owned());
        let (length, rest) = entry.split_first_chunk::<HEAD_LENGTH_BYTES>().ok_or_else(cut)?;
        let length = u32::from_le_bytes(*length) as usize;
        let (head, state) = rest.split_at_checked(length).ok_or_else(cut)?;
        let head = rmp_serde::from_slice(head).map_err(SnapshotFailure::unreadable("an entity's entry"))?;
        Ok(Entry { head, state })
    }

    pub fn kind(&self) -> Kind {
        self.head.kind
    }

    /// The slot in which the entity stood.
    pub fn slot(&self) -> u32 {
        self.head.slot
    }

    /// The state as it is written, of an entity that works: of any other there is more to know.
    pub fn packed(&self) -> Option<&'a [u8]> {
        let Head { failure, is_rebuilding, stopped_at, .. } = self.head;
        (failure.is_none() && !is_rebuilding && stopped_at.is_none() && !self.state.is_empty())
            .then_some(self.state)
    }

    /// The entity, with `state` in place of what is written.
    pub fn restored(&self, state: RestoredState, location: Option<Location>) -> Restored {
        let Head { at, is_dirty, review_at, .. } = self.head;
        Restored { at, is_dirty, review_at: review_at.map(Timestamp::from_micros), state, location }
    }

    /// The state, read.
    ///
    /// # Errors
    /// If it is not what [`encode_entity`] wrote.
    pub fn state(&self) -> Result<RestoredState, SnapshotFailure> {
        decode_any(&self.head, self.state)
    }
}

/// Reads a state that [`pack`] wrote, or that stands in the entry of an entity that works.
///
/// # Errors
/// If it is not that.
pub fn unpack(kind: Kind, state: &[u8]) -> Result<RestoredState, SnapshotFailure> {
    let head = Head {
        slot: 0,
        kind,
        at: Lsn::ZERO,
        is_dirty: false,
        review_at: None,
        failure: None,
        is_rebuilding: false,
        stopped_at: None,
    };
    decode_any(&head, state)
}

fn decode_any(head: &Head, state: &[u8]) -> Result<RestoredState, SnapshotFailure> {
    Ok(match head.kind {
        Kind::SkuLocation => RestoredState::SkuLocation(decode_state(head, state)?),
        Kind::Supplier => RestoredState::Supplier(decode_state(head, state)?),
        Kind::Subject => RestoredState::Subject(decode_state(head, state)?),
        Kind::ApprovalCase => RestoredState::ApprovalCase(decode_state(head, state)?),
    })
}

/// An entity of that kind without a state, to be rebuilt; it worked up to `at`.
pub fn without_state(kind: Kind, at: Lsn) -> RestoredState {
    fn image<E>(at: Lsn) -> Box<ShellImage<E>> {
        Box::new(ShellImage { entity: None, failure: None, is_rebuilding: true, stopped_at: Some(at) })
    }
    match kind {
        Kind::SkuLocation => RestoredState::SkuLocation(image(at)),
        Kind::Supplier => RestoredState::Supplier(image(at)),
        Kind::Subject => RestoredState::Subject(image(at)),
        Kind::ApprovalCase => RestoredState::ApprovalCase(image(at)),
    }
}

fn decode_state<E: Hosted>(head: &Head, state: &[u8]) -> Result<Box<ShellImage<E>>, SnapshotFailure> {
    let entity = match state {
        [] if head.failure.is_some() || head.is_rebuilding => None,
        state => Some(
            rmp_serde::from_slice::<E>(state).map_err(SnapshotFailure::unreadable("an entity's state"))?,
        ),
    };
    let Head { failure, is_rebuilding, stopped_at, .. } = *head;
    Ok(Box::new(ShellImage { entity, failure, is_rebuilding, stopped_at }))
}
