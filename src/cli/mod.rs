//! The command line: one file per command.

pub mod bench;
pub mod client;
pub mod demo;
pub mod export;
pub mod import;
pub mod inspect;
pub mod keys;
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
