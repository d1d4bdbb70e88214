//! A gapless event: its record, and its frame once someone is to see it.

use std::cell::OnceCell;
use std::sync::Arc;

use super::frame;
use super::handle::Viewer;
use super::queue::Frame;
use crate::domain::exception::ExceptionTransition;
use crate::domain::record::{Body, Record, Transition};
use crate::domain::reference::Reference;
use crate::http::visibility::sees_exception;
use crate::runtime::Running;

/// An event with its frame, which is written when someone is to see it.
pub struct Event {
    pub record: Arc<Record>,
    tail: OnceCell<Option<Arc<str>>>,
}

impl Event {
    /// Not written yet.
    pub fn new(record: Arc<Record>) -> Event {
        Event { record, tail: OnceCell::new() }
    }

    fn transition(&self) -> Option<&ExceptionTransition> {
        match &self.record.body {
            Body::Transition(body) => match &body.transition {
                Transition::Exception(transition) => Some(transition),
                _ => None,
            },
            _ => None,
        }
    }

    /// Whether the viewer may see it, by the Reference of now.
    pub fn is_visible(&self, viewer: &Viewer, reference: &Reference) -> bool {
        viewer.tenant == self.record.tenant
            && match (reference.tenant(viewer.tenant), self.transition()) {
                (Some(tenant), Some(transition)) => {
                    sees_exception(&viewer.principal, tenant, &transition.item)
                }
                _ => false,
            }
    }

    /// Its frame for one subscriber; what it shares with others is written once.
    pub fn frame(&self, running: &Running, head: &Arc<str>) -> Option<Frame> {
        let lsn = self.record.lsn;
        let write = || frame::event_tail(self.transition()?, lsn, &running.position(lsn));
        let tail = self.tail.get_or_init(write).clone()?;
        Some(Frame { event: Some(lsn), head: head.clone(), tail })
    }
}
