//! One SKU-location as a whole, by what it is told and what it shows.

mod demand;
mod documents;
mod exceptions;
mod lines;
mod planning;
mod properties;
mod size;
mod stock;
