//! How far each step is: found out from the tower and the stand-in ERP alone, except for what was refused, which leaves
//! no trace there and is remembered.

use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::act::{self, Call};
use super::scenario::{Scenario, Step};
use super::season;
use super::stage::{Note, Said, Stage, word};
use crate::cli::demo::events::sku;

pub const PROMOTION_ID: &str = "winter-jack-in-the-west";
/// The centres of the promotion's region.
pub const WEST: [&str; 2] = ["dc-council-bluffs", "dc-sioux-city"];
/// The place that the spike step looks at.
const SPIKE_AT: &str = "dc-waterloo";
/// Customers' orders that are named.
const ORDERS_NAMED: usize = 6;
const ALL_STATES: &str =
    "state=open&state=acknowledged&state=in_case&state=snoozed&state=resolved&state=cleared";

/// What there is to see at one moment.
pub struct Picture {
    pub now: Timestamp,
    /// The exception at the top; null before it is there.
    pub cause: Value,
    /// What stands under it.
    pub affected: Vec<Value>,
    /// The case; null before there is one.
    pub case: Value,
    /// The ERP's documents.
    pub documents: Vec<Value>,
    /// The item at all centres.
    pub places: Vec<Value>,
    /// Customers' open orders of the item at the affected places.
    pub orders: Vec<Value>,
}

/// How far a step is.
pub struct Found {
    pub state: &'static str,
    pub detail: Option<String>,
    pub ms: Option<u64>,
    pub look_at: Option<String>,
    pub call: Option<Call>,
}

impl Picture {
    pub async fn take(stage: &Stage) -> Said<Self> {
        let types = match stage.scenario {
            Scenario::SpikeAndDelay => "type=purchase_late_predicted&type=purchase_late",
            Scenario::RegionalPromotion => "type=promotion_uncovered",
        };
        let found =
            stage.list(&format!("/api/v1/exceptions?{types}&{ALL_STATES}&grouped=false&limit=1000")).await?;
        let is_cause = |one: &&Value| match stage.scenario {
            Scenario::SpikeAndDelay => one["subject"]["po_id"] == season::PO_ID,
            Scenario::RegionalPromotion => {
                one["subject"]["promotion_id"] == PROMOTION_ID && one["subject"]["kind"] == "promotion"
            }
        };
        // Of several the one that is not over, and that was there first.
        let mut causes: Vec<&Value> = found.iter().filter(is_cause).collect();
        causes.sort_by_key(|one| (!one["cleared_at"].is_null(), word(one, "opened_at").to_owned()));
        let cause = causes.first().map_or(Value::Null, |one| (*one).clone());
        let affected = match cause["id"].as_str() {
            Some(id) => stage.list(&format!("/api/v1/exceptions/{id}/affected?limit=100")).await?,
            None => Vec::new(),
        };
        let known = stage.notes.lock().case_id.clone();
        let case_id =
            known.or_else(|| causes.iter().find_map(|one| one["case_id"].as_str()).map(str::to_owned));
        let case = match &case_id {
            Some(id) => stage.get(&format!("/api/v1/cases/{id}")).await?,
            None => Value::Null,
        };
        stage.notes.lock().case_id = case_id;
        let item = sku(season::ITEM);
        let places = stage.list(&format!("/api/v1/sku-locations?sku={item}&limit=100")).await?;
        let mut orders = Vec::new();
        let mut short: Vec<&str> = affected
            .iter()
            .map(|one| word(&one["subject"], "location"))
            .filter(|at| !at.is_empty())
            .collect();
        short.sort_unstable();
        short.dedup();
        for location in short {
            let path = format!("/api/v1/orders?sku={item}&location={location}&is_open=true&limit=100");
            orders.extend(stage.list(&path).await?);
        }
        // Also open are those of which only other items are missing.
        orders.retain(|order| open_of(order) > 0.0);
        let stats = stage.get("/api/v1/stats").await?;
        let now = word(&stats, "business_time").parse::<Timestamp>().map_err(|error| error.to_string())?;
        let documents = stage.documents().await?;
        Ok(Self { now, cause, affected, case, documents, places, orders })
    }

    pub fn place(&self, location: &str) -> &Value {
        self.places.iter().find(|place| place["location"] == location).unwrap_or(&Value::Null)
    }

    pub fn options(&self) -> &[Value] {
        self.case["options"].as_array().map_or(&[], Vec::as_slice)
    }

    pub fn option_of(&self, kind: &str) -> Option<&Value> {
        self.options().iter().find(|option| option["kind"] == kind && option["edited_by"].is_null())
    }

    pub fn edited(&self) -> Option<&Value> {
        self.options().iter().rev().find(|option| !option["edited_by"].is_null())
    }

    pub fn version(&self) -> Option<u64> {
        self.case["version"].as_u64()
    }

    fn actions(&self) -> &[Value] {
        self.case["actions"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The documents of an action.
    fn documents_of<'a>(&'a self, action: &'a Value) -> impl Iterator<Item = &'a Value> {
        self.documents.iter().filter(|document| document["action_id"] == action["id"])
    }

    fn is_decided(&self) -> bool {
        !self.case["approved_at"].is_null()
    }

    /// What is done of a step, in words; `None` if it is not.
    fn done(&self, step: Step, note: Option<&Note>, plugged: Option<u64>) -> Option<String> {
        let noted = || note.filter(|note| note.is_good).map(|note| note.detail.clone());
        match step {
            Step::Spike => {
                let place = self.place(SPIKE_AT);
                let (open, have) = (place["reserved"].as_f64()?, place["on_hand"].as_f64()?);
                (open > have || !self.cause.is_null())
                    .then(|| format!("{SPIKE_AT}: {open} litres ordered, {have} on hand"))
            }
            Step::DelayNotice | Step::Promotion => (!self.cause.is_null()).then(|| {
                let said = word(&self.cause, "cause");
                let value = money(&self.cause["value_at_risk"]);
                note.map_or_else(|| format!("{value} at risk. {said}"), |note| note.detail.clone())
            }),
            Step::Group => (!self.case.is_null() && !self.affected.is_empty()).then(|| self.named()),
            Step::Compare => (!self.cause.is_null()).then(|| self.compared()),
            Step::OpenCase => (!self.case.is_null()).then(|| word(&self.case, "title").to_owned()),
            Step::Options => (self.options().len() > 1).then(|| self.costed()),
            Step::Edit => self.edited().map(|option| self.both_sides(option)),
            Step::Choose => (!self.case["chosen_option"].is_null()).then(|| {
                let required = self.case["required"].as_array().map_or(&[][..], Vec::as_slice);
                let roles: Vec<&str> = required.iter().map(|one| word(one, "role")).collect();
                format!("chosen by {}; must agree: {}", word(&self.case["proposed_by"], "id"), roles.join(", "))
            }),
            Step::OwnApproval | Step::StaleApproval => noted(),
            Step::FactsMove => noted(),
            Step::Approve => self.is_decided().then(|| {
                let votes = self.case["votes"].as_array().map_or(&[][..], Vec::as_slice);
                let names: Vec<&str> = votes.iter().map(|vote| word(vote, "by")).collect();
                format!("approved by {}", names.join(" and "))
            }),
            Step::Document => {
                let actions = self.actions();
                let each_once = actions.iter().all(|action| self.documents_of(action).count() == 1);
                (!actions.is_empty() && each_once).then(|| {
                    let of = actions.iter().flat_map(|action| self.documents_of(action));
                    let ids: Vec<String> = of
                        .map(|document| {
                            let (kind, id) = (word(document, "kind"), word(document, "id"));
                            format!("{} {id}: {} to {}", kind.replace('_', " "), document["quantity"], word(document, "location"))
                        })
                        .collect();
                    format!("each action once: {}", ids.join("; "))
                })
            }
            Step::Plug => noted().or_else(|| plugged.map(|ms| format!("back after {ms} ms"))),
            Step::Trail => self.is_decided().then(|| {
                let timeline = self.case["timeline"].as_array().map_or(&[][..], Vec::as_slice);
                let kinds: Vec<String> =
                    timeline.iter().map(|entry| format!("{} by {}", word(entry, "kind"), word(entry, "by"))).collect();
                format!("{} entries: {}", kinds.len(), kinds.join(", "))
            }),
            Step::Result => (!self.case["outcome"].is_null()).then(|| {
                let outcome = &self.case["outcome"];
                let nothing = self.option_of("do_nothing").map_or_else(String::new, |option| {
                    let effects = option["effects"].as_array().map_or(&[][..], Vec::as_slice);
                    let short: f64 = effects.iter().filter_map(|one| one["before"]["units_short"].as_f64()).sum();
                    format!("; doing nothing was expected to leave {short:.0} litres short")
                });
                let (cost, benefit) = (money(&outcome["expected_cost"]), money(&outcome["expected_benefit"]));
                let (result, detail) = (word(outcome, "result"), word(outcome, "detail"));
                let short: f64 = self.places.iter().filter_map(|place| place["backorders"].as_f64()).sum();
                format!(
                    "{result}: {detail}; it was to cost {cost} and to save {benefit}{nothing}; backordered now: {short} litres"
                )
            }),
            Step::OwnData => None,
        }
    }

    /// The places and customers that are affected.
    fn named(&self) -> String {
        let mut places: Vec<&str> =
            self.affected.iter().map(|one| word(&one["subject"], "location")).collect();
        places.sort_unstable();
        places.dedup();
        let orders: Vec<String> = self
            .orders
            .iter()
            .take(ORDERS_NAMED)
            .map(|order| {
                format!(
                    "{} of {} ({} litres)",
                    word(order, "order_id"),
                    word(order, "customer"),
                    open_of(order)
                )
            })
            .collect();
        let more = self.orders.len().saturating_sub(ORDERS_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        format!(
            "{} exceptions at {}; orders: {}{more}",
            self.affected.len(),
            places.join(", "),
            orders.join(", ")
        )
    }

    fn compared(&self) -> String {
        let of = |place: &Value| {
            format!(
                "{}: {} on hand, {} on order, reorder point {:.0}",
                word(place, "location"),
                place["on_hand"],
                place["on_order"],
                place["reorder_point"].as_f64().unwrap_or_default()
            )
        };
        self.places.iter().map(of).collect::<Vec<_>>().join("; ")
    }

    fn costed(&self) -> String {
        let of = |option: &Value| {
            let gates = option["gates"].as_array().map_or(&[][..], Vec::as_slice);
            let closed = gates.iter().find(|gate| gate["passed"] == json!(false));
            let why = closed.map_or_else(String::new, |gate| format!(" (can't: {})", word(gate, "detail")));
            format!(
                "{}: costs {}, net {}{why}",
                word(option, "title"),
                money(&option["cost"]),
                money(&option["net"])
            )
        };
        self.options().iter().map(of).collect::<Vec<_>>().join("; ")
    }

    /// What an option does where goods come, and where they go away.
    fn both_sides(&self, option: &Value) -> String {
        let effects = option["effects"].as_array().map_or(&[][..], Vec::as_slice);
        let of = |effect: &Value| {
            let share =
                |side: &str| 100.0 * effect[side]["stockout_probability"].as_f64().unwrap_or_default();
            format!(
                "{} short with {:.0} % → {:.0} %",
                word(effect, "location"),
                share("before"),
                share("after")
            )
        };
        let sides: Vec<String> = effects.iter().map(of).collect();
        format!("net {} at a cost of {}; {}", money(&option["net"]), money(&option["cost"]), sides.join("; "))
    }

    fn look_at(&self, step: Step) -> Option<String> {
        let case = self.case["id"].as_str().map(|id| format!("#/cases/{id}"));
        let cause = self.cause["id"].as_str().map(|id| format!("#/exceptions/{id}"));
        match step {
            Step::Spike => Some(format!("#/places/{}/{SPIKE_AT}", sku(season::ITEM))),
            Step::DelayNotice | Step::Promotion => cause.or_else(|| Some("#/exceptions".to_owned())),
            Step::Group => cause,
            Step::Compare => Some(format!("#/places/{}/dc-ankeny", sku(season::ITEM))),
            Step::OpenCase => case.or(cause),
            Step::Document | Step::Plug => Some("#/system".to_owned()),
            Step::OwnData => Some("#/load".to_owned()),
            _ => case,
        }
    }
}

/// How far all steps are, in their order.
pub async fn look(stage: &Stage) -> Said<Vec<(Step, Found)>> {
    let picture = Picture::take(stage).await?;
    let notes = stage.notes.lock();
    let mut found = Vec::new();
    let mut before_is_done = true;
    for step in stage.scenario.steps().iter().copied() {
        let note = notes.of_step.get(step.id());
        let done = picture.done(step, note, notes.last_outage_ms);
        let failed = note.filter(|note| !note.is_good);
        let state = match (&done, failed) {
            _ if notes.running == Some(step.id()) => "running",
            (Some(_), _) => "done",
            (None, Some(_)) => "failed",
            (None, None) if before_is_done => "ready",
            (None, None) => "waiting",
        };
        before_is_done = done.is_some();
        let detail = done.or_else(|| failed.map(|note| note.detail.clone()));
        let call = act::call(stage.scenario, step, &picture, notes.old_version);
        let ms = note.map(|note| note.ms);
        found.push((step, Found { state, detail, ms, look_at: picture.look_at(step), call }));
    }
    Ok(found)
}

/// When everything that was decided has come, and the season's order.
pub fn all_has_come(now: Timestamp) -> Said<Timestamp> {
    let promised = season::local(season::PROMISED).map_err(|error| error.to_string())?;
    let come = promised.checked_add(((season::DELAY_DAYS + 1) * 24).hours());
    come.map(|come| come.max(now)).map_err(|error| error.to_string())
}

/// Litres of the item that an order still wants.
fn open_of(order: &Value) -> f64 {
    let lines = order["lines"].as_array().map_or(&[][..], Vec::as_slice);
    let item = sku(season::ITEM);
    lines.iter().filter(|line| line["sku"] == item.as_str()).filter_map(|line| line["open"].as_f64()).sum()
}

fn money(value: &Value) -> String {
    match (value["amount"].as_str(), value["currency"].as_str()) {
        (Some(amount), Some(currency)) => format!("{amount} {currency}"),
        _ => "unknown".to_owned(),
    }
}
