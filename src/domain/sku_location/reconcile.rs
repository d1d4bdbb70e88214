//! What is compared with what should be: which exceptions to open, tell anew or clear, and when to look again.
//!
//! Severity comes from the value at risk v in base currency:
//!
//! |                      | v unknown or below `high` | `high` ≤ v < `critical` | `critical` ≤ v |
//! |----------------------|---------------------------|-------------------------|----------------|
//! | `projected_stockout` | medium                    | high                    | critical       |
//! | `shortage_now`       | high                      | critical                | critical       |

use smallvec::SmallVec;

use super::SkuLocation;
use super::demand::Demand;
use super::outlook::{Outlook, rolled_demand};
use super::parameters::Planning;
use super::{projected_stockout, shortage_now};
use crate::domain::entity::Reconciled;
use crate::domain::exception::{
    ExceptionChange, ExceptionItem, ExceptionState, ExceptionSubject, ExceptionTransition, ExceptionType,
    ExceptionWindow, Severity, exception_id,
};
use crate::domain::ids::TenantNumber;
use crate::domain::money::{Money, UnitPrice};
use crate::domain::quantity::{QUANTITY_MILLI_MAX, Quantity};
use crate::domain::record::Transition;
use crate::domain::reference::Reference;
use crate::domain::time::{HOUR, SECOND, Timestamp};

/// Refusals proposed at once; the rest follows when these are journaled.
const REFUSALS_PROPOSED_MAX: usize = 64;

/// What should become of one kind of exception.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// None is open and none should be.
    Rest,
    /// One should be open.
    Hold,
    /// The open one should go, and why.
    Clear(&'static str),
}

impl Step {
    /// For a kind that is switched off.
    pub fn off(is_open: bool) -> Step {
        if is_open { Step::Clear("switched off") } else { Step::Rest }
    }
}

/// How bad it is, as far as that is cheap to say.
struct Assessment {
    units_at_risk: Quantity,
    value_at_risk: Option<Money>,
    severity: Severity,
    /// Rounded, so that it stays the same through a text.
    confidence: f64,
}

impl SkuLocation {
    pub(super) fn propose(&self, tenant: TenantNumber, now: Timestamp, reference: &Reference) -> Reconciled {
        let planning = Planning::of(self, tenant, now, reference);
        let rolled = rolled_demand(self, &planning);
        let demand = rolled.as_ref().unwrap_or(&self.demand);
        let outlook = Outlook::of(self, demand, &planning);
        let mut proposals = SmallVec::new();
        let mut review_at = Earliest::after(now);

        if let Some(refused) = &self.refused {
            let refusals = refused.0.iter().take(REFUSALS_PROPOSED_MAX);
            proposals.extend(refusals.cloned().map(Transition::RefusedEvent));
        }
        let open_shortage = self.exceptions.open(ExceptionType::ShortageNow);
        let shortage = shortage_now::step(&outlook, open_shortage.is_some());
        let open_stockout = self.exceptions.open(ExceptionType::ProjectedStockout);
        // Beside a shortage the probability says nothing that matters.
        let probability = if shortage == Step::Hold { 1.0 } else { outlook.stockout_probability() };
        let stockout =
            projected_stockout::step(&outlook, probability, open_stockout.is_some(), shortage == Step::Hold);

        // What goes makes room first: a reader never sees both.
        let mut take = |exception_type, step, probability| {
            if let Some(change) = self.change(&outlook, exception_type, step, probability, &mut review_at) {
                proposals.push(Transition::Exception(Box::new(change)));
            }
        };
        if matches!(stockout, Step::Clear(_)) {
            take(ExceptionType::ProjectedStockout, stockout, probability);
            take(ExceptionType::ShortageNow, shortage, 1.0);
        } else {
            take(ExceptionType::ShortageNow, shortage, 1.0);
            take(ExceptionType::ProjectedStockout, stockout, probability);
        }
        self.look_again(&outlook, demand, &mut review_at);
        Reconciled { proposals, next_review_at: review_at.earliest }
    }

    /// The change that `step` asks for, if it is worth telling.
    fn change(
        &self,
        outlook: &Outlook<'_>,
        exception_type: ExceptionType,
        step: Step,
        probability: f64,
        review_at: &mut Earliest,
    ) -> Option<ExceptionTransition> {
        let now = outlook.planning.now;
        let open = self.exceptions.open(exception_type);
        match (step, open) {
            (Step::Rest, _) | (Step::Clear(_), None) => None,
            (Step::Clear(why), Some(open)) => {
                let mut item = ExceptionItem::clone(open);
                item.state = ExceptionState::Cleared;
                item.updated_at = now;
                item.cleared_at = Some(now);
                item.cause = Some(why.to_owned());
                item.evidence = self.evidence.list();
                item.revision += 1;
                Some(ExceptionTransition { kind: ExceptionChange::Cleared, item })
            }
            (Step::Hold, None) => {
                let assessment = self.assess(outlook, exception_type, probability);
                let item = self.item(outlook, exception_type, &assessment, probability, None);
                Some(ExceptionTransition { kind: ExceptionChange::Opened, item })
            }
            (Step::Hold, Some(open)) => {
                let assessment = self.assess(outlook, exception_type, probability);
                if !assessment.differs(open) {
                    return None;
                }
                let exceptions = &outlook.planning.settings.exceptions;
                let interval = i64::from(exceptions.update_interval_minutes) * 60 * SECOND;
                let tell_at = open.updated_at.plus(interval);
                if now < tell_at && !assessment.differs_much(open, exceptions.update_value_change) {
                    review_at.consider(tell_at);
                    return None;
                }
                let item = self.item(outlook, exception_type, &assessment, probability, Some(open));
                Some(ExceptionTransition { kind: ExceptionChange::Updated, item })
            }
        }
    }

    fn assess(&self, outlook: &Outlook<'_>, exception_type: ExceptionType, probability: f64) -> Assessment {
        let units = (outlook.expected_units_short() * 1_000.0).round() as i64;
        let units_at_risk = Quantity::from_milli(units.clamp(0, QUANTITY_MILLI_MAX));
        let value_at_risk = self.value(outlook.planning, units_at_risk);
        Assessment {
            units_at_risk,
            value_at_risk,
            severity: severity(outlook, exception_type, value_at_risk),
            confidence: (probability * 10_000.0).round() / 10_000.0,
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

    /// The exception as it is now; `open` is the one it changes.
    fn item(
        &self,
        outlook: &Outlook<'_>,
        exception_type: ExceptionType,
        assessment: &Assessment,
        probability: f64,
        open: Option<&ExceptionItem>,
    ) -> ExceptionItem {
        let planning = outlook.planning;
        let now = planning.now;
        let opened_at = open.map_or(now, |open| open.opened_at);
        let shortage = outlook.first_shortage();
        let is_short_now = exception_type == ExceptionType::ShortageNow;
        // A shortage bites since it opened; what is projected, when it comes.
        let bites_at = if is_short_now { Some(opened_at) } else { shortage.map(|shortage| shortage.from) };
        let remedy_days = planning
            .tenant
            .and_then(|tenant| tenant.fastest_remedy_days(planning.sku, planning.location, now));
        let decide_by = bites_at.zip(remedy_days).map(|(bites_at, days)| bites_at.plus_days(-days));
        let act_by = decide_by.or(bites_at).unwrap_or_else(|| planning.horizon());
        let cause = if is_short_now {
            shortage_now::cause(outlook)
        } else {
            projected_stockout::cause(outlook, probability)
        };
        let revision = open.map_or(1, |open| open.revision + 1);
        ExceptionItem {
            id: open
                .map_or_else(|| self.next_id(planning.tenant_number, exception_type), |open| open.id.clone()),
            exception_type,
            state: ExceptionState::Open,
            severity: assessment.severity,
            urgency: urgency(act_by, now, planning.settings.exceptions.urgency_case_hours),
            value_at_risk: assessment.value_at_risk,
            units_at_risk: Some(assessment.units_at_risk),
            decide_by,
            subject: ExceptionSubject {
                kind: "sku_location".into(),
                sku: Some(self.sku.clone()),
                location: Some(self.location.clone()),
                supplier: None,
            },
            opened_at,
            updated_at: now,
            cleared_at: None,
            window: Some(ExceptionWindow {
                from: bites_at,
                until: shortage.and_then(|shortage| shortage.until),
            }),
            cause: Some(cause),
            confidence: Some(assessment.confidence),
            evidence: self.evidence.list(),
            case_id: open.and_then(|open| open.case_id.clone()),
            owner: open.and_then(|open| open.owner.clone()),
            team: open.and_then(|open| open.team.clone()),
            sla_due_at: open.and_then(|open| open.sla_due_at),
            revision,
        }
    }

    fn next_id(&self, tenant: TenantNumber, exception_type: ExceptionType) -> crate::domain::ids::Name {
        // Names have no control characters: no two places make the same text.
        let subject = format!("sku_location\n{}\n{}", self.sku, self.location);
        exception_id(tenant, exception_type, &subject, self.exceptions.next_generation(exception_type))
    }

    /// Finds the earliest moment at which time alone could change the answer.
    fn look_again(&self, outlook: &Outlook<'_>, demand: &Demand, review_at: &mut Earliest) {
        let now = outlook.planning.now;
        if outlook.rate_per_day > 0.0 || outlook.has_unfinished_demand {
            review_at.consider_some(demand.next_period_at());
        }
        review_at.consider_some(outlook.orders.first().map(|order| order.at));
        review_at.consider_some(outlook.receipts.first().map(|receipt| receipt.at));
        review_at.consider_some(outlook.forecast.next_edge(now));
        review_at.consider_some(demand.next_published_at(now));
        for planned in self.supply.iter().flat_map(|supply| supply.planned(now)) {
            review_at.consider(planned.expires_at);
        }
    }
}

impl Assessment {
    fn differs(&self, open: &ExceptionItem) -> bool {
        self.severity != open.severity
            || self.value_at_risk != open.value_at_risk
            || Some(self.units_at_risk) != open.units_at_risk
            || Some(self.confidence) != open.confidence
    }

    /// Whether it is worth telling at once: another severity, or a value that moved by more than `share`.
    fn differs_much(&self, open: &ExceptionItem, share: f64) -> bool {
        let moved = |new: f64, old: f64| (new - old).abs() > share * old.abs();
        self.severity != open.severity
            || match (self.value_at_risk, open.value_at_risk) {
                (Some(new), Some(old)) => {
                    new.currency() != old.currency() || moved(new.as_f64(), old.as_f64())
                }
                (None, None) => {
                    let old = open.units_at_risk.unwrap_or_default();
                    moved(self.units_at_risk.as_f64(), old.as_f64())
                }
                _ => true,
            }
    }
}

fn severity(outlook: &Outlook<'_>, exception_type: ExceptionType, value: Option<Money>) -> Severity {
    let exceptions = &outlook.planning.settings.exceptions;
    let thresholds =
        [exceptions.severity_value_medium, exceptions.severity_value_high, exceptions.severity_value_critical];
    // A value that nobody knows is not taken for a small one.
    let passed = value.map_or(1, |value| thresholds.iter().filter(|threshold| value.as_f64() >= **threshold).count());
    // What is short already is one step worse than what may become short.
    match passed + usize::from(exception_type == ExceptionType::ShortageNow) {
        0 => Severity::Low,
        1 => Severity::Medium,
        2 => Severity::High,
        _ => Severity::Critical,
    }
}

/// F46: 100 once it is late, and half of that when as much time is left as such a case takes twice over; 0–100.
fn urgency(act_by: Timestamp, now: Timestamp, case_hours: f64) -> u8 {
    let hours_left = (act_by.micros() - now.micros()) as f64 / HOUR as f64;
    if hours_left <= 0.0 {
        return 100;
    }
    // Not-a-number ends as 0, like everything below it.
    (100.0 * case_hours / (case_hours + hours_left)).round().clamp(0.0, 100.0) as u8
}

/// Money is written in minor units; held finer it would not be the same after a replay.
fn to_minor_units(money: Money) -> Money {
    let unit = 10_i64.pow(4 - money.currency().minor_digits().min(4));
    let value = money.ten_thousandths();
    let rounded = value.saturating_add(unit / 2).div_euclid(unit).saturating_mul(unit);
    Money::from_ten_thousandths(rounded, money.currency())
}

/// The earliest of several moments, all of which have to be later than one.
struct Earliest {
    after: Timestamp,
    earliest: Option<Timestamp>,
}

impl Earliest {
    fn after(after: Timestamp) -> Earliest {
        Earliest { after, earliest: None }
    }

    fn consider(&mut self, at: Timestamp) {
        if at > self.after {
            self.earliest = Some(self.earliest.map_or(at, |earliest| earliest.min(at)));
        }
    }

    fn consider_some(&mut self, at: Option<Timestamp>) {
        if let Some(at) = at {
            self.consider(at);
        }
    }
}
