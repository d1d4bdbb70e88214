//! Images of the summaries and of idempotency keys, taken after the states of all entities.
//!
//! A replay then brings changes that they have already; an older one never takes the place of a newer one.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::entries::{EntryWriter, each, kind_of};
use super::{ImageError, Section, Source};
use crate::domain::approval_case::CaseItem;
use crate::domain::exception::ExceptionItem;
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::runtime::commands::{IdempotencyKeys, StoredKey};
use crate::runtime::directory::Directory;
use crate::runtime::summaries::{Cases, Exceptions};
use crate::runtime::summary::{Entry, Listed};

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
struct Stored<T> {
    tenant: TenantNumber,
    entity: EntityKey,
    lsn: Lsn,
    item: T,
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
    write_items(EXCEPTION, exceptions.image(), &mut entries)?;
    write_items(CASE, cases.summary().image(), &mut entries)?;
    keys.store(|key| entries.push(IDEMPOTENCY_KEY, &key))?;
    entries.finish()
}

fn write_items<T: Listed + Serialize, E: From<ImageError>>(
    kind: u8,
    items: Vec<(TenantNumber, Arc<Entry<T>>)>,
    entries: &mut EntryWriter<'_, impl FnMut(Section, &[u8]) -> Result<(), E>>,
) -> Result<(), E> {
    for (tenant, entry) in items {
        let Entry { item, lsn, entity } = &*entry;
        entries.push(kind, &Storing { tenant, entity, lsn: *lsn, item: &**item })?;
    }
    Ok(())
}

/// Puts everything back; the entities are in `directory` by then.
///
/// # Errors
/// [`ImageError`]
pub fn restore(
    directory: &Directory,
    exceptions: &Exceptions,
    cases: &Cases,
    keys: &IdempotencyKeys,
    source: &impl Source,
) -> Result<(), ImageError> {
    // An entity that is made by the replay is not there yet.
    let shared = |key: EntityKey| directory.shared_key(&key).unwrap_or_else(|| Arc::new(key));
    for entry in source.entries(Section::Summaries) {
        let entry = entry?;
        match kind_of(&entry)? {
            (EXCEPTION, values) => each(values, |stored: Stored<ExceptionItem>| {
                exceptions.upsert(stored.tenant, &shared(stored.entity), stored.item, stored.lsn);
                Ok(())
            })?,
            (CASE, values) => each(values, |stored: Stored<CaseItem>| {
                cases.upsert(stored.tenant, &shared(stored.entity), stored.item, stored.lsn);
                Ok(())
            })?,
            (IDEMPOTENCY_KEY, values) => each(values, |stored: StoredKey| {
                keys.restore(stored);
                Ok(())
            })?,
            (kind, _) => return Err(ImageError::Inconsistent(format!("an entry has kind {kind}"))),
        }
    }
    Ok(())
}
