//! Tidewatch: an actor-based, in-memory control tower for retail and distribution.
//!
//! `ARCHITECTURE.md` tells how the parts fit and follows one event through them.
//! Dependencies point inward: `domain` is pure and imports nothing else of this crate.

#![forbid(unsafe_code)]

pub mod auth;
pub mod cli;
pub mod config;
pub mod costing;
pub mod domain;
pub mod feed;
pub mod http;
pub mod journal;
pub mod outbox;
pub mod pacing;
pub mod runtime;
pub mod snapshot;
