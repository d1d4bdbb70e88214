//! What follows the documents of the stand-in ERP: transfers are driven, and what was ordered comes.
//!
//! The stand-in makes documents and stops there. The story's warehouses do what the documents say, on the day they say:
//! a transfer leaves at once and is received when it was promised, an order comes in full on its promise, and what was
//! expedited of the season's order comes on its new day.

use std::collections::BTreeSet;

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::flow::Flow;
use super::season;
use super::world::Told;
use crate::cli::client::{Client, ClientError};
use crate::cli::demo::DemoError;
use crate::cli::demo::carriage::Stream;
use crate::cli::demo::dataset::Millilitres;
use crate::cli::demo::events::{Lines, SOURCE};
use crate::cli::demo::simulation::TIME_ZONE;

/// An event of the future, and the goods that move with it, in the world's own books.
#[derive(Debug, Clone)]
pub struct Booked {
    pub told: Told,
    pub moves: Option<(String, String, Millilitres)>,
}

/// Documents that were seen to.
#[derive(Debug, Default)]
pub struct Warehouse {
    seen: BTreeSet<String>,
}

/// The documents of the stand-in ERP, each with the request that it follows.
pub async fn documents(erp: &Client) -> Result<Vec<Value>, ClientError> {
    let documents: Value = erp.get_json("/documents").await?;
    let actions: Value = erp.get_json("/actions").await?;
    let actions = items(&actions);
    let with_request = |document: &Value| {
        let request = actions.iter().find(|action| action["request"]["action_id"] == document["action_id"]);
        let mut document = document.clone();
        document["at"] = request.map_or(Value::Null, |action| action["at"].clone());
        document["request"] = request.map_or(Value::Null, |action| action["request"].clone());
        document
    };
    Ok(items(&documents).iter().map(with_request).collect())
}

/// The items of a list; none of what is no list.
pub fn items(list: &Value) -> &[Value] {
    list["items"].as_array().map_or(&[], Vec::as_slice)
}

impl Warehouse {
    /// Sees to the documents that are new.
    pub async fn follow(&mut self, documents: &[Value], flow: &mut Flow) -> Result<(), DemoError> {
        for document in documents {
            let action = document["action_id"].as_str().unwrap_or_default();
            if action.is_empty() || self.seen.contains(action) {
                continue;
            }
            self.seen.insert(action.to_owned());
            self.see_to(document, flow).await?;
        }
        Ok(())
    }

    async fn see_to(&self, document: &Value, flow: &mut Flow) -> Result<(), DemoError> {
        let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
        let (id, line_id, sku, to) = (text("id"), text("line_id"), text("sku"), text("location"));
        let quantity = document["quantity"].as_f64().unwrap_or_default();
        let millilitres = (quantity * 1_000.0).round() as i64;
        let now = flow.now();
        let promised = text("promised_at").parse::<Timestamp>().unwrap_or(now).max(now);
        let request = &document["request"];
        let moved = json!({"transfer_id": id, "line_id": line_id, "quantity": quantity});
        match request["kind"].as_str().unwrap_or_default() {
            "transfer" => {
                let from = request["from"].as_str().unwrap_or_default().to_owned();
                let leaves = (sku.clone(), from, Millilitres(-millilitres));
                flow.book(booked("transfer.dispatched", &id, "dispatched", now, &moved, leaves)?);
                let comes = (sku, to, Millilitres(millilitres));
                flow.book(booked("transfer.received", &id, "received", promised, &moved, comes)?);
            }
            "order" => {
                let data = json!({
                    "po_id": id, "line_id": line_id, "supplier": request["supplier"], "sku": sku, "location": to,
                    "quantity": quantity,
                });
                let comes = (sku, to, Millilitres(millilitres));
                flow.book(booked("purchase_order.received", &id, "received", promised, &data, comes)?);
            }
            "expedite" if id == season::PO_ID => {
                let zone = jiff::tz::TimeZone::get(TIME_ZONE)?;
                flow.world().reschedule(&line_id, promised.to_zoned(zone).date()).await?;
            }
            _ => {}
        }
        Ok(())
    }
}

fn booked(
    kind: &'static str,
    document: &str,
    step: &str,
    at: Timestamp,
    data: &Value,
    moves: (String, String, Millilitres),
) -> Result<Booked, DemoError> {
    // The clock is at `at` already where that is now: the event belongs right behind it.
    let at = at.checked_add(1.second())?;
    let mut lines = Lines::default();
    lines.push(kind, SOURCE, &format!("{document}-{step}"), at, data);
    Ok(Booked { told: Told { at, lines, stream: Stream::Derived }, moves: Some(moves) })
}
