//! Lists the files of the console, so that the program carries them: what `make console` put into `console/dist`.
//! Without Node nothing is there and nothing is embedded; the program then serves a page that says so.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Where Vite puts the console. The directory is always there, empty but for a hidden file until the console is built:
/// Cargo runs a script again and again that watches a path which does not exist.
const CONSOLE: &str = "console/dist";

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={CONSOLE}");
    println!("cargo::rustc-check-cfg=cfg(console_built)");
    let root = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join(CONSOLE);
    let mut files = Vec::new();
    if root.is_dir() {
        collect(&root, &root, &mut files)?;
    }
    // Without its page there is no console, whatever else a build that was cut short left behind.
    if files.iter().all(|(name, _)| name != "index.html") {
        files.clear();
    } else {
        println!("cargo::rustc-cfg=console_built");
    }
    files.sort();
    let mut list = String::from("&[\n");
    for (name, path) in files {
        list.push_str(&format!("    ({name:?}, include_bytes!({path:?})),\n"));
    }
    list.push_str("]\n");
    fs::write(Path::new(&variable("OUT_DIR")?).join("console_files.rs"), list)
}

/// Adds the files below `directory` with their names relative to `root`, but for hidden ones.
fn collect(root: &Path, directory: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push((name.to_string_lossy().replace('\\', "/"), path.clone()));
        }
    }
    Ok(())
}

fn variable(name: &str) -> io::Result<String> {
    std::env::var(name).map_err(|error| io::Error::other(format!("{name}: {error}")))
}
