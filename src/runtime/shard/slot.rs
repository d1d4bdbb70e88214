//! A place for one entity on its shard.

use actix::{Addr, Handler, Message};

use super::batch::NO_MORE;
use crate::domain::approval_case::ApprovalCase;
use crate::domain::ids::{Lsn, TenantNumber};
use crate::domain::sku_location::SkuLocation;
use crate::domain::subject::Subject;
use crate::domain::supplier::Supplier;
use crate::runtime::shell::Shell;

/// An entity's actor.
pub enum EntityAddr {
    SkuLocation(Addr<Shell<SkuLocation>>),
    Supplier(Addr<Shell<Supplier>>),
    Subject(Addr<Shell<Subject>>),
    ApprovalCase(Addr<Shell<ApprovalCase>>),
}

impl EntityAddr {
    /// Puts a message behind what the entity has to do already.
    pub fn send<M>(&self, message: M)
    where
        M: Message<Result = ()> + Send + 'static,
        Shell<SkuLocation>: Handler<M>,
        Shell<Supplier>: Handler<M>,
        Shell<Subject>: Handler<M>,
        Shell<ApprovalCase>: Handler<M>,
    {
        match self {
            EntityAddr::SkuLocation(addr) => addr.do_send(message),
            EntityAddr::Supplier(addr) => addr.do_send(message),
            EntityAddr::Subject(addr) => addr.do_send(message),
            EntityAddr::ApprovalCase(addr) => addr.do_send(message),
        }
    }
}

/// What a shard knows of an entity beside its actor.
pub(super) struct Slot {
    /// Absent only while the shard is being filled from a snapshot.
    pub entity: Option<EntityAddr>,
    pub tenant: TenantNumber,
    /// In the dirty queue, for a record that goes back to this one.
    pub dirty: Option<Lsn>,
    /// In the list of changed states already.
    pub changed: bool,
    /// Must look as soon as the tower is live: something happened since it last did.
    pub touched: bool,
    /// Everything up to here is in its state, which came from a snapshot.
    pub restored_at: Lsn,
    /// Scratch while a batch is chained: the chain's ends.
    pub head: u32,
    pub tail: u32,
}

impl Slot {
    pub fn new(entity: Option<EntityAddr>, tenant: TenantNumber) -> Slot {
        Slot {
            entity,
            tenant,
            dirty: None,
            changed: false,
            touched: false,
            restored_at: Lsn::ZERO,
            head: NO_MORE,
            tail: NO_MORE,
        }
    }
}
