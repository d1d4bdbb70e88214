//! The dispatcher's fold: from records in LSN order to who must hear of them.
//!
//! Deterministic and free of I/O: the same records give the same Reference, the same document index and holding area,
//! the same entities at the same addresses. The live dispatcher, recovery and the rebuilding of a single entity all
//! run this code and differ only in their [`Sink`].

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::directory::{Address, Directory};
use super::documents::{Addresses, DocumentKey, Documents, add};
use super::feeds::Feeds;
use super::fold_room::at_most_new;
use super::generations::Generations;
use super::holding::Holding;
use super::log::Log;
use super::pieces::Pieces;
use super::quarantine::{Quarantine, QuarantineEntry, QuarantineReason};
use super::revisions::{NoOps, Revisions};
use crate::domain::event::{DocumentKind, EventData, SourceOfSupply};
use crate::domain::ids::{EntityKey, Lsn, Name, SubjectKind, TenantNumber};
use crate::domain::record::{Body, Record, SystemBody, Transition, TransitionBody};
use crate::domain::reference::{Affected, Reference};
use crate::domain::time::Timestamp;
use foldhash::fast::FixedState;

/// Where the fold's results go.
pub trait Sink {
    /// A new entity; its first delivery follows.
    fn create(&mut self, address: Address, key: &Arc<EntityKey>);
    /// A record for one entity.
    fn deliver(&mut self, to: Address, delivery: Routed<'_>, reference: &Reference);
    /// The Reference has moved; deliveries from here on read the new one.
    fn reference_changed(&mut self);
    /// These must look again, because something they read has changed.
    fn dirty(&mut self, whom: Dirty, origin: Lsn);
    /// A tenant's event clock has moved.
    fn clock_advanced(&mut self, tenant: TenantNumber, to: Timestamp, origin: Lsn);
}

/// A record with the position at which it takes effect.
#[derive(Clone, Copy)]
pub struct Routed<'a> {
    pub record: &'a Arc<Record>,
    pub lsn: Lsn,
    pub business_time: Timestamp,
    /// The outside record that it goes back to.
    pub origin: Lsn,
}

/// Who must look again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dirty {
    These(Vec<Address>),
    Tenant(TenantNumber),
    Everyone,
}

/// How much of its bounds the fold uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FoldUsage {
    pub document_lines: usize,
    pub documents_forgotten: u64,
    pub held: usize,
    /// Sources of events that found no room among those that are followed.
    pub feeds_refused: u64,
    /// Events that would have made another entity, and causes of exceptions that are none, for want of room.
    pub entities_refused: u64,
}

/// Actions remembered, so that their answers find whom they concern; those not touched for longest are forgotten.
pub(super) const ACTIONS_MAX: usize = 1_000_000;

/// Who has to do with an action.
#[derive(Clone, Default)]
pub(super) struct KnownAction {
    /// The case that asked for it: it follows the documents that answer it.
    pub case: Option<Address>,
    /// Who hears its answers: the case and the places where it counts; of an action that no case asked for, the places of
    /// its documents.
    pub whom: Addresses,
}

/// The fold and its state.
pub struct Fold {
    pub reference: Reference,
    pub documents: Documents,
    pub holding: Holding,
    /// Taken out of the holding area and not routed yet.
    pub(super) released: VecDeque<Arc<Record>>,
    pub quarantine: Arc<parking_lot::RwLock<Quarantine>>,
    pub(super) directory: Arc<Directory>,
    pub(super) next_slot: Vec<u32>,
    /// All entities in the order in which they were made.
    pub(super) entities: Log<Arc<EntityKey>>,
    /// The same by shard and slot.
    by_address: Vec<Log<Arc<EntityKey>>>,
    by_location: HashMap<(TenantNumber, Name), Vec<Address>, FixedState>,
    /// SKU-locations with purchase order lines of a supplier.
    pub(super) supplied_by: Pieces<Address, Supplied>,
    pub(super) actions: Generations<(TenantNumber, Name), KnownAction>,
    /// Who sends events.
    pub(super) feeds: Feeds,
    pub(super) revisions: Revisions,
    pub(super) entities_refused: u64,
}

/// What a supplier supplies: a set.
pub(super) type Supplied = Pieces<Address, ()>;

impl Fold {
    /// A fold that has seen nothing, with entities spread over `shards`.
    pub fn new(
        shards: u16,
        directory: Arc<Directory>,
        quarantine: Arc<parking_lot::RwLock<Quarantine>>,
    ) -> Fold {
        let reference = Reference::default();
        let bounds = reference.settings().fold.clone();
        Fold {
            reference,
            documents: Documents::new(bounds.document_index_lines_max),
            holding: Holding::new(bounds.holding_events_max),
            released: VecDeque::new(),
            quarantine,
            directory,
            next_slot: vec![0; usize::from(shards)],
            entities: Log::default(),
            by_address: vec![Log::default(); usize::from(shards)],
            by_location: HashMap::default(),
            supplied_by: Pieces::default(),
            actions: Generations::new(ACTIONS_MAX, |_| 1),
            feeds: Feeds::default(),
            revisions: Revisions::default(),
            entities_refused: 0,
        }
    }

    /// Folds one record in and tells the sink who must hear of it.
    pub fn take(&mut self, record: &Arc<Record>, origin: Lsn, sink: &mut impl Sink) {
        let version = self.reference.version();
        let affected = self.reference.apply(record);
        if self.reference.version() != version {
            self.follow_settings();
            sink.reference_changed();
        }
        let at = Routed { record, lsn: record.lsn, business_time: record.business_time, origin };
        self.route(at, sink);
        // What it released may release more. A list, not a recursion: chains are as long as the holding area is large.
        while let Some(released) = self.released.pop_front() {
            self.route(Routed { record: &released, ..at }, sink);
        }
        let is_full = !self.has_room_for(1);
        if self.reference.note_full(is_full, record.lsn) {
            sink.reference_changed();
        }
        for affected in affected {
            if let Some(whom) = self.expand(affected) {
                sink.dirty(whom, origin);
            }
        }
    }

    /// How much of its bounds it uses.
    pub fn usage(&self) -> FoldUsage {
        let (document_lines, documents_forgotten) = self.documents.usage();
        FoldUsage {
            document_lines,
            documents_forgotten,
            held: self.holding.len(),
            feeds_refused: self.feeds.refused(),
            entities_refused: self.entities_refused,
        }
    }

    /// The transitions that had no effect.
    pub fn no_ops(&self) -> &NoOps {
        &self.revisions.no_ops
    }

    /// The bounds that decide who hears of a record are part of the history, like all settings.
    pub(super) fn follow_settings(&mut self) {
        let settings = &self.reference.settings().fold;
        self.documents.set_lines_max(settings.document_index_lines_max);
        self.holding.set_events_max(settings.holding_events_max);
    }

    fn route(&mut self, at: Routed<'_>, sink: &mut impl Sink) {
        let tenant = at.record.tenant;
        let whole = self.with_whole_places(at.record);
        let at = Routed { record: whole.as_ref().unwrap_or(at.record), ..at };
        match &at.record.body {
            Body::Event { data, .. } => {
                if !self.has_room_for(at_most_new(data))
                    && !self.has_room_for(self.new_entities(tenant, data))
                {
                    self.entities_refused += 1;
                    self.refuse(
                        at.record,
                        "too_many_entities",
                        "there is no room for another entity".to_owned(),
                    );
                    return;
                }
                self.route_event(at, tenant, data, sink);
            }
            Body::Transition(body) => {
                if let Transition::RefusedEvent(refused) = &body.transition {
                    self.quarantine.write().add(QuarantineEntry {
                        entry: at.record.lsn,
                        event: refused.lsn,
                        tenant,
                        reason: QuarantineReason::Refused,
                        code: refused.code.clone(),
                        detail: refused.detail.clone(),
                        at: at.record.ingest_time,
                    });
                }
                self.route_transition(at, body, sink);
            }
            Body::System(body) => {
                self.route_system(at, tenant, body);
                if let SystemBody::EntityQuarantined { entity, .. }
                | SystemBody::EntityReleased { entity, .. } = &**body
                    && let Some(address) = self.directory.find(entity)
                {
                    if matches!(**body, SystemBody::EntityReleased { skip: true, .. }) {
                        self.revisions.left_out(address);
                    }
                    sink.deliver(address, at, &self.reference);
                }
            }
        }
    }

    /// A transition changes its own entity; whom it concerns beside that hears of it as a fact.
    fn route_transition(&mut self, at: Routed<'_>, body: &TransitionBody, sink: &mut impl Sink) {
        let tenant = at.record.tenant;
        let mut whom = Addresses::new();
        match self.directory.find(&body.entity) {
            Some(address) => whom.push(address),
            // A case that is opened by hand begins with its own record.
            None if matches!(body.entity, EntityKey::ApprovalCase { .. }) => {
                whom.push(self.create(&body.entity, sink));
            }
            None => {}
        }
        if let Some(address) = whom.first() {
            self.revisions.transition(*address, at.record.entity_revision, at.record.lsn);
        }
        match &body.transition {
            Transition::Exception(change) => {
                for entity in change.concerned() {
                    whom_or_new(self, entity, &mut whom, sink);
                }
                if let Some(case) = &change.item.case_id {
                    let entity = EntityKey::ApprovalCase { tenant, case: case.clone() };
                    whom_or_new(self, &entity, &mut whom, sink);
                }
            }
            Transition::Case(change) => {
                for claim in &change.claims {
                    whom_or_new(self, &claim.entity, &mut whom, sink);
                }
                let case = self.directory.find(&body.entity);
                for action in &change.item.actions {
                    let step = &action.step;
                    let mut holders: Addresses = case.into_iter().collect();
                    for location in std::iter::once(&step.location).chain(&step.from) {
                        let key = EntityKey::SkuLocation {
                            tenant,
                            sku: step.sku.clone(),
                            location: location.clone(),
                        };
                        if let Some(place) = self.directory.find(&key) {
                            add(&mut holders, place);
                            add(&mut whom, place);
                        }
                    }
                    let known = KnownAction { case, whom: holders };
                    self.actions.change((tenant, action.id.clone()), |action| *action = known);
                }
            }
            Transition::ConditionNoted(_)
            | Transition::RefusedEvent(_)
            | Transition::SupplierStatistics(_) => {}
        }
        deliver_all(at, &whom, &self.reference, sink);
    }

    fn route_system(&mut self, at: Routed<'_>, tenant: TenantNumber, body: &SystemBody) {
        let mut quarantine = self.quarantine.write();
        match body {
            SystemBody::Rejected { code, detail, .. } => quarantine.add(QuarantineEntry {
                entry: at.record.lsn,
                event: at.record.lsn,
                tenant,
                reason: QuarantineReason::Rejected,
                code: code.clone(),
                detail: detail.clone(),
                at: at.record.ingest_time,
            }),
            SystemBody::QuarantineClosed { entry, .. } => quarantine.close(*entry),
            SystemBody::EntityQuarantined { entity, poison, detail } => quarantine.add(QuarantineEntry {
                entry: at.record.lsn,
                event: *poison,
                tenant,
                reason: QuarantineReason::Entity(Box::new(entity.clone())),
                code: Name::const_new("entity_failed"),
                detail: detail.clone(),
                at: at.record.ingest_time,
            }),
            SystemBody::EntityReleased { entity, .. } => quarantine.close_entity(entity),
            SystemBody::TenantDeclared { .. }
            | SystemBody::Started { .. }
            | SystemBody::ConfigurationActivated { .. }
            | SystemBody::Restored { .. }
            | SystemBody::OutboxReleased { .. } => {}
        }
    }

    fn route_event(&mut self, at: Routed<'_>, tenant: TenantNumber, data: &EventData, sink: &mut impl Sink) {
        self.follow_feed(at, tenant, data, sink);
        match data {
            EventData::PosSale(sale) => self.reach_sku_location(at, &sale.sku, &sale.location, sink),
            EventData::PosReturn(returned) => {
                self.reach_sku_location(at, &returned.sku, &returned.location, sink)
            }
            EventData::InventoryCounted(count) => {
                self.reach_sku_location(at, &count.sku, &count.location, sink)
            }
            EventData::InventoryAdjusted(change) => {
                self.reach_sku_location(at, &change.sku, &change.location, sink)
            }
            EventData::ForecastPublished(forecast) => {
                self.reach_sku_location(at, &forecast.sku, &forecast.location, sink);
            }
            EventData::OrderLine(line) => {
                let here = self.sku_location(at, &line.sku, &line.location, sink);
                let document =
                    DocumentKey { tenant, kind: DocumentKind::Order, document: line.order_id.clone() };
                self.place_and_deliver(at, &document, &line.line_id, &[here], sink);
                self.release(&document, [&line.line_id]);
            }
            EventData::OrderCancelled(named) => {
                let document =
                    DocumentKey { tenant, kind: DocumentKind::Order, document: named.document.clone() };
                self.reach_line(at, document, &named.line_id, sink);
            }
            EventData::OrderShipped(shipped) => self.fulfil(at, tenant, DocumentKind::Order, shipped, sink),
            EventData::PurchaseOrder(order) => self.purchase_order(at, tenant, order, sink),
            EventData::PurchaseOrderReceived(receipt) => {
                self.fulfil(at, tenant, DocumentKind::PurchaseOrder, receipt, sink);
            }
            EventData::PurchaseOrderEnded(named) => {
                self.end(at, tenant, DocumentKind::PurchaseOrder, named, sink)
            }
            EventData::Transfer(transfer) => self.transfer(at, tenant, transfer, sink),
            EventData::TransferDispatched(moved) | EventData::TransferReceived(moved) => {
                self.fulfil(at, tenant, DocumentKind::Transfer, moved, sink);
            }
            EventData::TransferCancelled(named) => self.end(at, tenant, DocumentKind::Transfer, named, sink),
            EventData::Shipment(shipment) => self.shipment(at, tenant, shipment, sink),
            EventData::SupplierDelayReported(report) => self.reach_supplier(at, &report.supplier, sink),
            EventData::SupplierCapacityChanged(change) => self.reach_supplier(at, &change.supplier, sink),
            EventData::SupplierDescribed(supplier) => {
                self.reach_supplier(at, &supplier.supplier, sink);
                self.reach_subject(at, tenant, SubjectKind::Supplier, &supplier.supplier, sink);
            }
            EventData::ItemDescribed(item) => {
                self.reach_subject(at, tenant, SubjectKind::Item, &item.sku, sink)
            }
            EventData::LocationDescribed(location) => {
                self.reach_subject(at, tenant, SubjectKind::Location, &location.location, sink);
            }
            EventData::SourcingSet(sourcing) => {
                self.reach_sku_location(at, &sourcing.sku, &sourcing.location, sink);
                if let SourceOfSupply::Supplier(supplier) = &sourcing.source {
                    self.reach_supplier(at, supplier, sink);
                }
            }
            EventData::ActionConfirmed(answer) | EventData::ActionRefused(answer) => {
                if let Some(action) = self.actions.get(&(tenant, answer.action_id.clone())) {
                    deliver_all(at, &action.whom, &self.reference, sink);
                }
            }
            EventData::ClockAdvanced(_) => sink.clock_advanced(tenant, at.business_time, at.origin),
            // Reference data alone, or without effect.
            EventData::Promotion(_)
            | EventData::PromotionCancelled(_)
            | EventData::SignalObserved(_)
            | EventData::CustomerDescribed(_)
            | EventData::LaneDescribed(_)
            | EventData::PolicySet(_)
            | EventData::AssortmentSet(_)
            | EventData::CalendarDescribed(_)
            | EventData::FxPublished(_)
            | EventData::FeedTraffic(_)
            | EventData::Reserved => {}
        }
    }

    /// A record that can't take effect goes to quarantine.
    pub(super) fn refuse(&mut self, record: &Record, code: &'static str, detail: String) {
        self.quarantine.write().add(QuarantineEntry {
            entry: record.lsn,
            event: record.lsn,
            tenant: record.tenant,
            reason: QuarantineReason::Unresolved,
            code: Name::const_new(code),
            detail,
            at: record.ingest_time,
        });
    }

    fn reach_sku_location(&mut self, at: Routed<'_>, sku: &Name, location: &Name, sink: &mut impl Sink) {
        let address = self.sku_location(at, sku, location, sink);
        sink.deliver(address, at, &self.reference);
    }

    fn reach_supplier(&mut self, at: Routed<'_>, supplier: &Name, sink: &mut impl Sink) {
        let address = self.supplier(at, supplier, sink);
        sink.deliver(address, at, &self.reference);
    }

    fn reach_subject(
        &mut self,
        at: Routed<'_>,
        tenant: TenantNumber,
        kind: SubjectKind,
        id: &Name,
        sink: &mut impl Sink,
    ) {
        if let Some(address) = self.directory.find_subject(tenant, kind, id) {
            sink.deliver(address, at, &self.reference);
        }
    }

    /// The SKU-location's address. At its first mention it is made, and so are the subjects that stand for its item
    /// and location if nobody described them.
    pub(super) fn sku_location(
        &mut self,
        at: Routed<'_>,
        sku: &Name,
        location: &Name,
        sink: &mut impl Sink,
    ) -> Address {
        let tenant = at.record.tenant;
        let key = EntityKey::SkuLocation { tenant, sku: sku.clone(), location: location.clone() };
        if let Some(address) = self.directory.find(&key) {
            return address;
        }
        let address = self.create(&key, sink);
        let (item_known, location_known) = match self.reference.tenant(tenant) {
            Some(reference) => (reference.item(sku).is_some(), reference.location(location).is_some()),
            None => (false, false),
        };
        if !item_known {
            self.mention(at, SubjectKind::Item, sku, sink);
        }
        if !location_known {
            self.mention(at, SubjectKind::Location, location, sink);
        }
        address
    }

    pub(super) fn supplier(&mut self, at: Routed<'_>, supplier: &Name, sink: &mut impl Sink) -> Address {
        let tenant = at.record.tenant;
        let key = EntityKey::Supplier { tenant, supplier: supplier.clone() };
        if let Some(address) = self.directory.find(&key) {
            return address;
        }
        let address = self.create(&key, sink);
        if self.reference.tenant(tenant).is_none_or(|reference| reference.supplier(supplier).is_none()) {
            self.mention(at, SubjectKind::Supplier, supplier, sink);
        }
        address
    }

    fn mention(&mut self, at: Routed<'_>, subject: SubjectKind, id: &Name, sink: &mut impl Sink) {
        let key = EntityKey::Subject { tenant: at.record.tenant, subject, id: id.clone() };
        if self.directory.find(&key).is_none() {
            let address = self.create(&key, sink);
            sink.deliver(address, at, &self.reference);
        }
    }

    pub(super) fn create(&mut self, key: &EntityKey, sink: &mut impl Sink) -> Address {
        let key = Arc::new(key.clone());
        let address = self.settle(&key);
        self.directory.insert(key.clone(), address);
        sink.create(address, &key);
        address
    }

    /// Gives an entity its address, by the order in which they come, and notes where it is.
    pub(super) fn settle(&mut self, key: &Arc<EntityKey>) -> Address {
        let shard = self.directory.shard_of(key);
        let slot = self.next_slot[usize::from(shard)];
        self.next_slot[usize::from(shard)] += 1;
        let address = Address { shard, slot };
        if let EntityKey::SkuLocation { tenant, location, .. } = &**key {
            self.by_location.entry((*tenant, location.clone())).or_default().push(address);
        }
        self.entities.push(key.clone());
        self.by_address[usize::from(shard)].push(key.clone());
        address
    }

    /// Who lives there.
    pub(super) fn entity_at(&self, address: Address) -> Option<&EntityKey> {
        self.by_address.get(usize::from(address.shard))?.get(address.slot as usize).map(Arc::as_ref)
    }

    fn expand(&self, affected: Affected) -> Option<Dirty> {
        let these = match affected {
            Affected::Everything => return Some(Dirty::Everyone),
            Affected::Tenant { tenant } => return Some(Dirty::Tenant(tenant)),
            Affected::Sku { tenant, sku } => self.directory.locations_of(tenant, &sku),
            Affected::Location { tenant, location } => {
                self.by_location.get(&(tenant, location)).cloned().unwrap_or_default()
            }
            Affected::SkuLocation { tenant, sku, location } => {
                self.directory.find(&EntityKey::SkuLocation { tenant, sku, location }).into_iter().collect()
            }
            Affected::SupplierAlone { tenant, supplier } => {
                self.directory.find(&EntityKey::Supplier { tenant, supplier }).into_iter().collect()
            }
            Affected::Supplier { tenant, supplier } => {
                let key = EntityKey::Supplier { tenant, supplier: supplier.clone() };
                let entity = self.directory.find(&key);
                let mut these: hashbrown::HashSet<Address, FixedState> = entity.into_iter().collect();
                if let Some(supplied) = entity.and_then(|entity| self.supplied_by.get(&entity)) {
                    these.extend(supplied.iter().map(|(place, ())| *place));
                }
                if let Some(reference) = self.reference.tenant(tenant) {
                    these.extend(reference.sourced_from(&supplier).filter_map(|(sku, location)| {
                        let key =
                            EntityKey::SkuLocation { tenant, sku: sku.clone(), location: location.clone() };
                        self.directory.find(&key)
                    }));
                }
                let mut these: Vec<Address> = these.into_iter().collect();
                these.sort_unstable();
                these
            }
        };
        (!these.is_empty()).then_some(Dirty::These(these))
    }
}

/// Adds an entity; a subject or case that is mentioned for the first time is made. A case also where there is no room: it
/// was decided on before that was known, and an exception is not left waiting for a case that is none.
fn whom_or_new(fold: &mut Fold, entity: &EntityKey, whom: &mut Addresses, sink: &mut impl Sink) {
    let address = fold.directory.find(entity).or_else(|| match entity {
        EntityKey::ApprovalCase { .. } => Some(fold.create(entity, sink)),
        EntityKey::Subject { .. } if fold.has_room_for(1) => Some(fold.create(entity, sink)),
        EntityKey::Subject { .. } => {
            fold.entities_refused += 1;
            None
        }
        EntityKey::SkuLocation { .. } | EntityKey::Supplier { .. } => None,
    });
    if let Some(address) = address {
        add(whom, address);
    }
}

pub(super) fn deliver_all(at: Routed<'_>, whom: &[Address], reference: &Reference, sink: &mut impl Sink) {
    for address in whom {
        sink.deliver(*address, at, reference);
    }
}
