//! What the tower says about itself while it is measured.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::BenchError;
use super::exposition::{Exposition, value_of};
use super::wire::{Connection, Endpoint};

/// How long consequences may take to settle after a load.
const SETTLE_MAX: Duration = Duration::from_secs(600);
/// How long a snapshot may take.
const SNAPSHOT_MAX: Duration = Duration::from_secs(600);

/// Asks questions, each on a connection of its own: between two of them a load may last longer than the tower keeps an
/// idle connection open.
#[derive(Clone, Debug)]
pub struct Observer {
    endpoint: Endpoint,
}

/// The metrics that a bench reports, counted since the tower's start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counters {
    pub groups: f64,
    pub group_records: f64,
    pub journal_bytes: f64,
    pub transitions: f64,
    /// Seconds that groups took to be written and synced, all together; not a number where it is not shown.
    pub group_seconds: f64,
}

/// A snapshot as the tower answers it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct TakenSnapshot {
    pub entities: u64,
    pub bytes: u64,
    pub seconds: f64,
}

/// What the tower says of its last start.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Recovery {
    pub load_s: f64,
    pub open_s: f64,
    pub replay_s: f64,
    /// Loaded from a snapshot.
    pub entities: u64,
    /// Replayed.
    pub records: u64,
}

/// What the tower counted at its door since its start, and what it holds as unusable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: u64,
    pub quarantine: u64,
}

impl Observer {
    pub fn new(endpoint: Endpoint) -> Observer {
        Observer { endpoint }
    }

    /// Whether the tower takes events.
    ///
    /// # Errors
    /// If the tower can't be reached.
    pub async fn is_ready(&self) -> Result<bool, BenchError> {
        let request = self.endpoint.get("/readyz");
        let mut connection = Connection::open(&self.endpoint).await?;
        Ok(connection.exchange(request.as_bytes()).await?.status == 200)
    }

    /// Waits until everything up to `lsn` is applied and all its consequences are too.
    ///
    /// # Errors
    /// If that takes longer than [`SETTLE_MAX`], or the tower answers anything else than that it needs more time.
    pub async fn settle(&self, lsn: u64) -> Result<(), BenchError> {
        let request = self.endpoint.get(&format!("/api/v1/stats?at_least={lsn}&settled=true"));
        let mut connection = Connection::open(&self.endpoint).await?;
        let deadline = Instant::now() + SETTLE_MAX;
        while Instant::now() < deadline {
            let answer = connection.exchange(request.as_bytes()).await?;
            match answer.status {
                200 => return Ok(()),
                // Not yet; the tower has waited as long as it waits for one request.
                504 => {}
                status => {
                    return Err(BenchError::Status { request: "stats", status, answer: answer.excerpt() });
                }
            }
        }
        Err(BenchError::NotSettled { lsn, seconds: SETTLE_MAX.as_secs() })
    }

    /// What `/api/v1/stats` counts; `None` where it does not show it, to whom has no part in all of the process.
    ///
    /// # Errors
    /// If the tower can't be reached.
    pub async fn counts(&self) -> Result<Option<Counts>, BenchError> {
        let request = self.endpoint.get("/api/v1/stats");
        let mut connection = Connection::open(&self.endpoint).await?;
        let answer = connection.exchange(request.as_bytes()).await?;
        Ok((answer.status == 200).then(|| counts_in(answer.body)).flatten())
    }

    /// What `/metrics` shows; `None` where it does not show it.
    ///
    /// # Errors
    /// If the tower can't be reached.
    pub async fn counters(&self) -> Result<Option<Counters>, BenchError> {
        let request = self.endpoint.get("/metrics");
        let mut connection = Connection::open(&self.endpoint).await?;
        let answer = connection.exchange(request.as_bytes()).await?;
        Ok((answer.status == 200).then(|| counters_in(&String::from_utf8_lossy(answer.body))).flatten())
    }

    /// All that `/metrics` shows.
    ///
    /// # Errors
    /// If the tower can't be reached, or does not show it.
    pub async fn exposition(&self) -> Result<Exposition, BenchError> {
        let request = self.endpoint.get("/metrics");
        let mut connection = Connection::open(&self.endpoint).await?;
        let answer = connection.exchange(request.as_bytes()).await?;
        if answer.status != 200 {
            let status = answer.status;
            return Err(BenchError::Status { request: "metrics", status, answer: answer.excerpt() });
        }
        Ok(Exposition::new(String::from_utf8_lossy(answer.body).into_owned()))
    }

    /// Takes a snapshot and waits until it is published.
    ///
    /// # Errors
    /// If the tower can't be reached or does not take one.
    pub async fn take_snapshot(&self) -> Result<TakenSnapshot, BenchError> {
        let request = self.endpoint.post("/api/v1/snapshots");
        let mut connection = Connection::open(&self.endpoint).await?;
        let answer = connection.exchange_within(request.as_bytes(), SNAPSHOT_MAX).await?;
        if answer.status != 200 {
            let status = answer.status;
            return Err(BenchError::Status { request: "snapshots", status, answer: answer.excerpt() });
        }
        serde_json::from_slice(answer.body).map_err(|error| BenchError::Answer(error.to_string()))
    }

    /// How the tower's last start went.
    ///
    /// # Errors
    /// If the tower can't be reached, or does not show it.
    pub async fn recovery(&self) -> Result<Recovery, BenchError> {
        let request = self.endpoint.get("/metrics");
        let mut connection = Connection::open(&self.endpoint).await?;
        let answer = connection.exchange(request.as_bytes()).await?;
        let shown = recovery_in(&String::from_utf8_lossy(answer.body));
        shown.ok_or_else(|| BenchError::Answer("it shows nothing of its start".into()))
    }
}

fn counts_in(stats: &[u8]) -> Option<Counts> {
    let stats: serde_json::Value = serde_json::from_slice(stats).ok()?;
    let event = |outcome: &str| stats.get("events")?.get(outcome)?.as_u64();
    Some(Counts {
        accepted: event("accepted")?,
        duplicates: event("duplicates")?,
        rejected: event("rejected")?,
        quarantine: stats.get("quarantine")?.as_u64()?,
    })
}

fn recovery_in(metrics: &str) -> Option<Recovery> {
    let value = |name| value_of(metrics, name);
    Some(Recovery {
        load_s: value("tidewatch_recovery_load_seconds")?,
        open_s: value("tidewatch_recovery_open_seconds")?,
        replay_s: value("tidewatch_recovery_replay_seconds")?,
        entities: value("tidewatch_recovery_entities_loaded")? as u64,
        records: value("tidewatch_recovery_replayed")? as u64,
    })
}

fn counters_in(metrics: &str) -> Option<Counters> {
    let value = |name| value_of(metrics, name);
    Some(Counters {
        groups: value("tidewatch_journal_groups_total")?,
        group_records: value("tidewatch_journal_group_records_sum")?,
        journal_bytes: value("tidewatch_journal_written_bytes_total")?,
        transitions: value("tidewatch_proposals_total")?,
        group_seconds: value("tidewatch_journal_group_seconds_sum").unwrap_or(f64::NAN),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const METRICS: &str = "\
# HELP tidewatch_journal_groups Groups written and synced.
# TYPE tidewatch_journal_groups counter
tidewatch_journal_groups_total 12
tidewatch_journal_group_records_sum 345.0
tidewatch_journal_group_records_count 12
tidewatch_journal_group_records_bucket{le=\"1.0\"} 1
tidewatch_journal_written_bytes_total 6789
tidewatch_journal_group_seconds_sum 0.25
tidewatch_proposals_total 4
# EOF
";

    #[test]
    fn counters_are_found_by_their_whole_name() {
        let expected = Counters {
            groups: 12.0,
            group_records: 345.0,
            journal_bytes: 6_789.0,
            transitions: 4.0,
            group_seconds: 0.25,
        };
        assert_eq!(counters_in(METRICS), Some(expected));
        assert_eq!(counters_in("tidewatch_journal_groups_total 12\n"), None);
    }

    #[test]
    fn a_start_is_read_from_its_gauges() {
        let metrics = "tidewatch_recovery_load_seconds 1.5\ntidewatch_recovery_open_seconds 0.25\n\
            tidewatch_recovery_replay_seconds 2\ntidewatch_recovery_entities_loaded 7\n\
            tidewatch_recovery_replayed 9\n";
        let expected = Recovery { load_s: 1.5, open_s: 0.25, replay_s: 2.0, entities: 7, records: 9 };
        assert_eq!(recovery_in(metrics), Some(expected));
        assert_eq!(recovery_in("tidewatch_recovery_load_seconds 1.5\n"), None);
    }

    #[test]
    fn counts_are_read_where_they_are_shown() {
        let stats = |accepted: &str| {
            format!(r#"{{"events":{{"accepted":{accepted},"duplicates":2,"rejected":3}},"quarantine":4}}"#)
        };
        let expected = Counts { accepted: 1, duplicates: 2, rejected: 3, quarantine: 4 };
        assert_eq!(counts_in(stats("1").as_bytes()), Some(expected));
        assert_eq!(counts_in(stats("null").as_bytes()), None);
    }
}
