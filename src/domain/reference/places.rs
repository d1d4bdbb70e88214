//! What bears on a SKU-location from elsewhere: promotions that touch it, places that supply it and are short, and the
//! fastest way to get more.

use jiff::tz::TimeZone;

use super::Affected;
use super::fold::{AFFECTED_PAIRS_MAX, time_zone_named};
use super::keep::{OrderedSet, SkuLocationKey, get_at};
use super::planning::named;
use super::tenant::{PromotionState, TenantReference};
use crate::domain::event::{CalendarDescribed, Promotion, Selection, SourceOfSupply, SourcingSet};
use crate::domain::exception::{ExceptionTransition, ExceptionType};
use crate::domain::ids::{EntityKey, Name};
use crate::domain::time::Timestamp;

/// Steps along "is supplied from" that a search for a circle takes.
const SUPPLY_STEPS_MAX: usize = 8;

/// A way to get more, and when it can be ordered.
#[derive(Clone, Debug)]
pub struct Remedy<'a> {
    /// From the order to the receipt.
    pub days: f64,
    /// Of whoever delivers.
    pub calendar: Option<&'a CalendarDescribed>,
    /// In which that calendar's days begin.
    pub zone: TimeZone,
    by: RemedyBy<'a>,
}

/// What offers a remedy.
#[derive(Clone, Copy, Debug)]
enum RemedyBy<'a> {
    Lane(&'a str),
    Source(&'a SourcingSet),
    Policy,
}

/// Where an item belongs.
#[derive(Clone, Copy, Debug, Default)]
pub struct ItemSegment<'a> {
    /// The hierarchy, top first.
    pub path: &'a [Name],
    /// Its attributes of these names.
    pub abc: Option<&'a str>,
    pub xyz: Option<&'a str>,
}

/// Which of a place's shortages are open: one bit a kind.
pub(super) type ShortageBits = u8;

fn shortage_bit(kind: &ExceptionType) -> Option<ShortageBits> {
    match kind {
        ExceptionType::ShortageNow => Some(1),
        ExceptionType::ProjectedStockout => Some(2),
        _ => None,
    }
}

impl TenantReference {
    /// The promotions that touch the SKU-location at any time from `from` (inclusive) to `until` (exclusive), by end.
    pub fn promotions_at<'a>(
        &'a self,
        sku: &'a str,
        location: &'a str,
        from: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = &'a Promotion> {
        // Whatever ends later than `from`; names sort after the empty one.
        let after = move |ends: &'a OrderedSet<(Timestamp, Name)>| {
            ends.range((from.plus(1), Name::default())..).map(|(_, promotion_id)| promotion_id)
        };
        let of_sku = if self.promotions_by_sku.is_empty() { None } else { self.promotions_by_sku.get(sku) };
        let of_all = (!self.promotions_of_all.is_empty()).then_some(&self.promotions_of_all);
        of_sku
            .into_iter()
            .chain(of_all)
            .flat_map(after)
            .filter_map(|promotion_id| self.promotions.get(promotion_id))
            .filter(move |state| state.is_at(location))
            .filter_map(|state| state.promotion.as_ref())
            .filter(move |promotion| promotion.from < until)
    }

    /// The location that supplies the SKU-location first of all, if a location does.
    pub fn source_location(&self, sku: &str, location: &str, now: Timestamp) -> Option<&Name> {
        match &self.sourcing_at(sku, location, now).next()?.source {
            SourceOfSupply::Location(from) => Some(from),
            SourceOfSupply::Supplier(_) => None,
        }
    }

    /// The location that supplies the SKU-location first of all and is short itself, unless it is in turn supplied
    /// from here.
    pub fn short_source(&self, sku: &str, location: &str, now: Timestamp) -> Option<&Name> {
        if self.short_sources.is_empty() {
            return None;
        }
        let source = self.source_location(sku, location, now)?;
        let is_short = get_at(&self.short_sources, sku, source).is_some();
        (is_short && source != location && !self.is_upstream(sku, location, source, now)).then_some(source)
    }

    /// Whether going from `from` to its source and so on comes to `location`.
    fn is_upstream(&self, sku: &str, location: &str, from: &str, now: Timestamp) -> bool {
        let mut at = from;
        for _ in 0..SUPPLY_STEPS_MAX {
            match self.source_location(sku, at, now) {
                Some(source) if source == location => return true,
                Some(source) => at = source,
                None => return false,
            }
        }
        // A chain of that length is a circle, or as good as one.
        true
    }

    /// The fastest way to get more: of the lanes into the location, its valid sources (the default lead time for one
    /// that says nothing) and the policy's lead time. `None` if there is none of these: then nothing can be done about
    /// a shortage.
    pub fn fastest_remedy(&self, sku: &str, location: &str, now: Timestamp) -> Option<Remedy<'_>> {
        let of_location = |from: &str, calendar: Option<&Name>, days: f64, by| Remedy {
            days,
            calendar: calendar
                .or_else(|| self.location(from)?.calendar.as_ref())
                .and_then(|name| self.calendar(name)),
            zone: self.time_zone_at(from).clone(),
            by,
        };
        let lanes = self.lanes_into(location).iter().filter_map(|lane| {
            let by = RemedyBy::Lane(&lane.from);
            lane.transit_days.map(|days| of_location(&lane.from, lane.calendar.as_ref(), days, by))
        });
        let sources = self.sourcing_at(sku, location, now).map(|set| {
            let days = self.source_lead_time(set).mean_days.unwrap_or_else(|| self.lead_time_days_default());
            match &set.source {
                SourceOfSupply::Location(from) => {
                    let lane = self.lane(from, location);
                    of_location(
                        from,
                        lane.and_then(|lane| lane.calendar.as_ref()),
                        days,
                        RemedyBy::Source(set),
                    )
                }
                SourceOfSupply::Supplier(supplier) => self.of_supplier(supplier, days, set),
            }
        });
        let policy = self.policy_lead_time_days(sku, location).map(|days| Remedy {
            days,
            calendar: None,
            zone: self.time_zone_at(location).clone(),
            by: RemedyBy::Policy,
        });
        lanes.chain(sources).chain(policy).min_by(|a, b| a.days.total_cmp(&b.days))
    }

    /// What said how long a remedy takes, as in [`Input::from`](crate::domain::explain::Input::from), and where it comes from.
    pub fn remedy_origin(&self, remedy: &Remedy<'_>) -> (&'static str, String) {
        let (from, mut about) = match remedy.by {
            RemedyBy::Lane(location) => ("lane", format!("location {location}")),
            RemedyBy::Source(set) => (self.source_lead_time_origin(set), named(&set.source)),
            RemedyBy::Policy => ("policy", "the policy's lead time".to_owned()),
        };
        if let Some(calendar) = remedy.calendar {
            about.push_str(&format!(", ordered by calendar {}", calendar.calendar));
        }
        (from, about)
    }

    fn of_supplier<'a>(&'a self, supplier: &str, days: f64, set: &'a SourcingSet) -> Remedy<'a> {
        let described = self.supplier(supplier);
        let zone = described.and_then(|described| time_zone_named(described.timezone.as_ref()?));
        Remedy {
            days,
            calendar: described.and_then(|described| self.calendar(described.calendar.as_ref()?)),
            zone: zone.unwrap_or_else(|| self.time_zone.clone()),
            by: RemedyBy::Source(set),
        }
    }

    /// Where the item belongs, as far as it was described.
    pub fn item_segment(&self, sku: &str) -> ItemSegment<'_> {
        self.items.get(sku).map_or_else(ItemSegment::default, |item| ItemSegment {
            path: &item.described.path,
            abc: item.abc.as_deref(),
            xyz: item.xyz.as_deref(),
        })
    }

    /// Whether others are supplied from the SKU-location, so that its shortage is theirs.
    pub(super) fn is_source(&self, sku: &str, location: &str) -> bool {
        get_at(&self.supplied, sku, location).is_some_and(|supplied| !supplied.is_empty())
    }

    /// Folds in how a shortage of a place that supplies others stands; says whether that is new.
    pub(super) fn note_shortage(
        &mut self,
        sku: &Name,
        location: &Name,
        change: &ExceptionTransition,
        affected: &mut Vec<Affected>,
    ) -> bool {
        let Some(bit) = shortage_bit(&change.item.exception_type) else { return false };
        let before = get_at(&self.short_sources, sku, location).copied().unwrap_or(0);
        let after = if change.item.state.is_final() { before & !bit } else { before | bit };
        if before == after {
            return false;
        }
        let key = SkuLocationKey { sku: sku.clone(), location: location.clone() };
        if after == 0 {
            self.short_sources.remove_mut(&key);
        } else {
            self.short_sources.insert_mut(key, after);
        }
        let tenant = self.number;
        if let Some(supplied) = get_at(&self.supplied, sku, location) {
            if supplied.size() > AFFECTED_PAIRS_MAX {
                affected.push(Affected::Sku { tenant, sku: sku.clone() });
            } else {
                affected.extend(supplied.iter().map(|location| Affected::SkuLocation {
                    tenant,
                    sku: sku.clone(),
                    location: location.clone(),
                }));
            }
        }
        true
    }

    pub(super) fn index_source(&mut self, set: &SourcingSet) {
        let SourceOfSupply::Location(from) = &set.source else { return };
        let key = SkuLocationKey { sku: set.sku.clone(), location: from.clone() };
        match self.supplied.get_mut(&key) {
            Some(supplied) => supplied.insert_mut(set.location.clone()),
            None => {
                let mut supplied = OrderedSet::new_sync();
                supplied.insert_mut(set.location.clone());
                self.supplied.insert_mut(key, supplied);
            }
        }
    }

    pub(super) fn unindex_source(&mut self, set: &SourcingSet) {
        let SourceOfSupply::Location(from) = &set.source else { return };
        let key = SkuLocationKey { sku: set.sku.clone(), location: from.clone() };
        if let Some(supplied) = self.supplied.get_mut(&key) {
            supplied.remove_mut(&set.location);
        }
    }

    pub(super) fn index_promotion(&mut self, promotion_id: &Name, state: &PromotionState) {
        let entry = (state.ends_at, promotion_id.clone());
        match state.promotion.as_ref().map(|promotion| &promotion.skus) {
            None => {}
            Some(Selection::All) => self.promotions_of_all.insert_mut(entry),
            Some(Selection::Named(skus)) => {
                for sku in skus {
                    match self.promotions_by_sku.get_mut(sku) {
                        Some(ends) => ends.insert_mut(entry.clone()),
                        None => {
                            let mut ends = OrderedSet::new_sync();
                            ends.insert_mut(entry.clone());
                            self.promotions_by_sku.insert_mut(sku.clone(), ends);
                        }
                    }
                }
            }
        }
    }

    pub(super) fn unindex_promotion(&mut self, promotion_id: &Name, state: &PromotionState) {
        let entry = (state.ends_at, promotion_id.clone());
        match state.promotion.as_ref().map(|promotion| &promotion.skus) {
            None => {}
            Some(Selection::All) => {
                self.promotions_of_all.remove_mut(&entry);
            }
            Some(Selection::Named(skus)) => {
                for sku in skus {
                    let Some(ends) = self.promotions_by_sku.get_mut(sku) else { continue };
                    ends.remove_mut(&entry);
                    if ends.is_empty() {
                        self.promotions_by_sku.remove_mut(sku);
                    }
                }
            }
        }
    }
}

impl super::Reference {
    /// Folds in that a place which supplies others became short, or is so no longer. Nearly every exception is of a
    /// place that supplies nobody, and then nothing may be copied.
    pub(super) fn note_shortage(
        &mut self,
        entity: &EntityKey,
        change: &ExceptionTransition,
        affected: &mut Vec<Affected>,
    ) -> bool {
        let EntityKey::SkuLocation { tenant, sku, location } = entity else { return false };
        let concerns_others = change.of.is_empty()
            && shortage_bit(&change.item.exception_type).is_some()
            && self.tenant(*tenant).is_some_and(|tenant| tenant.is_source(sku, location));
        concerns_others
            && self
                .tenant_mut(*tenant)
                .is_some_and(|tenant| tenant.note_shortage(sku, location, change, affected))
    }
}

impl PromotionState {
    fn is_at(&self, location: &str) -> bool {
        self.locations
            .as_ref()
            .is_none_or(|locations| locations.binary_search_by(|named| named.as_str().cmp(location)).is_ok())
    }
}
