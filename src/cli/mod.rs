//! (being built)
pub mod client;
pub mod demo;
pub mod pace;
pub mod progress;
pub mod replay;
