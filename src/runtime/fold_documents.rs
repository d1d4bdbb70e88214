//! The fold of documents: orders, purchase orders, transfers, shipments, and what waits for them.

use smallvec::SmallVec;

use super::directory::Address;
use super::documents::{Addresses, DocumentKey, add};
use super::fold::{Fold, Routed, Sink, deliver_all};
use super::holding::Awaited;
use crate::domain::event::{
    DocumentKind, DocumentNamed, LineFulfilled, PurchaseOrder, PurchaseOrderLine, Shipment, Transfer,
};
use crate::domain::ids::{Name, TenantNumber};

impl Fold {
    /// Adds a line's place to the index and delivers to everyone the line concerns now.
    pub(super) fn place_and_deliver(
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
    pub(super) fn reach_line(
        &mut self,
        at: Routed<'_>,
        document: DocumentKey,
        line_id: &Name,
        sink: &mut impl Sink,
    ) {
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
    pub(super) fn fulfil(
        &mut self,
        at: Routed<'_>,
        tenant: TenantNumber,
        kind: DocumentKind,
        moved: &LineFulfilled,
        sink: &mut impl Sink,
    ) {
        let key = DocumentKey { tenant, kind, document: moved.document.clone() };
        let (mut whom, mut suppliers): (Addresses, Addresses) = match self.documents.get(&key) {
            Some(known) => (
                known.line(&moved.line_id).iter().copied().collect(),
                known.suppliers().iter().copied().collect(),
            ),
            None => Default::default(),
        };
        if let Some((sku, location)) = moved.place.whole() {
            let here = self.sku_location(at, sku, location, sink);
            add(&mut whom, here);
        }
        if whom.is_empty() {
            self.hold(at, Awaited { document: key, line_id: Some(moved.line_id.clone()) });
            return;
        }
        if suppliers.is_empty()
            && let Some(name) = &moved.supplier
        {
            suppliers.push(self.supplier(at, name, sink));
        }
        if let Some(known) = self.documents.get(&key) {
            add_all(&mut whom, known.followers());
        }
        deliver_all(at, &whom, &self.reference, sink);
        deliver_all(at, &suppliers, &self.reference, sink);
    }

    pub(super) fn purchase_order(
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
                let is_unknown = |line: &&PurchaseOrderLine| {
                    line.place.whole().is_none()
                        && known.as_ref().is_none_or(|known| known.line(&line.line_id).is_empty())
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
            if let Some((sku, location)) = line.place.whole() {
                places.push((index, self.sku_location(at, sku, location, sink)));
            }
        }
        let supplier = order.supplier.as_ref().map(|name| self.supplier(at, name, sink));
        let event_time = at.record.event_time;
        let (follower, asked_by) = self.asked_by(tenant, order.action_id.as_ref());
        let (mut whom, suppliers, joined, ended, followers) = self.documents.change(&key, |known| {
            known.follow(follower.as_slice());
            if let Some(supplier) = supplier {
                known.add_supplier(supplier);
            }
            let mut joined = Addresses::new();
            for (index, place) in &places {
                let new = known.place(&order.lines[*index].line_id, &[*place], event_time);
                new.into_iter().for_each(|address| {
                    add(&mut joined, address);
                });
            }
            let mut whom = if order.lines.is_empty() { known.everyone() } else { Addresses::new() };
            for address in order.lines.iter().flat_map(|line| known.line(&line.line_id)) {
                add(&mut whom, *address);
            }
            let suppliers: Addresses = known.suppliers().iter().copied().collect();
            let followers: Addresses = known.followers().iter().copied().collect();
            (whom, suppliers, joined, known.ended().cloned(), followers)
        });
        for supplier in &suppliers {
            let supplied = self.supplied_by.get(supplier);
            let is_new = |place: &&Address| supplied.is_none_or(|supplied| supplied.get(place).is_none());
            let new: Addresses = whom.iter().filter(is_new).copied().collect();
            if !new.is_empty() {
                let supplied = self.supplied_by.get_or_default(supplier);
                new.iter().for_each(|place| *supplied.get_or_default(place) = ());
            }
        }
        self.note_action(tenant, order.action_id.as_ref(), &whom);
        add_all(&mut whom, &followers);
        // Those that hold something for the action hear that its document is here, and nothing more of it.
        add_all(&mut whom, &asked_by);
        deliver_all(at, &whom, &self.reference, sink);
        deliver_all(at, &suppliers, &self.reference, sink);
        // The whole order ended before these lines were heard of: it has ended for them too.
        if let Some(ended) = &ended {
            deliver_all(Routed { record: ended, ..at }, &joined, &self.reference, sink);
        }
        self.release(&key, order.lines.iter().map(|line| &line.line_id));
    }

    pub(super) fn transfer(
        &mut self,
        at: Routed<'_>,
        tenant: TenantNumber,
        transfer: &Transfer,
        sink: &mut impl Sink,
    ) {
        let key =
            DocumentKey { tenant, kind: DocumentKind::Transfer, document: transfer.transfer_id.clone() };
        let mut places: SmallVec<[[Address; 2]; 2]> = SmallVec::new();
        for line in &transfer.lines {
            let from = self.sku_location(at, &line.sku, &line.from, sink);
            let to = self.sku_location(at, &line.sku, &line.to, sink);
            places.push([from, to]);
        }
        let event_time = at.record.event_time;
        let (follower, asked_by) = self.asked_by(tenant, transfer.action_id.as_ref());
        let (mut whom, joined, ended, followers) = self.documents.change(&key, |known| {
            known.follow(follower.as_slice());
            let (mut whom, mut joined) = (Addresses::new(), Addresses::new());
            for (line, place) in transfer.lines.iter().zip(&places) {
                for address in known.place(&line.line_id, place, event_time) {
                    add(&mut joined, address);
                }
                for address in known.line(&line.line_id) {
                    add(&mut whom, *address);
                }
            }
            let followers: Addresses = known.followers().iter().copied().collect();
            (whom, joined, known.ended().cloned(), followers)
        });
        self.note_action(tenant, transfer.action_id.as_ref(), &whom);
        add_all(&mut whom, &followers);
        // Those that hold something for the action hear that its document is here, and nothing more of it.
        add_all(&mut whom, &asked_by);
        deliver_all(at, &whom, &self.reference, sink);
        if let Some(ended) = &ended {
            deliver_all(Routed { record: ended, ..at }, &joined, &self.reference, sink);
        }
        self.release(&key, transfer.lines.iter().map(|line| &line.line_id));
    }

    /// A document ended, or one line of it.
    pub(super) fn end(
        &mut self,
        at: Routed<'_>,
        tenant: TenantNumber,
        kind: DocumentKind,
        named: &DocumentNamed,
        sink: &mut impl Sink,
    ) {
        let key = DocumentKey { tenant, kind, document: named.document.clone() };
        let (whom, suppliers): (Addresses, Addresses) = match self.documents.get(&key) {
            None => Default::default(),
            Some(known) => {
                let mut whom: Addresses = match &named.line_id {
                    None => known.everyone(),
                    Some(line_id) => known.line(line_id).iter().copied().collect(),
                };
                // Followers alone do not make a line known.
                if !whom.is_empty() {
                    add_all(&mut whom, known.followers());
                }
                (whom, known.suppliers().iter().copied().collect())
            }
        };
        if whom.is_empty() {
            self.hold(at, Awaited { document: key, line_id: named.line_id.clone() });
            return;
        }
        if named.line_id.is_none() {
            self.documents.change(&key, |known| known.end(at.record.clone()));
        }
        deliver_all(at, &whom, &self.reference, sink);
        deliver_all(at, &suppliers, &self.reference, sink);
    }

    pub(super) fn shipment(
        &mut self,
        at: Routed<'_>,
        tenant: TenantNumber,
        shipment: &Shipment,
        sink: &mut impl Sink,
    ) {
        let key =
            DocumentKey { tenant, kind: DocumentKind::Shipment, document: shipment.shipment_id.clone() };
        let (mut whom, mut suppliers) = (Addresses::new(), Addresses::new());
        for line in &shipment.lines {
            let document = DocumentKey { tenant, kind: line.document_kind, document: line.document.clone() };
            let known = self.documents.get(&document);
            let places: Addresses = known
                .as_ref()
                .map(|known| known.line(&line.line_id).iter().copied().collect())
                .unwrap_or_default();
            // Suppliers predict by its eta.
            known.iter().for_each(|known| add_all(&mut suppliers, known.suppliers()));
            drop(known);
            if places.is_empty() {
                self.hold(at, Awaited { document, line_id: Some(line.line_id.clone()) });
                return;
            }
            for address in places {
                add(&mut whom, address);
            }
        }
        if shipment.lines.is_empty() && self.documents.get(&key).is_none() {
            self.hold(at, Awaited { document: key, line_id: None });
            return;
        }
        add_all(&mut whom, &suppliers);
        let whom: Addresses = self.documents.change(&key, |known| {
            known.carry_for(&whom);
            known.carried_for().iter().copied().collect()
        });
        deliver_all(at, &whom, &self.reference, sink);
        self.release(&key, []);
    }

    /// The case that asked for an action, which hears of everything about the document that answers it; and all that hold
    /// something for it until that document is here.
    fn asked_by(&self, tenant: TenantNumber, action_id: Option<&Name>) -> (Option<Address>, Addresses) {
        let action = action_id.and_then(|action_id| self.actions.get(&(tenant, action_id.clone())));
        match action {
            Some(action) if action.case.is_some() => (action.case, action.whom.clone()),
            _ => Default::default(),
        }
    }

    /// Notes where the document is about of an action that no case asked for.
    fn note_action(&mut self, tenant: TenantNumber, action_id: Option<&Name>, whom: &[Address]) {
        if let Some(action_id) = action_id {
            self.actions.change((tenant, action_id.clone()), |action| {
                if action.case.is_none() {
                    add_all(&mut action.whom, whom);
                }
            });
        }
    }

    fn hold(&mut self, at: Routed<'_>, awaited: Awaited) {
        for (evicted, awaited) in self.holding.hold(at.record.clone(), awaited) {
            let document = &awaited.document.document;
            let detail = format!("nothing has said what `{document}` is about, and the holding area is full");
            self.refuse(&evicted, "unresolved_reference", detail);
        }
    }

    /// Lets go what waited for these lines of a document, or for the document as such. Released records take effect
    /// under the record that is being taken, in the order in which they came.
    pub(super) fn release<'n>(
        &mut self,
        document: &DocumentKey,
        line_ids: impl IntoIterator<Item = &'n Name>,
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
        self.released.extend(released);
    }
}

fn add_all(addresses: &mut Addresses, more: &[Address]) {
    more.iter().for_each(|address| {
        add(addresses, *address);
    });
}
