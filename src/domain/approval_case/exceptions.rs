//! What a case finds wrong with its own actions: not confirmed, refused, or done otherwise than approved.

use smallvec::SmallVec;

use super::item::{ActionState, CaseAction};
use super::{ApprovalCase, execution};
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::{EntityText, Watch};
use crate::domain::exception::{Evidence, ExceptionSubject, ExceptionType, Severity};
use crate::domain::ids::{EntityKey, Name};
use crate::domain::record::Transition;
use crate::domain::reference::{Reference, TenantReference};
use crate::domain::settings::Segment;
use crate::domain::time::{DAY, Timestamp};

/// Events named that are behind what an action was to solve.
const EVIDENCE_MAX: usize = 8;

impl ApprovalCase {
    /// Where in the range and in the network the case is: that of its first action or subject.
    pub(super) fn segment<'a>(&'a self, tenant: Option<&'a TenantReference>) -> Segment<'a> {
        let Some(item) = &self.item else { return Segment::default() };
        let of_action = item.actions.first().map(|action| (&action.step.sku, &action.step.location));
        let of_subject = || {
            item.subjects.iter().find_map(|subject| Some((subject.sku.as_ref()?, subject.location.as_ref()?)))
        };
        let Some((sku, location)) = of_action.or_else(of_subject) else { return Segment::default() };
        Segment {
            item_path: tenant.map_or(&[], |tenant| tenant.item_path(sku)),
            location_path: tenant.map_or(&[], |tenant| tenant.location_path(location)),
            location: Some(location),
            sku: Some(sku),
            ..Segment::default()
        }
    }

    pub(super) fn watch(
        &self,
        key: &EntityKey,
        now: Timestamp,
        reference: &Reference,
    ) -> (SmallVec<[Transition; 1]>, Option<Timestamp>) {
        let tenant = reference.tenant(key.tenant());
        let Some(item) = &self.item else { return (SmallVec::new(), None) };
        let mut watch = Watch::new(
            &self.exceptions,
            reference,
            key.tenant(),
            self.segment(tenant),
            now,
            DAY,
            EntityText::Other(key),
        );
        for action in &item.actions {
            self.judge(&mut watch, action, &ExceptionType::ActionUnconfirmed);
            self.judge(&mut watch, action, &ExceptionType::ActionRefused);
            self.judge(&mut watch, action, &ExceptionType::ReconciliationMismatch);
        }
        self.clear_of_former_actions(&mut watch);
        watch.finish()
    }

    fn judge(&self, watch: &mut Watch<'_>, action: &CaseAction, kind: &ExceptionType) {
        let settings = watch.kind(kind);
        let (condition, cause) = match kind {
            ExceptionType::ActionUnconfirmed => self.unconfirmed(watch, action, &settings),
            ExceptionType::ActionRefused => self.refused(watch, action),
            _ => mismatched(watch, action, &settings),
        };
        let severity = match kind {
            ExceptionType::ActionRefused => Severity::High,
            _ if action.state == ActionState::Dead => Severity::High,
            _ => Severity::Medium,
        };
        let expected = self.item.as_ref().and_then(|item| item.chosen()).and_then(|option| option.benefit);
        let assess = || Assessment {
            severity,
            value_at_risk: expected.filter(|value| value.ten_thousandths() > 0),
            units_at_risk: Some(action.step.quantity).filter(|quantity| quantity.is_positive()),
            confidence: None,
            cause: None,
        };
        let describe = |_: &Assessment| Description {
            subject: subject(action),
            window: None,
            ends_ahead: false,
            decide_by: None,
            act_by: Some(action.expires_at),
            cause,
            evidence: self.evidence_about(action),
        };
        watch.judge(kind, &action.id, &settings, condition, assess, describe);
    }

    /// The last event about the action; as long as there is none, those behind what it was to solve.
    fn evidence_about(&self, action: &CaseAction) -> Vec<Evidence> {
        if let Some(heard) = self.facts.action(&action.id).and_then(|facts| facts.evidence.as_ref()) {
            return vec![heard.clone()];
        }
        let members = self.item.iter().flat_map(|item| &item.members);
        let of_members = members.filter_map(|member| self.facts.exception(&member.id));
        let mut behind: Vec<Evidence> =
            of_members.flat_map(|heard| &heard.item.evidence).take(EVIDENCE_MAX).cloned().collect();
        behind.sort_unstable_by_key(|evidence| evidence.lsn);
        behind.dedup();
        behind
    }

    /// Whether everything that the actions were to solve is over, as far as the case has heard.
    fn is_over(&self) -> bool {
        let over = |id: &Name| self.facts.exception(id).is_some_and(|heard| heard.item.state.is_final());
        let mut members = self.item.iter().flat_map(|item| &item.members);
        !members.any(|member| member.is_open() && !over(&member.id))
    }

    /// A refusal is of concern as long as what the action was to solve is not over, and until its time has passed.
    fn refused(&self, watch: &mut Watch<'_>, action: &CaseAction) -> (Condition, String) {
        let cause = format!(
            "{} was refused by {}: {}",
            named(action),
            action.target,
            action.error.as_deref().unwrap_or("no reason was given")
        );
        if action.state != ActionState::Refused {
            return (Condition::Clear("the system of record did not stay with its refusal".into()), cause);
        }
        if self.is_over() {
            return (Condition::Clear("what it was to solve is over".into()), cause);
        }
        if watch.now >= action.expires_at {
            return (Condition::Clear("its time has passed".into()), cause);
        }
        watch.review_at(action.expires_at);
        (Condition::Raised, cause)
    }

    /// Actions that the case does not have any more, because it was reopened, are of no concern.
    fn clear_of_former_actions(&self, watch: &mut Watch<'_>) {
        let Some(item) = &self.item else { return };
        for slot in self.exceptions.slots() {
            let Some(open) = slot.open.as_ref() else { continue };
            if item.actions.iter().any(|action| action.id == slot.of) {
                continue;
            }
            let settings = watch.kind(&slot.exception_type);
            let assess = || Assessment {
                severity: open.severity,
                value_at_risk: open.value_at_risk,
                units_at_risk: open.units_at_risk,
                confidence: None,
                cause: None,
            };
            let describe = |_: &Assessment| Description {
                subject: open.subject.clone(),
                window: None,
                ends_ahead: false,
                decide_by: None,
                act_by: None,
                cause: String::new(),
                evidence: Vec::new(),
            };
            let gone = Condition::Clear("the case was reopened without this action".into());
            watch.judge(&slot.exception_type, &slot.of, &settings, gone, assess, describe);
        }
    }
}

impl ApprovalCase {
    /// Silence is of concern until it ends. An action that expired in it is one as long as what it was to solve is not
    /// over, and for as long again as it was waited for after its arrival.
    fn unconfirmed(
        &self,
        watch: &mut Watch<'_>,
        action: &CaseAction,
        settings: &KindSettings,
    ) -> (Condition, String) {
        let tried = action.attempt_count;
        match action.state {
            ActionState::Dead => {
                let cause = format!(
                    "{} could not be delivered to {} in {tried} attempts",
                    named(action),
                    action.target
                );
                (Condition::Raised, cause)
            }
            ActionState::Expired => {
                let cause =
                    format!("{} has expired, and {} never confirmed it", named(action), action.target);
                if self.is_over() {
                    return (Condition::Clear("what it was to solve is over".into()), cause);
                }
                let until = action.expires_at.plus_days(watch.settings.cases.action_expires_hours / 24.0);
                if watch.now >= until {
                    return (Condition::Clear("its time has passed".into()), cause);
                }
                watch.review_at(until);
                (Condition::Raised, cause)
            }
            ActionState::Delivered => {
                let cause =
                    format!("{} was delivered to {}, and nothing came back", named(action), action.target);
                let due = action.delivered_at.map(|at| at.plus_days(settings.raise / 24.0));
                match due {
                    Some(due) if watch.now < due => {
                        watch.review_at(due);
                        // One that was dead and is delivered now is only waited for.
                        (Condition::Clear("it was delivered".into()), cause)
                    }
                    _ => (Condition::Raised, cause),
                }
            }
            _ => {
                let why = format!("the action is {}", action.state.as_str());
                (Condition::Clear(why.into()), String::new())
            }
        }
    }
}

/// A difference that nobody settled before the action's time was over stands.
fn mismatched(watch: &mut Watch<'_>, action: &CaseAction, settings: &KindSettings) -> (Condition, String) {
    match execution::mismatch(action, settings) {
        Some(how) if watch.now >= action.expires_at => {
            let why = format!("nobody settled it in time, and it stands: {how}");
            (Condition::Clear(why.into()), String::new())
        }
        Some(how) => {
            watch.review_at(action.expires_at);
            (Condition::Raised, format!("{}: {how}", named(action)))
        }
        None => (Condition::Clear("the document is what was approved".into()), String::new()),
    }
}

fn named(action: &CaseAction) -> String {
    let step = &action.step;
    format!("{} of {} units of {} for {}", action.kind.as_str(), step.quantity, step.sku, step.location)
}

fn subject(action: &CaseAction) -> ExceptionSubject {
    let name = |name: &Name| Some(name.clone()).filter(|name| !name.is_empty());
    ExceptionSubject {
        kind: Name::const_new("action"),
        sku: name(&action.step.sku),
        location: name(&action.step.location),
        supplier: action.step.supplier.clone(),
        po_id: action.step.po_id.clone(),
        action_id: Some(action.id.clone()),
        ..ExceptionSubject::default()
    }
}
