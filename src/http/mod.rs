//! The HTTP door: routes, credentials, problems, documents.
//!
//! Not responsible for: what events mean (`domain`), when they count (`journal`, `runtime`).

mod asyncapi;
pub mod caller;
pub mod cloudevents;
mod exceptions;
pub mod feed;
mod ingest;
pub mod inspect;
mod master_data;
mod openapi;
mod operations;
mod path;
pub mod problem;
mod quarantine;
mod query;
mod reference;
mod server;
mod sku_locations;
pub mod state;
mod suppliers;
pub mod visibility;

pub use server::{ServeError, Serving, serve};
