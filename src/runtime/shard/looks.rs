//! Who looks when, where there is more to look at than time for it.
//!
//! An entity looks as soon as something happens to it. But one look answers for all records until then, and a second look
//! of one that has just looked seldom finds anything. So while records come, second looks have only a share of a shard's
//! time. Beyond it they wait, and each answers for what comes meanwhile; one that has waited for as long as a look counts as
//! a second one waits for the share no longer, nor does any while somebody waits for what follows from a record that one of
//! them looks for (`Progress::wait_settled`). What is new shows soon however great the load is, and what is not, a little
//! later.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::slot::Slot;
use crate::domain::ids::Lsn;

/// How often the share of second looks is dealt out. Without a record for as long there is nothing to share with.
const WINDOW: Duration = Duration::from_millis(20);
/// After it was spent, when it is looked at again.
pub(super) const WINDOW_PART: Duration = Duration::from_millis(5);
/// What a second look counts for at most: one that takes long must not stop all others.
const COST_MAX: Duration = WINDOW;

/// Later than any record.
const LATEST: Lsn = Lsn(u64::MAX);

/// What a slot has that never looked. The clock is far from it for the first weeks; where it comes by again, a look may
/// count as a second one that is none.
pub(super) const NEVER: u32 = 0;
const CLOCK_BEGIN: u32 = 1 << 31;

/// Who waits to look, and what second looks may cost.
pub(super) struct Looks {
    /// Those for whom somebody waits.
    awaited: VecDeque<u32>,
    first: VecDeque<u32>,
    /// Those that wait for their second look, each with the time since when.
    again: VecDeque<(u32, u32)>,
    /// The earliest outside record that any of these looked for since there was none.
    again_for: Lsn,
    /// Whether it is the turn of one that waits for its second look and for no share.
    turn: bool,
    began: Instant,
    /// Milliseconds within which another look is a second one.
    lately: u32,
    /// What second looks may cost in a window.
    share: Duration,
    window: Instant,
    /// What they have cost beyond what was dealt out before this window.
    spent: Duration,
    /// When records last came.
    records_at: Instant,
}

/// On what grounds an entity looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It is free to.
    Free,
    /// Out of the share of second looks.
    Share,
}

/// In which queues a slot is: in each at most once, though it may not have to look any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Waits {
    awaited: bool,
    first: bool,
    again: bool,
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    pub index: u32,
    pub turn: Turn,
    from: Queue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    Awaited,
    First,
    Again,
}

impl Next {
    /// Its slot waits no more, as far as this goes.
    pub fn leave(self, slot: &mut Slot) {
        match self.from {
            Queue::Awaited => slot.waits.awaited = false,
            Queue::First => slot.waits.first = false,
            Queue::Again => slot.waits.again = false,
        }
    }
}

impl Looks {
    /// Whoever looked less than `lately` ago looks again, for which there is that percentage of the time.
    pub fn new(lately: Duration, percent: u32) -> Looks {
        let now = Instant::now();
        Looks {
            awaited: VecDeque::new(),
            first: VecDeque::new(),
            again: VecDeque::new(),
            again_for: LATEST,
            turn: false,
            began: now,
            lately: u32::try_from(lately.as_millis()).unwrap_or(u32::MAX),
            share: WINDOW * percent / 100,
            window: now,
            spent: Duration::ZERO,
            records_at: now,
        }
    }

    /// Milliseconds, modulo 2^32.
    fn clock(&self, now: Instant) -> u32 {
        CLOCK_BEGIN.wrapping_add(now.saturating_duration_since(self.began).as_millis() as u32)
    }

    fn is_lately(&self, at: u32, now: Instant) -> bool {
        self.clock(now).wrapping_sub(at) < self.lately
    }

    /// Records have come.
    pub fn note_records(&mut self) {
        self.records_at = Instant::now();
    }

    /// Deals out the share of the windows that have passed.
    fn deal(&mut self, now: Instant) {
        let windows = now.saturating_duration_since(self.window).as_micros() / WINDOW.as_micros();
        if let Ok(windows @ 1..) = u32::try_from(windows) {
            self.spent = self.spent.saturating_sub(self.share.saturating_mul(windows));
            self.window += WINDOW * windows;
        }
    }

    /// Whether second looks have time left.
    fn has_share(&mut self, now: Instant) -> bool {
        self.deal(now);
        self.spent < self.share || now.saturating_duration_since(self.records_at) >= WINDOW
    }

    /// Whether an entity that something happened to may look at once.
    pub fn may_look(&mut self, slot: &Slot) -> Option<Turn> {
        let now = Instant::now();
        if !self.is_lately(slot.looked_at, now) {
            return Some(Turn::Free);
        }
        (self.again.is_empty() && self.has_share(now)).then_some(Turn::Share)
    }

    /// An entity looks. Answers when that was.
    pub fn begin(&self, slot: &mut Slot) -> Instant {
        let now = Instant::now();
        slot.looked_at = self.clock(now);
        now
    }

    /// It has looked.
    pub fn end(&mut self, turn: Turn, began: Instant) {
        if turn == Turn::Share {
            let cost = began.elapsed();
            #[cfg(test)]
            let cost = cost + testing::cost();
            self.deal(Instant::now());
            self.spent += cost.min(COST_MAX);
        }
    }

    /// Has an entity wait to look for `origin`; before all others if somebody waits for what it does next.
    pub fn wait(&mut self, index: u32, slot: &mut Slot, origin: Lsn, is_awaited: bool) {
        let now = Instant::now();
        if slot.waits.awaited {
            return;
        }
        if is_awaited {
            slot.waits.awaited = true;
            self.awaited.push_back(index);
        } else if slot.waits.first {
            // It is on its way already.
        } else if !self.is_lately(slot.looked_at, now) {
            slot.waits.first = true;
            self.first.push_back(index);
        } else {
            self.again_for = self.again_for.min(origin);
            if !slot.waits.again {
                slot.waits.again = true;
                self.again.push_back((index, self.clock(now)));
            }
        }
    }

    /// Whose turn it is, while somebody waits for what follows from the records up to `waited_for`. The caller has its slot
    /// leave.
    pub fn next(&mut self, waited_for: Lsn) -> Option<Next> {
        let now = Instant::now();
        if let Some(index) = self.awaited.pop_front() {
            return Some(Next { index, turn: Turn::Free, from: Queue::Awaited });
        }
        self.turn = self.is_due_again(now, waited_for) && (!self.turn || self.first.is_empty());
        if self.turn {
            return self.next_again(Turn::Free);
        }
        match self.first.pop_front() {
            Some(index) => Some(Next { index, turn: Turn::Free, from: Queue::First }),
            None if self.has_share(now) => self.next_again(Turn::Share),
            None => None,
        }
    }

    fn next_again(&mut self, turn: Turn) -> Option<Next> {
        let (index, _) = self.again.pop_front()?;
        if self.again.is_empty() {
            self.again_for = LATEST;
        }
        Some(Next { index, turn, from: Queue::Again })
    }

    /// Whether whoever has waited longest for a second look has waited long, or somebody waits for what one of them looks for,
    /// or looked for since there was none.
    fn is_due_again(&self, now: Instant, waited_for: Lsn) -> bool {
        let is_due = |(_, since): &(u32, u32)| self.again_for <= waited_for || !self.is_lately(*since, now);
        self.again.front().is_some_and(is_due)
    }

    /// Places taken in the queues.
    pub fn waiting(&self) -> usize {
        self.awaited.len() + self.first.len() + self.again.len()
    }

    /// Whether someone waits who need not wait for the share.
    pub fn has_due(&self, waited_for: Lsn) -> bool {
        let is_due = !self.awaited.is_empty() || !self.first.is_empty();
        is_due || self.is_due_again(Instant::now(), waited_for)
    }

    /// Whether it is someone's turn.
    pub fn has_next(&mut self, waited_for: Lsn) -> bool {
        self.has_due(waited_for) || (!self.again.is_empty() && self.has_share(Instant::now()))
    }
}

/// What a look costs in a simulation, where no time passes.
#[cfg(test)]
pub mod testing {
    use std::cell::Cell;
    use std::time::Duration;

    thread_local! {
        static COST: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    }

    /// On this thread, from now on.
    pub fn set_cost(cost: Duration) {
        COST.set(cost);
    }

    pub(super) fn cost() -> Duration {
        COST.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATELY: Duration = Duration::from_secs(1);
    const NOBODY: Lsn = Lsn::ZERO;
    const ORIGIN: Lsn = Lsn(7);

    /// A look that takes so long, if it may. Whether it may, and on what grounds.
    async fn look(looks: &mut Looks, slot: &mut Slot, takes: Duration) -> Option<Turn> {
        looks.note_records();
        let turn = looks.may_look(slot)?;
        let began = looks.begin(slot);
        tokio::time::advance(takes).await;
        looks.end(turn, began);
        looks.note_records();
        Some(turn)
    }

    fn next(looks: &mut Looks) -> Option<(u32, Turn)> {
        looks.next(NOBODY).map(|next| (next.index, next.turn))
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[tokio::test(start_paused = true)]
    async fn second_looks_have_a_share_of_the_time_and_first_ones_all_of_it() {
        let mut looks = Looks::new(LATELY, 25);
        let (mut one, mut other) = (Slot::missing(), Slot::missing());
        assert_eq!(look(&mut looks, &mut one, ms(10)).await, Some(Turn::Free));
        assert_eq!(look(&mut looks, &mut one, ms(6)).await, Some(Turn::Share));
        assert_eq!(look(&mut looks, &mut one, ms(0)).await, None, "5 ms of 20 are spent");
        assert_eq!(look(&mut looks, &mut other, ms(3)).await, Some(Turn::Free), "it has never looked");

        looks.wait(1, &mut one, ORIGIN, false);
        looks.wait(1, &mut one, ORIGIN, false);
        assert!((looks.waiting(), looks.has_due(NOBODY), looks.has_next(NOBODY)) == (1, false, false));
        assert_eq!(next(&mut looks), None);
        tokio::time::advance(ms(1)).await;
        looks.note_records();
        assert!(looks.has_next(NOBODY), "another window has begun");
        assert_eq!(look(&mut looks, &mut other, ms(0)).await, None, "another one waits for its second look");
        assert_eq!(next(&mut looks), Some((1, Turn::Share)));
        assert_eq!(look(&mut looks, &mut other, ms(0)).await, Some(Turn::Share));
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_look_does_not_stop_the_others_for_long() {
        let mut looks = Looks::new(LATELY, 25);
        let mut slot = Slot::missing();
        look(&mut looks, &mut slot, ms(0)).await;
        assert_eq!(look(&mut looks, &mut slot, ms(900)).await, Some(Turn::Share));
        assert_eq!(waits(&mut looks, &mut slot).await, 80, "20 ms are dealt out in 4 windows");
    }

    #[tokio::test(start_paused = true)]
    async fn looks_that_begin_together_cost_what_they_cost() {
        let mut looks = Looks::new(LATELY, 25);
        let mut slot = Slot::missing();
        look(&mut looks, &mut slot, ms(0)).await;
        // A slice of those who wait is asked before the first of them has looked.
        for _ in 0..10 {
            let began = looks.begin(&mut slot);
            tokio::time::advance(ms(2)).await;
            looks.end(Turn::Share, began);
        }
        looks.note_records();
        assert_eq!(waits(&mut looks, &mut slot).await, 60, "of 20 ms 5 were dealt out meanwhile");
    }

    /// Milliseconds until a second look may be taken, while records come.
    async fn waits(looks: &mut Looks, slot: &mut Slot) -> u64 {
        let mut waited = 0;
        while look(looks, slot, ms(0)).await.is_none() {
            tokio::time::advance(ms(5)).await;
            waited += 5;
            assert!(waited < 1_000);
        }
        waited
    }

    #[tokio::test(start_paused = true)]
    async fn without_records_there_is_nothing_to_share_with() {
        let mut looks = Looks::new(LATELY, 1);
        let mut slot = Slot::missing();
        look(&mut looks, &mut slot, ms(0)).await;
        look(&mut looks, &mut slot, ms(300)).await;
        assert_eq!(looks.may_look(&slot), None);
        tokio::time::advance(WINDOW).await;
        assert_eq!(looks.may_look(&slot), Some(Turn::Share));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_gets_to_look() {
        let mut looks = Looks::new(LATELY, 25);
        for (index, has_looked, is_awaited) in
            [(1, true, false), (2, false, false), (3, true, false), (4, true, true)]
        {
            let mut slot = Slot::missing();
            if has_looked {
                looks.begin(&mut slot);
            }
            looks.wait(index, &mut slot, ORIGIN, is_awaited);
        }
        assert_eq!(next(&mut looks), Some((4, Turn::Free)), "somebody waits for it");
        assert_eq!(next(&mut looks), Some((2, Turn::Free)), "it has never looked");
        for index in 10..15 {
            looks.wait(index, &mut Slot::missing(), ORIGIN, false);
        }
        tokio::time::advance(LATELY).await;
        let order: Vec<u32> = std::iter::from_fn(|| looks.next(NOBODY)).map(|next| next.index).collect();
        assert_eq!(order, [1, 10, 3, 11, 12, 13, 14], "those that have waited long have every other turn");
    }

    #[tokio::test(start_paused = true)]
    async fn while_somebody_waits_for_what_follows_there_is_no_share_to_wait_for() {
        let mut looks = Looks::new(LATELY, 25);
        let mut slots = [Slot::missing(), Slot::missing()];
        for slot in &mut slots {
            look(&mut looks, slot, ms(0)).await;
        }
        look(&mut looks, &mut slots[0], ms(20)).await;
        // What the second one looks for is earlier, and what the first one looks for turns out to be, too.
        looks.wait(1, &mut slots[0], Lsn(9), false);
        looks.wait(2, &mut slots[1], Lsn(8), false);
        looks.wait(1, &mut slots[0], Lsn(7), false);
        assert!(!looks.has_due(Lsn(6)) && !looks.has_next(Lsn(6)));
        assert!(looks.has_due(Lsn(7)) && looks.has_next(Lsn(7)));
        assert_eq!(looks.next(Lsn(6)), None, "the share is spent");
        let mut next = || looks.next(Lsn(7)).map(|next| (next.index, next.turn));
        assert_eq!([next(), next(), next()], [Some((1, Turn::Free)), Some((2, Turn::Free)), None]);
        looks.wait(3, &mut Slot::missing(), Lsn(1), false);
        looks.begin(&mut slots[0]);
        slots[0].waits = Waits::default();
        assert_eq!(looks.next(NOBODY).map(|next| next.index), Some(3));
        looks.wait(1, &mut slots[0], Lsn(9), false);
        assert_eq!(looks.next(Lsn(8)), None, "who was waited for has looked");
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_waited_for_goes_first_though_it_waits_already() {
        let mut looks = Looks::new(LATELY, 25);
        let (mut slot, mut other) = (Slot::missing(), Slot::missing());
        look(&mut looks, &mut slot, ms(0)).await;
        look(&mut looks, &mut other, ms(0)).await;
        looks.wait(3, &mut Slot::missing(), ORIGIN, false);
        looks.wait(2, &mut other, ORIGIN, false);
        looks.wait(1, &mut slot, ORIGIN, false);
        for _ in 0..3 {
            looks.wait(1, &mut slot, ORIGIN, true);
        }
        assert_eq!(next(&mut looks), Some((1, Turn::Free)));
        assert_eq!(looks.waiting(), 3, "it has a place in each queue, once");
    }
}
