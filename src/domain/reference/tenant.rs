//! One tenant's reference data, and what can be asked of it.

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::exchange::ExchangeRate;
use super::feeds::DisturbedFeeds;
use super::keep::{Catalogue, Map, OrderedSet, SkuLocationKey, Versioned, VersionedList, as_pairs, get_at};
use super::places::ShortageBits;
use super::planning::PlanningBasis;
use super::policy::{Path, PolicyTable};
use crate::domain::event::{
    AssortmentSet, CalendarDescribed, CustomerDescribed, ItemDescribed, LaneDescribed, LocationDescribed,
    Promotion, Signal, SourceOfSupply, SourcingSet, SupplierCapacity, SupplierDelay, SupplierDescribed,
};
use crate::domain::ids::{Name, TenantNumber};
use crate::domain::money::{Currency, Money};
use crate::domain::record::ClockKind;
use crate::domain::supplier::PublishedStatistics;
use crate::domain::time::Timestamp;

/// One tenant's reference data as of one LSN.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TenantReference {
    pub number: TenantNumber,
    pub name: Name,
    pub clock: ClockKind,
    pub base_currency: Currency,
    /// The tenant's own, UTC if it is not known.
    #[serde(with = "jiff::fmt::serde::tz::required")]
    pub time_zone: TimeZone,
    pub(super) basis: PlanningBasis,
    pub(super) items: Catalogue<DescribedItem>,
    pub(super) locations: Catalogue<DescribedLocation>,
    pub(super) suppliers: Catalogue<SupplierDescribed>,
    pub(super) customers: Catalogue<CustomerDescribed>,
    pub(super) calendars: Catalogue<CalendarDescribed>,
    pub(super) promotions: Catalogue<PromotionState>,
    /// Promotions by when they end, to forget those first.
    pub(super) promotion_ends: OrderedSet<(Timestamp, Name)>,
    /// Those that name an item, by when they end.
    pub(super) promotions_by_sku: Map<Name, OrderedSet<(Timestamp, Name)>>,
    /// Those of all items.
    pub(super) promotions_of_all: OrderedSet<(Timestamp, Name)>,
    /// By destination.
    pub(super) lanes: Map<Name, VersionedList<LaneDescribed>>,
    #[serde(with = "as_pairs")]
    pub(super) sourcing: Map<SkuLocationKey, VersionedList<SourcingSet>>,
    /// The SKU-locations that name each supplier as a source.
    pub(super) sourced_from: Map<Name, OrderedSet<SkuLocationKey>>,
    /// The locations that name each SKU-location as a source.
    #[serde(with = "as_pairs")]
    pub(super) supplied: Map<SkuLocationKey, OrderedSet<Name>>,
    /// Of those that supply others: the ones that are short or about to be.
    #[serde(with = "as_pairs")]
    pub(super) short_sources: Map<SkuLocationKey, ShortageBits>,
    /// By supplier, the SKU-locations that name it as their only source; see [`TenantReference::single_sourced`].
    pub(super) single_sourced: Map<Name, u32>,
    pub(super) policies: PolicyTable,
    pub(super) delays: Map<Name, VersionedList<SupplierDelay>>,
    pub(super) capacities: Map<Name, VersionedList<SupplierCapacity>>,
    pub(super) statistics: Map<Name, PublishedStatistics>,
    /// By SKU.
    pub(super) assortments: Map<Name, VersionedList<AssortmentSet>>,
    #[serde(with = "as_pairs")]
    pub(super) signals: Map<SignalKey, VersionedList<Signal>>,
    pub(super) rates: Map<Currency, Versioned<ExchangeRate>>,
    #[serde(with = "super::feeds::as_list")]
    pub(super) disturbed_feeds: DisturbedFeeds,
}

/// An item with what follows from its description alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct DescribedItem {
    pub described: Arc<ItemDescribed>,
    /// The path's levels joined by `/`.
    pub path_text: Box<str>,
    /// The attributes of these names.
    pub abc: Option<Name>,
    pub xyz: Option<Name>,
}

/// A location with what follows from its description alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct DescribedLocation {
    pub described: Arc<LocationDescribed>,
    /// The path's levels joined by `/`.
    pub path_text: Box<str>,
    /// Resolved once: it is asked for with every event.
    #[serde(with = "jiff::fmt::serde::tz::optional")]
    pub time_zone: Option<TimeZone>,
}

/// A promotion, or that it was cancelled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct PromotionState {
    pub promotion: Option<Promotion>,
    /// Its end, or the time of the cancellation.
    pub ends_at: Timestamp,
    /// Where it is, sorted; everywhere if `None`.
    pub locations: Option<Box<[Name]>>,
}

/// What a signal is about: its name and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(super) struct SignalKey {
    pub name: Name,
    pub location: Option<Name>,
    pub region: Option<Name>,
}

impl TenantReference {
    /// The item, if it was described.
    pub fn item(&self, sku: &str) -> Option<&ItemDescribed> {
        self.items.get(sku).map(|item| &*item.described)
    }

    /// The location, if it was described.
    pub fn location(&self, location: &str) -> Option<&LocationDescribed> {
        self.locations.get(location).map(|location| &*location.described)
    }

    /// The supplier, if it was described.
    pub fn supplier(&self, supplier: &str) -> Option<&SupplierDescribed> {
        self.suppliers.get(supplier)
    }

    /// The customer, if it was described.
    pub fn customer(&self, customer: &str) -> Option<&CustomerDescribed> {
        self.customers.get(customer)
    }

    /// The calendar of that name.
    pub fn calendar(&self, calendar: &str) -> Option<&CalendarDescribed> {
        self.calendars.get(calendar)
    }

    /// The promotion, unless it was cancelled.
    pub fn promotion(&self, promotion_id: &str) -> Option<&Promotion> {
        self.promotions.get(promotion_id)?.promotion.as_ref()
    }

    /// Described items in the order of their names, at most `limit`, from the first after `cursor`.
    pub fn items_after(&self, cursor: Option<&str>, limit: usize) -> impl Iterator<Item = &ItemDescribed> {
        self.items.after(cursor, limit).map(|item| &*item.described)
    }

    /// Described locations; see [`TenantReference::items_after`].
    pub fn locations_after(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> impl Iterator<Item = &LocationDescribed> {
        self.locations.after(cursor, limit).map(|location| &*location.described)
    }

    /// Described suppliers; see [`TenantReference::items_after`].
    pub fn suppliers_after(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> impl Iterator<Item = &SupplierDescribed> {
        self.suppliers.after(cursor, limit)
    }

    /// Described customers; see [`TenantReference::items_after`].
    pub fn customers_after(
        &self,
        cursor: Option<&str>,
        limit: usize,
    ) -> impl Iterator<Item = &CustomerDescribed> {
        self.customers.after(cursor, limit)
    }

    /// Promotions that were not cancelled; see [`TenantReference::items_after`].
    pub fn promotions_after(&self, cursor: Option<&str>, limit: usize) -> impl Iterator<Item = &Promotion> {
        self.promotions.after(cursor, usize::MAX).filter_map(|state| state.promotion.as_ref()).take(limit)
    }

    /// How many items, locations, suppliers and customers were described.
    pub fn described_counts(&self) -> [usize; 4] {
        [self.items.len(), self.locations.len(), self.suppliers.len(), self.customers.len()]
    }

    /// The zone in which the location's days begin and end: its own, else the tenant's.
    pub fn time_zone_at(&self, location: &str) -> &TimeZone {
        self.locations
            .get(location)
            .and_then(|location| location.time_zone.as_ref())
            .unwrap_or(&self.time_zone)
    }

    /// The item's hierarchy, top first; empty if unknown.
    pub fn item_path(&self, sku: &str) -> &[Name] {
        self.items.get(sku).map_or(&[], |item| &item.described.path)
    }

    /// The location's hierarchy, top first; empty if unknown.
    pub fn location_path(&self, location: &str) -> &[Name] {
        self.locations.get(location).map_or(&[], |location| &location.described.path)
    }

    /// Every described item's SKU and hierarchy, in no order.
    pub fn item_paths(&self) -> impl Iterator<Item = (&Name, &[Name])> {
        self.items.all().map(|(sku, item)| (sku, &*item.described.path))
    }

    /// Every described location's name and hierarchy, in no order.
    pub fn location_paths(&self) -> impl Iterator<Item = (&Name, &[Name])> {
        self.locations.all().map(|(location, known)| (location, &*known.described.path))
    }

    pub(super) fn item_path_joined(&self, sku: &str) -> Path<'_> {
        self.items
            .get(sku)
            .map_or(Path::NONE, |item| Path { levels: &item.described.path, text: &item.path_text })
    }

    pub(super) fn location_path_joined(&self, location: &str) -> Path<'_> {
        self.locations.get(location).map_or(Path::NONE, |location| Path {
            levels: &location.described.path,
            text: &location.path_text,
        })
    }

    /// The SKU-location's sources, valid or not, by rank and then source.
    pub fn sourcing(&self, sku: &str, location: &str) -> &[SourcingSet] {
        get_at(&self.sourcing, sku, location).map_or(&[], VersionedList::values)
    }

    /// Those valid at `now`, best first.
    pub fn sourcing_at(
        &self,
        sku: &str,
        location: &str,
        now: Timestamp,
    ) -> impl Iterator<Item = &SourcingSet> {
        self.sourcing(sku, location).iter().filter(move |set| within(set.valid_from, set.valid_until, now))
    }

    /// When after `now` a source of the SKU-location next becomes valid, or ceases to be.
    pub fn next_sourcing_edge(&self, sku: &str, location: &str, now: Timestamp) -> Option<Timestamp> {
        let edges = self.sourcing(sku, location).iter().flat_map(|set| [set.valid_from, set.valid_until]);
        edges.flatten().filter(|edge| *edge > now).min()
    }

    /// The SKU-locations (SKU first) that name the supplier as a source, valid or not.
    pub fn sourced_from(&self, supplier: &str) -> impl Iterator<Item = (&Name, &Name)> {
        self.sourced_from
            .get(supplier)
            .into_iter()
            .flat_map(|keys| keys.iter().map(|key| (&key.sku, &key.location)))
    }

    /// How many SKU-locations name the supplier as a source.
    pub fn sourced_from_count(&self, supplier: &str) -> usize {
        self.sourced_from.get(supplier).map_or(0, OrderedSet::size)
    }

    /// How many SKU-locations name the supplier as a source and nothing else, whether it is valid or not.
    pub fn single_sourced(&self, supplier: &str) -> u32 {
        self.single_sourced.get(supplier).copied().unwrap_or(0)
    }

    /// The supplier that is the place's only source.
    pub(super) fn only_supplier(&self, sku: &str, location: &str) -> Option<&Name> {
        match self.sourcing(sku, location) {
            [SourcingSet { source: SourceOfSupply::Supplier(supplier), .. }] => Some(supplier),
            _ => None,
        }
    }

    /// The lanes that end at the location, by origin.
    pub fn lanes_into(&self, to: &str) -> &[LaneDescribed] {
        self.lanes.get(to).map_or(&[], VersionedList::values)
    }

    /// The lane between two locations.
    pub fn lane(&self, from: &str, to: &str) -> Option<&LaneDescribed> {
        let lanes = self.lanes_into(to);
        lanes.binary_search_by(|lane| lane.from.as_str().cmp(from)).ok().and_then(|at| lanes.get(at))
    }

    /// The delays that the supplier reported, the latest said last.
    pub fn delays(&self, supplier: &str) -> &[SupplierDelay] {
        self.delays.get(supplier).map_or(&[], VersionedList::values)
    }

    /// By how many days the supplier says a purchase order line comes late (negative: early); 0 if it says nothing.
    ///
    /// A report holds for what was promised within its time, and for what is overdue while `now` is within it. The
    /// most specific one counts (order and item, order, item, everything), of equal ones the latest. Where no report
    /// holds, reduced capacity delays: see [`TenantReference::capacity_delay_days`].
    pub fn delay_days_for(
        &self,
        supplier: &str,
        po_id: &str,
        sku: &str,
        promised_at: Option<Timestamp>,
        now: Timestamp,
    ) -> f64 {
        let names = |named: &Option<Name>, this: &str| named.as_ref().is_none_or(|named| named == this);
        self.delays(supplier)
            .iter()
            .filter(|delay| names(&delay.po_id, po_id) && names(&delay.sku, sku))
            .filter(|delay| {
                let promised = promised_at.unwrap_or(now);
                within(delay.from, delay.until, promised)
                    || promised < now && within(delay.from, delay.until, now)
            })
            // Of equal maxima this takes the last, and the latest said is last.
            .max_by_key(|delay| (delay.po_id.is_some(), delay.sku.is_some()))
            .map_or_else(|| self.capacity_delay_days(supplier, promised_at, now), |delay| delay.delay_days)
    }

    /// The supplier's capacity at `now` as a share of normal; the latest said of those that hold then, else 1.
    pub fn capacity(&self, supplier: &str, now: Timestamp) -> f64 {
        self.capacities
            .get(supplier)
            .and_then(|list| {
                list.values().iter().rev().find(|capacity| within(capacity.from, capacity.until, now))
            })
            .map_or(1.0, |capacity| capacity.factor)
    }

    /// What the supplier's receipts said when that was last published.
    pub fn statistics(&self, supplier: &str) -> Option<&PublishedStatistics> {
        self.statistics.get(supplier)
    }

    /// What is said about the item's assortment, the latest said last.
    pub fn assortments(&self, sku: &str) -> &[AssortmentSet] {
        self.assortments.get(sku).map_or(&[], VersionedList::values)
    }

    /// The observations of a signal at a place, the latest said last.
    pub fn signals(&self, name: &str, location: Option<&str>, region: Option<&str>) -> &[Signal] {
        let key = SignalKey {
            name: Name::from(name),
            location: location.map(Name::from),
            region: region.map(Name::from),
        };
        self.signals.get(&key).map_or(&[], VersionedList::values)
    }

    /// Units of base currency for one unit of another, if it is known.
    pub fn rate(&self, currency: Currency) -> Option<f64> {
        self.rates.get(&currency).map(|rate| rate.value.as_f64())
    }

    /// The amount in the tenant's base currency; `None` without a rate.
    pub fn convert_to_base(&self, money: Money) -> Option<Money> {
        if money.currency() == self.base_currency {
            return Some(money);
        }
        let rate = self.rates.get(&money.currency())?;
        Some(rate.value.convert(money, self.base_currency))
    }
}

/// Whether `at` is in a span that may be open on either side: `from` inclusive, `until` exclusive.
pub(super) fn within(from: Option<Timestamp>, until: Option<Timestamp>, at: Timestamp) -> bool {
    from.is_none_or(|from| from <= at) && until.is_none_or(|until| at < until)
}
