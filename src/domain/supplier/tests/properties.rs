//! Whatever happens to a supplier's orders, it comes to rest and its books add up.

use super::watched::Watched;
use super::*;
use crate::domain::exception::{ExceptionState, ExceptionType};
use ExceptionType::{PurchaseLate, PurchaseLatePredicted};

/// What may happen to two lines of three orders.
#[derive(Clone, Debug)]
enum Happens {
    Placed { po: u8, line: u8, units: i64, promised: Option<i64> },
    Changed { po: u8, line: u8, units: i64, promised: Option<i64> },
    Acknowledged { po: u8, line: u8, units: i64, promised: Option<i64> },
    Received { po: u8, line: u8, units: i64 },
    Shipped { step: ShipmentStep, id: u8, eta: Option<i64>, line: Option<(u8, u8, Option<i64>)> },
    Ended { po: u8 },
    GivenTo { po: u8, own: bool },
    Delay { po: Option<u8>, days: i64 },
    Capacity { percent: i64, until: i64 },
    Member { id: u8, po: u8, over: bool },
    DaysPass { days: i64 },
}

fn anything() -> impl Strategy<Value = Happens> {
    let promised = || prop::option::of(0..60i64);
    prop_oneof![
        (0..3u8, 0..2u8, 0..20i64, promised()).prop_map(|(po, line, units, promised)| Happens::Placed {
            po,
            line,
            units,
            promised
        }),
        (0..3u8, 0..2u8, 0..20i64, promised()).prop_map(|(po, line, units, promised)| Happens::Changed {
            po,
            line,
            units,
            promised
        }),
        (0..3u8, 0..2u8, 0..20i64, promised())
            .prop_map(|(po, line, units, promised)| Happens::Acknowledged { po, line, units, promised }),
        (0..3u8, 0..2u8, 1..20i64).prop_map(|(po, line, units)| Happens::Received { po, line, units }),
        (
            prop_oneof![
                Just(ShipmentStep::Dispatched),
                Just(ShipmentStep::Delayed),
                Just(ShipmentStep::Arrived)
            ],
            0..3u8,
            promised(),
            prop::option::of((0..3u8, 0..2u8, prop::option::of(1..20i64))),
        )
            .prop_map(|(step, id, eta, line)| Happens::Shipped { step, id, eta, line }),
        (0..3u8).prop_map(|po| Happens::Ended { po }),
        (0..3u8, any::<bool>()).prop_map(|(po, own)| Happens::GivenTo { po, own }),
        (prop::option::of(0..3u8), -2..9i64).prop_map(|(po, days)| Happens::Delay { po, days }),
        (0..120i64, 0..60i64).prop_map(|(percent, until)| Happens::Capacity { percent, until }),
        (0..3u8, 0..3u8, any::<bool>()).prop_map(|(id, po, over)| Happens::Member { id, po, over }),
        (0..9i64).prop_map(|days| Happens::DaysPass { days }),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_it_comes_to_rest_and_every_order_book_adds_up(
        history in prop::collection::vec(anything(), 1..60),
    ) {
        let mut supplier = Watched::with(|settings| settings.supplier.lines_max = 5);
        let (po_id, line_id) = (|po: u8| format!("P{po}"), |line: u8| format!("{line}"));
        let mut now = 0;
        for happens in history {
            match happens {
                Happens::Placed { po, line, units, promised } => {
                    supplier.placed(now, &po_id(po), &[(&line_id(line), units, promised)]);
                }
                Happens::Changed { po, line, units, promised } => {
                    supplier.changed(now, &po_id(po), &[(&line_id(line), units, promised)]);
                }
                Happens::Acknowledged { po, line, units, promised } => {
                    supplier.acknowledged(now, &po_id(po), &[(&line_id(line), units, promised)]);
                }
                Happens::Received { po, line, units } => supplier.received(now, &po_id(po), &line_id(line), units),
                Happens::Shipped { step, id, eta, line } => {
                    let named = line.map(|(po, line, units)| (po_id(po), line_id(line), units));
                    let lines = named.as_ref().map(|(po, line, units)| (po.as_str(), line.as_str(), *units));
                    supplier.shipment(now, step, &format!("H{id}"), eta, lines.as_slice());
                }
                Happens::Ended { po } => supplier.ended(now, EventType::PurchaseOrderClosed, &po_id(po)),
                Happens::GivenTo { po, own } => {
                    supplier.given_to(now, &po_id(po), if own { "V" } else { "W" });
                }
                Happens::Delay { po, days } => {
                    supplier.delay(now, po.map(po_id).as_deref(), days as f64);
                }
                Happens::Capacity { percent, until } => {
                    supplier.capacity(now, percent as f64 / 100.0, None, Some(until));
                }
                Happens::Member { id, po, over } => {
                    let state = if over { ExceptionState::Cleared } else { ExceptionState::Open };
                    supplier.member(&id.to_string(), &po_id(po), 5, state);
                }
                Happens::DaysPass { days } => now += days,
            }
            // Rest is reached, and at rest nothing more is proposed.
            let (_, review) = supplier.settle(day(now));
            prop_assert!(review.is_none_or(|review| review > day(now)));
            let view = supplier.supplier.view(TENANT, day(now), &supplier.reference);
            prop_assert!(view.late_lines + view.predicted_late_lines <= view.open_lines);
            prop_assert!(view.unacknowledged_lines <= view.open_lines);
            let is_known = |(_, po, line): &(Name, Name, Name)| supplier.supplier.orders.line(po, line).is_some();
            prop_assert!(supplier.supplier.orders.carried().iter().all(is_known), "carried of a forgotten line");
            // An order is not both late and predicted to be.
            for po in 0..3u8 {
                let open = |kind: &ExceptionType| {
                    supplier.supplier.exceptions().open_of(kind, &po_id(po)).is_some()
                };
                prop_assert!(!(open(&PurchaseLate) && open(&PurchaseLatePredicted)));
            }
        }
        // All indexes are empty when nothing is open.
        for po in 0..3u8 {
            supplier.ended(now, EventType::PurchaseOrderCancelled, &po_id(po));
        }
        supplier.settle(day(now));
        let text = serde_json::to_string(&supplier.supplier).unwrap();
        let book = &serde_json::from_str::<serde_json::Value>(&text).unwrap()["orders"];
        for empty in ["by_promise", "shipped_late", "by_due_in_full", "unacknowledged", "partly_received"] {
            prop_assert_eq!(book[empty].as_array().map(Vec::len), Some(0), "{}", empty);
        }
        for empty in ["differing", "promised_on"] {
            prop_assert_eq!(book[empty].as_object().map(serde_json::Map::len), Some(0), "{}", empty);
        }
        prop_assert_eq!(&serde_json::from_str::<Supplier>(&text).unwrap(), &supplier.supplier);
    }
}
