//! What kinds of events the load is made of, and in which order.

use std::str::FromStr;

/// The kinds of events that the load is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    Sale,
    Adjusted,
    Counted,
    OrderPlaced,
    OrderShipped,
}

/// Most events after which a mix may repeat. Request bodies are made for a whole repetition ahead of the load.
const CYCLE_EVENTS_MAX: u32 = 256;

/// Shares of the kinds of events, as whole weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mix {
    sale: u32,
    adjusted: u32,
    counted: u32,
    /// Each is two events: `order.placed`, and later `order.shipped` for an earlier one.
    order: u32,
}

impl Default for Mix {
    /// 75 % sales, 4.7 % adjustments (deliveries, as large as what is sold and shipped), 4.7 % counts, 7.8 % orders
    /// placed and 7.8 % shipped.
    fn default() -> Mix {
        Mix { sale: 48, adjusted: 3, counted: 3, order: 5 }
    }
}

impl Mix {
    /// Of a promotion on the web: nearly half of the events are orders placed or shipped.
    pub const MANY_ORDERS: Mix = Mix { sale: 32, adjusted: 3, counted: 1, order: 14 };

    fn cycle_events(self) -> u32 {
        self.sale + self.adjusted + self.counted + 2 * self.order
    }

    /// One repetition: every kind as often as its weight says, each spread evenly (smooth weighted round robin: in
    /// each step every kind gains its weight, and the one that has most is next and pays the sum of all weights).
    pub fn cycle(self) -> Vec<EventKind> {
        let weights = [
            (EventKind::Sale, self.sale),
            (EventKind::Adjusted, self.adjusted),
            (EventKind::Counted, self.counted),
            (EventKind::OrderPlaced, self.order),
            (EventKind::OrderShipped, self.order),
        ];
        let sum = i64::from(self.cycle_events());
        let mut gained = [0i64; 5];
        let mut cycle = Vec::new();
        for _ in 0..sum {
            for (gain, (_, weight)) in gained.iter_mut().zip(weights) {
                *gain += i64::from(weight);
            }
            // The last of equals, so that the first kinds don't always come first.
            let next = (0..weights.len()).max_by_key(|kind| gained[*kind]).unwrap_or_default();
            gained[next] -= sum;
            cycle.push(weights[next].0);
        }
        cycle
    }
}

impl FromStr for Mix {
    type Err = String;

    /// Reads `sale=48,adjusted=3,counted=3,order=5`; what is left out has no share.
    fn from_str(text: &str) -> Result<Mix, String> {
        let mut mix = Mix { sale: 0, adjusted: 0, counted: 0, order: 0 };
        for part in text.split(',') {
            let (kind, weight) =
                part.split_once('=').ok_or_else(|| format!("`{part}` is not KIND=WEIGHT"))?;
            let place = match kind.trim() {
                "sale" => &mut mix.sale,
                "adjusted" => &mut mix.adjusted,
                "counted" => &mut mix.counted,
                "order" => &mut mix.order,
                other => return Err(format!("`{other}` is none of sale, adjusted, counted, order")),
            };
            let weight = weight.trim().parse::<u32>().ok().filter(|weight| *weight <= CYCLE_EVENTS_MAX);
            *place =
                weight.ok_or_else(|| format!("a weight is a whole number of at most {CYCLE_EVENTS_MAX}"))?;
        }
        if (1..=CYCLE_EVENTS_MAX).contains(&mix.cycle_events()) {
            Ok(mix)
        } else {
            Err(format!("the weights, order counted twice, add up to 1 to {CYCLE_EVENTS_MAX}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(cycle: &[EventKind], kind: EventKind) -> usize {
        cycle.iter().filter(|other| **other == kind).count()
    }

    #[test]
    fn every_kind_comes_as_often_as_its_weight_says() {
        let cycle = Mix::default().cycle();
        assert_eq!(cycle.len(), 64);
        assert_eq!(count(&cycle, EventKind::Sale), 48);
        assert_eq!(count(&cycle, EventKind::Adjusted), 3);
        assert_eq!(count(&cycle, EventKind::Counted), 3);
        assert_eq!(count(&cycle, EventKind::OrderPlaced), 5);
        assert_eq!(count(&cycle, EventKind::OrderShipped), 5);
    }

    #[test]
    fn kinds_are_spread_over_the_cycle() {
        let cycle = Mix::default().cycle();
        for quarter in cycle.chunks(16) {
            assert_eq!(count(quarter, EventKind::Sale), 12, "{quarter:?}");
        }
    }

    #[test]
    fn a_mix_is_read_from_its_text() {
        assert_eq!("sale=48, adjusted=3,counted=3,order=5".parse(), Ok(Mix::default()));
        assert_eq!("sale=1".parse::<Mix>().map(Mix::cycle), Ok(vec![EventKind::Sale]));
        for wrong in ["", "sale", "sale=x", "sale=-1", "return=1", "sale=0", "sale=257", "order=129"] {
            assert!(wrong.parse::<Mix>().is_err(), "{wrong}");
        }
    }
}
