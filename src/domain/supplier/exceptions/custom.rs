//! `custom.NAME`: an operator's own conditions over what a supplier shows.

use serde_json::{Map, Value};

use crate::domain::condition::JsonVariables;
use crate::domain::exception::ExceptionType;
use crate::domain::exception::watch::{Condition, Watch};
use crate::domain::ids::TenantNumber;
use crate::domain::reference::Reference;
use crate::domain::settings::CustomSubject;
use crate::domain::supplier::judged::{Judged, assessed};

/// The names that conditions about suppliers have: fields of the view. Numbers are doubles.
pub const VARIABLES: [&str; 27] = [
    "supplier",
    "name",
    "ack_within_hours",
    "open_lines",
    "open_quantity",
    "late_lines",
    "predicted_late_lines",
    "receipts",
    "receipts_before_order",
    "lines_refused",
    "lead_time_mean_days",
    "lead_time_sd_days",
    "lead_time_source",
    "lead_time_p50_days",
    "lead_time_p90_days",
    "lead_time_drift",
    "otif_share",
    "in_full_share",
    "otif_lines",
    "on_time_share",
    "lateness_mean_days",
    "acknowledgement_mean_hours",
    "acknowledgement_p90_hours",
    "unacknowledged_lines",
    "capacity_factor",
    "single_sourced",
    "open_exceptions",
];

/// Judges every own kind about suppliers. The view is made only where there is one: it looks at every line.
pub fn judge(judged: &Judged<'_>, tenant: TenantNumber, reference: &Reference, watch: &mut Watch<'_>) {
    let own = reference.own_kinds(CustomSubject::Supplier, &VARIABLES);
    if !own.is_empty() {
        let fields = fields(judged, tenant, reference);
        for kind in own {
            let settings = watch.kind(&kind.exception_type);
            let condition = kind.condition(&JsonVariables(&fields));
            watch.judge(
                &kind.exception_type,
                "",
                &settings,
                condition,
                || assessed(kind.severity, None),
                |_| judged.describe(kind.title.clone(), None),
            );
        }
    }
    // What is configured no longer goes.
    let slots = watch.slots;
    for slot in slots.slots().iter().filter(|slot| slot.open.is_some() || slot.pending_since.is_some()) {
        let is_gone = matches!(slot.exception_type, ExceptionType::Custom(_))
            && own.iter().all(|kind| kind.exception_type != slot.exception_type);
        if is_gone {
            let settings = watch.kind(&slot.exception_type);
            watch.judge(
                &slot.exception_type,
                &slot.of,
                &settings,
                Condition::Clear("it is not configured any more".into()),
                || assessed(crate::domain::exception::Severity::Low, None),
                |_| judged.describe(String::new(), None),
            );
        }
    }
}

fn fields(judged: &Judged<'_>, tenant: TenantNumber, reference: &Reference) -> Map<String, Value> {
    match serde_json::to_value(judged.supplier.view(tenant, judged.now, reference)) {
        Ok(Value::Object(fields)) => fields,
        // A view is an object of plain values.
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entity::Entity as _;
    use crate::domain::exception::{ExceptionChange, Severity};
    use crate::domain::ids::{EntityKey, Lsn, Name};
    use crate::domain::record::{Body, Record, SystemBody, Transition};
    use crate::domain::settings::{CustomException, Settings};
    use crate::domain::supplier::Supplier;
    use crate::domain::time::Timestamp;

    fn key() -> EntityKey {
        EntityKey::Supplier { tenant: TenantNumber(0), supplier: Name::from("V") }
    }

    #[test]
    fn every_variable_is_a_field_of_the_view() {
        let view = Supplier::new(&key()).view(TenantNumber(0), Timestamp::default(), &Reference::default());
        let fields = serde_json::to_value(view).unwrap();
        for name in VARIABLES {
            assert!(fields.get(name).is_some(), "{name}");
        }
    }

    #[test]
    fn a_condition_that_holds_raises_and_one_that_does_not_stays_silent() {
        let own = |name: &str, condition: &str| CustomException {
            exception_type: ExceptionType::parse(&format!("custom.{name}")).unwrap(),
            about: CustomSubject::Supplier,
            condition: condition.to_owned(),
            clear: None,
            title: "Nothing is open".to_owned(),
            severity: Severity::High,
            enabled: true,
            consecutive_periods: 1,
            quiet_hours: 0.0,
        };
        let mut settings = Settings::default();
        settings.exceptions.custom =
            vec![own("idle", "open_lines == 0.0 && supplier == 'V'"), own("busy", "open_lines > 0.0")];
        let mut reference = Reference::default();
        let body = SystemBody::ConfigurationActivated { hash: String::new(), settings: Box::new(settings) };
        reference.apply(&Record {
            lsn: Lsn(1),
            tenant: TenantNumber(0),
            event_time: Timestamp::default(),
            ingest_time: Timestamp::default(),
            business_time: Timestamp::default(),
            causing_lsn: Lsn::ZERO,
            entity_revision: 0,
            source: Name::default(),
            id: Name::default(),
            sequence: Name::default(),
            principal: Name::default(),
            body: Body::System(Box::new(body)),
        });
        let proposed = Supplier::new(&key()).reconcile(&key(), Timestamp::default(), &reference).proposals;
        let raised: Vec<(&str, ExceptionChange, Severity)> = proposed
            .iter()
            .filter_map(|transition| match transition {
                Transition::Exception(change) => {
                    let item = &change.item;
                    Some((item.exception_type.as_str(), change.kind, item.severity))
                }
                _ => None,
            })
            .collect();
        assert_eq!(raised, [("custom.idle", ExceptionChange::Opened, Severity::High)]);
    }
}
