//! What a page shows is what sorting all and cutting would show.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// A thing with few different values, so that there are many ties.
#[derive(Clone, Debug)]
struct Thing {
    id: Name,
    size: Option<f64>,
    /// Ranks those whose size is unknown.
    weight: Option<f64>,
    colour: String,
    owner: Option<String>,
    /// Those of this owner stand under it.
    heads: Option<String>,
    is_over: bool,
}

impl Listed for Thing {
    const NUMBERS: &'static [&'static str] = &["size", "weight"];
    const FACETS: &'static [&'static str] = &["colour"];
    const NAMES: &'static [&'static str] = &["owner", "heads"];
    const GROUPING: Option<Grouping> = Some(Grouping { member: 0, cause: 1 });

    fn id(&self) -> &Name {
        &self.id
    }
    fn is_over(&self) -> bool {
        self.is_over
    }
    fn number(&self, at: usize) -> Option<f64> {
        if at == 0 { self.size } else { self.weight }
    }
    fn stand_in(at: usize) -> Option<usize> {
        (at == 0).then_some(1)
    }
    fn facet(&self, _: usize) -> &str {
        &self.colour
    }
    fn name(&self, at: usize) -> Option<&str> {
        if at == 0 { self.owner.as_deref() } else { self.heads.as_deref() }
    }
}

/// Whose they are is of no matter here.
fn owner() -> Arc<EntityKey> {
    Arc::new(EntityKey::Supplier { tenant: TENANT, supplier: Name::from("V") })
}

const TENANT: TenantNumber = TenantNumber(3);

fn thing() -> impl Strategy<Value = Thing> {
    let size = || {
        prop_oneof![
            Just(None),
            Just(Some(f64::NAN)),
            (-3..3_i32).prop_map(|size| Some(f64::from(size) / 2.0)),
            Just(Some(1e300)),
            Just(Some(-1e300)),
        ]
    };
    let colour = prop_oneof!["red", "blue", "green"];
    let owner = proptest::option::of(prop_oneof!["ann", "bob", "cem"]);
    let heads = proptest::option::weighted(0.02, prop_oneof!["ann", "bob", "dan"]);
    // Some ids begin alike for longer than their beginnings are compared.
    let id = prop_oneof![
        (0..100_u32).prop_map(|id| format!("id-{id}")),
        (0..100_u32).prop_map(|id| format!("id-that-begins-as-others-do-{id}")),
    ];
    (id, (size(), size()), colour, (owner, heads), prop::bool::weighted(0.2)).prop_map(
        |(id, (size, weight), colour, (owner, heads), is_over)| Thing {
            id: Name::from(id),
            size,
            weight,
            colour,
            owner,
            heads,
            is_over,
        },
    )
}

/// What the contract says of lists, on plain values.
fn naive_order(
    field: &str,
    descending: bool,
    is_ranked: bool,
    a: &(Thing, u64),
    b: &(Thing, u64),
) -> Ordering {
    let directed = |order: Ordering| if descending { order.reverse() } else { order };
    let known = |size: Option<f64>| size.filter(|size| size.is_finite());
    let by_number = |a: Option<f64>, b: Option<f64>| match (known(a), known(b)) {
        (Some(a), Some(b)) => directed(a.partial_cmp(&b).unwrap()),
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    let by_value = match field {
        "id" => directed(a.0.id.cmp(&b.0.id)),
        "lsn" => directed(a.1.cmp(&b.1)),
        "colour" => directed(a.0.colour.cmp(&b.0.colour)),
        "size" if is_ranked && known(a.0.size).is_none() && known(b.0.size).is_none() => {
            by_number(a.0.weight, b.0.weight)
        }
        "size" => by_number(a.0.size, b.0.size),
        _ => by_number(a.0.weight, b.0.weight),
    };
    by_value.then_with(|| a.0.id.cmp(&b.0.id))
}

fn ids(page: &Page<Thing>) -> Vec<String> {
    page.entries.iter().map(|entry| entry.item.id.to_string()).collect()
}

/// All pages of a list, one after the other.
fn walk(
    summary: &Summary<Thing>,
    selection: &Selection<'_>,
    field: &str,
    descending: bool,
    is_ranked: bool,
    limit: usize,
) -> Vec<String> {
    let sort = SortBy::named::<Thing>(field).unwrap();
    let mut all = Vec::new();
    let mut last: Option<Arc<Entry<Thing>>> = None;
    loop {
        let after = last.as_ref().map(|entry| (sort.key_of(entry), entry.item.id.as_str()));
        let page =
            summary.page(TENANT, selection, &Paging { sort, descending, is_ranked, after, limit }, |thing| {
                thing.id != "id-7"
            });
        all.extend(ids(&page));
        assert!(page.entries.len() == limit || !page.has_more, "a page that is not the last is full");
        match page.entries.last() {
            Some(entry) if page.has_more => last = Some(entry.clone()),
            _ => return all,
        }
    }
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

proptest! {
    #[test]
    fn pages_are_what_sorting_everything_gives(
        changes in proptest::collection::vec(thing(), 0..400),
        field in prop_oneof!["id", "lsn", "size", "weight", "colour"],
        descending: bool,
        is_ranked: bool,
        limit in 1..60_usize,
        with_over: bool,
        colours in proptest::sample::subsequence(texts(&["red", "blue", "none such"]), 0..3),
        owners in proptest::sample::subsequence(texts(&["ann", "bob", "nobody"]), 0..3),
        top_only: bool,
    ) {
        let summary = Summary::new(1_000);
        let mut model: BTreeMap<Name, (Thing, u64)> = BTreeMap::new();
        for (n, thing) in changes.into_iter().enumerate() {
            let lsn = n as u64 + 1;
            summary.upsert(TENANT, &owner(), thing.clone(), Lsn(lsn));
            model.insert(thing.id.clone(), (thing, lsn));
        }
        let mut selection = Selection { with_over, ..Selection::default() };
        if !colours.is_empty() {
            selection.facets.push((0, &colours));
        }
        if !owners.is_empty() {
            selection.names.push((0, &owners));
        }
        selection.top_only = top_only;
        let stands_under = |thing: &Thing| {
            let heads = |other: &Thing| !other.is_over && other.heads == thing.owner;
            thing.owner.is_some() && (thing.is_over || model.values().any(|(other, _)| heads(other)))
        };
        let mut expected: Vec<&(Thing, u64)> = model
            .values()
            .filter(|(thing, _)| {
                (with_over || !thing.is_over)
                    && (colours.is_empty() || colours.contains(&thing.colour))
                    && (owners.is_empty() || thing.owner.as_ref().is_some_and(|owner| owners.contains(owner)))
                    && !(top_only && stands_under(thing))
                    && thing.id != "id-7"
            })
            .collect();
        expected.sort_by(|a, b| naive_order(field.as_str(), descending, is_ranked, a, b));
        let expected: Vec<String> = expected.iter().map(|(thing, _)| thing.id.to_string()).collect();
        prop_assert_eq!(walk(&summary, &selection, &field, descending, is_ranked, limit), expected);
        prop_assert_eq!(summary.open_count(), model.values().filter(|(thing, _)| !thing.is_over).count());
    }
}

fn plain(n: usize, is_over: bool) -> Thing {
    let id = Name::from(format!("id-{n:06}"));
    Thing {
        id,
        size: Some((n * 7_919 % 10_007) as f64),
        weight: None,
        colour: "red".into(),
        owner: None,
        heads: None,
        is_over,
    }
}

#[test]
fn a_list_goes_over_many_chunks() {
    let summary = Summary::new(10);
    let count = 3 * CHUNK_ROWS + 17;
    for n in 0..count {
        summary.upsert(TENANT, &owner(), plain(n, false), Lsn(n as u64 + 1));
    }
    for descending in [false, true] {
        let seen = walk(&summary, &Selection::default(), "size", descending, false, 1_000);
        assert_eq!(seen.len(), count);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), count);
        let sizes: Vec<f64> = seen
            .iter()
            .map(|id| {
                summary.get(TENANT, id).unwrap().item.size.unwrap() * if descending { -1.0 } else { 1.0 }
            })
            .collect();
        assert!(sizes.is_sorted());
    }
}

#[test]
fn those_that_are_over_are_bounded_and_the_longest_over_go_first() {
    let summary = Summary::new(3);
    for n in 0..10 {
        summary.upsert(TENANT, &owner(), plain(n, false), Lsn(n as u64 + 1));
    }
    for (order, n) in [5, 1, 7, 2, 9].into_iter().enumerate() {
        summary.upsert(TENANT, &owner(), plain(n, true), Lsn(100 + order as u64));
    }
    let left: Vec<usize> = (0..10).filter(|n| summary.get(TENANT, &plain(*n, true).id).is_some()).collect();
    assert_eq!(left, [0, 2, 3, 4, 6, 7, 8, 9], "5 and 1 were over for longest");
    assert_eq!(summary.open_count(), 5);
    assert_eq!(summary.select(TENANT, true, |_| true).len(), 8);
    assert_eq!(summary.select(TENANT, false, |_| true).len(), 5);
    assert!(summary.get(TenantNumber(0), "id-000000").is_none(), "another tenant has none of it");
}

#[test]
fn what_came_back_is_not_forgotten_for_its_earlier_end() {
    let summary = Summary::new(2);
    summary.upsert(TENANT, &owner(), plain(1, true), Lsn(1));
    summary.upsert(TENANT, &owner(), plain(1, false), Lsn(2));
    for n in 2..5 {
        summary.upsert(TENANT, &owner(), plain(n, true), Lsn(n as u64 + 10));
    }
    assert!(summary.get(TENANT, "id-000001").is_some(), "it is open again");
    assert!(summary.get(TENANT, "id-000002").is_none());
    // Ended once more, it is the one that was over for the shortest time.
    summary.upsert(TENANT, &owner(), plain(1, true), Lsn(20));
    assert!(summary.get(TENANT, "id-000003").is_none() && summary.get(TENANT, "id-000001").is_some());
}

#[test]
fn what_stands_under_a_cause_comes_up_when_the_cause_is_over() {
    let summary = Summary::new(10);
    let tops = || {
        let selection = Selection { top_only: true, ..Selection::default() };
        let paging = Paging { sort: SortBy::Id, descending: false, is_ranked: false, after: None, limit: 10 };
        ids(&summary.page(TENANT, &selection, &paging, |_| true))
    };
    let put = |n: usize, lsn: u64, owner: Option<&str>, heads: Option<&str>, is_over: bool| {
        let (owner, heads) = (owner.map(str::to_owned), heads.map(str::to_owned));
        summary.upsert(TENANT, &self::owner(), Thing { owner, heads, ..plain(n, is_over) }, Lsn(lsn));
    };
    put(1, 1, Some("g"), None, false);
    assert_eq!(tops(), ["id-000001"], "nothing says why it is there");
    put(2, 2, None, Some("g"), false);
    put(3, 3, Some("g"), None, false);
    // A second exception about the same cause.
    put(4, 4, None, Some("g"), false);
    assert_eq!(tops(), ["id-000002", "id-000004"]);
    put(2, 5, None, Some("g"), true);
    assert_eq!(tops(), ["id-000004"]);
    put(4, 6, None, Some("g"), true);
    assert_eq!(tops(), ["id-000001", "id-000003"]);
    put(1, 7, Some("h"), None, false);
    put(2, 8, None, Some("g"), false);
    assert_eq!(tops(), ["id-000001", "id-000002"]);
    put(1, 9, Some("h"), None, true);
    put(3, 10, None, None, false);
    put(2, 11, None, None, false);
    assert_eq!(tops(), ["id-000002", "id-000003"]);
    assert!(summary.table(TENANT).unwrap().places.lock().groups.is_empty(), "nothing is kept");
}

#[test]
fn rows_are_used_again() {
    let summary = Summary::new(1);
    for n in 0..5_000_usize {
        summary.upsert(TENANT, &owner(), plain(n, false), Lsn(2 * n as u64 + 1));
        summary.upsert(TENANT, &owner(), plain(n, true), Lsn(2 * n as u64 + 2));
    }
    assert_eq!(
        ids(&summary.page(
            TENANT,
            &Selection { with_over: true, ..Selection::default() },
            &Paging { sort: SortBy::Id, descending: false, is_ranked: false, after: None, limit: 10 },
            |_| true
        )),
        ["id-004999"]
    );
    let table = summary.table(TENANT).unwrap();
    assert!(table.places.lock().rows <= 3, "{}", table.places.lock().rows);
    // Nothing is left of an end after a later opening.
    for n in 0..60_000_u64 {
        summary.upsert(TENANT, &owner(), plain(1, n % 2 == 0), Lsn(20_000 + n));
    }
    assert_eq!(table.places.lock().over.len(), 0, "the last one opened it again, and nothing else is left");
}

#[test]
fn a_cursor_of_a_value_that_nothing_has_any_more_goes_on_in_its_place() {
    let summary = Summary::new(10);
    for (n, colour) in ["blue", "green", "red"].into_iter().enumerate() {
        summary.upsert(
            TENANT,
            &owner(),
            Thing { colour: colour.into(), ..plain(n, false) },
            Lsn(n as u64 + 1),
        );
    }
    let after = |descending, text: &str| {
        let paging = Paging {
            sort: SortBy::Facet(0),
            descending,
            is_ranked: false,
            after: Some((SortKey::Text(text.into()), "id-5")),
            limit: 10,
        };
        ids(&summary.page(TENANT, &Selection::default(), &paging, |_| true))
    };
    assert_eq!(after(false, "brown"), ["id-000001", "id-000002"]);
    assert_eq!(after(true, "brown"), ["id-000000"]);
}
