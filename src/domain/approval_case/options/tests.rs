//! Options against numbers worked out by hand.
//!
//! The place: 20 on hand, a certain demand of 10 a day, price 5.00 and cost 3.00 in euros, lead time 7 days. Options
//! are compared over 7 + 7 days. A unit short costs (2.00 + 10 % of 5.00) × 80 % = 2.00.

use proptest::prelude::*;

use super::formulas::check_formula;
use super::*;
use crate::domain::approval_case::item::ActionKind;
use crate::domain::approval_case::testing;
use crate::domain::event::*;
use crate::domain::ids::{EntityKey, Lsn, TenantNumber};
use crate::domain::record::{Body, ClockKind, Record, SystemBody};
use crate::domain::reference::Reference;
use crate::domain::sku_location::options_basis::{DatedQuantity, DemandSpan, ReceiptBasis, ReceiptKind};
use crate::domain::sku_location::testing as places;
use crate::domain::sku_location::testing::{Place, day, units};
use crate::domain::time::{DAY, HOUR};

fn price(text: &str) -> Option<UnitPrice> {
    Some(UnitPrice::parse(text).unwrap())
}

fn eur() -> Currency {
    Currency::parse("EUR").unwrap()
}

/// A place with a certain demand; all else as the module says.
fn place(location: &str, on_hand: i64, rate: f64) -> PlaceBasis {
    let spans =
        (0..100).map(|at| DemandSpan { from: day(at), until: day(at + 1), mean: rate, variance: 0.0 });
    PlaceBasis {
        sku: "A".into(),
        location: location.into(),
        lsn: Lsn(7),
        as_of: day(0),
        on_hand: units(on_hand),
        available: units(on_hand),
        inventory_position: units(on_hand),
        starting_balance: units(on_hand),
        rate_per_day: rate,
        demand: spans.collect(),
        orders: Vec::new(),
        period_start: day(0),
        period: DAY,
        receipts: Vec::new(),
        lead_time_days: 7.0,
        review_days: 0.0,
        lead_time_variance: 0.0,
        z: 1.644_853_627,
        safety_stock: 0.0,
        reorder_point: 7.0 * rate,
        max_cover_days: Some(10.0),
        unit_price: price("5"),
        price_currency: Some(eur()),
        unit_cost: price("3"),
        cost_currency: Some(eur()),
        open_exceptions: Vec::new(),
    }
}

fn with_receipt(mut place: PlaceBasis, po: &str, quantity: i64, at: Timestamp) -> PlaceBasis {
    place.inventory_position += units(quantity);
    place.receipts.push(ReceiptBasis {
        at,
        quantity: units(quantity),
        kind: ReceiptKind::PurchaseOrder,
        document: po.into(),
        line_id: "1".into(),
        supplier: Some("V".into()),
        line_quantity: units(quantity),
        is_shipped: false,
    });
    place
}

/// Supplier V (minimum 60, packs of 12), lanes from BERGEN (a day, 0.50 a unit) and FAR (5 days), into OSLO.
fn reference(change: impl FnOnce(&mut Vec<EventData>)) -> Reference {
    let lane = |from: &str, days: f64| {
        EventData::LaneDescribed(Box::new(LaneDescribed {
            from: from.into(),
            to: "OSLO".into(),
            transit_days: Some(days),
            cost_per_unit: price("0.5"),
            currency: None,
            min_quantity: None,
            calendar: None,
        }))
    };
    let mut events = vec![
        lane("BERGEN", 1.0),
        lane("FAR", 5.0),
        EventData::SourcingSet(Box::new(SourcingSet {
            sku: "A".into(),
            location: "OSLO".into(),
            source: SourceOfSupply::Supplier("V".into()),
            rank: None,
            share: None,
            lead_time_days: Some(7.0),
            moq: Some(units(60)),
            pack: Some(units(12)),
            unit_cost: None,
            valid_from: None,
            valid_until: None,
        })),
        EventData::ItemDescribed(Box::new(ItemDescribed {
            sku: "A".into(),
            name: None,
            path: Vec::new(),
            attributes: None,
            brand: None,
            unit_cost: price("3"),
            unit_price: price("5"),
            currency: None,
            uom: None,
            uoms: Vec::new(),
            pack: Some(units(12)),
            shelf_life_days: None,
            substitutes: Vec::new(),
        })),
    ];
    change(&mut events);
    let mut reference = Reference::default();
    let declared = SystemBody::TenantDeclared {
        name: "default".into(),
        clock: ClockKind::Event,
        base_currency: eur(),
        timezone: "UTC".into(),
    };
    let mut bodies = vec![Body::System(Box::new(declared))];
    bodies.extend(events.into_iter().map(|data| Body::Event { event_type: None, data }));
    for (at, body) in bodies.into_iter().enumerate() {
        let record = Record { lsn: Lsn(at as u64 + 1), body, ..places::record(0) };
        reference.apply(&record);
    }
    reference
}

fn costed(reference: &Reference, subjects: &[PlaceBasis], donors: &[PlaceBasis]) -> Vec<CaseOption> {
    let tenant = reference.tenant(TenantNumber(0)).unwrap();
    options(&testing::case("c"), subjects, donors, tenant, &Settings::default(), day(0))
}

fn of_kind(options: &[CaseOption], kind: OptionKind) -> Vec<&CaseOption> {
    options.iter().filter(|option| option.kind == kind).collect()
}

fn only(options: &[CaseOption], kind: OptionKind) -> CaseOption {
    let of_kind = of_kind(options, kind);
    assert_eq!(of_kind.len(), 1, "{kind:?} in {options:#?}");
    of_kind[0].clone()
}

/// Cost, benefit, net.
#[track_caller]
fn check(option: &CaseOption, expected: [&str; 3]) {
    let text = |money: Option<Money>| money.map_or("unknown".into(), super::super::words::money);
    let amounts = [text(option.cost), text(option.benefit), text(option.net)];
    assert_eq!(
        amounts,
        expected.map(|amount| if amount == "unknown" { amount.to_owned() } else { format!("{amount} EUR") })
    );
    option.explanation.iter().for_each(check_formula);
}

fn gate<'a>(option: &'a CaseOption, name: &str) -> &'a crate::domain::approval_case::Gate {
    option
        .gates
        .iter()
        .find(|gate| gate.gate == name)
        .unwrap_or_else(|| panic!("{name} in {:?}", option.gates))
}

#[test]
fn doing_nothing_shows_what_it_leads_to() {
    let options = costed(&reference(|events| events.clear()), &[place("OSLO", 20, 10.0)], &[]);
    let [nothing] = &options[..] else { panic!("{options:#?}") };
    check(nothing, ["0.00", "0.00", "0.00"]);
    assert!(nothing.recommended);
    let [effect] = &nothing.effects[..] else { panic!() };
    assert_eq!(effect.before, effect.after);
    // 20 − 14 × 10.
    assert_eq!((effect.before.units_short, effect.before.stockout_probability), (120.0, 1.0));
    assert_eq!(effect.before.projected_stockout_at, Some(day(2)));
    assert_eq!(effect.before.value_at_risk, Some(Money::from_ten_thousandths(2_400_000, eur())));
    assert_eq!((effect.before.days_of_cover, effect.before.horizon_days), (Some(2.0), 14.0));
    assert_eq!(nothing.basis.inputs[0].lsn, Lsn(7));
}

#[test]
fn expediting_brings_a_late_order_forward() {
    let subject = with_receipt(place("OSLO", 20, 10.0), "P1", 100, day(6));
    let options = costed(&reference(|_| {}), &[subject], &[]);
    let expedite = only(&options, OptionKind::Expedite);
    // Short before: 20 − 60 = −40 just before it comes, 20 + 100 − 140 = −20 at the end. On day 3: −10, then −20.
    // Cost: 10 % of 100 × 3.00. Benefit: (40 − 20) × 2.00.
    check(&expedite, ["30.00", "40.00", "10.00"]);
    assert_eq!(expedite.title, "Expedite purchase order P1: 5 March instead of 8 March");
    assert_eq!((expedite.lead_time_days, expedite.effects[0].before.units_short), (Some(3.0), 40.0));
    assert_eq!(expedite.effects[0].after.units_short, 20.0);
    let step = &expedite.steps[0];
    assert_eq!(
        (step.kind, step.po_id.as_deref(), step.line_id.as_deref()),
        (ActionKind::Expedite, Some("P1"), Some("1"))
    );
    assert!(expedite.is_eligible() && expedite.recommended, "{:?}", expedite.gates);
    // There is enough on order over the lead time.
    assert!(of_kind(&options, OptionKind::Order).is_empty());
}

#[test]
fn what_is_under_way_or_in_time_is_not_expedited() {
    let mut shipped = with_receipt(place("OSLO", 20, 10.0), "P1", 100, day(6));
    shipped.receipts[0].is_shipped = true;
    let in_time = with_receipt(place("OSLO", 20, 10.0), "P1", 100, day(1));
    for subject in [shipped, in_time] {
        assert!(of_kind(&costed(&reference(|_| {}), &[subject], &[]), OptionKind::Expedite).is_empty());
    }
}

#[test]
fn one_order_for_several_places_is_expedited_line_by_line() {
    let subject = |location| with_receipt(place(location, 20, 10.0), "P1", 100, day(6));
    let options = costed(&reference(|_| {}), &[subject("OSLO"), subject("MOSS")], &[]);
    let expedite = only(&options, OptionKind::Expedite);
    assert_eq!(expedite.steps.len(), 2);
    check(&expedite, ["60.00", "80.00", "20.00"]);
}

#[test]
fn an_order_goes_up_to_the_level_in_whole_packs() {
    let options = costed(&reference(|_| {}), &[place("OSLO", 20, 10.0)], &[]);
    let order = only(&options, OptionKind::Order);
    // Up to 70 wants 50; economic sqrt(2 × 50 × 3650 / 0.6) = 780, within 10 days' cover 100; in packs of 12: 108.
    // Cost: 50 + 108 × 3.00 × 20 % × 5.4 days / 365 = 50.96. Short: 120 before, 50 just before it comes: 140.00.
    check(&order, ["50.96", "140.00", "89.04"]);
    assert_eq!((order.steps[0].quantity, order.steps[0].arrives_at), (units(108), Some(day(7))));
    assert_eq!(order.title, "Order 108 from V, arrives 9 March");
    assert_eq!(gate(&order, "pack").detail, "108 in packs of 12");
    assert_eq!(order.effects[0].after.inventory_position, units(128));
    assert!(order.recommended && order.is_eligible(), "{:?}", order.gates);
}

/// 400 units are due and not here, and nothing more will be asked for: an order serves them after 7 of the 14 days.
#[test]
fn what_waits_already_counts_for_as_long_as_it_waits() {
    let mut short = place("OSLO", 0, 0.0);
    for quantity in [&mut short.available, &mut short.inventory_position, &mut short.starting_balance] {
        *quantity = units(-400);
    }
    let options = costed(&reference(|_| {}), std::slice::from_ref(&short), &[]);
    let order = only(&options, OptionKind::Order);
    // Before 400 units short for the whole time, after for half of it: 200 × 2.00. Cost: 50 + 408 × 3.00 × 20 %.
    check(&order, ["294.80", "400.00", "105.20"]);
    let effect = &order.effects[0];
    assert_eq!((effect.before.units_short, effect.after.units_short), (400.0, 200.0));
    assert!(order.recommended);

    // What is on order serves them on day 7 in part; 100 of it on day 0 by expediting would be better still.
    let some = with_receipt(short.clone(), "P1", 100, day(7));
    let nothing = only(&costed(&reference(|_| {}), &[some], &[]), OptionKind::DoNothing);
    assert_eq!(nothing.effects[0].before.units_short, 350.0);

    // With a demand of 10 a day on top: 400 + 140 before; with 480 on day 7 the 70 until then, and 400 for half.
    let mut selling = place("OSLO", 0, 10.0);
    selling.starting_balance = units(-400);
    selling.inventory_position = units(-400);
    let order = only(&costed(&reference(|_| {}), &[selling], &[]), OptionKind::Order);
    assert_eq!(order.steps[0].quantity, units(480));
    let effect = &order.effects[0];
    assert_eq!((effect.before.units_short, effect.after.units_short), (540.0, 270.0));
    order.explanation.iter().for_each(check_formula);
}

/// A fraction of a unit can't be ordered where nobody says what a pack is.
#[test]
fn an_order_without_packs_is_of_whole_units() {
    let unpacked = |events: &mut Vec<EventData>| {
        for event in events {
            match event {
                EventData::SourcingSet(set) => (set.pack, set.moq) = (None, None),
                EventData::ItemDescribed(item) => item.pack = None,
                _ => {}
            }
        }
    };
    let mut short = place("OSLO", 20, 0.9);
    short.reorder_point = 40.25;
    let order = only(&costed(&reference(unpacked), &[short], &[]), OptionKind::Order);
    // Up to 40.25 wants 20.25; economically, within 10 days, 9.
    assert_eq!(order.steps[0].quantity, units(21));
    order.explanation.iter().for_each(check_formula);
    let mut short = place("OSLO", 20, 10.0);
    (short.lead_time_days, short.demand[0].mean) = (2.0, 10.4);
    let donor = place("BERGEN", 500, 1.0);
    let transfer = only(&costed(&reference(unpacked), &[short], &[donor]), OptionKind::Transfer);
    assert_eq!(transfer.steps[0].quantity, units(1), "0.4 are missing");
}

#[test]
fn an_expedited_line_says_its_total() {
    let mut subject = with_receipt(place("OSLO", 20, 10.0), "P1", 100, day(6));
    subject.receipts[0].line_quantity = units(130);
    let expedite = only(&costed(&reference(|_| {}), &[subject], &[]), OptionKind::Expedite);
    let step = &expedite.steps[0];
    assert_eq!((step.quantity, step.line_quantity), (units(100), Some(units(130))));
}

#[test]
fn an_order_waits_for_the_suppliers_order_day() {
    let calendar = |order_days: &[u8], cutoff: &str| {
        let order_days = Some(order_days.to_vec());
        let cutoff = Some(cutoff.into());
        move |events: &mut Vec<EventData>| {
            events.push(EventData::CalendarDescribed(Box::new(CalendarDescribed {
                calendar: "v".into(),
                working_days: Some(vec![1, 2, 3, 4, 5]),
                closed: vec![day(2).day(&jiff::tz::TimeZone::UTC)],
                order_days,
                cutoff,
            })));
            events.push(EventData::SupplierDescribed(Box::new(SupplierDescribed {
                supplier: "V".into(),
                name: None,
                lead_time_days: None,
                lead_time_sd_days: None,
                ack_within_hours: None,
                timezone: Some("Europe/Oslo".into()),
                calendar: Some("v".into()),
            })));
        }
    };
    let arrives = |order_days: &[u8], cutoff| {
        let options = costed(&reference(calendar(order_days, cutoff)), &[place("OSLO", 20, 10.0)], &[]);
        let order = only(&options, OptionKind::Order);
        (order.steps[0].arrives_at, gate(&order, "calendar").passed)
    };
    // Monday 00:00 UTC is 01:00 in Oslo: before the cutoff of 12:00, after one of 00:30.
    assert_eq!(arrives(&[1], "12:00"), (Some(day(7)), true));
    // Next Monday begins in Oslo an hour before it does in UTC.
    assert_eq!(arrives(&[1], "00:30"), (Some(day(14).plus(-HOUR)), true));
    // Wednesday is closed: Wednesday a week later.
    assert_eq!(arrives(&[3], "12:00"), (Some(day(16).plus(-HOUR)), true));
    assert_eq!(arrives(&[7], "12:00"), (None, false));
}

#[test]
fn a_donor_gives_what_is_above_its_own_reorder_point() {
    let donors = [place("BERGEN", 150, 5.0), place("FAR", 500, 5.0)];
    let options = costed(&reference(|_| {}), &[place("OSLO", 20, 10.0)], &donors);
    let transfer = only(&options, OptionKind::Transfer);
    // Missing within the lead time 50, in packs 60. Cost: 60 × 0.50 + 25. Short: 120 before, 60 after.
    check(&transfer, ["55.00", "120.00", "65.00"]);
    assert_eq!(transfer.title, "Transfer 60 from BERGEN, arrives 3 March");
    let [receiver, donor] = &transfer.effects[..] else { panic!() };
    assert_eq!((receiver.location.as_str(), donor.location.as_str()), ("OSLO", "BERGEN"));
    assert_eq!((donor.before.available, donor.after.available), (units(150), units(90)));
    assert_eq!(donor.after.days_of_cover, Some(18.0));
    // The order is the better one, and only one is recommended.
    assert!(!transfer.recommended && only(&options, OptionKind::Order).recommended);
    assert_eq!(options.iter().filter(|option| option.recommended).count(), 1);
}

#[test]
fn gates_of_a_transfer_say_what_is_wrong() {
    let failed = |donor: PlaceBasis, name: &str| {
        let options = costed(&reference(|_| {}), &[place("OSLO", 20, 10.0)], &[donor]);
        let transfer = only(&options, OptionKind::Transfer);
        assert!(!transfer.is_eligible() && !transfer.recommended);
        let gate = gate(&transfer, name);
        assert!(!gate.passed, "{gate:?}");
        gate.detail.clone()
    };
    assert_eq!(failed(place("BERGEN", 40, 5.0), "donor"), "BERGEN keeps -20, and its reorder point is 35.0");
    assert_eq!(failed(place("FAR", 500, 5.0), "arrival"), "arrives 7 March, after the shortage of 4 March");
    let mut cheap = place("OSLO", 20, 10.0);
    cheap.unit_price = price("0.1");
    let options = costed(&reference(|_| {}), &[cheap], &[place("BERGEN", 500, 5.0)]);
    let transfer = only(&options, OptionKind::Transfer);
    assert!(!gate(&transfer, "value").passed);
    assert!(options[0].recommended, "nothing is better than doing nothing");
}

#[test]
fn a_donor_that_gets_short_itself_takes_from_the_benefit() {
    // 30 × 14 days of its own demand leave it at −10 without giving, at −70 with.
    let mut donor = place("BERGEN", 410, 30.0);
    donor.reorder_point = 100.0;
    let options = costed(&reference(|_| {}), &[place("OSLO", 20, 10.0)], &[donor]);
    check(&only(&options, OptionKind::Transfer), ["55.00", "0.00", "-55.00"]);
}

#[test]
fn several_short_places_share_what_the_donors_can_spare() {
    let lanes = |events: &mut Vec<EventData>| {
        let EventData::LaneDescribed(lane) = &events[0] else { panic!() };
        let to_moss = LaneDescribed { to: "MOSS".into(), ..(**lane).clone() };
        events.push(EventData::LaneDescribed(Box::new(to_moss)));
    };
    let subjects = [place("OSLO", 20, 10.0), place("MOSS", 20, 10.0)];
    let options = costed(&reference(lanes), &subjects, &[place("BERGEN", 120, 5.0)]);
    let transfer = only(&options, OptionKind::Transfer);
    // 85 to spare: 60 for the first, 24 in packs for the second.
    let quantities: Vec<_> = transfer.steps.iter().map(|step| step.quantity).collect();
    assert_eq!(quantities, [units(60), units(24)]);
    assert!(gate(&transfer, "donor").passed);
}

#[test]
fn what_is_not_known_is_not_taken_for_nothing() {
    let no_cost = |events: &mut Vec<EventData>| {
        events.retain(|event| !matches!(event, EventData::LaneDescribed(_)));
    };
    let mut subject = place("OSLO", 20, 10.0);
    subject.unit_cost = None;
    let options = costed(&reference(no_cost), &[subject.clone()], &[]);
    // No economic quantity: 60. The price stands in for the margin: (120 − 60) × (5.00 + 0.50) × 80 %.
    let order = only(&options, OptionKind::Order);
    check(&order, ["unknown", "264.00", "unknown"]);
    assert!(order.recommended, "it brings something, and it is not known that it costs more");
    subject.unit_price = None;
    let options = costed(&reference(no_cost), &[subject], &[]);
    check(&only(&options, OptionKind::Order), ["unknown", "unknown", "unknown"]);
    assert_eq!(options[0].effects[0].before.value_at_risk, None);
}

#[test]
fn a_persons_option_is_costed_as_it_is() {
    let mut option = costed(&reference(|_| {}), &[place("OSLO", 20, 10.0)], &[]).remove(1);
    option.steps[0].quantity = units(50);
    option.steps[0].arrives_at = None;
    option.edited_by = Some("ann".into());
    let reference = reference(|_| {});
    let tenant = reference.tenant(TenantNumber(0)).unwrap();
    let subjects = [place("OSLO", 20, 10.0)];
    let recomputed =
        recompute(&option, &testing::case("c"), &subjects, &[], tenant, &Settings::default(), day(0));
    // 50 + 50 × 3.00 × 20 % × 2.5 / 365 = 50.21; short just before it comes 50, at the end 70.
    check(&recomputed, ["50.21", "100.00", "49.79"]);
    assert_eq!((recomputed.id.clone(), recomputed.steps[0].arrives_at), (option.id, Some(day(7))));
    assert!(!gate(&recomputed, "pack").passed && !gate(&recomputed, "minimum_order").passed);
    assert_eq!(recomputed.edited_by.as_deref(), Some("ann"));
}

#[test]
fn options_survive_their_text() {
    let subject = with_receipt(place("OSLO", 20, 9.7), "P1", 33, day(6));
    let donors = [place("BERGEN", 150, 1.0 / 3.0)];
    let options = costed(&reference(|_| {}), std::slice::from_ref(&subject), &donors);
    let text = serde_json::to_string(&options).unwrap();
    assert_eq!(serde_json::from_str::<Vec<CaseOption>>(&text).unwrap(), options);
    let text = serde_json::to_string(&subject).unwrap();
    assert_eq!(serde_json::from_str::<PlaceBasis>(&text).unwrap(), subject);
}

/// What a place shows of itself is what its basis gives over the same time.
#[track_caller]
fn check_place(place: &Place) {
    let now = place.business_time;
    let basis = place.state.options_basis(now, &place.reference, &place.key, Lsn(9));
    let view = place.view();
    let scenario = risk::Scenario::of(&basis);
    let risk = scenario.risk(now.plus_days(basis.lead_time_days + basis.review_days));
    assert!((risk.stockout_probability - view.stockout_probability).abs() < 1e-9, "{risk:?} {view:?}");
    assert_eq!(risk.shortage.map(|shortage| shortage.from), view.projected_stockout_at);
    assert_eq!(
        (scenario.available(), scenario.inventory_position()),
        (view.available, view.inventory_position)
    );
    assert_eq!((scenario.days_of_cover(), basis.reorder_point), (view.days_of_cover, view.reorder_point));
}

#[test]
fn the_basis_gives_the_numbers_that_the_place_shows() {
    let mut place = Place::new();
    place.sell_daily(&[10, 12, 8, 11, 9, 10, 14]);
    place.event(place.business_time, places::counted(35));
    check_place(&place);
    place.event(place.business_time, places::purchase("P", 40, Some(day(10))));
    check_place(&place);
    place.event(place.business_time, places::order("o", 30, Some(day(9).plus(HOUR))));
    place.event(place.business_time, places::forecast(20, 13.0, 4.0));
    check_place(&place);
    let now = place.business_time;
    let basis = place.state.options_basis(now, &place.reference, &place.key, Lsn(9));
    let receipt = &basis.receipts[0];
    assert_eq!(
        (receipt.document.as_str(), receipt.line_id.as_str(), receipt.quantity),
        ("P", "1", units(40))
    );
    assert_eq!(basis.orders, [DatedQuantity { at: day(9).plus(HOUR), quantity: units(30) }]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn more_and_sooner_is_never_a_greater_risk(
        on_hand in 0..200_i64, rate in 0.0..30.0_f64, variance in 0.0..50.0_f64,
        receipts in proptest::collection::vec((1..200_i64, 1..20_i64), 0..4),
        more in 1..100_i64, sooner in 1..5_i64,
    ) {
        let mut basis = place("OSLO", on_hand, rate);
        basis.demand.iter_mut().for_each(|span| span.variance = variance);
        for (at, (quantity, days)) in receipts.iter().enumerate() {
            basis = with_receipt(basis, &at.to_string(), *quantity, day(*days));
        }
        basis.receipts.sort_by_key(|receipt| receipt.at);
        let until = day(14);
        let before = risk::Scenario::of(&basis).risk(until);
        let mut fuller = risk::Scenario::of(&basis);
        let mut extra = with_receipt(place("OSLO", 0, 0.0), "x", more, day(1)).receipts.remove(0);
        extra.at = day(0).plus(1);
        fuller.receive(extra);
        prop_assert!(fuller.risk(until).units_short <= before.units_short.max(
            // A receipt adds a moment that is looked at: just before it, as things are now.
            (-(on_hand as f64)).max(0.0)) + 1e-9);
        let mut hastened = risk::Scenario::of(&basis);
        if let Some(first) = basis.receipts.first() {
            let at = first.at.plus(-sooner * DAY).max(day(0).plus(1));
            hastened.reschedule(&first.document, "1", at);
            prop_assert!(hastened.risk(until).units_short <= before.units_short + 1e-9);
        }
    }

    #[test]
    fn every_number_follows_from_its_inputs(
        on_hand in 0..200_i64, rate in 0.5..30.0_f64, variance in 0.0..50.0_f64, spare in 0..600_i64,
        late in proptest::option::of((1..200_i64, 2..13_i64)),
    ) {
        let mut subject = place("OSLO", on_hand, rate);
        subject.demand.iter_mut().for_each(|span| span.variance = variance);
        if let Some((quantity, days)) = late {
            subject = with_receipt(subject, "P", quantity, day(days));
        }
        let options = costed(&reference(|_| {}), &[subject], &[place("BERGEN", spare, 3.0)]);
        options.iter().flat_map(|option| &option.explanation).for_each(check_formula);
        prop_assert_eq!(options.iter().filter(|option| option.recommended).count(), 1);
        for option in &options {
            for (name, shown) in [("cost", option.cost), ("benefit", option.benefit), ("net", option.net)] {
                let explained = option.explanation.iter().find(|explained| explained.name == name).unwrap();
                prop_assert_eq!(explained.value.is_some(), shown.is_some());
                let difference = explained.value.unwrap_or_default() - shown.map_or(0.0, Money::as_f64);
                prop_assert!(difference.abs() <= 0.005 + 1e-9);
            }
        }
    }
}

#[test]
fn donors_are_at_the_other_end_of_a_lane() {
    let reference = reference(|_| {});
    let tenant = reference.tenant(TenantNumber(0)).unwrap();
    let mut case = testing::case("c");
    let entity = EntityKey::SkuLocation { tenant: TenantNumber(0), sku: "A".into(), location: "OSLO".into() };
    let mut item =
        crate::domain::exception::testing::item("e", crate::domain::exception::ExceptionType::ShortageNow);
    item.subject = crate::domain::exception::ExceptionSubject::sku_location(&"A".into(), &"OSLO".into());
    case.members.push(crate::domain::approval_case::CaseMember::claimed(&entity, &item, day(0)));
    let donors = donor_places(&case, tenant, &CaseSettings::default());
    let names: Vec<_> = donors.iter().map(|donor| donor.location.as_str()).collect();
    assert_eq!(names, ["BERGEN", "FAR"]);
    let few = CaseSettings { donors_max: 1, ..CaseSettings::default() };
    assert_eq!(donor_places(&case, tenant, &few).len(), 1);
}
