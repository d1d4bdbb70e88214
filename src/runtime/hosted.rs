//! The kinds of entities that the runtime holds, and what the feed shows of them.

use actix::Addr;
use serde_json::Value;

use super::shard::{EntityAddr, StateKind};
use super::shell::{Hosted, Shell};
use crate::domain::approval_case::ApprovalCase;
use crate::domain::ids::EntityKey;
use crate::domain::reference::Reference;
use crate::domain::sku_location::SkuLocation;
use crate::domain::subject::Subject;
use crate::domain::supplier::Supplier;
use crate::domain::time::Timestamp;

impl Hosted for SkuLocation {
    const STATE_KIND: Option<StateKind> = Some(StateKind::SkuLocation);

    fn addr(entity: &EntityAddr) -> Option<&Addr<Shell<Self>>> {
        if let EntityAddr::SkuLocation(addr) = entity { Some(addr) } else { None }
    }

    fn state_item(&self, key: &EntityKey, now: Timestamp, reference: &Reference) -> Value {
        serde_json::to_value(self.view(now, reference, key)).unwrap_or_default()
    }
}

impl Hosted for Supplier {
    const STATE_KIND: Option<StateKind> = Some(StateKind::Supplier);

    fn addr(entity: &EntityAddr) -> Option<&Addr<Shell<Self>>> {
        if let EntityAddr::Supplier(addr) = entity { Some(addr) } else { None }
    }

    fn state_item(&self, key: &EntityKey, now: Timestamp, reference: &Reference) -> Value {
        serde_json::to_value(self.view(key.tenant(), now, reference)).unwrap_or_default()
    }
}

impl Hosted for Subject {
    const STATE_KIND: Option<StateKind> = None;

    fn addr(entity: &EntityAddr) -> Option<&Addr<Shell<Self>>> {
        if let EntityAddr::Subject(addr) = entity { Some(addr) } else { None }
    }

    fn state_item(&self, _: &EntityKey, _: Timestamp, _: &Reference) -> Value {
        Value::Null
    }
}

impl Hosted for ApprovalCase {
    const STATE_KIND: Option<StateKind> = None;

    fn addr(entity: &EntityAddr) -> Option<&Addr<Shell<Self>>> {
        if let EntityAddr::ApprovalCase(addr) = entity { Some(addr) } else { None }
    }

    fn state_item(&self, _: &EntityKey, _: Timestamp, _: &Reference) -> Value {
        Value::Null
    }
}
