//! The closed formulas of inventory control, over plain numbers.
//!
//! Everything here works on expectations and probabilities, so it is floating point; stock and money
//! themselves are integers elsewhere and are converted at this border. Quantities are in units, times in
//! days unless a name says otherwise. "F1" and the like in the documentation number the formulas of this
//! crate, so that one shown in an answer can be found here.
//!
//! Not here: what counts as stock, which orders are due, when a receipt arrives. The caller has decided
//! that before it comes with numbers.

pub mod normal;
pub mod order_quantity;
pub mod projection;
pub mod safety_stock;
pub mod stockout;
