//! Snapshots: what the whole tower holds, taken while it runs, so that a start need not replay the whole journal.
//!
//! A generation is *fuzzy*. It begins at a record, the start: the dispatcher's fold is of there. Entities are captured
//! after that, each with the record up to which its state stands, and the replay after a restart leaves out what a state
//! has. So nothing stops while a generation is taken: the shards ask a slice of entities at a time behind their other work
//! ([`capture`](super::shard)), and the [`Snapshotter`](snapshotter) writes what comes, on a thread of its own.
//!
//! Not responsible for: how generations lie on the disk (`crate::snapshot`), how the dispatcher's side is written
//! (`super::image`), what a restart does with them (`super::recovery`).

mod base;
mod entity;
mod load;
mod meta;
mod migration;
mod retention;
mod sections;
mod snapshotter;
mod take;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use actix::{Message, Recipient};
use crossbeam_channel::{Sender, TrySendError};
use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

pub use self::base::{BaseEntity, BaseError, RebuildBase};
pub use self::entity::{
    Captured, EntityImage, Entry, FailureImage, Kind, Location, PackedImage, Restored, RestoredState,
    encode_entity, encode_packed, pack, unpack, without_state,
};
pub use self::load::{Loaded, LoadedShard, Loading, PlacedEntity};
#[cfg(test)]
pub use self::meta::testing;
pub use self::meta::{KeptForRebuild, Meta};
#[cfg(test)]
pub use self::migration::testing::rewrite_as_older;
pub use self::retention::{Retention, TrimOptions};
pub use self::sections::entities_of;
pub use self::snapshotter::{Snapshotter, SnapshotterParts};
use super::clocks::Clocks;
use super::codec::CodecError;
use super::image::{FoldImage, ImageError};
use super::shard::Stopped;
use crate::domain::ids::{EntityKey, Lsn};
use crate::domain::time::Timestamp;
use crate::journal::JournalError;
use crate::snapshot::{BlockBuilder, Generation, SnapshotError};

/// Asked of the dispatcher: begin a generation between two batches.
pub struct CaptureRequest {
    pub serial: u64,
    /// Where the shards put what they capture.
    pub sink: Sender<FromShard>,
    pub begun: Sender<Begun>,
}

/// What the dispatcher holds at the start of a generation.
pub struct Begun {
    /// Everything up to here is in the image.
    pub start: Lsn,
    pub image: FoldImage,
    pub clocks: Clocks,
    /// The shards, to be told when the generation is published.
    pub shards: Vec<Recipient<Published>>,
}

/// A generation is published, and has the states that a shard captured for it.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Published {
    pub serial: u64,
    pub generation: Generation,
}

/// What a shard captured.
pub enum FromShard {
    Block {
        shard: u16,
        entries: BlockBuilder,
    },
    Done {
        shard: u16,
        entities: u64,
        /// The last record that anything in it may show.
        highest: Lsn,
        /// How many of them stand still, or are being rebuilt.
        standing_still: u64,
        stopped: Vec<(EntityKey, Stopped)>,
    },
    GivenUp {
        shard: u16,
        why: String,
    },
}

/// Why a generation was not made, or can't be read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFailure {
    #[error(transparent)]
    Store(#[from] SnapshotError),
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Record(#[from] CodecError),
    #[error("it can't be written: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
    #[error("{0}")]
    Unreadable(String),
    #[error("shard {shard} gave up: {why}")]
    GivenUp { shard: u16, why: String },
    #[error("there was no time left to finish it")]
    Late,
    #[error("invariant 27: it holds record {contained}, and only {durable} are durable")]
    AheadOfDisk { contained: Lsn, durable: Lsn },
    #[error("it shows other records than the journal has up to record {at}")]
    OtherRecords { at: Lsn },
    #[error("it is of version {found} of the rules, and this is version {ours}")]
    OtherVersion { found: u16, ours: u16 },
    #[error("the disk is full")]
    DiskFull,
    #[error(
        "{free} bytes are free on the disk, and one as large as the last, with what must be left, takes {needed}"
    )]
    NoRoom { free: u64, needed: u64 },
    #[error("the tower is stopping")]
    Ended,
}

impl SnapshotFailure {
    /// Whether a published generation with this is of no more use, now or later: nothing that passes by itself, and
    /// nothing that another version of the program could read.
    pub fn is_for_good(&self) -> bool {
        match self {
            SnapshotFailure::Store(error) => matches!(error, SnapshotError::Damaged { .. }),
            // Its files are as they were written, so reading it again gives the same.
            SnapshotFailure::Image(ImageError::Source(_)) => false,
            SnapshotFailure::Image(_) | SnapshotFailure::Unreadable(_) => true,
            SnapshotFailure::Journal(error) => matches!(error, JournalError::PositionMisfit { .. }),
            SnapshotFailure::OtherRecords { .. } => true,
            // It tells of records that are lost: whoever starts the tower must know of it.
            SnapshotFailure::AheadOfDisk { .. }
            | SnapshotFailure::Record(_)
            | SnapshotFailure::Encode(_)
            | SnapshotFailure::GivenUp { .. }
            | SnapshotFailure::Late
            | SnapshotFailure::OtherVersion { .. }
            | SnapshotFailure::DiskFull
            | SnapshotFailure::NoRoom { .. }
            | SnapshotFailure::Ended => false,
        }
    }

    /// Whether it is for want of room on the disk.
    pub fn is_for_want_of_room(&self) -> bool {
        matches!(
            self,
            SnapshotFailure::DiskFull
                | SnapshotFailure::NoRoom { .. }
                | SnapshotFailure::Store(SnapshotError::DiskFull { .. })
        )
    }

    /// For `map_err`: what could not be decoded.
    pub fn unreadable<E: std::fmt::Display>(what: &str) -> impl FnOnce(E) -> SnapshotFailure {
        move |error| SnapshotFailure::Unreadable(format!("{what} can't be read: {error}"))
    }
}

/// A published generation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GenerationInfo {
    pub number: u64,
    /// Its start: replay begins behind it.
    pub lsn: Lsn,
    pub entities: u64,
    pub bytes: u64,
    /// How long it took.
    pub seconds: f64,
    pub taken_at: Timestamp,
}

/// How snapshots stand.
#[derive(Clone, Debug, Default)]
pub struct SnapshotStatus {
    /// Newest first.
    pub generations: Vec<GenerationInfo>,
    /// Since the start.
    pub taken: u64,
    pub failures: u64,
    pub is_being_taken: bool,
    /// Bytes of the journal since the newest one began.
    pub journal_bytes_since: u64,
}

/// A handle to the thread that takes snapshots.
#[derive(Clone)]
pub struct Snapshots {
    requests: Sender<TakeRequest>,
    status: Arc<RwLock<SnapshotStatus>>,
    /// Somebody waits for the one under way.
    hurry: Arc<AtomicBool>,
}

struct TakeRequest {
    deadline: Instant,
    /// How many times as long as it works it rests.
    rests: u32,
    reply: oneshot::Sender<Result<GenerationInfo, TakeError>>,
}

/// Why a snapshot that was asked for was not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakeError {
    #[error("as many requests for a snapshot as may wait are waiting")]
    Busy,
    /// For want of room on the disk.
    #[error("{0}")]
    NoRoom(String),
    #[error("{0}")]
    Failed(String),
}

impl From<SnapshotFailure> for TakeError {
    fn from(failure: SnapshotFailure) -> TakeError {
        let why = failure.to_string();
        if failure.is_for_want_of_room() { TakeError::NoRoom(why) } else { TakeError::Failed(why) }
    }
}

/// How many times as long as it works the snapshotter rests.
const RESTS: u32 = 3;
/// Requests that wait for the snapshotter; one more is refused.
const REQUESTS_WAITING_MAX: usize = 16;

impl Snapshots {
    /// How they stand.
    pub fn status(&self) -> SnapshotStatus {
        self.status.read().clone()
    }

    /// Has a snapshot taken, and waits until it is published. If nothing was journaled since the newest one, that is
    /// the answer.
    ///
    /// # Errors
    /// [`TakeError`]; then the older ones are as they were.
    pub async fn take(&self, within: Duration) -> Result<GenerationInfo, TakeError> {
        self.take_with(within, RESTS).await
    }

    /// The same without regard for anything else that the tower does, nor by the one that is under way.
    pub async fn take_at_once(&self, within: Duration) -> Result<GenerationInfo, TakeError> {
        self.hurry.store(true, Ordering::Relaxed);
        self.take_with(within, 0).await
    }

    async fn take_with(&self, within: Duration, rests: u32) -> Result<GenerationInfo, TakeError> {
        let (reply, answer) = oneshot::channel();
        let request = TakeRequest { deadline: Instant::now() + within, rests, reply };
        self.requests.try_send(request).map_err(|error| match error {
            TrySendError::Full(_) => TakeError::Busy,
            TrySendError::Disconnected(_) => SnapshotFailure::Ended.into(),
        })?;
        // Another one may be under way, which has its own time.
        match tokio::time::timeout(within, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(SnapshotFailure::Ended.into()),
            Err(_) => Err(SnapshotFailure::Late.into()),
        }
    }
}
