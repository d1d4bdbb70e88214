//! What is behind a shortage here: an order that comes late, or the place that supplies this one being short itself.

use std::cell::OnceCell;

use super::Judged;
use crate::domain::exception::assessment::{Assessment, rounded};
use crate::domain::exception::group::CauseRef;
use crate::domain::exception::{ExceptionSubject, ExceptionType};
use crate::domain::ids::{EntityKey, Name};
use crate::domain::line_shipments::Expected;
use crate::domain::quantity::Quantity;
use crate::domain::settings::{ExceptionSettings, Segment};
use crate::domain::sku_location::line::LineKind;
use crate::domain::sku_location::outlook::{Dated, DatedList};
use crate::domain::sku_location::supply_lines::{Promise, SupplyLine};
use crate::domain::time::Timestamp;

/// Late orders looked at for one place, in the order of their documents.
const LATE_ORDERS_MAX: usize = 8;

/// What is behind a shortage.
#[derive(Clone, Debug, PartialEq)]
pub struct ShortageCause {
    pub cause: CauseRef,
    /// How sure that is, 0–1: by how much the probability of a stockout would be less without it.
    pub confidence: f64,
    /// For people.
    pub sentence: String,
}

/// Computed once for all kinds, and only where one asks.
pub type CauseOfShortage = OnceCell<Option<ShortageCause>>;

/// What of an order to here comes later than it was promised.
#[derive(Clone, Debug)]
struct LateOrder<'a> {
    po_id: &'a str,
    supplier: &'a str,
    /// By when each part is expected and when it should have come.
    parts: Vec<(Timestamp, Timestamp, Quantity)>,
    days_late: f64,
}

impl Judged<'_> {
    /// What is behind the shortage that is here or to come, if anything elsewhere is.
    pub fn cause_of_shortage(&self) -> Option<&ShortageCause> {
        self.shortage_cause.get_or_init(|| self.find_cause_of_shortage()).as_ref()
    }

    /// Puts the cause of the shortage into an assessment, with how sure it is.
    pub fn with_cause_of_shortage(&self, assessment: Assessment) -> Assessment {
        let Some(found) = self.cause_of_shortage() else { return assessment };
        let sure = assessment.confidence.unwrap_or(1.0) * found.confidence;
        Assessment { cause: Some(found.cause.clone()), confidence: Some(rounded(sure)), ..assessment }
    }

    /// The end of a sentence that names the cause; empty without one.
    pub fn sentence_of_cause(&self) -> String {
        self.cause_of_shortage().map_or_else(String::new, |found| format!("; {}", found.sentence))
    }

    fn find_cause_of_shortage(&self) -> Option<ShortageCause> {
        if !self.outlook.planning.settings.exceptions.group_by_cause {
            return None;
        }
        self.late_order_behind_it().or_else(|| self.short_source_behind_it())
    }

    /// The order without whose lateness there would be no stockout.
    fn late_order_behind_it(&self) -> Option<ShortageCause> {
        let settings = &self.outlook.planning.settings.exceptions;
        let late = self.late_orders(settings);
        if late.is_empty() {
            return None;
        }
        let stockout = settings.kind(&ExceptionType::ProjectedStockout, &Segment::default());
        let now = if self.is_short { 1.0 } else { self.stockout_probability() };
        let mut best: Option<(f64, &LateOrder<'_>)> = None;
        for order in &late {
            let on_time = self.probability_if_on_time(std::slice::from_ref(order));
            // Two thresholds here too: what is grouped stays so until the order can't be to blame any more.
            let at_most = if self.is_grouped_under(order) {
                stockout.raise.min(now)
            } else {
                stockout.clear.min(now / 2.0)
            };
            if on_time <= at_most && best.is_none_or(|(least, _)| on_time < least) {
                best = Some((on_time, order));
            }
        }
        if best.is_none() && late.len() > 1 && self.probability_if_on_time(&late) <= stockout.clear {
            // Only all together would have been enough: the one that brings most stands for them.
            let open = |order: &LateOrder<'_>| order.parts.iter().map(|part| part.2).sum::<Quantity>();
            best = late
                .iter()
                .max_by_key(|order| open(order))
                .map(|order| (self.probability_if_on_time(std::slice::from_ref(order)).min(now), order));
        }
        let (on_time, order) = best?;
        let confidence = if now > 0.0 { ((now - on_time) / now).clamp(0.0, 1.0) } else { 0.0 };
        Some(ShortageCause {
            cause: self.cause_of_order(order),
            confidence: rounded(confidence),
            sentence: format!(
                "purchase order {} of {} comes {:.1} days later than promised",
                order.po_id, order.supplier, order.days_late
            ),
        })
    }

    fn cause_of_order(&self, order: &LateOrder<'_>) -> CauseRef {
        CauseRef {
            entity: EntityKey::Supplier { tenant: self.tenant_number, supplier: order.supplier.into() },
            of: order.po_id.into(),
        }
    }

    fn is_grouped_under(&self, order: &LateOrder<'_>) -> bool {
        let cause = self.cause_of_order(order);
        let slots = self.place.exceptions.slots().iter();
        slots.filter_map(|slot| slot.cause.as_deref()).any(|known| *known == cause)
    }

    /// Orders to here of which the supplier tells that they are late, or will be.
    fn late_orders(&self, settings: &ExceptionSettings) -> Vec<LateOrder<'_>> {
        let mut late: Vec<LateOrder<'_>> = Vec::new();
        let Some(supply) = &self.place.supply else { return late };
        for line in supply.purchase_lines.open_lines() {
            let (Some(supplier), Promise::Confirmed(promised_at) | Promise::Placed(promised_at)) =
                (line.supplier(), line.promise())
            else {
                continue;
            };
            let parts = self.late_parts(line, promised_at, supplier, settings);
            let Some(days_late) = parts.iter().map(|part| part.0.days_since(part.1)).reduce(f64::max) else {
                continue;
            };
            let po_id = line.line().document();
            // Lines lie in the order of their documents.
            if let Some(order) = late.last_mut().filter(|order| order.po_id == po_id) {
                order.parts.extend(parts);
                order.days_late = order.days_late.max(days_late);
            } else if late.len() < LATE_ORDERS_MAX {
                late.push(LateOrder { po_id, supplier, parts, days_late });
            }
        }
        late
    }

    fn late_parts(
        &self,
        line: &SupplyLine,
        promised_at: Timestamp,
        supplier: &str,
        settings: &ExceptionSettings,
    ) -> Vec<(Timestamp, Timestamp, Quantity)> {
        let planning = self.outlook.planning;
        let segment = Segment { supplier: Some(supplier), ..Segment::default() };
        let overdue = settings.kind(&ExceptionType::PurchaseLate, &segment);
        let predicted = settings.kind(&ExceptionType::PurchaseLatePredicted, &segment);
        let is_overdue = overdue.enabled && promised_at.plus_days(overdue.raise) < planning.now;
        let mut parts = Vec::new();
        line.for_each_part(|expected, quantity| {
            let expected_at = match expected {
                Expected::Shipment { eta, .. } => eta,
                Expected::Promise => planning.promised_arrival(line),
                Expected::Arrived => return,
            };
            let is_predicted = predicted.enabled && expected_at.days_since(promised_at) >= predicted.raise;
            if is_overdue || is_predicted {
                parts.push((planning.not_past(expected_at), promised_at, quantity));
            }
        });
        parts
    }

    /// The probability of a stockout had these orders come as promised; for a shortage that is here already, whether
    /// it would be.
    fn probability_if_on_time(&self, orders: &[LateOrder<'_>]) -> f64 {
        let outlook = self.outlook;
        let now = self.now();
        let mut receipts: DatedList = outlook.receipts.clone();
        let mut here_already = Quantity::ZERO;
        for (expected_at, promised_at, quantity) in orders.iter().flat_map(|order| &order.parts) {
            let moved = Dated { at: *expected_at, units: quantity.as_f64() };
            if let Some(at) = receipts.iter().position(|receipt| *receipt == moved) {
                receipts[at].at = (*promised_at).max(now);
            }
            if *promised_at <= now {
                here_already += *quantity;
            }
        }
        if self.is_short {
            let on_hand = outlook.position.on_hand + here_already;
            let is_short = outlook.position.due > on_hand.or_zero() || !on_hand.is_positive();
            return if is_short { 1.0 } else { 0.0 };
        }
        receipts.sort_unstable_by_key(|receipt| receipt.at);
        outlook.stockout_probability_with(&receipts, self.horizon)
    }

    /// The place that supplies this one, if it is short itself.
    fn short_source_behind_it(&self) -> Option<ShortageCause> {
        let planning = self.outlook.planning;
        let source = planning.tenant?.short_source(planning.sku, planning.location, planning.now)?;
        // Whoever names this place as its cause is not the cause of this place.
        let is_member = |subject: &ExceptionSubject| {
            subject.location.as_ref() == Some(source) && subject.sku.as_deref() == Some(planning.sku)
        };
        let members = self.place.exceptions.members("");
        if members.is_some_and(|members| members.iter().any(|member| is_member(&member.subject))) {
            return None;
        }
        Some(ShortageCause {
            cause: CauseRef {
                entity: EntityKey::SkuLocation {
                    tenant: self.tenant_number,
                    sku: self.place.sku.clone(),
                    location: source.clone(),
                },
                of: Name::default(),
            },
            confidence: 1.0,
            sentence: format!("{source}, which supplies it, is short itself"),
        })
    }
}
