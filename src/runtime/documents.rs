//! The document index: which entities a document line concerns. Folded by the dispatcher in LSN order.
//!
//! Later events name a line only by its document (`order.shipped`, `purchase_order.received`, …); the index knows the
//! rest. What happens to a record whose line was forgotten is what happens to one whose line never came: it waits in the
//! holding area, visibly. There are more documents than entities, so an entry is small: documents are known by 128 bits
//! of a BLAKE3 hash, and what few of them have stands aside.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use parking_lot::{MappedRwLockReadGuard, RwLock, RwLockReadGuard};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::directory::Address;
use super::generations::Generations;
use crate::domain::event::DocumentKind;
use crate::domain::ids::{Name, TenantNumber};
use crate::domain::record::Record;
use crate::domain::time::Timestamp;

/// A document's name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Default)]
pub struct Document {
    /// Sorted by line id.
    pub(super) lines: SmallVec<[Line; 1]>,
    pub(super) aside: Option<Box<Aside>>,
}

/// What only some documents have.
#[derive(Clone, Default)]
pub(super) struct Aside {
    /// The entities of its suppliers, for purchase orders: one, unless it was moved.
    pub suppliers: Addresses,
    /// For shipments, which have no lines of their own: whom they carry goods for.
    pub carried_for: Addresses,
    /// The event that ended the whole document: entities that join it later must hear of it too.
    pub ended: Option<Arc<Record>>,
    /// The cases that asked for it.
    pub followers: Addresses,
}

#[derive(Clone)]
pub(super) struct Line {
    pub line_id: Name,
    pub addresses: Addresses,
    /// Event time of the newest version that said where the line belongs.
    pub placed_at: Timestamp,
}

impl Document {
    /// Whom a line concerns; empty if the line is unknown.
    pub fn line(&self, line_id: &str) -> &[Address] {
        match self.find(line_id) {
            Ok(at) => &self.lines[at].addresses,
            Err(_) => &[],
        }
    }

    /// Where a line of an order or a purchase order is; `None` if the line is unknown.
    pub fn place_of(&self, line_id: &str) -> Option<Address> {
        self.line(line_id).last().copied()
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
        // Where it is now comes last, also when it was there before.
        if let [here] = addresses
            && let Some(at) = line.addresses.iter().position(|known| known == here)
        {
            line.addresses[at..].rotate_left(1);
        }
        addresses.iter().copied().filter(|address| add(&mut line.addresses, *address)).collect()
    }

    /// Whether a line concerns one of those for whom `is_one` holds.
    pub fn concerns(&self, is_one: impl Fn(&Address) -> bool) -> bool {
        self.lines.iter().any(|line| line.addresses.iter().any(&is_one))
    }

    fn indexed(&self, document: &Name) -> IndexedDocument {
        IndexedDocument {
            document: document.clone(),
            lines: self.lines.iter().map(|line| (line.line_id.clone(), line.addresses.clone())).collect(),
            suppliers: self.suppliers().iter().copied().collect(),
        }
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

/// All documents of a journal. Written by the dispatcher alone, read by everyone through [`DocumentIndex`].
pub struct Documents {
    index: Arc<RwLock<Index>>,
}

/// The documents with their lines, and the names of those that lists show.
struct Index {
    table: Generations<u128, Document>,
    /// Names take turns as the table does, so that a name is there exactly as long as its document.
    newer: Names,
    older: Names,
}

/// In order, for lists.
type Names = HashMap<(TenantNumber, DocumentKind), BTreeSet<Name>, FixedState>;

/// Remembered documents, for readers.
#[derive(Clone)]
pub struct DocumentIndex {
    index: Arc<RwLock<Index>>,
}

/// A document as the index knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexedDocument {
    pub document: Name,
    /// Whom each line concerns, by line id; for one that moved, whom it concerned comes first.
    pub lines: Vec<(Name, Addresses)>,
    /// Of purchase orders: nearly always one.
    pub suppliers: Addresses,
}

/// Some documents one after the other.
#[derive(Debug)]
pub struct DocumentPage {
    pub documents: Vec<IndexedDocument>,
    /// The last one looked at; the next page begins after it. `None` at the end.
    pub next_after: Option<Name>,
}

impl Documents {
    /// Remembers at least half of `lines_max` lines, those of the documents last touched.
    pub fn new(lines_max: usize) -> Documents {
        let table = Generations::new(lines_max, Document::weight);
        let index = Index { table, newer: Names::default(), older: Names::default() };
        Documents { index: Arc::new(RwLock::new(index)) }
    }

    /// The same documents for readers.
    pub fn reader(&self) -> DocumentIndex {
        DocumentIndex { index: self.index.clone() }
    }

    /// Another bound, from here on.
    pub fn set_lines_max(&mut self, lines_max: usize) {
        self.index.write().table.set_max(lines_max);
    }

    /// A document, if it is remembered. Nothing can be changed while it is looked at.
    pub fn get(&self, key: &DocumentKey) -> Option<MappedRwLockReadGuard<'_, Document>> {
        RwLockReadGuard::try_map(self.index.read(), |index| index.table.get(&key.hash())).ok()
    }

    /// Changes a document, which is made if it is unknown.
    pub fn change<T>(&mut self, key: &DocumentKey, change: impl FnOnce(&mut Document) -> T) -> T {
        let mut index = self.index.write();
        let (hash, turns) = (key.hash(), index.table.turns());
        let is_in_newer = index.table.is_in_newer(&hash);
        let changed = index.table.change(hash, change);
        if index.table.turns() != turns {
            index.older = std::mem::take(&mut index.newer);
        }
        // Shipments are shown with what they carry.
        if !is_in_newer && key.kind != DocumentKind::Shipment {
            index.newer.entry((key.tenant, key.kind)).or_default().insert(key.document.clone());
        }
        changed
    }

    /// Lines remembered, and documents forgotten.
    pub fn usage(&self) -> (usize, u64) {
        self.index.read().table.usage()
    }

    /// All documents as they are now, by the hash of their names.
    pub(super) fn table(&self) -> Generations<u128, Document> {
        self.index.read().table.clone()
    }

    /// Puts a document back that was remembered before; its name follows.
    pub(super) fn restore(&mut self, is_newer: bool, hash: u128, document: Document) {
        self.index.write().table.restore(is_newer, hash, document);
    }

    /// Sets how many documents were forgotten before.
    pub(super) fn restore_forgotten(&mut self, forgotten: u64) {
        self.index.write().table.restore_forgotten(forgotten);
    }

    /// Puts the names of documents back; those of documents that are not remembered are left out.
    pub(super) fn restore_names(&mut self, tenant: TenantNumber, kind: DocumentKind, names: Vec<Name>) {
        let mut index = self.index.write();
        let Index { table, newer, older } = &mut *index;
        for document in names {
            let key = DocumentKey { tenant, kind, document };
            let hash = key.hash();
            let names = if table.is_in_newer(&hash) {
                &mut *newer
            } else if table.get(&hash).is_some() {
                &mut *older
            } else {
                continue;
            };
            names.entry((tenant, kind)).or_default().insert(key.document);
        }
    }
}

/// Documents looked at in one go, so that the dispatcher waits for microseconds.
const LOOK_MAX: usize = 256;

impl DocumentIndex {
    /// One document.
    pub fn get(&self, key: &DocumentKey) -> Option<IndexedDocument> {
        self.index.read().table.get(&key.hash()).map(|known| known.indexed(&key.document))
    }

    /// The `wanted` ones, at most `max`, among the next documents of a kind after that name, in order of their names
    /// or backwards.
    pub fn page(
        &self,
        tenant: TenantNumber,
        kind: DocumentKind,
        after: Option<&str>,
        backwards: bool,
        max: usize,
        wanted: impl Fn(&Document) -> bool,
    ) -> DocumentPage {
        let index = self.index.read();
        let names = index.names(tenant, kind, after, backwards);
        let mut next_after = names.last().filter(|_| names.len() == LOOK_MAX).cloned();
        let mut documents = Vec::new();
        for document in names {
            if documents.len() == max {
                next_after = documents.last().map(|last: &IndexedDocument| last.document.clone());
                break;
            }
            let key = DocumentKey { tenant, kind, document };
            let known = index.table.get(&key.hash()).filter(|known| wanted(known));
            documents.extend(known.map(|known| known.indexed(&key.document)));
        }
        DocumentPage { documents, next_after }
    }

    /// The kinds of documents that there are, by tenant.
    pub(super) fn kinds(&self) -> BTreeSet<(TenantNumber, DocumentKind)> {
        let index = self.index.read();
        index.newer.keys().chain(index.older.keys()).copied().collect()
    }

    /// The next names of a kind after that one; none at the end.
    pub(super) fn names_after(
        &self,
        tenant: TenantNumber,
        kind: DocumentKind,
        after: Option<&str>,
    ) -> Vec<Name> {
        self.index.read().names(tenant, kind, after, false)
    }
}

impl Index {
    /// At most [`LOOK_MAX`] names of a kind after that one, in order or backwards.
    fn names(
        &self,
        tenant: TenantNumber,
        kind: DocumentKind,
        after: Option<&str>,
        backwards: bool,
    ) -> Vec<Name> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let bounds = if backwards { (Bound::Unbounded, after) } else { (after, Bound::Unbounded) };
        // A document that was touched since the last turn has its name in both.
        let names = |names: &'_ Names| -> Vec<Name> {
            let range = names.get(&(tenant, kind)).map(|names| names.range::<str, _>(bounds));
            let range = range.into_iter().flatten();
            if backwards {
                range.rev().take(LOOK_MAX).cloned().collect()
            } else {
                range.take(LOOK_MAX).cloned().collect()
            }
        };
        let mut names = [names(&self.newer), names(&self.older)].concat();
        names.sort_unstable_by(|a, b| if backwards { b.cmp(a) } else { a.cmp(b) });
        names.dedup();
        names.truncate(LOOK_MAX);
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantNumber = TenantNumber(1);
    const MANY: usize = 100_000;

    fn key(kind: DocumentKind, document: &str) -> DocumentKey {
        DocumentKey { tenant: TENANT, kind, document: Name::from(document) }
    }

    fn place(documents: &mut Documents, kind: DocumentKind, document: &str, slot: u32) {
        let address = Address { shard: 0, slot };
        documents.change(&key(kind, document), |known| {
            known.place(&Name::from("1"), &[address], Timestamp::from_micros(0))
        });
    }

    /// The names of all pages.
    fn walk(reader: &DocumentIndex, kind: DocumentKind, backwards: bool, max: usize) -> Vec<String> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = reader.page(TENANT, kind, after.as_deref(), backwards, max, |_| true);
            all.extend(page.documents.iter().map(|document| document.document.to_string()));
            match page.next_after {
                Some(next) => after = Some(next),
                None => return all,
            }
        }
    }

    #[test]
    fn names_stand_in_order_by_kind_and_tenant() {
        let mut documents = Documents::new(1_000_000);
        let reader = documents.reader();
        let mut expected: Vec<String> = (0..3 * LOOK_MAX).map(|n| format!("o{n}")).collect();
        for name in &expected {
            place(&mut documents, DocumentKind::Order, name, 1);
        }
        place(&mut documents, DocumentKind::Transfer, "t", 2);
        place(&mut documents, DocumentKind::Shipment, "s", 2);
        expected.sort();
        for max in [1, 7, LOOK_MAX, MANY] {
            assert_eq!(walk(&reader, DocumentKind::Order, false, max), expected, "{max} at a time");
        }
        expected.reverse();
        assert_eq!(walk(&reader, DocumentKind::Order, true, MANY), expected);
        assert_eq!(walk(&reader, DocumentKind::Transfer, false, MANY), ["t"]);
        assert_eq!(walk(&reader, DocumentKind::Shipment, false, MANY), [""; 0], "shown with what they carry");
        let other = reader.page(TenantNumber(0), DocumentKind::Order, None, false, MANY, |_| true);
        assert!(other.documents.is_empty() && other.next_after.is_none());
    }

    #[test]
    fn a_name_is_there_as_long_as_its_document() {
        let mut documents = Documents::new(200);
        let reader = documents.reader();
        for n in 0..1_000_u32 {
            place(&mut documents, DocumentKind::Order, &format!("o{n:04}"), n);
            // Touched all the time, so never forgotten.
            place(&mut documents, DocumentKind::Order, "kept", 0);
            let names = walk(&reader, DocumentKind::Order, false, MANY);
            let remembered = |name: &String| reader.get(&key(DocumentKind::Order, name)).is_some();
            assert!(names.iter().all(remembered) && names.len() <= 202, "{}", names.len());
            assert!(names.contains(&format!("o{n:04}")) && names.contains(&"kept".to_owned()));
            assert!(names.is_sorted(), "each once and in order");
        }
        let names = walk(&reader, DocumentKind::Order, false, MANY);
        let gone =
            (0..1_000).filter(|n| reader.get(&key(DocumentKind::Order, &format!("o{n:04}"))).is_none());
        assert_eq!(gone.count() + names.len() - 1, 1_000);
    }

    #[test]
    fn only_wanted_ones_are_given_and_the_rest_is_passed_over() {
        let mut documents = Documents::new(100_000);
        let reader = documents.reader();
        for n in 0..1_000_u32 {
            place(&mut documents, DocumentKind::Order, &format!("o{n:04}"), n % 500);
        }
        let is_wanted = |document: &Document| document.everyone().contains(&Address { shard: 0, slot: 499 });
        let first = reader.page(TENANT, DocumentKind::Order, None, false, MANY, is_wanted);
        assert!(first.documents.is_empty() && first.next_after.as_deref() == Some("o0255"));
        let second = reader.page(TENANT, DocumentKind::Order, Some("o0255"), false, MANY, is_wanted);
        assert_eq!(second.documents.len(), 1);
        let line = (Name::from("1"), Addresses::from_slice(&[Address { shard: 0, slot: 499 }]));
        assert_eq!(second.documents[0].document, "o0499");
        assert_eq!(second.documents[0].lines, [line]);
    }
}
