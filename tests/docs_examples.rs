//! The commands of `docs/api/getting-started.md`, run as they stand against a tower, give the answers shown below them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failing test should panic")]

mod common;

use std::process::{Command, Stdio};
use std::time::Duration;

use common::Tower;
use common::feed::Feed;
use serde_json::{Value, json};

/// Stands for what differs from run to run.
const ANYTHING: &str = "…";

struct Block {
    language: String,
    text: String,
    line: usize,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for (number, line) in markdown.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block { language: language.to_owned(), text: String::new(), line: number + 1 });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text.push_str(&format!("{line}\n")),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    blocks
}

fn document() -> Vec<Block> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api/getting-started.md");
    blocks(&std::fs::read_to_string(path).unwrap())
}

/// What of the shown answer the real one lacks.
fn difference(shown: &Value, real: &Value, at: &str) -> Option<String> {
    match (shown, real) {
        (Value::String(text), real) if text == ANYTHING => {
            real.is_null().then(|| format!("{at}: null")).filter(|_| !at.ends_with("decide_by"))
        }
        (Value::Object(shown), Value::Object(real)) => shown.iter().find_map(|(name, value)| {
            let at = format!("{at}/{name}");
            real.get(name)
                .map_or_else(|| Some(format!("{at} is not there")), |real| difference(value, real, &at))
        }),
        (Value::Array(shown), Value::Array(real)) if shown.len() == real.len() => {
            shown.iter().zip(real).enumerate().find_map(|(i, (s, r))| difference(s, r, &format!("{at}/{i}")))
        }
        (shown, real) => (shown != real).then(|| format!("{at}: shown {shown}, real {real}")),
    }
}

#[test]
fn the_commands_give_the_answers_shown() {
    let tower = Tower::dev();
    let address = format!("http://{}", tower.http().address);
    let blocks = document();
    let mut run = 0;
    for (i, block) in blocks.iter().enumerate().filter(|(_, block)| block.language == "sh") {
        let output = Command::new("sh")
            .args(["-eu", "-c", &block.text])
            .env("TOWER", &address)
            .stdin(Stdio::null())
            .output()
            .expect("sh");
        let printed = String::from_utf8_lossy(&output.stdout);
        let at = format!("getting-started.md:{}", block.line);
        assert!(output.status.success(), "{at}: {}", String::from_utf8_lossy(&output.stderr));
        let real: Value =
            serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{at}: {error}: {printed}"));
        let shown = blocks
            .get(i + 1)
            .filter(|next| next.language == "json")
            .unwrap_or_else(|| panic!("{at}: no answer"));
        let shown: Value = serde_json::from_str(&shown.text).unwrap_or_else(|error| panic!("{at}: {error}"));
        if let Some(difference) = difference(&shown, &real, "") {
            panic!("{at}: {difference}\n{printed}");
        }
        run += 1;
    }
    assert!(run >= 14, "only {run} commands were found");
}

#[test]
fn the_feed_begins_with_the_frames_shown() {
    let tower = Tower::dev();
    let blocks = document();
    let shown: Vec<Value> = blocks
        .iter()
        .filter(|block| block.language == "json")
        .map(|block| serde_json::from_str(&block.text).unwrap())
        .filter(|shown: &Value| shown["type"].as_str().is_some_and(|kind| !kind.starts_with('/')))
        .collect();
    assert_eq!(shown.len(), 3, "{shown:?}");
    let mut feed = Feed::open(&tower.http()).unwrap();
    // As the program in the document says.
    let program = &blocks.iter().find(|block| block.language == "python").unwrap().text;
    assert!(
        program.contains(r#"{"type": "subscribe", "id": "q1", "topics": ["exceptions"], "snapshot": True}"#)
    );
    feed.say(&json!({"type": "subscribe", "id": "q1", "topics": ["exceptions"], "snapshot": true}));
    for shown in &shown {
        let frame = feed.next(Duration::from_secs(10)).expect("a frame");
        assert_eq!(difference(shown, &frame, ""), None, "{frame}");
    }
}

/// Where there is a Python with the package, the program itself is run.
#[test]
fn the_python_program_runs_where_it_can() {
    let python = std::env::var("TIDEWATCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let can = Command::new(&python).args(["-c", "import websockets"]).stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        eprintln!("skipped: {python} has no websockets; `make check-documents` runs it");
        return;
    }
    let tower = Tower::dev();
    let program = document().into_iter().find(|block| block.language == "python").unwrap().text;
    let output = Command::new(&python)
        .args(["-c", &program])
        .env("TOWER", format!("http://{}", tower.http().address))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let kinds: Vec<&str> = lines.iter().map(|frame| frame["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["hello", "subscribed", "snapshot"]);
}
