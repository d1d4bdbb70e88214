//! Every decoder on what is nearly right: valid inputs with bits flipped, parts cut, doubled, swapped between inputs,
//! numbers and nesting driven to extremes. Nothing panics; what is taken reads back; a damaged journal never verifies as
//! another one.
//!
//! `TIDEWATCH_FUZZ_CASES` says how many a decoder (2000), `TIDEWATCH_FUZZ_SEED` which (1). `fuzz/` runs the same
//! functions under coverage guidance.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;
mod decoders;

use std::io::{Read as _, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::{Command, Stdio};

use common::{Random, count_from_environment};
use decoders::DECODERS;
use serde_json::{Value, json};
use tidewatch::journal::envelope::{self, Envelope};
use tidewatch::journal::{GroupBuilder, Journal, JournalOptions};

/// Longest input.
const BYTES_MAX: usize = 1 << 16;
/// Texts that are hard to take.
const EXTREMES: [&str; 24] = [
    "-0",
    "1e400",
    "-1e-400",
    "9223372036854775808",
    "18446744073709551616",
    "0.00000000000000000001",
    "1E+2",
    "NaN",
    "null",
    "true",
    "\"\"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "[]",
    "{}",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":",
    "9999-12-31T23:59:60.999999999Z",
    "0000-00-00T00:00:00-99:99",
    "\u{feff}",
    "\u{202e}",
    "((((((((((((((((((((((((((((((((((((((((",
    "!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
    "\r\n\r\n",
];

/// The records of the golden corpus: every type that there is.
fn records() -> Vec<Vec<u8>> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut records = Vec::new();
    for entry in std::fs::read_dir(corpus).unwrap() {
        let journal = entry.unwrap().path().join("journal");
        if !journal.is_dir() {
            continue;
        }
        let directory = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(journal).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(std::fs::File::open(&path).unwrap())
                .read_to_end(&mut bytes)
                .unwrap();
            std::fs::write(directory.path().join(path.file_stem().unwrap()), bytes).unwrap();
        }
        let (journal, _) = Journal::open(directory.path(), JournalOptions::default()).unwrap();
        let mut seen = std::collections::BTreeMap::new();
        for read in journal.reader().read_from(1) {
            let (_, bytes) = read.unwrap();
            let kind = envelope::decode_record(&bytes).unwrap().0.record_type.to_owned();
            let count = seen.entry(kind).or_insert(0);
            *count += 1;
            // A few of each type are enough.
            if *count <= 4 {
                records.push(bytes.to_vec());
            }
        }
    }
    assert!(records.len() > 50, "the corpus is the beginning of every input");
    records
}

fn seeds(decoder: &str, records: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let events = records.iter().filter_map(|record| {
        let (envelope, body) = envelope::decode_record(record).unwrap();
        (envelope.kind == 1).then_some((envelope, body))
    });
    let text = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().to_vec()).collect();
    match decoder {
        "record" => records.to_vec(),
        "event_data" => events.map(|(_, body)| body.to_vec()).collect(),
        "cloud_event" => {
            let one = |(envelope, body): (envelope::EnvelopeRef<'_>, &[u8])| {
                json!({
                    "specversion": "1.0", "id": envelope.id, "source": envelope.source, "type": envelope.record_type,
                    "time": "2026-03-02T10:15:00Z", "subject": envelope.subject, "sequence": "7",
                    "data": serde_json::from_slice::<Value>(body).unwrap(),
                })
            };
            let all: Vec<Value> = events.map(one).collect();
            let batches = all.chunks(3).map(|chunk| Value::Array(chunk.to_vec()));
            all.iter().cloned().chain(batches).map(|event| event.to_string().into_bytes()).collect()
        }
        "feed_request" => text(&[
            r#"{"type":"subscribe","id":"q1","topics":["exceptions","cases"],"where":"severity == 'high'","since":"01-7","snapshot":true}"#,
            r#"{"type":"unsubscribe","id":"q1"}"#,
            r#"{"type":"pong"}"#,
        ]),
        "condition" => text(&[
            "on_hand < 10.0 && type == 'shortage_now'",
            "has(subject.sku) && items.exists(i, i == 1) || owner == null",
            "subject.sku.matches('^A[0-9]+$') ? on_hand * 2.0 > 3 : !(type in ['a', 'b'])",
            "duration('1h') > duration('3m') && timestamp('2026-03-02T00:00:00Z') < timestamp('2027-01-01T00:00:00Z')",
            "size(items) > 1 && items[0] == 1 && type.startsWith('short') && type.contains('age')",
        ]),
        "configuration" => {
            let shipped = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("actors.toml")).unwrap();
            let small = "[server]\nlisten = \"127.0.0.1:0\"\n[exceptions.excess]\nraise = 2.0\n[tenants.a]\nclock = \"event\"\n\
                         [[exceptions.custom]]\nname = \"low\"\nabout = \"sku_location\"\ncondition = \"on_hand < 1.0\"\n\
                         title = \"Low\"\nseverity = \"high\"\n[targets.erp]\nurl = \"http://127.0.0.1:1/a\"\n";
            vec![shipped, small.as_bytes().to_vec()]
        }
        _ => text(&["one\ntwo\n\nthree", "\n\n\n", "a\r\nb\r\n"]),
    }
}

/// One or a few changes to one of the seeds.
fn mutated(random: &mut Random, seeds: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = random.pick(seeds).clone();
    let at = |random: &mut Random, length: usize| {
        if length == 0 { 0 } else { usize::try_from(random.below(length as u64)).unwrap() }
    };
    for _ in 0..=random.below(4) {
        let length = bytes.len();
        let (from, to) = {
            let (a, b) = (at(random, length + 1), at(random, length + 1));
            let near = a.saturating_add(usize::try_from(random.below(24)).unwrap()).min(length);
            if random.chance(70) { (a, near) } else { (a.min(b), a.max(b)) }
        };
        match random.below(9) {
            0 if length > 0 => bytes[at(random, length)] ^= 1 << random.below(8),
            1 if length > 0 => {
                bytes[at(random, length)] = *random.pick(&[0, 0xff, 0x7f, 0x80, b'"', b'\\', b'\n', b'{'])
            }
            2 => drop(bytes.drain(from..to)),
            3 => bytes.truncate(from),
            4 => {
                let part = bytes[from..to].to_vec();
                bytes.splice(from..from, part);
            }
            5 => {
                let other = random.pick(seeds);
                let (a, b) = (at(random, other.len() + 1), at(random, other.len() + 1));
                bytes.splice(from..to, other[a.min(b)..a.max(b)].to_vec());
            }
            6 => drop(bytes.splice(from..to, random.pick(&EXTREMES).bytes())),
            7 => {
                // A number somewhere becomes another one.
                let digits: Vec<usize> = (0..length).filter(|at| bytes[*at].is_ascii_digit()).collect();
                if !digits.is_empty() {
                    let start = *random.pick(&digits);
                    let end = (start..length).find(|at| !bytes[*at].is_ascii_digit()).unwrap_or(length);
                    bytes.splice(start..end, random.pick(&EXTREMES).bytes());
                }
            }
            _ => {
                let noise: Vec<u8> = (0..random.below(9)).map(|_| random.next().to_le_bytes()[0]).collect();
                bytes.splice(from..from, noise);
            }
        }
        bytes.truncate(BYTES_MAX);
    }
    bytes
}

#[test]
fn no_decoder_fails_on_what_is_nearly_right() {
    let (cases, seed) = (
        count_from_environment("TIDEWATCH_FUZZ_CASES", 2_000),
        count_from_environment("TIDEWATCH_FUZZ_SEED", 1),
    );
    let records = records();
    let mut findings = Vec::new();
    for (name, decoder) in DECODERS {
        let seeds = seeds(name, &records);
        for seed in &seeds {
            decoder(seed);
        }
        let mut random = Random::new(seed);
        for case in 0..cases {
            let bytes = mutated(&mut random, &seeds);
            if catch_unwind(AssertUnwindSafe(|| decoder(&bytes))).is_err() {
                findings
                    .push(format!("{name}, seed {seed}, case {case}: {:?}", String::from_utf8_lossy(&bytes)));
                break;
            }
        }
    }
    assert!(findings.is_empty(), "{findings:#?}");
}

#[test]
fn a_damaged_journal_never_verifies_as_another_one() {
    let cases = count_from_environment("TIDEWATCH_FUZZ_CASES", 2_000) / 4;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("journal");
    // Two segments, a few groups each.
    let (mut journal, _) = Journal::open(&path, JournalOptions { segment_bytes_max: 1_500 }).unwrap();
    let mut bodies = Vec::new();
    for group in 0..9_u64 {
        let mut builder = GroupBuilder::new(journal.next_lsn());
        for record in 0..=group % 3 {
            let body = format!("{{\"group\":{group},\"record\":{record}}}").into_bytes();
            let envelope =
                Envelope { lsn: builder.next_lsn(), record_type: "pos.sale".into(), ..Envelope::default() };
            let mut bytes = Vec::new();
            envelope::encode_record(&envelope.borrowed(), &body, &mut bytes);
            builder.push(&bytes).unwrap();
            bodies.push(body);
        }
        journal.append_group(&mut builder).unwrap();
    }
    let marked = journal.durable_lsn();
    journal.close().unwrap();
    let segments: Vec<_> = std::fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "twj" || extension == "mark"))
        .collect();
    assert!(segments.len() >= 3, "{segments:?}");
    let whole: Vec<Vec<u8>> = segments.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let mut random = Random::new(count_from_environment("TIDEWATCH_FUZZ_SEED", 1));
    for case in 0..cases {
        let at = usize::try_from(random.below(segments.len() as u64)).unwrap();
        let mut changed = mutated(&mut random, &whole);
        if random.chance(60) {
            // Most of the time it is this file that is changed, not another one in its place.
            changed = mutated(&mut random, &whole[at..=at]);
        }
        std::fs::write(&segments[at], &changed).unwrap();
        let outcome = catch_unwind(AssertUnwindSafe(|| decoders::segment(&path, &bodies, marked)));
        assert!(outcome.is_ok(), "case {case}: {} with {changed:?}", segments[at].display());
        std::fs::write(&segments[at], &whole[at]).unwrap();
    }
}

#[test]
fn tables_that_are_nearly_right_are_refused_in_words() {
    let directory = tempfile::tempdir().unwrap();
    let tables: [(&str, &[u8]); 4] = [
        ("stock", b"sku,location,on_hand\nA,L,3\nB,L,4.5\n\"C,\"\"d\",L,1\n"),
        ("items", b"sku;name;unit_cost;unit_price;currency\nA;\xc4pfel;1,50;2.00;EUR\nB;B;;;\n"),
        ("sales", b"sku\tlocation\tquantity\ttime\nA\tL\t1\t2026-03-02\nA\tL\t2\t02.03.2026 10:00\n"),
        ("orders", b"order_id,line_id,sku,location,quantity\n1,1,A,L,3\n1,2,B,L,4\n"),
    ];
    let seeds: Vec<Vec<u8>> = tables.iter().map(|(_, text)| text.to_vec()).collect();
    let mut random = Random::new(count_from_environment("TIDEWATCH_FUZZ_SEED", 1));
    for case in 0..count_from_environment("TIDEWATCH_FUZZ_CASES", 2_000) / 40 {
        let (kind, _) = random.pick(&tables);
        let file = directory.path().join("table.csv");
        let mut bytes = mutated(&mut random, &seeds);
        if random.chance(10) {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&bytes).unwrap();
            bytes = encoder.finish().unwrap();
            let cut = usize::try_from(random.below(bytes.len() as u64 + 1)).unwrap();
            bytes.truncate(cut.max(2));
        }
        std::fs::write(&file, &bytes).unwrap();
        let output = Command::new(common::tower::program())
            .args(["import", "--dry-run", "--yes", &format!("{kind}={}", file.display())])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            matches!(output.status.code(), Some(0..=2)) && !told.contains("panicked"),
            "case {case}: {:?} {told}\n{:?}",
            output.status,
            String::from_utf8_lossy(&bytes)
        );
    }
}
