//! The duplicate window: which events were taken, by `(tenant, source, id)`, decided in journal order. An event that is
//! tried again out of quarantine is known by its entry, too.
//!
//! Two tables take turns: when half a window of places is taken in the newer one, the older one is forgotten. So between
//! half and all of `window` events are remembered, a look-up costs at most two probes, and forgetting costs nothing. Every
//! event takes one place and one that is tried again two, whatever is known of them, and what a table holds depends on
//! nothing but the events of its time: so the window can be made anew from the events of its two tables and the count of
//! those before.

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;
use hashbrown::hash_map::Entry;

use super::codec::EventIdentity;
use crate::domain::ids::Lsn;
use crate::domain::time::Timestamp;

/// What is known of an event id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// Never taken, or too long ago to be remembered.
    New,
    /// Taken with the same content, as that record.
    Repeat(Lsn),
    /// Taken with other content, as that record.
    Reused(Lsn),
}

#[derive(Clone, Copy)]
struct Taken {
    /// Half of the content hash: among events of one id, 64 bits tell contents apart.
    content: u64,
    /// The record, and [`AGAIN`] if it is one that was tried again and stands for its id only where nothing earlier does.
    claim: u64,
}

/// Beside a number of a record, which is always below 2^53.
const AGAIN: u64 = 1 << 63;

impl Taken {
    fn is_again(self) -> bool {
        self.claim & AGAIN != 0
    }

    fn lsn(self) -> Lsn {
        Lsn(self.claim & !AGAIN)
    }
}

/// Keys are parts of a cryptographic hash already.
#[derive(Default)]
struct KeyIsHash(u64);

impl Hasher for KeyIsHash {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }
    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }
}

type Part = HashMap<u128, Taken, BuildHasherDefault<KeyIsHash>>;

/// Takes a place for a key. One that was tried again takes none where something is. Whether there was nothing.
fn place(part: &mut Part, key: u128, taken: Taken) -> bool {
    match part.entry(key) {
        Entry::Vacant(vacant) => {
            vacant.insert(taken);
            true
        }
        Entry::Occupied(mut occupied) => {
            if !taken.is_again() {
                occupied.insert(taken);
            }
            false
        }
    }
}

/// One half of the window. A single map of millions of events stops the writer for half a second whenever it doubles; of
/// so many small ones each doubles by itself. They are meant to be unequal, the last one twice as full as the first one, so
/// that their times to double lie evenly between one doubling of all and the next.
struct Table {
    parts: Vec<Part>,
    len: usize,
    /// While it is made anew, what each part is going to have, in order: a part at a time is filled within the processor's
    /// caches, and millions of events one after the other are not. Empty otherwise.
    gathered: Vec<Gathered>,
}

const PARTS: usize = 1_024;

/// In pieces of equal size: lists that grow would leave twice as much memory behind as what they hold.
type Gathered = Vec<Vec<(u128, Taken)>>;

const GATHERED_PIECE: usize = 128;

impl Default for Table {
    fn default() -> Table {
        Table { parts: (0..PARTS).map(|_| HashMap::default()).collect(), len: 0, gathered: Vec::new() }
    }
}

impl Table {
    /// A map places by the lower half of a key, so the part comes from the upper one.
    fn part(key: u128) -> usize {
        let place = ((key >> 75) as f64) / (1u64 << 53) as f64;
        (((1.0 + place).log2() * PARTS as f64) as usize).min(PARTS - 1)
    }

    fn get(&self, key: u128) -> Option<&Taken> {
        self.parts[Table::part(key)].get(&key)
    }

    /// From now on only notes what is inserted, until it settles. Nothing may be looked up meanwhile.
    fn gather(&mut self) {
        self.gathered = (0..PARTS).map(|_| Vec::new()).collect();
    }

    /// Whether it gathered, and has settled now.
    fn settle(&mut self) -> bool {
        let gathered = std::mem::take(&mut self.gathered);
        let has_gathered = !gathered.is_empty();
        for (part, gathered) in self.parts.iter_mut().zip(gathered) {
            part.reserve(gathered.iter().map(Vec::len).sum());
            for (key, taken) in gathered.into_iter().flatten() {
                self.len += usize::from(place(part, key, taken));
            }
        }
        has_gathered
    }

    fn insert(&mut self, key: u128, taken: Taken) {
        let part = Table::part(key);
        if let Some(gathered) = self.gathered.get_mut(part) {
            match gathered.last_mut() {
                Some(last) if last.len() < GATHERED_PIECE => last.push((key, taken)),
                _ => {
                    let mut piece = Vec::with_capacity(GATHERED_PIECE);
                    piece.push((key, taken));
                    gathered.push(piece);
                }
            }
            return;
        }
        self.len += usize::from(place(&mut self.parts[part], key, taken));
    }

    fn remove(&mut self, key: u128) {
        self.len -= usize::from(self.parts[Table::part(key)].remove(&key).is_some());
    }

    fn clear(&mut self) {
        self.parts.iter_mut().for_each(HashMap::clear);
        self.len = 0;
    }
}

/// The window of one journal.
pub struct Duplicates {
    half: usize,
    newer: Table,
    /// Places taken in the newer table.
    newer_places: usize,
    older: Table,
    newer_since: Option<(Lsn, Timestamp)>,
    older_since: Option<(Lsn, Timestamp)>,
}

/// How far back the window reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Events remembered now, and at most.
    pub events: usize,
    pub events_max: usize,
    /// Every event from this record on is remembered; `None` when nothing is.
    pub since: Option<(Lsn, Timestamp)>,
}

/// A window that is made anew from events in the order of the journal. Nothing can be looked up in it before it settles.
pub struct Refill(Duplicates);

impl Refill {
    /// Of a window that has seen nothing.
    pub fn new(window: usize) -> Refill {
        Refill::resume(window, 0)
    }

    /// The window as it is when so many places have been taken, without what took them.
    pub(super) fn resume(window: usize, places: u64) -> Refill {
        let mut window = Duplicates::new(window);
        let half = window.half as u64;
        window.newer_places = places.checked_sub(1).map_or(0, |before| before % half + 1) as usize;
        window.newer.gather();
        Refill(window)
    }

    /// Remembers the next event, which was written as `lsn`.
    pub fn remember(&mut self, identity: &EventIdentity, lsn: Lsn, ingested: Timestamp) {
        self.0.reserve(identity, lsn, ingested);
    }

    /// Everything that it is made of has come.
    pub fn settle(mut self) -> Duplicates {
        self.0.newer.settle();
        self.0
    }
}

impl Duplicates {
    /// Remembers at least half of `window` events and at most all of it.
    pub fn new(window: usize) -> Duplicates {
        Duplicates {
            half: (window / 2).max(1),
            newer: Table::default(),
            newer_places: 0,
            older: Table::default(),
            newer_since: None,
            older_since: None,
        }
    }

    /// What is known of this event.
    pub fn look_up(&self, identity: &EventIdentity) -> Seen {
        let known = match identity.retry {
            None => self.find(identity.key),
            Some(retry) if retry.keeps_id => self.find(retry.entry_key),
            Some(retry) => self.find(retry.entry_key).or_else(|| self.find(identity.key)),
        };
        match known {
            None => Seen::New,
            Some(taken) if taken.content == content_word(&identity.content_hash) => Seen::Repeat(taken.lsn()),
            Some(taken) => Seen::Reused(taken.lsn()),
        }
    }

    /// Remembers an event that is about to be written as `lsn`. An id that stands for an earlier event keeps doing so.
    pub fn reserve(&mut self, identity: &EventIdentity, lsn: Lsn, ingested: Timestamp) {
        let taken = Taken { content: content_word(&identity.content_hash), claim: lsn.0 };
        let Some(retry) = identity.retry else {
            self.take_place(lsn, ingested);
            self.newer.insert(identity.key, taken);
            return;
        };
        self.take_place(lsn, ingested);
        self.newer.insert(retry.entry_key, taken);
        self.take_place(lsn, ingested);
        self.newer.insert(identity.key, Taken { claim: lsn.0 | AGAIN, ..taken });
    }

    fn find(&self, key: u128) -> Option<&Taken> {
        match self.newer.get(key) {
            Some(taken) if taken.is_again() => self.older.get(key).or(Some(taken)),
            Some(taken) => Some(taken),
            None => self.older.get(key),
        }
    }

    fn take_place(&mut self, lsn: Lsn, ingested: Timestamp) {
        if self.newer_places >= self.half {
            // The emptied table keeps its memory: from here on the window no longer allocates.
            let gathers = self.newer.settle();
            std::mem::swap(&mut self.newer, &mut self.older);
            self.newer.clear();
            if gathers {
                self.newer.gather();
            }
            self.newer_places = 0;
            self.older_since = self.newer_since.take();
        }
        self.newer_places += 1;
        self.newer_since.get_or_insert((lsn, ingested));
    }

    /// Forgets an event that was not written as `lsn` after all.
    pub fn release(&mut self, identity: &EventIdentity, lsn: Lsn) {
        for key in [Some(identity.key), identity.retry.map(|retry| retry.entry_key)].into_iter().flatten() {
            if self.newer.get(key).is_some_and(|taken| taken.lsn() == lsn) {
                self.newer.remove(key);
                self.newer_places = self.newer_places.saturating_sub(1);
            }
            if self.older.get(key).is_some_and(|taken| taken.lsn() == lsn) {
                self.older.remove(key);
            }
        }
    }

    /// How far the window reaches.
    pub fn reach(&self) -> Reach {
        Reach {
            events: self.newer.len + self.older.len,
            events_max: self.half * 2,
            since: self.older_since.or(self.newer_since),
        }
    }
}

/// How many places an event takes.
pub(super) fn places_of(identity: &EventIdentity) -> u64 {
    if identity.retry.is_some() { 2 } else { 1 }
}

pub(super) fn content_word(hash: &[u8; 16]) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&hash[..8]);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::super::codec::RetryIdentity;
    use super::*;

    fn key(n: u64) -> u128 {
        u128::from_le_bytes(blake3::hash(&n.to_le_bytes()).as_bytes()[..16].try_into().unwrap())
    }

    fn event(id: u64, content: u8) -> EventIdentity {
        EventIdentity { key: key(id), content_hash: [content; 16], retry: None }
    }

    fn retry(entry: u64, keeps_id: bool, id: u64, content: u8) -> EventIdentity {
        let retry = RetryIdentity { entry_key: key(1_000_000 + entry), keeps_id };
        EventIdentity { retry: Some(retry), ..event(id, content) }
    }

    #[test]
    fn a_repeat_and_a_reused_id_are_told_apart() {
        let mut window = Duplicates::new(10);
        assert_eq!(window.look_up(&event(1, 1)), Seen::New);
        window.reserve(&event(1, 1), Lsn(7), Timestamp::default());
        assert_eq!(window.look_up(&event(1, 1)), Seen::Repeat(Lsn(7)));
        assert_eq!(window.look_up(&event(1, 2)), Seen::Reused(Lsn(7)));
        window.release(&event(1, 1), Lsn(8));
        assert_eq!(window.look_up(&event(1, 1)), Seen::Repeat(Lsn(7)), "another record was given up");
        window.release(&event(1, 1), Lsn(7));
        assert_eq!(window.look_up(&event(1, 1)), Seen::New);
    }

    #[test]
    fn an_entry_is_tried_again_once_whatever_it_is_edited_to() {
        let mut window = Duplicates::new(100);
        window.reserve(&event(1, 1), Lsn(1), Timestamp::default());
        window.reserve(&event(2, 2), Lsn(2), Timestamp::default());
        assert_eq!(
            window.look_up(&retry(9, false, 2, 3)),
            Seen::Reused(Lsn(2)),
            "an id that another event has"
        );
        assert_eq!(window.look_up(&retry(9, true, 1, 1)), Seen::New, "the id of the event itself");
        window.reserve(&retry(9, true, 1, 4), Lsn(3), Timestamp::default());
        assert_eq!(window.look_up(&retry(9, true, 1, 4)), Seen::Repeat(Lsn(3)));
        assert_eq!(window.look_up(&retry(9, false, 5, 5)), Seen::Reused(Lsn(3)), "edited otherwise");
        assert_eq!(window.look_up(&event(1, 1)), Seen::Repeat(Lsn(1)), "the event as first sent stays known");
        window.release(&retry(9, true, 1, 4), Lsn(3));
        assert_eq!(window.look_up(&retry(9, true, 1, 4)), Seen::New);
        assert_eq!(window.look_up(&event(1, 1)), Seen::Repeat(Lsn(1)));
    }

    #[test]
    fn an_id_stands_for_the_event_that_was_tried_again_once_the_first_one_is_forgotten() {
        let mut window = Duplicates::new(4);
        window.reserve(&event(1, 1), Lsn(1), Timestamp::default());
        window.reserve(&event(2, 2), Lsn(2), Timestamp::default());
        window.reserve(&retry(9, true, 1, 4), Lsn(3), Timestamp::default());
        assert_eq!(window.look_up(&event(1, 1)), Seen::Repeat(Lsn(1)));
        window.reserve(&event(3, 3), Lsn(4), Timestamp::default());
        assert_eq!(window.look_up(&event(1, 1)), Seen::Reused(Lsn(3)));
        assert_eq!(window.look_up(&event(2, 2)), Seen::New);
    }

    #[test]
    fn the_id_that_an_entry_was_edited_to_is_taken() {
        let mut window = Duplicates::new(100);
        window.reserve(&retry(9, false, 6, 6), Lsn(4), Timestamp::default());
        assert_eq!(window.look_up(&event(6, 6)), Seen::Repeat(Lsn(4)));
        assert_eq!(window.look_up(&event(6, 7)), Seen::Reused(Lsn(4)));
    }

    #[test]
    fn the_parts_of_a_table_double_at_different_times() {
        let taken = Taken { content: 0, claim: 1 };
        let mut table = Table::default();
        let capacities =
            |table: &Table| -> Vec<usize> { table.parts.iter().map(HashMap::capacity).collect() };
        let mut before = capacities(&table);
        let (mut n, mut doublings) = (0u64, 0);
        // Steps by a twentieth: 14 from one doubling of all to the next.
        for step in
            [64.0 * PARTS as f64; 15].iter().enumerate().map(|(at, first)| first * 1.05f64.powi(at as i32))
        {
            while (n as f64) < step {
                table.insert(key(n), taken);
                n += 1;
            }
            let now = capacities(&table);
            let grown = now.iter().zip(&before).filter(|(now, before)| now > before).count();
            if before.iter().any(|capacity| *capacity > 16) {
                assert!(grown < PARTS / 6, "{grown} of {PARTS} from {} to {n}", n as f64 / 1.05);
                doublings += grown;
            }
            before = now;
        }
        assert!(doublings > PARTS * 8 / 10, "{doublings}");
        assert_eq!(table.len as u64, n);
    }

    #[test]
    fn the_last_half_window_is_always_remembered_and_never_more_than_all_of_it() {
        let mut window = Duplicates::new(100);
        for n in 0..1_000u64 {
            window.reserve(&event(n, 0), Lsn(n + 1), Timestamp::default());
            let reach = window.reach();
            assert!(reach.events <= 100);
            let (since, _) = reach.since.unwrap();
            for m in 0..=n {
                if n - m < 50 {
                    assert_ne!(window.look_up(&event(m, 0)), Seen::New);
                }
                if m + 1 >= since.0 {
                    assert_ne!(window.look_up(&event(m, 0)), Seen::New, "the reach published is true");
                }
            }
        }
    }
}
