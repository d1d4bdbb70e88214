//! What the tower says about itself while it is measured.

use std::time::{Duration, Instant};

use super::BenchError;
use super::wire::{Connection, Endpoint};

/// How long consequences may take to settle after a load.
const SETTLE_MAX: Duration = Duration::from_secs(600);

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
}

fn counters_in(metrics: &str) -> Option<Counters> {
    let value = |name: &str| {
        metrics
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.split(' ').next()?.parse().ok())
    };
    Some(Counters {
        groups: value("tidewatch_journal_groups_total")?,
        group_records: value("tidewatch_journal_group_records_sum")?,
        journal_bytes: value("tidewatch_journal_written_bytes_total")?,
        transitions: value("tidewatch_proposals_total")?,
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
tidewatch_proposals_total 4
# EOF
";

    #[test]
    fn counters_are_found_by_their_whole_name() {
        let expected =
            Counters { groups: 12.0, group_records: 345.0, journal_bytes: 6_789.0, transitions: 4.0 };
        assert_eq!(counters_in(METRICS), Some(expected));
        assert_eq!(counters_in("tidewatch_journal_groups_total 12\n"), None);
    }
}
