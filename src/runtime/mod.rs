//! What makes the domain live: one journal writer, one dispatcher, a shard of actors per core.
//!
//! Not responsible for: what records mean (`domain`), how they stand on the disk (`journal`), who may send or see what
//! (`auth`, `http`).

pub mod admission;
pub mod ask;
mod boot;
mod clocks;
pub mod codec;
pub mod commands;
pub mod directory;
mod dispatcher;
pub mod documents;
pub mod duplicates;
#[cfg(test)]
mod failure_tests;
mod feeds;
#[cfg(test)]
mod feeds_tests;
pub mod fold;
mod fold_documents;
mod fold_places;
mod fold_room;
#[cfg(test)]
mod fold_tests;
mod generations;
mod holding;
mod hosted;
pub mod image;
mod log;
pub mod metrics;
mod niceness;
mod panics;
mod pieces;
pub mod progress;
pub mod quarantine;
pub mod rates;
mod rebuild;
mod recovery;
mod reviews;
mod revisions;
mod shard;
mod shell;
#[cfg(test)]
mod simulation;
pub mod snapshots;
pub mod summaries;
pub mod summary;
mod tower;
pub mod upcast;
pub mod what_if;
mod wiring;
mod writer;
#[cfg(test)]
mod writer_tests;

pub use duplicates::Reach;
pub use recovery::{Recovery, RecoveryPhase};
pub use revisions::NoOps;
pub use shard::{InspectSlot, SLOT_BYTES, StateKind};
pub use shell::{Hosted, Inspected};
pub use snapshots::TrimOptions;
pub use tower::{
    Phase, Running, StartError, TenantOptions, Tower, TowerOptions, pending_own, system_record, wall_clock,
};
pub use writer::{Committed, Outcome, Pending, Submission, Written};
