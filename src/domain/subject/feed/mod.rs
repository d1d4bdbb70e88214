//! A source of events: whether it still sends, and whether what it sends has a usual volume.

mod rhythm;
mod volume;

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use self::rhythm::Rhythm;
use self::volume::{ClosedPeriod, Volume};
use crate::domain::event::FeedTraffic;
use crate::domain::exception::assessment::{Assessment, Condition, Description};
use crate::domain::exception::kind::KindSettings;
use crate::domain::exception::watch::Watch;
use crate::domain::exception::{
    Evidence, ExceptionItem, ExceptionSubject, ExceptionType, ExceptionWindow, Severity,
};
use crate::domain::ids::Name;
use crate::domain::quantity::Quantity;
use crate::domain::record::Record;
use crate::domain::reference::{TenantReference, VolumeShift};
use crate::domain::time::{DAY, HOUR, SECOND};

/// What is known of one source.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Feed {
    events: u64,
    rhythm: Rhythm,
    /// Of one that sends sales or orders.
    volume: Option<Volume>,
    last: Evidence,
}

impl Feed {
    /// Takes a sum of events that were taken at `record.business_time`.
    pub fn note(
        feed: &mut Option<Box<Feed>>,
        traffic: &FeedTraffic,
        record: &Record,
        last: Evidence,
        zone: &TimeZone,
    ) {
        let at = record.business_time;
        let feed = match feed {
            Some(feed) => {
                feed.rhythm.note(at, zone);
                feed
            }
            None => feed.insert(Box::new(Feed {
                events: 0,
                rhythm: Rhythm::begin(at, traffic.begun, zone),
                volume: None,
                last: last.clone(),
            })),
        };
        feed.events = feed.events.saturating_add(u64::from(traffic.events));
        feed.last = last;
        match (traffic.period_days, &mut feed.volume) {
            (Some(period_days), volume) => volume
                .get_or_insert_with(|| Volume::begin(at, period_days, zone))
                .add(traffic.demand, at, period_days.max(1), zone),
            // Anything that comes says that earlier periods are over.
            (None, Some(volume)) => volume.add(Quantity::ZERO, at, 1, zone),
            (None, None) => {}
        }
    }

    /// Judges silence and volume.
    pub fn judge(&self, source: &Name, watch: &mut Watch<'_>) {
        self.judge_silence(source, watch);
        for shift in VolumeShift::ALL {
            self.judge_volume(source, shift, watch);
        }
    }

    fn judge_silence(&self, source: &Name, watch: &mut Watch<'_>) {
        let kind = ExceptionType::FeedStale;
        let settings = watch.kind(&kind);
        let patience_until = self.rhythm.patience_until(&settings);
        let is_stale = patience_until.is_some_and(|until| until <= watch.now);
        if let Some(until) = patience_until {
            watch.review_at(until);
        }
        let assess = || Assessment {
            severity: Severity::High,
            value_at_risk: None,
            units_at_risk: None,
            confidence: None,
            cause: None,
        };
        let describe = |_: &Assessment| Description {
            subject: subject(source),
            window: Some(ExceptionWindow { from: Some(self.rhythm.last_at()), until: None }),
            ends_ahead: false,
            decide_by: None,
            act_by: patience_until,
            cause: format!(
                "Nothing has come from {source} since {}; usually something comes every {}.",
                self.rhythm.last_at(),
                length(self.rhythm.usual_gap().unwrap_or_default()),
            ),
            evidence: vec![self.last.clone()],
        };
        watch.judge(&kind, "", &settings, Condition::holds(is_stale, "it sends again"), assess, describe);
    }

    fn judge_volume(&self, source: &Name, shift: VolumeShift, watch: &mut Watch<'_>) {
        let kind = ExceptionType::DataQuality;
        let of = shift.of();
        let settings = watch.kind(&kind);
        let slots = watch.slots;
        let open = slots.open_of(&kind, &of).map(|open| &**open);
        let closed = self.volume.as_ref().and_then(Volume::last);
        let mut condition = match closed {
            Some(closed) => condition(closed, shift, &settings),
            None => Condition::Clear("too little is known of what is usual".into()),
        };
        if matches!(condition, Condition::Clear(_)) && slots.members(&of).is_some() {
            // What it led to is still open and stands under it.
            condition = Condition::Between;
        }
        let Some(closed) = closed else {
            if open.is_none() {
                return;
            }
            watch.judge(&kind, &of, &settings, condition, unknown, |_| Description {
                subject: subject(source),
                window: open.and_then(|open| open.window),
                ends_ahead: false,
                decide_by: None,
                act_by: None,
                cause: open.and_then(|open| open.cause.clone()).unwrap_or_default(),
                evidence: vec![self.last.clone()],
            });
            return;
        };
        // Once it has passed, what is told of it stays as it was in its last period.
        let is_shifted = multiple(closed, shift, &settings).is_some_and(|multiple| multiple > settings.clear);
        let told = open.filter(|_| !is_shifted);
        let assess = || Assessment {
            severity: Severity::Medium,
            units_at_risk: told.map_or_else(|| Some(closed.difference()), |told| told.units_at_risk),
            ..unknown()
        };
        let describe = |_: &Assessment| Description {
            subject: subject(source),
            window: told.map_or_else(|| Some(window(closed, open)), |told| told.window),
            ends_ahead: false,
            decide_by: None,
            act_by: None,
            cause: told.and_then(|told| told.cause.clone()).unwrap_or_else(|| say(source, closed, shift)),
            evidence: vec![self.last.clone()],
        };
        watch.judge(&kind, &of, &settings, condition, assess, describe);
    }
}

fn unknown() -> Assessment {
    Assessment {
        severity: Severity::Medium,
        value_at_risk: None,
        units_at_risk: None,
        confidence: None,
        cause: None,
    }
}

fn subject(source: &Name) -> ExceptionSubject {
    ExceptionSubject {
        kind: Name::const_new("source"),
        source: Some(source.clone()),
        ..ExceptionSubject::default()
    }
}

/// As a multiple of what is usual upwards for a surge, and downwards for a slump; `None` if that is not known.
fn multiple(closed: &ClosedPeriod, shift: VolumeShift, settings: &KindSettings) -> Option<f64> {
    let ratio = closed.ratio(settings.minimum)?;
    Some(match shift {
        VolumeShift::Surge => ratio,
        VolumeShift::Slump if ratio > 0.0 => 1.0 / ratio,
        VolumeShift::Slump => f64::INFINITY,
    })
}

fn condition(closed: &ClosedPeriod, shift: VolumeShift, settings: &KindSettings) -> Condition {
    let Some(multiple) = multiple(closed, shift, settings) else {
        return Condition::Clear("too little is known of what is usual".into());
    };
    match Condition::above(multiple, settings.raise, settings.clear, "the volume is as usual again") {
        Condition::Raised if !closed.stands_out() => Condition::Between,
        other => other,
    }
}

/// From the first disturbed period to the end of the last.
fn window(closed: &ClosedPeriod, open: Option<&ExceptionItem>) -> ExceptionWindow {
    let from = open.and_then(|open| open.window).and_then(|window| window.from).unwrap_or(closed.from);
    ExceptionWindow { from: Some(from), until: Some(closed.until) }
}

fn say(source: &Name, closed: &ClosedPeriod, shift: VolumeShift) -> String {
    let direction = match shift {
        VolumeShift::Surge => "far more",
        VolumeShift::Slump => "far less",
    };
    format!(
        "{source} sent {direction} demand than usual: {} units from {} to {} against {} in such periods. Either the \
         data is wrong, or one cause is behind all of it.",
        closed.volume,
        closed.from,
        closed.until,
        closed.usual.unwrap_or_default(),
    )
}

/// A length of time for people.
fn length(micros: i64) -> String {
    let of = |unit: i64| micros as f64 / unit as f64;
    if micros >= 2 * DAY {
        format!("{:.1} days", of(DAY))
    } else if micros >= 2 * HOUR {
        format!("{:.1} hours", of(HOUR))
    } else {
        format!("{:.0} minutes", of(60 * SECOND))
    }
}

/// The zone in which a tenant's sources are looked at.
pub(super) fn zone_of(tenant: Option<&TenantReference>) -> &TimeZone {
    const UTC: &TimeZone = &TimeZone::UTC;
    tenant.map_or(UTC, |tenant| &tenant.time_zone)
}

/// When the last event of a sum was taken, and which one it was.
pub(super) fn last_event(record: &Record, traffic: &FeedTraffic, event_type: Name) -> Evidence {
    Evidence {
        source: record.source.clone(),
        id: record.id.clone(),
        event_type,
        time: record.event_time,
        lsn: traffic.last,
    }
}
