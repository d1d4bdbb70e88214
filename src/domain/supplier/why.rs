//! Why each number of a supplier is what it is, and why what did not happen did not.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Supplier;
use super::exceptions::{conditions, judge};
use super::judged::Judged;
use super::line::Line;
use super::statistics::{LEAD_TIME_DAYS_MIN, OtifLine};
use super::view::{LeadTimeSource, SupplierView};
use crate::domain::exception::ExceptionType;
use crate::domain::exception::assessment::Condition;
use crate::domain::exception::watch::{EntityText, Watch};
use crate::domain::exception::worth::{Ledger, Worth, explain};
use crate::domain::explain::{Absence, Explanation, Input, Numbers, threshold_inputs};
use crate::domain::ids::{EntityKey, Name, TenantNumber};
use crate::domain::quantity::Quantity;
use crate::domain::reference::Reference;
use crate::domain::settings::OtifDate;
use crate::domain::time::{DAY, Timestamp};

/// `…/why` without `lsn`, `position` and `as_of`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SupplierWhy {
    pub supplier: Name,
    /// By the name that the number has in the supplier's view.
    pub numbers: BTreeMap<&'static str, Explanation>,
    /// What did not happen, and why not.
    pub absences: Vec<Absence>,
}

/// Lines that are named one by one as inputs of a number; further ones are one input together.
const LINES_NAMED_MAX: usize = 500;

/// Inputs in the making.
struct Why<'a> {
    judged: &'a Judged<'a>,
    view: &'a SupplierView,
    numbers: Numbers,
}

impl Supplier {
    /// Explains every number that [`Supplier::view`] shows at the same moment. Looks at every line.
    pub fn why(&self, tenant: TenantNumber, now: Timestamp, reference: &Reference) -> SupplierWhy {
        let judged = Judged::of(self, tenant, now, reference);
        let view = self.view(tenant, now, reference);
        let mut why = Why { judged: &judged, view: &view, numbers: Numbers::new(reference.version()) };
        why.lines();
        why.acknowledgements();
        why.lead_time();
        why.kept_promises();
        why.reported();
        let absences = why.absences();
        SupplierWhy { supplier: self.supplier.clone(), numbers: why.numbers.into_map(), absences }
    }

    /// Why an open exception is worth what it is, as of `now`; `None` if it is not open here.
    pub fn worth(&self, id: &str, key: &EntityKey, now: Timestamp, reference: &Reference) -> Option<Worth> {
        let slot = self.exceptions.slot_of_open(id)?;
        let ledger = Ledger::default();
        let judged = Judged { ledger: Some(&ledger), ..Judged::of(self, key.tenant(), now, reference) };
        let whose = EntityText::Other(key);
        let mut watch =
            Watch::new(&self.exceptions, reference, key.tenant(), self.segment(), now, DAY, whose);
        watch.ask(&slot.exception_type, &slot.of, &ledger);
        judge(&judged, reference, &mut watch);
        let (settings, version) = (reference.settings(), reference.version());
        Some(explain(slot.open.as_ref()?, watch.answer()?, &ledger, None, settings, now, version))
    }
}

impl Why<'_> {
    fn put(
        &mut self,
        name: &'static str,
        value: Option<f64>,
        unit: &'static str,
        formula: &'static str,
        inputs: Vec<Input>,
    ) -> &mut Explanation {
        self.numbers.put(name, value, unit, formula, inputs)
    }

    /// A number, with the sentence that stands in for it where there is none.
    fn put_or(
        &mut self,
        name: &'static str,
        value: Option<f64>,
        unit: &'static str,
        formula: &'static str,
        inputs: Vec<Input>,
        else_because: &str,
    ) {
        let explanation = self.put(name, value, unit, formula, inputs);
        if value.is_none() {
            explanation.because = Some(else_because.to_owned());
        }
    }

    fn count(
        &mut self,
        name: &'static str,
        value: usize,
        unit: &'static str,
        inputs: Vec<Input>,
    ) -> &mut Explanation {
        self.put(name, Some(value as f64), unit, "sum(lines)", inputs)
    }

    /// One input a line: that there is one, with the time that makes it count. Further ones are counted together.
    fn counted<'l, A: Into<Option<Timestamp>>>(
        &self,
        lines: impl Iterator<Item = (&'l Name, &'l Name, A)>,
    ) -> Vec<Input> {
        let mut inputs = Vec::new();
        let mut further = 0_usize;
        for (po_id, line_id, at) in lines {
            if inputs.len() < LINES_NAMED_MAX {
                inputs.push(self.told("lines", 1.0, po_id, line_id).at(at.into()));
            } else {
                further += 1;
            }
        }
        if further > 0 {
            inputs.push(together("lines", further as f64, further));
        }
        inputs
    }

    /// What the last event that named the order told of a line.
    fn told(&self, name: &'static str, value: f64, po_id: &str, line_id: &str) -> Input {
        let document = self.judged.supplier.orders.document(po_id);
        let lsn = document.and_then(|document| document.evidence()).map(|evidence| evidence.lsn);
        Input::told(name, value, lsn).about(format!("{po_id} line {line_id}"))
    }

    fn lines(&mut self) {
        let orders = &self.judged.supplier.orders;
        let mut quantities = Vec::new();
        let (mut ordered, mut received, mut further) = (Quantity::ZERO, Quantity::ZERO, 0_usize);
        for (po_id, line_id, line) in orders.open() {
            let asked = line.ordered().unwrap_or_default();
            if quantities.len() < 2 * LINES_NAMED_MAX {
                let promised_at = line.promised_at();
                quantities.push(self.told("ordered", asked.as_f64(), po_id, line_id).at(promised_at));
                quantities.push(self.told("received", line.received().as_f64(), po_id, line_id));
            } else {
                (ordered, received, further) = (ordered + asked, received + line.received(), further + 1);
            }
        }
        if further > 0 {
            quantities.push(together("ordered", ordered.as_f64(), further));
            quantities.push(together("received", received.as_f64(), further));
        }
        let placed = |line: &Line| line.placed_at().or(line.promised_at());
        let open = self.counted(orders.open().map(|(po_id, line_id, line)| (po_id, line_id, placed(line))));
        self.count("open_lines", self.view.open_lines, "lines", open);
        let open_quantity = self.view.open_quantity.as_f64();
        self.put(
            "open_quantity",
            Some(open_quantity),
            "units",
            "sum(max(0, ordered - received))",
            quantities,
        );

        let now = self.judged.now;
        let promised = || orders.by_promise().iter().map(|(at, po_id, line_id)| (po_id, line_id, *at));
        let late = self.counted(promised().filter(|(.., at)| *at <= now));
        self.count("late_lines", self.view.late_lines, "lines", late).because =
            Some("open lines whose latest promise has passed; the time is that promise".to_owned());
        let lateness = |po_id: &Name, line_id: &Name| {
            let line = orders.line(po_id, line_id)?;
            self.judged.lateness(po_id, line).filter(|lateness| lateness.days > 0.0)
        };
        let predicted =
            self.counted(promised().filter(|(.., at)| *at > now).filter_map(|(po_id, line_id, at)| {
                Some((po_id, line_id, lateness(po_id, line_id)?.expected_at(at)))
            }));
        self.count("predicted_late_lines", self.view.predicted_late_lines, "lines", predicted).because = Some(
            "open lines whose promise has not passed and that are expected later than it, by the eta of a shipment, by a delay or a capacity that was reported, or by how late the supplier usually is with what nobody confirmed; the time is when each is expected".to_owned(),
        );
        let refused = self.view.lines_refused as f64;
        let inputs = vec![Input::said("refused", refused, "event")];
        self.put("lines_refused", Some(refused), "lines", "refused", inputs).because =
            Some("lines that found no room among supplier.lines_max".to_owned());
    }

    fn acknowledgements(&mut self) {
        let orders = &self.judged.supplier.orders;
        let waiting = || orders.unacknowledged().iter().map(|(at, po_id, line_id)| (po_id, line_id, *at));
        let unacknowledged = self.counted(waiting());
        self.count("unacknowledged_lines", self.view.unacknowledged_lines, "lines", unacknowledged);
        let within = self.view.ack_within_hours;
        let inputs =
            within.map(|hours| Input::said("described_hours", hours, "supplier")).into_iter().collect();
        self.put_or(
            "ack_within_hours",
            within,
            "hours",
            "described_hours",
            inputs,
            "the supplier's description does not say",
        );
        let hours: Vec<Input> = self
            .judged
            .supplier
            .receipts
            .acknowledgements()
            .map(|hours| Input::said("hours", hours, "measured"))
            .collect();
        let none = "no line was acknowledged after it was ordered";
        let (mean, p90) = (self.view.acknowledgement_mean_hours, self.view.acknowledgement_p90_hours);
        self.put_or("acknowledgement_p90_hours", p90, "hours", "quantile(hours, 0.9)", hours.clone(), none);
        self.put_or("acknowledgement_mean_hours", mean, "hours", "sum(hours) / count(hours)", hours, none);
        let settings = self.judged.kind(&ExceptionType::AcknowledgementMissing);
        let allowed = match within {
            Some(hours) => Input::said("hours", hours, "supplier"),
            None => Input::said("hours", settings.raise, "configuration"),
        };
        let mut inputs = vec![allowed];
        inputs.extend(
            waiting()
                .next()
                .map(|(po_id, line_id, at)| self.told("placed", 1.0, po_id, line_id).at(Some(at))),
        );
        let due = self.view.next_acknowledgement_due_at;
        let explanation = self.put(
            "next_acknowledgement_due_at",
            None,
            "moment",
            "working_time_after(placed, hours)",
            inputs,
        );
        explanation.time = due;
        if due.is_none() {
            explanation.because = Some("no open line waits for its acknowledgement".to_owned());
        }
    }

    fn lead_time(&mut self) {
        let supplier = self.judged.supplier;
        let receipts = &supplier.receipts;
        let published = self.judged.tenant.and_then(|tenant| tenant.statistics(&supplier.supplier));
        let (from, about) = match self.view.lead_time_source {
            LeadTimeSource::Measured => {
                let lines = published.map_or(0, |published| published.receipts);
                ("measured", Some(format!("{lines} receipts, when it was last published")))
            }
            LeadTimeSource::Described => ("supplier", None),
            LeadTimeSource::Default => ("default", None),
        };
        let share = self.judged.settings.supplier.statistics_publish_change * 100.0;
        let now = receipts.to_publish(&supplier.supplier);
        let because = |of: fn(&super::PublishedStatistics) -> f64| {
            now.as_ref().filter(|_| from == "measured").map(|now| {
                format!(
                    "of all {} receipts it is {:.3} days now; it is published again when it has moved by more than {share} %",
                    now.receipts,
                    of(now)
                )
            })
        };
        let input = |name, value| Input { about: about.clone(), ..Input::said(name, value, from) };
        let (mean, sd) = (self.view.lead_time_mean_days, self.view.lead_time_sd_days);
        self.put("lead_time_mean_days", Some(mean), "days", "mean_days", vec![input("mean_days", mean)])
            .because = because(|now| now.lead_time_mean_days);
        let mut said = input("sd_days", sd);
        if from != "measured" {
            let described = self.judged.tenant.and_then(|tenant| tenant.supplier(&supplier.supplier));
            let is_said = described.is_some_and(|described| described.lead_time_sd_days.is_some());
            said.from = if is_said { "supplier" } else { "default" }.to_owned();
        }
        self.put("lead_time_sd_days", Some(sd), "days", "sd_days", vec![said]).because =
            because(|now| now.lead_time_sd_days);

        let lead_times = || {
            receipts.lead_times().map(|days| Input::said("lead_time", days, "measured")).collect::<Vec<_>>()
        };
        let none = "no line was received after it was ordered";
        for (name, formula, value) in [
            ("lead_time_p50_days", "quantile(lead_time, 0.5)", self.view.lead_time_p50_days),
            ("lead_time_p90_days", "quantile(lead_time, 0.9)", self.view.lead_time_p90_days),
        ] {
            self.put_or(name, value, "days", formula, lead_times(), none);
        }
        let mut inputs = lead_times();
        let minimum = (self.judged.kind(&ExceptionType::LeadTimeDrift).minimum as usize).max(2);
        let split = inputs.len().saturating_sub(minimum);
        for (at, input) in inputs.iter_mut().enumerate() {
            input.name = if at < split { "earlier" } else { "recent" };
        }
        inputs.push(Input::said("at_least", LEAD_TIME_DAYS_MIN, "default"));
        self.put_or(
            "lead_time_drift",
            self.view.lead_time_drift,
            "share",
            "(sum(recent) / count(recent) - sum(earlier) / count(earlier)) / max(sum(earlier) / count(earlier), at_least)",
            inputs,
            &format!("it takes {minimum} lead times, and as many before them"),
        );
        let counts = [
            ("receipts", f64::from(self.view.receipts), "lines whose lead time was measured"),
            (
                "receipts_before_order",
                f64::from(self.view.receipts_before_order),
                "lines received before they were ordered, by the times in the events; they are not measured",
            ),
        ];
        for (name, value, because) in counts {
            let inputs = vec![Input::said("measured", value, "measured")];
            self.put(name, Some(value), "lines", "measured", inputs).because = Some(because.to_owned());
        }
    }

    fn kept_promises(&mut self) {
        let receipts = &self.judged.supplier.receipts;
        let share = |is: fn(&OtifLine<(&Name, &Name)>) -> bool| {
            let lines = self.judged.otif_lines().map(|line| {
                let kept = f64::from(is(&line));
                match line.overdue {
                    Some((until, (po_id, line_id))) => {
                        self.told("kept", kept, po_id, line_id).at(Some(until))
                    }
                    None => Input::said("kept", kept, "measured"),
                }
            });
            lines.collect::<Vec<_>>()
        };
        let on_time_in_full = share(|line| line.on_time && line.in_full);
        let in_full = share(|line| line.in_full);
        let lines = on_time_in_full.clone();
        self.put("otif_lines", Some(self.view.otif_lines as f64), "lines", "count(kept)", lines);
        let formula = "sum(kept) / count(kept)";
        let none = "no line was in full or closed yet, and none is overdue";
        self.put_or("otif_share", self.view.otif_share, "share", formula, on_time_in_full, none);
        if let Some(explanation) = self.numbers.get_mut("otif_share")
            && explanation.value.is_some()
        {
            let policy = &self.view.otif_policy;
            explanation.because = Some(format!(
                "on time is from {} days before to {} days after {}, in full is at least {} % of the quantity; a line counts once, from when it is in full or closed, and from the end of that time on if it is neither: those are named with the moment",
                policy.early_days,
                policy.late_days,
                match policy.against {
                    OtifDate::Requested => "the date that was requested, else first promised",
                    OtifDate::Promised => "the date that was promised with the order, else later",
                    OtifDate::Confirmed => "the date that was promised last",
                },
                (1.0 - policy.quantity_tolerance) * 100.0,
            ));
        }
        self.put_or("in_full_share", self.view.in_full_share, "share", formula, in_full, none);
        let (lines, on_time, lateness) = receipts.against_promise();
        let measured = |name, value| Input::said(name, value, "measured");
        let promised = measured("promised", f64::from(lines));
        let none = "no measured line had a promise";
        let inputs = vec![measured("on_time", f64::from(on_time)), promised.clone()];
        let on_time_share = self.view.on_time_share;
        self.put_or("on_time_share", on_time_share, "share", "on_time / promised", inputs, none);
        let inputs = vec![measured("lateness", lateness), promised];
        let mean = self.view.lateness_mean_days;
        self.put_or("lateness_mean_days", mean, "days", "lateness / promised", inputs, none);
    }

    fn reported(&mut self) {
        let factor = self.view.capacity_factor;
        let now = self.judged.now;
        let in_force = self.view.capacities.iter().any(|capacity| {
            capacity.from.is_none_or(|from| from <= now) && capacity.until.is_none_or(|until| now < until)
        });
        let from = if in_force { "event" } else { "default" };
        let inputs = vec![Input::said("reported", factor, from)];
        self.put("capacity_factor", Some(factor), "share of normal", "reported", inputs);
        let places = f64::from(self.view.single_sourced);
        let inputs = vec![Input::said("places", places, "sourcing")];
        self.put("single_sourced", Some(places), "SKU-locations", "places", inputs).because =
            Some("SKU-locations that name this supplier as a source, and nothing else".to_owned());
        let slots = &self.judged.supplier.exceptions;
        let open = slots.iter_open().map(|item| {
            let about = format!("{} {}", item.exception_type, item.id);
            Input::said("open", 1.0, "event").at(Some(item.opened_at)).about(about)
        });
        let open = open.collect();
        self.put("open_exceptions", Some(slots.open_count() as f64), "exceptions", "count(open)", open);
    }

    /// Of each kind that is not open why it is not.
    fn absences(&self) -> Vec<Absence> {
        let about_orders = [
            (ExceptionType::PurchaseLate, "no order has an open line so long past its promise"),
            (ExceptionType::PurchaseLatePredicted, "no order is expected so much later than promised"),
            (ExceptionType::ReceiptPartial, "no order has waited so long for what is missing of it"),
            (
                ExceptionType::AcknowledgementMissing,
                "every open line was acknowledged, or there is still time",
            ),
            (ExceptionType::AcknowledgementDiffers, "no acknowledgement differs so much from its order"),
        ];
        let about_orders =
            about_orders.map(|(kind, why)| (kind, Condition::Clear(std::borrow::Cow::Borrowed(why))));
        let all = conditions(self.judged).into_iter().chain(about_orders);
        let slots = &self.judged.supplier.exceptions;
        let absence = |(kind, condition): (ExceptionType, Condition)| {
            let of_kind = || slots.slots().iter().filter(|slot| slot.exception_type == kind);
            if of_kind().any(|slot| slot.open.is_some()) {
                return None;
            }
            let settings = self.judged.kind(&kind);
            let because = if !settings.enabled {
                "this kind is switched off".to_owned()
            } else if of_kind().any(|slot| slot.dismissed) {
                "somebody dismissed it, and it has not gone since".to_owned()
            } else if let Some(since) = of_kind().filter_map(|slot| slot.pending_since).min() {
                let periods = settings.consecutive_periods;
                format!("it has to hold for {periods} periods in a row, and does only since {since}")
            } else {
                match condition {
                    Condition::Raised => "its condition holds and it is about to be raised".to_owned(),
                    Condition::Between => {
                        "it is between the thresholds: neither raised nor cleared".to_owned()
                    }
                    Condition::Clear(why) => why.into_owned(),
                }
            };
            let inputs = threshold_inputs(&kind, &settings);
            Some(Absence { what: format!("exception.{kind}"), because, inputs })
        };
        all.filter_map(absence).collect()
    }
}

/// Lines beyond those that are named.
fn together(name: &'static str, value: f64, lines: usize) -> Input {
    Input::said(name, value, "event").about(format!("{lines} further lines"))
}
