//! The document index: which entities a document line concerns. Folded by the dispatcher in LSN order.
//!
//! Later events name a line only by its document (`order.shipped`, `purchase_order.received`, …); the index knows the
//! rest. What happens to a record whose line was forgotten is what happens to one whose line never came: it waits in the
//! holding area, visibly. There are more documents than entities, so an entry is small: documents are known by 128 bits
//! of a BLAKE3 hash, and what few of them have stands aside.

use std::sync::Arc;

use smallvec::SmallVec;

use super::directory::Address;
use super::generations::Generations;
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

impl DocumentKey {
    fn hash(&self) -> u128 {
        let mut buffer = SmallVec::<[u8; 160]>::new();
        buffer.extend_from_slice(&self.tenant.0.to_le_bytes());
        buffer.push(self.kind as u8);
        buffer.extend_from_slice(self.document.as_bytes());
        let mut hash = [0; 16];
        hash.copy_from_slice(&blake3::hash(&buffer).as_bytes()[..16]);
        u128::from_le_bytes(hash)
    }
}

/// Entities that a line or document concerns; nearly always one or two.
pub type Addresses = SmallVec<[Address; 2]>;

/// What is known of one document.
#[derive(Default)]
pub struct Document {
    /// Sorted by line id.
    lines: SmallVec<[Line; 1]>,
    aside: Option<Box<Aside>>,
}

/// What only some documents have.
#[derive(Default)]
struct Aside {
    /// The entities of its suppliers, for purchase orders: one, unless it was moved.
    suppliers: Addresses,
    /// For shipments, which have no lines of their own: whom they carry goods for.
    carried_for: Addresses,
    /// The event that ended the whole document: entities that join it later must hear of it too.
    ended: Option<Arc<Record>>,
    /// Whom it answers: the case that asked for it, and the places where that counts as planned.
    followers: Addresses,
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
        match self.find(line_id) {
            Ok(at) => &self.lines[at].addresses,
            Err(_) => &[],
        }
    }

    fn find(&self, line_id: &str) -> Result<usize, usize> {
        self.lines.binary_search_by(|line| line.line_id.as_str().cmp(line_id))
    }

    /// The entities of its suppliers.
    pub fn suppliers(&self) -> &[Address] {
        self.aside.as_ref().map_or(&[], |aside| &aside.suppliers)
    }

    /// Notes a supplier.
    pub fn add_supplier(&mut self, supplier: Address) {
        add(&mut self.aside.get_or_insert_default().suppliers, supplier);
    }

    /// Those who hear of everything about the document, whatever line it is about.
    pub fn followers(&self) -> &[Address] {
        self.aside.as_ref().map_or(&[], |aside| &aside.followers)
    }

    /// Notes that these hear of everything about it from now on.
    pub fn follow(&mut self, followers: &[Address]) {
        if !followers.is_empty() {
            let known = &mut self.aside.get_or_insert_default().followers;
            followers.iter().for_each(|follower| {
                add(known, *follower);
            });
        }
    }

    /// Whom a shipment carries goods for.
    pub fn carried_for(&self) -> &[Address] {
        self.aside.as_ref().map_or(&[], |aside| &aside.carried_for)
    }

    /// Notes whom a shipment carries goods for.
    pub fn carry_for(&mut self, whom: &[Address]) {
        let carried_for = &mut self.aside.get_or_insert_default().carried_for;
        for address in whom {
            add(carried_for, *address);
        }
    }

    /// The event that ended the whole document.
    pub fn ended(&self) -> Option<&Arc<Record>> {
        self.aside.as_ref()?.ended.as_ref()
    }

    /// Notes that the whole document ended.
    pub fn end(&mut self, record: Arc<Record>) {
        self.aside.get_or_insert_default().ended = Some(record);
    }

    /// Whom any line of it concerns, each once.
    pub fn everyone(&self) -> Addresses {
        let mut all: Vec<Address> = self.lines.iter().flat_map(|line| &line.addresses).copied().collect();
        all.extend(self.carried_for());
        all.sort_unstable();
        all.dedup();
        all.into()
    }

    /// Notes that a version of a line, told at `event_time`, belongs to these entities. Gives back who is new to it.
    ///
    /// A version older than the one known adds nobody: had it come in time, it would have been superseded there.
    pub fn place(&mut self, line_id: &Name, addresses: &[Address], event_time: Timestamp) -> Addresses {
        let at = match self.find(line_id) {
            Ok(at) => at,
            Err(at) => {
                let addresses: Addresses = addresses.iter().copied().collect();
                let joined = addresses.clone();
                self.lines.insert(at, Line { line_id: line_id.clone(), addresses, placed_at: event_time });
                return joined;
            }
        };
        let line = &mut self.lines[at];
        if event_time < line.placed_at {
            return Addresses::new();
        }
        line.placed_at = event_time;
        addresses.iter().copied().filter(|address| add(&mut line.addresses, *address)).collect()
    }

    fn weight(&self) -> usize {
        self.lines.len().max(1)
    }
}

/// Adds an address if it is not there yet; says whether it was not.
pub fn add(addresses: &mut Addresses, address: Address) -> bool {
    let is_new = !addresses.contains(&address);
    if is_new {
        addresses.push(address);
    }
    is_new
}

/// All documents of a journal.
pub struct Documents {
    table: Generations<u128, Document>,
}

impl Documents {
    /// Remembers at least half of `lines_max` lines, those of the documents last touched.
    pub fn new(lines_max: usize) -> Documents {
        Documents { table: Generations::new(lines_max, Document::weight) }
    }

    /// Another bound, from here on.
    pub fn set_lines_max(&mut self, lines_max: usize) {
        self.table.set_max(lines_max);
    }

    /// A document, if it is remembered.
    pub fn get(&self, key: &DocumentKey) -> Option<&Document> {
        self.table.get(&key.hash())
    }

    /// Changes a document, which is made if it is unknown.
    pub fn change<T>(&mut self, key: &DocumentKey, change: impl FnOnce(&mut Document) -> T) -> T {
        self.table.change(key.hash(), change)
    }

    /// Lines remembered, and documents forgotten.
    pub fn usage(&self) -> (usize, u64) {
        self.table.usage()
    }
}
