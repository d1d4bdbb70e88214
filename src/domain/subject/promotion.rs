//! A promotion as the cause of what it leads to: the places that it leaves without stock, or that sell against its plan,
//! are one exception about the promotion. Also a single one: what is grouped is shown and decided with its cause.

use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::watch::Watch;
use crate::domain::exception::{Evidence, ExceptionSubject, ExceptionType, ExceptionWindow, Severity};
use crate::domain::ids::Name;

/// What a promotion's own exception may be, by what most of its places have; of equal ones the first.
const KINDS: [ExceptionType; 2] = [ExceptionType::PromotionUncovered, ExceptionType::PromotionOffPlan];

/// Judges what is grouped under the promotion.
pub(super) fn judge(promotion_id: &Name, mention: Option<&Evidence>, watch: &mut Watch<'_>) {
    let slots = watch.slots;
    let counts = KINDS.each_ref().map(|kind| {
        let members = slots.members("").into_iter().flat_map(|members| members.iter());
        members.filter(|member| member.exception_type == *kind).count()
    });
    let places: usize = counts.iter().sum();
    let noun = if places == 1 { "place" } else { "places" };
    let most = if counts[1] > counts[0] { 1 } else { 0 };
    // One that is open keeps its kind as long as anything is left of it.
    let open = KINDS.iter().position(|kind| slots.open(kind).is_some());
    for (at, kind) in KINDS.iter().enumerate() {
        let condition = match open {
            Some(open) if open == at => Condition::holds(places > 0, "no place has it any more"),
            Some(_) => Condition::Clear("another kind holds for most of its places".into()),
            None if places > 0 && most == at => Condition::Raised,
            None => Condition::Clear("no place has it".into()),
        };
        // The places have waited already.
        let settings =
            crate::domain::exception::kind::KindSettings { consecutive_periods: 1, ..watch.kind(kind) };
        let promotion = watch.tenant.and_then(|tenant| tenant.promotion(promotion_id));
        let assess = || Assessment {
            severity: Severity::Low,
            value_at_risk: None,
            units_at_risk: None,
            confidence: None,
            cause: None,
        };
        let describe = |_: &Assessment| Description {
            subject: ExceptionSubject {
                kind: Name::const_new("promotion"),
                promotion_id: Some(promotion_id.clone()),
                ..ExceptionSubject::default()
            },
            window: promotion.map(|promotion| ExceptionWindow {
                from: Some(promotion.from),
                until: Some(promotion.until),
            }),
            ends_ahead: false,
            decide_by: None,
            act_by: promotion.map(|promotion| match kind {
                ExceptionType::PromotionUncovered => promotion.from,
                _ => promotion.until,
            }),
            cause: match kind {
                ExceptionType::PromotionUncovered => {
                    format!("The promotion {promotion_id} lacks stock in {places} {noun}.")
                }
                _ => format!("The promotion {promotion_id} sells against its plan in {places} {noun}."),
            },
            evidence: mention.cloned().into_iter().collect(),
        };
        watch.judge(kind, "", &settings, condition, assess, describe);
    }
}
