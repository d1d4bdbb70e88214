//! What a supplier knows after its purchase orders, as statements.

use proptest::prelude::*;
use smallvec::SmallVec;

use super::*;
use crate::domain::event::{
    CalendarDescribed, DocumentKind, DocumentNamed, EventType, LineFulfilled, PurchaseOrder,
    PurchaseOrderLine, PurchaseOrderStep, Shipment, ShipmentLine, ShipmentStep, SourceOfSupply, SourcingSet,
    SupplierCapacity, SupplierDelay, SupplierDescribed,
};
use crate::domain::ids::TenantNumber;
use crate::domain::money::Currency;
use crate::domain::quantity::Quantity;
use crate::domain::record::{ClockKind, Record, SystemBody, TransitionBody};
use crate::domain::settings::Settings;
use crate::domain::time::{DAY, HOUR};

mod exceptions;
mod members;
mod on_time;
mod properties;
mod shipments;
mod watched;

const TENANT: TenantNumber = TenantNumber(0);

fn key() -> EntityKey {
    EntityKey::Supplier { tenant: TENANT, supplier: Name::from("V") }
}

fn day(day: i64) -> Timestamp {
    Timestamp::from_micros(day * DAY)
}

fn record(lsn: u64, time: Timestamp, body: Body) -> Record {
    Record {
        lsn: Lsn(lsn),
        tenant: TENANT,
        event_time: time,
        ingest_time: time,
        business_time: time,
        causing_lsn: Lsn::ZERO,
        entity_revision: 0,
        source: Name::from("erp"),
        id: Name::from(format!("{lsn:06}")),
        sequence: Name::default(),
        principal: Name::from("test"),
        body,
    }
}

/// With tenant `default`, supplier V described (lead time 4 ± 1.5 days, acknowledges within a day), these settings.
fn reference(change: impl FnOnce(&mut Settings)) -> Reference {
    let mut settings = Settings::default();
    change(&mut settings);
    let mut reference = Reference::default();
    let declared = SystemBody::TenantDeclared {
        name: Name::from("default"),
        clock: ClockKind::Event,
        base_currency: Currency::parse("EUR").unwrap(),
        timezone: Name::from("UTC"),
    };
    let activated = SystemBody::ConfigurationActivated { hash: String::new(), settings: Box::new(settings) };
    let described = EventData::SupplierDescribed(Box::new(SupplierDescribed {
        supplier: Name::from("V"),
        name: Some("Vendor".into()),
        lead_time_days: Some(4.0),
        lead_time_sd_days: Some(1.5),
        ack_within_hours: Some(24.0),
        timezone: None,
        calendar: None,
    }));
    let bodies = [
        Body::System(Box::new(declared)),
        Body::System(Box::new(activated)),
        Body::Event { event_type: None, data: described },
    ];
    for (at, body) in bodies.into_iter().enumerate() {
        reference.apply(&record(at as u64 + 1, day(0), body));
    }
    reference
}

/// What happens to line `line` of order `P`, at a day.
#[derive(Clone, Copy, Debug)]
enum Step {
    Placed { line: u8, units: i64, promised: Option<i64> },
    Changed { line: u8, units: i64, promised: Option<i64> },
    Acknowledged { line: u8, units: i64, promised: Option<i64> },
    AllAcknowledged,
    Received { line: u8, units: i64 },
    Ended { line: u8 },
    AllEnded,
}

fn data(step: Step) -> EventData {
    let order = |step, lines: SmallVec<[PurchaseOrderLine; 1]>| {
        EventData::PurchaseOrder(Box::new(PurchaseOrder {
            step,
            po_id: Name::from("P"),
            supplier: Some(Name::from("V")),
            lines,
            currency: None,
            requested_at: None,
            action_id: None,
        }))
    };
    let line_id = |line: u8| Name::from(line.to_string());
    let said = |line: u8, units: i64, promised: Option<i64>| -> SmallVec<[PurchaseOrderLine; 1]> {
        SmallVec::from_elem(
            PurchaseOrderLine {
                line_id: line_id(line),
                place: None.into(),
                quantity: Quantity::from_units(units),
                promised_at: promised.map(day),
                unit_cost: None,
            },
            1,
        )
    };
    match step {
        Step::Placed { line, units, promised } => {
            order(PurchaseOrderStep::Placed, said(line, units, promised))
        }
        Step::Changed { line, units, promised } => {
            order(PurchaseOrderStep::Changed, said(line, units, promised))
        }
        Step::Acknowledged { line, units, promised } => {
            order(PurchaseOrderStep::Acknowledged, said(line, units, promised))
        }
        Step::AllAcknowledged => order(PurchaseOrderStep::Acknowledged, SmallVec::new()),
        Step::Received { line, units } => EventData::PurchaseOrderReceived(LineFulfilled {
            document: Name::from("P"),
            line_id: line_id(line),
            quantity: Quantity::from_units(units),
            place: None.into(),
            supplier: None,
        }),
        Step::Ended { line } => EventData::PurchaseOrderEnded(DocumentNamed {
            document: Name::from("P"),
            line_id: Some(line_id(line)),
        }),
        Step::AllEnded => {
            EventData::PurchaseOrderEnded(DocumentNamed { document: Name::from("P"), line_id: None })
        }
    }
}

fn apply(supplier: &mut Supplier, reference: &Reference, record: &Record) {
    let delivery = Delivery { record, lsn: record.lsn, business_time: record.business_time };
    supplier.apply(&delivery, reference);
}

fn events(steps: &[(i64, Step)]) -> Vec<Record> {
    steps
        .iter()
        .enumerate()
        .map(|(at, (time, step))| {
            record(at as u64 + 10, day(*time), Body::Event { event_type: None, data: data(*step) })
        })
        .collect()
}

fn after(reference: &Reference, steps: &[(i64, Step)]) -> Supplier {
    let mut supplier = Supplier::new(&key());
    for record in events(steps) {
        apply(&mut supplier, reference, &record);
    }
    supplier
}

fn placed(line: u8, units: i64) -> Step {
    Step::Placed { line, units, promised: None }
}

#[test]
fn open_is_ordered_less_received_until_it_ends() {
    let reference = reference(|_| ());
    let check = |name: &str, steps: &[(i64, Step)], lines: usize, units: i64| {
        // In the order given and in the opposite one.
        for reversed in [false, true] {
            let mut records = events(steps);
            if reversed {
                records.reverse();
            }
            let mut supplier = Supplier::new(&key());
            for record in records {
                apply(&mut supplier, &reference, &record);
            }
            let view = supplier.view(TENANT, day(30), &reference);
            assert_eq!(
                (view.open_lines, view.open_quantity),
                (lines, Quantity::from_units(units)),
                "{name}, reversed: {reversed}"
            );
        }
    };
    let received = |line, units| Step::Received { line, units };
    let changed = |line, units| Step::Changed { line, units, promised: None };
    check("ordered", &[(1, placed(1, 10)), (1, placed(2, 5))], 2, 15);
    check("a part received", &[(1, placed(1, 10)), (3, received(1, 4))], 1, 6);
    check("more received than ordered", &[(1, placed(1, 10)), (3, received(1, 14))], 0, 0);
    check("received and never announced", &[(3, received(1, 4))], 0, 0);
    check("changed", &[(1, placed(1, 10)), (2, changed(1, 3)), (3, received(1, 1))], 1, 2);
    check("a change of one line", &[(1, placed(1, 10)), (1, placed(2, 5)), (2, changed(1, 3))], 2, 8);
    check(
        "changed to more after it was complete",
        &[(1, placed(1, 10)), (2, received(1, 10)), (3, changed(1, 12))],
        1,
        2,
    );
    check("one line ended", &[(1, placed(1, 10)), (1, placed(2, 5)), (2, Step::Ended { line: 1 })], 1, 5);
}

#[test]
fn the_end_of_a_document_is_the_end_of_its_lines_also_of_later_ones() {
    let reference = reference(|_| ());
    let supplier =
        after(&reference, &[(1, placed(1, 10)), (1, placed(2, 5)), (2, Step::AllEnded), (3, placed(3, 7))]);
    assert_eq!(supplier.view(TENANT, day(30), &reference).open_lines, 0);
}

#[test]
fn a_line_is_measured_once_at_its_first_receipt_whichever_came_first() {
    let reference = reference(|_| ());
    let promised = Step::Placed { line: 1, units: 10, promised: Some(5) };
    let first = Step::Received { line: 1, units: 4 };
    let second = Step::Received { line: 1, units: 6 };
    for steps in [
        [(1, promised), (7, first), (9, second)],
        [(7, first), (1, promised), (9, second)],
        [(9, second), (7, first), (1, promised)],
    ] {
        let view = after(&reference, &steps).view(TENANT, day(30), &reference);
        assert_eq!((view.receipts, view.lateness_mean_days, view.on_time_share), (1, Some(2.0), Some(0.0)));
    }
}

#[test]
fn lateness_is_against_the_promise_it_was_ordered_with() {
    let reference = reference(|_| ());
    let supplier = after(
        &reference,
        &[
            (1, Step::Placed { line: 1, units: 1, promised: Some(5) }),
            (2, Step::Acknowledged { line: 1, units: 1, promised: Some(9) }),
            (8, Step::Received { line: 1, units: 1 }),
            (1, placed(2, 1)),
            (2, Step::Acknowledged { line: 2, units: 1, promised: Some(9) }),
            (8, Step::Received { line: 2, units: 1 }),
        ],
    );
    let view = supplier.view(TENANT, day(30), &reference);
    assert_eq!((view.lateness_mean_days, view.on_time_share), (Some(1.0), Some(0.5)));
}

#[test]
fn a_receipt_before_its_order_is_counted_and_not_measured() {
    let reference = reference(|_| ());
    let supplier = after(&reference, &[(5, placed(1, 1)), (3, Step::Received { line: 1, units: 1 })]);
    let view = supplier.view(TENANT, day(30), &reference);
    assert_eq!((view.receipts, view.receipts_before_order), (0, 1));
    assert_eq!(view.lateness_mean_days, None);
}

/// Orders one line per lead time, all on day 0.
fn lead_times(days: &[i64]) -> Vec<(i64, Step)> {
    days.iter()
        .enumerate()
        .flat_map(|(line, days)| {
            let line = line as u8;
            [(0, placed(line, 1)), (*days, Step::Received { line, units: 1 })]
        })
        .collect()
}

fn proposals(supplier: &Supplier, reference: &Reference) -> Vec<PublishedStatistics> {
    let reconciled = supplier.reconcile(&key(), day(50), reference);
    assert_eq!(reconciled.next_review_at, None);
    reconciled
        .proposals
        .into_iter()
        .map(|proposal| match proposal {
            Transition::SupplierStatistics(statistics) => statistics,
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn measured_lead_times_are_published_when_there_are_enough_and_when_they_moved() {
    let mut reference = reference(|_| ());
    let four = after(&reference, &lead_times(&[2, 4, 4, 4]));
    assert_eq!(proposals(&four, &reference), []);
    assert_eq!(four.view(TENANT, day(50), &reference).lead_time_source, LeadTimeSource::Described);

    let mut supplier = after(&reference, &lead_times(&[2, 4, 4, 4, 6]));
    let published = proposals(&supplier, &reference);
    assert_eq!(published.len(), 1);
    assert_eq!((published[0].receipts, published[0].lead_time_mean_days), (5, 4.0));
    assert!((published[0].lead_time_sd_days - 2f64.sqrt()).abs() < 1e-12);

    let body =
        TransitionBody { entity: key(), transition: Transition::SupplierStatistics(published[0].clone()) };
    let mut transition = record(90, day(50), Body::Transition(Box::new(body)));
    // A transition that is not the next one changes nothing.
    transition.entity_revision = 2;
    apply(&mut supplier, &reference, &transition);
    assert_eq!((supplier.revision(), proposals(&supplier, &reference).len()), (0, 1));
    transition.entity_revision = 1;
    reference.apply(&transition);
    apply(&mut supplier, &reference, &transition);
    assert_eq!((supplier.revision(), supplier.applied_lsn()), (1, Lsn(90)));
    assert_eq!(proposals(&supplier, &reference), []);
    let view = supplier.view(TENANT, day(50), &reference);
    assert_eq!((view.lead_time_source, view.lead_time_mean_days), (LeadTimeSource::Measured, 4.0));

    for record in events(&[(0, placed(100, 1)), (20, Step::Received { line: 100, units: 1 })]) {
        apply(&mut supplier, &reference, &record);
    }
    assert_eq!(proposals(&supplier, &reference).len(), 1);
}

#[test]
fn beyond_the_bound_the_line_closed_longest_ago_goes_and_then_new_ones_are_refused() {
    let reference = reference(|settings| settings.supplier.lines_max = 3);
    let mut supplier = after(
        &reference,
        &[
            (0, placed(1, 1)),
            (0, placed(2, 1)),
            (0, placed(3, 1)),
            (1, Step::Received { line: 2, units: 1 }),
            (1, Step::Received { line: 1, units: 1 }),
            // Open again: not the one to go.
            (2, Step::Changed { line: 2, units: 5, promised: None }),
            (2, placed(4, 1)),
        ],
    );
    let numbers = |supplier: &Supplier| {
        let view = supplier.view(TENANT, day(30), &reference);
        (view.open_lines, view.open_quantity, view.lines_refused)
    };
    assert_eq!(numbers(&supplier), (3, Quantity::from_units(6), 0));
    for record in events(&[(3, placed(5, 1)), (3, Step::Changed { line: 4, units: 2, promised: None })]) {
        apply(&mut supplier, &reference, &record);
    }
    // The known line still changes.
    assert_eq!(numbers(&supplier), (3, Quantity::from_units(7), 1));
}

#[test]
fn the_view_says_what_is_late_and_what_must_be_acknowledged() {
    let reference = reference(|_| ());
    let steps = [
        (1, Step::Placed { line: 1, units: 1, promised: Some(10) }),
        (2, Step::Placed { line: 2, units: 1, promised: Some(40) }),
        (3, placed(3, 1)),
        (3, Step::Acknowledged { line: 1, units: 1, promised: None }),
    ];
    let view = after(&reference, &steps).view(TENANT, day(30), &reference);
    assert_eq!((view.late_lines, view.name.as_deref()), (1, Some("Vendor")));
    assert_eq!(view.next_acknowledgement_due_at, Some(day(2).plus(24 * HOUR)));
    assert_eq!((view.capacity_factor, view.delays.len()), (1.0, 0));
    let mut all = steps.to_vec();
    all.push((4, Step::AllAcknowledged));
    assert_eq!(after(&reference, &all).view(TENANT, day(30), &reference).next_acknowledgement_due_at, None);
    // Nothing is known of a supplier that has done nothing and that nobody described.
    let stranger = EntityKey::Supplier { tenant: TENANT, supplier: Name::from("W") };
    let view = serde_json::to_value(Supplier::new(&stranger).view(TENANT, day(0), &reference)).unwrap();
    for field in ["name", "on_time_share", "lateness_mean_days", "next_acknowledgement_due_at"] {
        assert_eq!(view[field], serde_json::Value::Null, "{field}");
    }
    assert_eq!(
        (view["lead_time_mean_days"].as_f64(), &view["lead_time_source"]),
        (Some(7.0), &"default".into())
    );
}

#[test]
fn another_supplier_s_order_is_not_taken() {
    let reference = reference(|_| ());
    let mut supplier = Supplier::new(&EntityKey::Supplier { tenant: TENANT, supplier: Name::from("W") });
    for record in events(&[(1, placed(1, 1))]) {
        apply(&mut supplier, &reference, &record);
    }
    assert_eq!(supplier.view(TENANT, day(30), &reference).open_lines, 0);
}

fn any_step() -> impl Strategy<Value = Step> {
    let promised = || prop::option::of(0..9i64);
    prop_oneof![
        (0..4u8, 0..9i64, promised()).prop_map(|(line, units, promised)| Step::Placed {
            line,
            units,
            promised
        }),
        (0..4u8, 0..9i64, promised()).prop_map(|(line, units, promised)| Step::Changed {
            line,
            units,
            promised
        }),
        (0..4u8, 1..9i64).prop_map(|(line, units)| Step::Received { line, units }),
        (0..4u8).prop_map(|line| Step::Ended { line }),
    ]
}

proptest! {
    #[test]
    fn open_quantities_do_not_depend_on_the_order_of_arrival(
        steps in prop::collection::vec((0..9i64, any_step()), 1..30),
        order in prop::collection::vec(any::<u32>(), 30),
    ) {
        let reference = reference(|_| ());
        let mut records: Vec<_> = events(&steps).into_iter().zip(order).collect();
        records.sort_by_key(|(_, order)| *order);
        let mut supplier = Supplier::new(&key());
        for (record, _) in &records {
            apply(&mut supplier, &reference, record);
        }
        // The model: per line the quantity said at the latest time (of equal times, in the last event), less all
        // that was received, nothing if it was ended.
        let mut lines = 0;
        let mut units = 0;
        for line in 0..4u8 {
            let mut said: Option<(i64, i64)> = None;
            let (mut received, mut ended) = (0, false);
            for (time, step) in &steps {
                match *step {
                    Step::Placed { line: of, units, .. } | Step::Changed { line: of, units, .. }
                        if of == line && said.is_none_or(|(known, _)| known <= *time) =>
                    {
                        said = Some((*time, units));
                    }
                    Step::Received { line: of, units } if of == line => received += units,
                    Step::Ended { line: of } if of == line => ended = true,
                    _ => {}
                }
            }
            let open = said.map_or(0, |(_, units)| units - received).max(0) * i64::from(!ended);
            lines += usize::from(open > 0);
            units += open;
        }
        let view = supplier.view(TENANT, day(30), &reference);
        prop_assert_eq!((view.open_lines, view.open_quantity), (lines, Quantity::from_units(units)));
        let text = serde_json::to_string(&supplier).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Supplier>(&text).unwrap(), &supplier);
    }
}
