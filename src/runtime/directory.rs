//! Where each entity lives. Written by the dispatcher alone, read by everyone.

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::ops::Bound;
use std::sync::Arc;

use dashmap::DashMap;
use foldhash::fast::FixedState;
use parking_lot::RwLock;

use crate::domain::ids::{EntityKey, Name, SubjectKind, TenantNumber};

/// An entity's place: its shard, and its slot there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    pub shard: u16,
    pub slot: u32,
}

/// All entities by key.
///
/// The hash map answers single look-ups on the path of every event; the ordered set answers lists, page by page,
/// and shares its keys with the entities.
pub struct Directory {
    shards: u16,
    hash: FixedState,
    by_key: DashMap<EntityKey, Address, FixedState>,
    ordered: RwLock<BTreeSet<Arc<EntityKey>>>,
}

/// DashMap's own default on two cores is 8 locks: too few for the readers beside the dispatcher.
const MAP_SHARDS: usize = 64;

impl Directory {
    /// An empty directory over that many shards.
    pub fn new(shards: u16) -> Directory {
        let hash = FixedState::default();
        Directory {
            shards,
            hash,
            by_key: DashMap::with_hasher_and_shard_amount(FixedState::default(), MAP_SHARDS),
            ordered: RwLock::default(),
        }
    }

    /// Where that entity lives, if it does.
    pub fn find(&self, key: &EntityKey) -> Option<Address> {
        self.by_key.get(key).map(|address| *address)
    }

    /// Entities in all.
    pub fn len(&self) -> usize {
        self.by_key.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_key.is_empty()
    }

    /// Which shard a key belongs to: SKU-locations by (tenant, sku), so that what moves together lives together.
    pub fn shard_of(&self, key: &EntityKey) -> u16 {
        let hash = match key {
            EntityKey::SkuLocation { tenant, sku, .. } => self.hash.hash_one((0u8, tenant, sku)),
            EntityKey::Supplier { tenant, supplier } => self.hash.hash_one((1u8, tenant, supplier)),
            EntityKey::Subject { tenant, subject, id } => self.hash.hash_one((2u8, tenant, subject, id)),
            EntityKey::ApprovalCase { tenant, case } => self.hash.hash_one((3u8, tenant, case)),
        };
        (hash % u64::from(self.shards)) as u16
    }

    pub(super) fn insert(&self, key: Arc<EntityKey>, address: Address) {
        self.by_key.insert((*key).clone(), address);
        self.ordered.write().insert(key);
    }

    /// Fills an empty directory, with two threads.
    pub(super) fn fill(&self, entities: &[(Arc<EntityKey>, Address)]) {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let ordered = entities.iter().map(|(key, _)| key.clone()).collect();
                *self.ordered.write() = ordered;
            });
            for (key, address) in entities {
                self.by_key.insert((**key).clone(), *address);
            }
        });
    }

    /// The key that is shared with the entity.
    pub(super) fn shared_key(&self, key: &EntityKey) -> Option<Arc<EntityKey>> {
        self.ordered.read().get(key).cloned()
    }

    /// Up to `limit` keys after `start`, as long as they are `wanted`.
    fn keys_after(
        &self,
        start: &EntityKey,
        limit: usize,
        wanted: impl Fn(&EntityKey) -> bool,
    ) -> Vec<(EntityKey, Address)> {
        let ordered = self.ordered.read();
        ordered
            .range::<EntityKey, _>((Bound::Excluded(start), Bound::Unbounded))
            .take_while(|key| wanted(key))
            .take(limit)
            .filter_map(|key| self.find(key).map(|address| ((**key).clone(), address)))
            .collect()
    }

    /// Up to `limit` SKU-locations of a tenant after that one, in the order of SKU and location.
    pub fn sku_locations_after(
        &self,
        tenant: TenantNumber,
        after: Option<(&str, &str)>,
        limit: usize,
    ) -> Vec<(EntityKey, Address)> {
        let (sku, location) = after.unwrap_or(("", ""));
        let start = EntityKey::SkuLocation { tenant, sku: Name::from(sku), location: Name::from(location) };
        self.keys_after(
            &start,
            limit,
            |key| matches!(key, EntityKey::SkuLocation { tenant: t, .. } if *t == tenant),
        )
    }

    /// Up to `limit` suppliers of a tenant after that one, in order.
    pub fn suppliers_after(
        &self,
        tenant: TenantNumber,
        after: &str,
        limit: usize,
    ) -> Vec<(EntityKey, Address)> {
        let start = EntityKey::Supplier { tenant, supplier: Name::from(after) };
        self.keys_after(
            &start,
            limit,
            |key| matches!(key, EntityKey::Supplier { tenant: t, .. } if *t == tenant),
        )
    }

    /// Every SKU-location of one item.
    pub fn locations_of(&self, tenant: TenantNumber, sku: &Name) -> Vec<Address> {
        let start = EntityKey::SkuLocation { tenant, sku: sku.clone(), location: Name::default() };
        let of_item = |key: &EntityKey| matches!(key, EntityKey::SkuLocation { tenant: t, sku: s, .. } if *t == tenant && s == sku);
        self.keys_after(&start, usize::MAX, of_item).into_iter().map(|(_, address)| address).collect()
    }

    /// Whether a thing is a subject already.
    pub fn find_subject(&self, tenant: TenantNumber, subject: SubjectKind, id: &Name) -> Option<Address> {
        self.find(&EntityKey::Subject { tenant, subject, id: id.clone() })
    }
}
