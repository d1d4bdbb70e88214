//! `promotion_uncovered` and `promotion_off_plan`, one a promotion that touches this place. Both name the promotion as
//! their cause.
//!
//! Uncovered: from `days` before its start until its end, the part of the promotion's demand that there is no stock for, as
//! a share; raised at `raise`, cleared at `clear`. Its demand is the usual one times 1 + the expected uplift, or the
//! forecast where that says more.
//!
//! Off plan: while it runs, the demand of the finished periods that it touches against the same plan; raised when the
//! difference is `raise` times the plan and the plan at least `minimum` units, cleared at `clear` times.

use super::{Judged, clear_gone};
use crate::domain::event::Promotion;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::group::CauseRef;
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::Watch;
use crate::domain::exception::{ExceptionSubject, ExceptionType, ExceptionWindow};
use crate::domain::ids::{EntityKey, Name, SubjectKind};
use crate::domain::sku_location::demand::{PromotionProgress, is_followed};
use crate::domain::sku_location::worth::units_of;
use crate::domain::time::{DAY, Timestamp};

/// Promotions of one place looked at, by when they end.
const PROMOTIONS_MAX: usize = 16;

const UNCOVERED: ExceptionType = ExceptionType::PromotionUncovered;
const OFF_PLAN: ExceptionType = ExceptionType::PromotionOffPlan;

/// What a promotion wants here and what of it there is no stock for, in units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cover {
    pub wanted: f64,
    pub uncovered: f64,
}

impl Cover {
    fn share(&self) -> f64 {
        if self.wanted > 0.0 { self.uncovered / self.wanted } else { 0.0 }
    }
}

impl Judged<'_> {
    /// How far stock and what is on its way cover the rest of a promotion.
    pub fn promotion_cover(&self, promotion: &Promotion) -> Cover {
        let outlook = self.outlook;
        let now = self.now();
        let (from, until) = (promotion.from.max(now), promotion.until);
        if until <= from {
            return Cover { wanted: 0.0, uncovered: 0.0 };
        }
        let days = until.days_since(from);
        let usual = self.demand.usual_per_day(outlook.planning.settings).unwrap_or(outlook.rate_per_day);
        let planned = usual * days * (1.0 + promotion.expected_uplift.unwrap_or(0.0));
        let wanted = planned.max(outlook.forecast.between(from, until).mean);
        let before = outlook.forecast.between(now, from).mean;
        let mut supply = outlook.position.starting_balance().as_f64() - before;
        let mut uncovered = 0.0_f64;
        for receipt in outlook.receipts.iter().take_while(|receipt| receipt.at < until) {
            if receipt.at > from {
                let share = receipt.at.days_since(from) / days;
                uncovered = uncovered.max(wanted * share - supply);
            }
            supply += receipt.units;
        }
        uncovered = uncovered.max(wanted - supply).clamp(0.0, wanted.max(0.0));
        Cover { wanted, uncovered }
    }

    fn of_promotion(&self, assessment: Assessment, promotion: &Promotion) -> Assessment {
        let cause = self.outlook.planning.settings.exceptions.group_by_cause.then(|| CauseRef {
            entity: EntityKey::Subject {
                tenant: self.tenant_number,
                subject: SubjectKind::Promotion,
                id: promotion.promotion_id.clone(),
            },
            of: Name::default(),
        });
        Assessment { cause, ..assessment }
    }

    fn describe_promotion(
        &self,
        promotion: &Promotion,
        bites_at: Option<Timestamp>,
        cause: String,
    ) -> Description {
        let window = ExceptionWindow { from: Some(promotion.from), until: Some(promotion.until) };
        let decide_by = bites_at.and_then(|bites_at| self.decide_by(bites_at));
        let mut description = self.description(Some(window), decide_by, decide_by.or(bites_at), cause);
        let promotion_id = Some(promotion.promotion_id.clone());
        description.subject = ExceptionSubject { promotion_id, ..description.subject };
        description
    }
}

pub fn judge(watch: &mut Watch<'_>, judged: &Judged<'_>) {
    let planning = judged.outlook.planning;
    let now = judged.now();
    let mut known: Vec<&str> = Vec::new();
    if let Some(tenant) = planning.tenant {
        let mut promotions =
            tenant.promotions_at(planning.sku, planning.location, now, Timestamp::MAX).peekable();
        if promotions.peek().is_some() {
            let (uncovered, off_plan) = (watch.kind(&UNCOVERED), watch.kind(&OFF_PLAN));
            for promotion in promotions.filter(is_followed).take(PROMOTIONS_MAX) {
                let looked_at_from = promotion.from.plus_days(-uncovered.days);
                if looked_at_from > now {
                    watch.review_at(looked_at_from);
                    continue;
                }
                watch.review_at(promotion.until);
                known.push(&promotion.promotion_id);
                judge_cover(watch, judged, promotion, &uncovered);
                judge_progress(watch, judged, promotion, &off_plan);
            }
        }
    }
    for kind in [&UNCOVERED, &OFF_PLAN] {
        clear_gone(
            watch,
            kind,
            |of| known.contains(&of),
            "the promotion is over or does not touch this any more",
        );
    }
}

fn judge_cover(watch: &mut Watch<'_>, judged: &Judged<'_>, promotion: &Promotion, settings: &KindSettings) {
    let cover = judged.promotion_cover(promotion);
    let condition =
        Condition::above(cover.share(), settings.raise, settings.clear, "the promotion is covered by stock");
    let units = units_of(cover.uncovered);
    watch.judge(
        &UNCOVERED,
        &promotion.promotion_id,
        settings,
        condition,
        || {
            let value = judged.place.lost_margin(judged.outlook.planning, units);
            judged.of_promotion(judged.assessment(value, Some(units), None), promotion)
        },
        |_| {
            let cause = format!(
                "promotion {} wants {} and there is no stock for {units} of it",
                promotion.promotion_id,
                units_of(cover.wanted)
            );
            // It goes evenly: what is covered lasts for its share of the time.
            let from = promotion.from.max(judged.now());
            let lasts = promotion.until.days_since(from) * (1.0 - cover.share());
            judged.describe_promotion(promotion, Some(from.plus((lasts * DAY as f64) as i64)), cause)
        },
    );
}

fn off_plan_share(progress: &PromotionProgress) -> f64 {
    if progress.planned > 0.0 {
        (progress.actual.as_f64() - progress.planned).abs() / progress.planned
    } else {
        0.0
    }
}

fn judge_progress(
    watch: &mut Watch<'_>,
    judged: &Judged<'_>,
    promotion: &Promotion,
    settings: &KindSettings,
) {
    let Some(progress) = judged.demand.promotion_progress(&promotion.promotion_id) else { return };
    let condition = Condition::above(
        off_plan_share(progress),
        settings.raise,
        settings.clear,
        "the promotion runs near its plan again",
    );
    let condition = match condition {
        Condition::Raised if progress.planned < settings.minimum => Condition::Between,
        condition => condition,
    };
    let beyond = progress.actual.as_f64() - progress.planned;
    watch.judge(
        &OFF_PLAN,
        &promotion.promotion_id,
        settings,
        condition,
        || {
            let planning = judged.outlook.planning;
            let units = units_of(beyond.abs());
            // More is wanted than was planned, or what was planned stays behind.
            let value = if beyond > 0.0 {
                judged.place.lost_margin(planning, units)
            } else {
                judged.place.carrying_cost(planning, units, planning.horizon_days())
            };
            judged.of_promotion(judged.assessment(value, Some(units), None), promotion)
        },
        |_| {
            let cause = format!(
                "promotion {} brought {} so far where {:.3} were planned",
                promotion.promotion_id, progress.actual, progress.planned
            );
            judged.describe_promotion(promotion, None, cause)
        },
    );
}
