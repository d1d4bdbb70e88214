//! How exact values stand in a stored state: as the integers they are.
//!
//! On the wire a quantity is a decimal of bounded size; sums in a state may exceed that bound, and a state is read
//! far more often than people look at it.

use serde::{Deserialize, Serialize};

use crate::domain::time::Timestamp;

/// `#[serde(with)]` for a [`Quantity`](crate::domain::quantity::Quantity): thousandths.
pub mod quantity {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::quantity::Quantity;

    pub fn serialize<S: Serializer>(quantity: &Quantity, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(quantity.milli())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Quantity, D::Error> {
        i64::deserialize(deserializer).map(Quantity::from_milli)
    }
}

/// `#[serde(with)]` for a [`Timestamp`]: microseconds.
pub mod timestamp {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::domain::time::Timestamp;

    pub fn serialize<S: Serializer>(timestamp: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(timestamp.micros())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_micros)
    }
}

/// A moment or none, in eight bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MaybeTime(i64);

impl MaybeTime {
    /// No moment; before every moment.
    pub const NONE: MaybeTime = MaybeTime(i64::MIN);

    pub fn get(self) -> Option<Timestamp> {
        (self.0 != i64::MIN).then(|| Timestamp::from_micros(self.0))
    }
}

impl Default for MaybeTime {
    fn default() -> MaybeTime {
        MaybeTime::NONE
    }
}

impl From<Timestamp> for MaybeTime {
    fn from(time: Timestamp) -> MaybeTime {
        MaybeTime(time.micros())
    }
}

impl From<Option<Timestamp>> for MaybeTime {
    fn from(time: Option<Timestamp>) -> MaybeTime {
        time.map_or(MaybeTime::NONE, MaybeTime::from)
    }
}
