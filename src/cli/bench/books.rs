//! What is in stock at each SKU-location by everything that the load has told so far: what a retailer's own books say.

use std::sync::atomic::{AtomicI32, Ordering};

use super::random::Random;
use super::world::{World, counted_stock};

/// Of 10,000 counts that many find what the books say …
const RIGHT_OF_10_000: u32 = 8_000;
/// … that many up to [`NEARLY_UNITS`] more or less, and the rest anything: goods that were stolen, broken, put elsewhere
/// or never booked.
const NEARLY_OF_10_000: u32 = 1_500;
const NEARLY_UNITS: u32 = 3;

/// Units in stock by key. All connections of all loads against one tower share them.
#[derive(Debug)]
pub struct Books(Box<[AtomicI32]>);

impl Books {
    /// Nothing is anywhere.
    pub fn new(world: World) -> Books {
        Books((0..world.keys()).map(|_| AtomicI32::new(0)).collect())
    }

    /// Units at a key; negative if more went than had come.
    pub fn stock(&self, key: u32) -> i32 {
        self.0.get(key as usize).map_or(0, |stock| stock.load(Ordering::Relaxed))
    }

    /// Units came, or went if there are fewer than none.
    pub fn moved(&self, key: u32, units: i32) {
        if let Some(stock) = self.0.get(key as usize) {
            stock.fetch_add(units, Ordering::Relaxed);
        }
    }

    /// A count found so many.
    pub fn counted(&self, key: u32, units: u32) {
        if let Some(stock) = self.0.get(key as usize) {
            stock.store(i32::try_from(units).unwrap_or(i32::MAX), Ordering::Relaxed);
        }
    }

    /// Counts a key, at most `most` units.
    pub fn count(&self, key: u32, most: u32, random: &mut Random) -> u32 {
        let booked = u32::try_from(self.stock(key)).unwrap_or(0);
        let lot = random.below(10_000);
        let found = if lot < RIGHT_OF_10_000 {
            booked
        } else if lot < RIGHT_OF_10_000 + NEARLY_OF_10_000 {
            (booked + random.below(2 * NEARLY_UNITS + 1)).saturating_sub(NEARLY_UNITS)
        } else {
            counted_stock(random)
        };
        let found = found.min(most);
        self.counted(key, found);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_counts_of_five_find_what_is_in_the_books() {
        let books = Books::new(World::new(1));
        let mut random = Random::new(1, 0);
        let (mut right, mut nearly) = (0, 0);
        for _ in 0..100_000 {
            books.counted(0, 5_000);
            match books.count(0, 9_999, &mut random) {
                5_000 => right += 1,
                4_997..=5_003 => nearly += 1,
                0..=399 => {}
                other => panic!("{other}"),
            }
        }
        // One of seven that may differ a little does not.
        assert!((81_500..82_800).contains(&right), "{right}");
        assert!((12_400..13_400).contains(&nearly), "{nearly}");
    }

    #[test]
    fn a_count_is_what_the_books_say_from_then_on() {
        let books = Books::new(World::new(2));
        let mut random = Random::new(1, 0);
        for _ in 0..1_000 {
            books.moved(1, -7);
            let found = books.count(1, 30, &mut random);
            assert!(found <= 30);
            assert_eq!(books.stock(1), i64::from(found) as i32);
        }
        assert_eq!(books.stock(0), 0);
        books.moved(2, 1);
        assert_eq!(books.stock(2), 0, "no such key");
    }
}
