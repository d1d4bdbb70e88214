//! Summaries: all things of one kind as they were after their last change, ready to be listed.
//!
//! A list must be sorted by any field and paged from anywhere while things change, with a million of them. So beside
//! each thing stand its sort keys and the codes of what it is filtered by, in columns. A page is one pass over them
//! that keeps the best few: it costs the same by every field and for every page, and a change costs no more than
//! writing its row. The things themselves are shared, not copied.
//!
//! Rows stand in chunks with a lock each: a pass holds one chunk at a time, so that writers wait for microseconds. A row
//! keeps its place while its thing is there, so a pass meets each thing at most once, and each that is there throughout.

mod chunk;
mod groups;
mod page;
mod reach;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;
use parking_lot::{Mutex, RwLock};

use self::chunk::{CHUNK_ROWS, Chunk, Mark};
use self::groups::Groups;
pub use self::page::{Page, Paging, Selection, SortBy, SortKey};
pub use self::reach::{AnyOf, Reach, Within};
use crate::domain::ids::{EntityKey, Lsn, Name, TenantNumber};

/// Something that lists show.
pub trait Listed: Send + Sync + 'static {
    /// The numbers (and times) that it can be sorted by.
    const NUMBERS: &'static [&'static str];
    /// Texts of which there are few: it can be sorted and filtered by them.
    const FACETS: &'static [&'static str];
    /// Names of which there are many: it can be filtered by them.
    const NAMES: &'static [&'static str];
    /// How some stand under others, if they do.
    const GROUPING: Option<Grouping> = None;

    /// What tells it from all others of its tenant.
    fn id(&self) -> &Name;
    /// Whether it is over: the longest over are forgotten.
    fn is_over(&self) -> bool;
    /// The value of `NUMBERS[at]`; `None` if unknown.
    fn number(&self, at: usize) -> Option<f64>;
    /// Which of `NUMBERS` stands in for `NUMBERS[at]` where that is unknown, in a list that is ranked.
    fn stand_in(_at: usize) -> Option<usize> {
        None
    }
    /// The value of `FACETS[at]`.
    fn facet(&self, at: usize) -> &str;
    /// The value of `NAMES[at]`; `None` if it does not apply.
    fn name(&self, at: usize) -> Option<&str>;
}

/// Which of [`Listed::NAMES`] say what stands under what: a member has the name that a cause has for its members.
#[derive(Clone, Copy, Debug)]
pub struct Grouping {
    /// Where a member names its group.
    pub member: usize,
    /// Where a cause names the group that it is the cause of.
    pub cause: usize,
}

/// A thing with the record that last changed it.
#[derive(Debug)]
pub struct Entry<T> {
    pub item: Arc<T>,
    pub lsn: Lsn,
    /// Whose it is: who decides about it.
    pub entity: Arc<EntityKey>,
}

/// All that are not over, and the last ones that are, of all tenants.
pub struct Summary<T> {
    over_max: usize,
    tenants: RwLock<HashMap<TenantNumber, Arc<Table<T>>>>,
}

/// Those of one tenant.
struct Table<T> {
    places: Mutex<Places>,
    /// The values of each facet by code: only ever added to, since they are few.
    facets: RwLock<Vec<Vec<Name>>>,
    chunks: RwLock<Vec<Arc<RwLock<Chunk<T>>>>>,
}

/// Which row is whose.
#[derive(Default)]
struct Places {
    by_id: HashMap<Name, u32, FixedState>,
    free: Vec<u32>,
    /// Rows ever used.
    rows: u32,
    /// Those that are over, by the record that last changed them.
    over: BTreeSet<(Lsn, Name)>,
    groups: Groups,
}

impl<T: Listed> Summary<T> {
    /// Keeps at most `over_max` of those that are over a tenant; the journal has them all.
    pub fn new(over_max: usize) -> Summary<T> {
        Summary { over_max, tenants: RwLock::default() }
    }

    /// Puts a thing in as it is after the record `lsn`, unless a later record has changed it already. Gives back what was
    /// forgotten for it.
    pub fn upsert(
        &self,
        tenant: TenantNumber,
        entity: &Arc<EntityKey>,
        item: impl Into<Arc<T>>,
        lsn: Lsn,
    ) -> Vec<Arc<Entry<T>>> {
        let known = self.tenants.read().get(&tenant).cloned();
        let table = known.unwrap_or_else(|| self.tenants.write().entry(tenant).or_default().clone());
        table.upsert(Entry { item: item.into(), lsn, entity: entity.clone() }, self.over_max)
    }

    /// One thing.
    pub fn get(&self, tenant: TenantNumber, id: &str) -> Option<Arc<Entry<T>>> {
        let table = self.table(tenant)?;
        let row = *table.places.lock().by_id.get(id)?;
        // Its row may have been given to another one meanwhile.
        table.entry(row).filter(|entry| entry.item.id() == id)
    }

    /// All that pass `wanted`, in no order; those that are over only if asked for.
    pub fn select(
        &self,
        tenant: TenantNumber,
        with_over: bool,
        mut wanted: impl FnMut(&Entry<T>) -> bool,
    ) -> Vec<Arc<Entry<T>>> {
        let mut found = Vec::new();
        let Some(table) = self.table(tenant) else { return found };
        for chunk in table.chunks() {
            let chunk = chunk.read();
            let entries = chunk.entries(with_over).filter(|entry| wanted(entry));
            found.extend(entries.cloned());
        }
        found
    }

    /// A page of those that pass a selection and that the reader `sees`, sorted; ties by id.
    pub fn page(
        &self,
        tenant: TenantNumber,
        selection: &Selection<'_>,
        paging: &Paging<'_>,
        sees: impl FnMut(&T) -> bool,
    ) -> Page<T> {
        self.page_within(tenant, selection, paging, Within::new(|_| Reach::default()), sees)
    }

    /// The same for a reader who may see little.
    pub fn page_within(
        &self,
        tenant: TenantNumber,
        selection: &Selection<'_>,
        paging: &Paging<'_>,
        within: Within<impl FnOnce(usize) -> Reach>,
        sees: impl FnMut(&T) -> bool,
    ) -> Page<T> {
        match self.table(tenant) {
            Some(table) => {
                let facets = table.facets.read().clone();
                let bereft =
                    if selection.top_only { table.places.lock().groups.bereft() } else { Arc::default() };
                let rows = page::Rows { chunks: &table.chunks(), facets: &facets, bereft: &bereft };
                page::page(rows, selection, paging, within, sees)
            }
            None => Page::default(),
        }
    }

    /// How many are not over, over all tenants.
    pub fn open_count(&self) -> usize {
        let tables: Vec<Arc<Table<T>>> = self.tenants.read().values().cloned().collect();
        let open = |table: &Arc<Table<T>>| {
            let places = table.places.lock();
            places.by_id.len() - places.over.len()
        };
        tables.iter().map(open).sum()
    }

    /// All things of all tenants, in the order of the records that last changed them.
    pub fn image(&self) -> Vec<(TenantNumber, Arc<Entry<T>>)> {
        let tenants: Vec<TenantNumber> = self.tenants.read().keys().copied().collect();
        let all = |tenant| self.select(tenant, true, |_| true).into_iter().map(move |entry| (tenant, entry));
        let mut image: Vec<_> = tenants.into_iter().flat_map(all).collect();
        image.sort_unstable_by(|(tenant, a), (other, b)| {
            (a.lsn, tenant, a.item.id()).cmp(&(b.lsn, other, b.item.id()))
        });
        image
    }

    fn table(&self, tenant: TenantNumber) -> Option<Arc<Table<T>>> {
        self.tenants.read().get(&tenant).cloned()
    }
}

impl<T: Listed> Default for Table<T> {
    fn default() -> Table<T> {
        Table {
            places: Mutex::default(),
            facets: RwLock::new(vec![Vec::new(); T::FACETS.len()]),
            chunks: RwLock::default(),
        }
    }
}

impl<T: Listed> Table<T> {
    fn chunks(&self) -> Vec<Arc<RwLock<Chunk<T>>>> {
        self.chunks.read().clone()
    }

    /// The chunk of a row, and the row's place in it.
    fn chunk_of(&self, row: u32) -> Option<(Arc<RwLock<Chunk<T>>>, usize)> {
        let row = row as usize;
        self.chunks.read().get(row / CHUNK_ROWS).map(|chunk| (chunk.clone(), row % CHUNK_ROWS))
    }

    fn upsert(&self, entry: Entry<T>, over_max: usize) -> Vec<Arc<Entry<T>>> {
        let facets: Vec<u32> =
            (0..T::FACETS.len()).map(|facet| self.facet_code(facet, entry.item.facet(facet))).collect();
        let (is_over, lsn) = (entry.item.is_over(), entry.lsn);
        // Held to the end, so that of two changes of one thing the one that came later stays.
        let mut places = self.places.lock();
        let id = entry.item.id();
        let row = match places.by_id.get(id).copied() {
            Some(row) => {
                if let Some(known) = self.entry(row) {
                    if known.lsn > lsn {
                        return Vec::new();
                    }
                    places.over.remove(&(known.lsn, id.clone()));
                    if !known.item.is_over() {
                        places.groups.leave(&*known.item);
                    }
                }
                row
            }
            None => {
                let row = places.new_row();
                places.by_id.insert(id.clone(), row);
                row
            }
        };
        if is_over {
            places.over.insert((lsn, id.clone()));
        } else {
            places.groups.join(&*entry.item);
        }
        if row as usize / CHUNK_ROWS >= self.chunks.read().len() {
            self.chunks.write().push(Arc::default());
        }
        if let Some((chunk, at)) = self.chunk_of(row) {
            let mark = if is_over { Mark::Over } else { Mark::Open };
            chunk.write().put(at, mark, &facets, Arc::new(entry));
        }
        self.forget(&mut places, over_max)
    }

    /// Lets go of those that have been over for longest, and gives them back.
    fn forget(&self, places: &mut Places, over_max: usize) -> Vec<Arc<Entry<T>>> {
        let mut forgotten = Vec::new();
        while places.over.len() > over_max
            && let Some((_, oldest)) = places.over.pop_first()
        {
            if let Some(row) = places.by_id.remove(&oldest) {
                if let Some((chunk, at)) = self.chunk_of(row) {
                    let mut chunk = chunk.write();
                    forgotten.extend(chunk.entry(at).cloned());
                    chunk.clear(at);
                }
                places.free.push(row);
            }
        }
        forgotten
    }

    fn entry(&self, row: u32) -> Option<Arc<Entry<T>>> {
        let (chunk, at) = self.chunk_of(row)?;
        chunk.read().entry(at).cloned()
    }

    fn facet_code(&self, facet: usize, value: &str) -> u32 {
        let find = |values: &[Name]| values.iter().position(|known| known == value);
        let known = find(&self.facets.read()[facet]);
        let code = known.unwrap_or_else(|| {
            let mut facets = self.facets.write();
            find(&facets[facet]).unwrap_or_else(|| {
                facets[facet].push(Name::from(value));
                facets[facet].len() - 1
            })
        });
        code as u32
    }
}

impl Places {
    fn new_row(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.rows += 1;
            self.rows - 1
        })
    }
}
