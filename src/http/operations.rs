//! Health, readiness, metrics, statistics.

use actix_web::{HttpRequest, HttpResponse, get, web};
use prometheus_client::encoding::text::encode;
use serde_json::json;

use super::caller::{Caller, principal};
use super::problem::{Problem, code};
use super::read::Asked;
use super::state::{AppState, tenant_of};
use super::statistics;
use crate::auth::Permission;
use crate::domain::time::Timestamp;
use crate::journal::OldestHold;
use crate::runtime::{Phase, wall_clock};

/// Whether the process is alive.
#[utoipa::path(get, path = "/healthz", tag = "operations", responses((status = 200, description = "The process is alive", body = ref("#/components/schemas/Alive"))))]
#[get("/healthz")]
pub async fn healthz() -> HttpResponse {
    HttpResponse::Ok().json(json!({"status": "alive"}))
}

/// Whether recovery is done and work is taken. While it is not, the problem also says in `phase` what the start is at
/// (`opening_journal`, `loading_snapshot`, `replaying_journal`), with how much is `done`, and `of` how much. A tower whose
/// disk is full is ready to be read from: `disk_full` tells those who write.
#[utoipa::path(get, path = "/readyz", tag = "operations",
    responses((status = 200, description = "Recovery is done", body = ref("#/components/schemas/Ready")), (status = 503, description = "Recovering or draining")))]
#[get("/readyz")]
pub async fn readyz(state: web::Data<AppState>) -> Result<HttpResponse, Problem> {
    let running = state.running_for_work()?;
    let recovery = state.tower.recovery();
    Ok(HttpResponse::Ok().json(json!({
        "status": "ready",
        "generation": recovery.generation,
        "entities_loaded": recovery.entities,
        "replayed": recovery.replayed,
        "recovery_seconds": recovery.took.map(|took| took.as_secs_f64()),
        "outbox_held": running.reference().outbox_hold().is_some(),
        "disk_full": running.is_disk_full(),
        "lsn": running.progress.applied(),
    })))
}

/// Everything counted, as OpenMetrics text.
#[utoipa::path(get, path = "/metrics", tag = "operations",
    responses((status = 200, description = "OpenMetrics text", body = String, content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8")), security(("key" = [])))]
#[get("/metrics")]
pub async fn get_metrics(request: HttpRequest, state: web::Data<AppState>) -> Result<HttpResponse, Problem> {
    let principal = principal(&request, &state)?;
    if !principal.may(Permission::ReadMetrics) {
        return Err(Problem::new(&code::FORBIDDEN));
    }
    if !principal.scope.is_unrestricted() {
        let detail = "metrics are of the whole process, which a scope doesn't allow to see";
        return Err(Problem::new(&code::FORBIDDEN).detail(detail));
    }
    let mut text = String::new();
    encode(&mut text, &state.tower.metrics.registry)
        .map_err(|error| Problem::new(&code::INTERNAL).detail(error.to_string()))?;
    // The registry's end mark moves behind the gauges that are read now.
    let mut text = text.trim_end().trim_end_matches("# EOF").to_owned();
    let mut gauge = |name: &str, help: &str, value: f64| {
        text.push_str(&format!(
            "# HELP tidewatch_{name} {help}.\n# TYPE tidewatch_{name} gauge\ntidewatch_{name} {value}\n"
        ));
    };
    let recovery = state.tower.recovery();
    gauge(
        "ready",
        "Whether recovery is done and no drain began",
        f64::from(u8::from(state.tower.phase() == Phase::Ready)),
    );
    gauge("recovery_records", "Records to replay at the last start", recovery.of as f64);
    gauge("recovery_replayed", "Records replayed at the last start", recovery.replayed as f64);
    gauge(
        "recovery_entities",
        "Entities to load from a snapshot at the last start",
        recovery.entities_of as f64,
    );
    gauge(
        "recovery_entities_loaded",
        "Entities loaded from a snapshot at the last start",
        recovery.entities as f64,
    );
    gauge(
        "recovery_snapshots_passed_over",
        "Snapshots that could not be used at the last start",
        recovery.generations_passed_over as f64,
    );
    gauge("recovery_load_seconds", "Loading a snapshot at the last start", recovery.load_seconds);
    gauge("recovery_open_seconds", "Checking the journal at the last start", recovery.open_seconds);
    gauge("recovery_replay_seconds", "Replaying the journal at the last start", recovery.replay_seconds);
    gauge(
        "recovery_seconds",
        "The last start as a whole",
        recovery.took.map_or(0.0, |took| took.as_secs_f64()),
    );
    if let Some(running) = state.tower.running() {
        let progress = &running.progress;
        let (credits, refused) = running.admission.usage();
        let admission = &state.config.admission;
        gauge("durable_lsn", "Last record on the disk", progress.durable().0 as f64);
        gauge("dispatched_lsn", "Last record routed", progress.dispatched().0 as f64);
        gauge("applied_lsn", "Record up to which everything is applied", progress.applied().0 as f64);
        gauge(
            "unsettled",
            "Entities with work that goes back to a record",
            progress.unsettled_count() as f64,
        );
        gauge("admission_records", "Records accepted and not applied", credits.records as f64);
        gauge("admission_records_max", "Limit of admission_records", admission.records_max as f64);
        gauge("admission_bytes", "Bytes accepted and not applied", credits.bytes as f64);
        gauge("admission_bytes_max", "Limit of admission_bytes", admission.bytes_max as f64);
        gauge("admission_refused", "Requests refused for want of credits", refused as f64);
        super::snapshots::gauges(&running.snapshots.status(), &mut gauge);
        gauge(
            "journal_disk_full_now",
            "Whether the journal's disk is full, so that nothing new is taken",
            f64::from(u8::from(running.is_disk_full())),
        );
        gauge("journal_queue", "Submissions waiting for the writer", running.submissions.len() as f64);
        gauge(
            "journal_queue_max",
            "Limit of journal_queue",
            state.config.journal.queue_submissions_max as f64,
        );
        let segments = running.reader.statistics();
        gauge("journal_segments", "Segments of the journal", segments.segments as f64);
        gauge(
            "journal_segments_compressed",
            "Segments that are compressed",
            segments.compressed_segments as f64,
        );
        gauge(
            "journal_compressed_before_bytes",
            "Bytes of compressed segments before they were compressed",
            segments.compressed_bytes.before as f64,
        );
        gauge(
            "journal_compressed_bytes",
            "Bytes of compressed segments on the disk",
            segments.compressed_bytes.after as f64,
        );
        gauge(
            "journal_first_lsn",
            "Record that the journal begins with: 1 unless it was trimmed",
            segments.first_lsn as f64,
        );
        gauge(
            "journal_holds_lost",
            "Holds on segments that readers lost because they were too far behind",
            running.reader.holds_lost() as f64,
        );
        gauge("entities", "Entities, live or at rest", running.directory.len() as f64);
        gauge("entities_max", "Limit of entities", state.config.runtime.entities_max as f64);
        gauge(
            "directory_bytes",
            "Keys of all entities and the tables that find them",
            running.directory.bytes() as f64,
        );
        let refused = running.fold_usage().entities_refused;
        gauge("entities_refused", "Events and causes that found no room for another entity", refused as f64);
        let held = running.reference().outbox_hold().is_some();
        gauge(
            "outbox_held",
            "Whether approved actions wait because a backup was restored",
            f64::from(u8::from(held)),
        );
        gauge("open_exceptions", "Exceptions that are not over", running.exceptions.open_count() as f64);
        let (held, added, overflowed) = running.quarantine.read().usage();
        gauge("quarantine_entries", "Entries in quarantine", held as f64);
        gauge(
            "quarantine_entries_max",
            "Limit of quarantine_entries",
            state.config.runtime.quarantine_entries_max as f64,
        );
        gauge("quarantine_added", "Entries put into quarantine", added as f64);
        gauge("quarantine_overflowed", "Entries that left quarantine for want of room", overflowed as f64);
        let reach = *running.clocks.reach.read();
        gauge("duplicate_window_events", "Events whose ids are remembered", reach.events as f64);
        gauge("duplicate_window_events_max", "Limit of duplicate_window_events", reach.events_max as f64);
        gauge(
            "duplicate_window_reach_seconds",
            "Age of the oldest id that is surely remembered",
            reach_seconds(reach.since),
        );
        let fold = running.fold_usage();
        gauge("document_index_lines", "Document lines in the index", fold.document_lines as f64);
        gauge(
            "document_index_lines_max",
            "Limit of document_index_lines",
            state.config.runtime.document_index_lines_max as f64,
        );
        gauge(
            "document_index_forgotten",
            "Documents that left the index for want of room",
            fold.documents_forgotten as f64,
        );
        gauge("holding_events", "Events waiting for their document", fold.held as f64);
        gauge(
            "holding_events_max",
            "Limit of holding_events",
            state.config.runtime.holding_events_max as f64,
        );
    }
    if let Some(running) = state.tower.running() {
        text.push_str(&holds(&running.reader.oldest_holds()));
    }
    text.push_str("# EOF\n");
    Ok(HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(text))
}

/// Who keeps which records from being trimmed, as a metric.
fn holds(holds: &[OldestHold]) -> String {
    const NAME: &str = "tidewatch_journal_oldest_hold_lsn";
    let mut text =
        format!("# HELP {NAME} Oldest record that a reader keeps from being trimmed.\n# TYPE {NAME} gauge\n");
    for OldestHold { name, lsn } in holds {
        text.push_str(&format!("{NAME}{{reader=\"{name}\"}} {lsn}\n"));
    }
    text
}

fn reach_seconds(since: Option<(crate::domain::ids::Lsn, Timestamp)>) -> f64 {
    since.map_or(0.0, |(_, since)| wall_clock().days_since(since) * 86_400.0)
}

/// Counts, rates, positions, lags and limits, and how people get on with exceptions and cases.
#[utoipa::path(get, path = "/api/v1/stats", tag = "operations",
    params(("at_least" = Option<String>, Query), ("settled" = Option<bool>, Query)),
    responses((status = 200, description = "Counts, positions, lags, limits", body = ref("#/components/schemas/Statistics")), (status = 504, description = "Not yet applied")),
    security(("key" = [])))]
#[get("/api/v1/stats")]
pub async fn get_stats(
    request: HttpRequest,
    caller: Caller,
    state: web::Data<AppState>,
) -> Result<HttpResponse, Problem> {
    let read = Asked::one(&request, &caller, &state, Permission::ReadStats)?.ready().await?;
    Ok(HttpResponse::Ok().json(stats_item(&state, read.running, &caller)?))
}

/// The statistics that a caller sees: of its own tenant within its scope, and of the process if all of that is its
/// tenant's. What it may not see is `null`.
///
/// # Errors
/// `internal` if the tenant vanished.
pub fn stats_item(
    state: &AppState,
    running: &crate::runtime::Running,
    caller: &Caller,
) -> Result<serde_json::Value, Problem> {
    let progress = &running.progress;
    let applied = progress.applied();
    let durable = progress.durable();
    let reference = running.reference();
    let tenant = tenant_of(&reference, caller)?;
    let [items, locations, suppliers, customers] = tenant.described_counts();
    let sees_process = super::visibility::sees_process(&caller.principal, &reference);
    let metrics = &state.tower.metrics;
    let events =
        |outcome| metrics.events.get_or_create(&crate::runtime::metrics::EventOutcomeLabel { outcome }).get();
    let (credits, refused) = running.admission.usage();
    let reach = *running.clocks.reach.read();
    let fold = running.fold_usage();
    let now = wall_clock();
    let open = running.exceptions.select(caller.tenant, false, |entry| {
        super::visibility::sees_exception(&caller.principal, tenant, &entry.item)
    });
    let mut by_type = serde_json::Map::new();
    for entry in &open {
        let count = by_type.entry(entry.item.exception_type.as_str()).or_insert(json!(0));
        *count = json!(count.as_u64().unwrap_or(0) + 1);
    }
    let quarantined = running.quarantine.read().list(caller.tenant, crate::domain::ids::Lsn::ZERO).count();
    let process = |number: serde_json::Value| if sees_process { number } else { serde_json::Value::Null };
    let own = |count: usize| caller.principal.scope.is_unrestricted().then_some(count);
    let business_time = running.clocks.business_time(caller.tenant, now);
    let cases = statistics::of_cases(running, &caller.principal, caller.tenant, tenant, business_time);
    let (admission, recovery) = (&state.config.admission, state.tower.recovery());
    Ok(json!({
        "tenant": tenant.name,
        "clock": tenant.clock,
        "business_time": business_time,
        "events": {
            "accepted": process(json!(events("accepted"))),
            "duplicates": process(json!(events("duplicate"))),
            "rejected": process(json!(events("rejected"))),
            "refused": process(json!(events("refused"))),
        },
        "rates": statistics::rates(metrics.recent.rates().filter(|_| sees_process)),
        "records": process(json!(durable)),
        "entities": process(json!(running.directory.len())),
        "described": {
            "items": own(items), "locations": own(locations), "suppliers": own(suppliers), "customers": own(customers),
        },
        "exceptions_open": open.len(),
        "exceptions_open_by_type": by_type,
        "exceptions": statistics::of_exceptions(&open, business_time),
        "cases": cases,
        "quarantine": own(quarantined),
        "holding": process(json!(fold.held)),
        "document_index_lines": process(json!(fold.document_lines)),
        "lag": {
            "applied_records": process(json!(durable.0.saturating_sub(applied.0))),
            "unsettled": process(json!(progress.unsettled_count())),
        },
        "admission": {
            "records": process(json!(credits.records)), "records_max": admission.records_max,
            "bytes": process(json!(credits.bytes)), "bytes_max": admission.bytes_max,
            "refused": process(json!(refused)),
        },
        "duplicate_window": {
            "events": process(json!(reach.events)), "events_max": reach.events_max,
            "since_lsn": reach.since.map(|(lsn, _)| lsn), "since": reach.since.map(|(_, since)| since),
            "reach_minutes": reach_seconds(reach.since) / 60.0,
        },
        "recovery": {
            "records": process(json!(recovery.of)),
            "seconds": recovery.took.map(|took| took.as_secs_f64()),
        },
        "disk_full": running.is_disk_full(),
        "outbox": super::outbox::hold_item(reference.outbox_hold()),
        "started_at": running.started_at,
        "as_of": now,
        "lsn": applied,
        "position": running.position(applied),
    }))
}
