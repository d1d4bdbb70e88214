//! A case under test: told facts and asked things in few words.

mod decisions;
mod execution;
mod facts;
mod late;
mod properties;

use super::*;
use crate::domain::command::{ActorKind, RefusalCode};
use crate::domain::event::*;
use crate::domain::exception::command::{ExceptionAction, ExceptionCommand};
use crate::domain::exception::testing::item as exception_item;
use crate::domain::exception::{
    ExceptionChange, ExceptionItem, ExceptionState, ExceptionSubject, ExceptionTransition, ExceptionType,
    ExceptionWindow,
};
use crate::domain::ids::TenantNumber;
use crate::domain::money::{Currency, Money};
use crate::domain::quantity::Quantity;
use crate::domain::record::{ClockKind, Record, SystemBody, TransitionBody};
use crate::domain::settings::Settings;
use crate::domain::sku_location::testing::{day, hour, record, units};

/// Case `c` at its desk.
#[derive(Clone)]
struct Desk {
    state: ApprovalCase,
    reference: Reference,
    now: Timestamp,
    lsn: u64,
    /// Everything it was told, to tell it again.
    records: Vec<Record>,
}

fn key() -> EntityKey {
    EntityKey::ApprovalCase { tenant: TenantNumber(0), case: "c".into() }
}

fn place(location: &str) -> EntityKey {
    EntityKey::SkuLocation { tenant: TenantNumber(0), sku: "A".into(), location: location.into() }
}

fn eur(amount: i64) -> Money {
    Money::from_ten_thousandths(amount * 10_000, Currency::parse("EUR").unwrap())
}

/// A stockout projected for day 3 at a location, of that worth, in the case's hands.
fn stockout(location: &str, value: i64) -> ExceptionItem {
    let mut item = exception_item(&format!("exc_{location}"), ExceptionType::ProjectedStockout);
    item.subject = ExceptionSubject::sku_location(&"A".into(), &location.into());
    item.value_at_risk = Some(eur(value));
    item.units_at_risk = Some(units(40));
    item.window = Some(ExceptionWindow { from: Some(day(3)), until: None });
    item.decide_by = Some(day(1));
    item.case_id = Some("c".into());
    item.state = ExceptionState::InCase;
    item
}

fn person(name: &str, role: &str) -> Actor {
    Actor { name: name.into(), kind: ActorKind::Person, roles: vec![role.into()] }
}

fn ann() -> Actor {
    person("ann", "planner")
}

fn bob() -> Actor {
    person("bob", "supply_planner")
}

fn step(kind: ActionKind, quantity: i64) -> OptionStep {
    OptionStep {
        kind,
        sku: "A".into(),
        location: "OSLO".into(),
        from: (kind == ActionKind::Transfer).then(|| "BERGEN".into()),
        supplier: Some("V".into()),
        po_id: (kind == ActionKind::Expedite).then(|| "P1".into()),
        line_id: (kind == ActionKind::Expedite).then(|| "1".into()),
        quantity: units(quantity),
        line_quantity: None,
        arrives_at: Some(day(2)),
        unit_cost: None,
        note: None,
    }
}

fn option(id: &str, facts: u64, steps: Vec<OptionStep>) -> CaseOption {
    CaseOption {
        id: id.into(),
        kind: if steps.is_empty() { OptionKind::DoNothing } else { OptionKind::Order },
        title: id.to_owned(),
        cost: Some(eur(10)),
        benefit: Some(eur(500)),
        net: Some(eur(490)),
        confidence: Some(0.9),
        lead_time_days: Some(2.0),
        effects: Vec::new(),
        hidden: 0,
        touches: Vec::new(),
        basis: OptionBasis { computed_at: day(0), facts, inputs: Vec::new() },
        recommended: id == "order",
        gates: Vec::new(),
        steps,
        edited_by: None,
        editors: Vec::new(),
        explanation: Vec::new(),
    }
}

/// What the tower computes: doing nothing, an order of 60, an order with a transfer, and one that a gate keeps out.
fn computed(facts: u64) -> Vec<CaseOption> {
    let mut gated = option("gated", facts, vec![step(ActionKind::Transfer, 5)]);
    gated.gates.push(Gate { gate: "donor".into(), passed: false, detail: "nothing to spare".into() });
    vec![
        option("do_nothing", facts, Vec::new()),
        option("order", facts, vec![step(ActionKind::Order, 60)]),
        option("both", facts, vec![step(ActionKind::Order, 60), step(ActionKind::Transfer, 5)]),
        option("expedite", facts, vec![step(ActionKind::Expedite, 60)]),
        gated,
    ]
}

impl Desk {
    fn new() -> Desk {
        Desk::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Settings)) -> Desk {
        let mut settings = Settings::default();
        change(&mut settings);
        let mut reference = Reference::default();
        let declared = SystemBody::TenantDeclared {
            name: "default".into(),
            clock: ClockKind::Event,
            base_currency: Currency::parse("EUR").unwrap(),
            timezone: "UTC".into(),
        };
        let activated =
            SystemBody::ConfigurationActivated { hash: String::new(), settings: Box::new(settings) };
        for (at, body) in [declared, activated].into_iter().enumerate() {
            let record = Record { lsn: Lsn(at as u64 + 1), body: Body::System(Box::new(body)), ..record(0) };
            reference.apply(&record);
        }
        let state = ApprovalCase::new(&key());
        Desk { state, reference, now: day(0), lsn: 2, records: Vec::new() }
    }

    /// With one stockout of 520.00 at OSLO, and options.
    fn proposed() -> Desk {
        let mut desk = Desk::new();
        desk.hear(stockout("OSLO", 520));
        desk.settle();
        desk.compute();
        desk
    }

    /// The order is chosen, by Ann.
    fn chosen(option: &str) -> Desk {
        let mut desk = Desk::proposed();
        desk.choose(&ann(), option).unwrap();
        desk
    }

    /// The order is approved by Bob.
    fn approved() -> Desk {
        let mut desk = Desk::chosen("order");
        desk.approve(&bob()).unwrap();
        assert_eq!(desk.case().state, CaseState::Approved);
        desk
    }

    fn case(&self) -> &CaseItem {
        self.state.item().unwrap()
    }

    fn state(&self) -> CaseState {
        self.case().state
    }

    fn tell(&mut self, body: Body, revision: u64) {
        self.lsn += 1;
        let record = Record {
            lsn: Lsn(self.lsn),
            event_time: self.now,
            business_time: self.now,
            entity_revision: revision,
            body,
            ..record(0)
        };
        self.state.apply(&delivery(&record), &self.reference);
        self.records.push(record);
    }

    /// An exception as it is now.
    fn hear(&mut self, item: ExceptionItem) {
        let entity = place(item.subject.location.as_deref().unwrap_or("OSLO"));
        let kind = match (item.state.is_final(), item.revision) {
            (true, _) => ExceptionChange::Cleared,
            (false, 1) => ExceptionChange::Opened,
            _ => ExceptionChange::Updated,
        };
        let transition = Transition::Exception(Box::new(ExceptionTransition::alone(kind, item)));
        self.tell(Body::Transition(Box::new(TransitionBody { entity, transition })), 1);
    }

    /// The exception has gone.
    fn clear(&mut self, item: &ExceptionItem, why: &str) -> ExceptionItem {
        let mut item = item.clone();
        item.state = ExceptionState::Cleared;
        item.revision += 1;
        item.cause = Some(why.to_owned());
        self.hear(item.clone());
        item
    }

    fn event(&mut self, data: EventData) {
        self.tell(Body::Event { event_type: None, data }, 0);
    }

    fn own(&mut self, transition: Transition) {
        // Through its text, as in a replay.
        let text = serde_json::to_string(&transition).unwrap();
        let back: Transition = serde_json::from_str(&text).unwrap();
        assert_eq!(format!("{back:?}"), format!("{transition:?}"));
        let revision = self.state.revision() + 1;
        self.tell(Body::Transition(Box::new(TransitionBody { entity: key(), transition: back })), revision);
    }

    /// Reconciles until nothing is due; says what happened to the case.
    fn settle(&mut self) -> Vec<CaseChange> {
        let mut changes = Vec::new();
        for _ in 0..8 {
            let proposals = self.state.reconcile(&key(), self.now, &self.reference).proposals;
            if proposals.is_empty() {
                return changes;
            }
            for transition in proposals {
                changes.extend(match &transition {
                    Transition::Case(change) => Some(change.kind),
                    _ => None,
                });
                self.own(transition);
            }
        }
        panic!("it goes on and on: {changes:?}");
    }

    fn at(&mut self, now: Timestamp) -> Vec<CaseChange> {
        self.now = now;
        self.settle()
    }

    fn ask(
        &mut self,
        actor: &Actor,
        version: Option<u64>,
        what: CaseDecision,
    ) -> Result<CaseChange, Refusal> {
        let command = Command::Case(Box::new(CaseCommand { version, what }));
        let decided = self.state.decide(&key(), &command, actor, self.now, &self.reference)?;
        let [Transition::Case(change)] = &decided[..] else { panic!("{decided:?}") };
        let kind = change.kind;
        decided.into_iter().for_each(|transition| self.own(transition));
        Ok(kind)
    }

    fn compute(&mut self) {
        let facts = self.case().wants_options().unwrap();
        let mut options = computed(facts);
        options.iter_mut().for_each(|option| option.basis.computed_at = self.now);
        let what = CaseDecision::SetOptions { facts, options };
        self.ask(&Actor::system("costing"), None, what).unwrap();
    }

    fn choose(&mut self, actor: &Actor, option: &str) -> Result<CaseChange, Refusal> {
        let version = self.case().version;
        self.ask(actor, Some(version), CaseDecision::Choose { option_id: option.into() })
    }

    fn approve(&mut self, actor: &Actor) -> Result<CaseChange, Refusal> {
        let version = self.case().version;
        self.ask(actor, Some(version), CaseDecision::Approve { comment: None })
    }

    /// The only action.
    fn action(&self) -> &CaseAction {
        let [action] = &self.case().actions[..] else { panic!("{:?}", self.case().actions) };
        action
    }

    fn begin(&mut self, attempt: u32) -> Result<CaseChange, Refusal> {
        let action_id = self.case().actions[0].id.clone();
        self.ask(&Actor::system("outbox"), None, CaseDecision::BeginAttempt { action_id, attempt })
    }

    fn end(
        &mut self,
        attempt: u32,
        outcome: AttemptOutcome,
        retry_at: Option<Timestamp>,
    ) -> Result<CaseChange, Refusal> {
        let what = CaseDecision::EndAttempt {
            action_id: self.case().actions[0].id.clone(),
            attempt,
            outcome,
            status: Some(200),
            detail: Some("as told".to_owned()),
            external_ref: None,
            retry_at,
        };
        self.ask(&Actor::system("outbox"), None, what)
    }

    /// The order as the system of record placed it.
    fn placed(&mut self, quantity: i64, promised_at: Timestamp) {
        self.placed_as("4711", quantity, promised_at);
    }

    fn placed_as(&mut self, po: &str, quantity: i64, promised_at: Timestamp) {
        let action_id = self.case().actions[0].id.clone();
        self.event(EventData::PurchaseOrder(Box::new(PurchaseOrder {
            step: PurchaseOrderStep::Placed,
            po_id: po.into(),
            supplier: Some("V".into()),
            lines: smallvec::smallvec![PurchaseOrderLine {
                line_id: "1".into(),
                place: Some(("A".into(), "OSLO".into())).into(),
                quantity: units(quantity),
                promised_at: Some(promised_at),
                unit_cost: None,
            }],
            currency: None,
            requested_at: None,
            action_id: Some(action_id),
        })));
    }

    fn received(&mut self, quantity: i64) {
        self.event(EventData::PurchaseOrderReceived(LineFulfilled {
            document: "4711".into(),
            line_id: "1".into(),
            quantity: units(quantity),
            place: None.into(),
            supplier: None,
        }));
    }

    /// Asks it of the only exception that the case itself has.
    fn handle(&mut self, what: ExceptionAction) {
        let exception_id = self.state.exceptions().iter_open().next().unwrap().id.clone();
        let command = Command::Exception(ExceptionCommand { exception_id, version: None, what });
        let decided = self.state.decide(&key(), &command, &bob(), self.now, &self.reference).unwrap();
        decided.into_iter().for_each(|transition| self.own(transition));
    }

    /// The open exceptions of the case itself.
    fn troubles(&self) -> Vec<&str> {
        self.state.exceptions().iter_open().map(|open| open.exception_type.as_str()).collect()
    }

    fn outcome(&self) -> &str {
        &self.case().outcome.as_ref().unwrap().result
    }
}

fn delivery(record: &Record) -> Delivery<'_> {
    Delivery { record, lsn: record.lsn, business_time: record.business_time }
}

/// A comment of no weight.
fn comment() -> CaseDecision {
    CaseDecision::Comment { text: "hm".to_owned() }
}

#[track_caller]
fn check_refused<T: std::fmt::Debug>(result: Result<T, Refusal>, code: RefusalCode, pointer: Option<&str>) {
    let refusal = result.expect_err("must be refused");
    assert_eq!((refusal.code, refusal.pointer.as_deref()), (code, pointer), "{refusal:?}");
}
