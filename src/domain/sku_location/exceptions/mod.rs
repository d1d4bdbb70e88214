//! What is compared with what should be: which exceptions to raise, tell anew or clear, and when to look again.
//!
//! Each kind stands in a file of its own: when it holds, what it is worth, and what is said about it. What several kinds
//! look at is computed once ([`Judged`]), and what costs more only where a kind asks for it.

mod below_safety_stock;
mod causes;
mod custom;
mod dead_stock;
mod demand_spike;
mod excess;
mod expiry_before_use;
mod forecast_quality;
mod negative_stock;
mod order_at_risk;
mod projected_stockout;
mod promotion;
mod shortage_now;
mod stock_mismatch;
mod transfer_late;
mod unannounced_receipt;

use std::cell::OnceCell;
use std::sync::Arc;

use self::below_safety_stock::BelowSafetyStock;
use self::causes::CauseOfShortage;
pub use self::custom::VARIABLES as CUSTOM_VARIABLES;
use self::dead_stock::DeadStock;
use self::demand_spike::{DemandDrop, DemandSpike};
use self::excess::Excess;
use self::expiry_before_use::ExpiryBeforeUse;
use self::forecast_quality::{ForecastAccuracy, ForecastBias};
use self::negative_stock::NegativeStock;
use self::order_at_risk::{AllocationShortage, OrderAtRisk};
use self::projected_stockout::ProjectedStockout;
use self::shortage_now::ShortageNow;
use self::stock_mismatch::StockMismatch;
use super::SkuLocation;
use super::demand::Demand;
use super::outlook::{Outlook, rolled_demand};
use super::parameters::Planning;
use super::projection::Shortage;
use super::worth::units_of;
use crate::domain::command::{Actor, Command, Refusal};
use crate::domain::demand::errors::{ForecastErrors, Residual};
use crate::domain::entity::Reconciled;
use crate::domain::exception::assessment::{Assessment, Condition, Description, rounded, severity_by_value};
use crate::domain::exception::command::{Where, decide};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::{EntityText, Watch};
use crate::domain::exception::worth::{Deadline, Ledger, Units, Worth, explain};
use crate::domain::exception::{ExceptionItem, ExceptionSubject, ExceptionType, ExceptionWindow, Severity};
use crate::domain::explain::Input;
use crate::domain::ids::TenantNumber;
use crate::domain::money::Money;
use crate::domain::quantity::Quantity;
use crate::domain::record::Transition;
use crate::domain::reference::Reference;
use crate::domain::settings::{CustomSubject, Segment};
use crate::domain::time::Timestamp;
use crate::domain::working_time::last_moment_to_order;

/// F5 at the worst moment.
const UNITS_SHORT: &str = "round(max(units_short(supply - demand - orders_beyond_forecast, sqrt(demand_variance + lead_time_variance))), 3)";
/// Refusals proposed at once; the rest follows when these are journaled.
const REFUSALS_PROPOSED_MAX: usize = 64;

/// One place at one moment, as the kinds look at it.
pub(super) struct Judged<'a> {
    pub tenant_number: TenantNumber,
    pub place: &'a SkuLocation,
    pub demand: &'a Demand,
    pub outlook: &'a Outlook<'a>,
    /// Whether `shortage_now` is open or about to be: then what may come says nothing that matters.
    pub is_short: bool,
    /// Whether `projected_stockout` is open or about to be.
    pub is_likely_short: bool,
    /// Whether `dead_stock` is open or about to be.
    pub is_dead: bool,
    /// The last finished period against its forecast, if it says something.
    pub residual: Option<Residual>,
    /// How well the forecast in use did, and in how many periods that was measured.
    errors: (ForecastErrors, u32),
    /// Until when a shortage is looked for: what comes later the next order can still help.
    horizon: Timestamp,
    probability: OnceCell<f64>,
    units_short: OnceCell<Quantity>,
    shortage_cause: CauseOfShortage,
}

/// A kind of exception that a SKU-location raises about itself as such.
trait Kind {
    const TYPE: ExceptionType;

    /// What the facts say.
    fn condition(judged: &Judged<'_>, settings: &KindSettings) -> Condition;

    /// What it is worth.
    fn assess(judged: &Judged<'_>, settings: &KindSettings) -> Assessment;

    /// What is said about it.
    fn describe(judged: &Judged<'_>, settings: &KindSettings, assessment: &Assessment) -> Description;

    /// When time alone can change the answer, beside the moments at which every place is looked at again.
    fn review_at(_: &Judged<'_>, _: &KindSettings) -> Option<Timestamp> {
        None
    }
}

fn judge<K: Kind>(watch: &mut Watch<'_>, judged: &Judged<'_>) {
    let settings = watch.kind(&K::TYPE);
    let condition = if settings.enabled {
        if let Some(at) = K::review_at(judged, &settings) {
            watch.review_at(at);
        }
        K::condition(judged, &settings)
    } else {
        Condition::Clear("switched off".into())
    };
    watch.judge(
        &K::TYPE,
        "",
        &settings,
        condition,
        || K::assess(judged, &settings),
        |assessment| K::describe(judged, &settings, assessment),
    );
}

/// Whether it is open and stays so, or should be.
fn holds<K: Kind>(watch: &Watch<'_>, judged: &Judged<'_>) -> bool {
    let settings = watch.kind(&K::TYPE);
    settings.enabled
        && match K::condition(judged, &settings) {
            Condition::Raised => true,
            Condition::Between => judged.open(&K::TYPE).is_some(),
            Condition::Clear(_) => false,
        }
}

/// Raised at `raise` and below, cleared at `clear` and above.
fn at_or_below(value: f64, raise: f64, clear: f64, why: &'static str) -> Condition {
    Condition::above(-value, -raise, -clear, why)
}

/// Ends what is known of a kind about parts of the place that are no longer there.
fn clear_gone(
    watch: &mut Watch<'_>,
    kind: &ExceptionType,
    is_there: impl Fn(&str) -> bool,
    why: &'static str,
) {
    if !watch.knows(kind) {
        return;
    }
    let slots = watch.slots;
    for slot in slots.slots().iter().filter(|slot| slot.exception_type == *kind && !is_there(&slot.of)) {
        clear_one(watch, kind, &slot.of, why);
    }
}

fn clear_one(watch: &mut Watch<'_>, kind: &ExceptionType, of: &str, why: &'static str) {
    let settings = watch.kind(kind);
    let nothing = || Assessment {
        severity: Severity::Low,
        value_at_risk: None,
        units_at_risk: None,
        confidence: None,
        cause: None,
    };
    // What clears is neither assessed nor described.
    let unsaid = |_: &Assessment| Description {
        subject: ExceptionSubject::default(),
        window: None,
        ends_ahead: false,
        decide_by: None,
        act_by: None,
        cause: String::new(),
        evidence: Vec::new(),
    };
    watch.judge(kind, of, &settings, Condition::Clear(why.into()), nothing, unsaid);
}

/// Judges every kind.
fn judge_all(watch: &mut Watch<'_>, judged: &Judged<'_>, reference: &Reference) {
    judge::<ShortageNow>(watch, judged);
    judge::<ProjectedStockout>(watch, judged);
    judge::<BelowSafetyStock>(watch, judged);
    judge::<DeadStock>(watch, judged);
    judge::<Excess>(watch, judged);
    judge::<ExpiryBeforeUse>(watch, judged);
    judge::<NegativeStock>(watch, judged);
    judge::<StockMismatch>(watch, judged);
    judge::<DemandSpike>(watch, judged);
    judge::<DemandDrop>(watch, judged);
    judge::<ForecastBias>(watch, judged);
    judge::<ForecastAccuracy>(watch, judged);
    judge::<OrderAtRisk>(watch, judged);
    judge::<AllocationShortage>(watch, judged);
    promotion::judge(watch, judged);
    transfer_late::judge(watch, judged);
    unannounced_receipt::judge(watch, judged);
    custom::judge(watch, judged, reference);
}

impl SkuLocation {
    pub(super) fn propose(&self, tenant: TenantNumber, now: Timestamp, reference: &Reference) -> Reconciled {
        let planning = Planning::of(self, tenant, now, reference);
        let rolled = rolled_demand(self, &planning);
        let demand = rolled.as_ref().unwrap_or(&self.demand);
        let outlook = Outlook::of(self, demand, &planning);
        let mut watch = self.watch(tenant, demand, &planning);
        let mut judged = Judged::new(tenant, self, demand, &outlook, &watch);
        judged.note_what_is_open(&watch);
        let judged = &judged;

        judge_all(&mut watch, judged, reference);
        self.look_again(&outlook, demand, &mut watch);

        // An operator's own conditions may be about what is open here.
        let has_own_kinds = !reference.own_kinds(CustomSubject::SkuLocation).is_empty();
        let settles = self.refused.is_none() && !has_own_kinds && watch.settles();
        let (found, next_review_at) = watch.finish();
        let refused = self.refused.iter().flat_map(|refused| refused.0.iter().take(REFUSALS_PROPOSED_MAX));
        let proposals = refused.cloned().map(Transition::RefusedEvent).chain(found).collect();
        Reconciled { proposals, next_review_at, settles }
    }

    /// Why an open exception is worth what it is, as of `now`; `None` if it is not open here.
    pub fn worth(
        &self,
        id: &str,
        tenant: TenantNumber,
        now: Timestamp,
        reference: &Reference,
    ) -> Option<Worth> {
        let slot = self.exceptions.slot_of_open(id)?;
        let ledger = Ledger::default();
        let planning = Planning { ledger: Some(&ledger), ..Planning::of(self, tenant, now, reference) };
        let rolled = rolled_demand(self, &planning);
        let demand = rolled.as_ref().unwrap_or(&self.demand);
        let outlook = Outlook::of(self, demand, &planning);
        let mut watch = self.watch(tenant, demand, &planning);
        let mut judged = Judged::new(tenant, self, demand, &outlook, &watch);
        judged.note_what_is_open(&watch);
        watch.ask(&slot.exception_type, &slot.of, &ledger);
        judge_all(&mut watch, &judged, reference);
        let units = judged.units_explained(&slot.exception_type);
        let (settings, version) = (planning.settings, reference.version());
        Some(explain(slot.open.as_ref()?, watch.answer()?, &ledger, units, settings, now, version))
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
        let rolled = rolled_demand(self, &planning);
        let segment = self.segment(&planning, rolled.as_ref().unwrap_or(&self.demand));
        let place = Where { settings: planning.settings, tenant: planning.tenant, segment };
        let transition = decide(&self.exceptions, command, actor, now, place)?;
        Ok(vec![Transition::Exception(Box::new(transition))])
    }

    /// What the facts say about each kind about this place as such, in words.
    pub(super) fn conditions(
        &self,
        tenant: TenantNumber,
        demand: &Demand,
        outlook: &Outlook<'_>,
    ) -> Vec<(ExceptionType, String)> {
        let watch = self.watch(tenant, demand, outlook.planning);
        let mut judged = Judged::new(tenant, self, demand, outlook, &watch);
        judged.note_what_is_open(&watch);
        fn said<K: Kind>(watch: &Watch<'_>, judged: &Judged<'_>) -> (ExceptionType, String) {
            let settings = watch.kind(&K::TYPE);
            let because = if !settings.enabled {
                "this kind is switched off".to_owned()
            } else {
                match K::condition(judged, &settings) {
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
            said::<ShortageNow>(&watch, &judged),
            said::<ProjectedStockout>(&watch, &judged),
            said::<BelowSafetyStock>(&watch, &judged),
            said::<DeadStock>(&watch, &judged),
            said::<Excess>(&watch, &judged),
            said::<ExpiryBeforeUse>(&watch, &judged),
            said::<NegativeStock>(&watch, &judged),
            said::<StockMismatch>(&watch, &judged),
            said::<DemandSpike>(&watch, &judged),
            said::<DemandDrop>(&watch, &judged),
            said::<ForecastBias>(&watch, &judged),
            said::<ForecastAccuracy>(&watch, &judged),
            said::<OrderAtRisk>(&watch, &judged),
            said::<AllocationShortage>(&watch, &judged),
        ]
    }

    fn watch<'a>(&'a self, tenant: TenantNumber, demand: &'a Demand, planning: &Planning<'a>) -> Watch<'a> {
        Watch::new(
            &self.exceptions,
            planning.reference,
            tenant,
            self.segment(planning, demand),
            planning.now,
            demand.period(),
            EntityText::SkuLocation { sku: &self.sku, location: &self.location },
        )
    }

    /// Where in the range and in the network this place is.
    pub(super) fn segment<'a>(&'a self, planning: &Planning<'a>, demand: &Demand) -> Segment<'a> {
        let Some(tenant) = planning.tenant else { return Segment::default() };
        // Most configurations tell no parts of the range or the network apart: then nobody asks which part this is.
        if !planning.settings.tells_parts_apart() {
            return Segment { location: Some(&self.location), sku: Some(&self.sku), ..Segment::default() };
        }
        let item = tenant.item_segment(&self.sku);
        Segment {
            item_path: item.path,
            abc: item.abc,
            xyz: item.xyz.or_else(|| demand.variability()),
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
        let next_period_at = demand.next_period_at();
        if outlook.rate_per_day > 0.0 || outlook.has_unfinished_demand {
            consider(next_period_at);
        }
        let planning = outlook.planning;
        // What lies beyond the horizon comes into it.
        let (horizon, horizon_days) = (planning.horizon(), planning.horizon_days());
        let enters = |at: Timestamp| at.plus_days(-horizon_days);
        // Demand that has begun is looked at with each period.
        if outlook.rate_per_day <= 0.0 || next_period_at.is_none() {
            consider(outlook.forecast.next_edge(horizon).map(enters));
            let forecast = &outlook.forecast;
            if forecast.rate_per_day(horizon) > 0.0 || forecast.between(now, horizon).mean > 0.0 {
                consider(Some(now.plus(demand.period())));
            }
        }
        consider(outlook.orders.first().map(|order| order.at));
        consider(outlook.orders.iter().find(|order| order.at > horizon).map(|order| enters(order.at)));
        consider(
            planning.tenant.and_then(|tenant| tenant.next_sourcing_edge(&self.sku, &self.location, now)),
        );
        consider(outlook.receipts.first().map(|receipt| receipt.at));
        consider(outlook.forecast.next_edge(now));
        consider(demand.next_published_at(now));
        for planned in self.supply.iter().flat_map(|supply| supply.planned(now)) {
            consider(Some(planned.expires_at));
        }
    }
}

impl<'a> Judged<'a> {
    fn new(
        tenant_number: TenantNumber,
        place: &'a SkuLocation,
        demand: &'a Demand,
        outlook: &'a Outlook<'a>,
        watch: &Watch<'_>,
    ) -> Judged<'a> {
        let planning = outlook.planning;
        let days = watch.kind(&ExceptionType::ProjectedStockout).days;
        let beyond_lead_time = planning.parameters.review_days.min(days);
        let horizon_days = (planning.parameters.lead_time_days + beyond_lead_time).max(0.0);
        let mut judged = Judged {
            tenant_number,
            place,
            demand,
            outlook,
            is_short: false,
            is_likely_short: false,
            is_dead: false,
            residual: None,
            errors: demand.errors(&outlook.forecast, outlook.planning.settings),
            horizon: planning.now.plus_days(horizon_days),
            probability: OnceCell::new(),
            units_short: OnceCell::new(),
            shortage_cause: OnceCell::new(),
        };
        judged.residual = judged.last_residual();
        judged
    }

    /// Finds out which of those are open, or about to be, that others go by.
    fn note_what_is_open(&mut self, watch: &Watch<'_>) {
        self.is_short = holds::<ShortageNow>(watch, self);
        self.is_likely_short = holds::<ProjectedStockout>(watch, self);
        self.is_dead = holds::<DeadStock>(watch, self);
    }

    /// How the units of a kind come about, where that is a matter of a formula.
    fn units_explained(&self, kind: &ExceptionType) -> Option<Units> {
        let on_hand = || vec![Input::number("on_hand", self.outlook.position.on_hand.as_f64())];
        match kind {
            ExceptionType::ShortageNow
            | ExceptionType::ProjectedStockout
            | ExceptionType::BelowSafetyStock => {
                let mut inputs = Vec::new();
                self.outlook
                    .for_each_checkpoint_until(self.horizon, |checkpoint| inputs.extend(checkpoint.inputs()));
                Some(Units { formula: UNITS_SHORT, inputs })
            }
            ExceptionType::NegativeStock => Some(Units { formula: "-on_hand", inputs: on_hand() }),
            ExceptionType::DeadStock => Some(Units { formula: "on_hand", inputs: on_hand() }),
            _ => None,
        }
    }

    fn now(&self) -> Timestamp {
        self.outlook.planning.now
    }

    /// F4, over the lead time and as much of the review period as `projected_stockout` is set to look at.
    fn stockout_probability(&self) -> f64 {
        *self
            .probability
            .get_or_init(|| self.outlook.stockout_probability_with(&self.outlook.receipts, self.horizon))
    }

    /// F5 at the worst moment of the same days.
    fn units_short(&self) -> Quantity {
        *self.units_short.get_or_init(|| units_of(self.outlook.expected_units_short(self.horizon)).or_zero())
    }

    fn horizon_days(&self) -> f64 {
        self.horizon.days_since(self.now())
    }

    /// F2, in units.
    fn safety_stock(&self) -> f64 {
        self.outlook.safety_stock()
    }

    /// F3, in units.
    fn reorder_point(&self) -> f64 {
        self.outlook.reorder_point()
    }

    /// How well the forecast in use did, and in how many periods that was measured.
    fn forecast_errors(&self) -> (ForecastErrors, u32) {
        self.errors
    }

    fn open(&self, kind: &ExceptionType) -> Option<&'a Arc<ExceptionItem>> {
        self.place.exceptions.open(kind)
    }

    /// When the kind was opened; now if it is about to be.
    fn opened_at(&self, kind: &ExceptionType) -> Option<Timestamp> {
        Some(self.open(kind).map_or(self.now(), |open| open.opened_at))
    }

    fn window_since_opened(&self, kind: &ExceptionType) -> Option<ExceptionWindow> {
        Some(ExceptionWindow { from: self.opened_at(kind), until: None })
    }

    /// What something is worth, with the severity that follows from it and no cause elsewhere.
    fn assessment(
        &self,
        value_at_risk: Option<Money>,
        units_at_risk: Option<Quantity>,
        confidence: Option<f64>,
    ) -> Assessment {
        Assessment {
            severity: severity_by_value(&self.outlook.planning.settings.exceptions, value_at_risk),
            value_at_risk,
            units_at_risk,
            confidence,
            cause: None,
        }
    }

    /// What being short costs (F44): the units expected to be short, which their probability is in already.
    fn assess_shortage(&self, probability: f64) -> Assessment {
        let units = self.units_short();
        let value = self.place.lost_margin(self.outlook.planning, units);
        self.assessment(value, Some(units), Some(rounded(probability)))
    }

    /// F45: the last moment at which the fastest remedy can be ordered and still is here at `bites_at`; `None` without a
    /// remedy.
    fn decide_by(&self, bites_at: Timestamp) -> Option<Timestamp> {
        let planning = self.outlook.planning;
        let tenant = planning.tenant?;
        let remedy = tenant.fastest_remedy(planning.sku, planning.location, planning.now)?;
        let decide_by = last_moment_to_order(remedy.calendar, &remedy.zone, bites_at.plus_days(-remedy.days));
        if let Some(ledger) = planning.ledger {
            let (from, about) = tenant.remedy_origin(&remedy);
            let (needed_at, remedy_days) = (bites_at, remedy.days);
            ledger.note_deadline(Deadline { decide_by, needed_at, remedy_days, from, about });
        }
        Some(decide_by)
    }

    fn description(
        &self,
        window: Option<ExceptionWindow>,
        decide_by: Option<Timestamp>,
        act_by: Option<Timestamp>,
        cause: String,
    ) -> Description {
        Description {
            subject: ExceptionSubject::sku_location(&self.place.sku, &self.place.location),
            window,
            ends_ahead: false,
            decide_by,
            act_by,
            cause,
            evidence: self.place.evidence.list(),
        }
    }

    /// What is said about being short from `bites_at` on.
    fn describe_shortage(
        &self,
        bites_at: Option<Timestamp>,
        shortage: Option<Shortage>,
        cause: String,
    ) -> Description {
        let window = ExceptionWindow { from: bites_at, until: shortage.and_then(|shortage| shortage.until) };
        let decide_by = bites_at.and_then(|bites_at| self.decide_by(bites_at));
        let act_by = decide_by.or(bites_at).unwrap_or_else(|| self.outlook.planning.horizon());
        self.description(Some(window), decide_by, Some(act_by), cause)
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
