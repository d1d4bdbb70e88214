//! What is compared with what should be: which exceptions to raise, tell anew or clear, and when to look again.
//!
//! Each kind stands in a file of its own: when it holds, what it is worth, and what is said about it.

mod projected_stockout;
mod shortage_now;

use self::projected_stockout::ProjectedStockout;
use self::shortage_now::ShortageNow;
use super::SkuLocation;
use super::demand::Demand;
use super::outlook::{Outlook, rolled_demand};
use super::parameters::Planning;
use super::projection::Shortage;
use crate::domain::command::{Actor, Command, Refusal};
use crate::domain::entity::Reconciled;
use crate::domain::exception::command::{Where, decide};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::{
    Assessment, Condition, Description, Watch, rounded, severity_by_value,
};
use crate::domain::exception::{ExceptionSubject, ExceptionType, ExceptionWindow, Severity};
use crate::domain::ids::TenantNumber;
use crate::domain::money::{Money, UnitPrice};
use crate::domain::quantity::{QUANTITY_MILLI_MAX, Quantity};
use crate::domain::record::Transition;
use crate::domain::reference::Reference;
use crate::domain::settings::Segment;
use crate::domain::time::Timestamp;

/// Refusals proposed at once; the rest follows when these are journaled.
const REFUSALS_PROPOSED_MAX: usize = 64;

/// One place at one moment, as the kinds look at it.
pub(super) struct Judged<'a> {
    pub place: &'a SkuLocation,
    pub outlook: &'a Outlook<'a>,
    /// Whether `shortage_now` is open or about to be: then what may come says nothing that matters.
    pub is_short: bool,
}

/// A kind of exception that a SKU-location raises.
pub(super) trait Kind {
    const TYPE: ExceptionType;

    /// What the facts say.
    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition;

    /// What it is worth.
    fn assess(judged: &Judged<'_>) -> Assessment;

    /// What is said about it.
    fn describe(judged: &Judged<'_>, assessment: &Assessment) -> Description;
}

fn judge<K: Kind>(watch: &mut Watch<'_>, judged: &Judged<'_>) {
    let settings = watch.kind(&K::TYPE);
    let condition = if settings.enabled {
        K::condition(judged, &settings)
    } else {
        Condition::Clear("switched off".into())
    };
    watch.judge(
        &K::TYPE,
        "",
        &settings,
        condition,
        || K::assess(judged),
        |assessment| K::describe(judged, assessment),
    );
}

impl SkuLocation {
    pub(super) fn propose(&self, tenant: TenantNumber, now: Timestamp, reference: &Reference) -> Reconciled {
        let planning = Planning::of(self, tenant, now, reference);
        let rolled = rolled_demand(self, &planning);
        let demand = rolled.as_ref().unwrap_or(&self.demand);
        let outlook = Outlook::of(self, demand, &planning);
        let mut watch = Watch::new(
            &self.exceptions,
            tenant,
            planning.tenant,
            planning.settings,
            self.segment(&planning),
            now,
            demand.period(),
            // Names have no control characters: no two places make the same text.
            format!("sku_location\n{}\n{}", self.sku, self.location),
        );
        let mut judged = Judged { place: self, outlook: &outlook, is_short: false };
        judged.is_short = shortage_now::is_short(&judged, &watch.kind(&ShortageNow::TYPE));
        judge::<ShortageNow>(&mut watch, &judged);
        judge::<ProjectedStockout>(&mut watch, &judged);
        self.look_again(&outlook, demand, &mut watch);

        let (found, next_review_at) = watch.finish();
        let refused = self.refused.iter().flat_map(|refused| refused.0.iter().take(REFUSALS_PROPOSED_MAX));
        let proposals = refused.cloned().map(Transition::RefusedEvent).chain(found).collect();
        Reconciled { proposals, next_review_at }
    }

    /// Decides a command on this place's exceptions.
    pub(super) fn decide_command(
        &self,
        tenant: TenantNumber,
        command: &Command,
        actor: &Actor,
        now: Timestamp,
        reference: &Reference,
    ) -> Result<Vec<Transition>, Refusal> {
        let Command::Exception(command) = command else {
            return Err(Refusal::conflict("a SKU-location takes commands about its exceptions alone"));
        };
        let planning = Planning::of(self, tenant, now, reference);
        let place =
            Where { settings: planning.settings, tenant: planning.tenant, segment: self.segment(&planning) };
        let transition = decide(&self.exceptions, command, actor, now, place)?;
        Ok(vec![Transition::Exception(Box::new(transition))])
    }

    /// What the facts say about each kind, in words, for those that don't hold.
    pub(super) fn conditions(&self, outlook: &Outlook<'_>) -> Vec<(ExceptionType, String)> {
        let planning = outlook.planning;
        let segment = self.segment(planning);
        let mut judged = Judged { place: self, outlook, is_short: false };
        let exceptions = &planning.settings.exceptions;
        judged.is_short = shortage_now::is_short(&judged, &exceptions.kind(&ShortageNow::TYPE, &segment));
        fn said<K: Kind>(judged: &Judged<'_>, settings: &KindSettings) -> (ExceptionType, String) {
            let because = if !settings.enabled {
                "this kind is switched off".to_owned()
            } else {
                match K::condition(judged, settings) {
                    Condition::Raised => "its condition holds and it is about to be raised".to_owned(),
                    Condition::Between => {
                        "it is between the thresholds: neither raised nor cleared".to_owned()
                    }
                    Condition::Clear(why) => why.into_owned(),
                }
            };
            (K::TYPE, because)
        }
        vec![
            said::<ShortageNow>(&judged, &exceptions.kind(&ShortageNow::TYPE, &segment)),
            said::<ProjectedStockout>(&judged, &exceptions.kind(&ProjectedStockout::TYPE, &segment)),
        ]
    }

    /// Where in the range and in the network this place is.
    pub(super) fn segment<'a>(&'a self, planning: &Planning<'a>) -> Segment<'a> {
        let Some(tenant) = planning.tenant else { return Segment::default() };
        Segment {
            item_path: tenant.item_path(&self.sku),
            location_path: tenant.location_path(&self.location),
            location: Some(&self.location),
            sku: Some(&self.sku),
            ..Segment::default()
        }
    }

    /// Finds the earliest moment at which time alone could change the answer.
    fn look_again(&self, outlook: &Outlook<'_>, demand: &Demand, watch: &mut Watch<'_>) {
        let now = outlook.planning.now;
        let mut consider = |at: Option<Timestamp>| {
            if let Some(at) = at {
                watch.review_at(at);
            }
        };
        if outlook.rate_per_day > 0.0 || outlook.has_unfinished_demand {
            consider(demand.next_period_at());
        }
        consider(outlook.orders.first().map(|order| order.at));
        consider(outlook.receipts.first().map(|receipt| receipt.at));
        consider(outlook.forecast.next_edge(now));
        consider(demand.next_published_at(now));
        for planned in self.supply.iter().flat_map(|supply| supply.planned(now)) {
            consider(Some(planned.expires_at));
        }
    }

    /// What `units` short cost in base currency: their margin, or their price where the cost is unknown. `None`
    /// without a price or without a rate for its currency.
    fn value(&self, planning: &Planning<'_>, units: Quantity) -> Option<Money> {
        let tenant = planning.tenant?;
        let item = tenant.item(planning.sku);
        let described = item.and_then(|item| {
            item.unit_price.map(|price| (price, item.currency.unwrap_or(tenant.base_currency)))
        });
        let seen =
            || self.price_seen.map(|seen| (seen.unit_price(), seen.currency.unwrap_or(tenant.base_currency)));
        let (price, currency) = described.or_else(seen)?;
        let cost = item
            .filter(|item| item.currency.unwrap_or(tenant.base_currency) == currency)
            .and_then(|item| item.unit_cost);
        let margin =
            price.ten_thousandths().saturating_sub(cost.map_or(0, UnitPrice::ten_thousandths)).max(0);
        let value = UnitPrice::from_ten_thousandths(margin).times(units, currency);
        tenant.convert_to_base(value).map(to_minor_units)
    }
}

impl Judged<'_> {
    fn is_open(&self, kind: &ExceptionType) -> bool {
        self.place.exceptions.open(kind).is_some()
    }

    /// What being short costs.
    fn assess_shortage(&self, probability: f64) -> Assessment {
        let units = (self.outlook.expected_units_short() * 1_000.0).round() as i64;
        let units_at_risk = Quantity::from_milli(units.clamp(0, QUANTITY_MILLI_MAX));
        let value_at_risk = self.place.value(self.outlook.planning, units_at_risk);
        Assessment {
            severity: severity_by_value(&self.outlook.planning.settings.exceptions, value_at_risk),
            value_at_risk,
            units_at_risk: Some(units_at_risk),
            confidence: Some(rounded(probability)),
            cause: None,
        }
    }

    /// What is said about being short from `bites_at` on.
    fn describe_shortage(
        &self,
        bites_at: Option<Timestamp>,
        shortage: Option<Shortage>,
        cause: String,
    ) -> Description {
        let planning = self.outlook.planning;
        let remedy_days = planning
            .tenant
            .and_then(|tenant| tenant.fastest_remedy_days(planning.sku, planning.location, planning.now));
        let decide_by = bites_at.zip(remedy_days).map(|(bites_at, days)| bites_at.plus_days(-days));
        Description {
            subject: ExceptionSubject::sku_location(&self.place.sku, &self.place.location),
            window: Some(ExceptionWindow {
                from: bites_at,
                until: shortage.and_then(|shortage| shortage.until),
            }),
            decide_by,
            act_by: Some(decide_by.or(bites_at).unwrap_or_else(|| planning.horizon())),
            cause,
            evidence: self.place.evidence.list(),
        }
    }
}

/// One step worse, because it bites already.
fn worse(severity: Severity) -> Severity {
    match severity {
        Severity::Low => Severity::Medium,
        Severity::Medium => Severity::High,
        Severity::High | Severity::Critical => Severity::Critical,
    }
}

/// Money is written in minor units; held finer it would not be the same after a replay.
fn to_minor_units(money: Money) -> Money {
    let unit = 10_i64.pow(4 - money.currency().minor_digits().min(4));
    let value = money.ten_thousandths();
    let rounded = value.saturating_add(unit / 2).div_euclid(unit).saturating_mul(unit);
    Money::from_ten_thousandths(rounded, money.currency())
}
