//! How soon an event shows on the feed, beside a load: one event after another that makes an exception of its own, and
//! a subscriber to these alone.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::time::{sleep, sleep_until};

use super::BenchError;
use super::feed_client::{FeedClient, Heard, Wish};
use super::load::{deliver, now_text};
use super::timeline::{Errors, Timeline};
use super::wire::{Connection, Endpoint};

/// Between two events whose frames are waited for.
const PROBE_INTERVAL: Duration = Duration::from_millis(50);
/// After the load, how long the frames of the last of them may take.
const PROBE_END: Duration = Duration::from_secs(5);

/// Events of which each makes an exception of its own, and a subscriber to these alone.
pub struct Probe {
    subscriber: FeedClient,
    connection: Connection,
    /// How their SKUs begin.
    name: String,
}

/// Probes so far.
#[derive(Default)]
pub struct Probed {
    pub sent: u64,
    pub seen: u64,
    pub lsn: u64,
    /// When they were due whose frames have not come.
    due: HashMap<u64, Instant>,
    pub errors: Errors,
}

impl Probe {
    /// Subscribes, and connects to send.
    ///
    /// # Errors
    /// If the tower has no feed or can't be reached.
    pub async fn open(endpoint: &Endpoint, run: u64) -> Result<Probe, BenchError> {
        let name = format!("probe-{run:016x}-");
        let filter = Some(format!("subject.sku.startsWith('{name}')"));
        let wish = Wish { subscriptions: 1, filter, ..Wish::default() };
        let subscriber = FeedClient::open(endpoint, &wish).await?;
        Ok(Probe { subscriber, connection: Connection::open(endpoint).await?, name })
    }

    /// Sends until `end`, then waits for the last frames.
    pub async fn run(
        self,
        endpoint: &Endpoint,
        end: Instant,
        timeline: &RefCell<Timeline>,
        probed: &RefCell<Probed>,
    ) {
        let Probe { mut subscriber, mut connection, name } = self;
        let start = timeline.borrow().start;
        let send = async {
            for number in 0.. {
                let due = start + PROBE_INTERVAL * number;
                if due >= end {
                    break;
                }
                sleep_until(due.into()).await;
                {
                    let mut probed = probed.borrow_mut();
                    probed.sent += 1;
                    probed.due.insert(u64::from(number), due);
                }
                let request = probe_request(endpoint, &format!("{name}{number}"));
                match deliver(&mut connection, &request, 1).await {
                    Ok(taken) => {
                        let mut probed = probed.borrow_mut();
                        probed.lsn = probed.lsn.max(taken.lsn);
                    }
                    Err(error) => {
                        probed.borrow_mut().errors.add(|| error.to_string());
                        return;
                    }
                }
            }
            let deadline = Instant::now() + PROBE_END;
            while Instant::now() < deadline && !probed.borrow().due.is_empty() {
                sleep(PROBE_INTERVAL).await;
            }
        };
        let read = async {
            loop {
                match subscriber.next().await {
                    Heard::Text(text) => seen(&text, &name, timeline, &mut probed.borrow_mut()),
                    Heard::Closed { code, reason } => {
                        let text = || format!("the feed was closed: {code:?} {reason}");
                        probed.borrow_mut().errors.add(text);
                        std::future::pending::<()>().await;
                    }
                }
            }
        };
        tokio::select! {
            () = send => {}
            () = read => {}
        }
    }
}

/// Notes the probes that a message is about. The first exception of each counts; it makes more than one.
fn seen(text: &[u8], name: &str, timeline: &RefCell<Timeline>, probed: &mut Probed) {
    let now = Instant::now();
    let needle = format!("\"sku\":\"{name}");
    for at in memchr::memmem::find_iter(text, needle.as_bytes()) {
        let digits = &text[at + needle.len()..];
        let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
        let number = std::str::from_utf8(&digits[..end]).ok().and_then(|digits| digits.parse::<u64>().ok());
        if let Some(due) = number.and_then(|number| probed.due.remove(&number)) {
            probed.seen += 1;
            timeline.borrow_mut().seen_on_feed(due, now);
        }
    }
}

/// An order for what is not there.
fn probe_request(endpoint: &Endpoint, sku: &str) -> Vec<u8> {
    let time = now_text();
    let time = String::from_utf8_lossy(&time);
    let body = format!(
        r#"{{"specversion":"1.0","id":"{sku}","source":"/bench","type":"order.placed","time":"{time}","data":{{"order_id":"{sku}","line_id":"1","sku":"{sku}","location":"L000","quantity":5}}}}"#
    );
    let head = endpoint.post_events_head("application/cloudevents+json", body.len());
    (head + &body).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_is_seen_once_and_from_when_it_was_due() {
        let start = Instant::now();
        let second = Duration::from_secs(1);
        let timeline = RefCell::new(Timeline::new(start, 6 * second, 1, 1, second, None));
        let mut probed =
            Probed { sent: 2, due: HashMap::from([(7, start), (70, start)]), ..Probed::default() };
        let text =
            br#"[{"item":{"subject":{"sku":"p-70","location":"L1"}}},{"item":{"sku":"p-70"}},{"sku":"q-7"}]"#;
        seen(text, "p-", &timeline, &mut probed);
        assert_eq!((probed.seen, probed.due.len()), (1, 1));
        assert!(probed.due.contains_key(&7));
    }
}
