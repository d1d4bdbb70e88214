//! `domain` depends on nothing else of this crate, on no clock, no randomness, no input or output, no actors
//! and nothing asynchronous. This reads its source and names each line that says otherwise.

#![allow(clippy::expect_used, reason = "a test fails by panicking, also in its helpers")]

use std::fs;
use std::path::{Path, PathBuf};

/// Crates that `domain` may not name.
const CRATES: [&str; 13] = [
    "actix",
    "actix_rt",
    "actix_web",
    "actix_ws",
    "crossbeam_channel",
    "dashmap",
    "futures_util",
    "getrandom",
    "parking_lot",
    "rand",
    "reqwest",
    "tokio",
    "tracing",
];

/// Modules of the standard library that `domain` may not name.
const STD_MODULES: [&str; 7] = ["env", "fs", "io", "net", "process", "thread", "os"];

/// What reads a clock, makes random numbers or waits, however it was imported.
const WORDS: [&str; 7] =
    ["SystemTime", "Instant", "Timestamp::now", "Zoned::now", "now_v7", "async", "await"];

/// The source without comments and string literals, whose text may mention anything; lines stay lines.
fn code_of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(next) = rest.chars().next() {
        let skipped = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(body) = rest.strip_prefix("r#\"") {
            body.find("\"#").map_or(rest.len(), |end| end + 5)
        } else if rest.starts_with("'\"'") {
            3
        } else if next == '"' {
            end_of_string(rest)
        } else {
            code.push(next);
            rest = &rest[next.len_utf8()..];
            continue;
        };
        code.extend(rest[..skipped].chars().filter(|character| *character == '\n'));
        rest = &rest[skipped..];
    }
    code
}

/// The length of the string literal that `text` starts with.
fn end_of_string(text: &str) -> usize {
    let mut escaped = false;
    for (index, character) in text.char_indices().skip(1) {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return index + 1,
            _ => {}
        }
    }
    text.len()
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// What follows each place where `word` stands and is not a part of a longer word.
fn after_word<'code>(code: &'code str, word: &str) -> Vec<&'code str> {
    let whole = |start: &usize| !code[..*start].chars().next_back().is_some_and(is_word);
    let starts = code.match_indices(word).map(|(start, _)| start).filter(whole);
    let rests = starts.map(|start| &code[start + word.len()..]);
    rests.filter(|rest| !rest.chars().next().is_some_and(is_word)).collect()
}

/// The names that directly follow `root::`, those of a group `root::{a, b::{c}}` included.
fn children<'code>(code: &'code str, root: &str) -> Vec<&'code str> {
    let mut names = Vec::new();
    for rest in after_word(code, root).into_iter().filter_map(|rest| rest.strip_prefix("::")) {
        let name =
            |text: &'code str| text.trim_start().split(|next| !is_word(next)).next().unwrap_or_default();
        let Some(group) = rest.strip_prefix('{') else {
            names.push(name(rest));
            continue;
        };
        let (mut depth, mut start) = (0, 0);
        for (index, character) in group.char_indices() {
            match character {
                '{' => depth += 1,
                '}' if depth > 0 => depth -= 1,
                ',' | '}' if depth == 0 => {
                    names.extend(Some(name(&group[start..index])).filter(|name| !name.is_empty()));
                    start = index + 1;
                    if character == '}' {
                        break;
                    }
                }
                _ => {}
            }
        }
    }
    names
}

/// What in a source file of `domain` breaks its purity.
fn violations(source: &str) -> Vec<String> {
    let code = code_of(source);
    let other_modules = children(&code, "crate").into_iter().filter(|module| *module != "domain");
    let mut found: Vec<String> = other_modules.map(|module| format!("crate::{module}")).collect();
    let std_modules = children(&code, "std").into_iter().filter(|module| STD_MODULES.contains(module));
    found.extend(std_modules.map(|module| format!("std::{module}")));
    let crates = CRATES.iter().filter(|name| !children(&code, name).is_empty());
    found.extend(
        crates
            .chain(WORDS.iter().filter(|word| !after_word(&code, word).is_empty()))
            .map(|word| (*word).to_owned()),
    );
    found
}

fn rust_files(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

#[test]
fn domain_is_pure() {
    let domain = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/domain");
    let mut files = Vec::new();
    rust_files(&domain, &mut files);
    assert!(files.iter().any(|file| file.ends_with("src/domain/mod.rs")), "looked in the wrong place");
    let mut found = Vec::new();
    for file in files {
        let source = fs::read_to_string(&file).expect("a source file is UTF-8");
        found.extend(violations(&source).iter().map(|violation| format!("{}: {violation}", file.display())));
    }
    assert!(found.is_empty(), "domain must be pure, and it has\n{}", found.join("\n"));
}

#[test]
fn what_is_impure_is_found() {
    let check = |source: &str, expected: &[&str]| assert_eq!(violations(source), expected, "{source}");
    check("use crate::config::Config;", &["crate::config"]);
    check("use crate::{domain::Quantity, runtime};", &["crate::runtime"]);
    let group = "use crate::{\n    domain::{Lsn, Money},\n    journal::{a, b},\n    feed,\n};";
    check(group, &["crate::journal", "crate::feed"]);
    check("fn f() { let x = crate::http::answer(1); }", &["crate::http"]);
    check("use std::time::{Duration, Instant};", &["Instant"]);
    check("fn f() -> u64 { std::time::SystemTime::now() }", &["SystemTime"]);
    check("use std::{fmt, fs};", &["std::fs"]);
    check("use std::net::SocketAddr;", &["std::net"]);
    check("use tokio::time::sleep;", &["tokio"]);
    check("use actix::{Actor, Context};", &["actix"]);
    check("fn f() -> f64 { rand::random() }", &["rand"]);
    check("fn f() { let t = jiff::Timestamp::now(); }", &["Timestamp::now"]);
    check("async fn f() {}", &["async"]);
}

#[test]
fn what_is_pure_is_left_alone() {
    for source in [
        "use crate::domain::{Quantity, demand::Model};\nuse super::Lsn;",
        "// tokio::spawn would be wrong here, and std::fs too",
        "/// Not `std::time::Instant`.\nfn f() {}",
        "const TEXT: &str = \"see crate::http and \\\" tokio::time\";",
        "const RAW: &str = r#\"std::fs \"quoted\" async\"#;",
        "fn f(quote: char) -> bool { quote == '\"' } // \" tokio::x",
        "use std::time::Duration;\nfn f(instant: u8, net: u8, asynchronous: u8) {}",
        "struct Brand { rand: u8, environment: u8 }",
        "pub(crate) fn f() {}",
        "use std::{collections::{BTreeMap, fs}, fmt};",
    ] {
        assert_eq!(violations(source), Vec::<String>::new(), "{source}");
    }
}
