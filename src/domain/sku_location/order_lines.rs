//! Customer order lines.

use serde::{Deserialize, Serialize};

use super::line::{Line, LineKind, NamedTime};
use super::version::Version;
use crate::domain::event::OrderLine as OrderLineStated;
use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::record::Record;
use crate::domain::time::Timestamp;

/// One line of a customer order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrderLine {
    line: Line,
    promised_at: NamedTime,
    requested_at: NamedTime,
    /// Few senders say any of it, and there may be millions of lines.
    about: Option<Box<About>>,
}

/// What planning does not need and people who look after the order do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct About {
    customer: Named<Name>,
    channel: Named<Name>,
    priority: Named<i64>,
}

/// An optional field: from the latest statement that names it, which need not be the latest statement. As
/// [`NamedTime`], for what is not a moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Named<T> {
    value: Option<T>,
    /// Which statement named it, if not the line's own version.
    version: Option<Box<Version>>,
}

impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named { value: None, version: None }
    }
}

impl<T> Named<T> {
    /// See [`NamedTime::state`].
    fn state(
        &mut self,
        named: Option<T>,
        record: &Record,
        replaced: Option<&Version>,
        line_version: &Version,
    ) {
        match (named, replaced) {
            (Some(value), Some(_)) => *self = Named { value: Some(value), version: None },
            (Some(value), None) => {
                let own = self.version.as_deref().unwrap_or(line_version);
                if self.value.is_none() || own.is_before(record) {
                    *self = Named { value: Some(value), version: Some(Box::new(Version::of(record))) };
                }
            }
            (None, Some(replaced)) if self.value.is_some() && self.version.is_none() => {
                self.version = Some(Box::new(replaced.clone()));
            }
            _ => {}
        }
    }
}

/// What a line counts for in demand, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LineDemand {
    pub at: Timestamp,
    pub quantity: Quantity,
}

impl OrderLine {
    /// Takes a statement of the line; `is_here` says whether it names this place.
    pub fn state(&mut self, stated: &OrderLineStated, is_here: bool, record: &Record) {
        let replaced = self.line.state(is_here.then_some(stated.quantity), record);
        let version = self.line.version();
        self.promised_at.state(stated.promised_at, record, replaced.as_ref(), version);
        self.requested_at.state(stated.requested_at, record, replaced.as_ref(), version);
        let says_more = stated.customer.is_some() || stated.channel.is_some() || stated.priority.is_some();
        if says_more || self.about.is_some() {
            let about = self.about.get_or_insert_default();
            about.customer.state(stated.customer.clone(), record, replaced.as_ref(), version);
            about.channel.state(stated.channel.clone(), record, replaced.as_ref(), version);
            about.priority.state(stated.priority, record, replaced.as_ref(), version);
        }
    }

    /// Who ordered it.
    pub fn customer(&self) -> Option<&Name> {
        self.about.as_ref()?.customer.value.as_ref()
    }

    /// How it was ordered.
    pub fn channel(&self) -> Option<&Name> {
        self.about.as_ref()?.channel.value.as_ref()
    }

    /// How much it matters, as its sender counts.
    pub fn priority(&self) -> Option<i64> {
        self.about.as_ref()?.priority.value
    }

    /// When it is wanted.
    pub fn requested_at(&self) -> Option<Timestamp> {
        self.requested_at.get()
    }

    /// When it is promised; `None` means that it is due at once.
    pub fn promised_at(&self) -> Option<Timestamp> {
        self.promised_at.get()
    }

    /// Open and promised for no later than `now`.
    pub fn due(&self, now: Timestamp) -> Quantity {
        if self.promised_at().is_none_or(|promised| promised <= now) {
            self.line.open()
        } else {
            Quantity::ZERO
        }
    }

    /// An order is demand when it is wanted: requested, else promised, else its time. What was cancelled unshipped
    /// never was; what was shipped all the same was. `None` while nobody has stated the line.
    pub fn demand(&self) -> Option<LineDemand> {
        let announced_at = self.line.announced_at()?;
        let quantity = if self.line.is_ended() {
            self.line.ordered().min(self.line.fulfilled())
        } else {
            self.line.ordered()
        };
        let at = self.requested_at.get().or(self.promised_at.get()).unwrap_or(announced_at);
        Some(LineDemand { at, quantity })
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub fn heap_bytes(&self) -> usize {
        self.line.heap_bytes() + self.about.as_ref().map_or(0, |_| size_of::<About>())
    }
}

impl LineKind for OrderLine {
    fn new(line: Line) -> OrderLine {
        OrderLine { line, promised_at: NamedTime::default(), requested_at: NamedTime::default(), about: None }
    }

    fn line(&self) -> &Line {
        &self.line
    }

    fn line_mut(&mut self) -> &mut Line {
        &mut self.line
    }

    /// Until the period that its demand counts in is over: before that, a change would count it twice.
    fn needed_until(&self, period: i64) -> Option<Timestamp> {
        self.demand().map(|demand| demand.at.plus(period))
    }
}
