//! What orders, purchase orders and transfers have in common: the document index says who holds a document's lines, and
//! those are asked. No document is kept anywhere else.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use serde::Serialize;
use serde_json::Value;

use super::inspect::{ask_each, not_found};
use super::problem::Problem;
use super::query::{Query, Sort, SortValue, Sortable, keep_first, page};
use super::read::{Asked, Paged, Read};
use super::visibility::sees_line;
use crate::domain::event::DocumentKind;
use crate::domain::ids::{EntityKey, Lsn, Name};
use crate::domain::quantity::Quantity;
use crate::domain::reference::Reference;
use crate::domain::sku_location::{Progress, SkuLocation};
use crate::domain::supplier::{SuppliedLineView, Supplier};
use crate::domain::time::Timestamp;
use crate::runtime::directory::Address;
use crate::runtime::documents::{DocumentKey, IndexedDocument};

/// A kind of document as the outside sees it.
pub trait DocumentView: Serialize + Sized {
    const KIND: DocumentKind;
    /// The field that names it, and by which lists are sorted unless told otherwise.
    const ID: &'static str;
    /// What lists can be sorted by.
    const FIELDS: &'static [&'static str];
    /// Every state.
    const STATES: &'static [&'static str];
    /// What lists can be filtered by.
    const FILTERS: &'static [&'static str];
    /// Which of [`DocumentView::FILTERS`] name locations.
    const LOCATION_FILTERS: &'static [&'static str];
    /// What a place says of a line.
    type Line: Clone + Send + 'static;

    /// What a place says of a document.
    fn lines(
        place: &SkuLocation,
        document: &str,
        now: Timestamp,
        reference: &Reference,
        key: &EntityKey,
    ) -> Vec<Self::Line>;
    fn line_id(line: &Self::Line) -> &Name;
    /// The document, or `None` if the reader sees nothing of it.
    fn show(found: Found<Self::Line>, read: &Read<'_>) -> Result<Option<Self>, Problem>;
    /// Its name.
    fn id(&self) -> &Name;
    /// Whether it passes the filters.
    fn is_wanted(&self, query: &Query) -> bool;
    fn sort_value(&self, field: &str) -> SortValue;
}

/// Everything that is known of a document.
pub struct Found<L> {
    pub document: Name,
    pub lines: Vec<FoundLine<L>>,
    /// Its suppliers and what they know of its lines. Only asked for purchase orders.
    pub suppliers: Vec<(Name, Vec<SuppliedLineView>)>,
    /// Somebody asked stands still because its code failed on that record.
    pub failed_at: Option<Lsn>,
}

/// A line and the places that it concerns, the latest last.
pub struct FoundLine<L> {
    pub line_id: Name,
    pub places: Vec<FoundPlace<L>>,
}

/// A place, and what it says of the line: nothing if it has forgotten it. A place whose state is being rebuilt can't
/// even say which SKU and location it is.
pub struct FoundPlace<L> {
    pub sku: Option<Name>,
    pub location: Option<Name>,
    pub said: Vec<L>,
}

impl<L> FoundPlace<L> {
    /// Whether the reader sees a line of that supplier here.
    pub fn is_seen(&self, read: &Read<'_>, supplier: Option<&str>) -> Result<bool, Problem> {
        let principal = &read.caller.principal;
        Ok(match (&self.sku, &self.location) {
            (Some(sku), Some(location)) => sees_line(principal, read.tenant()?, sku, location, supplier),
            _ => principal.scope.is_unrestricted(),
        })
    }
}

/// How far a line or a document is. What each kind calls these is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Nothing has moved.
    Open,
    /// Some has moved, some is open.
    Partly,
    /// All has moved.
    Done,
    /// Ended before anything moved.
    Cancelled,
    /// Ended after some had moved.
    Closed,
}

impl Stage {
    /// How far a line is.
    pub fn of(ordered: Option<Quantity>, fulfilled: Quantity, open: Quantity, is_ended: bool) -> Stage {
        let has_moved = fulfilled.is_positive();
        if open.is_positive() {
            return if has_moved { Stage::Partly } else { Stage::Open };
        }
        match (has_moved, is_ended && ordered.is_none_or(|ordered| ordered > fulfilled)) {
            (false, _) => Stage::Cancelled,
            (true, true) => Stage::Closed,
            (true, false) => Stage::Done,
        }
    }

    /// [`Stage::of`] what a place says.
    pub fn of_progress(progress: &Progress) -> Stage {
        Stage::of(progress.ordered, progress.fulfilled, progress.open, progress.is_ended)
    }

    /// How far a document with these lines is; `None` if nothing is known of any.
    pub fn of_lines(lines: impl Iterator<Item = Option<Stage>>) -> Option<Stage> {
        let mut known = lines.flatten().peekable();
        known.peek()?;
        let stages: Vec<Stage> = known.collect();
        let any = |stage: Stage| stages.contains(&stage);
        Some(if any(Stage::Open) || any(Stage::Partly) {
            if stages.iter().any(|stage| matches!(stage, Stage::Partly | Stage::Done | Stage::Closed)) {
                Stage::Partly
            } else {
                Stage::Open
            }
        } else if any(Stage::Closed) {
            Stage::Closed
        } else if any(Stage::Done) {
            Stage::Done
        } else {
            Stage::Cancelled
        })
    }

    /// Whether something is still to move.
    pub fn is_open(self) -> bool {
        matches!(self, Stage::Open | Stage::Partly)
    }
}

/// The sum, unless a part of it is unknown.
pub fn sum(parts: impl Iterator<Item = Option<Quantity>>) -> Option<Quantity> {
    parts.sum()
}

/// Whether `state` and `is_open` let a document pass; what is unknown is not what was asked for.
pub fn admits_state(query: &Query, state: Option<&str>, is_open: Option<bool>) -> bool {
    let is_open = match is_open {
        Some(true) => "true",
        Some(false) => "false",
        None => "",
    };
    query.admits("state", state.unwrap_or_default()) && query.admits("is_open", is_open)
}

/// Documents looked at while a list is sorted by value.
const SCAN_CHUNK: usize = 256;

/// The parameters of a list of documents.
///
/// # Errors
/// `bad_parameter`.
pub fn check<K: DocumentView>(asked: &Asked<'_>) -> Result<Paged, Problem> {
    let paged = asked.paged(K::FIELDS, Sort::by(K::ID))?;
    asked.query.names("state", |name| K::STATES.contains(&name).then_some(()))?;
    asked.query.known_flag("is_open")?;
    Ok(paged)
}

/// One document.
///
/// # Errors
/// `not_found`.
pub async fn one<K: DocumentView>(read: &Read<'_>, document: Name) -> Result<Value, Problem> {
    let key = DocumentKey { tenant: read.caller.tenant, kind: K::KIND, document };
    let indexed = read.running.documents.get(&key);
    let found = load::<K>(read, indexed.into_iter().collect()).await?.pop();
    let found =
        found.ok_or_else(|| not_found("such document, or it was forgotten long after it was over"))?;
    Ok(read.stamped(serde_json::to_value(found).unwrap_or_default()))
}

/// A page of documents, and the cursor of the next one.
///
/// # Errors
/// `internal` if the caller's tenant vanished.
pub async fn list<K: DocumentView>(
    read: &Read<'_>,
    paged: &Paged,
) -> Result<(Vec<K>, Option<String>), Problem> {
    let Paged { limit, sort, cursor } = paged;
    let near = near::<K>(read);
    let supplier = supplied_by(read);
    let by_name = sort.field == K::ID;
    let backwards = by_name && sort.descending;
    let mut after = cursor.as_ref().filter(|_| by_name).map(|cursor| Name::from(cursor.id.as_str()));
    let mut found: Vec<Sortable<K>> = Vec::new();
    loop {
        let max = if by_name { SCAN_CHUNK.min(limit + 1 - found.len()) } else { SCAN_CHUNK };
        let (tenant, documents) = (read.caller.tenant, &read.running.documents);
        let looked = documents.page(tenant, K::KIND, after.as_deref(), backwards, max, |document| {
            near.as_ref().is_none_or(|near| document.concerns(|address| near.contains(address)))
                && supplier
                    .as_ref()
                    .is_none_or(|wanted| document.suppliers().iter().any(|one| wanted.contains(one)))
        });
        let shown = load::<K>(read, looked.documents).await?;
        let wanted = shown.into_iter().filter(|document| document.is_wanted(&read.query));
        found.extend(
            wanted.map(|document| (document.sort_value(sort.field), document.id().to_string(), document)),
        );
        after = looked.next_after;
        if after.is_none() || by_name && found.len() > *limit {
            return Ok(page(found, *sort, cursor.as_ref(), *limit));
        }
        // Only what can still be on this page is kept, and one more, which says whether there is another page.
        keep_first(&mut found, *sort, cursor.as_ref(), limit + 1);
    }
}

/// The SKU-locations that a list is narrowed to by SKU or location; `None` if it is not.
fn near<K: DocumentView>(read: &Read<'_>) -> Option<HashSet<Address, FixedState>> {
    let (tenant, directory) = (read.caller.tenant, &read.running.directory);
    let skus = read.query.all("sku");
    let locations: Vec<&String> =
        K::LOCATION_FILTERS.iter().flat_map(|filter| read.query.all(filter)).collect();
    if !skus.is_empty() {
        return Some(skus.iter().flat_map(|sku| directory.locations_of(tenant, &Name::from(sku))).collect());
    }
    if locations.is_empty() {
        return None;
    }
    let mut near = HashSet::default();
    let mut after: Option<(Name, Name)> = None;
    loop {
        let from = after.as_ref().map(|(sku, location)| (sku.as_str(), location.as_str()));
        let chunk = directory.sku_locations_after(tenant, from, DIRECTORY_CHUNK);
        let is_last = chunk.len() < DIRECTORY_CHUNK;
        after = chunk.last().and_then(|(key, _)| place_of(key));
        let here = |key: &EntityKey| matches!(key, EntityKey::SkuLocation { location, .. } if locations.iter().any(|one| *one == location));
        near.extend(chunk.iter().filter(|(key, _)| here(key)).map(|(_, address)| *address));
        if is_last {
            return Some(near);
        }
    }
}

/// SKU-locations looked up at a time in the directory.
const DIRECTORY_CHUNK: usize = 5_000;

/// The suppliers that a list is narrowed to; `None` if it is not.
fn supplied_by(read: &Read<'_>) -> Option<Vec<Address>> {
    let suppliers = read.query.all("supplier");
    let find = |supplier: &String| {
        let supplier = Name::from(supplier);
        read.running.directory.find(&EntityKey::Supplier { tenant: read.caller.tenant, supplier })
    };
    (!suppliers.is_empty()).then(|| suppliers.iter().filter_map(find).collect())
}

fn place_of(key: &EntityKey) -> Option<(Name, Name)> {
    match key {
        EntityKey::SkuLocation { sku, location, .. } => Some((sku.clone(), location.clone())),
        _ => None,
    }
}

/// What someone said who was asked about several documents.
struct Said<L> {
    who: L,
    failed_at: Option<Lsn>,
}

type Answers<A> = HashMap<Address, Said<A>, FixedState>;

/// Asks all who know something of these documents, and shows those that the caller sees.
async fn load<K: DocumentView>(read: &Read<'_>, indexed: Vec<IndexedDocument>) -> Result<Vec<K>, Problem> {
    let places = ask_places::<K>(read, &indexed).await;
    let suppliers = ask_suppliers(read, &indexed).await;
    let mut shown = Vec::with_capacity(indexed.len());
    for document in indexed {
        let mut failed_at = None;
        let lines = document.lines.iter().map(|(line_id, addresses)| {
            let place = |address: &Address| {
                let Some(said) = places.get(address) else {
                    return FoundPlace { sku: None, location: None, said: Vec::new() };
                };
                failed_at = failed_at.max(said.failed_at);
                let ((sku, location), lines) = &said.who;
                let lines = lines.get(&document.document).map_or(&[][..], Vec::as_slice);
                let said = lines.iter().filter(|line| K::line_id(line) == line_id).cloned().collect();
                FoundPlace { sku: Some(sku.clone()), location: Some(location.clone()), said }
            };
            FoundLine { line_id: line_id.clone(), places: addresses.iter().map(place).collect() }
        });
        let lines = lines.collect();
        let supplied = document.suppliers.iter().filter_map(|address| {
            let said = suppliers.get(address)?;
            failed_at = failed_at.max(said.failed_at);
            let (supplier, lines) = &said.who;
            Some((supplier.clone(), lines.get(&document.document).cloned().unwrap_or_default()))
        });
        let suppliers = supplied.collect();
        let found = Found { document: document.document, lines, suppliers, failed_at };
        shown.extend(K::show(found, read)?);
    }
    Ok(shown)
}

type OfDocuments<L> = HashMap<Name, Vec<L>, FixedState>;

/// Asks each place once for all documents that concern it.
async fn ask_places<K: DocumentView>(
    read: &Read<'_>,
    indexed: &[IndexedDocument],
) -> Answers<((Name, Name), OfDocuments<K::Line>)> {
    let mut concerned: HashMap<Address, Vec<Name>, FixedState> = HashMap::default();
    for document in indexed {
        for address in document.lines.iter().flat_map(|(_, addresses)| addresses) {
            let documents = concerned.entry(*address).or_default();
            if documents.last() != Some(&document.document) {
                documents.push(document.document.clone());
            }
        }
    }
    let addresses: Vec<Address> = concerned.keys().copied().collect();
    let questions = concerned.into_iter().map(|(address, documents)| {
        let question = move |place: &SkuLocation, key: &EntityKey, now: Timestamp, reference: &Reference| {
            let lines = |document: Name| {
                let lines = K::lines(place, &document, now, reference, key);
                (document, lines)
            };
            let lines: OfDocuments<K::Line> = documents.into_iter().map(lines).collect();
            (place_of(key), lines)
        };
        (address, question)
    });
    let answers = ask_each::<SkuLocation, _, _>(read.running, questions.collect()).await;
    let said = addresses.into_iter().zip(answers).filter_map(|(address, seen)| {
        let seen = seen?;
        let (place, lines) = seen.value;
        Some((address, Said { who: (place?, lines), failed_at: seen.failed_at }))
    });
    said.collect()
}

/// Asks each supplier once for all documents that name it; nobody, if none does.
async fn ask_suppliers(
    read: &Read<'_>,
    indexed: &[IndexedDocument],
) -> Answers<(Name, OfDocuments<SuppliedLineView>)> {
    let mut concerned: HashMap<Address, Vec<Name>, FixedState> = HashMap::default();
    for document in indexed {
        for address in &document.suppliers {
            concerned.entry(*address).or_default().push(document.document.clone());
        }
    }
    let addresses: Vec<Address> = concerned.keys().copied().collect();
    let questions = concerned.into_iter().map(|(address, documents)| {
        let question = move |supplier: &Supplier, _: &EntityKey, _: Timestamp, _: &Reference| {
            let lines = |document: Name| {
                let lines = supplier.lines_of(&document);
                (document, lines)
            };
            let lines: OfDocuments<SuppliedLineView> = documents.into_iter().map(lines).collect();
            (supplier.name().clone(), lines)
        };
        (address, question)
    });
    let answers = ask_each::<Supplier, _, _>(read.running, questions.collect()).await;
    let said = addresses.into_iter().zip(answers).filter_map(|(address, seen)| {
        let seen = seen?;
        Some((address, Said { who: seen.value, failed_at: seen.failed_at }))
    });
    said.collect()
}
