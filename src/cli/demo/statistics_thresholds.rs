//! Where the exceptions of the demo's tower rise and go: its own thresholds, the product's, or a reader's.

use std::borrow::Cow;
use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

/// For demand that is counted by the week; the comments in it say why.
const OF_THE_DEMO: &str = include_str!("../../../data/demo/thresholds.toml");

/// Which `exceptions` tables the tower's configuration has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thresholds {
    Demo,
    Default,
    File(PathBuf),
}

impl FromStr for Thresholds {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "demo" => Self::Demo,
            "default" => Self::Default,
            path => Self::File(path.into()),
        })
    }
}

impl Thresholds {
    /// The tables as they stand in a configuration.
    ///
    /// # Errors
    /// When the file can't be read. What it says is checked by the tower that starts with it.
    pub fn tables(&self) -> std::io::Result<Cow<'static, str>> {
        Ok(match self {
            Self::Demo => OF_THE_DEMO.into(),
            Self::Default => "".into(),
            Self::File(path) => std::fs::read_to_string(path)?.into(),
        })
    }
}
