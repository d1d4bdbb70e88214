//! The HTTP door: routes, credentials, problems, documents.
//!
//! Not responsible for: what events mean (`domain`), when they count (`journal`, `runtime`).

mod actions;
mod asyncapi;
mod bulk;
pub mod caller;
mod case_commands;
mod case_options;
mod cases;
pub mod cloudevents;
mod command;
mod command_body;
mod console;
mod customers;
mod documents;
mod exception_commands;
mod exceptions;
pub mod feed;
mod ingest;
pub mod inspect;
mod master_data;
mod openapi;
mod operations;
mod orders;
mod outbox;
mod path;
pub mod problem;
mod promotions;
mod purchase_orders;
mod quarantine;
mod query;
mod read;
mod reference;
pub mod scoped;
mod server;
mod sku_locations;
mod snapshots;
pub mod state;
mod statistics;
mod suppliers;
mod transfers;
pub mod visibility;
mod why;
mod wire;

pub use server::{ServeError, Serving, serve};
