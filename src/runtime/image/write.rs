//! Writing an image, off the dispatcher's thread.

use super::entries::{EntryWriter, write_large};
use super::stored::{
    Kind, Ordinal, Ordinals, StoredAction, StoredAside, StoredCounted, StoredDocument, StoredEntity,
    StoredHeld, StoredKey, StoredLine, StoredNames, StoredRecord, StoredSource, StoredSupplied,
    StoredTenantFeeds, StoredUntold, Totals,
};
use super::{FoldImage, ImageError, Section};
use crate::domain::ids::{Name, TenantNumber};
use crate::runtime::directory::Address;
use crate::runtime::documents::{Document, DocumentIndex};
use crate::runtime::feeds::{Feeds, TenantFeeds, Untold};
use crate::runtime::fold::{KnownAction, Supplied};
use crate::runtime::pieces::Pieces;

/// Places that a supplier supplies, in one value.
const PLACES_AT_ONCE: usize = 4_096;

/// The ordinal of each address.
struct Order {
    shards: Vec<Vec<Ordinal>>,
}

impl Order {
    fn of(&self, address: Address) -> Result<Ordinal, ImageError> {
        let shard = self.shards.get(usize::from(address.shard));
        let ordinal = shard.and_then(|shard| shard.get(address.slot as usize)).copied();
        ordinal.ok_or_else(|| ImageError::Inconsistent(format!("nobody is at {address:?}")))
    }

    fn all(&self, addresses: &[Address]) -> Result<Ordinals, ImageError> {
        addresses.iter().map(|address| self.of(*address)).collect()
    }
}

impl FoldImage {
    /// Gives everything to `emit` as entries of their sections, and up as it goes.
    ///
    /// # Errors
    /// What `emit` fails with, and [`ImageError`] if something can't be written.
    pub fn write<E: From<ImageError>>(
        self,
        emit: &mut impl FnMut(Section, &[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut keys = EntryWriter::new(Section::Keys, emit);
        let mut order = Order { shards: vec![Vec::new(); self.next_slots.len()] };
        for (ordinal, key) in self.entities.iter().enumerate() {
            let shard = self.directory.shard_of(key);
            if let Some(shard) = order.shards.get_mut(usize::from(shard)) {
                shard.push(ordinal as Ordinal);
            }
            keys.push(0, &StoredEntity { shard, key: StoredKey((**key).clone()) })?;
        }
        keys.finish()?;
        drop(self.entities);

        write_large(Section::Reference, &self.reference, emit)?;
        drop(self.reference);

        let mut fold = EntryWriter::new(Section::Fold, emit);
        let (_, quarantine_added, quarantine_overflowed) = self.quarantine.usage();
        let (no_ops, no_ops_forgotten) = self.revisions.no_ops.parts();
        let totals = Totals {
            documents_forgotten: self.documents.usage().1,
            feeds_refused: self.feeds.refused,
            entities_refused: self.entities_refused,
            no_ops_forgotten,
            quarantine_added,
            quarantine_overflowed,
        };
        fold.push(Kind::Totals as u8, &totals)?;
        // What changes most is given up first.
        let (newer, older) = self.documents.into_halves();
        for (kind, documents) in [(Kind::NewerDocument, newer), (Kind::OlderDocument, older)] {
            for piece in documents.into_pieces() {
                for (hash, document) in piece.iter() {
                    fold.push(kind as u8, &stored_document(*hash, document, &order)?)?;
                }
            }
        }
        write_names(&self.document_names, &mut fold)?;
        let (newer, older) = self.actions.into_halves();
        for (kind, actions) in [(Kind::NewerAction, newer), (Kind::OlderAction, older)] {
            for piece in actions.into_pieces() {
                for ((tenant, id), action) in piece.iter() {
                    fold.push(kind as u8, &stored_action(*tenant, id.clone(), action, &order)?)?;
                }
            }
        }
        write_supplied(self.supplied_by, &order, &mut fold)?;
        for (_, (record, awaited)) in self.held.iter() {
            let held = StoredHeld { record: StoredRecord::whole(record)?, awaited: awaited.clone() };
            fold.push(Kind::Held as u8, &held)?;
        }
        write_feeds(&self.feeds, &order, &mut fold)?;
        for (entity, revision) in self.revisions.last.iter() {
            fold.push(Kind::Revision as u8, &(order.of(*entity)?, *revision))?;
        }
        for lsn in no_ops {
            fold.push(Kind::NoOp as u8, &lsn)?;
        }
        for entry in self.quarantine.iter() {
            fold.push(Kind::Quarantined as u8, entry)?;
        }
        fold.finish()
    }
}

fn stored_document(hash: u128, document: &Document, order: &Order) -> Result<StoredDocument, ImageError> {
    let line = |line: &crate::runtime::documents::Line| {
        let (id, whom) = (line.line_id.clone(), order.all(&line.addresses)?);
        Ok::<_, ImageError>(StoredLine { id, whom, placed_at: line.placed_at })
    };
    let aside = document.aside.as_deref().map(|aside| {
        Ok::<_, ImageError>(StoredAside {
            suppliers: order.all(&aside.suppliers)?,
            carried_for: order.all(&aside.carried_for)?,
            ended: aside.ended.as_deref().map(StoredRecord::whole).transpose()?,
            followers: order.all(&aside.followers)?,
        })
    });
    Ok(StoredDocument {
        hash: ((hash >> 64) as u64, hash as u64),
        lines: document.lines.iter().map(line).collect::<Result<_, _>>()?,
        aside: aside.transpose()?,
    })
}

fn write_names<E: From<ImageError>>(
    documents: &DocumentIndex,
    fold: &mut EntryWriter<'_, impl FnMut(Section, &[u8]) -> Result<(), E>>,
) -> Result<(), E> {
    for (tenant, kind) in documents.kinds() {
        let mut after: Option<Name> = None;
        loop {
            let names = documents.names_after(tenant, kind, after.as_deref());
            let Some(last) = names.last().cloned() else { break };
            fold.push(Kind::DocumentNames as u8, &StoredNames { tenant, kind, names })?;
            after = Some(last);
        }
    }
    Ok(())
}

fn stored_action(
    tenant: TenantNumber,
    id: Name,
    action: &KnownAction,
    order: &Order,
) -> Result<StoredAction, ImageError> {
    let case = action.case.map(|case| order.of(case)).transpose()?;
    Ok(StoredAction { tenant, id, case, whom: order.all(&action.whom)? })
}

fn write_supplied<E: From<ImageError>>(
    supplied_by: Pieces<Address, Supplied>,
    order: &Order,
    fold: &mut EntryWriter<'_, impl FnMut(Section, &[u8]) -> Result<(), E>>,
) -> Result<(), E> {
    for (supplier, supplied) in supplied_by.iter() {
        let supplier = order.of(*supplier)?;
        let all: Vec<Ordinal> =
            supplied.iter().map(|(place, ())| order.of(*place)).collect::<Result<_, _>>()?;
        for places in all.chunks(PLACES_AT_ONCE) {
            fold.push(Kind::Supplied as u8, &StoredSupplied { supplier, places: places.to_vec() })?;
        }
    }
    Ok(())
}

fn write_feeds<E: From<ImageError>>(
    feeds: &Feeds,
    order: &Order,
    fold: &mut EntryWriter<'_, impl FnMut(Section, &[u8]) -> Result<(), E>>,
) -> Result<(), E> {
    for (number, of_tenant) in feeds.tenants.iter().enumerate() {
        let tenant = TenantNumber(number as u16);
        let TenantFeeds { minute, by_source, feeds, waiting, counted } = &**of_tenant;
        let stored = StoredTenantFeeds { tenant, minute: *minute, waiting: waiting.clone() };
        fold.push(Kind::TenantFeeds as u8, &stored)?;
        let mut sources = vec![Name::default(); feeds.len()];
        for (source, at) in by_source {
            sources[*at] = source.clone();
        }
        for (source, feed) in sources.into_iter().zip(feeds) {
            let untold = feed.untold.as_ref().map(stored_untold);
            let entity = order.of(feed.address)?;
            fold.push(Kind::Source as u8, &StoredSource { tenant, source, entity, told: feed.told, untold })?;
        }
        let (newer, older) = counted.clone().into_halves();
        for (kind, table) in [(Kind::NewerCountedSource, newer), (Kind::OlderCountedSource, older)] {
            for (source, counted) in table.iter() {
                let (source, counted) = (source.clone(), counted.clone());
                fold.push(kind as u8, &StoredCounted { tenant, source, counted })?;
            }
        }
    }
    Ok(())
}

fn stored_untold(untold: &Untold) -> StoredUntold {
    StoredUntold {
        events: untold.events,
        demand: untold.demand,
        last: StoredRecord::envelope(&untold.last),
        last_demand: untold.last_demand.clone(),
        begun: untold.begun,
    }
}
