//! What is wrong with a configuration file, said so that its reader can mend it: file, line, column, key,
//! what is allowed, and the nearest known name for one that was mistyped.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use miette::{Diagnostic, LabeledSpan, NamedSource, SourceCode};
use thiserror::Error;
use toml::Spanned;
use toml::de::DeValue;

/// Why there is no configuration. Print it with `eprintln!("{:?}", miette::Report::new(error))`.
#[derive(Debug, Error, Diagnostic)]
pub enum ConfigError {
    /// The file can't be read at all.
    #[error("can't read the configuration file {}: {reason}", file.display())]
    #[diagnostic(help(
        "`--config FILE` names the file; without it and without `actors.toml` the defaults hold"
    ))]
    Unreadable {
        /// The file as it was named.
        file: PathBuf,
        /// What the operating system, or the check for size and UTF-8, says.
        reason: String,
    },
    /// The file is read, and at least one thing in it is wrong.
    #[error("{file} has {} to mend", count(problems.len()))]
    Invalid {
        /// The file as it was named.
        file: String,
        /// All mistakes, in the order of the file.
        #[related]
        problems: Vec<Problem>,
    },
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 mistake".to_owned() } else { format!("{problems} mistakes") }
}

/// What kind of mistake a [`Problem`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// The file is no TOML from here on.
    Syntax,
    /// No such key in this table.
    UnknownKey,
    /// A value of the wrong type, or outside its range.
    NotAllowed,
    /// A table's name, which is the file's own choice, is not one that can be used.
    BadName,
    /// Two values that are allowed one by one, but not together.
    Contradiction,
    /// A key that its table can't do without.
    Missing,
    /// A name of something that the file does not describe.
    Undescribed,
    /// A condition that can't be compiled.
    Condition,
}

/// One mistake in a configuration file. Its text starts with `file:line:column`.
#[derive(Debug)]
pub struct Problem {
    finding: Finding,
    found: String,
    line: usize,
    column: usize,
    source: NamedSource<Arc<str>>,
}

impl Problem {
    pub(super) fn new(finding: Finding, file: &str, text: &Arc<str>) -> Self {
        let (line, column) = line_and_column(text, finding.span.start);
        let found = text.get(finding.span.clone()).unwrap_or_default();
        let mut shown: String = found.chars().take(FOUND_CHARS_MAX).collect();
        if shown.len() < found.len() {
            shown.push('…');
        }
        let source = NamedSource::new(file, Arc::clone(text));
        Self { finding, found: shown, line, column, source }
    }

    /// What kind of mistake it is.
    #[must_use]
    pub fn kind(&self) -> ProblemKind {
        self.finding.kind
    }

    /// The key's dotted path, such as `server.workers`; empty for a file that is no TOML.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.finding.key
    }

    /// The line, counted from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// The column in characters, counted from 1.
    #[must_use]
    pub fn column(&self) -> usize {
        self.column
    }
}

/// How much of a wrong value a message repeats.
const FOUND_CHARS_MAX: usize = 60;

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}:{}: ", self.source.name(), self.line, self.column)?;
        let Finding { kind, key, says, .. } = &self.finding;
        match kind {
            ProblemKind::Syntax => write!(formatter, "this is no TOML: {says}"),
            ProblemKind::UnknownKey => write!(formatter, "`{key}` is no known key; {says}"),
            ProblemKind::NotAllowed => {
                let found_type = self.finding.found_type.unwrap_or("value");
                write!(formatter, "`{key}` must be {says}; found the {found_type} {}", self.found)
            }
            ProblemKind::BadName => write!(formatter, "`{key}` is no usable name; {says}"),
            ProblemKind::Contradiction => {
                write!(formatter, "`{key}` = {} contradicts another key: {says}", self.found)
            }
            ProblemKind::Missing => write!(formatter, "`{key}` is missing; it is {says}"),
            ProblemKind::Undescribed => {
                write!(formatter, "`{key}` = {} is not described in this file: {says}", self.found)
            }
            ProblemKind::Condition => write!(formatter, "`{key}` is no condition: {says}"),
        }
    }
}

impl std::error::Error for Problem {}

impl Diagnostic for Problem {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let label = match self.finding.kind {
            ProblemKind::Syntax => "here",
            ProblemKind::UnknownKey => "unknown key",
            ProblemKind::NotAllowed => "not allowed",
            ProblemKind::BadName => "not usable",
            ProblemKind::Contradiction => "contradiction",
            ProblemKind::Missing => "a key is missing in this table",
            ProblemKind::Undescribed => "not described",
            ProblemKind::Condition => "here",
        };
        let span = LabeledSpan::new_with_span(Some(label.to_owned()), self.finding.span.clone());
        Some(Box::new(std::iter::once(span)))
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.finding.hint.as_ref().map(|hint| Box::new(hint) as Box<dyn fmt::Display>)
    }
}

/// A mistake before it is tied to the text of its file.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) kind: ProblemKind,
    pub(super) key: String,
    pub(super) span: Range<usize>,
    /// What is allowed here, or what the parser says.
    says: String,
    /// The TOML type of a value that is not allowed.
    found_type: Option<&'static str>,
    hint: Option<String>,
}

impl Finding {
    pub(super) fn syntax(error: &toml::de::Error) -> Self {
        Self {
            kind: ProblemKind::Syntax,
            key: String::new(),
            span: error.span().unwrap_or(0..0),
            says: error.message().to_owned(),
            found_type: None,
            hint: None,
        }
    }

    pub(super) fn unknown_key(path: &str, table: &str, span: Range<usize>, known: &[&str]) -> Self {
        let place = if table.is_empty() { "the file".to_owned() } else { format!("[{table}]") };
        let mut names = known.to_vec();
        names.sort_unstable();
        names.dedup();
        let key = path.rsplit('.').next().unwrap_or(path);
        Self {
            kind: ProblemKind::UnknownKey,
            key: path.to_owned(),
            span,
            says: format!("{place} has {}", names.join(", ")),
            found_type: None,
            hint: nearest(key, known).map(|name| format!("did you mean `{name}`?")),
        }
    }

    pub(super) fn not_allowed(path: &str, value: &Spanned<DeValue<'_>>, allowed: &str) -> Self {
        Self {
            kind: ProblemKind::NotAllowed,
            key: path.to_owned(),
            span: value.span(),
            says: allowed.to_owned(),
            found_type: Some(value.get_ref().type_str()),
            hint: None,
        }
    }

    /// `known` are the names that are described; the nearest one becomes the hint.
    pub(super) fn undescribed(
        path: &str,
        span: Range<usize>,
        allowed: &str,
        name: &str,
        known: &[&str],
    ) -> Self {
        Self {
            kind: ProblemKind::Undescribed,
            key: path.to_owned(),
            span,
            says: allowed.to_owned(),
            found_type: None,
            hint: nearest(name, known).map(|name| format!("did you mean `{name}`?")),
        }
    }

    pub(super) fn missing(path: &str, table: Range<usize>, allowed: &str) -> Self {
        Self {
            kind: ProblemKind::Missing,
            key: path.to_owned(),
            span: table,
            says: allowed.to_owned(),
            found_type: None,
            hint: None,
        }
    }

    pub(super) fn condition(path: &str, span: Range<usize>, detail: String) -> Self {
        Self {
            kind: ProblemKind::Condition,
            key: path.to_owned(),
            span,
            says: detail,
            found_type: None,
            hint: None,
        }
    }

    /// Adds the nearest of `known` as a hint, where something is near to what is there.
    pub(super) fn nearest_of(self, typed: &str, known: &[&str]) -> Self {
        Self { hint: nearest(typed, known).map(|name| format!("did you mean `{name}`?")), ..self }
    }

    pub(super) fn bad_name(path: &str, span: Range<usize>, allowed: &str) -> Self {
        Self {
            kind: ProblemKind::BadName,
            key: path.to_owned(),
            span,
            says: format!("a name is {allowed}"),
            found_type: None,
            hint: None,
        }
    }

    pub(super) fn contradiction(path: &str, span: Range<usize>, allowed: &str) -> Self {
        Self {
            kind: ProblemKind::Contradiction,
            key: path.to_owned(),
            span,
            says: allowed.to_owned(),
            found_type: None,
            hint: Some("a key that the file leaves out has its default".to_owned()),
        }
    }
}

/// The known name that `typed` most likely stands for: the fewest edits away, and at most a third of it.
fn nearest<'a>(typed: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |name: &&str| strsim::damerau_levenshtein(typed, name);
    let nearest = known.iter().copied().min_by_key(distance)?;
    (distance(&nearest) <= (nearest.len() / 3).max(1)).then_some(nearest)
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let line = before.matches('\n').count() + 1;
    (line, before[line_start..].chars().count() + 1)
}
