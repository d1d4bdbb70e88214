//! The retailer that the load is about: its SKU-locations, how they are named, and what they have in stock.

use super::random::Random;

/// Most SKU-locations of a run: item numbers have six digits.
pub const KEYS_MAX: u32 = 50_000_000;
/// Stores; fewer if there are fewer SKU-locations.
const LOCATIONS_MAX: u32 = 100;

/// At first every sixth or seventh SKU-location is short or soon will be, so that both exceptions come and go under load:
/// of 10,000 that many have nothing at all …
const EMPTY_OF_10_000: u32 = 500;
/// … and that many have less than the demand of a lead time.
const THIN_OF_10_000: u32 = 1_000;
const THIN_STOCK_MAX: u32 = 30;
const STOCK_MIN: u32 = 100;
const STOCK_MAX: u32 = 400;

/// A grid of items and stores.
#[derive(Clone, Copy, Debug)]
pub struct World {
    keys: u32,
    locations: u32,
}

/// Numbers of an item and a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub sku: u32,
    pub location: u32,
}

impl World {
    /// A world of `keys` SKU-locations, from 1 to [`KEYS_MAX`].
    pub fn new(keys: u32) -> World {
        let keys = keys.clamp(1, KEYS_MAX);
        World { keys, locations: keys.min(LOCATIONS_MAX) }
    }

    pub fn keys(self) -> u32 {
        self.keys
    }

    pub fn locations(self) -> u32 {
        self.locations
    }

    pub fn skus(self) -> u32 {
        self.keys.div_ceil(self.locations)
    }

    /// The place of a key below [`World::keys`].
    pub fn place(self, key: u32) -> Place {
        Place { sku: key / self.locations, location: key % self.locations }
    }
}

/// Units in stock after a count.
pub fn counted_stock(random: &mut Random) -> u32 {
    let lot = random.below(10_000);
    if lot < EMPTY_OF_10_000 {
        0
    } else if lot < EMPTY_OF_10_000 + THIN_OF_10_000 {
        1 + random.below(THIN_STOCK_MAX)
    } else {
        STOCK_MIN + random.below(STOCK_MAX - STOCK_MIN)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_key_has_a_place_of_its_own() {
        for keys in [1, 7, 100, 101, 12_345] {
            let world = World::new(keys);
            let places: HashSet<Place> = (0..keys).map(|key| world.place(key)).collect();
            assert_eq!(places.len(), keys as usize);
            assert!(places.iter().all(|p| p.sku < world.skus() && p.location < world.locations()));
        }
    }

    #[test]
    fn a_known_share_is_short() {
        let mut random = Random::new(1, 0);
        let stocks: Vec<u32> = (0..100_000).map(|_| counted_stock(&mut random)).collect();
        let empty = stocks.iter().filter(|stock| **stock == 0).count();
        let thin = stocks.iter().filter(|stock| (1..=30).contains(*stock)).count();
        assert!((4_700..5_300).contains(&empty), "{empty}");
        assert!((9_600..10_400).contains(&thin), "{thin}");
        assert!(stocks.iter().all(|stock| *stock < 400));
    }
}
