//! Recomputes explained numbers in tests: a reader of the grammar of `explain.rs` that shares nothing with the costing.

use crate::domain::approval_case::item::Explained;

/// Recomputes a number from its inputs alone.
#[track_caller]
pub fn check_formula(explained: &Explained) {
    let mut parser = Parser { text: explained.formula.as_bytes(), at: 0, explained };
    let computed = parser.sum();
    assert_eq!(parser.at, parser.text.len(), "{explained:?}");
    match (explained.value, computed) {
        (Some(value), Some(computed)) => {
            assert!((value - computed).abs() <= 1e-4 * value.abs().max(1.0), "{computed} in {explained:?}");
        }
        (None, None) => {}
        other => panic!("{other:?} in {explained:?}"),
    }
}

/// The grammar that `explain.rs` states; an unknown input makes the whole unknown.
struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    explained: &'a Explained,
}

impl Parser<'_> {
    fn peek(&mut self) -> u8 {
        while self.text.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn takes(&mut self, byte: u8) -> bool {
        let takes = self.peek() == byte;
        self.at += usize::from(takes);
        takes
    }

    fn sum(&mut self) -> Option<f64> {
        let mut sum = self.product();
        loop {
            if self.takes(b'+') {
                sum = sum.zip(self.product()).map(|(a, b)| a + b);
            } else if self.takes(b'-') {
                sum = sum.zip(self.product()).map(|(a, b)| a - b);
            } else {
                return sum;
            }
        }
    }

    fn product(&mut self) -> Option<f64> {
        let mut product = self.factor();
        loop {
            if self.takes(b'*') {
                product = product.zip(self.factor()).map(|(a, b)| a * b);
            } else if self.takes(b'/') {
                product = product.zip(self.factor()).map(|(a, b)| a / b);
            } else {
                return product;
            }
        }
    }

    fn factor(&mut self) -> Option<f64> {
        if self.takes(b'(') {
            let inside = self.sum();
            assert!(self.takes(b')'));
            return inside;
        }
        self.peek();
        let from = self.at;
        while self.text.get(self.at).is_some_and(|b| b.is_ascii_alphanumeric() || b"_.".contains(b)) {
            self.at += 1;
        }
        let word = std::str::from_utf8(&self.text[from..self.at]).unwrap();
        if let Ok(number) = word.parse() {
            return Some(number);
        }
        if self.takes(b'(') {
            let first = self.sum();
            assert!(self.takes(b','));
            let second = self.sum();
            assert!(self.takes(b')'));
            let (a, b) = first.zip(second)?;
            return Some(match word {
                "min" => a.min(b),
                "max" => a.max(b),
                "round_up" => (a / b - 1e-6).ceil() * b,
                "short_probability" => below_zero(a, b).0,
                "units_short" => below_zero(a, b).1,
                other => panic!("{other} in {:?}", self.explained),
            });
        }
        let input = self.explained.inputs.iter().find(|input| input.name == word);
        input.unwrap_or_else(|| panic!("{word} in {:?}", self.explained)).value
    }
}

/// P(X < 0) and E(max(0, −X)) of a normal X, by adding up thin slices.
fn below_zero(mean: f64, sd: f64) -> (f64, f64) {
    if sd <= 0.0 {
        return (f64::from(u8::from(mean < 0.0)), (-mean).max(0.0));
    }
    const SLICES: i32 = 20_000;
    let (from, until) = (mean - 10.0 * sd, (mean + 10.0 * sd).min(0.0));
    if until <= from {
        return (0.0, 0.0);
    }
    let width = (until - from) / f64::from(SLICES);
    let density = |x: f64| (-0.5 * ((x - mean) / sd).powi(2)).exp() / (sd * std::f64::consts::TAU.sqrt());
    let slice = |at: i32| {
        let x = from + (f64::from(at) + 0.5) * width;
        (density(x) * width, -x * density(x) * width)
    };
    (0..SLICES).map(slice).fold((0.0, 0.0), |sum, slice| (sum.0 + slice.0, sum.1 + slice.1))
}
