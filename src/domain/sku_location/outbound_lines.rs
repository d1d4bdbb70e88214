//! Transfer lines at the place they leave from. Open here is what has not been dispatched.

use serde::{Deserialize, Serialize};

use super::line::{Line, LineKind};
use crate::domain::event::TransferLine;
use crate::domain::record::Record;
use crate::domain::time::Timestamp;

/// A transfer line that takes stock from here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OutboundLine(Line);

impl OutboundLine {
    /// Takes a statement; `is_here` says whether it leaves from this place.
    pub fn state(&mut self, stated: &TransferLine, is_here: bool, record: &Record) {
        self.0.state(is_here.then_some(stated.quantity), record);
    }
}

impl LineKind for OutboundLine {
    fn new(line: Line) -> OutboundLine {
        OutboundLine(line)
    }

    fn line(&self) -> &Line {
        &self.0
    }

    fn line_mut(&mut self) -> &mut Line {
        &mut self.0
    }

    fn needed_until(&self, _: i64) -> Option<Timestamp> {
        None
    }
}
