//! Reading an image into a new fold.

use std::sync::Arc;

use parking_lot::RwLock;

use super::entries::{each, kind_of, read_large};
use super::stored::{
    Kind, Ordinal, StoredAction, StoredAside, StoredCounted, StoredDocument, StoredEntity, StoredHeld,
    StoredNames, StoredSource, StoredSupplied, StoredTenantFeeds, Totals,
};
use super::{ImageError, Section, Source};
use crate::domain::ids::{EntityKey, Lsn};
use crate::runtime::directory::{Address, Directory};
use crate::runtime::documents::{Addresses, Aside, Document, Line};
use crate::runtime::feeds::{Feed, Untold};
use crate::runtime::fold::{Fold, KnownAction};
use crate::runtime::pieces::hash_of;
use crate::runtime::quarantine::Quarantine;
use crate::runtime::revisions::NoOps;

/// Where the entities of an image are now.
pub struct AddressMap {
    /// By shard and slot as they were.
    shards: Vec<Vec<(Address, Arc<EntityKey>)>>,
}

impl AddressMap {
    /// Where the entity that was there is now.
    pub fn get(&self, was: Address) -> Option<Address> {
        self.find(was).map(|(is, _)| *is)
    }

    /// The key of the entity that was there.
    pub fn key(&self, was: Address) -> Option<&Arc<EntityKey>> {
        self.find(was).map(|(_, key)| key)
    }

    /// Where those entities were that are wanted.
    pub fn find_all(&self, is_wanted: impl Fn(&EntityKey) -> bool) -> Vec<(Address, Arc<EntityKey>)> {
        let mut found = Vec::new();
        for (shard, entities) in self.shards.iter().enumerate() {
            for (slot, (_, key)) in entities.iter().enumerate().filter(|(_, (_, key))| is_wanted(key)) {
                found.push((Address { shard: shard as u16, slot: slot as u32 }, key.clone()));
            }
        }
        found
    }

    fn find(&self, was: Address) -> Option<&(Address, Arc<EntityKey>)> {
        self.shards.get(usize::from(was.shard))?.get(was.slot as usize)
    }
}

/// The addresses of entities in the order of their creation.
struct Order(Vec<(Arc<EntityKey>, Address)>);

impl Order {
    fn of(&self, ordinal: Ordinal) -> Result<Address, ImageError> {
        let known = self.0.get(ordinal as usize).map(|(_, address)| *address);
        known.ok_or_else(|| ImageError::Inconsistent(format!("there is no entity {ordinal}")))
    }

    fn all(&self, ordinals: &[Ordinal]) -> Result<Addresses, ImageError> {
        ordinals.iter().map(|ordinal| self.of(*ordinal)).collect()
    }
}

impl Fold {
    /// The fold of an image, over `shards`; directory and quarantine are filled, and have to be empty before. Also says
    /// where the entities are that were elsewhere.
    ///
    /// # Errors
    /// [`ImageError`]; then what was given is of no use.
    pub fn restore(
        shards: u16,
        directory: Arc<Directory>,
        quarantine: Arc<RwLock<Quarantine>>,
        source: &impl Source,
    ) -> Result<(Fold, AddressMap), ImageError> {
        let mut fold = Fold::new(shards, directory.clone(), quarantine);
        let mut map = AddressMap { shards: Vec::new() };
        let mut order = Order(Vec::new());
        for entry in source.entries(Section::Keys) {
            each(kind_of(&entry?)?.1, |stored: StoredEntity| {
                let key = Arc::new(stored.key.0);
                let address = fold.settle(&key);
                let shard = usize::from(stored.shard);
                if map.shards.len() <= shard {
                    map.shards.resize_with(shard + 1, Vec::new);
                }
                map.shards[shard].push((address, key.clone()));
                order.0.push((key, address));
                Ok(())
            })?;
        }
        std::thread::scope(|scope| {
            scope.spawn(|| directory.fill(&order.0));
            fold.reference = read_large(source.entries(Section::Reference))?;
            fold.follow_settings();
            let mut rest =
                Rest { fold: &mut fold, order: &order, no_ops: Vec::new(), no_ops_forgotten: Lsn::ZERO };
            for entry in source.entries(Section::Fold) {
                rest.take(&entry?)?;
            }
            let Rest { no_ops, no_ops_forgotten, .. } = rest;
            fold.revisions.no_ops = NoOps::from_parts(no_ops, no_ops_forgotten);
            Ok::<(), ImageError>(())
        })?;
        Ok((fold, map))
    }
}

/// A fold that is being filled.
struct Rest<'r> {
    fold: &'r mut Fold,
    order: &'r Order,
    no_ops: Vec<Lsn>,
    no_ops_forgotten: Lsn,
}

impl Rest<'_> {
    fn take(&mut self, entry: &[u8]) -> Result<(), ImageError> {
        let (number, values) = kind_of(entry)?;
        let kind = Kind::of(number)?;
        match kind {
            Kind::Totals => each(values, |totals| self.totals(&totals)),
            Kind::NewerDocument | Kind::OlderDocument => {
                each(values, |stored| self.document(kind == Kind::NewerDocument, stored))
            }
            Kind::DocumentNames => each(values, |stored: StoredNames| {
                self.fold.documents.restore_names(stored.tenant, stored.kind, stored.names);
                Ok(())
            }),
            Kind::NewerAction | Kind::OlderAction => {
                each(values, |stored| self.action(kind == Kind::NewerAction, stored))
            }
            Kind::Supplied => each(values, |stored| self.supplied(&stored)),
            Kind::Held => each(values, |stored: StoredHeld| {
                self.fold.holding.restore(stored.record.restored(), stored.awaited);
                Ok(())
            }),
            Kind::TenantFeeds => each(values, |stored: StoredTenantFeeds| {
                let feeds = self.fold.feeds.of(stored.tenant);
                feeds.minute = stored.minute;
                feeds.waiting = stored.waiting;
                Ok(())
            }),
            Kind::Source => each(values, |stored| self.source(stored)),
            Kind::NewerCountedSource | Kind::OlderCountedSource => each(values, |stored: StoredCounted| {
                let counted = &mut self.fold.feeds.of(stored.tenant).counted;
                counted.restore(kind == Kind::NewerCountedSource, stored.source, stored.counted);
                Ok(())
            }),
            Kind::Revision => each(values, |(entity, revision): (Ordinal, u64)| {
                *self.fold.revisions.last.get_or_default(&self.order.of(entity)?) = revision;
                Ok(())
            }),
            Kind::NoOp => each(values, |lsn| {
                self.no_ops.push(lsn);
                Ok(())
            }),
            Kind::Quarantined => each(values, |entry| {
                self.fold.quarantine.write().restore(entry);
                Ok(())
            }),
        }
    }

    fn totals(&mut self, totals: &Totals) -> Result<(), ImageError> {
        self.fold.documents.restore_forgotten(totals.documents_forgotten);
        self.fold.feeds.refused = totals.feeds_refused;
        self.fold.entities_refused = totals.entities_refused;
        self.no_ops_forgotten = totals.no_ops_forgotten;
        let mut quarantine = self.fold.quarantine.write();
        quarantine.restore_counts(totals.quarantine_added, totals.quarantine_overflowed);
        Ok(())
    }

    fn document(&mut self, is_newer: bool, stored: StoredDocument) -> Result<(), ImageError> {
        let hash = u128::from(stored.hash.0) << 64 | u128::from(stored.hash.1);
        let mut document = Document::default();
        for line in stored.lines {
            let addresses = self.order.all(&line.whom)?;
            document.lines.push(Line { line_id: line.id, addresses, placed_at: line.placed_at });
        }
        if let Some(StoredAside { suppliers, carried_for, ended, followers }) = stored.aside {
            document.aside = Some(Box::new(Aside {
                suppliers: self.order.all(&suppliers)?,
                carried_for: self.order.all(&carried_for)?,
                ended: ended.map(|ended| ended.restored()),
                followers: self.order.all(&followers)?,
            }));
        }
        self.fold.documents.restore(is_newer, hash, document);
        Ok(())
    }

    fn action(&mut self, is_newer: bool, stored: StoredAction) -> Result<(), ImageError> {
        let case = stored.case.map(|case| self.order.of(case)).transpose()?;
        let known = KnownAction { case, whom: self.order.all(&stored.whom)? };
        self.fold.actions.restore(is_newer, (stored.tenant, stored.id), known);
        Ok(())
    }

    fn supplied(&mut self, stored: &StoredSupplied) -> Result<(), ImageError> {
        let supplier = self.order.of(stored.supplier)?;
        let supplied = self.fold.supplied_by.get_or_default(&supplier);
        for place in &stored.places {
            let place = self.order.of(*place)?;
            supplied.insert_new(hash_of(&place), place, ());
        }
        Ok(())
    }

    fn source(&mut self, stored: StoredSource) -> Result<(), ImageError> {
        let address = self.order.of(stored.entity)?;
        let untold = stored.untold.map(|untold| Untold {
            events: untold.events,
            demand: untold.demand,
            last: untold.last.restored(),
            last_demand: untold.last_demand,
            begun: untold.begun,
        });
        let feeds = self.fold.feeds.of(stored.tenant);
        feeds.by_source.insert(stored.source, feeds.feeds.len());
        feeds.feeds.push(Feed { address, told: stored.told, untold });
        Ok(())
    }
}
