//! From a condition to what is journaled: raising, telling anew, escalating, reopening and clearing, the same for every
//! kind and every entity.
//!
//! A condition has two thresholds. Past the first one the exception is raised, once it has held for the periods that
//! the settings ask for; it goes when the second one is passed, and between the two nothing happens. The same trouble
//! soon after it went reopens the same exception. Nothing here changes state: everything is a proposal.

mod pegging;

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use smallvec::SmallVec;

use self::pegging::is_cause;
pub use self::pegging::rank_among_causes;
use super::assessment::{
    Assessment, Condition, Description, URGENCY_MAX, URGENCY_WITHOUT_DEADLINE, differs_much, is_a_step,
    lies_elsewhere, urgency,
};
use super::duty::Duty;
use super::group::CauseRef;
use super::kind::KindSettings;
use super::slots::{ConditionNoted, EndedException, ExceptionSlot, ExceptionSlots};
use super::worth::{Answer, Asked, Grouped, Ledger};
use super::{
    ExceptionChange, ExceptionItem, ExceptionState, ExceptionSubject, ExceptionTransition, ExceptionType,
    ExceptionWindow, exception_id,
};
use crate::domain::ids::{EntityKey, Name, TenantNumber};
use crate::domain::record::Transition;
use crate::domain::reference::{Reference, TenantReference};
use crate::domain::settings::{Segment, Settings};
use crate::domain::time::{HOUR, SECOND, Timestamp};

/// An entity's key as text, written only when an id is made: looking costs nothing.
#[derive(Clone, Copy, Debug)]
pub enum EntityText<'a> {
    SkuLocation { sku: &'a str, location: &'a str },
    Other(&'a EntityKey),
}

impl fmt::Display for EntityText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Names have no control characters: no two places make the same text.
            EntityText::SkuLocation { sku, location } => write!(f, "sku_location\n{sku}\n{location}"),
            EntityText::Other(key) => key.fmt(f),
        }
    }
}

/// Watches the conditions of one entity at one moment, and collects what should be journaled.
pub struct Watch<'a> {
    pub slots: &'a ExceptionSlots,
    pub tenant_number: TenantNumber,
    pub tenant: Option<&'a TenantReference>,
    pub settings: &'a Settings,
    /// There is room for another case.
    pub opens_cases: bool,
    pub segment: Segment<'a>,
    pub now: Timestamp,
    /// The length of a period that `consecutive_periods` counts, in microseconds.
    pub period: i64,
    /// The entity's key as text, for ids.
    pub entity: EntityText<'a>,
    /// What goes comes before what is raised: a reader never sees both.
    endings: SmallVec<[Transition; 1]>,
    others: SmallVec<[Transition; 1]>,
    review_at: Option<Timestamp>,
    /// Something was told with a deadline that is over already: what follows from that is found by another look.
    has_overdue: bool,
    /// Only this one is looked at, and nothing is proposed.
    asked: Option<Asked<'a>>,
    /// The kinds of which something is known, a bit each: of most kinds nothing is, and then there is nothing to
    /// search for.
    known: u64,
}

impl<'a> Watch<'a> {
    /// Begins; nothing has been looked at.
    pub fn new(
        slots: &'a ExceptionSlots,
        reference: &'a Reference,
        tenant_number: TenantNumber,
        segment: Segment<'a>,
        now: Timestamp,
        period: i64,
        entity: EntityText<'a>,
    ) -> Watch<'a> {
        Watch {
            slots,
            tenant_number,
            tenant: reference.tenant(tenant_number),
            settings: reference.settings(),
            opens_cases: !reference.is_full(),
            segment,
            now,
            period,
            entity,
            endings: SmallVec::new(),
            others: SmallVec::new(),
            review_at: None,
            has_overdue: false,
            asked: None,
            known: slots.slots().iter().fold(0, |known, slot| known | bit_of(&slot.exception_type)),
        }
    }

    /// Asks about one exception alone.
    pub fn ask(&mut self, kind: &'a ExceptionType, of: &'a str, ledger: &'a Ledger) {
        self.asked = Some(Asked { kind, of, ledger, answer: None });
    }

    /// What was found of the one that was asked about.
    pub fn answer(self) -> Option<Box<Answer>> {
        self.asked?.answer
    }

    #[cold]
    fn answer_now(
        &mut self,
        kind: &ExceptionType,
        of: &str,
        assess: impl FnOnce() -> Assessment,
        describe: impl FnOnce(&Assessment) -> Description,
    ) {
        let Some(asked) = self.asked.take_if(|asked| asked.kind == kind && asked.of == of) else { return };
        asked.ledger.clear();
        let mut assessment = assess();
        let own = assessment.value_at_risk;
        let all = self.slots.members(of).filter(|_| is_cause(kind));
        let counted_with = all.and_then(|_| self.counted_with(kind, of));
        let members = all.filter(|_| counted_with.is_none()).map(|members| Grouped {
            count: members.count(),
            value: members.value_at_risk(),
            units: members.units_at_risk(),
            first_to_decide: members.first_to_decide().map(|(first, by)| (first.id.clone(), by)),
            act_by: members.act_by(),
        });
        let own_units = assessment.units_at_risk;
        self.peg(kind, of, &mut assessment);
        let description = self.describe(kind, of, &assessment, describe);
        let answer = Box::new(Answer { own, own_units, members, counted_with, assessment, description });
        self.asked = Some(Asked { answer: Some(answer), ..asked });
    }

    /// Whether anything is known of a kind.
    pub fn knows(&self, kind: &ExceptionType) -> bool {
        self.known & bit_of(kind) != 0
    }

    /// What is set about a kind here.
    pub fn kind(&self, kind: &ExceptionType) -> KindSettings {
        self.settings.exceptions.kind(kind, &self.segment)
    }

    /// Looks again at `at` at the latest, if that is later than now.
    pub fn review_at(&mut self, at: Timestamp) {
        if at > self.now {
            self.review_at = Some(self.review_at.map_or(at, |earliest| earliest.min(at)));
        }
    }

    /// Looks again at a deadline that is about to be told.
    fn await_deadline(&mut self, item: &ExceptionItem) {
        if let Some(due) = item.sla_due_at {
            self.has_overdue |= due <= self.now;
            self.review_at(due);
        }
    }

    /// Looks again as what it is worth, and how urgent it is, move with time alone, too.
    fn review_with_time(&mut self, assessment: &Assessment, urgency: u8) {
        let has_worth = assessment.value_at_risk.is_some() || assessment.units_at_risk.is_some();
        if has_worth || (urgency < URGENCY_MAX && urgency != URGENCY_WITHOUT_DEADLINE) {
            self.review_at(self.now.plus(self.update_interval()));
        }
    }

    /// Until a small change is told, microseconds.
    fn update_interval(&self) -> i64 {
        i64::from(self.settings.exceptions.update_interval_minutes) * 60 * SECOND
    }

    /// Whether nothing else follows from what was collected, as far as exceptions go: no part of the entity is a cause,
    /// where one exception counts what another one leaves, no deadline is over, and nothing is noted.
    pub fn settles(&self) -> bool {
        let tells = |found: &Transition| matches!(found, Transition::Exception(_));
        self.slots.has_no_members()
            && !self.has_overdue
            && self.endings.iter().all(tells)
            && self.others.iter().all(tells)
    }

    /// What was collected: transitions in the order in which they should be journaled, and when to look again.
    pub fn finish(self) -> (SmallVec<[Transition; 1]>, Option<Timestamp>) {
        let mut all = self.endings;
        all.extend(self.others);
        (all, self.review_at)
    }

    /// Judges one kind about one part of the entity (`of` is empty for the entity as such).
    ///
    /// `assess` is asked when it is or becomes open, `describe` when something is told or may be.
    pub fn judge(
        &mut self,
        kind: &ExceptionType,
        of: &str,
        settings: &KindSettings,
        condition: Condition,
        assess: impl FnOnce() -> Assessment,
        describe: impl FnOnce(&Assessment) -> Description,
    ) {
        if self.asked.is_some() {
            self.answer_now(kind, of, assess, describe);
            return;
        }
        let condition =
            if settings.enabled { condition } else { Condition::Clear("this kind is switched off".into()) };
        let slot = if self.knows(kind) { self.slots.slot(kind, of) } else { None };
        match slot.and_then(|slot| slot.open.as_ref().map(|open| (slot, open))) {
            Some((_, open)) if matches!(condition, Condition::Clear(_)) => {
                let Condition::Clear(why) = condition else { return };
                self.clear(slot, open, of, why);
            }
            Some((slot, open)) => self.hold(slot, open, of, assess, describe),
            None if condition == Condition::Raised => {
                if slot.is_some_and(|slot| slot.dismissed) {
                    return;
                }
                let wait =
                    i64::from(settings.consecutive_periods.saturating_sub(1)).saturating_mul(self.period);
                if wait > 0 {
                    match slot.and_then(|slot| slot.pending_since) {
                        None => {
                            self.note(kind, of, Some(self.now));
                            return;
                        }
                        Some(since) if self.now < since.plus(wait) => {
                            self.review_at(since.plus(wait));
                            return;
                        }
                        Some(_) => {}
                    }
                }
                self.raise(kind, of, settings, slot, assess, describe);
            }
            None => {
                let lapsed = slot.is_some_and(|slot| {
                    slot.pending_since.is_some() || (slot.dismissed && condition != Condition::Between)
                });
                if lapsed {
                    self.note(kind, of, None);
                }
            }
        }
    }

    fn note(&mut self, kind: &ExceptionType, of: &str, holds_since: Option<Timestamp>) {
        let noted = ConditionNoted { exception_type: kind.clone(), of: of.into(), holds_since };
        self.others.push(Transition::ConditionNoted(Box::new(noted)));
    }

    fn clear(
        &mut self,
        slot: Option<&ExceptionSlot>,
        open: &Arc<ExceptionItem>,
        of: &str,
        why: Cow<'static, str>,
    ) {
        let mut item = ExceptionItem::clone(open);
        item.state = ExceptionState::Cleared;
        item.updated_at = self.now;
        item.cleared_at = Some(self.now);
        item.snoozed_until = None;
        item.sla_due_at = None;
        item.cause = Some(why.into_owned());
        item.revision += 1;
        // What bit already bites no longer, however long it was expected to: the next one is another trouble.
        if let Some(window) = &mut item.window
            && window.from.is_none_or(|from| from <= self.now)
        {
            window.until = window.until.map(|until| until.min(self.now));
        }
        self.endings.push(Transition::Exception(Box::new(ExceptionTransition {
            kind: ExceptionChange::Cleared,
            item: Arc::new(item),
            of: of.into(),
            cause: slot.and_then(|slot| slot.cause.clone()),
            left_cause: None,
        })));
    }

    fn raise(
        &mut self,
        kind: &ExceptionType,
        of: &str,
        settings: &KindSettings,
        slot: Option<&ExceptionSlot>,
        assess: impl FnOnce() -> Assessment,
        describe: impl FnOnce(&Assessment) -> Description,
    ) {
        let mut assessment = assess();
        self.peg(kind, of, &mut assessment);
        let description = self.describe(kind, of, &assessment, describe);
        let before = slot
            .and_then(|slot| slot.ended.as_deref())
            .filter(|ended| self.is_the_same_trouble(ended, settings, description.window));
        let (id, opened_at, revision, reopened) = match before {
            Some(ended) => (ended.id.clone(), ended.opened_at, ended.revision + 1, ended.reopened + 1),
            None => {
                let generation = self.slots.next_generation(kind, of);
                (exception_id(self.tenant_number, kind, &self.subject_text(of), generation), self.now, 1, 0)
            }
        };
        let mut item = ExceptionItem {
            id,
            exception_type: kind.clone(),
            state: ExceptionState::Open,
            severity: assessment.severity,
            urgency: 0,
            value_at_risk: None,
            units_at_risk: None,
            decide_by: None,
            subject: ExceptionSubject::default(),
            opened_at,
            updated_at: self.now,
            cleared_at: None,
            window: None,
            cause: None,
            confidence: None,
            evidence: Vec::new(),
            case_id: None,
            owner: None,
            team: None,
            sla_due_at: None,
            revision,
            queue: None,
            escalation_level: 0,
            snoozed_until: None,
            team_by_hand: false,
            resolution: None,
            reopened,
            group: None,
            affected: None,
            comments: Vec::new(),
        };
        let cause = assessment.cause.clone();
        self.review_with_time(&assessment, self.urgency(&description));
        self.fill(&mut item, of, assessment, description);
        self.route(&mut item);
        self.await_deadline(&item);
        self.others.push(Transition::Exception(Box::new(ExceptionTransition {
            kind: ExceptionChange::Opened,
            item: Arc::new(item),
            of: of.into(),
            cause: cause.map(Box::new),
            left_cause: None,
        })));
    }

    /// The same trouble soon after, or in a window that touches the old one.
    fn is_the_same_trouble(
        &self,
        ended: &EndedException,
        settings: &KindSettings,
        window: Option<ExceptionWindow>,
    ) -> bool {
        let hours = |hours: f64| (hours * HOUR as f64) as i64;
        if self.now <= ended.ended_at.plus(hours(settings.quiet_hours)) {
            return true;
        }
        let gap = hours(self.settings.exceptions.merge_window_hours);
        match (ended.window.and_then(|window| window.until), window.and_then(|window| window.from)) {
            (Some(until), Some(from)) => from <= until.plus(gap) && self.now <= until.plus(gap),
            _ => false,
        }
    }

    fn hold(
        &mut self,
        slot: &ExceptionSlot,
        open: &Arc<ExceptionItem>,
        of: &str,
        assess: impl FnOnce() -> Assessment,
        describe: impl FnOnce(&Assessment) -> Description,
    ) {
        let mut assessment = assess();
        self.peg(&slot.exception_type, of, &mut assessment);
        let regrouped = assessment.cause.as_ref() != slot.cause.as_deref();
        let in_case = open.state == ExceptionState::InCase;
        let claimed = slot.claimed_by.is_some() && (slot.claimed_by != open.case_id || !in_case);
        let claim_changed = claimed || slot.released && in_case;
        let snooze_over =
            open.state == ExceptionState::Snoozed && open.snoozed_until.is_none_or(|at| at <= self.now);
        let overdue = self.is_overdue(open);
        if let Some(at) = open.snoozed_until {
            self.review_at(at);
        }
        if let Some(at) = open.sla_due_at {
            self.review_at(at);
        }
        self.review_with_time(&assessment, open.urgency);
        let at_once = regrouped || claim_changed || snooze_over || overdue;
        let description = if at_once {
            Some(self.describe(&slot.exception_type, of, &assessment, describe))
        } else {
            self.news(&assessment, open, of, describe)
        };
        let Some(description) = description else { return };
        self.review_with_time(&assessment, self.urgency(&description));
        let mut item = ExceptionItem::clone(open);
        item.revision += 1;
        item.updated_at = self.now;
        let cause = assessment.cause.clone();
        self.fill(&mut item, of, assessment, description);
        if snooze_over {
            item.state = ExceptionState::Open;
            item.snoozed_until = None;
            self.route(&mut item);
        }
        if claim_changed {
            self.follow_claim(&mut item, slot.claimed_by.as_ref());
        }
        if !snooze_over && !claim_changed && self.follow_rise(&mut item, open, slot) == Duty::Stays && overdue
        {
            let peak = slot.peak_with(&item);
            self.escalate(&mut item, peak);
        }
        self.await_deadline(&item);
        self.others.push(Transition::Exception(Box::new(ExceptionTransition {
            kind: ExceptionChange::Updated,
            item: Arc::new(item),
            of: of.into(),
            cause: cause.map(Box::new),
            left_cause: if regrouped { slot.cause.clone() } else { None },
        })));
    }

    /// What is told of one that is open and to which nothing happened that is told at once, if anything is.
    fn news(
        &mut self,
        assessment: &Assessment,
        open: &ExceptionItem,
        of: &str,
        describe: impl FnOnce(&Assessment) -> Description,
    ) -> Option<Description> {
        let exceptions = &self.settings.exceptions;
        let tell_at = open.updated_at.plus(self.update_interval());
        let is_early = self.now < tell_at;
        let kind = &open.exception_type;
        if self.members_press(open, of) {
            return Some(self.describe(kind, of, assessment, describe));
        }
        if self.differs(assessment, open, of) {
            let share = exceptions.update_value_change;
            if is_early && !differs_much(assessment, open, share) && !self.others_affected(open, of, share) {
                self.review_at(tell_at);
                return None;
            }
            return Some(self.describe(kind, of, assessment, describe));
        }
        if is_early {
            return None;
        }
        let description = self.describe(kind, of, assessment, describe);
        let is_news = is_a_step(open.urgency, self.urgency(&description))
            || lies_elsewhere(&description, open, self.now);
        is_news.then_some(description)
    }

    fn fill(&self, item: &mut ExceptionItem, of: &str, assessment: Assessment, description: Description) {
        item.urgency = self.urgency(&description);
        item.severity = assessment.severity;
        item.value_at_risk = assessment.value_at_risk;
        item.units_at_risk = assessment.units_at_risk;
        item.confidence = assessment.confidence;
        item.group = assessment.cause.as_ref().map(CauseRef::group_key);
        item.subject = description.subject;
        item.window = description.window;
        item.decide_by = description.decide_by;
        item.cause = Some(description.cause);
        item.evidence = description.evidence;
        let members = self.slots.members(of).filter(|_| is_cause(&item.exception_type));
        item.affected = members.and_then(|members| members.summary(self.group_key(item, of)));
    }

    fn urgency(&self, description: &Description) -> u8 {
        description.act_by.map_or(URGENCY_WITHOUT_DEADLINE, |act_by| self.urgency_of(act_by))
    }

    fn urgency_of(&self, act_by: Timestamp) -> u8 {
        urgency(act_by, self.now, self.settings.exceptions.urgency_case_hours)
    }

    /// The key that members of this cause carry.
    fn group_key(&self, item: &ExceptionItem, of: &str) -> Name {
        let subject = &item.subject;
        match (&subject.sku, &subject.location, &subject.supplier) {
            (Some(sku), Some(location), _) => Name::from(format!("sku_location:{sku}@{location}")),
            (_, _, Some(_)) if !of.is_empty() => Name::from(format!("purchase_order:{of}")),
            (_, _, Some(supplier)) => Name::from(format!("supplier:{supplier}")),
            _ => Name::from(self.entity.to_string().replacen(' ', ":", 1) + of),
        }
    }

    fn differs(&self, assessment: &Assessment, open: &ExceptionItem, of: &str) -> bool {
        let (affected, shown) = self.affected(open, of);
        assessment.severity != open.severity
            || assessment.value_at_risk != open.value_at_risk
            || assessment.units_at_risk != open.units_at_risk
            || assessment.confidence != open.confidence
            || affected != shown
    }

    fn subject_text(&self, of: &str) -> String {
        // Names have no control characters: no two subjects make the same text.
        if of.is_empty() { self.entity.to_string() } else { format!("{}\n{of}", self.entity) }
    }
}

// One bit a built-in kind, and the last for an operator's own.
const _: () = assert!(ExceptionType::BUILT_IN.len() < u64::BITS as usize);

fn bit_of(kind: &ExceptionType) -> u64 {
    1 << kind.index().unwrap_or(u64::BITS as usize - 1)
}

/// The case that is opened for an exception at once.
pub fn case_id_for(exception_id: &str) -> Name {
    Name::from(format!("case_{}", exception_id.strip_prefix("exc_").unwrap_or(exception_id)))
}
