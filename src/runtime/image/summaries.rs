//! Images of the summaries and of idempotency keys, taken after the states of all entities.
//!
//! A replay then brings changes that they have already; an older one never takes the place of a newer one.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::{Deserialize, Deserializer, Serialize};

use super::entries::{EntryWriter, each, kind_of};
use super::{ImageError, Section, Source};
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

/// Threads that decode them: there may be as many exceptions as entities, and a summary of one takes longer to decode than
/// what it is about takes to be put in its place.
const DECODERS: usize = 2;

/// Put back by [`Summaries::restore`].
#[derive(Default)]
pub struct Summaries {
    exceptions: Vec<Stored<ExceptionItem>>,
    cases: Vec<Stored<CaseItem>>,
    keys: Vec<StoredKey>,
}

impl Summaries {
    /// Reads everything, on several threads.
    ///
    /// # Errors
    /// [`ImageError`], of the first entry that can't be read.
    pub fn read(source: &impl Source) -> Result<Summaries, ImageError> {
        let entries = Mutex::new(source.entries(Section::Summaries).enumerate());
        let mut read: Vec<(usize, Result<Summaries, ImageError>)> = std::thread::scope(|scope| {
            let decode = || {
                let mut decoded = Vec::new();
                loop {
                    let next = entries.lock().next();
                    let Some((at, entry)) = next else { return decoded };
                    decoded.push((at, entry.and_then(|entry| Summaries::decode(&entry))));
                }
            };
            let decoders: Vec<_> = (1..DECODERS).map(|_| scope.spawn(decode)).collect();
            let mut read = decode();
            for decoder in decoders {
                read.extend(decoder.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
            }
            read
        });
        // Keys go back in the order in which they were used.
        read.sort_unstable_by_key(|(at, _)| *at);
        let mut all = Summaries::default();
        for (_, part) in read {
            let Summaries { exceptions, cases, keys } = part?;
            all.exceptions.extend(exceptions);
            all.cases.extend(cases);
            all.keys.extend(keys);
        }
        Ok(all)
    }

    fn decode(entry: &[u8]) -> Result<Summaries, ImageError> {
        let mut decoded = Summaries::default();
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

    /// Puts everything back. Each has a key of its own until it changes: to look for the one that the entity has takes longer
    /// than all the rest.
    pub fn restore(self, exceptions: &Exceptions, cases: &Cases, keys: &IdempotencyKeys) {
        for Stored { tenant, entity, lsn, item } in self.exceptions {
            exceptions.upsert(tenant, &entity, item, lsn);
        }
        for Stored { tenant, entity, lsn, item } in self.cases {
            cases.upsert(tenant, &entity, item, lsn);
        }
        self.keys.into_iter().for_each(|key| keys.restore(key));
    }
}
