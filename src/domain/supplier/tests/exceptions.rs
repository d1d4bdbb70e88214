//! Which exceptions a supplier raises and clears, as statements. Each kind: raised, not raised, cleared.

use super::watched::{Watched, eur};
use super::*;
use crate::domain::exception::{ExceptionChange, ExceptionType, Severity};
use crate::domain::settings::{CustomException, CustomSubject};
use ExceptionChange::{Cleared, Opened, Updated};
use ExceptionType::*;

pub(super) type Told = (ExceptionChange, ExceptionType, String);

pub(super) fn told(change: ExceptionChange, kind: ExceptionType, of: &str) -> Told {
    (change, kind, of.to_owned())
}

pub(super) const NONE: [Told; 0] = [];

/// What was told of one kind.
fn of_kind(all: Vec<Told>, kind: ExceptionType) -> Vec<ExceptionChange> {
    all.into_iter().filter(|told| told.1 == kind).map(|told| told.0).collect()
}

#[test]
fn an_order_is_late_from_its_promise_until_it_has_come() {
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 10, Some(5)), ("2", 4, Some(9))]);
    let (nothing, review) = supplier.settle(day(4));
    assert_eq!((nothing.len(), review), (0, Some(day(5))));
    assert_eq!(supplier.told(5.0), [told(Opened, PurchaseLate, "P")]);
    let item = supplier.item(PurchaseLate, "P");
    assert_eq!((&*item.subject.kind, item.subject.po_id.as_deref()), ("purchase_order", Some("P")));
    assert_eq!(item.subject.supplier.as_deref(), Some("V"));
    // Ten units at 2.0000 each.
    assert_eq!((item.value_at_risk, item.units_at_risk), (Some(eur(20)), Some(Quantity::from_units(10))));
    assert_eq!((item.severity, item.urgency), (Severity::Low, 100));
    assert_eq!(item.window.unwrap().from, Some(day(5)));
    assert_eq!(
        item.cause.as_deref(),
        Some("1 of 2 open lines were promised for 1970-01-06T00:00:00Z or later and have not come.")
    );
    assert_eq!(item.evidence[0].event_type, "purchase_order.acknowledged");
    let id = item.id.clone();
    assert_eq!(supplier.told(5.0), NONE, "raised once");

    // The second line is late, too: the same exception, and it is worth more.
    let (changes, _) = supplier.settle(day(9));
    assert_eq!((changes.len(), changes[0].kind, &changes[0].item.id), (1, Updated, &id));
    assert_eq!(changes[0].item.value_at_risk, Some(eur(28)));
    supplier.received(10, "P", "1", 10);
    supplier.received(10, "P", "2", 4);
    assert_eq!(supplier.told(10.0), [told(Cleared, PurchaseLate, "P")]);
}

#[test]
fn a_later_promise_clears_and_within_the_quiet_time_the_same_exception_comes_back() {
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 10, Some(5))]);
    supplier.told(5.5);
    let id = supplier.item(PurchaseLate, "P").id.clone();
    supplier.changed(5, "P", &[("1", 10, Some(6))]);
    assert_eq!(supplier.told(5.6), [told(Cleared, PurchaseLate, "P")]);
    assert_eq!(supplier.told(6.0), [told(Opened, PurchaseLate, "P")]);
    let item = supplier.item(PurchaseLate, "P");
    assert_eq!((&item.id, item.reopened), (&id, 1));
    supplier.changed(6, "P", &[("1", 10, Some(30))]);
    assert_eq!(supplier.told(6.5), [told(Cleared, PurchaseLate, "P")]);
    assert_eq!(supplier.told(30.0), [told(Opened, PurchaseLate, "P")]);
    let item = supplier.item(PurchaseLate, "P");
    assert!(item.id != id && item.reopened == 0, "long after it is another one");
}

#[test]
fn a_cancelled_order_is_not_late_and_one_that_went_to_another_supplier_is_that_one_s() {
    for way in ["cancelled", "closed", "moved"] {
        let mut supplier = Watched::new();
        supplier.agreed(1, "P", &[("1", 10, Some(5))]);
        supplier.told(6.0);
        match way {
            "cancelled" => supplier.ended(6, EventType::PurchaseOrderCancelled, "P"),
            "closed" => supplier.ended(6, EventType::PurchaseOrderClosed, "P"),
            _ => supplier.given_to(6, "P", "W"),
        }
        assert_eq!(supplier.told(6.5), [told(Cleared, PurchaseLate, "P")], "{way}");
        let view = supplier.supplier.view(TENANT, day(7), &supplier.reference);
        assert_eq!((view.open_lines, view.open_quantity), (0, Quantity::ZERO), "{way}");
        // Nothing came of what was closed; the others say nothing of the supplier.
        assert_eq!(view.otif_share, (way == "closed").then_some(0.0), "{way}");
    }
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 10, Some(5))]);
    supplier.given_to(3, "P", "W");
    supplier.given_to(4, "P", "V");
    // Said before it came back, and heard of after.
    supplier.given_to(2, "P", "X");
    let view = supplier.supplier.view(TENANT, day(4), &supplier.reference);
    assert_eq!((view.open_lines, view.open_quantity), (1, Quantity::from_units(10)));
}

#[test]
fn a_reported_delay_predicts_and_the_promise_s_passing_makes_it_late() {
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 10, Some(9))]);
    supplier.agreed(1, "Q", &[("1", 10, Some(9))]);
    supplier.delay(2, Some("P"), 0.9);
    assert_eq!(supplier.told(3.0), NONE, "less than a day");
    supplier.delay(3, Some("P"), 3.0);
    assert_eq!(supplier.told(3.0), [told(Opened, PurchaseLatePredicted, "P")]);
    let item = supplier.item(PurchaseLatePredicted, "P");
    assert_eq!(
        item.cause.as_deref(),
        Some("It is expected 3.0 days after its promise of 1970-01-10T00:00:00Z.")
    );
    assert_eq!((item.window.unwrap().from, item.window.unwrap().until), (Some(day(9)), Some(day(12))));
    supplier.delay(4, Some("P"), 0.5);
    let stays = [told(Updated, PurchaseLatePredicted, "P")];
    assert_eq!(supplier.told(4.0), stays, "between the thresholds it stays, and says what is expected now");
    let item = supplier.item(PurchaseLatePredicted, "P");
    assert!(item.cause.as_deref().is_some_and(|cause| cause.contains(" 0.5 days after")), "{:?}", item.cause);
    assert_eq!(item.window.unwrap().until, Some(day(9).plus(12 * HOUR)));
    supplier.delay(5, Some("P"), 0.2);
    assert_eq!(supplier.told(5.0), [told(Cleared, PurchaseLatePredicted, "P")]);
    supplier.delay(6, Some("P"), 2.0);
    assert_eq!(supplier.told(6.0), [told(Opened, PurchaseLatePredicted, "P")]);
    // One story: what was predicted goes in the moment in which it is late.
    supplier.received(8, "Q", "1", 10);
    assert_eq!(
        supplier.told(9.0),
        [told(Cleared, PurchaseLatePredicted, "P"), told(Opened, PurchaseLate, "P")]
    );
}

#[test]
fn what_comes_near_is_told_to_be_more_urgent() {
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 10, Some(30))]);
    supplier.delay(2, Some("P"), 3.0);
    assert_eq!(supplier.told(3.0), [told(Opened, PurchaseLatePredicted, "P")]);
    let urgency = |supplier: &Watched| supplier.item(PurchaseLatePredicted, "P").urgency;
    // A case takes 24 hours, and 648 are left.
    assert_eq!(urgency(&supplier), 4);
    let (changes, review_at) = supplier.settle(day(10));
    assert!(changes.is_empty() && review_at.is_some_and(|at| at <= day(10).plus(HOUR)), "{review_at:?}");
    assert_eq!(supplier.told(19.0), NONE, "8 with 264 hours left: less than a step");
    assert_eq!(supplier.told(20.0), [told(Updated, PurchaseLatePredicted, "P")]);
    assert_eq!(urgency(&supplier), 9);
    assert_eq!(supplier.told(20.5), NONE);
    // Not only time moves it.
    supplier.changed(21, "P", &[("1", 10, Some(24))]);
    assert_eq!(supplier.told(21.0), [told(Updated, PurchaseLatePredicted, "P")]);
    assert_eq!(urgency(&supplier), 25, "72 hours are left");
    supplier.changed(22, "P", &[("1", 10, Some(40))]);
    assert_eq!(supplier.told(22.0), [told(Updated, PurchaseLatePredicted, "P")]);
    assert_eq!(urgency(&supplier), 5, "432 hours are left");
}

#[test]
fn less_capacity_delays_what_is_open_and_a_delay_of_everything_concerns_every_order() {
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 10, Some(20))]);
    supplier.agreed(1, "Q", &[("1", 10, Some(30))]);
    // Lead time 4 days: the work on P goes on from day 16 to 20, at half the pace until day 18: a day late.
    supplier.capacity(2, 0.5, None, Some(18));
    assert_eq!(supplier.told(2.0), [told(Opened, PurchaseLatePredicted, "P")]);
    let view = supplier.supplier.view(TENANT, day(2), &supplier.reference);
    assert_eq!((view.late_lines, view.predicted_late_lines), (0, 1));
    supplier.delay(3, None, 5.0);
    let (changes, _) = supplier.settle(day(3));
    let of: Vec<_> = changes.iter().map(|change| (change.kind, change.of.as_str())).collect();
    assert_eq!(of, [(Updated, "P"), (Opened, "Q")]);
    let view = supplier.supplier.view(TENANT, day(3), &supplier.reference);
    assert_eq!((view.late_lines, view.predicted_late_lines), (0, 2));
}

#[test]
fn a_part_that_came_is_told_when_the_rest_stays_away() {
    let mut supplier = Watched::new();
    supplier.agreed(1, "P", &[("1", 100, Some(50)), ("2", 100, Some(50))]);
    supplier.received(5, "P", "1", 60);
    supplier.received(6, "P", "2", 99);
    let (nothing, review) = supplier.settle(day(6));
    assert_eq!((nothing.len(), review), (0, Some(day(7))));
    assert_eq!(supplier.told(7.0), [told(Opened, ReceiptPartial, "P")]);
    let item = supplier.item(ReceiptPartial, "P");
    assert_eq!(item.units_at_risk, Some(Quantity::from_units(40)), "one in a hundred missing is in full");
    assert_eq!(item.cause.as_deref(), Some("Of 1 lines 60 units have come and 40 are missing."));
    supplier.received(8, "P", "1", 10);
    // More came: somebody is on it, for two days.
    assert_eq!(supplier.told(8.0), [told(Cleared, ReceiptPartial, "P")]);
    assert_eq!(supplier.told(10.0), [told(Opened, ReceiptPartial, "P")]);
    supplier.received(11, "P", "1", 30);
    assert_eq!(supplier.told(11.0), [told(Cleared, ReceiptPartial, "P")]);
}

#[test]
fn an_acknowledgement_is_missed_on_the_supplier_s_calendar() {
    // Acknowledges within 24 hours, Monday to Friday, in Chicago; 1970-01-09 was a Friday.
    let mut supplier = Watched::new();
    let described = EventData::SupplierDescribed(Box::new(SupplierDescribed {
        supplier: Name::from("V"),
        name: None,
        lead_time_days: None,
        lead_time_sd_days: None,
        ack_within_hours: Some(24.0),
        timezone: Some(Name::from("America/Chicago")),
        calendar: Some(Name::from("office")),
    }));
    let office = EventData::CalendarDescribed(Box::new(CalendarDescribed {
        calendar: Name::from("office"),
        working_days: Some(vec![1, 2, 3, 4, 5]),
        closed: Vec::new(),
        order_days: None,
        cutoff: None,
    }));
    supplier.event(day(1), EventType::SupplierDescribed, described);
    supplier.event(day(1), EventType::CalendarDescribed, office);
    // Friday 6:00 in Chicago; eighteen hours of Friday are left, and six of Monday are wanted.
    let friday = EventData::PurchaseOrder(Box::new(PurchaseOrder {
        step: PurchaseOrderStep::Placed,
        po_id: Name::from("P"),
        supplier: None,
        lines: SmallVec::from_elem(
            PurchaseOrderLine {
                line_id: Name::from("1"),
                place: None.into(),
                quantity: Quantity::from_units(3),
                promised_at: Some(day(90)),
                unit_cost: None,
            },
            1,
        ),
        currency: None,
        requested_at: None,
        action_id: None,
    }));
    supplier.event(day(8).plus(12 * HOUR), EventType::PurchaseOrderPlaced, friday);
    let due = day(11).plus(12 * HOUR);
    let (nothing, review) = supplier.settle(day(9));
    assert_eq!((nothing.len(), review), (0, Some(due)));
    let view = supplier.supplier.view(TENANT, day(9), &supplier.reference);
    assert_eq!((view.next_acknowledgement_due_at, view.unacknowledged_lines), (Some(due), 1));
    assert_eq!(supplier.told(11.5), [told(Opened, AcknowledgementMissing, "P")]);
    let item = supplier.item(AcknowledgementMissing, "P");
    assert_eq!(
        item.cause.as_deref(),
        Some(
            "1 open line, ordered from 1970-01-09T12:00:00Z on, should have been acknowledged by \
             1970-01-12T12:00:00Z."
        )
    );
    assert_eq!((item.value_at_risk, item.urgency), (None, 100));
    supplier.acknowledged(12, "P", &[]);
    assert_eq!(supplier.told(12.0), [told(Cleared, AcknowledgementMissing, "P")]);
    let view = supplier.supplier.view(TENANT, day(12), &supplier.reference);
    assert_eq!((view.acknowledgement_mean_hours, view.acknowledgement_p90_hours), (Some(84.0), Some(84.0)));
}

#[test]
fn where_nobody_said_how_soon_the_kind_s_hours_count() {
    let mut supplier = Watched::new();
    let described = EventData::SupplierDescribed(Box::new(SupplierDescribed {
        supplier: Name::from("V"),
        name: None,
        lead_time_days: None,
        lead_time_sd_days: None,
        ack_within_hours: None,
        timezone: None,
        calendar: None,
    }));
    supplier.event(day(1), EventType::SupplierDescribed, described);
    supplier.placed(2, "P", &[("1", 10, Some(50))]);
    assert_eq!(supplier.told(3.9), NONE);
    assert_eq!(supplier.told(4.0), [told(Opened, AcknowledgementMissing, "P")]);
}

#[test]
fn an_acknowledgement_of_less_or_later_is_told_until_both_agree() {
    let check = |units: i64, promised: i64, expected: bool| {
        let mut supplier = Watched::new();
        supplier.placed(1, "P", &[("1", 100, Some(20))]);
        supplier.acknowledged(2, "P", &[("1", units, Some(promised))]);
        let expected = if expected { vec![told(Opened, AcknowledgementDiffers, "P")] } else { Vec::new() };
        assert_eq!(supplier.told(2.0), expected, "{units} for {promised}");
    };
    check(100, 20, false);
    check(98, 20, false);
    check(97, 20, true);
    check(103, 20, true);
    check(100, 19, false);
    check(100, 21, true);
    check(0, 20, false);

    let mut supplier = Watched::new();
    supplier.placed(1, "P", &[("1", 100, Some(20)), ("2", 5, None)]);
    supplier.acknowledged(2, "P", &[("1", 70, Some(23))]);
    supplier.told(2.0);
    let item = supplier.item(AcknowledgementDiffers, "P");
    assert_eq!(
        item.cause.as_deref(),
        Some("Of 1 lines 100 units were ordered and 70 acknowledged, up to 3.0 days later.")
    );
    // Heard of late, said before the acknowledgement: it is about the order as it was.
    supplier.changed(1, "P", &[("2", 6, None)]);
    supplier.acknowledged(2, "P", &[("2", 6, None)]);
    assert_eq!(of_kind(supplier.told(2.5), AcknowledgementDiffers), []);
    // The order is changed to what was acknowledged.
    supplier.changed(3, "P", &[("1", 70, Some(23))]);
    assert_eq!(supplier.told(3.0), [told(Cleared, AcknowledgementDiffers, "P")]);
}

/// A supplier whose deliveries took these days, each promised for the fourth.
fn with_deliveries(days: &[i64]) -> Watched {
    let mut supplier = Watched::new();
    deliver(&mut supplier, 0, days);
    supplier
}

fn deliver(supplier: &mut Watched, from: i64, days: &[i64]) {
    for (at, days) in days.iter().enumerate() {
        let (at, po_id) = (from + at as i64, format!("D{from}-{at}"));
        supplier.agreed(at, &po_id, &[("1", 10, Some(at + 4))]);
        supplier.received(at + days, &po_id, "1", 10);
    }
}

#[test]
fn longer_lead_times_drift_and_come_back() {
    let mut supplier = with_deliveries(&[4, 5, 4, 3, 4, 5, 4, 3, 4, 4, 5, 3, 4, 4, 5, 3]);
    assert_eq!(supplier.told(30.0), NONE);
    deliver(&mut supplier, 30, &[6, 6, 6, 6]);
    // Half of the last eight took half as long again: a quarter more, and that is not enough.
    assert_eq!(of_kind(supplier.told(50.0), LeadTimeDrift), []);
    deliver(&mut supplier, 50, &[6, 6, 6, 6]);
    assert_eq!(of_kind(supplier.told(70.0), LeadTimeDrift), [Opened]);
    let item = supplier.item(LeadTimeDrift, "");
    assert_eq!(
        item.cause.as_deref(),
        Some("The last 8 deliveries took 6.0 days on average, those before 4.0: longer by 50 %.")
    );
    assert_eq!(item.subject.supplier.as_deref(), Some("V"));
    let view = supplier.supplier.view(TENANT, day(70), &supplier.reference);
    assert_eq!((view.lead_time_drift, view.lead_time_p50_days), (Some(0.5), Some(4.5)));
    assert_eq!(view.open_exceptions, supplier.supplier.exceptions().open_count());
    // Short ones again: between the thresholds it stays, then it goes.
    deliver(&mut supplier, 70, &[4, 4]);
    assert_eq!(of_kind(supplier.told(80.0), LeadTimeDrift), [Updated]);
    assert!(supplier.supplier.exceptions().open(&LeadTimeDrift).is_some());
    deliver(&mut supplier, 80, &[4, 4, 4, 4]);
    assert_eq!(of_kind(supplier.told(95.0), LeadTimeDrift), [Cleared]);
}

#[test]
fn a_supplier_is_unreliable_below_its_threshold_and_reliable_above_another() {
    // Promised for the fourth day, and a day of grace: six days are late.
    let mut supplier = with_deliveries(&[4, 4, 4, 4, 4, 4, 4, 6, 6]);
    assert_eq!(
        supplier.told(20.0).iter().filter(|told| told.1 == SupplierUnreliable).count(),
        0,
        "nine lines"
    );
    deliver(&mut supplier, 20, &[4]);
    assert!(supplier.told(30.0).contains(&told(Opened, SupplierUnreliable, "")));
    let item = supplier.item(SupplierUnreliable, "");
    assert_eq!(
        item.cause.as_deref(),
        Some(
            "80 % of the last 10 lines came on time and in full: at least 98 % of the quantity, from 7 days before \
             to 1 days after the date."
        )
    );
    deliver(&mut supplier, 30, &[4, 4, 4]);
    let between = of_kind(supplier.told(40.0), SupplierUnreliable);
    assert!(!between.contains(&Cleared), "11 of 13 are 84.6 %: {between:?}");
    deliver(&mut supplier, 40, &[4]);
    assert_eq!(of_kind(supplier.told(50.0), SupplierUnreliable), [Cleared]);
    let view = supplier.supplier.view(TENANT, day(50), &supplier.reference);
    assert_eq!((view.otif_lines, view.in_full_share), (14, Some(1.0)));
    assert!((view.otif_share.unwrap() - 12.0 / 14.0).abs() < 1e-12);
    let policy = serde_json::to_value(view.otif_policy).unwrap();
    assert_eq!(
        policy,
        serde_json::json!({"against": "promised", "quantity_tolerance": 0.02, "early_days": 7, "late_days": 1})
    );
}

#[test]
fn less_capacity_than_what_is_open_is_told() {
    // Seven deliveries of ten units in one week of 1970: ten a day at best.
    let mut supplier = with_deliveries(&[14, 13, 12, 11, 10, 9, 8]);
    supplier.told(20.0);
    supplier.agreed(20, "P", &[("1", 40, Some(24)), ("2", 400, Some(60))]);
    assert_eq!(of_kind(supplier.told(21.0), CapacityExceeded), []);
    supplier.capacity(21, 0.5, Some(20), Some(40));
    // Half of seventy against forty due this week.
    assert_eq!(of_kind(supplier.told(21.0), CapacityExceeded), [Opened]);
    let item = supplier.item(CapacityExceeded, "");
    assert_eq!((item.units_at_risk, item.severity), (Some(Quantity::from_units(5)), Severity::High));
    assert_eq!(
        item.cause.as_deref(),
        Some(
            "40 units are due within 7 days and it can deliver about 35: it said that it has 50 % of its normal \
             capacity."
        )
    );
    // The days that are looked at go along with the present.
    assert_eq!(item.window.and_then(|window| window.until), Some(day(28)));
    for today in [21.9, 22.0, 22.5] {
        assert_eq!(of_kind(supplier.told(today), CapacityExceeded), [], "day {today}");
    }
    supplier.received(23, "P", "1", 6);
    let between = of_kind(supplier.told(23.0), CapacityExceeded);
    assert!(!between.contains(&Cleared), "34 of 35: {between:?}");
    supplier.capacity(24, 1.0, Some(20), Some(40));
    assert_eq!(of_kind(supplier.told(24.0), CapacityExceeded), [Cleared]);
}

#[test]
fn what_has_no_other_source_is_told_until_it_has_one() {
    let mut supplier = Watched::new();
    supplier.sourced(1, "A", SourceOfSupply::Supplier(Name::from("V")));
    assert_eq!(supplier.told(1.0), [told(Opened, SingleSource, "")]);
    assert_eq!(
        supplier.item(SingleSource, "").cause.as_deref(),
        Some("1 SKU-locations have no source but this supplier.")
    );
    supplier.sourced(2, "A", SourceOfSupply::Location(Name::from("D")));
    assert_eq!(supplier.told(2.0), [told(Cleared, SingleSource, "")]);
}

#[test]
fn a_receipt_before_its_order_is_dirty_data_for_a_week() {
    let mut supplier = Watched::new();
    supplier.received(3, "P", "1", 10);
    assert_eq!(supplier.told(4.0), NONE);
    supplier.agreed(5, "P", &[("1", 10, Some(9))]);
    assert_eq!(supplier.told(5.0), [told(Opened, DataQuality, ":receipts")]);
    let item = supplier.item(DataQuality, ":receipts");
    assert_eq!(
        (item.severity, item.evidence[0].event_type.as_str()),
        (Severity::Low, "purchase_order.placed")
    );
    let (nothing, review) = supplier.settle(day(6));
    assert_eq!((nothing.len(), review), (0, Some(day(12))));
    assert_eq!(supplier.told(12.0), [told(Cleared, DataQuality, ":receipts")]);
}

#[test]
fn a_kind_that_is_switched_off_is_not_raised_and_goes() {
    let off = |settings: &mut Settings| {
        use crate::domain::exception::kind::KindSettings;
        let kind = KindSettings { enabled: false, ..KindSettings::of(&PurchaseLate) };
        settings.exceptions.kinds.set(&PurchaseLate, kind);
    };
    let mut supplier = Watched::with(off);
    supplier.agreed(1, "P", &[("1", 10, Some(5))]);
    assert_eq!(supplier.told(6.0), NONE);
}

fn own(kind: &ExceptionType, condition: &str, clear: Option<&str>, title: &str) -> CustomException {
    CustomException {
        exception_type: kind.clone(),
        about: CustomSubject::Supplier,
        condition: condition.to_owned(),
        clear: clear.map(str::to_owned),
        title: title.to_owned(),
        severity: Severity::High,
        enabled: true,
        consecutive_periods: 1,
        quiet_hours: 24.0,
    }
}

#[test]
fn an_operator_s_own_condition_about_suppliers_is_raised_and_clears() {
    let kind = Custom(Name::from("custom.hoards"));
    let own = own(&kind, "open_quantity > 50.0", Some("open_quantity < 20.0"), "Too much is open");
    let mut supplier = Watched::with(|settings| settings.exceptions.custom = vec![own]);
    supplier.agreed(1, "P", &[("1", 60, Some(50))]);
    assert_eq!(supplier.told(1.0), [told(Opened, kind.clone(), "")]);
    let item = supplier.item(kind.clone(), "");
    assert_eq!((item.severity, item.cause.as_deref()), (Severity::High, Some("Too much is open")));
    supplier.changed(2, "P", &[("1", 30, None)]);
    assert_eq!(supplier.told(2.0), NONE, "between the thresholds it stays");
    supplier.changed(3, "P", &[("1", 10, None)]);
    assert_eq!(supplier.told(3.0), [told(Cleared, kind, "")]);
}

#[test]
fn an_own_condition_is_looked_at_when_a_promise_passes_and_when_the_capacity_changes() {
    use crate::domain::exception::kind::KindSettings;
    let kind = Custom(Name::from("custom.any_late"));
    let own_about = |condition: &str| own(&kind, condition, None, "Something is late");
    let mut supplier = Watched::with(|settings| {
        settings.exceptions.custom = vec![own_about("late_lines > 0.0")];
        for built_in in &ExceptionType::BUILT_IN {
            let off = KindSettings { enabled: false, raise: 3.0, ..KindSettings::of(built_in) };
            settings.exceptions.kinds.set(built_in, off);
        }
    });
    supplier.agreed(1, "P", &[("1", 60, Some(5))]);
    let (told_first, review_at) = supplier.settle(day(1));
    assert_eq!((told_first.len(), review_at), (0, Some(day(5))));
    assert_eq!(supplier.told(5.0), [told(Opened, kind.clone(), "")]);
    let only = own_about("capacity_factor > 1.0");
    let mut supplier = Watched::with(|settings| settings.exceptions.custom = vec![only]);
    supplier.capacity(1, 1.5, Some(10), Some(12));
    assert_eq!(supplier.settle(day(1)).1, Some(day(10)));
}

#[test]
fn of_very_many_late_orders_the_first_ones_are_told_and_all_are_counted() {
    let mut supplier = Watched::new();
    for order in 0..400 {
        supplier.agreed(1, &format!("P{order:03}"), &[("1", 1, Some(5 + order / 100))]);
    }
    assert_eq!(supplier.told(5.0).len(), 100);
    let found = supplier.told(20.0);
    assert_eq!(found.len(), 157);
    assert!(found.contains(&told(Opened, SupplierUnreliable, "")), "one that is about all of them");
    let view = supplier.supplier.view(TENANT, day(20), &supplier.reference);
    assert_eq!((view.late_lines, view.open_exceptions), (400, 257));
    // Those that go make room.
    supplier.received(21, "P000", "1", 1);
    assert_eq!(
        supplier.told(21.0),
        [told(Cleared, PurchaseLate, "P000"), told(Opened, PurchaseLate, "P256")]
    );
}
