//! What the sandbox does wrong, on purpose.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Faults that are on; all of them can be switched while it runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Faults {
    /// Milliseconds between recording an action and answering.
    pub slow_ms: u64,
    /// Answers 503 and records nothing.
    pub down: bool,
    /// Share of requests, 0–1, that are answered 500 and not recorded.
    pub fail_rate: f64,
    /// Share of requests, 0–1, that are recorded and answered 504, as a proxy does that lost the answer.
    pub lose_answers: f64,
    /// What is wrong with what it makes of an action.
    pub wrong: Option<Wrong>,
    /// Requests wait, unrecorded, until this is switched off.
    pub hold_requests: bool,
    /// Answers wait, recorded, until this is switched off.
    pub hold_answers: bool,
    /// Events to the tower wait until this is switched off.
    pub hold_events: bool,
    /// The same seed fails the same attempts.
    pub seed: u64,
}

/// What can be wrong with the document that follows an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Wrong {
    /// It is about half of the quantity.
    Quantity,
    /// It promises a week later.
    Date,
    /// There is none: the action is refused.
    Refuse,
    /// There is none, though the action was taken.
    Silence,
}

/// The longest answer delay that can be asked for, in milliseconds.
const SLOW_MS_MAX: u64 = 600_000;

impl Faults {
    /// These faults with the members of `change` in place of their own.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn changed(&self, change: &Value) -> Result<Faults, String> {
        let Value::Object(change) = change else { return Err("faults are a JSON object".to_owned()) };
        let mut members = match serde_json::to_value(self) {
            Ok(Value::Object(members)) => members,
            Ok(_) | Err(_) => return Err("faults are a JSON object".to_owned()),
        };
        members.extend(change.clone());
        let faults: Faults =
            serde_json::from_value(Value::Object(members)).map_err(|error| error.to_string())?;
        faults.check()?;
        Ok(faults)
    }

    /// # Errors
    /// What is out of its range, in words.
    pub fn check(&self) -> Result<(), String> {
        for (name, share) in [("fail_rate", self.fail_rate), ("lose_answers", self.lose_answers)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!("{name} is a share from 0 to 1"));
            }
        }
        if self.slow_ms > SLOW_MS_MAX {
            return Err(format!("slow_ms is at most {SLOW_MS_MAX}"));
        }
        Ok(())
    }

    /// Whether the fault of that share strikes attempt `attempt` of the action with that key.
    pub fn strikes(&self, share: f64, what: &str, key: &str, attempt: u64) -> bool {
        let mut hasher = blake3::Hasher::new();
        for part in [what.as_bytes(), key.as_bytes(), &attempt.to_be_bytes(), &self.seed.to_be_bytes()] {
            hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
        }
        let mut drawn = [0; 4];
        hasher.finalize_xof().fill(&mut drawn);
        f64::from(u32::from_be_bytes(drawn)) / (f64::from(u32::MAX) + 1.0) < share
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_named_changes() {
        let faults = Faults { seed: 7, ..Faults::default() };
        let faults = faults.changed(&json!({"slow_ms": 50, "wrong": "quantity"})).unwrap();
        let faults = faults.changed(&json!({"down": true})).unwrap();
        let expected =
            Faults { seed: 7, slow_ms: 50, wrong: Some(Wrong::Quantity), down: true, ..Faults::default() };
        assert_eq!(faults, expected);
        assert_eq!(faults.changed(&json!({"wrong": null})).unwrap().wrong, None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for bad in [json!([]), json!({"slow": 1}), json!({"fail_rate": 1.5}), json!({"slow_ms": 600_001})] {
            assert!(Faults::default().changed(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_share_strikes_that_share_and_the_same_ones_again() {
        let faults = Faults { seed: 1, ..Faults::default() };
        let struck = |attempt| faults.strikes(0.3, "fail", "act_1", attempt);
        let hits = (0..10_000).filter(|attempt| struck(*attempt)).count();
        assert!((2_800..3_200).contains(&hits), "{hits}");
        assert!((0..100).all(|attempt| struck(attempt) == struck(attempt)));
        assert!((0..100).all(|attempt| !faults.strikes(0.0, "fail", "a", attempt)));
        assert!((0..100).all(|attempt| faults.strikes(1.0, "fail", "a", attempt)));
    }
}
