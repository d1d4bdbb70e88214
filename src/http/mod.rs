//! (being built)

pub mod cloudevents;
pub mod problem;
