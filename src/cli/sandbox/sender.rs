//! Tells the tower of documents, until it has taken each event.

use std::time::Duration;

use super::ledger::LedgerError;
use super::state::Sandbox;
use crate::cli::client::{Client, ClientError, EventLines, Tally};
use crate::runtime::wall_clock;

/// Waits after a tower that could not be reached, or refused; each is twice the one before.
const WAIT_MIN: Duration = Duration::from_millis(100);
const WAIT_MAX: Duration = Duration::from_secs(5);
/// The longest sleep while nothing is due.
const IDLE_MAX: Duration = Duration::from_secs(3_600);

/// Sends what is due, one event after the other, until the sandbox is stopped.
///
/// # Errors
/// If the ledger can't be written.
pub async fn run(sandbox: &Sandbox, tower: &Client) -> Result<(), LedgerError> {
    let mut wait = WAIT_MIN;
    while !sandbox.is_stopping() {
        let next = sandbox.ledger.lock().next_unsent();
        let due_in = next.map_or(IDLE_MAX, |next| {
            let micros = next.due_at.micros().saturating_sub(wall_clock().micros());
            Duration::from_micros(u64::try_from(micros).unwrap_or(0))
        });
        let Some(next) = next.filter(|_| due_in.is_zero() && !sandbox.faults().hold_events) else {
            let idle = if due_in.is_zero() { IDLE_MAX } else { due_in.min(IDLE_MAX) };
            sandbox.sender_woken(idle).await;
            continue;
        };
        let Some(line) = sandbox.ledger.lock().event(next).map(|event| format!("{event}\n")) else {
            continue;
        };
        let mut tally = Tally::default();
        let sent = tokio::select! {
            sent = tower.send_events(EventLines::new(line.clone()), &mut tally) => sent,
            () = sandbox.stopping() => return Ok(()),
        };
        if let Err(error) = sent {
            report(&error);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = sandbox.stopping() => {}
            }
            wait = (wait * 2).min(WAIT_MAX);
            continue;
        }
        wait = WAIT_MIN;
        for rejection in &tally.errors {
            eprintln!(
                "the tower rejects an event: {} {}\n  {}",
                rejection.code,
                rejection.detail,
                line.trim()
            );
        }
        // A kill before this line sends it again, which the tower takes as a duplicate.
        sandbox.ledger.lock().sent(next)?;
    }
    Ok(())
}

fn report(error: &ClientError) {
    eprintln!("an event waits for the tower: {error}");
}
