//! What the journal costs: making a group durable on this disk, and the processor's part of a record.
//!
//! Appending goes to the directory for temporary files: set `TMPDIR` to the disk that is to be measured.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't write has nothing to measure")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tidewatch::journal::envelope::{Envelope, decode_record, encode_record, stamp};
use tidewatch::journal::{GroupBuilder, Journal, JournalOptions};

const RECORD_BYTES: usize = 200;

fn envelope() -> Envelope {
    Envelope {
        tenant: 1,
        source: "/stores/2512".into(),
        id: "INV-33179700135".into(),
        principal: "dev".into(),
        record_type: "pos.sale".into(),
        ..Envelope::default()
    }
}

/// A record of exactly [`RECORD_BYTES`].
fn record() -> Vec<u8> {
    let mut record = Vec::new();
    encode_record(&envelope().borrowed(), b"", &mut record);
    let body = vec![b' '; RECORD_BYTES - record.len()];
    record.clear();
    encode_record(&envelope().borrowed(), &body, &mut record);
    assert_eq!(record.len(), RECORD_BYTES);
    record
}

fn append(criterion: &mut Criterion) {
    let record = record();
    let mut benches = criterion.benchmark_group("journal_append");
    benches.sample_size(20);
    for record_count in [1u64, 256, 1024] {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(directory.path(), JournalOptions::default()).unwrap();
        let mut group = GroupBuilder::new(journal.next_lsn());
        benches.throughput(Throughput::Elements(record_count));
        benches.bench_function(format!("{record_count}_records_of_{RECORD_BYTES}_bytes"), |bencher| {
            bencher.iter(|| {
                group.reset(journal.next_lsn());
                for _ in 0..record_count {
                    group.push(&record).unwrap();
                }
                journal.append_group(&mut group).unwrap()
            });
        });
    }
    benches.finish();
}

fn codec(criterion: &mut Criterion) {
    let record = record();
    let body = vec![b' '; RECORD_BYTES - 125];
    let envelope = envelope();
    let mut benches = criterion.benchmark_group("journal_codec");
    benches.throughput(Throughput::Elements(1));
    benches.bench_function("encode_and_stamp", |bencher| {
        bencher.iter_batched_ref(
            || Vec::with_capacity(2 * RECORD_BYTES),
            |out| {
                encode_record(black_box(&envelope.borrowed()), &body, out);
                stamp(out, 7, 1, 2, 3);
            },
            BatchSize::SmallInput,
        );
    });
    benches.bench_function("decode", |bencher| {
        bencher.iter(|| decode_record(black_box(&record)).map(|(envelope, body)| (envelope.lsn, body.len())));
    });
    let mut group = GroupBuilder::new(1);
    benches.bench_function("push_into_group", |bencher| {
        bencher.iter(|| {
            if group.record_count() == 1024 {
                group.reset(1);
            }
            group.push(black_box(&record)).is_ok()
        });
    });
    benches.finish();
}

/// Opening a journal of several segments: all of it scanned, from the position behind nine tenths of it, and the same
/// where sealed segments are compressed.
fn open(criterion: &mut Criterion) {
    const RECORDS: u64 = 500_000;
    let options = JournalOptions { segment_bytes_max: 16 << 20 };
    let record = record();
    let mut benches = criterion.benchmark_group("journal_open");
    benches.sample_size(10);
    for form in ["plain", "compressed"] {
        let directory = tempfile::tempdir().unwrap();
        let (mut journal, _) = Journal::open(directory.path(), options.clone()).unwrap();
        let mut group = GroupBuilder::new(journal.next_lsn());
        while journal.durable_lsn() < RECORDS {
            group.reset(journal.next_lsn());
            for _ in 0..1000 {
                group.push(&record).unwrap();
            }
            journal.append_group(&mut group).unwrap();
        }
        let reader = journal.reader();
        if form == "compressed" {
            journal.compress_sealed_segments().unwrap();
            while reader.statistics().compressed_segments + 1 < reader.statistics().segments {
                std::thread::sleep(std::time::Duration::from_millis(10));
            }
        }
        let position = reader.position_at(RECORDS / 10 * 9).unwrap();
        journal.close().unwrap();
        benches.bench_function(format!("{RECORDS}_records_{form}_scanned"), |bencher| {
            bencher.iter(|| Journal::open(directory.path(), options.clone()).unwrap().1.report.tail_lsn);
        });
        benches.bench_function(format!("{RECORDS}_records_{form}_trusted_up_to_nine_tenths"), |bencher| {
            bencher.iter(|| {
                let opened = Journal::open_trusting(directory.path(), options.clone(), &position);
                opened.unwrap().1.report.tail_lsn
            });
        });
        let (journal, _) = Journal::open(directory.path(), options.clone()).unwrap();
        let mut lsn = 1;
        benches.bench_function(format!("read_one_{form}"), |bencher| {
            bencher.iter(|| {
                lsn = (lsn * 7919) % (RECORDS / 10 * 9) + 1;
                journal.reader().read_one(lsn).unwrap()
            });
        });
        benches.bench_function(format!("read_{RECORDS}_records_{form}"), |bencher| {
            bencher.iter(|| journal.reader().read_from(1).filter(|read| read.is_ok()).count());
        });
    }
    benches.finish();
}

criterion_group!(benches, append, codec, open);
criterion_main!(benches);
