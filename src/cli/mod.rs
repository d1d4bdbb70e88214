//! The command line: one file per command.

pub mod backup;
pub mod bench;
pub mod client;
pub mod config;
pub mod demo;
pub mod export;
pub mod import;
pub mod inspect;
pub mod keys;
pub mod outbox;
pub mod pace;
mod parent;
pub mod progress;
pub mod replay;
pub mod sandbox;
pub mod serve;
mod settings;
pub mod verify;
pub mod watch;
pub mod why;
