//! What a generation of snapshots costs: writing and publishing it, loading it, and reading its blocks.
//!
//! It goes to the directory for temporary files: set `TMPDIR` to the disk that is to be measured.

#![allow(clippy::unwrap_used, reason = "a benchmark that can't write has nothing to measure")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tidewatch::snapshot::{BlockBuilder, Generation, SectionId, Store};

const STATES: u64 = 500_000;
const STATE_BYTES: usize = 400;
const SECTION: SectionId = SectionId(1);

/// Like a state in MessagePack: names of fields that are always the same, small numbers between them that are not.
fn state(number: u64, out: &mut Vec<u8>) {
    out.clear();
    let mut random = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    for name in ["on_hand", "reserved", "in_transit", "reorder_point", "last_counted_at", "lead_time_demand"]
        .iter()
        .cycle()
    {
        random = random.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(0x1405_7B7E_F767_814F);
        out.extend_from_slice(name.as_bytes());
        let significant = 2 + (random >> 61) as usize / 2;
        out.extend_from_slice(&(random >> 20).to_be_bytes()[..significant]);
        if out.len() >= STATE_BYTES {
            break;
        }
    }
    out.truncate(STATE_BYTES);
}

fn write(store: &Store) -> Generation {
    let mut writer = store.begin().unwrap();
    let (mut block, mut index, mut entry) = (BlockBuilder::default(), 0, Vec::new());
    for number in 0..STATES {
        state(number, &mut entry);
        block.push(&entry);
        if block.is_full() || number + 1 == STATES {
            writer.put_block(SECTION, index, &block).unwrap();
            block.clear();
            index += 1;
        }
    }
    writer.publish(b"meta").unwrap()
}

fn read(generation: &Generation) -> u64 {
    let mut entries = 0;
    for index in 0..generation.block_count(SECTION) {
        for entry in generation.read_block(SECTION, index).unwrap().iter() {
            black_box(entry);
            entries += 1;
        }
    }
    assert_eq!(entries, STATES);
    entries
}

fn generations(criterion: &mut Criterion) {
    let mut benches = criterion.benchmark_group(format!("snapshot_{STATES}_states_of_{STATE_BYTES}_bytes"));
    benches.sample_size(10).throughput(Throughput::Elements(STATES));
    let directory = tempfile::tempdir().unwrap();
    let store = Store::open(directory.path()).unwrap();
    benches.bench_function("write_and_publish", |bencher| {
        bencher.iter(|| {
            write(&store);
            store.keep_newest(1, &[]).unwrap();
        });
    });
    let number = write(&store).number();
    println!("{} MB on the disk", store.load(number).unwrap().bytes() / 1_000_000);
    benches.bench_function("load", |bencher| bencher.iter(|| store.load(number).unwrap()));
    let generation = store.load(number).unwrap();
    benches.bench_function("read", |bencher| bencher.iter(|| read(&generation)));
    let blocks = generation.block_count(SECTION);
    let mut index = 0;
    benches.throughput(Throughput::Elements(1));
    benches.bench_function("read_one_block_anywhere", |bencher| {
        bencher.iter(|| {
            index = (index + 1_009) % blocks;
            generation.read_block(SECTION, index).unwrap()
        });
    });
    benches.finish();
}

criterion_group!(benches, generations);
criterion_main!(benches);
