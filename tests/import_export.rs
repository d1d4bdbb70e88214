//! One's own tables, into a running tower and out of it again.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use common::Tower;
use serde_json::{Value, json};

/// Tables as a German ERP writes them: semicolons, Windows-1252, decimal commas, days before months.
const TABLES: [(&str, &str); 5] = [
    (
        "Artikel.csv",
        "Artikelnummer;Bezeichnung;EK-Preis;VK-Preis;Regal\nM-1;Milch;0,62 €;1,19 €;4\nK-2;K\u{e4}se;3,10 €;5,49 €;2\n",
    ),
    ("Filialen.csv", "Filiale;Name;Gebiet\nB3;Berlin 3;Nord\nM1;M\u{fc}nchen 1;S\u{fc}d\n"),
    ("Lieferanten.csv", "Lieferant;Name;Lieferzeit\nmolkerei;Molkerei Alb;2\n"),
    ("Bestand.csv", "Artikelnummer;Filiale;Bestand\nM-1;B3;1.250,5\nM-1;M1;0\nK-2;B3;40\n"),
    (
        "Auftraege.csv",
        "Auftrag;Artikelnummer;Filiale;Menge;geliefert;Liefertermin;Kunde\nA-7;M-1;M1;30;10;31.12.2026;hotel-post\nA-7;K-2;B3;2;;31.12.2026;hotel-post\n",
    ),
];

fn write_tables(directory: &Path, tables: &[(&str, &str)]) {
    std::fs::create_dir_all(directory).unwrap();
    for (name, text) in tables {
        let bytes: Vec<u8> = text
            .chars()
            .flat_map(|c| match c {
                '€' => vec![0x80],
                c => vec![u8::try_from(u32::from(c)).unwrap()],
            })
            .collect();
        std::fs::write(directory.join(name), bytes).unwrap();
    }
}

fn tidewatch(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tidewatch")).args(arguments).stdin(Stdio::null()).output().unwrap()
}

fn import(files: &[&str], arguments: &[&str]) -> (i32, Value, String) {
    let all: Vec<&str> = ["import", "--json"].iter().chain(files).chain(arguments).copied().collect();
    let output = tidewatch(&all);
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), report, String::from_utf8_lossy(&output.stderr).into_owned())
}

struct Scene {
    tower: Tower,
    directory: tempfile::TempDir,
    url: String,
}

impl Scene {
    fn start() -> Self {
        let tower = Tower::launch().dev().start();
        let url = format!("http://{}", tower.http().address);
        Self { tower, directory: tempfile::tempdir().unwrap(), url }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }
}

#[test]
fn the_tables_of_an_erp_come_in_once_and_are_seen() {
    let scene = Scene::start();
    write_tables(&scene.path("erp"), &TABLES);
    let directory = scene.path("erp");
    let directory = directory.to_str().unwrap();
    let (code, report, _) = import(&[directory], &["--to", &scene.url, "--dry-run"]);
    assert_eq!((code, &report["sent"]), (0, &json!(false)), "{report}");
    assert_eq!(scene.tower.http().list("/api/v1/items"), Vec::<Value>::new(), "a dry run sends nothing");

    let (code, _, error) = import(&[directory], &["--to", &scene.url]);
    assert_eq!(code, 2, "nobody is there to say yes");
    assert!(error.contains("--yes"), "{error}");

    let (code, report, error) = import(&[directory], &["--to", &scene.url, "--yes"]);
    assert_eq!(code, 0, "{report} {error}");
    let sum = |report: &Value, field: &str| {
        report["files"].as_array().unwrap().iter().map(|file| file[field].as_u64().unwrap()).sum::<u64>()
    };
    // A line that was shipped in part is two events.
    assert_eq!((sum(&report, "accepted"), sum(&report, "rejected")), (11, 0), "{report}");
    let lsn =
        report["files"].as_array().unwrap().iter().filter_map(|file| file["lsn"].as_u64()).max().unwrap();

    let client = scene.tower.http();
    let berlin = client.settled("/api/v1/sku-locations/M-1/B3", lsn).json();
    assert_eq!(berlin["on_hand"], json!(1250.5));
    let munich = client.settled("/api/v1/sku-locations/M-1/M1", lsn).json();
    assert_eq!((&munich["on_hand"], &munich["reserved"]), (&json!(0), &json!(20)), "{munich}");
    let cheese = client.get("/api/v1/items/K-2").json();
    assert_eq!(cheese["name"], "Käse");
    assert_eq!(client.get("/api/v1/locations/M1").json()["name"], "München 1");
    let order = client.get("/api/v1/orders/A-7").json();
    assert!(order.to_string().contains("2026-12-31T23:59:59"), "{order}");

    let (code, again, _) = import(&[directory], &["--to", &scene.url, "--yes"]);
    assert_eq!((code, sum(&again, "accepted"), sum(&again, "duplicates")), (0, 0, 11), "{again}");
}

#[test]
fn one_bad_row_and_nothing_is_sent() {
    let scene = Scene::start();
    let file = scene.path("stock.csv");
    std::fs::write(&file, "sku,location,on_hand\nA,L,5\nB,L,5x\n,L,1\nC,L,1.23456\n").unwrap();
    let (errors, file) = (scene.path("errors.csv"), file.to_str().unwrap());
    let arguments = ["--to", &scene.url, "--yes", "--errors", errors.to_str().unwrap()];
    let (code, report, _) = import(&[file], &arguments);
    assert_eq!((code, &report["files"][0]["faulty_rows"]), (1, &json!(3)), "{report}");
    let faults = report["files"][0]["faults"].as_array().unwrap();
    let places: Vec<_> =
        faults.iter().map(|fault| (fault["line"].as_u64(), fault["column"].as_str())).collect();
    assert_eq!(places, [(Some(3), Some("on_hand")), (Some(4), Some("sku")), (Some(5), Some("on_hand"))]);
    let written = std::fs::read_to_string(&errors).unwrap();
    assert!(written.starts_with("file,line,column,error\nstock.csv,3,on_hand,"), "{written}");
    assert_eq!(scene.tower.http().list("/api/v1/sku-locations"), Vec::<Value>::new());

    let (code, report, _) = import(&[file], &["--to", &scene.url, "--yes", "--skip-bad"]);
    assert_eq!((code, &report["files"][0]["accepted"]), (1, &json!(1)), "{report}");
}

#[test]
fn columns_can_be_said_kept_and_used_again() {
    let scene = Scene::start();
    let file = scene.path("abc.csv");
    std::fs::write(&file, "x;y;z\nA;L;1,5\n").unwrap();
    let (kept, file) = (scene.path("map.toml"), file.to_str().unwrap());
    let kept = kept.to_str().unwrap();
    let (code, _, error) = import(&[file], &["--to", &scene.url, "--yes"]);
    assert_eq!(code, 2);
    assert!(error.contains("--kind"), "{error}");
    let named = format!("stock={file}");
    let said = ["--map", "stock.sku=x", "--map", "stock.location=y", "--map", "stock.on_hand=z"];
    let keep = ["--save-mapping", kept, "--dry-run"];
    let (code, report, error) = import(&[&named], &[&said[..], &keep[..]].concat());
    assert_eq!(code, 0, "{report} {error}");
    let (code, report, error) = import(&[&named], &["--mapping", kept, "--to", &scene.url, "--yes"]);
    assert_eq!(code, 0, "{report} {error}");
    let lsn = report["files"][0]["lsn"].as_u64().unwrap();
    let place = scene.tower.http().settled("/api/v1/sku-locations/A/L", lsn).json();
    assert_eq!(place["on_hand"], json!(1.5));
}

#[test]
fn what_is_exported_can_be_imported() {
    let scene = Scene::start();
    let events: Vec<Value> = (0..1_500)
        .map(|i| {
            json!({"specversion": "1.0", "id": i.to_string(), "source": "t", "type": "inventory.counted",
                "data": {"sku": format!("A-{i:04}"), "location": if i % 2 == 0 { "EVEN" } else { "ODD" }, "on_hand": i}})
        })
        .collect();
    let lsn = scene.tower.http().accept(&events)["lsn"].as_u64().unwrap();
    scene.tower.http().settled("/api/v1/sku-locations?limit=1", lsn);
    let (all, odd) = (scene.path("all.csv"), scene.path("odd.ndjson"));
    let output = tidewatch(&["export", "sku-locations", "--from", &scene.url, "-o", all.to_str().unwrap()]);
    assert!(output.status.success(), "{output:?}");
    let filter = ["--filter", "location=ODD", "-o", odd.to_str().unwrap()];
    let output = tidewatch(&[&["export", "sku-locations", "--from", &scene.url], &filter[..]].concat());
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read_to_string(&all).unwrap().lines().count(), 1_501);
    let lines = std::fs::read_to_string(&odd).unwrap();
    assert_eq!(lines.lines().count(), 750);
    assert!(lines.lines().all(|line| serde_json::from_str::<Value>(line).unwrap()["location"] == "ODD"));

    let other = Scene::start();
    let named = format!("stock={}", all.to_str().unwrap());
    let (code, report, error) = import(&[&named], &["--to", &other.url, "--yes", "--map", "stock.time="]);
    assert_eq!((code, &report["files"][0]["accepted"]), (0, &json!(1_500)), "{report} {error}");
    let lsn = report["files"][0]["lsn"].as_u64().unwrap();
    let place = other.tower.http().settled("/api/v1/sku-locations/A-1234/EVEN", lsn).json();
    assert_eq!(place["on_hand"], json!(1_234));

    let output = tidewatch(&["export", "cases", "--from", "http://127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(3), "{output:?}");
}

#[test]
fn what_a_count_knows_already_does_not_count_again() {
    let scene = Scene::start();
    let (stock, orders, both) = (scene.path("stock.csv"), scene.path("orders.csv"), scene.path("all.csv"));
    std::fs::write(&stock, "sku,location,on_hand,time\nA,L,20,2026-01-05 06:00\n").unwrap();
    std::fs::write(&orders, "order_id,sku,location,quantity,shipped\nO,A,L,10,4\n").unwrap();
    let files = [stock.to_str().unwrap(), orders.to_str().unwrap()];
    let (code, report, error) = import(&files, &["--to", &scene.url, "--yes"]);
    assert_eq!(code, 0, "{report} {error}");
    let lsn =
        report["files"].as_array().unwrap().iter().filter_map(|file| file["lsn"].as_u64()).max().unwrap();
    let place = scene.tower.http().settled("/api/v1/sku-locations/A/L", lsn).json();
    assert_eq!((&place["on_hand"], &place["reserved"]), (&json!(20), &json!(6)), "{place}");

    // One sheet as two kinds.
    std::fs::write(&both, "sku,name,location,on_hand\nB,Bread,L,3\n").unwrap();
    let both = both.to_str().unwrap();
    let (items, stock) = (format!("items={both}"), format!("stock={both}"));
    let (code, report, error) = import(&[&items, &stock], &["--to", &scene.url, "--yes"]);
    assert_eq!(code, 0, "{report} {error}");
    assert_eq!(scene.tower.http().get("/api/v1/items/B").json()["name"], "Bread");
}
