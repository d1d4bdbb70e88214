//! What the tower is about, as pure state machines and formulas: no clock, no randomness, no I/O,
//! no actors, no async. Time is data that comes with the record.

pub mod demand;
pub mod inventory;
