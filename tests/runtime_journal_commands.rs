//! `tidewatch verify` and `tidewatch inspect` over journals that the program itself wrote, sound and damaged.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::path::PathBuf;
use std::process::Output;

use common::{Batch, Tower};
use serde_json::{Value, json};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn run(tower: &Tower, code: i32, arguments: &[&str]) -> Output {
    let output = tower.command(arguments);
    let said = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said:?}");
    output
}

#[track_caller]
fn lines(tower: &Tower, code: i32, arguments: &[&str]) -> Vec<Value> {
    let output = run(tower, code, arguments);
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn records(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line["what"] == "record").collect()
}

/// A tower that took three sales and is stopped, and the LSN of the last.
fn stopped_tower() -> (Tower, u64) {
    let mut tower = Tower::dev();
    let mut batch = Batch::new("sale");
    for quantity in 1..=3 {
        batch.add_at(1_700_000_000, "pos.sale", json!({"sku": "A", "location": "L", "quantity": quantity}));
    }
    let lsn = tower.http().accept(&batch.take())["lsn"].as_u64().unwrap();
    tower.http().settled("/api/v1/sku-locations/A/L", lsn).expect(200);
    tower.stop();
    (tower, lsn)
}

fn segment(tower: &Tower) -> PathBuf {
    let mut segments: Vec<PathBuf> = std::fs::read_dir(tower.data().join("journal"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "twj"))
        .collect();
    assert_eq!(segments.len(), 1);
    segments.remove(0)
}

#[test]
fn a_sound_journal_is_counted_and_shown() {
    let (tower, lsn) = stopped_tower();
    let report = &lines(&tower, 0, &["verify", "--json"])[0];
    let last = report["last_lsn"].as_u64().unwrap();
    assert!(last >= lsn, "{report}");
    assert_eq!(
        (&report["ok"], &report["records"], &report["durable_lsn"]),
        (&json!(true), &json!(last), &json!(last))
    );
    assert_eq!((&report["segments"], &report["torn_tail"]), (&json!(1), &json!(null)));
    assert!(report["groups"].as_u64().is_some_and(|groups| groups > 0 && groups <= last));
    let said = text(&run(&tower, 0, &["verify"]).stdout);
    assert!(said.ends_with("ok\n") && said.contains(&format!("last LSN      {last}\n")), "{said}");

    let all = lines(&tower, 0, &["inspect", "--json", "--body"]);
    assert_eq!(records(&all).len() as u64, last);
    assert!(records(&all).iter().enumerate().all(|(at, record)| record["lsn"] == at as u64 + 1));
    let mark = all.iter().find(|line| line["what"] == "mark").unwrap();
    assert_eq!(mark["lsn"], last);
    let sale = records(&all).into_iter().find(|record| record["id"] == "sale-2").unwrap();
    assert_eq!(sale["lsn"], lsn);
    assert_eq!(
        (&sale["type"], &sale["source"], &sale["tenant"]),
        (&json!("pos.sale"), &json!("/tests"), &json!(0))
    );
    assert_eq!(sale["event_time"], "2023-11-14T22:13:20Z");
    assert_eq!(sale["body"], json!({"sku": "A", "location": "L", "quantity": 3}), "as it was sent");

    let some = lines(&tower, 0, &["inspect", "--json", "--from", "2", "--limit", "2"]);
    let shown: Vec<_> = records(&some).iter().map(|record| record["lsn"].clone()).collect();
    assert_eq!(shown, [json!(2), json!(3)]);
    assert!(records(&some).iter().all(|record| record.get("body").is_none()));

    let plain =
        text(&run(&tower, 0, &["inspect", "--from", &lsn.to_string(), "--limit", "1", "--body"]).stdout);
    let record =
        plain.lines().position(|line| line.starts_with(&format!("record {lsn}: pos.sale at 2023"))).unwrap();
    assert_eq!(
        plain.lines().nth(record + 1),
        Some(r#"  {"location":"L","quantity":3,"sku":"A"}"#),
        "{plain}"
    );
}

#[test]
fn a_flipped_byte_is_found_where_it_is() {
    let (mut tower, lsn) = stopped_tower();
    let path = segment(&tower);
    let mut bytes = std::fs::read(&path).unwrap();
    let sold = br#""quantity":2"#;
    let at = bytes.windows(sold.len()).position(|window| window == sold).unwrap();
    bytes[at + sold.len() - 1] = b'9';
    std::fs::write(&path, &bytes).unwrap();

    let report = &lines(&tower, 1, &["verify", "--json"])[0];
    assert_eq!(report["ok"], false);
    let (offset, damaged_lsn) = (report["offset"].as_u64().unwrap(), report["lsn"].as_u64().unwrap());
    assert!((offset as usize) < at, "the group starts before the byte: {report}");
    assert!(damaged_lsn > 0 && damaged_lsn <= lsn, "{report}");
    assert!(report["path"].as_str().unwrap().ends_with(".twj"), "{report}");
    let said = text(&run(&tower, 1, &["verify"]).stdout);
    assert!(
        said.starts_with("damaged: ") && said.contains("tidewatch inspect") && !said.contains("\nok"),
        "{said}"
    );

    let shown = lines(&tower, 1, &["inspect", "--json"]);
    let damage = shown.last().unwrap();
    assert_eq!(
        (&damage["what"], &damage["offset"], &damage["lsn"]),
        (&json!("damage"), &json!(offset), &json!(damaged_lsn))
    );
    assert_eq!(records(&shown).last().unwrap()["lsn"], damaged_lsn - 1, "everything before it is shown");
    let one = lines(&tower, 1, &["inspect", "--json", "--limit", "1"]);
    assert_eq!((records(&one).len(), &one.last().unwrap()["what"]), (1, &json!("damage")));

    // Neither has changed a byte, and with the byte put right everything is there again.
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    bytes[at + sold.len() - 1] = b'2';
    std::fs::write(&path, &bytes).unwrap();
    run(&tower, 0, &["verify"]);
    tower.start_again();
    assert_eq!(tower.http().get("/api/v1/sku-locations/A/L").expect(200)["on_hand"], -6);
}

#[test]
fn a_lost_end_is_told_from_a_torn_one() {
    let (tower, _) = stopped_tower();
    let path = segment(&tower);
    let bytes = std::fs::read(&path).unwrap();
    // Bytes that a cut-short write left behind the last group are no damage.
    std::fs::write(&path, [&bytes[..], b"torn"].concat()).unwrap();
    let report = &lines(&tower, 0, &["verify", "--json"])[0];
    assert_eq!((&report["ok"], &report["torn_tail"]["bytes"]), (&json!(true), &json!(4)));
    // Missing bytes that were promised are.
    std::fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
    let report = &lines(&tower, 1, &["verify", "--json"])[0];
    assert!(report["error"].as_str().unwrap().contains("records are lost"), "{report}");
    run(&tower, 1, &["inspect"]);
}

#[test]
fn both_work_beside_a_running_tower_and_say_when_there_is_no_journal() {
    let tower = Tower::dev();
    assert_eq!(lines(&tower, 0, &["verify", "--json"])[0]["ok"], true);
    assert!(!records(&lines(&tower, 0, &["inspect", "--json"])).is_empty());
    assert_eq!(tower.http().get("/healthz").status, 200);

    let empty = tempfile::tempdir().unwrap();
    for command in ["verify", "inspect"] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tidewatch"))
            .args([command, "--data", "nothing"])
            .current_dir(empty.path())
            .output()
            .unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {said}");
        assert!(said.contains("nothing"), "{command} names the place: {said}");
        assert!(!empty.path().join("nothing").exists(), "{command} makes nothing");
        let help =
            std::process::Command::new(env!("CARGO_BIN_EXE_tidewatch")).args([command, "--help"]).output();
        assert!(text(&help.unwrap().stdout).contains("Examples:"), "{command}");
    }
}
