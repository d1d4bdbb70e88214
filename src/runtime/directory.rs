//! Where each entity lives. Written by the dispatcher alone, read by everyone.

use std::collections::BTreeSet;
use std::hash::BuildHasher;
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

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
/// The hash map answers single look-ups on the path of every event; the ordered set answers lists, page by page. Both
/// share their keys with the entities: a key stands in memory once.
pub struct Directory {
    shards: u16,
    hash: FixedState,
    by_key: DashMap<Arc<EntityKey>, Address, FixedState>,
    len: AtomicUsize,
    ordered: RwLock<BTreeSet<Arc<EntityKey>>>,
}

/// A key behind its two counts.
const KEY_BYTES: usize = size_of::<EntityKey>() + 2 * size_of::<usize>();
/// A place of the map, of which 7 in 8 are used at most, with its control byte.
const PLACE_BYTES: usize = size_of::<(Arc<EntityKey>, Address)>() + 1;
/// What the ordered set takes for each key: nodes with room for 11 pointers are, on average, little more than half full where
/// keys come in order, and more than that where they do not.
const ORDERED_BYTES: usize = 18;

/// Parts of the map, each with a lock of its own: readers do not wait for the dispatcher, and a part that grows stops nobody
/// for long, at millions of entities neither.
const PARTS: usize = 1_024;

impl Directory {
    /// An empty directory over that many shards.
    pub fn new(shards: u16) -> Directory {
        Directory {
            shards,
            hash: FixedState::default(),
            by_key: DashMap::with_hasher_and_shard_amount(FixedState::default(), PARTS),
            len: AtomicUsize::new(0),
            ordered: RwLock::default(),
        }
    }

    /// Where that entity lives, if it does.
    pub fn find(&self, key: &EntityKey) -> Option<Address> {
        self.by_key.get(key).map(|address| *address)
    }

    /// Entities in all.
    pub fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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
        self.insert_by_hash(key.clone(), address);
        self.ordered.write().insert(key);
    }

    fn insert_by_hash(&self, key: Arc<EntityKey>, address: Address) {
        if self.by_key.insert(key, address).is_none() {
            self.len.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Fills an empty directory: all keys in order take less time than one by one.
    pub(super) fn fill(&self, entities: &[(Arc<EntityKey>, Address)]) {
        entities.iter().for_each(|(key, address)| self.insert_by_hash(key.clone(), *address));
        let ordered = entities.iter().map(|(key, _)| key.clone()).collect();
        *self.ordered.write() = ordered;
    }

    /// Memory of the keys, which the entities share, and of the tables; without names of more than 24 bytes, which stand
    /// elsewhere, and without what the allocator adds.
    pub fn bytes(&self) -> usize {
        let map = self.by_key.capacity() * 8 / 7 * PLACE_BYTES;
        let keys = self.len() * KEY_BYTES;
        map + keys + self.len() * ORDERED_BYTES
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

    /// Every entity of every tenant, in order.
    #[cfg(test)]
    pub fn everyone(&self) -> Vec<(EntityKey, Address)> {
        let ordered = self.ordered.read();
        ordered.iter().filter_map(|key| self.find(key).map(|address| ((**key).clone(), address))).collect()
    }

    /// Whether a thing is a subject already.
    pub fn find_subject(&self, tenant: TenantNumber, subject: SubjectKind, id: &Name) -> Option<Address> {
        self.find(&EntityKey::Subject { tenant, subject, id: id.clone() })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const TENANT: TenantNumber = TenantNumber(3);

    fn place(sku: &str, location: &str) -> EntityKey {
        EntityKey::SkuLocation { tenant: TENANT, sku: sku.into(), location: location.into() }
    }

    fn at(slot: u32) -> Address {
        Address { shard: 0, slot }
    }

    fn filled(entities: u32) -> Directory {
        let directory = Directory::new(2);
        for n in 0..entities {
            let key = place(&format!("B{:06}", n / 100), &format!("L{:03}", n % 100));
            directory.insert(Arc::new(key), at(n));
        }
        directory
    }

    #[test]
    fn a_key_stands_in_memory_once() {
        let directory = Directory::new(1);
        let key = Arc::new(place("a", "b"));
        directory.insert(key.clone(), at(7));
        assert!(Arc::ptr_eq(directory.by_key.get(&key).unwrap().key(), &key));
        assert!(Arc::ptr_eq(directory.ordered.read().first().unwrap(), &key));
    }

    #[test]
    fn an_entity_takes_less_than_170_bytes_at_any_size() {
        for entities in [50_000, 100_000, 130_000, 200_000] {
            let bytes = filled(entities).bytes() / entities as usize;
            assert!((110..170).contains(&bytes), "{bytes} of {entities}");
        }
    }

    #[test]
    fn the_estimate_of_a_node_is_what_an_ordered_tree_takes() {
        // A leaf of the standard library's tree: 11 pointers, one to the parent, and two short numbers. Keys that come in
        // order leave six in each.
        let leaf = 11 * size_of::<Arc<EntityKey>>() + size_of::<usize>() + 2 * size_of::<u16>();
        assert!((leaf / 11..=leaf / 5).contains(&ORDERED_BYTES), "{leaf}");
    }

    #[test]
    fn readers_find_what_is_there_while_more_comes() {
        let directory = Directory::new(2);
        let key = |n: u32| place(&format!("s{n}"), "l");
        std::thread::scope(|scope| {
            scope.spawn(|| (0..20_000).for_each(|n| directory.insert(Arc::new(key(n)), at(n))));
            scope.spawn(|| {
                let mut known = 0;
                while known < 20_000 {
                    // Whatever was found once stays.
                    match directory.find(&key(known)) {
                        Some(address) => {
                            assert_eq!(address, at(known));
                            known += 1;
                        }
                        None => std::thread::yield_now(),
                    }
                }
            });
        });
        assert_eq!(directory.len(), 20_000);
    }

    fn any_key() -> impl Strategy<Value = EntityKey> {
        let name = "[a-c]{1,2}";
        let names = (name, name).prop_map(|(a, b)| (Name::from(a), Name::from(b)));
        (names, 0_u16..3, 0_u8..4).prop_map(|((a, b), tenant, kind)| {
            let tenant = TenantNumber(tenant);
            match kind {
                0 | 1 => EntityKey::SkuLocation { tenant, sku: a, location: b },
                2 => EntityKey::Supplier { tenant, supplier: a },
                _ => EntityKey::Subject { tenant, subject: SubjectKind::Item, id: a },
            }
        })
    }

    proptest! {
        /// However it was filled, it is a map in the order of keys.
        #[test]
        fn it_is_an_ordered_map(keys in proptest::collection::vec(any_key(), 0..300), is_filled: bool) {
            let mut model: BTreeMap<EntityKey, Address> = BTreeMap::new();
            let mut entities: Vec<(Arc<EntityKey>, Address)> = Vec::new();
            for key in keys {
                let address = at(entities.len() as u32);
                if !model.contains_key(&key) {
                    model.insert(key.clone(), address);
                    entities.push((Arc::new(key), address));
                }
            }
            let directory = Directory::new(2);
            if is_filled {
                directory.fill(&entities);
            } else {
                entities.iter().for_each(|(key, address)| directory.insert(key.clone(), *address));
            }
            prop_assert_eq!(directory.len(), model.len());
            prop_assert_eq!(directory.is_empty(), model.is_empty());
            for (key, address) in &model {
                prop_assert_eq!(directory.find(key), Some(*address));
            }
            prop_assert_eq!(directory.find(&place("none", "such")), None);

            let tenant = TenantNumber(1);
            let places = directory.sku_locations_after(tenant, Some(("a", "b")), 7);
            let expected: Vec<(EntityKey, Address)> = model
                .iter()
                .filter(|(key, _)| matches!(key, EntityKey::SkuLocation { tenant: TenantNumber(1), sku, location }
                    if (sku.as_str(), location.as_str()) > ("a", "b")))
                .map(|(key, address)| (key.clone(), *address))
                .take(7)
                .collect();
            prop_assert_eq!(places, expected);

            let of_item: Vec<Address> = model
                .iter()
                .filter(|(key, _)| matches!(key, EntityKey::SkuLocation { tenant: TenantNumber(1), sku, .. } if sku == "ab"))
                .map(|(_, address)| *address)
                .collect();
            prop_assert_eq!(directory.locations_of(tenant, &"ab".into()), of_item);
        }
    }
}
