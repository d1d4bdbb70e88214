//! A supplier at one moment, as its exceptions look at it: what is expected when, and what it is worth.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::Supplier;
use super::line::Line;
use super::order_book::Document;
use super::statistics::{Otif, OtifLine};
use crate::domain::exception::assessment::{Assessment, Description, severity_by_value};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::worth::{Amount, Ledger, exchange_inputs};
use crate::domain::exception::{Evidence, ExceptionSubject, ExceptionType, ExceptionWindow, Severity};
use crate::domain::explain::Input;
use crate::domain::ids::{Name, TenantNumber};
use crate::domain::line_shipments::Expected;
use crate::domain::money::{Money, UnitPrice};
use crate::domain::quantity::Quantity;
use crate::domain::reference::{Reference, TenantReference};
use crate::domain::settings::Settings;
use crate::domain::time::Timestamp;

/// What is still to come of lines costs.
const GOODS: &str = "sum(round(round_even(round_even(quantity * unit_cost, 4) * rate, 4), decimals))";

/// Everything outside the state that a look at a supplier needs.
pub(super) struct Judged<'a> {
    pub supplier: &'a Supplier,
    pub tenant: Option<&'a TenantReference>,
    pub settings: &'a Settings,
    pub now: Timestamp,
    /// Where amounts of money are noted, if somebody asks for them.
    pub ledger: Option<&'a Ledger>,
    /// Which kinds have an exception about which order, of those that were judged so far.
    pub telling: RefCell<BTreeSet<(Name, Option<usize>)>>,
}

/// One purchase order of it.
pub(super) struct Order<'a> {
    pub judged: &'a Judged<'a>,
    pub po_id: &'a Name,
    pub document: &'a Document,
    /// Whether exceptions of SKU-locations name it as their cause.
    pub has_members: bool,
}

/// By how much a line is expected to miss its latest promise, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Lateness<'a> {
    /// After the promise; negative: before it.
    pub days: f64,
    /// The shipment that brings it, and its eta; without one it comes by the promise, or is here.
    pub shipment: Option<(&'a Name, Timestamp)>,
}

impl Lateness<'_> {
    /// When a line that was promised for `promised_at` is expected.
    pub fn expected_at(&self, promised_at: Timestamp) -> Timestamp {
        self.shipment.map_or_else(|| promised_at.plus_days(self.days), |(_, eta)| eta)
    }
}

impl<'a> Judged<'a> {
    pub fn of(
        supplier: &'a Supplier,
        tenant: TenantNumber,
        now: Timestamp,
        reference: &'a Reference,
    ) -> Judged<'a> {
        Judged {
            supplier,
            tenant: reference.tenant(tenant),
            settings: reference.settings(),
            now,
            ledger: None,
            telling: RefCell::default(),
        }
    }

    /// What is set about a kind of exception for this supplier.
    pub fn kind(&self, kind: &ExceptionType) -> KindSettings {
        self.settings.exceptions.kind(kind, &self.supplier.segment())
    }

    /// The mean lead time that the supplier is planned with.
    pub fn lead_time_days(&self) -> f64 {
        self.tenant.map_or(self.settings.defaults.lead_time_days, |tenant| {
            tenant.supplier_lead_time_days(&self.supplier.supplier)
        })
    }

    /// Receipt less promise, as far as it is measured often enough and published.
    pub fn lateness_days(&self) -> f64 {
        self.tenant
            .and_then(|tenant| tenant.statistics(&self.supplier.supplier))
            .filter(|statistics| statistics.receipts >= self.settings.defaults.measured_receipts_min)
            .and_then(|statistics| statistics.lateness_mean_days)
            .unwrap_or(0.0)
    }

    /// How late the last part of a line is expected; `None` without a promise, and where nothing is open.
    ///
    /// The same rule by which SKU-locations expect it: what is on a shipment with an eta comes then, and what has arrived
    /// is here; the rest comes by the promise.
    pub fn lateness(&self, po_id: &str, line: &'a Line) -> Option<Lateness<'a>> {
        let promised_at = line.promised_at()?;
        let mut last: Option<Lateness<'a>> = None;
        line.for_each_part(|expected| {
            let lateness = match expected {
                Expected::Shipment { shipment_id, eta } => {
                    Lateness { days: eta.days_since(promised_at), shipment: Some((shipment_id, eta)) }
                }
                Expected::Arrived => Lateness { days: 0.0, shipment: None },
                Expected::Promise => {
                    Lateness { days: self.promise_late_days(po_id, line, promised_at), shipment: None }
                }
            };
            if last.is_none_or(|last| lateness.days > last.days) {
                last = Some(lateness);
            }
        });
        last
    }

    /// By how many days what no shipment carries is expected after the promise: the delay that was reported or that
    /// reduced capacity makes; else, of a promise that nobody confirmed, the supplier's measured lateness.
    fn promise_late_days(&self, po_id: &str, line: &Line, promised_at: Timestamp) -> f64 {
        let sku = line.sku().map_or("", Name::as_str);
        let delay = self.tenant.map_or(0.0, |tenant| {
            tenant.delay_days_for(&self.supplier.supplier, po_id, sku, Some(promised_at), self.now)
        });
        if delay == 0.0 && !line.is_confirmed() { self.lateness_days() } else { delay }
    }

    /// When a line is expected; never in the past. `None` if nothing is known of when it was ordered.
    pub fn expected_at(&self, po_id: &str, line: &'a Line) -> Option<Timestamp> {
        let expected = match line.promised_at().zip(self.lateness(po_id, line)) {
            Some((promised_at, lateness)) => lateness.expected_at(promised_at),
            None => line.placed_at()?.plus_days(self.lead_time_days()),
        };
        Some(expected.max(self.now))
    }

    /// The last lines of which it is known whether they were on time and in full, the newest first (F18): each line once,
    /// from when it is in full or closed, or from the end of its window on. A line that is overdue is no part of the
    /// statistics, which time alone does not change; what is late is a matter of the moment.
    pub fn otif_lines(&self) -> impl Iterator<Item = OtifLine<(&'a Name, &'a Name)>> + use<'a> {
        let policy = &self.settings.supplier;
        let (late_days, kept_max) = (policy.otif_late_days, policy.receipts_kept_max);
        let overdue = self.supplier.orders.by_due_in_full().range(..self.earliest_in_time());
        let overdue =
            overdue.rev().map(move |(due, po_id, line_id)| (due.plus_days(late_days), (po_id, line_id)));
        self.supplier.receipts.otif_lines(overdue, kept_max)
    }

    /// What share of them was.
    pub fn otif(&self) -> Otif {
        Otif::of(self.otif_lines())
    }

    /// When the next line becomes overdue by time alone.
    pub fn next_overdue_at(&self) -> Option<Timestamp> {
        let (due, ..) = self.supplier.orders.by_due_in_full().range(self.earliest_in_time()..).next()?;
        Some(due.plus_days(self.settings.supplier.otif_late_days).plus(1))
    }

    /// Lines due before that are overdue.
    fn earliest_in_time(&self) -> (Timestamp, Name, Name) {
        let due = self.now.plus_days(-self.settings.supplier.otif_late_days);
        (due, Name::default(), Name::default())
    }

    /// What units of a line of an order cost, in base currency and minor units; `None` without a cost or a rate.
    pub fn cost(&self, po_id: &str, line: &Line, quantity: Quantity) -> Option<Money> {
        let tenant = self.tenant?;
        let base = tenant.base_currency;
        let described = || {
            let item = tenant.item(line.sku()?)?;
            Some((item.unit_cost?, item.currency))
        };
        let (unit_cost, currency): (UnitPrice, _) = line.unit_cost().or_else(described)?;
        let money = tenant.convert_to_base(unit_cost.times(quantity, currency.unwrap_or(base)))?;
        // Held finer than it is written, it would not be the same after a replay.
        let unit = 10_i64.pow(4 - base.minor_digits().min(4));
        let rounded = money.ten_thousandths().saturating_add(unit / 2).div_euclid(unit).saturating_mul(unit);
        let value = Money::from_ten_thousandths(rounded, base);
        if let Some(ledger) = self.ledger {
            let about = || format!("{po_id}, {}", line.sku().map_or("an item", Name::as_str));
            let mut inputs = vec![
                Input::said("quantity", quantity.as_f64(), "event").about(about()),
                Input::said(
                    "unit_cost",
                    unit_cost.as_f64(),
                    if line.unit_cost().is_some() { "event" } else { "item" },
                )
                .about(about()),
            ];
            inputs.extend(exchange_inputs(self.tenant, currency.unwrap_or(base), base));
            ledger.note(Amount { name: "goods", formula: GOODS, value, inputs });
        }
        Some(value)
    }

    /// What is said of the supplier as such.
    pub fn describe(&self, cause: String, window: Option<ExceptionWindow>) -> Description {
        Description {
            subject: ExceptionSubject::supplier(&self.supplier.supplier),
            window,
            ends_ahead: false,
            decide_by: None,
            act_by: None,
            cause,
            evidence: self.supplier.last_event.iter().map(|event| Evidence::clone(event)).collect(),
        }
    }
}

/// What is told where nothing is known of value or confidence.
pub(super) fn assessed(severity: Severity, units: Option<Quantity>) -> Assessment {
    Assessment { severity, value_at_risk: None, units_at_risk: units, confidence: None, cause: None }
}

impl<'a> Order<'a> {
    pub fn open_lines(&self) -> impl Iterator<Item = &'a Line> {
        self.document.open_lines()
    }

    /// Lines that are open `days` after their latest promise.
    pub fn late_lines(&self, days: f64) -> impl Iterator<Item = &'a Line> {
        let now = self.judged.now;
        self.open_lines().filter(move |line| line.promised_at().is_some_and(|at| at.plus_days(days) <= now))
    }

    /// What these lines, so much of each, are worth, without those of which another exception tells that. What is grouped
    /// under the order is what its trouble costs; where nothing is, the goods' own cost stands in.
    pub fn assess(&self, lines: impl Iterator<Item = (&'a Line, Quantity, bool)>) -> Assessment {
        let mut units = Quantity::ZERO;
        let mut value: Option<Money> = None;
        let (mut told, mut untold) = (0, 0);
        for (line, quantity, is_told) in lines {
            units += quantity;
            if is_told {
                told += 1;
                continue;
            }
            untold += 1;
            if let Some(cost) = self.judged.cost(self.po_id, line, quantity) {
                let sum = value.map_or(0, Money::ten_thousandths).saturating_add(cost.ten_thousandths());
                value = Some(Money::from_ten_thousandths(sum, cost.currency()));
            }
        }
        let slots = &self.judged.supplier.exceptions;
        if slots.members(self.po_id).is_some_and(|members| members.value_at_risk().is_some()) {
            value = None;
        }
        let severity = match value {
            None if self.has_members || told > 0 && untold == 0 => Severity::Low,
            value => severity_by_value(&self.judged.settings.exceptions, value),
        };
        Assessment { value_at_risk: value, ..assessed(severity, Some(units)) }
    }

    /// What is said of it: it bites from the first promise that is not kept until the last line is expected.
    pub fn describe(&self, lines: impl Iterator<Item = &'a Line>, cause: String) -> Description {
        let (mut from, mut until): (Option<Timestamp>, Option<Timestamp>) = (None, None);
        for line in lines {
            let promised_at = line.promised_at();
            from = from.into_iter().chain(promised_at).min();
            until = until.into_iter().chain(self.judged.expected_at(self.po_id, line)).max();
        }
        Description {
            subject: ExceptionSubject::purchase_order(&self.judged.supplier.supplier, self.po_id),
            window: Some(ExceptionWindow { from, until: until.filter(|until| Some(*until) >= from) }),
            ends_ahead: false,
            decide_by: None,
            act_by: from,
            cause,
            evidence: self.document.evidence().cloned().into_iter().collect(),
        }
    }
}
