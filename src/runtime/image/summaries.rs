//! Images of the summaries and of idempotency keys, taken after the states of all entities.
//!
//! A replay then brings changes that they have already; an older one never takes the place of a newer one.

use std::iter::Enumerate;
use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Deserializer, Serialize};

use super::entries::{EntryWriter, each, kind_of};
use super::{EntryIterator, ImageError, Section, Source};
use crate::domain::approval_case::CaseItem;
use crate::domain::exception::ExceptionItem;
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::runtime::commands::{IdempotencyKeys, StoredKey};
use crate::runtime::summaries::{Cases, Exceptions};
use crate::runtime::summary::Entry;

// What the values of an entry are. The numbers are part of the format.
const EXCEPTION: u8 = 1;
const CASE: u8 = 2;
const IDEMPOTENCY_KEY: u8 = 3;

#[derive(Serialize)]
struct Storing<'s, T> {
    tenant: TenantNumber,
    entity: &'s EntityKey,
    lsn: Lsn,
    item: &'s T,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
struct Stored<T> {
    tenant: TenantNumber,
    #[serde(deserialize_with = "shared")]
    entity: Arc<EntityKey>,
    lsn: Lsn,
    /// Where it is going to stay: an item has hundreds of bytes, and there may be a million.
    #[serde(deserialize_with = "shared")]
    item: Arc<T>,
}

fn shared<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<T>, D::Error> {
    T::deserialize(deserializer).map(Arc::new)
}

/// Gives everything to `emit` as entries of [`Section::Summaries`].
///
/// # Errors
/// What `emit` fails with, and [`ImageError`] if something can't be written.
pub fn write<E: From<ImageError>>(
    exceptions: &Exceptions,
    cases: &Cases,
    keys: &IdempotencyKeys,
    emit: &mut impl FnMut(Section, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut entries = EntryWriter::new(Section::Summaries, emit);
    for (tenant, entry) in exceptions.image() {
        let Entry { item, lsn, entity } = &*entry;
        entries.push_array(EXCEPTION, &Storing { tenant, entity, lsn: *lsn, item: &**item })?;
    }
    for (tenant, entry) in cases.summary().image() {
        let Entry { item, lsn, entity } = &*entry;
        entries.push(CASE, &Storing { tenant, entity, lsn: *lsn, item: &**item })?;
    }
    keys.store(|key| entries.push(IDEMPOTENCY_KEY, &key))?;
    entries.finish()
}

/// The summaries of a snapshot on their way back: any number of threads help to decode them, as there may be as many
/// exceptions as entities.
pub struct Reading<'s> {
    state: Mutex<State<'s>>,
}

struct State<'s> {
    entries: Enumerate<EntryIterator<'s>>,
    /// Entries that are being decoded.
    in_work: usize,
    /// By number of the entry, in no order.
    decoded: Vec<(usize, Result<Part, ImageError>)>,
    is_given: bool,
}

/// Put back by [`Summaries::restore`].
pub struct Summaries {
    parts: Vec<Part>,
}

/// What stood in one entry.
#[derive(Default)]
struct Part {
    exceptions: Vec<Stored<ExceptionItem>>,
    cases: Vec<Stored<CaseItem>>,
    keys: Vec<StoredKey>,
}

impl<'s> Reading<'s> {
    /// Of those in `source`.
    pub fn of(source: &'s impl Source) -> Reading<'s> {
        let entries = source.entries(Section::Summaries).enumerate();
        Reading { state: Mutex::new(State { entries, in_work: 0, decoded: Vec::new(), is_given: false }) }
    }

    /// Decodes as long as there is anything left. Gives everything to whoever is done with the last of it.
    ///
    /// # Errors
    /// [`ImageError`], of the first entry that can't be read, to the same one.
    pub fn help(&self) -> Result<Option<Summaries>, ImageError> {
        loop {
            let mut state = self.state.lock();
            if let Some((at, entry)) = state.entries.next() {
                state.in_work += 1;
                drop(state);
                let part = entry.and_then(|entry| Part::decode(&entry));
                let mut state = self.state.lock();
                state.in_work -= 1;
                state.decoded.push((at, part));
                continue;
            }
            if state.in_work > 0 || std::mem::replace(&mut state.is_given, true) {
                return Ok(None);
            }
            let mut decoded = std::mem::take(&mut state.decoded);
            // Keys go back in the order in which they were used.
            decoded.sort_unstable_by_key(|(at, _)| *at);
            let parts = decoded.into_iter().map(|(_, part)| part).collect::<Result<_, _>>()?;
            return Ok(Some(Summaries { parts }));
        }
    }
}

impl Part {
    fn decode(entry: &[u8]) -> Result<Part, ImageError> {
        let mut decoded = Part::default();
        match kind_of(entry)? {
            (EXCEPTION, values) => each(values, |stored| {
                decoded.exceptions.push(stored);
                Ok(())
            })?,
            (CASE, values) => each(values, |stored| {
                decoded.cases.push(stored);
                Ok(())
            })?,
            (IDEMPOTENCY_KEY, values) => each(values, |stored| {
                decoded.keys.push(stored);
                Ok(())
            })?,
            (kind, _) => return Err(ImageError::Inconsistent(format!("an entry has kind {kind}"))),
        }
        Ok(decoded)
    }
}

impl Summaries {
    /// Puts everything back. Each has a key of its own until it changes: to look for the one that the entity has takes longer
    /// than all the rest.
    pub fn restore(self, exceptions: &Exceptions, cases: &Cases, idempotency_keys: &IdempotencyKeys) {
        for part in self.parts {
            for Stored { tenant, entity, lsn, item } in part.exceptions {
                exceptions.upsert(tenant, &entity, item, lsn);
            }
            for Stored { tenant, entity, lsn, item } in part.cases {
                cases.upsert(tenant, &entity, item, lsn);
            }
            part.keys.into_iter().for_each(|key| idempotency_keys.restore(key));
        }
    }
}
