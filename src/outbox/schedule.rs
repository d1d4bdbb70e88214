//! Which attempts may begin now. Pure: what waits and the time come in, the choice goes out.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::breaker::Breaker;
use super::retry_budget::RetryBudget;
use crate::domain::ids::{Name, TenantNumber};
use crate::domain::time::Timestamp;

/// An action, over all tenants.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionKey {
    pub tenant: TenantNumber,
    pub action: Name,
}

/// An action that is to be delivered.
#[derive(Clone, Debug)]
pub struct Candidate {
    pub key: ActionKey,
    pub target: Name,
    pub approved_at: Timestamp,
    /// Attempts made so far.
    pub attempts: u32,
    pub not_before: Instant,
}

/// What stands between actions and one target.
#[derive(Clone, Debug)]
pub struct Gate {
    pub in_flight: usize,
    pub in_flight_max: usize,
    pub breaker: Breaker,
    pub retries: RetryBudget,
}

/// How long actions wait, as their cases state it: until a moment of business time. A wait is counted by the machine from
/// when it was first seen: the wall may be set back meanwhile, and then business time stands still. It may also have been
/// set back between stating and journaling it, and then the moment is far off: no wait is longer than any that is stated.
#[derive(Debug, Default)]
pub struct Waits(HashMap<ActionKey, (Timestamp, Instant)>);

impl Waits {
    /// Until when an action waits that may be tried from `stated` on.
    pub fn until(
        &mut self,
        key: &ActionKey,
        stated: Timestamp,
        business_now: Timestamp,
        wait_max: Duration,
        now: Instant,
    ) -> Instant {
        match self.0.get(key) {
            Some((known, until)) if *known == stated => *until,
            _ => {
                let early = stated.micros().saturating_sub(business_now.micros());
                let until = now + Duration::from_micros(u64::try_from(early).unwrap_or(0)).min(wait_max);
                self.0.insert(key.clone(), (stated, until));
                until
            }
        }
    }

    /// Forgets all others.
    pub fn keep(&mut self, wanted: impl Fn(&ActionKey) -> bool) {
        self.0.retain(|key, _| wanted(key));
    }
}

/// What to do now, and when to look again if nothing else happens before.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    pub begin: Vec<ActionKey>,
    pub wake_at: Option<Instant>,
}

/// Chooses the attempts that begin now, the longest approved first, and notes them in their gates. Targets without a
/// gate can't be reached: their actions wait.
pub fn due(
    mut candidates: Vec<Candidate>,
    gates: &mut HashMap<Name, Gate>,
    in_flight_max: usize,
    now: Instant,
) -> Plan {
    candidates.sort_by(|a, b| (a.approved_at, &a.key).cmp(&(b.approved_at, &b.key)));
    let mut in_flight: usize = gates.values().map(|gate| gate.in_flight).sum();
    let mut plan = Plan::default();
    for candidate in candidates {
        let Some(gate) = gates.get_mut(&candidate.target) else { continue };
        // An attempt that ends makes room and is looked after: no need to wake for that.
        if in_flight >= in_flight_max || gate.in_flight >= gate.in_flight_max {
            continue;
        }
        match gate.admits(&candidate, now) {
            Ok(()) => {
                gate.begin(candidate.attempts > 0);
                in_flight += 1;
                plan.begin.push(candidate.key);
            }
            Err(at) => plan.wake_at = [plan.wake_at, at].into_iter().flatten().min(),
        }
    }
    plan
}

impl Gate {
    fn admits(&mut self, candidate: &Candidate, now: Instant) -> Result<(), Option<Instant>> {
        if now < candidate.not_before {
            return Err(Some(candidate.not_before));
        }
        self.breaker.allows(now)?;
        if candidate.attempts > 0 {
            self.retries.allows(now).map_err(Some)?;
        }
        Ok(())
    }

    fn begin(&mut self, is_retry: bool) {
        self.in_flight += 1;
        self.breaker.begin();
        if is_retry {
            self.retries.take();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn gate(in_flight_max: usize, now: Instant) -> Gate {
        Gate {
            in_flight: 0,
            in_flight_max,
            breaker: Breaker::new(3, Duration::from_secs(30)),
            retries: RetryBudget::new(6, now),
        }
    }

    fn gates(now: Instant) -> HashMap<Name, Gate> {
        HashMap::from([(Name::from("erp"), gate(2, now)), (Name::from("wms"), gate(2, now))])
    }

    fn candidate(action: &str, target: &str, approved: i64, now: Instant) -> Candidate {
        Candidate {
            key: ActionKey { tenant: TenantNumber(0), action: Name::from(action) },
            target: Name::from(target),
            approved_at: Timestamp::from_micros(approved),
            attempts: 0,
            not_before: now,
        }
    }

    fn begun(plan: &Plan) -> Vec<&str> {
        plan.begin.iter().map(|key| key.action.as_str()).collect()
    }

    #[test]
    fn the_longest_approved_goes_first_within_each_targets_bound() {
        let now = Instant::now();
        let waiting = vec![
            candidate("c", "erp", 3, now),
            candidate("a", "erp", 1, now),
            candidate("b", "erp", 2, now),
            candidate("d", "wms", 4, now),
        ];
        let mut gates = gates(now);
        assert_eq!(begun(&due(waiting.clone(), &mut gates, 32, now)), ["a", "b", "d"]);
        assert_eq!(gates["erp"].in_flight, 2);
        assert!(due(vec![candidate("c", "erp", 3, now)], &mut gates, 32, now).begin.is_empty());
    }

    #[test]
    fn the_bound_over_all_targets_holds() {
        let now = Instant::now();
        let waiting = vec![candidate("a", "erp", 1, now), candidate("b", "wms", 2, now)];
        assert_eq!(begun(&due(waiting, &mut gates(now), 1, now)), ["a"]);
    }

    #[test]
    fn what_is_not_due_says_when_to_wake() {
        let now = Instant::now();
        let later = |seconds| now + Duration::from_secs(seconds);
        let waiting = vec![
            Candidate { not_before: later(9), ..candidate("a", "erp", 1, now) },
            Candidate { not_before: later(5), ..candidate("b", "wms", 2, now) },
        ];
        let plan = due(waiting, &mut gates(now), 32, now);
        assert_eq!(plan, Plan { begin: Vec::new(), wake_at: Some(later(5)) });
    }

    #[test]
    fn an_open_breaker_holds_its_target_alone_and_then_lets_one_through() {
        let now = Instant::now();
        let mut gates = gates(now);
        if let Some(gate) = gates.get_mut("erp") {
            (0..3).for_each(|_| gate.breaker.fails(now));
        }
        let waiting =
            vec![candidate("a", "erp", 1, now), candidate("b", "erp", 2, now), candidate("c", "wms", 3, now)];
        let plan = due(waiting.clone(), &mut gates, 32, now);
        assert_eq!((begun(&plan), plan.wake_at), (vec!["c"], Some(now + Duration::from_secs(30))));
        let plan = due(waiting[..2].to_vec(), &mut gates, 32, now + Duration::from_secs(30));
        assert_eq!(begun(&plan), ["a"], "one probe, though there is room for two");
    }

    #[test]
    fn retries_have_a_budget_and_first_attempts_do_not_wait_for_it() {
        let now = Instant::now();
        let retry = |action, approved| Candidate { attempts: 1, ..candidate(action, "erp", approved, now) };
        let waiting = vec![retry("a", 1), retry("b", 2), candidate("c", "erp", 3, now)];
        let plan = due(waiting, &mut gates(now), 32, now);
        assert_eq!(begun(&plan), ["a", "c"], "one token, and then the first attempt of another");
        assert!(plan.wake_at.is_some_and(|at| at > now));
    }

    #[test]
    fn a_wait_ends_though_business_time_stands_still() {
        let (now, key) = (Instant::now(), candidate("a", "erp", 1, Instant::now()).key);
        let business = Timestamp::from_micros(1_000_000_000);
        let stated = business.plus(200_000);
        let mut waits = Waits::default();
        let until = now + Duration::from_millis(200);
        let max = Duration::from_secs(60);
        assert_eq!(waits.until(&key, stated, business, max, now), until);
        // The wall was set back by hours: business time is where it was.
        assert_eq!(waits.until(&key, stated, business, max, until), until, "it is over");
        let later = until + Duration::from_secs(1);
        assert_eq!(
            waits.until(&key, stated.plus(300_000), stated, max, later),
            later + Duration::from_millis(300),
            "the next failure states another one"
        );
        waits.keep(|_| false);
        assert_eq!(waits.until(&key, business, stated, max, later), later, "what is due does not wait");
    }

    #[test]
    fn a_wait_stated_before_the_wall_was_set_back_is_no_longer_than_any() {
        let (now, key) = (Instant::now(), candidate("a", "erp", 1, Instant::now()).key);
        let business = Timestamp::from_micros(1_000_000_000);
        let (an_hour_on, max) = (business.plus(3_600_000_000), Duration::from_secs(60));
        assert_eq!(Waits::default().until(&key, an_hour_on, business, max, now), now + max);
    }

    #[test]
    fn a_target_nobody_configured_keeps_its_actions_waiting() {
        let now = Instant::now();
        let plan = due(vec![candidate("a", "crm", 1, now)], &mut gates(now), 32, now);
        assert_eq!(plan, Plan::default());
    }

    proptest! {
        /// Whatever waits: nobody goes twice, nobody goes early, no bound is passed, and if nothing begins although
        /// something could later, there is a time to look again.
        #[test]
        fn bounds_hold(
            actions in prop::collection::vec((0_u8..20, 0_u8..3, 0_i64..5, 0_u32..3, 0_u64..4), 0..40),
            in_flight_max in 1_usize..6,
        ) {
            let now = Instant::now();
            let mut seen = std::collections::HashSet::new();
            let waiting: Vec<Candidate> = actions.into_iter().filter(|(id, ..)| seen.insert(*id)).map(
                |(id, target, approved, attempts, wait)| Candidate {
                    attempts,
                    not_before: now + Duration::from_secs(wait),
                    ..candidate(&format!("act_{id}"), ["erp", "wms", "crm"][usize::from(target)], approved, now)
                }).collect();
            let mut gates = gates(now);
            let plan = due(waiting.clone(), &mut gates, in_flight_max, now);
            prop_assert!(plan.begin.len() <= in_flight_max);
            prop_assert!(gates.values().all(|gate| gate.in_flight <= 2));
            for key in &plan.begin {
                let chosen = waiting.iter().filter(|candidate| candidate.key == *key).collect::<Vec<_>>();
                prop_assert_eq!(chosen.len(), 1);
                prop_assert!(chosen[0].not_before <= now && chosen[0].target != "crm");
            }
            let unique: std::collections::HashSet<_> = plan.begin.iter().collect();
            prop_assert_eq!(unique.len(), plan.begin.len());
            let later = waiting.iter().any(|c| c.not_before > now && c.target != "crm");
            if plan.begin.is_empty() && later {
                prop_assert!(plan.wake_at.is_some());
            }
        }
    }
}
