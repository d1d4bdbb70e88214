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
    /// Whether it can be written, as far as that can be known before: what takes minutes to measure must not be lost at the
    /// end.
    ///
    /// # Errors
    /// As for [`Written::write`].
    pub fn check(&self, name: &str) -> Result<(), BenchError> {
        if let Some(page) = &self.into {
            inserted(page, name, "").map_err(BenchError::Output)?;
        }
        for path in [&self.markdown, &self.html].into_iter().flatten() {
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            if path.is_dir() || directory.is_some_and(|directory| !directory.is_dir()) {
                let error = format!("{} is no file in a directory that is there", path.display());
                return Err(BenchError::Output(io::Error::other(error)));
            }
        }
        Ok(())
    }

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
    std::fs::write(page, inserted(page, name, text)?)
}

/// The page with that between the marks.
fn inserted(page: &Path, name: &str, text: &str) -> io::Result<String> {
    let old = std::fs::read_to_string(page)
        .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", page.display())))?;
    replaced(&old, name, text).ok_or_else(|| {
        let (begin, end) = marks(name);
        io::Error::other(format!("{} has no `{begin}` with a `{end}` after it", page.display()))
    })
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
    fn what_cannot_be_written_is_told_before_anything_is_measured() {
        let directory = tempfile::tempdir().unwrap();
        let page = directory.path().join("page.md");
        let into = |path: &Path| Written { into: Some(path.into()), markdown: None, html: None };
        let told = |written: &Written| written.check("x").unwrap_err().to_string();
        assert!(told(&into(&page)).contains("page.md"), "a page that is not there, by its name");
        std::fs::write(&page, "no marks").unwrap();
        assert!(told(&into(&page)).contains("<!-- generated: x -->"));
        std::fs::write(&page, PAGE).unwrap();
        into(&page).check("x").unwrap();
        assert_eq!(std::fs::read_to_string(&page).unwrap(), PAGE, "a check writes nothing");

        let html = |path: &Path| Written { into: None, markdown: None, html: Some(path.into()) };
        assert!(told(&html(&directory.path().join("none/report.html"))).contains("none/report.html"));
        assert!(told(&html(directory.path())).contains("is no file"));
        html(&directory.path().join("report.html")).check("x").unwrap();
        html(Path::new("report.html")).check("x").unwrap();
    }

    #[test]
    fn a_page_without_marks_is_left_alone() {
        assert_eq!(replaced(PAGE, "y", "new"), None);
        assert_eq!(replaced("<!-- end: x --><!-- generated: x -->", "x", "new"), None);
    }
}
