//! Who looks when, where there is more to look at than time for it.
//!
//! An entity looks as soon as something happens to it. But one look answers for all records until then, and a second look
//! of one that has just looked seldom finds anything. So second looks have only a share of a shard's time; beyond it they
//! wait, first come, first served, and each answers for what comes meanwhile. What is new shows soon however great the load
//! is.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::slot::Slot;
use crate::domain::ids::Lsn;

/// How often the share of second looks is dealt out.
const WINDOW: Duration = Duration::from_millis(20);
/// After it was spent, when it is looked at again.
pub(super) const WINDOW_PART: Duration = Duration::from_millis(5);

/// What a slot has that never looked. The clock is far from it for the first weeks; where it comes by again, a look may
/// count as a second one that is none.
pub(super) const NEVER: u32 = 0;
const CLOCK_BEGIN: u32 = 1 << 31;

/// Who waits to look, and what second looks may cost.
pub(super) struct Looks {
    /// Those that have not looked for a while.
    first: VecDeque<u32>,
    /// Those that have.
    again: VecDeque<u32>,
    began: Instant,
    /// Milliseconds within which another look is a second one.
    lately: u32,
    /// What second looks may cost in a window.
    share: Duration,
    window: Instant,
    /// What they have cost beyond what was dealt out before this window.
    spent: Duration,
}

/// A look that has begun.
pub struct Look {
    /// What the entity waited to look for goes back to this.
    pub waited: Option<Lsn>,
    /// When it began, if it is a second one.
    again_at: Option<Instant>,
}

impl Looks {
    /// Whoever looked less than `lately` ago looks again, for which there is that percentage of the time.
    pub fn new(lately: Duration, percent: u32) -> Looks {
        let now = Instant::now();
        Looks {
            first: VecDeque::new(),
            again: VecDeque::new(),
            began: now,
            lately: u32::try_from(lately.as_millis()).unwrap_or(u32::MAX),
            share: WINDOW * percent / 100,
            window: now,
            spent: Duration::ZERO,
        }
    }

    /// Milliseconds, modulo 2^32.
    fn clock(&self, now: Instant) -> u32 {
        CLOCK_BEGIN.wrapping_add(now.saturating_duration_since(self.began).as_millis() as u32)
    }

    fn is_again(&self, slot: &Slot, now: Instant) -> bool {
        self.clock(now).wrapping_sub(slot.looked_at) < self.lately
    }

    /// Whether second looks have time left.
    fn has_share(&mut self, now: Instant) -> bool {
        let windows = now.saturating_duration_since(self.window).as_micros() / WINDOW.as_micros();
        if windows > 0 {
            let dealt = self.share.saturating_mul(u32::try_from(windows).unwrap_or(u32::MAX));
            self.spent = self.spent.saturating_sub(dealt);
            self.window = now;
        }
        self.spent < self.share
    }

    /// Whether an entity that something happened to may look at once.
    pub fn may_look(&mut self, slot: &Slot) -> bool {
        let now = Instant::now();
        !self.is_again(slot, now) || (self.again.is_empty() && self.has_share(now))
    }

    /// An entity looks, also for whatever it waited to look for.
    pub fn begin(&self, slot: &mut Slot) -> Look {
        let now = Instant::now();
        let again_at = self.is_again(slot, now).then_some(now);
        slot.looked_at = self.clock(now);
        Look { waited: slot.dirty.take(), again_at }
    }

    /// It has looked.
    pub fn end(&mut self, look: &Look) {
        self.spent += look.again_at.map_or(Duration::ZERO, |began| began.elapsed());
    }

    /// Puts an entity behind those who wait like it.
    pub fn wait(&mut self, index: u32, slot: &Slot) {
        let queue = if self.is_again(slot, Instant::now()) { &mut self.again } else { &mut self.first };
        queue.push_back(index);
    }

    /// Whose turn it is.
    pub fn next(&mut self) -> Option<u32> {
        self.first.pop_front().or_else(|| {
            let may_look = self.has_share(Instant::now());
            if may_look { self.again.pop_front() } else { None }
        })
    }

    /// Entities that wait.
    pub fn waiting(&self) -> usize {
        self.first.len() + self.again.len()
    }

    /// Whether someone waits who need not wait for the time of second looks.
    pub fn has_first(&self) -> bool {
        !self.first.is_empty()
    }

    /// Whether it is someone's turn.
    pub fn has_next(&mut self) -> bool {
        self.has_first() || (!self.again.is_empty() && self.has_share(Instant::now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATELY: Duration = Duration::from_secs(1);

    /// A look that takes so long.
    async fn look(looks: &mut Looks, slot: &mut Slot, takes: Duration) {
        let look = looks.begin(slot);
        tokio::time::advance(takes).await;
        looks.end(&look);
    }

    #[tokio::test(start_paused = true)]
    async fn second_looks_have_a_share_of_the_time_and_first_ones_all_of_it() {
        let mut looks = Looks::new(LATELY, 25);
        let (mut one, mut other) = (Slot::missing(), Slot::missing());
        look(&mut looks, &mut one, Duration::from_millis(10)).await;
        assert!(looks.may_look(&one), "a first look takes nothing of the share");
        look(&mut looks, &mut one, Duration::from_millis(6)).await;
        assert!(!looks.may_look(&one), "5 ms of 20 are spent");
        assert!(looks.may_look(&other), "it has never looked");
        look(&mut looks, &mut other, Duration::from_millis(3)).await;

        looks.wait(1, &one);
        assert!((looks.waiting(), looks.has_first(), looks.has_next()) == (1, false, false));
        assert_eq!(looks.next(), None);
        tokio::time::advance(WINDOW).await;
        assert!(looks.has_next());
        assert!(!looks.may_look(&other), "another one waits for its second look");
        assert_eq!(looks.next(), Some(1));
        assert!(looks.may_look(&other));
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_long_look_cost_is_saved_again() {
        let mut looks = Looks::new(LATELY, 25);
        let mut slot = Slot::missing();
        look(&mut looks, &mut slot, Duration::ZERO).await;
        look(&mut looks, &mut slot, Duration::from_millis(500)).await;
        // 500 ms are those of 100 windows, of which 25 have passed while it looked.
        tokio::time::advance(WINDOW * 70).await;
        slot.looked_at = looks.clock(Instant::now());
        assert!(!looks.may_look(&slot));
        tokio::time::advance(WINDOW * 10).await;
        assert!(looks.may_look(&slot));
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_have_not_looked_go_first() {
        let mut looks = Looks::new(LATELY, 25);
        let (mut looked, never) = (Slot::missing(), Slot::missing());
        look(&mut looks, &mut looked, Duration::ZERO).await;
        looks.wait(1, &looked);
        looks.wait(2, &never);
        looks.wait(3, &looked);
        tokio::time::advance(LATELY - Duration::from_millis(1)).await;
        looks.wait(4, &looked);
        tokio::time::advance(Duration::from_millis(1)).await;
        looks.wait(5, &looked);
        let order: Vec<u32> = std::iter::from_fn(|| looks.next()).collect();
        assert_eq!(order, [2, 5, 1, 3, 4]);
    }
}
