//! One SKU-location as a whole, by what it is told and what it shows.

mod causes;
mod custom_kinds;
mod demand;
mod demand_kinds;
mod documents;
mod exceptions;
mod kinds;
mod lines;
mod planning;
mod properties;
mod size;
mod stock;
mod wobble;
