//! What an event costs at the door: a batch cut into items, each read into typed data with its content hash and key.

use std::fmt::Write;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tidewatch::domain::event;
use tidewatch::domain::ids::TenantNumber;
use tidewatch::http::cloudevents::{Limits, parse_event, split_batch};
use tidewatch::runtime::codec::event_key;

const EVENTS: u64 = 256;

/// Sales of about 200 bytes, as a till would send them.
fn batch() -> String {
    let mut body = String::from("[");
    for i in 0..EVENTS {
        let comma = if i == 0 { "" } else { "," };
        let _ = write!(
            body,
            r#"{comma}{{"specversion":"1.0","id":"sale-{i:06}","source":"/pos/store-17","type":"pos.sale","time":"2026-03-01T12:{:02}:00Z","data":{{"sku":"SKU-{:05}","location":"ST-{:04}","quantity":{}.5,"unit_price":12.99,"currency":"USD"}}}}"#,
            i % 60,
            i * 37 % 50_000,
            i % 300,
            i % 9 + 1,
        );
    }
    body.push(']');
    body
}

fn parse(c: &mut Criterion) {
    let body = batch();
    let items = split_batch(body.as_bytes()).unwrap_or_default();
    let limits = Limits::default();
    let mut group = c.benchmark_group("pos_sale");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("split", |b| b.iter(|| split_batch(black_box(body.as_bytes()))));
    group.bench_function("parse_event", |b| {
        b.iter(|| items.iter().filter(|item| parse_event(black_box(item), &limits).is_ok()).count());
    });
    group.bench_function("split_parse_key", |b| {
        b.iter(|| {
            let items = split_batch(black_box(body.as_bytes())).unwrap_or_default();
            items
                .iter()
                .filter_map(|item| parse_event(item, &limits).ok())
                .fold(0, |all, event| all ^ event_key(TenantNumber(1), &event.source, &event.id))
        });
    });
    let data: Vec<String> = items
        .iter()
        .filter_map(|item| parse_event(item, &limits).ok())
        .map(|event| event.data_json.to_owned())
        .collect();
    group.bench_function("data_on_replay", |b| {
        b.iter(|| data.iter().filter(|data| event::parse("pos.sale", black_box(data)).is_ok()).count());
    });
    group.finish();
}

criterion_group!(benches, parse);
criterion_main!(benches);
