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
enum Kind {
    SkuLocation,
    Supplier,
    Subject,
    ApprovalCase,
}

impl Kind {
    fn of(key: &EntityKey) -> Kind {
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
    let start = out.len();
    out.extend_from_slice(&[0; HEAD_LENGTH_BYTES]);
    rmp_serde::encode::write(out, &head)?;
    let length = (out.len() - start - HEAD_LENGTH_BYTES) as u32;
    out[start..start + HEAD_LENGTH_BYTES].copy_from_slice(&length.to_le_bytes());
    match captured.state {
        Some(state) => rmp_serde::encode::write(out, state),
        None => Ok(()),
    }
}

/// An entity out of a generation.
pub struct Restored {
    pub at: Lsn,
    pub is_dirty: bool,
    pub review_at: Option<Timestamp>,
    pub state: RestoredState,
}

/// The state of an entity out of a generation, by kind.
pub enum RestoredState {
    SkuLocation(Box<ShellImage<SkuLocation>>),
    Supplier(Box<ShellImage<Supplier>>),
    Subject(Box<ShellImage<Subject>>),
    ApprovalCase(Box<ShellImage<ApprovalCase>>),
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
        }
    }
}

/// Reads an entry back: the slot in which the entity stood, and the entity.
///
/// # Errors
/// If it is no entry that [`encode_entity`] wrote, or of a kind of entity that this version does not know.
pub fn decode_entity(entry: &[u8]) -> Result<(u32, Restored), SnapshotFailure> {
    let cut = || SnapshotFailure::Unreadable("an entity's entry is cut off".to_owned());
    let (length, rest) = entry.split_first_chunk::<HEAD_LENGTH_BYTES>().ok_or_else(cut)?;
    let length = u32::from_le_bytes(*length) as usize;
    let (head, state) = rest.split_at_checked(length).ok_or_else(cut)?;
    let head: Head = rmp_serde::from_slice(head).map_err(SnapshotFailure::unreadable("an entity's entry"))?;
    let state = match head.kind {
        Kind::SkuLocation => RestoredState::SkuLocation(decode_state(&head, state)?),
        Kind::Supplier => RestoredState::Supplier(decode_state(&head, state)?),
        Kind::Subject => RestoredState::Subject(decode_state(&head, state)?),
        Kind::ApprovalCase => RestoredState::ApprovalCase(decode_state(&head, state)?),
    };
    let review_at = head.review_at.map(Timestamp::from_micros);
    Ok((head.slot, Restored { at: head.at, is_dirty: head.is_dirty, review_at, state }))
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
