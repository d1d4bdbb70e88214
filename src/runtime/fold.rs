//! The dispatcher's fold: from records in LSN order to who must hear of them.
//!
//! Deterministic and free of I/O: the same records give the same Reference, the same document index and holding area,
//! the same entities at the same addresses. The live dispatcher, recovery and the rebuilding of a single entity all
//! run this code and differ only in their [`Sink`].

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use super::directory::{Address, Directory};
use super::documents::{Addresses, DocumentKey, Documents};
use super::holding::{Awaited, Holding};
use super::quarantine::{Quarantine, QuarantineEntry, QuarantineReason};
use crate::domain::event::{
    DocumentKind, DocumentNamed, EventData, LineFulfilled, PurchaseOrder, Shipment, Transfer,
};
use crate::domain::ids::{EntityKey, Lsn, Name, SubjectKind, TenantNumber};
use crate::domain::record::{Body, Record, SystemBody, Transition};
use crate::domain::reference::{Affected, Reference};
use crate::domain::time::Timestamp;

/// Where the fold's results go.
pub trait Sink {
    /// A new entity; its first delivery follows.
    fn create(&mut self, address: Address, key: &EntityKey);
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

/// Bounds of the fold's memory.
#[derive(Clone, Copy, Debug)]
pub struct FoldLimits {
    pub entities_max: usize,
    pub document_index_lines_max: usize,
    pub holding_events_max: usize,
    pub quarantine_entries_max: usize,
}

/// How much of its bounds the fold uses.
#[derive(Clone, Copy, Debug, Default)]
pub struct FoldUsage {
    pub document_lines: usize,
    pub documents_forgotten: u64,
    pub held: usize,
}

/// The fold and its state.
pub struct Fold {
    pub reference: Reference,
    pub documents: Documents,
    pub holding: Holding,
    pub quarantine: Arc<parking_lot::RwLock<Quarantine>>,
    directory: Arc<Directory>,
    entities_max: usize,
    next_slot: Vec<u32>,
    by_location: HashMap<(TenantNumber, Name), Vec<Address>, FixedState>,
    /// SKU-locations with purchase order lines of a supplier.
    supplied_by: HashMap<Address, hashbrown::HashSet<Address, FixedState>, FixedState>,
    /// Entities that hold something under an action id.
    actions: HashMap<(TenantNumber, Name), Addresses, FixedState>,
}

impl Fold {
    /// A fold that has seen nothing, with entities spread over `shards`.
    pub fn new(
        shards: u16,
        limits: FoldLimits,
        directory: Arc<Directory>,
        quarantine: Arc<parking_lot::RwLock<Quarantine>>,
    ) -> Fold {
        Fold {
            reference: Reference::default(),
            documents: Documents::new(limits.document_index_lines_max),
            holding: Holding::new(limits.holding_events_max),
            quarantine,
            directory,
            entities_max: limits.entities_max,
            next_slot: vec![0; usize::from(shards)],
            by_location: HashMap::default(),
            supplied_by: HashMap::default(),
            actions: HashMap::default(),
        }
    }

    /// Folds one record in and tells the sink who must hear of it.
    pub fn take(&mut self, record: &Arc<Record>, origin: Lsn, sink: &mut impl Sink) {
        let version = self.reference.version();
        let affected = self.reference.apply(record);
        if self.reference.version() != version {
            sink.reference_changed();
        }
        let at = Routed { record, lsn: record.lsn, business_time: record.business_time, origin };
        self.route(at, sink);
        for affected in affected {
            if let Some(whom) = self.expand(affected) {
                sink.dirty(whom, origin);
            }
        }
    }

    /// How much of its bounds it uses.
    pub fn usage(&self) -> FoldUsage {
        let (document_lines, documents_forgotten) = self.documents.usage();
        FoldUsage { document_lines, documents_forgotten, held: self.holding.len() }
    }

    fn route(&mut self, at: Routed<'_>, sink: &mut impl Sink) {
        let tenant = at.record.tenant;
        match &at.record.body {
            Body::Event { data, .. } => {
                if self.directory.len() >= self.entities_max && self.needs_new_entity(tenant, data) {
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
                if let Some(address) = self.directory.find(&body.entity) {
                    sink.deliver(address, at, &self.reference);
                }
            }
            Body::System(body) => {
                self.route_system(at, tenant, body);
                if let SystemBody::EntityQuarantined { entity, .. }
                | SystemBody::EntityReleased { entity, .. } = &**body
                    && let Some(address) = self.directory.find(entity)
                {
                    sink.deliver(address, at, &self.reference);
                }
            }
        }
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
            | SystemBody::ConfigurationActivated { .. } => {}
        }
    }

    fn route_event(&mut self, at: Routed<'_>, tenant: TenantNumber, data: &EventData, sink: &mut impl Sink) {
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
                self.release(at, &document, [&line.line_id], sink);
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
                if let crate::domain::event::SourceOfSupply::Supplier(supplier) = &sourcing.source {
                    self.reach_supplier(at, supplier, sink);
                }
            }
            EventData::ActionConfirmed(answer) | EventData::ActionRefused(answer) => {
                let whom = self.actions.get(&(tenant, answer.action_id.clone())).cloned().unwrap_or_default();
                deliver_all(at, &whom, &self.reference, sink);
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
            | EventData::Reserved => {}
        }
    }

    /// Whether an event mentions a SKU-location or supplier that is not live yet. Asked only at the limit.
    fn needs_new_entity(&self, tenant: TenantNumber, data: &EventData) -> bool {
        let mut places: Vec<(&Name, &Name)> = Vec::new();
        let mut suppliers: Vec<&Name> = Vec::new();
        match data {
            EventData::PosSale(sale) => places.push((&sale.sku, &sale.location)),
            EventData::PosReturn(returned) => places.push((&returned.sku, &returned.location)),
            EventData::InventoryCounted(count) => places.push((&count.sku, &count.location)),
            EventData::InventoryAdjusted(change) => places.push((&change.sku, &change.location)),
            EventData::ForecastPublished(forecast) => places.push((&forecast.sku, &forecast.location)),
            EventData::OrderLine(line) => places.push((&line.sku, &line.location)),
            EventData::OrderShipped(moved) | EventData::PurchaseOrderReceived(moved) => {
                places.extend(moved.place.as_ref().map(|(sku, location)| (sku, location)));
                suppliers.extend(&moved.supplier);
            }
            EventData::PurchaseOrder(order) => {
                places.extend(order.lines.iter().filter_map(|line| line.place.as_ref().map(|(s, l)| (s, l))));
                suppliers.extend(&order.supplier);
            }
            EventData::Transfer(transfer) => {
                places.extend(
                    transfer.lines.iter().flat_map(|line| [(&line.sku, &line.from), (&line.sku, &line.to)]),
                );
            }
            EventData::SourcingSet(sourcing) => places.push((&sourcing.sku, &sourcing.location)),
            EventData::SupplierDescribed(supplier) => suppliers.push(&supplier.supplier),
            EventData::SupplierDelayReported(report) => suppliers.push(&report.supplier),
            EventData::SupplierCapacityChanged(change) => suppliers.push(&change.supplier),
            _ => {}
        }
        places.into_iter().any(|(sku, location)| {
            let key = EntityKey::SkuLocation { tenant, sku: sku.clone(), location: location.clone() };
            self.directory.find(&key).is_none()
        }) || suppliers.into_iter().any(|supplier| {
            self.directory.find(&EntityKey::Supplier { tenant, supplier: supplier.clone() }).is_none()
        })
    }

    /// A record that can't take effect goes to quarantine.
    fn refuse(&mut self, record: &Record, code: &'static str, detail: String) {
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
    fn sku_location(&mut self, at: Routed<'_>, sku: &Name, location: &Name, sink: &mut impl Sink) -> Address {
        let tenant = at.record.tenant;
        let key = EntityKey::SkuLocation { tenant, sku: sku.clone(), location: location.clone() };
        if let Some(address) = self.directory.find(&key) {
            return address;
        }
        let address = self.create(&key, sink);
        self.by_location.entry((tenant, location.clone())).or_default().push(address);
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

    fn supplier(&mut self, at: Routed<'_>, supplier: &Name, sink: &mut impl Sink) -> Address {
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

    fn create(&mut self, key: &EntityKey, sink: &mut impl Sink) -> Address {
        let shard = self.directory.shard_of(key);
        let slot = self.next_slot[usize::from(shard)];
        self.next_slot[usize::from(shard)] += 1;
        let address = Address { shard, slot };
        self.directory.insert(key.clone(), address);
        sink.create(address, key);
        address
    }

    /// Adds a line's place to the index and delivers to everyone the line concerns now.
    fn place_and_deliver(
        &mut self,
        at: Routed<'_>,
        document: &DocumentKey,
        line_id: &Name,
        places: &[Address],
        sink: &mut impl Sink,
    ) {
        let event_time = at.record.event_time;
        let whom: Addresses = self.documents.change(document, |known| {
            known.place(line_id, places, event_time);
            known.line(line_id).iter().copied().collect()
        });
        deliver_all(at, &whom, &self.reference, sink);
    }

    /// Cancels one line by name.
    fn reach_line(&mut self, at: Routed<'_>, document: DocumentKey, line_id: &Name, sink: &mut impl Sink) {
        let whom: Addresses = self
            .documents
            .get(&document)
            .map(|known| known.line(line_id).iter().copied().collect())
            .unwrap_or_default();
        if whom.is_empty() {
            self.hold(at, Awaited { document, line_id: Some(line_id.clone()) });
        } else {
            deliver_all(at, &whom, &self.reference, sink);
        }
    }

    /// Goods moved against a line, which may be known by its document or told in the event.
    fn fulfil(
        &mut self,
        at: Routed<'_>,
        tenant: TenantNumber,
        kind: DocumentKind,
        moved: &LineFulfilled,
        sink: &mut impl Sink,
    ) {
        let key = DocumentKey { tenant, kind, document: moved.document.clone() };
        let (mut whom, supplier): (Addresses, Option<Address>) = match self.documents.get(&key) {
            Some(known) => (known.line(&moved.line_id).iter().copied().collect(), known.supplier),
            None => (Addresses::new(), None),
        };
        if let Some((sku, location)) = &moved.place {
            let here = self.sku_location(at, sku, location, sink);
            if !whom.contains(&here) {
                whom.push(here);
            }
        }
        if whom.is_empty() {
            self.hold(at, Awaited { document: key, line_id: Some(moved.line_id.clone()) });
            return;
        }
        let supplier = supplier.or_else(|| moved.supplier.as_ref().map(|name| self.supplier(at, name, sink)));
        deliver_all(at, &whom, &self.reference, sink);
        if let Some(supplier) = supplier {
            sink.deliver(supplier, at, &self.reference);
        }
    }

    fn purchase_order(
        &mut self,
        at: Routed<'_>,
        tenant: TenantNumber,
        order: &PurchaseOrder,
        sink: &mut impl Sink,
    ) {
        let key = DocumentKey { tenant, kind: DocumentKind::PurchaseOrder, document: order.po_id.clone() };
        // A record reaches an entity once, with all its lines: so it goes on only when every line has its place.
        let unknown = {
            let known = self.documents.get(&key);
            if order.lines.is_empty() && known.is_none() {
                Some(None)
            } else {
                let is_unknown = |line: &&crate::domain::event::PurchaseOrderLine| {
                    line.place.is_none() && known.is_none_or(|known| known.line(&line.line_id).is_empty())
                };
                order.lines.iter().find(is_unknown).map(|line| Some(line.line_id.clone()))
            }
        };
        if let Some(line_id) = unknown {
            self.hold(at, Awaited { document: key, line_id });
            return;
        }
        let mut places: SmallVec<[(usize, Address); 4]> = SmallVec::new();
        for (index, line) in order.lines.iter().enumerate() {
            if let Some((sku, location)) = &line.place {
                places.push((index, self.sku_location(at, sku, location, sink)));
            }
        }
        let supplier = order.supplier.as_ref().map(|name| self.supplier(at, name, sink));
        let event_time = at.record.event_time;
        let (whom, supplier, joined, ended) = self.documents.change(&key, |known| {
            let before = known.everyone();
            if known.supplier.is_none() {
                known.supplier = supplier;
            }
            for (index, place) in &places {
                known.place(&order.lines[*index].line_id, &[*place], event_time);
            }
            let mut whom = Addresses::new();
            let named = order.lines.iter().flat_map(|line| known.line(&line.line_id));
            let all = if order.lines.is_empty() { known.everyone() } else { Addresses::new() };
            for address in named.chain(&all) {
                if !whom.contains(address) {
                    whom.push(*address);
                }
            }
            let joined: Addresses = known.everyone().into_iter().filter(|a| !before.contains(a)).collect();
            (whom, known.supplier, joined, known.ended.clone())
        });
        if let Some(supplier) = supplier {
            self.supplied_by.entry(supplier).or_default().extend(whom.iter().copied());
        }
        self.note_action(tenant, order.action_id.as_ref(), &whom);
        deliver_all(at, &whom, &self.reference, sink);
        if let Some(supplier) = supplier {
            sink.deliver(supplier, at, &self.reference);
        }
        // The whole order ended before these lines were heard of: it has ended for them too.
        if let Some(ended) = &ended {
            deliver_all(Routed { record: ended, ..at }, &joined, &self.reference, sink);
        }
        self.release(at, &key, order.lines.iter().map(|line| &line.line_id), sink);
    }

    fn transfer(&mut self, at: Routed<'_>, tenant: TenantNumber, transfer: &Transfer, sink: &mut impl Sink) {
        let key =
            DocumentKey { tenant, kind: DocumentKind::Transfer, document: transfer.transfer_id.clone() };
        let mut places: SmallVec<[[Address; 2]; 2]> = SmallVec::new();
        for line in &transfer.lines {
            let from = self.sku_location(at, &line.sku, &line.from, sink);
            let to = self.sku_location(at, &line.sku, &line.to, sink);
            places.push([from, to]);
        }
        let event_time = at.record.event_time;
        let (whom, joined, ended) = self.documents.change(&key, |known| {
            let before = known.everyone();
            let mut whom = Addresses::new();
            for (line, place) in transfer.lines.iter().zip(&places) {
                known.place(&line.line_id, place, event_time);
                for address in known.line(&line.line_id) {
                    if !whom.contains(address) {
                        whom.push(*address);
                    }
                }
            }
            let joined: Addresses = known.everyone().into_iter().filter(|a| !before.contains(a)).collect();
            (whom, joined, known.ended.clone())
        });
        self.note_action(tenant, transfer.action_id.as_ref(), &whom);
        deliver_all(at, &whom, &self.reference, sink);
        if let Some(ended) = &ended {
            deliver_all(Routed { record: ended, ..at }, &joined, &self.reference, sink);
        }
        self.release(at, &key, transfer.lines.iter().map(|line| &line.line_id), sink);
    }

    /// A document ended, or one line of it.
    fn end(
        &mut self,
        at: Routed<'_>,
        tenant: TenantNumber,
        kind: DocumentKind,
        named: &DocumentNamed,
        sink: &mut impl Sink,
    ) {
        let key = DocumentKey { tenant, kind, document: named.document.clone() };
        let (whom, supplier) = match (self.documents.get(&key), &named.line_id) {
            (None, _) => (Addresses::new(), None),
            (Some(known), None) => (known.everyone(), known.supplier),
            (Some(known), Some(line_id)) => (known.line(line_id).iter().copied().collect(), known.supplier),
        };
        if whom.is_empty() {
            self.hold(at, Awaited { document: key, line_id: named.line_id.clone() });
            return;
        }
        if named.line_id.is_none() {
            self.documents.change(&key, |known| known.ended = Some(at.record.clone()));
        }
        deliver_all(at, &whom, &self.reference, sink);
        if let Some(supplier) = supplier {
            sink.deliver(supplier, at, &self.reference);
        }
    }

    fn shipment(&mut self, at: Routed<'_>, tenant: TenantNumber, shipment: &Shipment, sink: &mut impl Sink) {
        let key =
            DocumentKey { tenant, kind: DocumentKind::Shipment, document: shipment.shipment_id.clone() };
        let mut whom = Addresses::new();
        for line in &shipment.lines {
            let document = DocumentKey { tenant, kind: line.document_kind, document: line.document.clone() };
            let places =
                self.documents.get(&document).map(|known| known.line(&line.line_id)).unwrap_or_default();
            if places.is_empty() {
                self.hold(at, Awaited { document, line_id: Some(line.line_id.clone()) });
                return;
            }
            for address in places {
                if !whom.contains(address) {
                    whom.push(*address);
                }
            }
        }
        let is_known = self.documents.get(&key).is_some();
        if shipment.lines.is_empty() && !is_known {
            self.hold(at, Awaited { document: key, line_id: None });
            return;
        }
        let whom: Addresses = self.documents.change(&key, |known| {
            for address in whom {
                if !known.carried_for.contains(&address) {
                    known.carried_for.push(address);
                }
            }
            known.carried_for.clone()
        });
        deliver_all(at, &whom, &self.reference, sink);
        self.release(at, &key, [], sink);
    }

    fn note_action(&mut self, tenant: TenantNumber, action_id: Option<&Name>, whom: &[Address]) {
        if let Some(action_id) = action_id {
            self.actions.insert((tenant, action_id.clone()), whom.iter().copied().collect());
        }
    }

    fn hold(&mut self, at: Routed<'_>, awaited: Awaited) {
        if let Some((evicted, awaited)) = self.holding.hold(at.record.clone(), awaited) {
            let document = &awaited.document.document;
            let detail = format!("nothing has said what `{document}` is about, and the holding area is full");
            self.refuse(&evicted, "unresolved_reference", detail);
        }
    }

    /// Lets go what waited for these lines of a document, or for the document as such. Released records take effect
    /// here and now, in the order in which they came.
    fn release<'n>(
        &mut self,
        at: Routed<'_>,
        document: &DocumentKey,
        line_ids: impl IntoIterator<Item = &'n Name>,
        sink: &mut impl Sink,
    ) {
        if self.holding.is_empty() {
            return;
        }
        let mut released = self.holding.release(&Awaited { document: document.clone(), line_id: None });
        for line_id in line_ids {
            let awaited = Awaited { document: document.clone(), line_id: Some(line_id.clone()) };
            released.extend(self.holding.release(&awaited));
        }
        released.sort_by_key(|record| record.lsn);
        for record in &released {
            // It may wait for another line still: then it is held again.
            self.route(Routed { record, ..at }, sink);
        }
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
            Affected::Supplier { tenant, supplier } => {
                let key = EntityKey::Supplier { tenant, supplier: supplier.clone() };
                let entity = self.directory.find(&key);
                let mut these: hashbrown::HashSet<Address, FixedState> = entity.into_iter().collect();
                if let Some(supplied) = entity.and_then(|entity| self.supplied_by.get(&entity)) {
                    these.extend(supplied);
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

fn deliver_all(at: Routed<'_>, whom: &[Address], reference: &Reference, sink: &mut impl Sink) {
    for address in whom {
        sink.deliver(*address, at, reference);
    }
}
