//! Where the memory of a tower goes: what it tells of itself, and what follows from counts and sizes.

use serde::Serialize;

use super::exposition::Exposition;
use super::report::count;
use super::world::World;
use crate::domain::event::ItemDescribed;
use crate::domain::sku_location::SkuLocation;
use crate::runtime::SLOT_BYTES;
use crate::runtime::documents::Document;

/// When an entity is to be reviewed (8), its place among those that wait (4), and theirs (4).
const REVIEW_BYTES: f64 = 16.0;
/// The list of all entities in the order of their creation (8), and that of each location (8).
const LIST_BYTES: f64 = 16.0;
/// What is remembered of an event: half a hash of its key and content, its record, and a control byte of the table.
const WINDOW_ENTRY_BYTES: f64 = 33.0;
/// Tables of half a window.
const WINDOW_PARTS: f64 = 1_024.0;
/// A table doubles when it is that full.
const TABLE_LOAD_MAX: f64 = 7.0 / 8.0;
/// Between two doublings a table is that full on average.
const TABLE_LOAD: f64 = 0.72;
/// A document's hash, its entry, and a control byte; its name in the list (24) in nodes that are two thirds full.
const DOCUMENT_BYTES: f64 = (size_of::<(u128, Document)>() + 1) as f64 / TABLE_LOAD + 24.0 * 1.5;
/// Whose statement it is (80), what follows from the description (72), a node of the tree with the key and counts (104), and
/// what of names and path stands elsewhere (64).
const ITEM_BYTES: f64 = size_of::<ItemDescribed>() as f64 + 320.0;
/// A record with the exception or case that it shows, as large as they usually are.
const FEED_EVENT_BYTES: f64 = 1_500.0;

/// One part of a tower's memory.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Part {
    pub name: &'static str,
    /// How the figure comes about.
    pub formula: String,
    pub bytes: f64,
}

/// What the parts follow from.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Footing {
    pub resident_bytes: f64,
    /// Before the tower knew of anything.
    pub empty_bytes: f64,
    pub entities: f64,
    pub live: f64,
    pub packed: f64,
    pub stored: f64,
    pub packed_bytes: f64,
    pub directory_bytes: f64,
    /// Events whose ids are remembered now, and at most.
    pub window_events: f64,
    pub window_events_max: f64,
    pub document_lines: f64,
    pub items: f64,
    pub feed_events: f64,
    pub admitted_bytes: f64,
}

impl Footing {
    /// From what a tower shows; `None` if it does not show all of it.
    pub fn of(shown: &Exposition, world: World, resident_bytes: u64, empty_bytes: u64) -> Option<Footing> {
        Some(Footing {
            resident_bytes: resident_bytes as f64,
            empty_bytes: empty_bytes as f64,
            entities: shown.value("tidewatch_entities")?,
            live: shown.sum("tidewatch_entities_live")?,
            packed: shown.sum("tidewatch_entities_packed")?,
            stored: shown.sum("tidewatch_entities_stored")?,
            packed_bytes: shown.sum("tidewatch_entities_packed_bytes")?,
            directory_bytes: shown.value("tidewatch_directory_bytes")?,
            window_events: shown.value("tidewatch_duplicate_window_events")?,
            window_events_max: shown.value("tidewatch_duplicate_window_events_max")?,
            document_lines: shown.value("tidewatch_document_index_lines")?,
            items: f64::from(world.skus()),
            feed_events: shown.value("tidewatch_feed_ring_events")?,
            admitted_bytes: shown.value("tidewatch_admission_bytes")?,
        })
    }

    /// The parts, which add up to the resident memory.
    pub fn parts(&self) -> Vec<Part> {
        let each = |things: f64, name: &str, bytes: f64| {
            (things * bytes, format!("{} {name} × {bytes:.0}", count(things)))
        };
        let told = |bytes: f64, metric: &str| (bytes, format!("`{metric}`"));
        let named = [
            (
                "the program, before it knows of anything",
                (self.empty_bytes, "measured after its start".to_owned()),
            ),
            (
                "keys of entities, and the tables that find them",
                told(self.directory_bytes, "tidewatch_directory_bytes"),
            ),
            ("a slot for each entity on its shard", each(self.entities, "entities", SLOT_BYTES as f64)),
            ("when each entity is reviewed", each(self.entities, "entities", REVIEW_BYTES)),
            ("lists of entities: all of them, and by location", each(self.entities, "entities", LIST_BYTES)),
            (
                "states of live entities, without what they point to",
                each(self.live, "live", size_of::<SkuLocation>() as f64),
            ),
            ("states of packed entities", told(self.packed_bytes, "tidewatch_entities_packed_bytes")),
            ("described items", each(self.items, "items", ITEM_BYTES)),
            ("the window for duplicates", self.window()),
            ("the document index", each(self.document_lines, "lines", DOCUMENT_BYTES)),
            ("the feed's ring", each(self.feed_events, "events", FEED_EVENT_BYTES)),
            ("events on their way", told(self.admitted_bytes, "tidewatch_admission_bytes")),
        ];
        let mut parts: Vec<Part> =
            named.into_iter().map(|(name, (bytes, formula))| Part { name, formula, bytes }).collect();
        let known: f64 = parts.iter().map(|part| part.bytes).sum();
        let rest = self.resident_bytes - known;
        parts.push(Part {
            name: "the rest: actors, their mailboxes, what live states point to, exceptions, buffers, the allocator",
            formula: format!("the difference; {} for each live entity", count(rest / self.live.max(1.0))),
            bytes: rest,
        });
        parts
    }

    fn window(&self) -> (f64, String) {
        let bytes = window_bytes(self.window_events, self.window_events_max);
        (
            bytes,
            format!(
                "{} events × {WINDOW_ENTRY_BYTES}, tables filled up to {TABLE_LOAD_MAX}",
                count(self.window_events)
            ),
        )
    }
}

/// Two tables take turns: once one holds half of the window, the other one begins.
fn window_bytes(events: f64, events_max: f64) -> f64 {
    let half = events_max / 2.0;
    table_bytes(events.min(half)) + table_bytes((events - half).max(0.0))
}

/// Of one table, whose parts have a power of two of places each.
fn table_bytes(events: f64) -> f64 {
    if events <= 0.0 {
        return 0.0;
    }
    let places = (events / WINDOW_PARTS / TABLE_LOAD_MAX).log2().ceil().max(2.0).exp2();
    WINDOW_PARTS * places * WINDOW_ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footing() -> Footing {
        Footing {
            resident_bytes: 1_000_000_000.0,
            empty_bytes: 20_000_000.0,
            entities: 2_000_000.0,
            live: 100_000.0,
            packed: 200_000.0,
            stored: 1_700_000.0,
            packed_bytes: 64_000_000.0,
            directory_bytes: 270_000_000.0,
            window_events: 2_000_000.0,
            window_events_max: 4_000_000.0,
            document_lines: 10.0,
            items: 20_000.0,
            feed_events: 100.0,
            admitted_bytes: 0.0,
        }
    }

    fn bytes(parts: &[Part], name: &str) -> f64 {
        parts.iter().find(|part| part.name.contains(name)).map_or(f64::NAN, |part| part.bytes)
    }

    #[test]
    fn the_parts_are_all_there_is() {
        let parts = footing().parts();
        let sum: f64 = parts.iter().map(|part| part.bytes).sum();
        assert!((sum - 1_000_000_000.0).abs() < 1.0, "{sum}");
        assert_eq!(bytes(&parts, "a slot"), 2_000_000.0 * SLOT_BYTES as f64);
        assert_eq!(bytes(&parts, "reviewed"), 32_000_000.0);
        assert_eq!(bytes(&parts, "states of packed"), 64_000_000.0);
        let rest = &parts[parts.len() - 1];
        assert!(rest.bytes > 0.0 && rest.formula.contains("for each live entity"), "{rest:?}");
    }

    #[test]
    fn the_window_has_places_in_powers_of_two() {
        // 1,024 tables with 1,000 events each: 1,792 of 2,048 places may be taken, 896 of 1,024.
        assert_eq!(window_bytes(1_024_000.0, 4_000_000.0), 1_024.0 * 2_048.0 * 33.0);
        assert_eq!(window_bytes(900_000.0, 4_000_000.0), 1_024.0 * 1_024.0 * 33.0);
        assert_eq!(window_bytes(0.0, 4_000_000.0), 0.0);
        // Beyond half a window there are two of them.
        let half = window_bytes(2_000_000.0, 4_000_000.0);
        assert_eq!(window_bytes(4_000_000.0, 4_000_000.0), 2.0 * half);
    }

    #[test]
    fn a_tower_tells_what_it_holds() {
        let names = [
            "entities 7",
            "entities_live{shard=\"0\"} 2",
            "entities_live{shard=\"1\"} 1",
            "entities_packed{shard=\"0\"} 3",
            "entities_stored{shard=\"0\"} 1",
            "entities_packed_bytes{shard=\"0\"} 900",
            "directory_bytes 1000",
            "duplicate_window_events 5",
            "duplicate_window_events_max 50",
            "document_index_lines 0",
            "feed_ring_events 4",
            "admission_bytes 12",
        ];
        let text: String = names.iter().map(|name| format!("tidewatch_{name}\n")).collect();
        let of = |text: &str| Footing::of(&Exposition::new(text.to_owned()), World::new(250), 5_000, 1_000);
        let footing = of(&text).expect("all of it");
        assert_eq!((footing.live, footing.packed, footing.stored, footing.items), (3.0, 3.0, 1.0, 3.0));
        assert_eq!((footing.packed_bytes, footing.resident_bytes), (900.0, 5_000.0));
        assert_eq!(of(&text.replace("entities_stored", "entities_gone")), None);
    }
}
