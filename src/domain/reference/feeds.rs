//! Sources of events whose volume of demand was unusual: what their spikes and drops stand under.

use rpds::RedBlackTreeMapSync;
use serde::{Deserialize, Serialize};

use super::tenant::TenantReference;
use crate::domain::exception::group::CauseRef;
use crate::domain::exception::{ExceptionTransition, ExceptionType, ExceptionWindow};
use crate::domain::ids::{EntityKey, Name, SubjectKind};
use crate::domain::time::Timestamp;

/// Which way the volume of a source went. Each is an exception of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeShift {
    /// Far more demand than usual: what it leads to are spikes.
    Surge,
    /// Far less: what it leads to are drops.
    Slump,
}

impl VolumeShift {
    /// Both.
    pub const ALL: [VolumeShift; 2] = [VolumeShift::Surge, VolumeShift::Slump];

    /// What of the source it is about, as exceptions and causes name it.
    pub fn of(self) -> Name {
        Name::const_new(match self {
            VolumeShift::Surge => ":surge",
            VolumeShift::Slump => ":slump",
        })
    }
}

/// The disturbances of all sources that are open, by source and shift.
pub(super) type DisturbedFeeds = RedBlackTreeMapSync<(Name, VolumeShift), ExceptionWindow>;

/// Whether an exception is about the volume of a source, as far as entity and kind say.
pub(super) fn is_feed_disturbance(entity: &EntityKey, change: &ExceptionTransition) -> bool {
    change.item.exception_type == ExceptionType::DataQuality
        && matches!(entity, EntityKey::Subject { subject: SubjectKind::Source, .. })
}

/// As a list of keys and values: their keys are no text.
pub(super) mod as_list {
    use serde::de::{Deserialize, Deserializer};
    use serde::ser::Serializer;

    use super::DisturbedFeeds;

    pub fn serialize<S: Serializer>(feeds: &DisturbedFeeds, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(feeds.iter())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DisturbedFeeds, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

impl TenantReference {
    /// The open disturbance of a feed behind a spike (`Surge`) or drop (`Slump`) in the demand of `[from, until)`, in
    /// the form in which an exception names its cause. `source` is the sender of the demand; any sender's if `None`.
    pub fn feed_disturbed(
        &self,
        source: Option<&str>,
        shift: VolumeShift,
        from: Timestamp,
        until: Timestamp,
    ) -> Option<CauseRef> {
        let touches = |window: &ExceptionWindow| {
            window.from.is_none_or(|start| start < until) && window.until.is_none_or(|end| from < end)
        };
        let ((source, shift), _) = self.disturbed_feeds.iter().find(|((of, shifted), window)| {
            *shifted == shift && source.is_none_or(|source| of == source) && touches(window)
        })?;
        let entity =
            EntityKey::Subject { tenant: self.number, subject: SubjectKind::Source, id: source.clone() };
        Some(CauseRef { entity, of: shift.of() })
    }

    /// Folds what became of such an exception; says whether that changed anything here.
    pub(super) fn fold_feed(&mut self, entity: &EntityKey, change: &ExceptionTransition) -> bool {
        let EntityKey::Subject { id, .. } = entity else { return false };
        let item = &change.item;
        let Some(shift) = VolumeShift::ALL.into_iter().find(|shift| shift.of() == change.of) else {
            return false;
        };
        let key = (id.clone(), shift);
        let known = self.disturbed_feeds.get(&key).copied();
        // What a person dismissed is no disturbance: its spikes stand for themselves.
        let now = item.window.filter(|_| !item.state.is_final());
        match now {
            Some(window) => self.disturbed_feeds.insert_mut(key, window),
            None => {
                self.disturbed_feeds.remove_mut(&key);
            }
        }
        known != now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::exception::{ExceptionChange, ExceptionState, testing};
    use crate::domain::ids::{Lsn, TenantNumber};
    use crate::domain::money::Currency;
    use crate::domain::record::{Body, ClockKind, Record, SystemBody, Transition, TransitionBody};
    use crate::domain::reference::{Affected, Reference};
    use crate::domain::time::DAY;

    const TENANT: TenantNumber = TenantNumber(0);

    fn day(day: i64) -> Timestamp {
        Timestamp::from_micros(day * DAY)
    }

    fn record(lsn: u64, body: Body) -> Record {
        Record {
            lsn: Lsn(lsn),
            tenant: TENANT,
            event_time: day(0),
            ingest_time: day(0),
            business_time: day(0),
            causing_lsn: Lsn::ZERO,
            entity_revision: 0,
            source: Name::default(),
            id: Name::default(),
            sequence: Name::default(),
            principal: Name::default(),
            body,
        }
    }

    fn source(id: &str) -> EntityKey {
        EntityKey::Subject { tenant: TENANT, subject: SubjectKind::Source, id: Name::from(id) }
    }

    #[test]
    fn a_feed_is_disturbed_while_its_exception_is_open_in_the_days_that_it_names() {
        let mut reference = Reference::default();
        reference.apply(&record(
            1,
            Body::System(Box::new(SystemBody::TenantDeclared {
                name: Name::from("default"),
                clock: ClockKind::Event,
                base_currency: Currency::parse("EUR").unwrap(),
                timezone: Name::from("UTC"),
            })),
        ));
        let tell = |reference: &mut Reference, lsn: u64, state: ExceptionState, until: i64| {
            let mut item = testing::item("x", ExceptionType::DataQuality);
            item.state = state;
            item.window = Some(ExceptionWindow { from: Some(day(7)), until: Some(day(until)) });
            let change = ExceptionTransition {
                of: VolumeShift::Surge.of(),
                ..ExceptionTransition::alone(ExceptionChange::Updated, item)
            };
            let transition = Transition::Exception(Box::new(change));
            reference.apply(&record(
                lsn,
                Body::Transition(Box::new(TransitionBody { entity: source("till"), transition })),
            ))
        };
        let asked = |reference: &Reference, of: Option<&str>, shift, from, until| {
            reference.tenant(TENANT).unwrap().feed_disturbed(of, shift, day(from), day(until))
        };
        use VolumeShift::{Slump, Surge};
        let cause = CauseRef { entity: source("till"), of: Name::from(":surge") };

        assert_eq!(tell(&mut reference, 2, ExceptionState::Open, 14), [Affected::Tenant { tenant: TENANT }]);
        assert_eq!(asked(&reference, Some("till"), Surge, 7, 14), Some(cause.clone()));
        assert_eq!(asked(&reference, None, Surge, 13, 14), Some(cause.clone()));
        assert_eq!(asked(&reference, Some("web"), Surge, 7, 14), None);
        assert_eq!(asked(&reference, Some("till"), Slump, 7, 14), None);
        assert_eq!(asked(&reference, Some("till"), Surge, 14, 21), None);

        assert_eq!(tell(&mut reference, 3, ExceptionState::Acknowledged, 14), [], "the same days");
        assert_eq!(reference.version(), Lsn(2));
        tell(&mut reference, 4, ExceptionState::Open, 21);
        assert_eq!(asked(&reference, Some("till"), Surge, 14, 21), Some(cause));
        for over in [ExceptionState::Cleared, ExceptionState::Resolved] {
            tell(&mut reference, 5, over, 21);
            assert_eq!(asked(&reference, None, Surge, 7, 21), None);
        }
    }
}
