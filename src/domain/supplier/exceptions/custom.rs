//! `custom.NAME`: an operator's own conditions over what a supplier shows.

use super::Judged;
use crate::domain::condition::{Value, Variables};
use crate::domain::exception::assessment::Condition;
use crate::domain::exception::watch::Watch;
use crate::domain::exception::{ExceptionType, Severity};
use crate::domain::ids::Name;
use crate::domain::reference::Reference;
use crate::domain::settings::CustomSubject;
use crate::domain::supplier::judged::assessed;

/// The names that conditions about suppliers have: fields of the view that are cheap to know. Numbers are doubles.
pub const VARIABLES: [&str; 19] = [
    "supplier",
    "open_lines",
    "open_quantity",
    "receipts",
    "receipts_before_order",
    "lead_time_mean_days",
    "lead_time_p50_days",
    "lead_time_p90_days",
    "otif_share",
    "in_full_share",
    "otif_lines",
    "on_time_share",
    "lateness_mean_days",
    "acknowledgement_mean_hours",
    "unacknowledged_lines",
    "late_lines",
    "capacity_factor",
    "single_sourced",
    "open_exceptions",
];

impl Variables for Judged<'_> {
    fn value<'a>(&'a self, _: usize, name: &str) -> Value<'a> {
        let known = |value: Option<f64>| value.map_or(Value::Null, Value::Double);
        let (orders, receipts) = (&self.supplier.orders, &self.supplier.receipts);
        let name_of = self.supplier.supplier.as_str();
        match name {
            "supplier" => Value::text(&self.supplier.supplier),
            "open_lines" => Value::Double(orders.open_lines() as f64),
            "open_quantity" => Value::Double(orders.open_quantity().as_f64()),
            "receipts" => Value::Double(f64::from(receipts.receipts())),
            "receipts_before_order" => Value::Double(f64::from(receipts.receipts_before_order())),
            "lead_time_mean_days" => Value::Double(self.lead_time_days()),
            "lead_time_p50_days" => known(receipts.lead_time_quantile(0.5)),
            "lead_time_p90_days" => known(receipts.lead_time_quantile(0.9)),
            "otif_share" => known(self.otif().share()),
            "in_full_share" => known(self.otif().in_full_share()),
            "otif_lines" => Value::Double(self.otif().lines as f64),
            "on_time_share" => known(receipts.on_time_share()),
            "lateness_mean_days" => known(receipts.lateness_mean_days()),
            "acknowledgement_mean_hours" => known(receipts.acknowledgement_hours(0.9).0),
            "late_lines" => {
                let late =
                    orders.by_promise().iter().take_while(|(promised_at, ..)| *promised_at <= self.now);
                Value::Double(late.count() as f64)
            }
            "unacknowledged_lines" => Value::Double(orders.unacknowledged().len() as f64),
            "capacity_factor" => {
                Value::Double(self.tenant.map_or(1.0, |tenant| tenant.capacity(name_of, self.now)))
            }
            "single_sourced" => {
                Value::Double(self.tenant.map_or(0.0, |tenant| f64::from(tenant.single_sourced(name_of))))
            }
            "open_exceptions" => Value::Double(self.supplier.exceptions.open_built_in() as f64),
            _ => Value::Null,
        }
    }
}

/// Judges the operator's own kinds; what is configured no longer goes.
pub fn judge(judged: &Judged<'_>, reference: &Reference, watch: &mut Watch<'_>) {
    let own = reference.own_kinds(CustomSubject::Supplier);
    if !own.is_empty() {
        review(judged, watch);
    }
    for kind in own {
        let condition = kind.condition(judged);
        tell(&kind.exception_type, condition, kind.severity, &kind.title, judged, watch);
    }
    let slots = watch.slots;
    for slot in slots.slots().iter().filter(|slot| slot.open.is_some() || slot.pending_since.is_some()) {
        let is_gone = matches!(slot.exception_type, ExceptionType::Custom(_))
            && own.iter().all(|kind| kind.exception_type != slot.exception_type);
        if is_gone {
            let condition = Condition::Clear("it is not configured any more".into());
            tell(&slot.exception_type, condition, Severity::Low, "", judged, watch);
        }
    }
}

/// Looks again when a line is late, or the capacity another one, by time alone.
fn review(judged: &Judged<'_>, watch: &mut Watch<'_>) {
    let later = (judged.now.plus(1), Name::default(), Name::default());
    let next_promise = judged.supplier.orders.by_promise().range(later..).next();
    let capacities = judged.tenant.map_or(&[][..], |tenant| tenant.capacities(&judged.supplier.supplier));
    let edges = capacities.iter().flat_map(|capacity| [capacity.from, capacity.until]).flatten();
    for at in edges.chain(next_promise.map(|(at, ..)| *at)) {
        watch.review_at(at);
    }
}

fn tell(
    kind: &ExceptionType,
    condition: Condition,
    severity: Severity,
    title: &str,
    judged: &Judged<'_>,
    watch: &mut Watch<'_>,
) {
    let settings = watch.kind(kind);
    let assess = || assessed(severity, None);
    watch.judge(kind, "", &settings, condition, assess, |_| judged.describe(title.to_owned(), None));
}
