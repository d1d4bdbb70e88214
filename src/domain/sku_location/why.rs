//! Why each number of a place is what it is, and why what did not happen did not.

use std::collections::BTreeMap;

use serde::Serialize;

use super::SkuLocation;
use super::demand::Demand;
use super::line::{Line, LineKind};
use super::outlook::{Outlook, order_quantity, rolled_demand};
use super::parameters::Planning;
use super::stock::Stock;
use crate::domain::event::ServiceMeasure;
use crate::domain::explain::{Absence, Explanation, Input, Numbers, threshold_inputs};
use crate::domain::ids::{EntityKey, Name, TenantNumber};
use crate::domain::inventory::stockout;
use crate::domain::quantity::Quantity;
use crate::domain::reference::{ParameterOrigins, Reference};
use crate::domain::time::Timestamp;

/// `…/why` without `lsn`, `position` and `as_of`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SkuLocationWhy {
    pub sku: Name,
    pub location: Name,
    /// By the name that the number has in the place's view.
    pub numbers: BTreeMap<&'static str, Explanation>,
    /// What did not happen, and why not.
    pub absences: Vec<Absence>,
}

/// Inputs in the making.
struct Why<'a> {
    place: &'a SkuLocation,
    outlook: &'a Outlook<'a>,
    origins: ParameterOrigins,
    numbers: Numbers,
}

impl SkuLocation {
    /// Explains every number that [`SkuLocation::view`] shows at the same moment.
    pub fn why(&self, now: Timestamp, reference: &Reference, key: &EntityKey) -> SkuLocationWhy {
        let planning = Planning::of(self, key.tenant(), now, reference);
        let rolled = rolled_demand(self, &planning);
        let demand = rolled.as_ref().unwrap_or(&self.demand);
        let outlook = Outlook::of(self, demand, &planning);
        let origins = planning.tenant.map_or_else(
            || ParameterOrigins {
                service_level: "default",
                review_days: "default",
                lead_time_days: "default",
                lead_time_sd_days: "default",
                source: None,
            },
            |tenant| tenant.parameter_origins(&self.sku, &self.location, now),
        );
        let mut why =
            Why { place: self, outlook: &outlook, origins, numbers: Numbers::new(reference.version()) };
        why.stock();
        why.lines();
        why.demand(demand.period());
        why.planning();
        why.risk();
        let absences = why.absences(key.tenant(), demand);
        SkuLocationWhy {
            sku: self.sku.clone(),
            location: self.location.clone(),
            numbers: why.numbers.into_map(),
            absences,
        }
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

    fn units(&mut self, name: &'static str, value: Quantity, formula: &'static str, inputs: Vec<Input>) {
        self.put(name, Some(value.as_f64()), "units", formula, inputs);
    }

    fn stock(&mut self) {
        let place = self.place;
        let inputs = stock_inputs("carried", "moved", &place.available);
        self.units("on_hand", self.outlook.position.on_hand, "carried + sum(moved)", inputs);
        let mut inputs = Vec::new();
        if let Some(unavailable) = &place.unavailable {
            inputs.extend(stock_inputs("blocked_carried", "blocked_moved", &unavailable.blocked));
            inputs.extend(stock_inputs("damaged_carried", "damaged_moved", &unavailable.damaged));
        }
        let formula = "sum(blocked_carried) + sum(blocked_moved) + sum(damaged_carried) + sum(damaged_moved)";
        self.units("blocked", place.blocked(), formula, inputs);
    }

    fn lines(&mut self) {
        let place = self.place;
        let position = self.outlook.position;
        let now = self.outlook.planning.now;
        let mut reserved = Vec::new();
        let mut due = Vec::new();
        for line in place.order_lines.open_lines() {
            push_line(&mut reserved, "order_ordered", "order_shipped", line.line(), line.promised_at());
            if line.due(now).is_positive() {
                push_line(&mut due, "due_ordered", "due_shipped", line.line(), line.promised_at());
            }
        }
        let mut on_order = Vec::new();
        let mut planned = Vec::new();
        let mut in_transit = Vec::new();
        if let Some(supply) = &place.supply {
            for line in supply.purchase_lines.open_lines() {
                push_line(
                    &mut on_order,
                    "purchase_ordered",
                    "purchase_received",
                    line.line(),
                    line.promised_at(),
                );
            }
            if let Some(transfers) = &supply.transfers {
                for line in transfers.inbound_lines.open_lines() {
                    push_line(
                        &mut on_order,
                        "transfer_ordered",
                        "transfer_received",
                        line.line(),
                        line.promised_at(),
                    );
                }
                for line in transfers.outbound_lines.open_lines() {
                    push_line(&mut reserved, "leaving_ordered", "leaving_dispatched", line.line(), None);
                }
            }
            for action in supply.planned(now) {
                let input = |name| {
                    Input::said(name, action.quantity.as_f64(), "case")
                        .at(Some(action.arrives_at))
                        .about(format!("action {}", action.action_id))
                };
                if action.outbound {
                    reserved.push(input("held"));
                } else {
                    on_order.push(input("planned"));
                    planned.push(input("planned"));
                }
            }
            for line in supply.open_lines() {
                let under_way = line.in_transit();
                if under_way.is_positive() {
                    let about = format!("{} line {}", line.line().document(), line.line().line_id());
                    in_transit.push(Input::said("under_way", under_way.as_f64(), "event").about(about));
                }
            }
        }
        self.units(
            "reserved",
            position.reserved(),
            "sum(max(0, order_ordered - order_shipped)) + sum(max(0, leaving_ordered - leaving_dispatched)) + sum(held)",
            reserved,
        );
        self.units("due", position.due, "sum(max(0, due_ordered - due_shipped))", due);
        self.units(
            "on_order",
            position.on_order,
            "sum(max(0, purchase_ordered - purchase_received)) + sum(max(0, transfer_ordered - transfer_received)) + sum(planned)",
            on_order,
        );
        self.units("planned", position.planned, "sum(planned)", planned);
        self.units("in_transit", place.in_transit(), "sum(under_way)", in_transit);
        let number = |name: &'static str, value: Quantity| Input::number(name, value.as_f64());
        self.units(
            "available",
            position.available(),
            "on_hand - reserved",
            vec![number("on_hand", position.on_hand), number("reserved", position.reserved())],
        );
        self.units(
            "backorders",
            position.backorders(),
            "max(0, due - max(0, on_hand))",
            vec![number("due", position.due), number("on_hand", position.on_hand)],
        );
        self.units(
            "inventory_position",
            position.inventory_position(),
            "on_hand + on_order - due - outbound",
            vec![
                number("on_hand", position.on_hand),
                number("on_order", position.on_order),
                number("due", position.due),
                Input { from: "reserved".to_owned(), ..number("outbound", position.outbound) },
            ],
        );
    }

    fn demand(&mut self, period: i64) {
        let rate = self.outlook.rate_per_day;
        let period_days = period as f64 / crate::domain::time::DAY as f64;
        let (name, from) = if self.outlook.forecast.is_published() {
            ("published_mean", "published")
        } else {
            ("level", "model")
        };
        let days = self.outlook.forecast.bucket_days(self.outlook.planning.now).unwrap_or(period_days);
        let formula = if name == "level" { "level / period_days" } else { "published_mean / period_days" };
        let inputs = vec![Input::said(name, rate * days, from), Input::said("period_days", days, from)];
        let explanation = self.put("demand_rate_per_day", Some(rate), "units per day", formula, inputs);
        explanation.because = Some(
            "level is the demand per period after simple exponential smoothing of every finished period so far".to_owned(),
        );
        let position = self.outlook.position;
        let cover = (rate > 0.0).then(|| position.available().as_f64() / rate);
        let inputs = vec![
            Input::number("available", position.available().as_f64()),
            Input::number("demand_rate_per_day", rate),
        ];
        let explanation = self.put("days_of_cover", cover, "days", "available / demand_rate_per_day", inputs);
        if cover.is_none() {
            explanation.because = Some("there is no demand".to_owned());
        }
    }

    fn planning(&mut self) {
        let planning = self.outlook.planning;
        let parameters = planning.parameters;
        let demand = self.outlook.lead_time_demand;
        let origin = |name, value, from: &str, about: &Option<String>| {
            let input = Input::said(name, value, from);
            match about {
                Some(about) => input.about(about.clone()),
                None => input,
            }
        };
        let source = self.origins.source.clone();
        let lead_time =
            origin("lead_time_days", parameters.lead_time_days, self.origins.lead_time_days, &source);
        self.put(
            "lead_time_days",
            Some(parameters.lead_time_days),
            "days",
            "lead_time_days",
            vec![lead_time],
        );
        let review = Input::said("review_days", parameters.review_days, self.origins.review_days);
        let inputs = vec![Input::number("lead_time_days", parameters.lead_time_days), review];
        self.put(
            "stockout_horizon_days",
            Some(planning.horizon_days()),
            "days",
            "max(0, lead_time_days + review_days)",
            inputs,
        );
        let over_horizon = self.outlook.forecast.between(planning.now, planning.horizon());
        let daily = self.outlook.daily_over_horizon();
        let sd = origin(
            "lead_time_sd_days",
            parameters.lead_time_sd_days,
            self.origins.lead_time_sd_days,
            &source,
        );
        let deviation = vec![
            Input::said("z", self.outlook.z, self.origins.service_level).about(match parameters.measure {
                ServiceMeasure::Cycle => format!(
                    "the standard normal quantile of a cycle service level of {}",
                    parameters.service_level
                ),
                ServiceMeasure::Fill => {
                    format!("the safety factor for a fill rate of {}", parameters.service_level)
                }
            }),
            Input::said("demand_variance", over_horizon.variance, "model"),
            Input::said("daily_demand", daily, "model"),
            sd,
        ];
        self.put(
            "safety_stock",
            Some(self.outlook.safety_stock()),
            "units",
            "z * sqrt(demand_variance + (daily_demand * lead_time_sd_days) * (daily_demand * lead_time_sd_days))",
            deviation,
        );
        let inputs = vec![
            Input::said("demand_over_horizon", demand.mean, "model").at(Some(planning.horizon())),
            Input::number("safety_stock", self.outlook.safety_stock()),
        ];
        self.put(
            "reorder_point",
            Some(self.outlook.reorder_point()),
            "units",
            "demand_over_horizon + safety_stock",
            inputs,
        );
        if parameters.measure == ServiceMeasure::Fill {
            self.fill_rate();
        }
    }

    /// What the safety stock was chosen for, where the policy asks for a fill rate.
    fn fill_rate(&mut self) {
        let outlook = self.outlook;
        let demand = outlook.lead_time_demand;
        let quantity = order_quantity(self.place, outlook.planning, demand, outlook.rate_per_day);
        let safety_stock = outlook.safety_stock();
        let is_known = quantity > 0.0 && demand.standard_deviation > 0.0;
        let inputs = vec![
            Input::number("safety_stock", safety_stock),
            Input::said("standard_deviation", demand.standard_deviation, "model")
                .about("of the demand over the horizon".to_owned()),
            Input::said("order_quantity", quantity, "model").about("what is ordered at once".to_owned()),
        ];
        let explanation = self.put(
            "fill_rate",
            is_known.then(|| stockout::fill_rate(safety_stock, demand.standard_deviation, quantity)),
            "share",
            "1 - units_short(safety_stock, standard_deviation) / order_quantity",
            inputs,
        );
        if !is_known {
            explanation.because = Some("nothing is demanded, or nothing of it is uncertain".to_owned());
        }
    }

    fn risk(&mut self) {
        let mut inputs = Vec::new();
        self.outlook.for_each_checkpoint_in_full(|checkpoint| inputs.extend(checkpoint.inputs()));
        let explanation = self.put(
            "stockout_probability",
            Some(self.outlook.stockout_probability()),
            "probability",
            "max(short_probability(supply - demand - orders_beyond_forecast, sqrt(demand_variance + lead_time_variance)))",
            inputs,
        );
        explanation.because =
            Some("looked at just before each receipt within the horizon, and at its end; supply is what is on hand and not due to leave, with the receipts so far".to_owned());
        let mut inputs = vec![Input::number("start", self.outlook.position.starting_balance().as_f64())];
        inputs[0].from = "inventory_position".to_owned();
        for day in self.outlook.days() {
            inputs.push(Input::said("receipts", day.projected.receipts, "event").at(Some(day.from)));
            inputs.push(Input::said("demand", day.projected.demand, "model").at(Some(day.until)));
        }
        let at = self.outlook.first_shortage().map(|shortage| shortage.from);
        let explanation = self.put(
            "projected_stockout_at",
            None,
            "moment",
            "first_shortage(start, receipts, demand)",
            inputs,
        );
        explanation.time = at;
        explanation.because = Some(match at {
            Some(_) => "receipts come at the beginning of their day, demand is even over the day; the time of a receipt is the day's beginning, that of demand its end".to_owned(),
            None => "the balance stays at or above zero on all days projected".to_owned(),
        });
        let open = self.place.exceptions.open_count();
        let inputs = self
            .place
            .exceptions
            .iter_open()
            .map(|item| {
                Input::said("open", 1.0, "event")
                    .at(Some(item.opened_at))
                    .about(format!("{} {}", item.exception_type, item.id))
            })
            .collect();
        self.put("open_exceptions", Some(open as f64), "exceptions", "count(open)", inputs);
    }

    fn absences(&self, tenant: TenantNumber, demand: &Demand) -> Vec<Absence> {
        let planning = self.outlook.planning;
        let exceptions = &planning.settings.exceptions;
        let segment = self.place.segment(planning, demand);
        let mut absences: Vec<Absence> = self
            .place
            .conditions(tenant, demand, self.outlook)
            .into_iter()
            .filter(|(kind, _)| self.place.exceptions.open(kind).is_none())
            .map(|(kind, condition)| {
                let settings = exceptions.kind(&kind, &segment);
                let slot = self.place.exceptions.slot(&kind, "");
                let because = match slot {
                    Some(slot) if slot.dismissed => {
                        "somebody dismissed it, and it has not gone since".to_owned()
                    }
                    Some(slot) if slot.pending_since.is_some() => format!(
                        "it has to hold for {} periods in a row, and does only since {}",
                        settings.consecutive_periods,
                        slot.pending_since.unwrap_or_default()
                    ),
                    _ => condition,
                };
                Absence {
                    what: format!("exception.{kind}"),
                    because,
                    inputs: threshold_inputs(&kind, &settings),
                }
            })
            .collect();
        absences.push(self.no_order());
        absences
    }

    /// Why nothing was ordered: the tower proposes, and orders nothing without a decision.
    fn no_order(&self) -> Absence {
        let position = self.outlook.position.inventory_position().as_f64();
        let reorder_point = self.outlook.reorder_point();
        let because = if position > reorder_point {
            "the inventory position is above the reorder point".to_owned()
        } else if self.place.exceptions.iter_open().any(|item| item.case_id.is_some()) {
            "the inventory position is at or below the reorder point; a case decides about it".to_owned()
        } else {
            "the inventory position is at or below the reorder point, and nobody has opened a case: an order follows from an approved case alone".to_owned()
        };
        let inputs = vec![
            Input::number("inventory_position", position),
            Input::number("reorder_point", reorder_point),
        ];
        Absence { what: "order".to_owned(), because, inputs }
    }
}

fn stock_inputs(carried: &'static str, moved: &'static str, stock: &Stock) -> Vec<Input> {
    let parts = stock.parts();
    let mut inputs =
        vec![Input::told(carried, parts.carried.as_f64(), parts.counted_lsn).at(parts.carried_at)];
    if parts.counted_lsn.is_none() {
        inputs[0].from = if parts.carried_at.is_some() { "earlier movements" } else { "nothing" }.to_owned();
    }
    let movements = parts.movements();
    inputs
        .extend(movements.map(|(at, delta, lsn)| Input::told(moved, delta.as_f64(), Some(lsn)).at(Some(at))));
    inputs
}

fn push_line(
    inputs: &mut Vec<Input>,
    ordered: &'static str,
    fulfilled: &'static str,
    line: &Line,
    at: Option<Timestamp>,
) {
    let (stated_by, fulfilled_by) = line.told_by();
    let about = format!("{} line {}", line.document(), line.line_id());
    inputs.push(Input::told(ordered, line.ordered().as_f64(), stated_by).at(at).about(about.clone()));
    inputs.push(Input::told(fulfilled, line.fulfilled().as_f64(), fulfilled_by).about(about));
}
