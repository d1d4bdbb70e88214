//! The kinds of tables that can be imported: their fields, what other systems call them, and the events they become.

use super::cell::WithoutTime;

/// One kind of table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum)]
pub enum Kind {
    Items,
    Locations,
    Suppliers,
    Customers,
    Lanes,
    Sourcing,
    PurchaseOrders,
    Sales,
    Orders,
    Stock,
}

/// What a cell holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    Text,
    /// A decimal number.
    Number,
    Whole,
    Price,
    Moment(WithoutTime),
    Bool,
    /// A way from the top, `Food > Dairy > Milk`.
    Path,
}

/// One field of a kind.
#[derive(Debug)]
pub struct Field {
    /// Its name in the event's data, or the name of the two-field thing that [`super::row`] makes of it.
    pub name: &'static str,
    pub field_type: FieldType,
    pub required: bool,
    /// What other systems call it, in small letters and digits only.
    pub aliases: &'static [&'static str],
}

/// A kind of table: which events its rows become, and from which fields.
#[derive(Debug)]
pub struct Definition {
    pub kind: Kind,
    pub name: &'static str,
    pub event_type: &'static str,
    /// Words that name such a file.
    pub file_words: &'static [&'static str],
    pub fields: &'static [Field],
}

const fn needed(name: &'static str, field_type: FieldType, aliases: &'static [&'static str]) -> Field {
    Field { name, field_type, required: true, aliases }
}

const fn optional(name: &'static str, field_type: FieldType, aliases: &'static [&'static str]) -> Field {
    Field { name, field_type, required: false, aliases }
}

use FieldType::{Bool, Moment, Number, Path, Price, Text, Whole};
const AT: FieldType = Moment(WithoutTime::Start);
const UNTIL: FieldType = Moment(WithoutTime::End);

const SKU: &[&str] = &[
    "item",
    "itemid",
    "itemno",
    "itemnumber",
    "itemcode",
    "article",
    "articleno",
    "articlenumber",
    "artikel",
    "artikelnr",
    "artikelnummer",
    "material",
    "materialnumber",
    "matnr",
    "product",
    "productid",
    "productcode",
    "productsku",
    "variantsku",
    "lineitemsku",
    "partnumber",
    "skuid",
    "skucode",
    "stockcode",
    "ean",
    "gtin",
];
const LOCATION: &[&str] = &[
    "locationid",
    "locationcode",
    "site",
    "siteid",
    "store",
    "storeid",
    "storeno",
    "storenumber",
    "shop",
    "warehouse",
    "warehouseid",
    "warehousecode",
    "plant",
    "werk",
    "werks",
    "werknr",
    "lager",
    "lagerort",
    "filiale",
    "filialnr",
    "depot",
    "dc",
    "branch",
    "fulfillmentlocation",
    "stocklocation",
];
const QUANTITY: &[&str] = &[
    "qty",
    "amountordered",
    "orderedquantity",
    "orderqty",
    "orderquantity",
    "qtyordered",
    "menge",
    "units",
    "lineitemquantity",
    "pieces",
];
const SUPPLIER: &[&str] = &[
    "supplierid",
    "suppliercode",
    "supplierno",
    "vendor",
    "vendorid",
    "vendorno",
    "lieferant",
    "lieferantennr",
    "lifnr",
    "creditor",
    "manufacturer",
];
const NAME: &[&str] =
    &["description", "title", "bezeichnung", "text", "label", "itemname", "productname", "maktx"];
const CURRENCY: &[&str] = &["currencycode", "waehrung", "wahrung", "curr", "waers"];
const UNIT_PRICE: &[&str] = &[
    "price",
    "salesprice",
    "listprice",
    "rrp",
    "retailprice",
    "preis",
    "vk",
    "vkpreis",
    "variantprice",
    "lineitemprice",
];
const UNIT_COST: &[&str] = &[
    "cost",
    "costprice",
    "purchaseprice",
    "standardcost",
    "cogs",
    "ek",
    "ekpreis",
    "netpr",
    "costperitem",
    "einkaufspreis",
];
const PROMISED: &[&str] = &[
    "promised",
    "promiseddate",
    "duedate",
    "due",
    "deliverydate",
    "expecteddate",
    "expectedat",
    "confirmeddate",
    "liefertermin",
    "eindt",
];
const REQUESTED: &[&str] = &["requested", "requesteddate", "requireddate", "wunschtermin", "needby"];
const PACK: &[&str] = &[
    "packsize",
    "casesize",
    "caseqty",
    "caseunits",
    "roundingvalue",
    "orderunitquantity",
    "ve",
    "verpackungseinheit",
];
const LEAD_TIME: &[&str] =
    &["leadtime", "leadtimeindays", "lieferzeit", "wiederbeschaffungszeit", "plifz", "replenishmentleadtime"];
const TIME: &[&str] =
    &["date", "datum", "createdat", "orderdate", "timestamp", "at", "erdat", "budat", "paidat"];
const LINE_ID: &[&str] = &["line", "lineno", "linenumber", "position", "pos", "posnr", "ebelp", "lineitemid"];
const CUSTOMER: &[&str] =
    &["customerid", "customerno", "client", "kunde", "kundennr", "kunnr", "email", "account", "soldto"];
const TIMEZONE: &[&str] = &["tz", "zone", "zeitzone"];

/// Every kind, in the order in which they are sent: what is described comes before what happens to it.
pub const KINDS: [Definition; 10] = [
    Definition {
        kind: Kind::Items,
        name: "items",
        event_type: "item.described",
        file_words: &[
            "item",
            "items",
            "article",
            "articles",
            "artikel",
            "product",
            "products",
            "material",
            "materials",
            "skus",
            "catalogue",
            "catalog",
            "mara",
        ],
        fields: &[
            needed("sku", Text, SKU),
            optional("name", Text, NAME),
            optional(
                "path",
                Path,
                &[
                    "category",
                    "categories",
                    "hierarchy",
                    "group",
                    "productgroup",
                    "warengruppe",
                    "matkl",
                    "productcategory",
                    "type",
                ],
            ),
            optional("brand", Text, &["marke", "maker"]),
            optional("unit_cost", Price, UNIT_COST),
            optional("unit_price", Price, UNIT_PRICE),
            optional("currency", Text, CURRENCY),
            optional("uom", Text, &["unit", "unitofmeasure", "baseunit", "me", "meins", "mengeneinheit"]),
            optional("pack", Number, PACK),
            optional("shelf_life_days", Whole, &["shelflife", "haltbarkeit", "mhd", "mhdhb"]),
        ],
    },
    Definition {
        kind: Kind::Locations,
        name: "locations",
        event_type: "location.described",
        file_words: &[
            "location",
            "locations",
            "sites",
            "stores",
            "warehouses",
            "filialen",
            "plants",
            "werke",
            "depots",
        ],
        fields: &[
            needed("location", Text, LOCATION),
            optional("name", Text, NAME),
            optional("kind", Text, &["type", "locationtype", "art"]),
            optional("path", Path, &["region", "area", "district", "gebiet"]),
            optional("lat", Number, &["latitude", "breite", "breitengrad"]),
            optional("lon", Number, &["lng", "long", "longitude", "laenge", "laengengrad"]),
            optional("timezone", Text, TIMEZONE),
        ],
    },
    Definition {
        kind: Kind::Suppliers,
        name: "suppliers",
        event_type: "supplier.described",
        file_words: &["supplier", "suppliers", "vendor", "vendors", "lieferanten", "lfa1"],
        fields: &[
            needed("supplier", Text, SUPPLIER),
            optional("name", Text, NAME),
            optional("lead_time_days", Number, LEAD_TIME),
            optional("lead_time_sd_days", Number, &["leadtimesd", "leadtimedeviation", "leadtimestddev"]),
            optional("ack_within_hours", Number, &["acknowledgewithinhours", "ackhours"]),
            optional("timezone", Text, TIMEZONE),
        ],
    },
    Definition {
        kind: Kind::Customers,
        name: "customers",
        event_type: "customer.described",
        file_words: &["customer", "customers", "kunden", "clients", "accounts"],
        fields: &[
            needed("customer", Text, CUSTOMER),
            optional("tier", Text, &["class", "segment", "group", "kundengruppe", "priority"]),
            optional("contact_ref", Text, &["contact", "crmid", "contactid"]),
            optional("language", Text, &["lang", "sprache"]),
            optional("account_owner", Text, &["owner", "salesperson", "accountmanager", "betreuer"]),
        ],
    },
    Definition {
        kind: Kind::Lanes,
        name: "lanes",
        event_type: "lane.described",
        file_words: &["lane", "lanes", "routes", "transportlanes"],
        fields: &[
            needed("from", Text, &["origin", "fromlocation", "source", "von"]),
            needed("to", Text, &["destination", "tolocation", "target", "nach"]),
            needed("transit_days", Number, &["transittime", "days", "duration", "transit", "laufzeit"]),
            optional("cost_per_unit", Price, &["cost", "unitcost", "freight"]),
            optional("currency", Text, CURRENCY),
            optional("min_quantity", Number, &["minimum", "minimumquantity", "moq"]),
        ],
    },
    Definition {
        kind: Kind::Sourcing,
        name: "sourcing",
        event_type: "sourcing.set",
        file_words: &["sourcing", "sources", "sourcelist", "bezugsquellen", "inforecords", "replenishment"],
        fields: &[
            needed("sku", Text, SKU),
            needed("location", Text, LOCATION),
            needed("supplier", Text, SUPPLIER),
            optional("rank", Whole, &["priority", "preference", "rang"]),
            optional("lead_time_days", Number, LEAD_TIME),
            optional(
                "moq",
                Number,
                &["minimumorderquantity", "minorderqty", "minimumquantity", "mindestbestellmenge", "minbm"],
            ),
            optional("pack", Number, PACK),
            optional("unit_cost", Price, UNIT_COST),
        ],
    },
    Definition {
        kind: Kind::PurchaseOrders,
        name: "purchase_orders",
        event_type: "purchase_order.placed",
        file_words: &[
            "purchaseorder",
            "purchaseorders",
            "purchases",
            "po",
            "pos",
            "bestellungen",
            "openpos",
            "openpurchaseorders",
            "ekpo",
        ],
        fields: &[
            needed(
                "po_id",
                Text,
                &[
                    "po",
                    "ponumber",
                    "purchaseorder",
                    "purchaseorderid",
                    "purchaseordernumber",
                    "orderid",
                    "ordernumber",
                    "ebeln",
                    "bestellnummer",
                    "bestellnr",
                    "bestellung",
                ],
            ),
            optional("line_id", Text, LINE_ID),
            needed("sku", Text, SKU),
            needed("location", Text, LOCATION),
            needed("quantity", Number, QUANTITY),
            optional("supplier", Text, SUPPLIER),
            optional("promised_at", UNTIL, PROMISED),
            optional("unit_cost", Price, UNIT_COST),
            optional("currency", Text, CURRENCY),
            optional(
                "received",
                Number,
                &["receivedquantity", "qtyreceived", "quantityreceived", "delivered", "geliefert", "wemng"],
            ),
            optional("time", AT, TIME),
        ],
    },
    Definition {
        kind: Kind::Sales,
        name: "sales",
        event_type: "pos.sale",
        file_words: &[
            "sale",
            "sales",
            "pos",
            "transactions",
            "umsatz",
            "verkaeufe",
            "receipts",
            "bons",
            "tills",
        ],
        fields: &[
            needed("sku", Text, SKU),
            needed("location", Text, LOCATION),
            needed("quantity", Number, QUANTITY),
            needed("time", AT, TIME),
            optional("unit_price", Price, UNIT_PRICE),
            optional("currency", Text, CURRENCY),
            optional("channel", Text, &["saleschannel", "kanal"]),
        ],
    },
    Definition {
        kind: Kind::Orders,
        name: "orders",
        event_type: "order.placed",
        file_words: &["order", "orders", "salesorders", "customerorders", "openorders", "auftraege", "vbap"],
        fields: &[
            needed(
                "order_id",
                Text,
                &[
                    "order",
                    "orderno",
                    "ordernumber",
                    "salesorder",
                    "salesorderid",
                    "auftrag",
                    "auftragsnr",
                    "auftragsnummer",
                    "vbeln",
                ],
            ),
            optional("line_id", Text, LINE_ID),
            needed("sku", Text, SKU),
            needed("location", Text, LOCATION),
            needed("quantity", Number, QUANTITY),
            optional(
                "shipped",
                Number,
                &[
                    "shippedquantity",
                    "qtyshipped",
                    "quantityshipped",
                    "fulfilled",
                    "fulfilledquantity",
                    "geliefert",
                ],
            ),
            optional("customer", Text, CUSTOMER),
            optional("channel", Text, &["saleschannel", "kanal"]),
            optional("promised_at", UNTIL, PROMISED),
            optional("requested_at", UNTIL, REQUESTED),
            optional("priority", Whole, &["prio", "prioritaet"]),
            optional("unit_price", Price, UNIT_PRICE),
            optional("currency", Text, CURRENCY),
            optional("ship_complete", Bool, &["completedelivery", "komplettlieferung"]),
            optional("time", AT, TIME),
        ],
    },
    Definition {
        kind: Kind::Stock,
        name: "stock",
        event_type: "inventory.counted",
        file_words: &[
            "stock",
            "stocks",
            "inventory",
            "onhand",
            "bestand",
            "bestaende",
            "lagerbestand",
            "counts",
            "balances",
            "mard",
        ],
        fields: &[
            needed("sku", Text, SKU),
            needed("location", Text, LOCATION),
            needed(
                "on_hand",
                Number,
                &[
                    "quantity",
                    "qty",
                    "quantityonhand",
                    "stock",
                    "stocklevel",
                    "available",
                    "bestand",
                    "menge",
                    "labst",
                    "soh",
                    "physicalstock",
                    "inventoryquantity",
                ],
            ),
            optional("status", Text, &["stockstatus", "stocktype"]),
            optional("time", AT, TIME),
        ],
    },
];

impl Kind {
    pub fn definition(self) -> &'static Definition {
        // The kinds are declared in the order of the table, which a test holds them to.
        &KINDS[self as usize]
    }
}

impl Definition {
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_their_definitions_stand_in_one_order() {
        for definition in &KINDS {
            assert_eq!(definition.kind.definition().name, definition.name);
        }
    }

    #[test]
    fn no_field_of_a_kind_shares_a_name_with_another() {
        for definition in &KINDS {
            let names = |field: &Field| {
                let own = field.name.replace('_', "");
                field.aliases.iter().map(|alias| (*alias).to_owned()).chain([own]).collect::<Vec<_>>()
            };
            let mut all: Vec<String> = definition.fields.iter().flat_map(names).collect();
            let count = all.len();
            all.sort();
            all.dedup();
            assert_eq!(all.len(), count, "{}", definition.name);
        }
    }
}
