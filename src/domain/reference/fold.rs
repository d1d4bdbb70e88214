//! How records change one tenant's reference data.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Affected;
use super::exchange::ExchangeRate;
use super::keep::{Dropped, Listed, OrderedSet, Put, SkuLocationKey, VersionKey, put_in_list, put_in_map};
use super::tenant::{DescribedItem, DescribedLocation, PromotionState, SignalKey, TenantReference};
use crate::domain::event::{
    AssortmentSet, CalendarDescribed, EventData, ItemDescribed, LaneDescribed, LocationDescribed, PolicySet,
    Promotion, Selection, Signal, SourceOfSupply, SourcingSet, SupplierCapacity, SupplierDelay,
};
use crate::domain::ids::Name;
use crate::domain::record::Record;

/// Sources per SKU-location; beyond it the one of the last rank goes.
pub const SOURCES_PER_SKU_LOCATION_MAX: usize = 16;
/// Lanes into one location; beyond it the last by origin goes.
pub const LANES_PER_LOCATION_MAX: usize = 1_024;
/// Delay reports per supplier; beyond it the one said longest ago goes.
pub const DELAYS_PER_SUPPLIER_MAX: usize = 256;
/// Capacity changes per supplier; beyond it the one said longest ago goes.
pub const CAPACITIES_PER_SUPPLIER_MAX: usize = 64;
/// Assortment statements per SKU; beyond it the one said longest ago goes.
pub const ASSORTMENTS_PER_SKU_MAX: usize = 64;
/// Observations per signal and place; beyond it the one said longest ago goes.
pub const SIGNALS_PER_PLACE_MAX: usize = 32;
/// Pairs of signal and place per tenant; beyond it new pairs are not kept.
pub const SIGNAL_PLACES_MAX: usize = 100_000;
/// Promotions per tenant, cancelled ones included; beyond it the one that ends first goes.
pub const PROMOTIONS_MAX: usize = 100_000;
/// Closed days per calendar; of more the latest are kept.
pub const CLOSED_DAYS_MAX: usize = 4_096;
/// Pairs of item and location that a change names one by one; beyond it, it names the items.
pub const AFFECTED_PAIRS_MAX: usize = 1_024;

/// What a source that states no rank has.
const RANK_DEFAULT: i64 = 1;

impl Listed for SourcingSet {
    const MAX: usize = SOURCES_PER_SKU_LOCATION_MAX;
    const DROPPED: Dropped = Dropped::Last;

    fn replaces(&self, other: &SourcingSet) -> bool {
        self.source == other.source
    }

    fn order(a: (&SourcingSet, &VersionKey), b: (&SourcingSet, &VersionKey)) -> Ordering {
        let rank = |set: &SourcingSet| set.rank.unwrap_or(RANK_DEFAULT);
        rank(a.0).cmp(&rank(b.0)).then_with(|| a.0.source.cmp(&b.0.source))
    }
}

impl Listed for LaneDescribed {
    const MAX: usize = LANES_PER_LOCATION_MAX;
    const DROPPED: Dropped = Dropped::Last;

    fn replaces(&self, other: &LaneDescribed) -> bool {
        self.from == other.from
    }

    fn order(a: (&LaneDescribed, &VersionKey), b: (&LaneDescribed, &VersionKey)) -> Ordering {
        a.0.from.cmp(&b.0.from)
    }
}

/// Lists in the order in which things were said, oldest first to go: the key, then the bound.
macro_rules! listed_by_version {
    ($($kind:ty, $max:expr, $($key:ident),+;)+) => { $(
        impl Listed for $kind {
            const MAX: usize = $max;
            const DROPPED: Dropped = Dropped::First;

            fn replaces(&self, other: &$kind) -> bool {
                $(self.$key == other.$key)&&+
            }

            fn order(a: (&$kind, &VersionKey), b: (&$kind, &VersionKey)) -> Ordering {
                a.1.cmp(b.1)
            }
        }
    )+ };
}

listed_by_version! {
    SupplierDelay, DELAYS_PER_SUPPLIER_MAX, po_id, sku, from, until;
    SupplierCapacity, CAPACITIES_PER_SUPPLIER_MAX, from, until;
    AssortmentSet, ASSORTMENTS_PER_SKU_MAX, locations, from;
    Signal, SIGNALS_PER_PLACE_MAX, from, until;
}

/// Whether the event is reference data at all; most are not, and then nothing must be copied.
pub(super) fn is_reference_data(data: &EventData) -> bool {
    matches!(
        data,
        EventData::SupplierDelayReported(_)
            | EventData::SupplierCapacityChanged(_)
            | EventData::Promotion(_)
            | EventData::PromotionCancelled(_)
            | EventData::SignalObserved(_)
            | EventData::ItemDescribed(_)
            | EventData::LocationDescribed(_)
            | EventData::SupplierDescribed(_)
            | EventData::CustomerDescribed(_)
            | EventData::LaneDescribed(_)
            | EventData::SourcingSet(_)
            | EventData::PolicySet(_)
            | EventData::AssortmentSet(_)
            | EventData::CalendarDescribed(_)
            | EventData::FxPublished(_)
    )
}

impl TenantReference {
    /// Folds an event in; says whether anything changed, and adds whom that can concern.
    pub(super) fn fold(&mut self, record: &Record, data: &EventData, affected: &mut Vec<Affected>) -> bool {
        let version = VersionKey::of(record);
        let tenant = self.number;
        let supplier = |supplier: &Name| Affected::Supplier { tenant, supplier: supplier.clone() };
        let changed = |put: Put| put == Put::Changed;
        let (put, concerned) = match data {
            EventData::ItemDescribed(item) => {
                let put = self.items.put(version, &item.sku, described_item(item));
                (put, Some(Affected::Sku { tenant, sku: item.sku.clone() }))
            }
            EventData::LocationDescribed(location) => {
                let put = self.locations.put(version, &location.location, described_location(location));
                (put, Some(Affected::Location { tenant, location: location.location.clone() }))
            }
            EventData::SupplierDescribed(described) => {
                let put = self.suppliers.put(version, &described.supplier, (**described).clone());
                (put, Some(supplier(&described.supplier)))
            }
            // Nothing that entities compute depends on customers, assortments or signals yet; calendars count when
            // something is told, and do not make it worth telling.
            EventData::CustomerDescribed(customer) => {
                (self.customers.put(version, &customer.customer, (**customer).clone()), None)
            }
            EventData::CalendarDescribed(calendar) => {
                (self.calendars.put(version, &calendar.calendar, bounded(calendar)), None)
            }
            EventData::AssortmentSet(set) => {
                (put_in_list(&mut self.assortments, &set.sku, version, (**set).clone()).0, None)
            }
            EventData::SignalObserved(signal) => (self.put_signal(version, signal), None),
            EventData::LaneDescribed(lane) => {
                let put = put_in_list(&mut self.lanes, &lane.to, version, (**lane).clone()).0;
                (put, Some(Affected::Location { tenant, location: lane.to.clone() }))
            }
            EventData::SourcingSet(set) => {
                let (sku, location) = (set.sku.clone(), set.location.clone());
                (
                    self.put_sourcing(version, set, affected),
                    Some(Affected::SkuLocation { tenant, sku, location }),
                )
            }
            EventData::PolicySet(set) => {
                (self.policies.put(version, (**set).clone()), Some(self.concerned_by_policy(set)))
            }
            EventData::SupplierDelayReported(delay) => {
                let put = put_in_list(&mut self.delays, &delay.supplier, version, (**delay).clone()).0;
                (put, Some(supplier(&delay.supplier)))
            }
            EventData::SupplierCapacityChanged(capacity) => {
                let put =
                    put_in_list(&mut self.capacities, &capacity.supplier, version, (**capacity).clone()).0;
                (put, Some(supplier(&capacity.supplier)))
            }
            EventData::FxPublished(rates) => {
                let mut any = Put::Stale;
                for (currency, rate) in rates {
                    let Some(rate) = ExchangeRate::from_f64(*rate) else { continue };
                    if changed(put_in_map(&mut self.rates, *currency, version.clone(), rate)) {
                        any = Put::Changed;
                    }
                }
                (any, Some(Affected::Tenant { tenant }))
            }
            EventData::Promotion(promotion) => {
                let state = PromotionState {
                    promotion: Some((**promotion).clone()),
                    ends_at: promotion.until,
                    locations: sorted(&promotion.locations),
                };
                return self.put_promotion(version, &promotion.promotion_id, state, affected);
            }
            EventData::PromotionCancelled(promotion_id) => {
                let state = PromotionState { promotion: None, ends_at: record.event_time, locations: None };
                return self.put_promotion(version, promotion_id, state, affected);
            }
            _ => return false,
        };
        if changed(put) {
            affected.extend(concerned);
        }
        changed(put)
    }

    fn put_sourcing(&mut self, version: VersionKey, set: &SourcingSet, affected: &mut Vec<Affected>) -> Put {
        let key = SkuLocationKey { sku: set.sku.clone(), location: set.location.clone() };
        let alone_before = self.only_supplier(&set.sku, &set.location).cloned();
        let (put, dropped) = put_in_list(&mut self.sourcing, &key, version, set.clone());
        if let Some(dropped) = &dropped {
            self.unindex_source(dropped);
        }
        if let Some(SourcingSet { source: SourceOfSupply::Supplier(supplier), .. }) = dropped
            && let Some(keys) = self.sourced_from.get_mut(&supplier)
        {
            keys.remove_mut(&key);
        }
        if put == Put::Changed {
            self.index_source(set);
        }
        if put == Put::Changed
            && let SourceOfSupply::Supplier(supplier) = &set.source
        {
            match self.sourced_from.get_mut(supplier) {
                Some(keys) => keys.insert_mut(key),
                None => {
                    let mut keys = OrderedSet::new_sync();
                    keys.insert_mut(key);
                    self.sourced_from.insert_mut(supplier.clone(), keys);
                }
            }
        }
        let alone_now = self.only_supplier(&set.sku, &set.location).cloned();
        if alone_before != alone_now {
            if let Some(supplier) = &alone_now {
                let count = self.single_sourced(supplier).saturating_add(1);
                self.single_sourced.insert_mut(supplier.clone(), count);
            }
            if let Some(supplier) = alone_before {
                match self.single_sourced(&supplier).saturating_sub(1) {
                    0 => {
                        self.single_sourced.remove_mut(&supplier);
                    }
                    count => self.single_sourced.insert_mut(supplier.clone(), count),
                }
                // The event itself goes only to the supplier that it names.
                affected.push(Affected::SupplierAlone { tenant: self.number, supplier });
            }
        }
        put
    }

    fn put_signal(&mut self, version: VersionKey, signal: &Signal) -> Put {
        let key = SignalKey {
            name: signal.name.clone(),
            location: signal.location.clone(),
            region: signal.region.clone(),
        };
        if self.signals.size() >= SIGNAL_PLACES_MAX && !self.signals.contains_key(&key) {
            return Put::Stale;
        }
        put_in_list(&mut self.signals, &key, version, signal.clone()).0
    }

    /// Concerned is what the promotion was about and what it is about now.
    fn put_promotion(
        &mut self,
        version: VersionKey,
        promotion_id: &Name,
        state: PromotionState,
        affected: &mut Vec<Affected>,
    ) -> bool {
        let known = self.promotions.get(promotion_id).cloned();
        if self.promotions.put(version, promotion_id, state.clone()) != Put::Changed {
            return false;
        }
        if let Some(known) = &known {
            self.promotion_ends.remove_mut(&(known.ends_at, promotion_id.clone()));
            self.unindex_promotion(promotion_id, known);
        }
        self.promotion_ends.insert_mut((state.ends_at, promotion_id.clone()));
        self.index_promotion(promotion_id, &state);
        while self.promotions.len() > PROMOTIONS_MAX
            && let Some(first) = self.promotion_ends.first().cloned()
        {
            self.promotion_ends.remove_mut(&first);
            if let Some(state) = self.promotions.get(&first.1).cloned() {
                self.unindex_promotion(&first.1, &state);
            }
            self.promotions.remove(&first.1);
        }
        let known = known.and_then(|known| known.promotion);
        for promotion in known.iter().chain(&state.promotion) {
            self.concerned_by_promotion(promotion, affected);
        }
        true
    }

    fn concerned_by_promotion(&self, promotion: &Promotion, affected: &mut Vec<Affected>) {
        let tenant = self.number;
        let sku = |sku: &Name| Affected::Sku { tenant, sku: sku.clone() };
        match (&promotion.skus, &promotion.locations) {
            (Selection::Named(skus), Selection::Named(locations))
                if skus.len().saturating_mul(locations.len()) <= AFFECTED_PAIRS_MAX =>
            {
                affected.extend(skus.iter().flat_map(|sku| {
                    locations.iter().map(move |location| Affected::SkuLocation {
                        tenant,
                        sku: sku.clone(),
                        location: location.clone(),
                    })
                }));
            }
            (Selection::Named(skus), _) => affected.extend(skus.iter().map(sku)),
            (Selection::All, Selection::Named(locations)) => {
                affected.extend(
                    locations
                        .iter()
                        .map(|location| Affected::Location { tenant, location: location.clone() }),
                );
            }
            (Selection::All, Selection::All) => affected.push(Affected::Tenant { tenant }),
        }
    }

    fn concerned_by_policy(&self, set: &PolicySet) -> Affected {
        let tenant = self.number;
        match (&set.scope.sku, &set.scope.location) {
            (Some(sku), Some(location)) => {
                Affected::SkuLocation { tenant, sku: sku.clone(), location: location.clone() }
            }
            (Some(sku), None) => Affected::Sku { tenant, sku: sku.clone() },
            (None, Some(location)) => Affected::Location { tenant, location: location.clone() },
            (None, None) => Affected::Tenant { tenant },
        }
    }
}

fn described_item(item: &ItemDescribed) -> DescribedItem {
    let attributes: Option<serde_json::Value> =
        item.attributes.as_deref().and_then(|text| serde_json::from_str(text).ok());
    let attribute = |name: &str| attributes.as_ref()?.get(name)?.as_str().map(Name::from);
    DescribedItem {
        described: Arc::new(item.clone()),
        path_text: item.path.join("/").into_boxed_str(),
        abc: attribute("abc"),
        xyz: attribute("xyz"),
    }
}

/// The names in order; `None` for everything.
fn sorted(selection: &Selection) -> Option<Box<[Name]>> {
    match selection {
        Selection::All => None,
        Selection::Named(names) => {
            let mut names = names.clone();
            names.sort_unstable();
            names.dedup();
            Some(names.into_boxed_slice())
        }
    }
}

fn described_location(location: &LocationDescribed) -> DescribedLocation {
    DescribedLocation {
        described: Arc::new(location.clone()),
        path_text: location.path.join("/").into_boxed_str(),
        time_zone: location.timezone.as_deref().and_then(time_zone_named),
    }
}

fn bounded(calendar: &CalendarDescribed) -> CalendarDescribed {
    let mut calendar = calendar.clone();
    calendar.closed.sort_unstable();
    calendar.closed.dedup();
    let surplus = calendar.closed.len().saturating_sub(CLOSED_DAYS_MAX);
    calendar.closed.drain(..surplus);
    calendar
}

/// The zone of that IANA name, from the database that is part of the program.
pub(super) fn time_zone_named(name: &str) -> Option<TimeZone> {
    TimeZone::get(name).ok()
}
