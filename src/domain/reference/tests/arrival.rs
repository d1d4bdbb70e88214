//! Whatever arrives, in whatever order.

use proptest::prelude::*;

use super::*;

#[test]
fn at_equal_times_the_greater_sequence_wins_integers_by_value_and_then_source_and_id() {
    let key = |sequence: &str, source: &str, id: &str| {
        let mut record = record(1, day(0), event(item("A", &[])));
        (record.sequence, record.source, record.id) = (sequence.into(), source.into(), id.into());
        VersionKey::of(&record)
    };
    let ascending = [
        key("", "t", "2"),
        key("-10", "s", "1"),
        key("-9", "s", "1"),
        key("0", "s", "1"),
        key("9", "s", "1"),
        key("010", "s", "1"),
        key("10", "s", "2"),
        key("10", "t", "1"),
        key("99999999999999999999", "s", "1"),
        key("1a", "s", "1"),
        key("a", "s", "1"),
    ];
    for (at, lesser) in ascending.iter().enumerate() {
        for (other, greater) in ascending.iter().enumerate() {
            assert_eq!(lesser.cmp(greater), at.cmp(&other), "{lesser:?} {greater:?}");
        }
    }
    assert_eq!(key("007", "s", "1"), key("7", "s", "1"));
    assert_eq!(key("-0", "s", "1"), key("000", "s", "1"));
    let later = {
        let record = record(1, day(1), event(item("A", &[])));
        VersionKey::of(&record)
    };
    assert!(ascending.iter().all(|earlier| *earlier < later));
}

fn anything() -> impl Strategy<Value = EventData> {
    let name = || prop::sample::select(vec!["A", "B", "S", "T"]);
    let scope = || prop::sample::select(vec!["", "A", "S", "x/y"]);
    let days = || prop::option::of((1..40u8).prop_map(f64::from));
    let moment = || prop::option::of(0..20i64);
    prop_oneof![
        (name(), name()).prop_map(|(sku, path)| item(sku, &[path])),
        (name(), name()).prop_map(|(at, path)| location(at, &[path], Some("Asia/Tokyo"))),
        (name(), days(), days()).prop_map(|(name, mean, sd)| supplier(name, mean, sd)),
        (name(), prop::option::of(0..3i64), days(), moment(), moment()).prop_map(
            |(name, rank, lead_time, from, until)| source_valid(
                from_supplier(name),
                rank,
                lead_time,
                from.map(day),
                until.map(day)
            )
        ),
        (name(), name(), days()).prop_map(|(from, to, transit)| lane(from, to, transit)),
        ([scope(), scope(), scope()], days())
            .prop_map(|(scope, days)| policy(scope, |set| set.review_days = days)),
        (1..40u8, moment(), moment()).prop_map(|(days, from, until)| delay(
            days.into(),
            None,
            None,
            [from, until]
        )),
        prop::collection::vec(0.01f64..100.0, 1..3).prop_map(|rates| {
            let codes = ["USD", "JPY"].map(|code| Currency::parse(code).unwrap());
            EventData::FxPublished(codes.into_iter().zip(rates).collect())
        }),
        (name(), 0..20i64, 0..20i64).prop_map(|(id, from, until)| {
            EventData::Promotion(Box::new(Promotion {
                promotion_id: Name::from(id),
                from: day(from),
                until: day(until),
                skus: Selection::All,
                locations: Selection::All,
                expected_uplift: None,
                mechanic: None,
                price: None,
            }))
        }),
        name().prop_map(|id| EventData::PromotionCancelled(Name::from(id))),
        (name(), 0..9i32).prop_map(|(calendar, closed)| {
            EventData::CalendarDescribed(Box::new(CalendarDescribed {
                calendar: Name::from(calendar),
                working_days: None,
                closed: vec![Day(closed), Day(1)],
                order_days: None,
                cutoff: None,
            }))
        }),
        (name(), prop::option::of(name()), -9.0f64..9.0, moment()).prop_map(|(name, place, value, from)| {
            EventData::SignalObserved(Box::new(Signal {
                name: Name::from(name),
                value,
                location: place.map(Name::from),
                region: None,
                from: from.map(day),
                until: None,
                confidence: None,
            }))
        }),
        (name(), 0..9i64, 0..9i64).prop_map(|(sku, from, until)| {
            EventData::AssortmentSet(Box::new(AssortmentSet {
                sku: Name::from(sku),
                locations: Selection::All,
                from: day(from),
                until: Some(day(until)),
                status: None,
                successor: None,
            }))
        }),
    ]
}

proptest! {
    #[test]
    fn the_order_of_arrival_does_not_matter(
        statements in prop::collection::vec((anything(), 0..4i64, 0..3u8), 1..40),
        shuffle in any::<prop::sample::Index>(),
        seed in any::<u64>(),
    ) {
        // Ids are unique, times and sequences often equal.
        let mut records: Vec<_> = statements
            .into_iter()
            .enumerate()
            .map(|(at, (data, time, sequence))| {
                let mut record = record(at as u64 + 2, day(time), event(data));
                record.sequence = Name::from(["", "9", "10"][usize::from(sequence)]);
                record
            })
            .collect();
        let fold = |records: &[Record]| {
            let mut reference = declared();
            for record in records {
                reference.apply(record);
            }
            // The version is the path, not the result.
            reference.version = Lsn::ZERO;
            reference
        };
        let first = fold(&records);
        let len = records.len();
        records.rotate_left(shuffle.index(len));
        let mut random = seed;
        for at in (1..len).rev() {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            records.swap(at, (random >> 33) as usize % (at + 1));
        }
        prop_assert_eq!(&first, &fold(&records));
        // Repeats change nothing.
        let repeated: Vec<_> = records.iter().chain(&records).cloned().collect();
        prop_assert_eq!(&first, &fold(&repeated));
        // And it survives being written and read.
        let text = serde_json::to_string(&first).unwrap();
        prop_assert_eq!(&first, &serde_json::from_str::<Reference>(&text).unwrap());
    }
}
