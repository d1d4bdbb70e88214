//! How many entities an event would make, and whether there is room for them.

use foldhash::fast::FixedState;

use super::fold::Fold;
use crate::domain::event::{EventData, SourceOfSupply};
use crate::domain::ids::{EntityKey, Name, SubjectKind, TenantNumber};

impl Fold {
    /// Whether so many more entities may be made.
    pub(super) fn has_room_for(&self, more: usize) -> bool {
        let made: u64 = self.next_slot.iter().map(|slot| u64::from(*slot)).sum();
        made.saturating_add(more as u64) <= self.reference.settings().fold.entities_max as u64
    }

    /// How many entities an event would make: SKU-locations and suppliers, and what stands for things that nobody
    /// described.
    pub(super) fn new_entities(&self, tenant: TenantNumber, data: &EventData) -> usize {
        let mut new: hashbrown::HashSet<EntityKey, FixedState> = hashbrown::HashSet::default();
        let described = self.reference.tenant(tenant);
        let (places, suppliers) = mentioned(data);
        let subject = |subject, id: &Name| EntityKey::Subject { tenant, subject, id: id.clone() };
        for (sku, location) in places {
            let place = EntityKey::SkuLocation { tenant, sku: sku.clone(), location: location.clone() };
            if self.directory.find(&place).is_some() {
                continue;
            }
            new.insert(place);
            if described.is_none_or(|described| described.item(sku).is_none()) {
                new.insert(subject(SubjectKind::Item, sku));
            }
            if described.is_none_or(|described| described.location(location).is_none()) {
                new.insert(subject(SubjectKind::Location, location));
            }
        }
        for supplier in suppliers {
            let key = EntityKey::Supplier { tenant, supplier: supplier.clone() };
            if self.directory.find(&key).is_none() {
                new.insert(key);
                if described.is_none_or(|described| described.supplier(supplier).is_none()) {
                    new.insert(subject(SubjectKind::Supplier, supplier));
                }
            }
        }
        new.iter().filter(|key| self.directory.find(key).is_none()).count()
    }
}

/// The SKU-locations and suppliers that an event mentions.
fn mentioned(data: &EventData) -> (Vec<(&Name, &Name)>, Vec<&Name>) {
    let mut places: Vec<(&Name, &Name)> = Vec::new();
    let mut suppliers: Vec<&Name> = Vec::new();
    match data {
        EventData::PosSale(sale) => places.push((&sale.sku, &sale.location)),
        EventData::PosReturn(returned) => places.push((&returned.sku, &returned.location)),
        EventData::InventoryCounted(count) => places.push((&count.sku, &count.location)),
        EventData::InventoryAdjusted(change) => places.push((&change.sku, &change.location)),
        EventData::ForecastPublished(forecast) => places.push((&forecast.sku, &forecast.location)),
        EventData::OrderLine(line) => places.push((&line.sku, &line.location)),
        EventData::OrderShipped(moved)
        | EventData::PurchaseOrderReceived(moved)
        | EventData::TransferDispatched(moved)
        | EventData::TransferReceived(moved) => {
            places.extend(moved.place.whole());
            suppliers.extend(&moved.supplier);
        }
        EventData::PurchaseOrder(order) => {
            places.extend(order.lines.iter().filter_map(|line| line.place.whole()));
            suppliers.extend(&order.supplier);
        }
        EventData::Transfer(transfer) => {
            let lines = transfer.lines.iter();
            places.extend(lines.flat_map(|line| [(&line.sku, &line.from), (&line.sku, &line.to)]));
        }
        EventData::SourcingSet(sourcing) => {
            places.push((&sourcing.sku, &sourcing.location));
            if let SourceOfSupply::Supplier(supplier) = &sourcing.source {
                suppliers.push(supplier);
            }
        }
        EventData::SupplierDescribed(supplier) => suppliers.push(&supplier.supplier),
        EventData::SupplierDelayReported(report) => suppliers.push(&report.supplier),
        EventData::SupplierCapacityChanged(change) => suppliers.push(&change.supplier),
        _ => {}
    }
    (places, suppliers)
}

/// As many entities as an event can make, without looking at what it mentions: each line two places and three things that
/// nobody described, each document a supplier.
pub(super) fn at_most_new(data: &EventData) -> usize {
    let lines = match data {
        EventData::PurchaseOrder(order) => order.lines.len(),
        EventData::Transfer(transfer) => transfer.lines.len(),
        _ => 1,
    };
    5 * lines + 2
}
