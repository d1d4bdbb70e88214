//! What the buttons do: the very request whose curl line stands beside them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::look::{self, PROMOTION_ID, Picture, WEST};
use super::scenario::{APPROVERS, PROPOSER, Scenario, Step};
use super::season;
use super::stage::{Note, Said, Stage, event, millis, word};
use crate::cli::demo::events::sku;
use crate::cli::demo::simulation::PACK;

/// Who tells of delays, and of promotions.
const MAKER: &str = "demo/derived/jack-daniels-portal";
const PLANNING: &str = "demo/derived/promotion-planning";
/// Litres that Ann orders beside the transfer.
const ORDERED: i64 = 90;
/// Attempts to decide on a version that is still the current one when it arrives.
const ATTEMPTS: usize = 10;
const ROW_INTERVAL: Duration = Duration::from_millis(5);
const ROW_WITHIN: Duration = Duration::from_secs(10);

/// One request to the tower.
#[derive(Debug, Clone)]
pub struct Call {
    pub path: String,
    pub act_as: Option<&'static str>,
    pub body: Value,
}

impl Call {
    fn new(path: impl Into<String>, act_as: Option<&'static str>, body: Value) -> Self {
        Self { path: path.into(), act_as, body }
    }

    /// The same for a shell.
    pub fn curl(&self, tower: &str) -> String {
        let quoted = self.body.to_string().replace('\'', r"'\''");
        let act_as = self.act_as.map_or_else(String::new, |who| format!(" -H 'X-Tidewatch-Act-As: {who}'"));
        format!("curl -s {tower}{} -H 'Content-Type: application/json'{act_as} -d '{quoted}'", self.path)
    }
}

/// What a step sends; `None` for what there is only to look at, and before it can be said.
pub fn call(scenario: Scenario, step: Step, picture: &Picture, old_version: Option<u64>) -> Option<Call> {
    let case = |verb: &str| {
        let id = picture.case["id"].as_str()?;
        Some(format!("/api/v1/cases/{id}/{verb}"))
    };
    let now = picture.now.to_string();
    match step {
        Step::DelayNotice => Some(delay(&now, "delay-notice-1", season::DELAY_TOLD_DAYS)),
        Step::FactsMove => Some(delay(&now, "delay-notice-2", season::DELAY_DAYS)),
        Step::Promotion => Some(promotion(&now)),
        Step::OpenCase => {
            let body =
                json!({"exceptions": [picture.cause["id"].as_str()?], "comment": "the region asks for it"});
            Some(Call::new("/api/v1/cases", Some(PROPOSER), body))
        }
        Step::Edit => Some(Call::new(case("options")?, Some(PROPOSER), edited(scenario, picture)?)),
        Step::Choose => {
            let body = json!({"option_id": picture.edited()?["id"], "version": picture.version()?});
            Some(Call::new(case("choose")?, Some(PROPOSER), body))
        }
        Step::OwnApproval => {
            Some(Call::new(case("approve")?, Some(PROPOSER), json!({"version": picture.version()?})))
        }
        Step::StaleApproval => {
            Some(Call::new(case("approve")?, Some(approver("planner")?), json!({"version": old_version?})))
        }
        Step::Approve => {
            let who = approver(still_required(&picture.case)?)?;
            Some(Call::new(case("approve")?, Some(who), json!({"version": picture.version()?})))
        }
        Step::Spike
        | Step::Group
        | Step::Compare
        | Step::Options
        | Step::Document
        | Step::Plug
        | Step::Trail
        | Step::Result
        | Step::OwnData => None,
    }
}

fn delay(now: &str, id: &str, days: i64) -> Call {
    let data = json!({
        "supplier": season::SUPPLIER, "po_id": season::PO_ID, "delay_days": days,
        "reason": "the bottling line stands still",
    });
    Call::new("/api/v1/events", None, event(id, MAKER, "supplier.delay_reported", now, data))
}

fn promotion(now: &str) -> Call {
    let data = json!({
        "promotion_id": PROMOTION_ID, "from": "2015-10-17T05:00:00Z", "until": "2015-11-01T05:00:00Z",
        "skus": [sku(season::ITEM)], "locations": WEST, "expected_uplift": 9, "mechanic": "tasting",
    });
    Call::new("/api/v1/events", None, event("promotion-1", PLANNING, "promotion.scheduled", now, data))
}

/// The transfer with a quarter less for its first place; with a late maker something more is ordered for that.
fn edited(scenario: Scenario, picture: &Picture) -> Option<Value> {
    let transfer = picture.option_of("transfer")?;
    let mut steps = Vec::new();
    for (place, step) in transfer["steps"].as_array()?.iter().enumerate() {
        let quantity = step["quantity"].as_f64()?;
        let pack = PACK.0 as f64 / 1_000.0;
        let less = ((quantity * 0.75 / pack).floor().max(1.0) * pack) as i64;
        steps.push(json!({
            "kind": "transfer", "sku": step["sku"], "from": step["from"], "location": step["location"],
            "quantity": if place == 0 { json!(less) } else { step["quantity"].clone() },
        }));
    }
    let mut title = "Transfer less";
    if scenario == Scenario::SpikeAndDelay {
        title = "Transfer less, and order some";
        steps.push(json!({
            "kind": "order", "sku": steps.first()?["sku"], "location": steps.first()?["location"],
            "supplier": season::SUPPLIER, "quantity": ORDERED,
        }));
    }
    Some(json!({
        "option_id": transfer["id"], "version": picture.version()?, "title": title, "steps": steps,
    }))
}

fn approver(role: &str) -> Option<&'static str> {
    APPROVERS.iter().find(|(of, _)| *of == role).map(|(_, who)| *who)
}

/// The first role that has not agreed yet.
fn still_required(case: &Value) -> Option<&str> {
    let required = case["required"].as_array()?;
    let open = required.iter().find(|one| one["granted"].as_u64() < one["quorum"].as_u64())?;
    open["role"].as_str()
}

/// Does a step, and remembers what came of it.
///
/// # Errors
/// When it can't be done now, or not at all, in words.
pub async fn act(stage: &Stage, step: Step) -> Said<()> {
    let _one_at_a_time = stage.acting.lock().await;
    stage.notes.lock().running = Some(step.id());
    let started = Instant::now();
    let outcome = carry_out(stage, step).await;
    let mut notes = stage.notes.lock();
    notes.running = None;
    let (is_good, detail) = match &outcome {
        Ok(detail) => (true, detail.clone()),
        Err(detail) => (false, detail.clone()),
    };
    let ms = millis(started);
    notes.of_step.insert(step.id(), Note { is_good, detail, ms });
    outcome.map(|_| ())
}

async fn carry_out(stage: &Stage, step: Step) -> Said<String> {
    match step {
        Step::DelayNotice | Step::Promotion => signal(stage, step).await,
        Step::OwnApproval => refusal(stage, step, "").await,
        Step::StaleApproval => refusal(stage, step, "stale_version").await,
        Step::FactsMove => facts_move(stage).await,
        Step::Approve => approve(stage).await,
        Step::Plug => {
            let told = stage.pull_the_plug().await?;
            if told["documents_before"] != told["documents_after"]
                || told["lsn_after"].as_u64() < told["lsn_before"].as_u64()
            {
                return Err(format!("it is not as it was: {told}"));
            }
            Ok(format!(
                "back after {} ms; position {} before, {} after; documents in the ERP {} before, {} after",
                told["outage_ms"],
                told["lsn_before"],
                told["lsn_after"],
                told["documents_before"],
                told["documents_after"]
            ))
        }
        Step::Result => {
            let now = stage.flow.lock().await.now();
            stage.run_to(look::all_has_come(now)?).await?;
            Ok("everything has come".to_owned())
        }
        Step::OpenCase | Step::Edit | Step::Choose => decide(stage, step).await,
        Step::Spike
        | Step::Group
        | Step::Compare
        | Step::Options
        | Step::Document
        | Step::Trail
        | Step::OwnData => Err("there is nothing to press".to_owned()),
    }
}

async fn call_of(stage: &Stage, step: Step) -> Said<Call> {
    let picture = Picture::take(stage).await?;
    let old_version = stage.notes.lock().old_version;
    call(stage.scenario, step, &picture, old_version).ok_or_else(|| "its turn has not come".to_owned())
}

/// Sends the signal, and measures until its row is there.
async fn signal(stage: &Stage, step: Step) -> Said<String> {
    let call = call_of(stage, step).await?;
    let started = Instant::now();
    stage.done(&call.path, call.act_as, &call.body).await?;
    loop {
        let picture = Picture::take(stage).await?;
        if !picture.cause.is_null() {
            let ms = millis(started);
            return Ok(format!("the row is there after {ms} ms: {}", word(&picture.cause, "cause")));
        }
        if started.elapsed() > ROW_WITHIN {
            return Err("no row came of it".to_owned());
        }
        tokio::time::sleep(ROW_INTERVAL).await;
    }
}

/// A decision, again with what is current if the facts moved on its way.
async fn decide(stage: &Stage, step: Step) -> Said<String> {
    let mut refused = String::new();
    for _ in 0..ATTEMPTS {
        let call = call_of(stage, step).await?;
        let (status, answer) = stage.command(&call.path, call.act_as, &call.body).await?;
        if status.is_success() {
            let mut notes = stage.notes.lock();
            if step == Step::Choose {
                notes.old_version = answer["version"].as_u64();
            }
            if step == Step::OpenCase {
                notes.case_id = answer["id"].as_str().map(str::to_owned);
            }
            return Ok(word(&answer, "state").to_owned());
        }
        refused = format!("{status} {} {}", word(&answer, "code"), word(&answer, "detail"));
        if answer["code"] != "stale_version" {
            break;
        }
    }
    Err(refused)
}

/// Asks for what must be refused; anything else is a failure.
async fn refusal(stage: &Stage, step: Step, code: &str) -> Said<String> {
    for _ in 0..ATTEMPTS {
        let call = call_of(stage, step).await?;
        let (status, answer) = stage.command(&call.path, call.act_as, &call.body).await?;
        let said = format!("{} {} {}", status.as_u16(), word(&answer, "code"), word(&answer, "detail"));
        if status.is_success() {
            return Err("it was not refused".to_owned());
        }
        if step == Step::OwnApproval && answer["code"] == "stale_version" {
            continue;
        }
        return if code.is_empty() || answer["code"] == code { Ok(said) } else { Err(said) };
    }
    Err("the case does not keep still".to_owned())
}

async fn facts_move(stage: &Stage) -> Said<String> {
    let before = Picture::take(stage).await?;
    let call = call_of(stage, Step::FactsMove).await?;
    let old = before.version().ok_or_else(|| "there is no case".to_owned())?;
    stage.notes.lock().old_version = Some(old);
    stage.done(&call.path, call.act_as, &call.body).await?;
    stage
        .wait_for("the case's next version", || async {
            let now = Picture::take(stage).await?;
            let is_new = now.version().is_some_and(|version| version > old);
            let costed = now.case["facts"] == now.case["options_facts"];
            let value = |picture: &Picture| word(&picture.case["value_at_risk"], "amount").to_owned();
            Ok((is_new && costed).then(|| {
                let version = now.version().unwrap_or_default();
                format!("version {old} → {version}; at risk {} → {}", value(&before), value(&now))
            }))
        })
        .await
}

/// Everybody whose role is still required approves; what the facts took back is chosen again first.
async fn approve(stage: &Stage) -> Said<String> {
    let mut refused = "nobody is asked".to_owned();
    for _ in 0..ATTEMPTS {
        let picture = Picture::take(stage).await?;
        if !picture.case["approved_at"].is_null() {
            return Ok("approved".to_owned());
        }
        if picture.case["chosen_option"].is_null() {
            decide(stage, Step::Choose).await?;
            continue;
        }
        let call = call_of(stage, Step::Approve).await?;
        let (status, answer) = stage.command(&call.path, call.act_as, &call.body).await?;
        if !status.is_success() {
            refused = format!("{status} {} {}", word(&answer, "code"), word(&answer, "detail"));
            if answer["code"] != "stale_version" {
                return Err(refused);
            }
        }
    }
    Err(refused)
}
