//! What a generation says of itself.

use std::fs::File;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{GenerationInfo, SnapshotFailure};
use crate::domain::ids::Lsn;
use crate::domain::time::Timestamp;
use crate::journal::{GroupHash, JournalReader, Position};
use crate::runtime::clocks::Clocks;
use crate::runtime::codec::FOLD_VERSION;
use crate::runtime::image::duplicates::DuplicateTail;
use crate::snapshot::Generation;

/// The meta entry: MessagePack with field names, so that fields can be added.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meta {
    /// Of the rules that made the states.
    pub fold_version: u16,
    /// The program that wrote it: version and build.
    program: String,
    position: PositionImage,
    /// The last record of which anything in it may show an effect.
    pub highest: Lsn,
    /// The end of a group at or behind `highest`: a journal that has another one there is not the one that the states
    /// were made of. Absent in what was written before this was kept.
    #[serde(default)]
    witness: Option<PositionImage>,
    /// The summaries show everything that was applied up to here.
    pub summaries_at: Lsn,
    pub clocks: Clocks,
    /// Slots in use at the start, by shard.
    pub slots: Vec<u32>,
    pub entities: u64,
    pub duplicates: DuplicateTail,
    /// The one that was the newest before.
    #[serde(default)]
    pub previous: Option<GenerationInfo>,
    /// What is kept beside this one for the entities that stand still in it.
    #[serde(default)]
    pub kept_for_rebuild: KeptForRebuild,
    /// When it was begun, and how long it took until it could be published.
    taken_at_micros: i64,
    seconds: f64,
}

/// From what the entities that stand still can be made anew: each of them needs a state from before its failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeptForRebuild {
    /// From nothing but the whole journal, or not known. It must not be trimmed.
    #[default]
    Journal,
    /// From an older generation, in which nobody stood still, and the journal behind it.
    Generation(GenerationInfo),
    /// Nobody stands still: from the generation that says so.
    Nothing,
}

/// The place in the journal behind the start.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct PositionImage {
    identity: [u8; 16],
    lsn: u64,
    group_hash: [u8; 32],
    segment_first_lsn: u64,
    end_offset: u64,
}

impl PositionImage {
    fn of(position: &Position) -> PositionImage {
        let Position { identity, lsn, group_hash, segment_first_lsn, end_offset } = *position;
        PositionImage {
            identity: identity.into_bytes(),
            lsn,
            group_hash: group_hash.0,
            segment_first_lsn,
            end_offset,
        }
    }

    fn position(&self) -> Position {
        Position {
            identity: Uuid::from_bytes(self.identity),
            lsn: self.lsn,
            group_hash: GroupHash(self.group_hash),
            segment_first_lsn: self.segment_first_lsn,
            end_offset: self.end_offset,
        }
    }
}

/// Version and build of this program: the build is told by its file's hash. `None` if the file can't be read.
fn program() -> Option<&'static str> {
    static PROGRAM: LazyLock<Option<String>> = LazyLock::new(|| {
        let mut hasher = blake3::Hasher::new();
        let file = File::open(std::env::current_exe().ok()?).ok()?;
        hasher.update_reader(file).ok()?;
        Some(format!("{}+{}", env!("CARGO_PKG_VERSION"), hasher.finalize().to_hex()))
    });
    PROGRAM.as_deref()
}

/// What a meta entry is made of.
pub struct MetaParts {
    pub position: Position,
    pub highest: Lsn,
    /// The end of a durable group at or behind `highest`.
    pub witness: Position,
    pub summaries_at: Lsn,
    pub clocks: Clocks,
    pub slots: Vec<u32>,
    pub entities: u64,
    pub duplicates: DuplicateTail,
    pub previous: Option<GenerationInfo>,
    pub kept_for_rebuild: KeptForRebuild,
    pub taken_at: Timestamp,
    pub seconds: f64,
}

impl Meta {
    /// Of a generation that this program writes.
    pub fn new(parts: MetaParts) -> Meta {
        Meta {
            fold_version: FOLD_VERSION,
            program: program().unwrap_or(env!("CARGO_PKG_VERSION")).to_owned(),
            position: PositionImage::of(&parts.position),
            highest: parts.highest,
            witness: Some(PositionImage::of(&parts.witness)),
            summaries_at: parts.summaries_at,
            clocks: parts.clocks,
            slots: parts.slots,
            entities: parts.entities,
            duplicates: parts.duplicates,
            previous: parts.previous,
            kept_for_rebuild: parts.kept_for_rebuild,
            taken_at_micros: parts.taken_at.micros(),
            seconds: parts.seconds,
        }
    }

    /// Reads it back.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn of(generation: &Generation) -> Result<Meta, SnapshotFailure> {
        rmp_serde::from_slice(generation.meta()).map_err(SnapshotFailure::unreadable("the meta entry"))
    }

    /// As it is stored.
    ///
    /// # Errors
    /// If it can't be written, which none of its types allows for.
    pub fn encode(&self) -> Result<Vec<u8>, SnapshotFailure> {
        Ok(rmp_serde::to_vec_named(self)?)
    }

    /// Whether this very program wrote it, so that whoever had looked then would see nothing else now. Another build may.
    pub fn is_of_this_program(&self) -> bool {
        #[cfg(test)]
        if testing::is_another_build() {
            return false;
        }
        program() == Some(self.program.as_str())
    }

    /// Where it begins: replay begins behind that record.
    pub fn start(&self) -> Lsn {
        Lsn(self.position.lsn)
    }

    /// The place in the journal behind the start.
    pub fn position(&self) -> Position {
        self.position.position()
    }

    /// Whether the journal has the records that the states show, and not others in their places. It was opened from this
    /// meta entry's position. Reads the headers of a few groups.
    ///
    /// # Errors
    /// `AheadOfDisk` or `OtherRecords` if it has not; those of the journal if that can't be told.
    pub fn check_against(&self, journal: &JournalReader) -> Result<(), SnapshotFailure> {
        let durable = Lsn(journal.durable_lsn());
        let witness = self.witness.map(|witness| witness.position());
        let contained = self.highest.max(witness.map_or(Lsn::ZERO, |witness| Lsn(witness.lsn)));
        if contained > durable {
            return Err(SnapshotFailure::AheadOfDisk { contained, durable });
        }
        // The position itself was compared when the journal was opened.
        if let Some(witness) = witness.filter(|witness| Lsn(witness.lsn) > self.start()) {
            let found = journal.position_at(witness.lsn)?;
            if (found.lsn, found.group_hash) != (witness.lsn, witness.group_hash) {
                return Err(SnapshotFailure::OtherRecords { at: Lsn(witness.lsn) });
            }
        }
        Ok(())
    }

    /// What lists show of it.
    pub fn info(&self, generation: &Generation) -> GenerationInfo {
        GenerationInfo {
            number: generation.number(),
            lsn: self.start(),
            entities: self.entities,
            bytes: generation.bytes(),
            seconds: self.seconds,
            taken_at: Timestamp::from_micros(self.taken_at_micros),
        }
    }
}

/// What runs on a thread of a test may be taken for another build.
#[cfg(test)]
pub mod testing {
    use std::cell::Cell;

    use super::Meta;

    thread_local! {
        static IS_ANOTHER_BUILD: Cell<bool> = const { Cell::new(false) };
    }

    /// As long as this lives, this thread runs another build.
    pub struct AnotherBuild(());

    pub fn as_another_build() -> AnotherBuild {
        IS_ANOTHER_BUILD.set(true);
        AnotherBuild(())
    }

    impl Drop for AnotherBuild {
        fn drop(&mut self) {
            IS_ANOTHER_BUILD.set(false);
        }
    }

    pub(super) fn is_another_build() -> bool {
        IS_ANOTHER_BUILD.get()
    }

    /// As a program with another fold version would have written it.
    pub fn of_older_program(meta: Meta, fold_version: u16) -> Meta {
        Meta { fold_version, program: "older".to_owned(), ..meta }
    }
}
