//! What a list of steps costs and brings.

use super::explain::explained;
use super::gates::gates;
use super::order::{order_quantity, source_of};
use super::risk::{Risk, Scenario};
use super::{Costing, Sketch};
use crate::domain::approval_case::item::{
    ActionKind, BasisInput, CaseOption, CasePlace, Explained, OptionBasis, OptionEffect, OptionKind,
    OptionStep, RiskView,
};
use crate::domain::exception::assessment::rounded;
use crate::domain::ids::Name;
use crate::domain::sku_location::options_basis::{PlaceBasis, ReceiptBasis, ReceiptKind};
use crate::domain::time::Timestamp;

/// The loss at one place without and with an option, in base currency; `None` without a price.
struct Losses {
    before: Option<f64>,
    after: Option<f64>,
}

impl<'a> Costing<'a> {
    /// Costs an option.
    pub(super) fn evaluate(&self, sketch: Sketch) -> CaseOption {
        let mut explanation = Vec::new();
        let places = self.concerned(&sketch.steps);
        let mut after: Vec<Scenario<'_>> = places.iter().map(|place| Scenario::of(place)).collect();
        for step in &sketch.steps {
            take_effect(step, &mut after);
        }
        let mut effects = Vec::new();
        let mut losses = Vec::new();
        let mut least_safe = 0.0_f64;
        for (place, after) in places.iter().zip(&after) {
            let before = Scenario::of(place);
            let until = self.compared_until(place);
            let (risk_before, risk_after) = (before.risk(until), after.risk(until));
            let name = format!("{}@{}", place.sku, place.location);
            let loss_before = self.loss(place, &risk_before, &name, "before", &mut explanation);
            let loss_after = self.loss(place, &risk_after, &name, "after", &mut explanation);
            if self
                .subjects
                .iter()
                .any(|subject| subject.sku == place.sku && subject.location == place.location)
            {
                least_safe = least_safe.max(risk_after.stockout_probability);
            }
            effects.push(OptionEffect {
                sku: place.sku.clone(),
                location: place.location.clone(),
                before: self.view(place, &before, &risk_before, loss_before),
                after: self.view(place, after, &risk_after, loss_after),
            });
            losses.push(Losses { before: loss_before, after: loss_after });
        }
        let cost = self.cost(&sketch, &mut explanation);
        let benefit = self.benefit(&sketch, &losses, &mut explanation);
        let net = benefit.zip(cost).map(|(benefit, cost)| benefit - cost);
        let unit = self.tenant.base_currency.as_str().to_owned();
        explanation.push(explained(
            "net",
            net,
            &unit,
            "benefit - cost",
            &[("benefit", benefit), ("cost", cost)],
        ));
        let arrives_at = sketch.steps.iter().filter_map(|step| step.arrives_at).max();
        let lead_time_days = arrives_at.map(|at| at.days_since(self.now));
        let day = |at: Timestamp| at.days_since(Timestamp::default());
        if let Some(at) = arrives_at {
            let inputs = [("arrives_at", Some(day(at))), ("now", Some(day(self.now)))];
            explanation.push(explained(
                "lead_time_days",
                lead_time_days,
                "days",
                "arrives_at - now",
                &inputs,
            ));
        }
        let confidence = (!places.is_empty()).then_some(1.0 - least_safe);
        let input = [("stockout_probability_after", Some(least_safe))];
        explanation.push(explained(
            "confidence",
            confidence,
            "probability",
            "1 - stockout_probability_after",
            &input,
        ));
        let net = net.map(|net| self.money(net));
        CaseOption {
            gates: gates(self, &sketch, &after, net),
            id: sketch.id,
            kind: sketch.kind,
            title: sketch.title,
            cost: cost.map(|cost| self.money(cost)),
            benefit: benefit.map(|benefit| self.money(benefit)),
            net,
            confidence: confidence.map(rounded),
            lead_time_days: lead_time_days.map(rounded),
            effects,
            hidden: 0,
            touches: touches(&sketch.steps),
            basis: OptionBasis {
                computed_at: self.now,
                facts: self.case.facts,
                inputs: places
                    .iter()
                    .map(|place| BasisInput {
                        sku: place.sku.clone(),
                        location: place.location.clone(),
                        lsn: place.lsn,
                    })
                    .collect(),
            },
            recommended: false,
            steps: sketch.steps,
            edited_by: sketch.edited_by,
            editors: sketch.editors,
            explanation,
        }
    }

    /// The places in trouble and those that the steps touch, as far as they are known.
    fn concerned(&self, steps: &[OptionStep]) -> Vec<&'a PlaceBasis> {
        let mut keys: Vec<CasePlace> = Vec::new();
        let subjects = self.subjects.iter().map(|place| (&place.sku, &place.location));
        let arrivals = steps.iter().map(|step| (&step.sku, &step.location));
        let departures = steps
            .iter()
            .filter(|step| step.kind == ActionKind::Transfer)
            .filter_map(|step| Some((&step.sku, step.from.as_ref()?)));
        for (sku, location) in subjects.chain(arrivals).chain(departures) {
            let key = CasePlace { sku: sku.clone(), location: location.clone() };
            if self.places.contains_key(&key) && !keys.contains(&key) {
                keys.push(key);
            }
        }
        keys.iter().filter_map(|key| self.places.get(key).copied()).collect()
    }

    /// F44: what is expected to be short (which holds its probability already) costs its margin, or its price where the
    /// cost is unknown, and a penalty; a part of it comes back later.
    fn loss(
        &self,
        place: &PlaceBasis,
        risk: &Risk,
        name: &str,
        when: &str,
        explanation: &mut Vec<Explained>,
    ) -> Option<f64> {
        let settings = &self.settings.cases;
        let price = self.in_base(place.unit_price, place.price_currency);
        let cost = self.in_base(place.unit_cost, place.cost_currency);
        let (penalty, recapture) = (settings.shortage_penalty_share, settings.recapture_share);
        let loss = price.map(|price| {
            let margin = (price - cost.unwrap_or(0.0)).max(0.0);
            risk.units_short * (margin + price * penalty) * (1.0 - recapture)
        });
        let point = risk.most_probable;
        let inputs = [("balance", Some(point.balance)), ("sd", Some(point.standard_deviation))];
        explanation.push(explained(
            format!("stockout_probability_{when}:{name}"),
            Some(risk.stockout_probability),
            "probability",
            "short_probability(balance, sd)",
            &inputs,
        ));
        let (point, waiting) = (risk.deepest, risk.waiting);
        let mut inputs = vec![("balance", Some(point.balance)), ("sd", Some(point.standard_deviation))];
        let mut formula = "units_short(balance, sd)";
        if waiting.units > 0.0 {
            formula = "max(units_short(balance, sd) - waiting, 0) + waiting * waiting_share";
            inputs.extend([("waiting", Some(waiting.units)), ("waiting_share", Some(waiting.share))]);
        }
        explanation.push(explained(
            format!("units_short_{when}:{name}"),
            Some(risk.units_short),
            "units",
            formula,
            &inputs,
        ));
        let formula = match cost {
            Some(_) => "units_short * (max(price - cost, 0) + price * penalty_share) * (1 - recapture_share)",
            None => "units_short * (price + price * penalty_share) * (1 - recapture_share)",
        };
        let mut inputs = vec![("units_short", Some(risk.units_short)), ("price", price)];
        if cost.is_some() {
            inputs.push(("cost", cost));
        }
        inputs.extend([("penalty_share", Some(penalty)), ("recapture_share", Some(recapture))]);
        explanation.push(explained(
            format!("loss_{when}:{name}"),
            loss,
            self.tenant.base_currency.as_str(),
            formula,
            &inputs,
        ));
        loss
    }

    fn benefit(&self, sketch: &Sketch, losses: &[Losses], explanation: &mut Vec<Explained>) -> Option<f64> {
        let unit = self.tenant.base_currency.as_str();
        if sketch.kind == OptionKind::DoNothing {
            explanation.push(explained("benefit", Some(0.0), unit, "0", &[]));
            return Some(0.0);
        }
        let benefit = losses.iter().map(|loss| Some(loss.before? - loss.after?)).sum::<Option<f64>>();
        let number = |at: usize, when: &str| format!("loss_{when}_{}", at + 1);
        let names: Vec<[String; 2]> =
            (0..losses.len()).map(|at| [number(at, "before"), number(at, "after")]).collect();
        let terms: Vec<String> = names.iter().map(|[before, after]| format!("{before} - {after}")).collect();
        let inputs: Vec<(&str, Option<f64>)> = names
            .iter()
            .zip(losses)
            .flat_map(|([before, after], loss)| {
                [(before.as_str(), loss.before), (after.as_str(), loss.after)]
            })
            .collect();
        let formula = if terms.is_empty() { "0".to_owned() } else { terms.join(" + ") };
        explanation.push(explained("benefit", benefit, unit, formula, &inputs));
        benefit
    }

    /// What all steps cost, beside the goods themselves; `None` if that of one is unknown.
    fn cost(&self, sketch: &Sketch, explanation: &mut Vec<Explained>) -> Option<f64> {
        let unit = self.tenant.base_currency.as_str();
        let mut costs = Vec::new();
        for (at, step) in sketch.steps.iter().enumerate() {
            let explained = self.step_cost(at + 1, step, unit);
            costs.push(explained.value);
            explanation.push(explained);
            self.explain_quantity(at + 1, step, explanation);
        }
        let cost = costs.iter().copied().sum::<Option<f64>>();
        let names: Vec<String> = (1..=costs.len()).map(|at| format!("cost_{at}")).collect();
        let inputs: Vec<(&str, Option<f64>)> = names.iter().map(String::as_str).zip(costs).collect();
        let formula = if names.is_empty() { "0".to_owned() } else { names.join(" + ") };
        explanation.push(explained("cost", cost, unit, formula, &inputs));
        cost
    }

    fn step_cost(&self, at: usize, step: &OptionStep, unit: &str) -> Explained {
        let settings = &self.settings.cases;
        let name = format!("cost_{at}");
        let quantity = step.quantity.as_f64();
        let place = self.place(&step.sku, &step.location);
        let unit_cost = self.in_base(step.unit_cost, None);
        match step.kind {
            ActionKind::Order => {
                let rate = place.map_or(0.0, |place| place.rate_per_day);
                let (order_cost, carrying) = (settings.order_cost, settings.carrying_cost_share);
                let held_days = (quantity / rate / 2.0).min(365.0);
                let value = unit_cost.map(|cost| order_cost + quantity * cost * carrying * held_days / 365.0);
                let inputs = [
                    ("order_cost", Some(order_cost)),
                    ("quantity", Some(quantity)),
                    ("unit_cost", unit_cost),
                    ("carrying_cost_share", Some(carrying)),
                    ("rate_per_day", Some(rate)),
                ];
                let formula = "order_cost + quantity * unit_cost * carrying_cost_share * min(quantity / rate_per_day / 2, 365) / 365";
                explained(name, value, unit, formula, &inputs)
            }
            ActionKind::Expedite => {
                let share = settings.expedite_cost_share;
                let value = unit_cost.map(|cost| share * quantity * cost);
                let inputs = [("share", Some(share)), ("quantity", Some(quantity)), ("unit_cost", unit_cost)];
                explained(name, value, unit, "share * quantity * unit_cost", &inputs)
            }
            ActionKind::Transfer => {
                let lane = step.from.as_ref().and_then(|from| self.tenant.lane(from, &step.location));
                let freight = lane.and_then(|lane| self.in_base(lane.cost_per_unit, lane.currency));
                let handling = settings.transfer_handling_cost;
                let value = freight.map(|freight| quantity * freight + handling);
                let inputs = [
                    ("quantity", Some(quantity)),
                    ("freight_per_unit", freight),
                    ("handling", Some(handling)),
                ];
                explained(name, value, unit, "quantity * freight_per_unit + handling", &inputs)
            }
            ActionKind::Custom => explained(name, None, unit, "unknown", &[("unknown", None)]),
        }
    }

    /// How the quantity of an order came about, if it is the tower's.
    fn explain_quantity(&self, at: usize, step: &OptionStep, explanation: &mut Vec<Explained>) {
        if step.kind != ActionKind::Order {
            return;
        }
        let Some(place) = self.place(&step.sku, &step.location) else { return };
        let Some(source) = source_of(self, place, step.supplier.as_ref()) else { return };
        let wanted = order_quantity(self, place, source);
        if wanted.quantity != step.quantity {
            return;
        }
        let inputs = [
            ("order_up_to", Some(wanted.order_up_to)),
            ("inventory_position", Some(wanted.inventory_position)),
            ("economic_quantity", Some(wanted.economic)),
            ("minimum_order", Some(wanted.minimum)),
            ("pack", Some(wanted.pack)),
        ];
        let formula =
            "round_up(max(order_up_to - inventory_position, max(economic_quantity, minimum_order)), pack)";
        let value = Some(step.quantity.as_f64());
        explanation.push(explained(format!("quantity_{at}"), value, "units", formula, &inputs));
    }

    fn view(&self, place: &PlaceBasis, scenario: &Scenario<'_>, risk: &Risk, loss: Option<f64>) -> RiskView {
        RiskView {
            available: scenario.available(),
            inventory_position: scenario.inventory_position(),
            stockout_probability: rounded(risk.stockout_probability),
            units_short: rounded(risk.units_short),
            projected_stockout_at: risk.shortage.map(|shortage| shortage.from),
            value_at_risk: loss.map(|loss| self.money(loss)),
            days_of_cover: scenario.days_of_cover().map(rounded),
            horizon_days: rounded(self.compared_days(place)),
        }
    }
}

/// Lets a step happen at the places that it touches.
fn take_effect(step: &OptionStep, places: &mut [Scenario<'_>]) {
    let is = |scenario: &Scenario<'_>, location: &Name| {
        scenario.basis.sku == step.sku && scenario.basis.location == *location
    };
    let from = step.from.as_ref().filter(|_| step.kind == ActionKind::Transfer);
    for scenario in places {
        if is(scenario, &step.location)
            && let Some(at) = step.arrives_at
        {
            match step.kind {
                ActionKind::Order | ActionKind::Transfer => scenario.receive(ReceiptBasis {
                    at,
                    quantity: step.quantity,
                    kind: ReceiptKind::Planned,
                    document: Name::default(),
                    line_id: Name::default(),
                    line_quantity: step.quantity,
                    supplier: step.supplier.clone(),
                    is_shipped: false,
                }),
                ActionKind::Expedite => {
                    let document = step.po_id.as_deref().unwrap_or_default();
                    scenario.reschedule(document, step.line_id.as_deref().unwrap_or_default(), at);
                }
                ActionKind::Custom => {}
            }
        }
        if from.is_some_and(|from| is(scenario, from)) {
            scenario.take(step.quantity);
        }
    }
}

/// Suppliers, documents and locations, each once.
fn touches(steps: &[OptionStep]) -> Vec<Name> {
    let mut touches: Vec<Name> = Vec::new();
    for step in steps {
        let named = step.supplier.iter().chain(&step.po_id).chain(&step.from);
        for name in named.chain(std::iter::once(&step.location)).filter(|name| !name.is_empty()) {
            if !touches.contains(name) {
                touches.push(name.clone());
            }
        }
    }
    touches
}
