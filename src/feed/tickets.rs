//! Tickets: how a browser, which can't send a header with a WebSocket, shows who it is. Good once, for a short time.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Tickets that may be out at a time.
const TICKETS_MAX: usize = 10_000;
/// Random bytes of a ticket.
const TICKET_BYTES: usize = 32;

/// A new ticket; the only place where its text stands.
#[derive(Debug)]
pub struct IssuedTicket {
    pub ticket: String,
    pub good_for: Duration,
}

/// No ticket can be had now: too many are out, for all or for one, or there is no randomness.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many tickets are out")]
pub struct TicketsFull;

/// A ticket that is out.
struct Out<T> {
    owner: String,
    whom: T,
    until: Instant,
}

/// Tickets that are out, each by its hash with whom it stands for. A ticket is found by the hash of what is shown, so
/// that the time it takes says nothing about the tickets there are.
pub struct Tickets<T> {
    good_for: Duration,
    owner_max: usize,
    out: HashMap<[u8; 32], Out<T>>,
}

impl<T> Tickets<T> {
    /// None are out; one owner may have `owner_max`.
    pub fn new(good_for: Duration, owner_max: usize) -> Tickets<T> {
        Tickets { good_for, owner_max, out: HashMap::new() }
    }

    /// Makes a ticket for someone, counted for `owner`.
    ///
    /// # Errors
    /// [`TicketsFull`]
    pub fn issue(&mut self, owner: String, whom: T, now: Instant) -> Result<IssuedTicket, TicketsFull> {
        self.out.retain(|_, out| out.until > now);
        let of_owner = self.out.values().filter(|out| out.owner == owner).count();
        if self.out.len() >= TICKETS_MAX || of_owner >= self.owner_max {
            return Err(TicketsFull);
        }
        let mut secret = [0; TICKET_BYTES];
        getrandom::fill(&mut secret).map_err(|_| TicketsFull)?;
        let ticket = URL_SAFE_NO_PAD.encode(secret);
        self.out.insert(hash(&ticket), Out { owner, whom, until: now + self.good_for });
        Ok(IssuedTicket { ticket, good_for: self.good_for })
    }

    /// Whom a ticket stands for; it is used up by that.
    pub fn redeem(&mut self, ticket: &str, now: Instant) -> Option<T> {
        let Out { whom, until, .. } = self.out.remove(&hash(ticket))?;
        (until > now).then_some(whom)
    }
}

fn hash(ticket: &str) -> [u8; 32] {
    *blake3::hash(ticket.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD_FOR: Duration = Duration::from_secs(30);

    #[test]
    fn a_ticket_is_good_once_and_for_its_time() {
        let now = Instant::now();
        let mut tickets = Tickets::new(GOOD_FOR, 10);
        let anna = tickets.issue("anna".into(), "anna", now).expect("a ticket");
        let late = tickets.issue("bob".into(), "bob", now).expect("a ticket");
        assert_ne!(anna.ticket, late.ticket);
        assert!(
            anna.ticket.len() >= 43
                && anna.ticket.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
        );
        assert_eq!(tickets.redeem("no-such-ticket", now), None);
        assert_eq!(tickets.redeem(&anna.ticket, now + GOOD_FOR / 2), Some("anna"));
        assert_eq!(tickets.redeem(&anna.ticket, now + GOOD_FOR / 2), None, "used up");
        assert_eq!(tickets.redeem(&late.ticket, now + GOOD_FOR), None, "too late");
    }

    #[test]
    fn tickets_are_bounded_and_those_that_ran_out_make_room() {
        let now = Instant::now();
        let mut tickets = Tickets::new(GOOD_FOR, TICKETS_MAX / 100);
        for n in 0..TICKETS_MAX {
            tickets.issue((n % 100).to_string(), (), now).expect("a ticket");
        }
        assert_eq!(tickets.issue("new".into(), (), now).err(), Some(TicketsFull));
        assert!(tickets.issue("new".into(), (), now + GOOD_FOR).is_ok());
    }

    #[test]
    fn one_owner_does_not_take_the_tickets_of_others() {
        let now = Instant::now();
        let mut tickets = Tickets::new(GOOD_FOR, 2);
        let first = tickets.issue("anna".into(), (), now).expect("a ticket");
        tickets.issue("anna".into(), (), now).expect("a ticket");
        assert_eq!(tickets.issue("anna".into(), (), now).err(), Some(TicketsFull));
        assert!(tickets.issue("bob".into(), (), now).is_ok());
        assert!(tickets.redeem(&first.ticket, now).is_some());
        assert!(tickets.issue("anna".into(), (), now).is_ok(), "a used one makes room");
    }
}
