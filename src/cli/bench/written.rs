//! Where results go besides the terminal: files, and generated parts of pages that people write. There, what stands
//! between two marks is replaced, and everything else stays.

use std::io;
use std::path::{Path, PathBuf};

use super::BenchError;

/// Where a result is written, besides to standard output.
pub struct Written {
    pub markdown: Option<PathBuf>,
    pub into: Option<PathBuf>,
    pub html: Option<PathBuf>,
}

impl Written {
    /// Writes what was asked for; `name` is that of the marks.
    ///
    /// # Errors
    /// If a file can't be written, or a page has no such marks.
    pub fn write(&self, name: &str, markdown: &str, html: impl FnOnce() -> String) -> Result<(), BenchError> {
        if let Some(path) = &self.markdown {
            std::fs::write(path, markdown).map_err(BenchError::Output)?;
        }
        if let Some(path) = &self.into {
            insert(path, name, markdown).map_err(BenchError::Output)?;
        }
        if let Some(path) = &self.html {
            std::fs::write(path, html()).map_err(BenchError::Output)?;
        }
        Ok(())
    }
}

/// Replaces what stands between the marks of that name.
///
/// # Errors
/// If the page can't be read or written, or has no such marks.
fn insert(page: &Path, name: &str, text: &str) -> io::Result<()> {
    let old = std::fs::read_to_string(page)?;
    let new = replaced(&old, name, text).ok_or_else(|| {
        let (begin, end) = marks(name);
        io::Error::other(format!("{} has no `{begin}` with a `{end}` after it", page.display()))
    })?;
    std::fs::write(page, new)
}

fn marks(name: &str) -> (String, String) {
    (format!("<!-- generated: {name} -->"), format!("<!-- end: {name} -->"))
}

fn replaced(page: &str, name: &str, text: &str) -> Option<String> {
    let (begin, end) = marks(name);
    let (before, rest) = page.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{}\n{end}{after}", text.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "a\n<!-- generated: x -->\nold\n<!-- end: x -->\nb\n";

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let expected = "a\n<!-- generated: x -->\nnew\nlines\n<!-- end: x -->\nb\n";
        assert_eq!(replaced(PAGE, "x", "new\nlines\n").as_deref(), Some(expected));
        assert_eq!(replaced(expected, "x", "old").as_deref(), Some(PAGE), "as often as one likes");
    }

    #[test]
    fn a_page_without_marks_is_left_alone() {
        assert_eq!(replaced(PAGE, "y", "new"), None);
        assert_eq!(replaced("<!-- end: x --><!-- generated: x -->", "x", "new"), None);
    }
}
