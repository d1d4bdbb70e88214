//! The document index: which entities a document line concerns. Folded by the dispatcher in LSN order.
//!
//! Later events name a line only by its document (`order.shipped`, `purchase_order.received`, …); the index knows the
//! rest. Bounded by generations: when the newer half is full the older one is forgotten, and whatever is touched moves
//! to the newer. What happens to a record whose line was forgotten is what happens to one whose line never came: it
//! waits in the holding area, visibly.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use super::directory::Address;
use crate::domain::event::DocumentKind;
use crate::domain::ids::{Name, TenantNumber};
use crate::domain::record::Record;
use crate::domain::time::Timestamp;

/// A document's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocumentKey {
    pub tenant: TenantNumber,
    pub kind: DocumentKind,
    pub document: Name,
}

/// Entities that a line or document concerns; nearly always one or two.
pub type Addresses = SmallVec<[Address; 2]>;

/// What is known of one document.
#[derive(Default)]
pub struct Document {
    lines: SmallVec<[Line; 1]>,
    /// The supplier's entity, for purchase orders.
    pub supplier: Option<Address>,
    /// For shipments, which have no lines of their own: whom they carry goods for.
    pub carried_for: Addresses,
    /// The event that ended the whole document: entities that join it later must hear of it too.
    pub ended: Option<Arc<Record>>,
}

struct Line {
    line_id: Name,
    addresses: Addresses,
    /// Event time of the newest version that said where the line belongs.
    placed_at: Timestamp,
}

impl Document {
    /// Whom a line concerns; empty if the line is unknown.
    pub fn line(&self, line_id: &str) -> &[Address] {
        self.lines.iter().find(|line| line.line_id == line_id).map_or(&[], |line| &line.addresses)
    }

    /// Whom any line of it concerns, each once.
    pub fn everyone(&self) -> Addresses {
        let mut all = self.carried_for.clone();
        for address in self.lines.iter().flat_map(|line| &line.addresses) {
            if !all.contains(address) {
                all.push(*address);
            }
        }
        all
    }

    /// Notes that a version of a line, told at `event_time`, belongs to these entities. `true` if the line was unknown
    /// or concerns someone new now.
    ///
    /// A version older than the one known adds nobody: had it come in time, it would have been superseded there.
    pub fn place(&mut self, line_id: &Name, addresses: &[Address], event_time: Timestamp) -> bool {
        let Some(line) = self.lines.iter_mut().find(|line| line.line_id == *line_id) else {
            self.lines.push(Line {
                line_id: line_id.clone(),
                addresses: addresses.iter().copied().collect(),
                placed_at: event_time,
            });
            return true;
        };
        if event_time < line.placed_at {
            return false;
        }
        line.placed_at = event_time;
        let before = line.addresses.len();
        for address in addresses {
            if !line.addresses.contains(address) {
                line.addresses.push(*address);
            }
        }
        line.addresses.len() > before
    }

    fn weight(&self) -> usize {
        self.lines.len().max(1)
    }
}

/// All documents of a journal.
pub struct Documents {
    half: usize,
    newer: HashMap<DocumentKey, Document, FixedState>,
    newer_lines: usize,
    older: HashMap<DocumentKey, Document, FixedState>,
    older_lines: usize,
    /// Documents forgotten so far.
    forgotten: u64,
}

impl Documents {
    /// Remembers at least half of `lines_max` lines, the ones last touched.
    pub fn new(lines_max: usize) -> Documents {
        Documents {
            half: (lines_max / 2).max(1),
            newer: HashMap::default(),
            newer_lines: 0,
            older: HashMap::default(),
            older_lines: 0,
            forgotten: 0,
        }
    }

    /// A document, if it is remembered.
    pub fn get(&self, key: &DocumentKey) -> Option<&Document> {
        self.newer.get(key).or_else(|| self.older.get(key))
    }

    /// Changes a document, which is made if it is unknown.
    pub fn change<T>(&mut self, key: &DocumentKey, change: impl FnOnce(&mut Document) -> T) -> T {
        if !self.newer.contains_key(key) {
            let document = self.older.remove(key).unwrap_or_default();
            self.older_lines = self.older_lines.saturating_sub(document.weight());
            if self.newer_lines >= self.half {
                self.forgotten += self.older.len() as u64;
                self.older = std::mem::take(&mut self.newer);
                self.older_lines = std::mem::take(&mut self.newer_lines);
            }
            self.newer_lines += document.weight();
            self.newer.insert(key.clone(), document);
        }
        let document = self.newer.entry(key.clone()).or_default();
        let before = document.weight();
        let result = change(document);
        let after = document.weight();
        self.newer_lines = self.newer_lines + after - before;
        result
    }

    /// Lines remembered, and documents forgotten.
    pub fn usage(&self) -> (usize, u64) {
        (self.newer_lines + self.older_lines, self.forgotten)
    }
}
