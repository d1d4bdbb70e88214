//! What the tower is about, as pure state machines and formulas: no clock, no randomness, no I/O,
//! no actors, no async. Time is data that comes with the record.

pub mod approval_case;
pub mod command;
pub mod condition;
pub mod decimal;
pub mod demand;
pub mod entity;
pub mod event;
pub mod exception;
pub mod explain;
pub mod ids;
pub mod inventory;
pub mod line_shipments;
pub mod money;
pub mod plain;
pub mod quantity;
pub mod record;
pub mod reference;
pub mod settings;
pub mod sku_location;
pub mod subject;
pub mod supplier;
pub mod time;
pub mod working_time;
