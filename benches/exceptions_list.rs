//! A page of a million open exceptions: by what it is sorted, where it stands, what is filtered and who looks.

use std::hint::black_box;
use std::sync::{Arc, LazyLock};
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use tidewatch::auth::{Principal, RoleSet, Scope};
use tidewatch::domain::event::EventData;
use tidewatch::domain::exception::ExceptionItem;
use tidewatch::domain::ids::{EntityKey, Lsn, Name, TenantNumber};
use tidewatch::domain::money::Currency;
use tidewatch::domain::record::{Body, ClockKind, Record, SystemBody};
use tidewatch::domain::reference::Reference;
use tidewatch::domain::time::Timestamp;
use tidewatch::http::visibility::{SubjectColumns, reach, sees_exception};
use tidewatch::runtime::summaries::Exceptions;
use tidewatch::runtime::summary::{Listed, Page, Paging, Selection, SortBy, Within};

const TENANT: TenantNumber = TenantNumber(0);

/// Whose they are is of no matter here.
fn owner() -> Arc<EntityKey> {
    static OWNER: LazyLock<Arc<EntityKey>> =
        LazyLock::new(|| Arc::new(EntityKey::Supplier { tenant: TENANT, supplier: Name::from("V") }));
    OWNER.clone()
}
const COUNT: u64 = 1_000_000;

const SEVERITIES: [&str; 4] = ["low", "medium", "high", "critical"];
const TEAMS: [&str; 4] = ["north", "south", "east", "west"];
const KINDS: [&str; 6] = [
    "shortage_now",
    "projected_stockout",
    "below_safety_stock",
    "purchase_late",
    "promotion_uncovered",
    "missing_master_data",
];

/// An open exception, different in every field that lists care about.
fn item(n: u64) -> ExceptionItem {
    // A fixed sequence that looks random: multiplication by an odd number is a permutation of 64 bits.
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let at = |bits: u32, below: u64| (mixed >> bits) % below;
    let (severity, kind) = (at(3, 4) as usize, at(7, 6) as usize);
    let (second, ahead) = (n / 100, at(20, 30 * 86_400));
    let time =
        |seconds: u64| jiff::Timestamp::from_second(1_772_409_600 + seconds as i64).unwrap_or_default();
    let value = serde_json::json!({
        "id": format!("exc_{mixed:016x}{:04x}", n & 0xffff),
        "type": KINDS[kind],
        "state": "open",
        "severity": SEVERITIES[severity],
        "urgency": at(11, 101),
        "value_at_risk": (at(13, 20) > 0)
            .then(|| serde_json::json!({"amount": format!("{}.{:02}", at(23, 90_000), n % 100), "currency": "EUR"})),
        "units_at_risk": at(31, 10_000),
        "decide_by": (at(17, 10) > 0).then(|| time(second + ahead).to_string()),
        "subject": {
            "kind": "sku_location",
            "sku": format!("SKU-{:05}", n / 20),
            "location": format!("ST-{:04}", n % 1_000),
            "supplier": null,
        },
        "opened_at": time(second).to_string(),
        "updated_at": time(second + at(40, 3_600)).to_string(),
        "cleared_at": null,
        "window": null,
        "cause": "demand",
        "confidence": at(43, 1_000) as f64 / 1_000.0,
        "evidence": [],
        "case_id": null,
        "owner": null,
        "team": TEAMS[(n % 4) as usize],
        "sla_due_at": null,
        "revision": 1,
        // A tenth stands under one of a thousand causes that are open, another one under 50,000 that are not.
        "group": match n % 10 {
            3 => Some(format!("open {}", n / 10 % 1_000)),
            4 => Some(format!("dismissed {}", n / 10 % 50_000)),
            _ => None,
        },
        "affected": (n < 10_000 && n.is_multiple_of(10)).then(|| {
            serde_json::json!({"key": format!("open {}", n / 10), "count": 100, "exceptions": []})
        }),
    });
    match serde_json::from_str(&value.to_string()) {
        Ok(item) => item,
        Err(error) => unreachable!("a made-up exception is one: {error}"),
    }
}

fn filled() -> Exceptions {
    let exceptions = Exceptions::new(1_000);
    for n in 0..COUNT {
        exceptions.upsert(TENANT, &owner(), item(n), Lsn(n + 1));
    }
    exceptions
}

/// 50,000 items in 100 categories, 1,000 locations in 100 regions, and a supplier of every tenth item.
fn reference() -> Reference {
    let mut reference = Reference::default();
    let Some(base_currency) = Currency::parse("EUR") else { unreachable!("EUR") };
    let (name, timezone) = ("default".into(), "UTC".into());
    let declared = SystemBody::TenantDeclared { name, clock: ClockKind::Event, base_currency, timezone };
    let mut lsn = 0;
    let mut tell = |body: Body| {
        lsn += 1;
        let time = Timestamp::from_micros(lsn as i64);
        reference.apply(&Record {
            lsn: Lsn(lsn),
            tenant: TENANT,
            event_time: time,
            ingest_time: time,
            business_time: time,
            causing_lsn: Lsn::ZERO,
            entity_revision: 0,
            source: "bench".into(),
            id: Name::from(lsn.to_string()),
            sequence: Name::default(),
            principal: "bench".into(),
            body,
        });
    };
    fn read<T: serde::de::DeserializeOwned>(value: serde_json::Value) -> Box<T> {
        match serde_json::from_value(value) {
            Ok(read) => Box::new(read),
            Err(error) => unreachable!("{error}"),
        }
    }
    let event = |data| Body::Event { event_type: None, data };
    tell(Body::System(Box::new(declared)));
    for n in 0..COUNT / 20 {
        let path = [format!("Category {}", n % 100)];
        let item =
            serde_json::json!({"sku": format!("SKU-{n:05}"), "path": path, "uoms": [], "substitutes": []});
        tell(event(EventData::ItemDescribed(read(item))));
    }
    for n in 0..1_000 {
        let location = serde_json::json!({"location": format!("ST-{n:04}"), "path": ["World", format!("Region {}", n % 100)]});
        tell(event(EventData::LocationDescribed(read(location))));
    }
    for n in (0..COUNT).filter(|n| n / 20 % 10 == 0) {
        let source = serde_json::json!({
            "sku": format!("SKU-{:05}", n / 20),
            "location": format!("ST-{:04}", n % 1_000),
            "source": {"kind": "supplier", "id": "V"},
        });
        tell(event(EventData::SourcingSet(read(source))));
    }
    reference
}

fn page(
    exceptions: &Exceptions,
    selection: &Selection<'_>,
    field: &str,
    descending: bool,
    after: Option<&Page<ExceptionItem>>,
    sees: impl FnMut(&ExceptionItem) -> bool,
) -> Page<ExceptionItem> {
    let Some(sort) = SortBy::named::<ExceptionItem>(field) else { unreachable!("{field}") };
    let after =
        after.and_then(|page| page.entries.last()).map(|entry| (sort.key_of(entry), entry.item.id.as_str()));
    exceptions.page(
        TENANT,
        selection,
        &Paging { sort, descending, is_ranked: false, after, limit: 100 },
        sees,
    )
}

fn lists(criterion: &mut Criterion) {
    let exceptions = filled();
    let all = Selection::default();
    let everyone = |_: &ExceptionItem| true;
    let mut group = criterion.benchmark_group("exceptions_list");
    group.sample_size(20);
    for (field, descending) in [
        ("value_at_risk", true),
        ("value_at_risk", false),
        ("urgency", true),
        ("severity", true),
        ("decide_by", false),
        ("decide_by", true),
        ("opened_at", true),
        ("opened_at", false),
        ("updated_at", true),
        ("cleared_at", true),
        ("lsn", true),
        ("lsn", false),
        ("id", false),
        ("type", false),
        ("state", false),
    ] {
        let direction = if descending { "-" } else { "" };
        group.bench_function(format!("first by {direction}{field}"), |bencher| {
            bencher.iter(|| black_box(page(&exceptions, &all, field, descending, None, everyone)));
        });
    }
    let top = Selection { top_only: true, ..Selection::default() };
    let Some(sort) = SortBy::named::<ExceptionItem>("value_at_risk") else { unreachable!() };
    let ranked = Paging { sort, descending: true, is_ranked: true, after: None, limit: 100 };
    group.bench_function("first as it comes: ranked, without what stands under a cause", |bencher| {
        bencher.iter(|| black_box(exceptions.page(TENANT, &top, &ranked, everyone)));
    });
    let mut deep = page(&exceptions, &all, "value_at_risk", true, None, everyone);
    for _ in 0..500 {
        deep = page(&exceptions, &all, "value_at_risk", true, Some(&deep), everyone);
    }
    group.bench_function("page 501 by -value_at_risk", |bencher| {
        bencher.iter(|| black_box(page(&exceptions, &all, "value_at_risk", true, Some(&deep), everyone)));
    });
    let name =
        |field: &str| ExceptionItem::NAMES.iter().position(|known| *known == field).unwrap_or_default();
    let severities = ["critical".to_owned()];
    let teams = ["north".to_owned()];
    let skus = ["SKU-01234".to_owned()];
    for (name, selection) in [
        ("critical ones", Selection { facets: vec![(2, &severities)], ..Selection::default() }),
        ("one team's", Selection { names: vec![(name("team"), &teams)], ..Selection::default() }),
        ("one item's", Selection { names: vec![(name("sku"), &skus)], ..Selection::default() }),
    ] {
        group.bench_function(format!("{name} by -value_at_risk"), |bencher| {
            bencher.iter(|| black_box(page(&exceptions, &selection, "value_at_risk", true, None, everyone)));
        });
    }
    let reference = reference();
    let Some(tenant) = reference.tenant(TENANT) else { unreachable!("it was declared") };
    let columns = SubjectColumns { sku: name("sku"), location: name("location"), supplier: name("supplier") };
    for (name, scope) in [
        ("all of a hundred regions", "path=World"),
        ("one location of a thousand", "location=ST-0042"),
        ("a region with one location of a hundred", "path=World/Region 42"),
        ("a category with one item of a hundred", "path=Category 42"),
        ("a category of which nothing is there", "path=Nothing"),
        ("a supplier of one place in ten", "supplier=V"),
        ("a supplier of nothing", "supplier=W"),
    ] {
        let Ok(scope) = Scope::parse([scope]) else { unreachable!("{scope}") };
        let principal = Principal { name: "p".into(), roles: RoleSet::ALL, tenant: "default".into(), scope };
        let sees = |item: &ExceptionItem| sees_exception(&principal, tenant, item);
        group.bench_function(format!("in scope: {name}, by -value_at_risk"), |bencher| {
            bencher.iter(|| {
                let Some(sort) = SortBy::named::<ExceptionItem>("value_at_risk") else { unreachable!() };
                let paging = Paging { sort, descending: true, is_ranked: true, after: None, limit: 100 };
                let within = Within::new(|rows| reach(&principal, tenant, columns, rows));
                black_box(exceptions.page_within(TENANT, &all, &paging, within, sees))
            });
        });
    }
    let mut n = 0;
    group.bench_function("a change", |bencher| {
        bencher.iter_batched(
            || {
                n += 1;
                (item(n * 7_919 % COUNT), Lsn(COUNT + n))
            },
            |(item, lsn)| exceptions.upsert(TENANT, &owner(), item, lsn),
            criterion::BatchSize::SmallInput,
        );
    });
    group.finish();
}

/// How long the longest of many changes takes while lists are read all the time.
fn changes_beside_lists(_: &mut Criterion) {
    let exceptions = filled();
    let all = Selection::default();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                black_box(page(&exceptions, &all, "severity", true, None, |_| true));
            }
        });
        let items: Vec<ExceptionItem> = (0..20_000).map(|n| item(n * 7_919 % COUNT)).collect();
        let mut took: Vec<_> = items
            .into_iter()
            .zip(COUNT..)
            .map(|(item, lsn)| {
                let began = Instant::now();
                exceptions.upsert(TENANT, &owner(), item, Lsn(lsn));
                began.elapsed()
            })
            .collect();
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        took.sort_unstable();
        println!(
            "a change while lists are read: median {:?}, 99.9 % within {:?}, longest {:?}",
            took[took.len() / 2],
            took[took.len() * 999 / 1_000],
            took[took.len() - 1]
        );
    });
}

criterion_group!(benches, lists, changes_beside_lists);
criterion_main!(benches);
