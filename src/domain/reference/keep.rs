//! How reference data is kept: persistent maps, and "the latest wins" per key.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Bound;

use foldhash::fast::FixedState;
use rpds::{HashTrieMapSync, RedBlackTreeSetSync};
use serde::{Deserialize, Serialize};

use crate::domain::ids::Name;
use crate::domain::record::Record;
use crate::domain::time::Timestamp;

/// A persistent map. Its hash is the same in every process, so that walking it is too.
pub(super) type Map<K, V> = HashTrieMapSync<K, V, FixedState>;
/// A persistent set in order.
pub(super) type OrderedSet<T> = RedBlackTreeSetSync<T>;

/// Where a statement stands in the order of statements about the same key: the latest event time wins, then the
/// greater CloudEvents `sequence`, source and id. No sequence comes first, then integers by their value, then other
/// sequences as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionKey {
    event_time: Timestamp,
    /// Integers without leading zeros, so that equal ones are the same.
    sequence: Name,
    source: Name,
    id: Name,
}

impl VersionKey {
    /// That of a record.
    pub fn of(record: &Record) -> VersionKey {
        let sequence = match integer(&record.sequence) {
            Some((_, "")) => Name::const_new("0"),
            Some((true, digits)) => Name::from(format!("-{digits}")),
            Some((false, digits)) => Name::from(digits),
            None => record.sequence.clone(),
        };
        VersionKey {
            event_time: record.event_time,
            sequence,
            source: record.source.clone(),
            id: record.id.clone(),
        }
    }

    /// When it was stated.
    pub fn event_time(&self) -> Timestamp {
        self.event_time
    }
}

impl Ord for VersionKey {
    fn cmp(&self, other: &VersionKey) -> Ordering {
        self.event_time
            .cmp(&other.event_time)
            .then_with(|| compare_sequences(&self.sequence, &other.sequence))
            .then_with(|| (&self.source, &self.id).cmp(&(&other.source, &other.id)))
    }
}

impl PartialOrd for VersionKey {
    fn partial_cmp(&self, other: &VersionKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Whether it is negative, and its digits without leading zeros; `None` if `text` is no integer.
fn integer(text: &str) -> Option<(bool, &str)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_integer.then(|| (digits.len() < text.len(), digits.trim_start_matches('0')))
}

fn compare_sequences(a: &str, b: &str) -> Ordering {
    match (integer(a), integer(b)) {
        (Some((a_negative, a)), Some((b_negative, b))) => {
            // Without leading zeros, more digits are more.
            let magnitude = || a.len().cmp(&b.len()).then_with(|| a.cmp(b));
            match (a_negative, b_negative) {
                (false, false) => magnitude(),
                (true, true) => magnitude().reverse(),
                (a_negative, b_negative) => b_negative.cmp(&a_negative),
            }
        }
        (None, None) => a.cmp(b),
        (Some(_), None) => {
            if b.is_empty() {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (None, Some(_)) => {
            if a.is_empty() {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
    }
}

/// A value with the version that put it there.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::domain) struct Versioned<T> {
    pub version: VersionKey,
    pub value: T,
}

/// What became of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::domain) enum Put {
    /// A later one is known, or it fell out at once: nothing changed.
    Stale,
    /// It is the latest now, and says what was known.
    Same,
    /// It is the latest now.
    Changed,
}

/// Puts `value` into `slot` if it is later than what is there.
pub(in crate::domain) fn put_latest<T: PartialEq>(
    slot: &mut Option<Versioned<T>>,
    version: VersionKey,
    value: T,
) -> Put {
    let put = match slot {
        Some(known) if known.version >= version => return Put::Stale,
        Some(known) if known.value == value => Put::Same,
        _ => Put::Changed,
    };
    *slot = Some(Versioned { version, value });
    put
}

/// Puts `value` under `key` if it is later than what is there.
pub(super) fn put_in_map<K: Eq + Hash + Clone, T: PartialEq + Clone>(
    map: &mut Map<K, Versioned<T>>,
    key: K,
    version: VersionKey,
    value: T,
) -> Put {
    let put = match map.get(&key) {
        Some(known) if known.version >= version => return Put::Stale,
        Some(known) if known.value == value => Put::Same,
        _ => Put::Changed,
    };
    map.insert_mut(key, Versioned { version, value });
    put
}

/// Described things by name, in the order of their names for lists.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de> + Clone"))]
pub(super) struct Catalogue<T> {
    by_name: Map<Name, Versioned<T>>,
    names: OrderedSet<Name>,
}

impl<T> Default for Catalogue<T> {
    fn default() -> Catalogue<T> {
        Catalogue { by_name: Map::default(), names: OrderedSet::new_sync() }
    }
}

impl<T: PartialEq + Clone> Catalogue<T> {
    pub fn get(&self, name: &str) -> Option<&T> {
        self.by_name.get(name).map(|known| &known.value)
    }

    pub fn len(&self) -> usize {
        self.by_name.size()
    }

    pub fn put(&mut self, version: VersionKey, name: &Name, value: T) -> Put {
        let known = self.by_name.size();
        let put = put_in_map(&mut self.by_name, name.clone(), version, value);
        if self.by_name.size() > known {
            self.names.insert_mut(name.clone());
        }
        put
    }

    pub fn remove(&mut self, name: &str) {
        self.by_name.remove_mut(name);
        self.names.remove_mut(name);
    }

    /// All of them with their names, in no order that means anything.
    pub fn all(&self) -> impl Iterator<Item = (&Name, &T)> {
        self.by_name.iter().map(|(name, known)| (name, &known.value))
    }

    /// At most `limit`, from the first name after `cursor`.
    pub fn after(&self, cursor: Option<&str>, limit: usize) -> impl Iterator<Item = &T> {
        let from = cursor.map_or(Bound::Unbounded, Bound::Excluded);
        self.names.range::<str, _>((from, Bound::Unbounded)).filter_map(|name| self.get(name)).take(limit)
    }
}

/// Things of which one key has several, up to a bound.
pub(super) trait Listed: PartialEq {
    /// Most of them kept.
    const MAX: usize;
    /// Which end goes when there are more.
    const DROPPED: Dropped;

    /// Whether a later one takes the other's place.
    fn replaces(&self, other: &Self) -> bool;

    /// Their order in the list.
    fn order(a: (&Self, &VersionKey), b: (&Self, &VersionKey)) -> Ordering;
}

/// An end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dropped {
    First,
    Last,
}

/// A bounded list, sorted, with the version of each; the values lie side by side so that they can be lent as a slice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct VersionedList<T> {
    values: Vec<T>,
    versions: Vec<VersionKey>,
}

impl<T> Default for VersionedList<T> {
    fn default() -> VersionedList<T> {
        VersionedList { values: Vec::new(), versions: Vec::new() }
    }
}

impl<T: Listed> VersionedList<T> {
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// Puts `value` in its place, in place of an older one of the same key; also returns what had to go for it.
    pub fn put(&mut self, version: VersionKey, value: T) -> (Put, Option<T>) {
        let mut put = Put::Changed;
        if let Some(at) = self.values.iter().position(|known| value.replaces(known)) {
            if self.versions[at] >= version {
                return (Put::Stale, None);
            }
            if self.values[at] == value {
                put = Put::Same;
            }
            self.values.remove(at);
            self.versions.remove(at);
        }
        let place = self
            .values
            .iter()
            .zip(&self.versions)
            .position(|known| T::order((&value, &version), known).is_lt())
            .unwrap_or(self.values.len());
        self.values.insert(place, value);
        self.versions.insert(place, version);
        if self.values.len() <= T::MAX {
            return (put, None);
        }
        let end = match T::DROPPED {
            Dropped::First => 0,
            Dropped::Last => self.values.len() - 1,
        };
        self.versions.remove(end);
        let dropped = self.values.remove(end);
        if place == end { (Put::Stale, None) } else { (put, Some(dropped)) }
    }
}

/// Puts `value` into the list under `key`.
pub(super) fn put_in_list<K: Eq + Hash + Clone, T: Listed + Clone>(
    map: &mut Map<K, VersionedList<T>>,
    key: &K,
    version: VersionKey,
    value: T,
) -> (Put, Option<T>) {
    if let Some(list) = map.get_mut(key) {
        return list.put(version, value);
    }
    let mut list = VersionedList::default();
    let put = list.put(version, value);
    map.insert_mut(key.clone(), list);
    put
}

/// An item at a location, as a key of maps here; looked up by two `&str` without building one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct SkuLocationKey {
    pub sku: Name,
    pub location: Name,
}

/// Both forms of the key.
pub(super) trait SkuLocationRef {
    fn parts(&self) -> (&str, &str);
}

impl SkuLocationRef for SkuLocationKey {
    fn parts(&self) -> (&str, &str) {
        (&self.sku, &self.location)
    }
}

impl SkuLocationRef for (&str, &str) {
    fn parts(&self) -> (&str, &str) {
        *self
    }
}

impl Hash for SkuLocationKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl Hash for dyn SkuLocationRef + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
    }
}

impl PartialEq for dyn SkuLocationRef + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.parts() == other.parts()
    }
}

impl Eq for dyn SkuLocationRef + '_ {}

impl<'a> Borrow<dyn SkuLocationRef + 'a> for SkuLocationKey {
    fn borrow(&self) -> &(dyn SkuLocationRef + 'a) {
        self
    }
}

/// The value of an item at a location.
pub(super) fn get_at<'a, V>(map: &'a Map<SkuLocationKey, V>, sku: &str, location: &str) -> Option<&'a V> {
    let key: &dyn SkuLocationRef = &(sku, location);
    map.get(key)
}

/// Maps whose keys are no text, as JSON arrays of pairs in the order of the keys.
pub(super) mod as_pairs {
    use std::hash::Hash;

    use serde::de::{Deserialize, Deserializer};
    use serde::ser::{Serialize, Serializer};

    use super::Map;

    pub fn serialize<K, V, S>(map: &Map<K, V>, serializer: S) -> Result<S::Ok, S::Error>
    where
        K: Eq + Hash + Ord + Serialize,
        V: Serialize,
        S: Serializer,
    {
        let mut pairs: Vec<(&K, &V)> = map.iter().collect();
        pairs.sort_unstable_by_key(|pair| pair.0);
        serializer.collect_seq(pairs)
    }

    pub fn deserialize<'de, K, V, D>(deserializer: D) -> Result<Map<K, V>, D::Error>
    where
        K: Eq + Hash + Deserialize<'de>,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}
