//! Options: what can be done about a case, what each costs and brings on both sides, and which is the best.
//!
//! An option is a list of steps; whoever thought of them, they are costed in the same way ([`evaluate`]). One file per
//! kind of option finds steps. All is a pure function of what the places concerned say of themselves.

mod custom;
mod do_nothing;
mod evaluate;
mod expedite;
mod explain;
#[cfg(test)]
mod formulas;
mod gates;
mod order;
mod risk;
#[cfg(test)]
mod tests;
mod transfer;

use std::collections::BTreeMap;

pub use self::custom::recompute;
use super::item::{CaseItem, CaseOption, CasePlace, OptionKind, OptionStep};
use crate::domain::event::SourcingSet;
use crate::domain::ids::Name;
use crate::domain::money::{Currency, Money, UnitPrice};
use crate::domain::quantity::Quantity;
use crate::domain::reference::TenantReference;
use crate::domain::settings::{CaseSettings, Settings};
use crate::domain::sku_location::options_basis::PlaceBasis;
use crate::domain::time::Timestamp;

/// Options of one kind that are shown.
const SHOWN_MAX: usize = 3;

/// What all options of a case are computed from.
pub struct Costing<'a> {
    pub case: &'a CaseItem,
    /// Every place known, subjects and donors.
    places: BTreeMap<CasePlace, &'a PlaceBasis>,
    /// The places in trouble.
    subjects: &'a [PlaceBasis],
    donors: &'a [PlaceBasis],
    pub tenant: &'a TenantReference,
    pub settings: &'a Settings,
    pub now: Timestamp,
}

/// An option that is not costed yet.
pub struct Sketch {
    pub id: Name,
    pub kind: OptionKind,
    pub title: String,
    pub steps: Vec<OptionStep>,
    pub edited_by: Option<Name>,
    pub editors: Vec<Name>,
}

/// The options of a case as of its facts, people's own recomputed among them; exactly one is recommended.
///
/// `subjects` are the places in trouble ([`CaseItem::places`]), `donors` places of the same items elsewhere
/// ([`donor_places`]) and whatever else people's own options touch ([`touched_places`]).
pub fn options(
    case: &CaseItem,
    subjects: &[PlaceBasis],
    donors: &[PlaceBasis],
    tenant: &TenantReference,
    settings: &Settings,
    now: Timestamp,
) -> Vec<CaseOption> {
    let costing = Costing::new(case, subjects, donors, tenant, settings, now);
    let mut options: Vec<CaseOption> = vec![costing.evaluate(do_nothing::sketch())];
    for found in [expedite::sketches(&costing), order::sketches(&costing), transfer::sketches(&costing)] {
        let mut costed: Vec<CaseOption> = found.into_iter().map(|sketch| costing.evaluate(sketch)).collect();
        costed.sort_by_key(|option| std::cmp::Reverse(rank(option)));
        // One that can't be carried out says why, if none of its kind can.
        let eligible = costed.iter().filter(|option| option.is_eligible()).count();
        costed.truncate(SHOWN_MAX.min(eligible.max(1)));
        options.extend(costed);
    }
    let own = case.options.iter().filter(|option| option.edited_by.is_some());
    options.extend(own.map(|option| costing.evaluate(custom::sketch(option, &costing))));
    options.truncate(settings.cases.options_max.max(1));
    recommend(&mut options);
    options
}

/// The places from which the case's places could be helped: the same item at the other end of each lane.
pub fn donor_places(case: &CaseItem, tenant: &TenantReference, settings: &CaseSettings) -> Vec<CasePlace> {
    let subjects = case.places();
    let mut donors: Vec<CasePlace> = Vec::new();
    for place in &subjects {
        for lane in tenant.lanes_into(&place.location) {
            let donor = CasePlace { sku: place.sku.clone(), location: lane.from.clone() };
            if donors.len() < settings.donors_max && !subjects.contains(&donor) && !donors.contains(&donor) {
                donors.push(donor);
            }
        }
    }
    donors
}

/// The places that an option's steps touch.
pub fn touched_places(option: &CaseOption) -> Vec<CasePlace> {
    let mut places: Vec<CasePlace> = Vec::new();
    for step in &option.steps {
        for location in std::iter::once(&step.location).chain(&step.from) {
            let place = CasePlace { sku: step.sku.clone(), location: location.clone() };
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    places
}

/// Marks the best of those that can be carried out: by net value; where no value is known, by the units that are not
/// short. What brings no more than doing nothing is not better.
fn recommend(options: &mut [CaseOption]) {
    for option in options.iter_mut() {
        option.recommended = false;
    }
    let is_better = |option: &&mut CaseOption| match option.net {
        Some(net) => net.ten_thousandths() > 0,
        None => units_avoided(option) > 0.0,
    };
    let best = options
        .iter_mut()
        .filter(|option| option.kind != OptionKind::DoNothing && option.is_eligible())
        .filter(is_better)
        .max_by(|a, b| rank(a).cmp(&rank(b)));
    if let Some(best) = best {
        best.recommended = true;
    } else if let Some(nothing) = options.iter_mut().find(|option| option.kind == OptionKind::DoNothing) {
        nothing.recommended = true;
    }
}

/// Those that can be carried out first, then those whose value is known.
fn rank(option: &CaseOption) -> (bool, Option<i64>, i64) {
    let net = option.net.map(Money::ten_thousandths);
    (option.is_eligible(), net, (units_avoided(option) * 1_000.0).round() as i64)
}

/// Units fewer that are expected to be short, over all places.
fn units_avoided(option: &CaseOption) -> f64 {
    option.effects.iter().map(|effect| effect.before.units_short - effect.after.units_short).sum()
}

impl<'a> Costing<'a> {
    fn new(
        case: &'a CaseItem,
        subjects: &'a [PlaceBasis],
        donors: &'a [PlaceBasis],
        tenant: &'a TenantReference,
        settings: &'a Settings,
        now: Timestamp,
    ) -> Costing<'a> {
        let key = |place: &PlaceBasis| CasePlace { sku: place.sku.clone(), location: place.location.clone() };
        let places = donors.iter().chain(subjects).map(|place| (key(place), place)).collect();
        Costing { case, places, subjects, donors, tenant, settings, now }
    }

    fn place(&self, sku: &Name, location: &Name) -> Option<&'a PlaceBasis> {
        self.places.get(&CasePlace { sku: sku.clone(), location: location.clone() }).copied()
    }

    /// The end of the time over which options are compared at a place.
    fn compared_until(&self, place: &PlaceBasis) -> Timestamp {
        self.now.plus_days(self.compared_days(place))
    }

    fn compared_days(&self, place: &PlaceBasis) -> f64 {
        place.lead_time_days + place.review_days + self.settings.cases.compare_days_beyond
    }

    /// The end of lead time and review period at a place.
    fn horizon(&self, place: &PlaceBasis) -> Timestamp {
        self.now.plus_days(place.lead_time_days + place.review_days)
    }

    /// Base currency for one unit; `None` without a price or a rate.
    fn in_base(&self, price: Option<UnitPrice>, currency: Option<Currency>) -> Option<f64> {
        let currency = currency.unwrap_or(self.tenant.base_currency);
        // A thousand units keep the decimals that one would lose.
        let thousand = price?.times(Quantity::from_units(1_000), currency);
        self.tenant.convert_to_base(thousand).map(|money| money.as_f64() / 1_000.0)
    }

    /// What a unit costs at a place, in base currency: what its source asks (which is told in that), else what the
    /// place knows.
    fn unit_cost(&self, place: &PlaceBasis, source: Option<&SourcingSet>) -> Option<UnitPrice> {
        let known = || {
            let cost = self.in_base(place.unit_cost, place.cost_currency)?;
            Some(UnitPrice::from_ten_thousandths((cost * 10_000.0).round() as i64))
        };
        source.and_then(|source| source.unit_cost).or_else(known)
    }

    /// An amount in base currency, in minor units.
    fn money(&self, amount: f64) -> Money {
        let currency = self.tenant.base_currency;
        let unit = 10_i64.pow(4 - currency.minor_digits().min(4));
        let minor = (amount * 10_000.0 / unit as f64).round();
        Money::from_ten_thousandths((minor as i64).saturating_mul(unit), currency)
    }
}

/// An option's id: the same for the same thing whenever it is computed. Matches `[A-Za-z0-9_-]{1,64}`.
fn option_id(kind: OptionKind, parts: &[&str]) -> Name {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    Name::from(format!("{}_{}", kind.as_str(), &hasher.finalize().to_hex()[..12]))
}
