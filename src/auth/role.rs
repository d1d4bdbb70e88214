//! Roles and the one table that says what each may do.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// A role of a principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks on.
    Viewer,
    /// Plans demand and stock.
    Planner,
    /// Answers for a part of the range.
    CategoryManager,
    /// Plans purchases and transfers.
    SupplyPlanner,
    /// Answers for money.
    Finance,
    /// A person at a supplier; give its key a `supplier=` scope.
    Supplier,
    /// A system that sends events.
    Integration,
    /// A program that proposes, and never approves.
    Agent,
    /// Reads everything, changes nothing.
    Auditor,
    /// Runs the tower.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 10] = [
        Self::Viewer,
        Self::Planner,
        Self::CategoryManager,
        Self::SupplyPlanner,
        Self::Finance,
        Self::Supplier,
        Self::Integration,
        Self::Agent,
        Self::Auditor,
        Self::Admin,
    ];

    /// The name in keys, headers and files.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Planner => "planner",
            Self::CategoryManager => "category_manager",
            Self::SupplyPlanner => "supply_planner",
            Self::Finance => "finance",
            Self::Supplier => "supplier",
            Self::Integration => "integration",
            Self::Agent => "agent",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A name that is no role.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{name}` is no role; the roles are {}", Role::ALL.map(Role::as_str).join(", "))]
pub struct UnknownRole {
    name: String,
}

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == name)
            .ok_or_else(|| UnknownRole { name: name.to_owned() })
    }
}

/// A set of roles; in files a list of their names.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct RoleSet {
    bits: u16,
}

impl RoleSet {
    /// Every role.
    pub const ALL: Self = Self::of(&Role::ALL);

    const fn of(roles: &[Role]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < roles.len() {
            bits |= 1 << roles[index] as u16;
            index += 1;
        }
        Self { bits }
    }

    const fn with(self, role: Role) -> Self {
        Self { bits: self.bits | Self::of(&[role]).bits }
    }

    const fn all_but(roles: &[Role]) -> Self {
        Self { bits: Self::ALL.bits & !Self::of(roles).bits }
    }

    /// Whether the role is in the set.
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.intersects(Self::of(&[role]))
    }

    /// Whether the two sets have a role in common.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.bits & other.bits != 0
    }

    /// Whether there is no role in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// The roles in it, in the order of [`Role::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for RoleSet {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::default(), |set, role| Self { bits: set.bits | Self::of(&[role]).bits })
    }
}

impl fmt::Debug for RoleSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for RoleSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for RoleSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Role>::deserialize(deserializer)?.into_iter().collect())
    }
}

/// Something that can be done through the HTTP door.
///
/// | permission | granted to |
/// | --- | --- |
/// | [`IngestEvents`](Self::IngestEvents) | `integration`, `admin` |
/// | [`Read`](Self::Read) | every role |
/// | [`ReadQuarantine`](Self::ReadQuarantine) | every role but `supplier`, `agent`, `finance` |
/// | [`ManageQuarantine`](Self::ManageQuarantine) | `integration`, `admin` |
/// | [`ReadStats`](Self::ReadStats), [`ReadMetrics`](Self::ReadMetrics) | every role but `supplier` |
/// | [`TakeSnapshots`](Self::TakeSnapshots) | `integration`, `admin` |
/// | [`Comment`](Self::Comment) | `planner`, `category_manager`, `supply_planner`, `finance`, `agent`, `admin` |
/// | [`HandleExceptions`](Self::HandleExceptions), [`ManageCases`](Self::ManageCases) | `planner`, `category_manager`, `supply_planner`, `admin` |
/// | [`ProposeDecisions`](Self::ProposeDecisions) | those and `agent` |
/// | [`ApproveDecisions`](Self::ApproveDecisions) | `planner`, `category_manager`, `supply_planner`, `finance`, `admin`: never `agent` |
///
/// Nothing else is granted: a principal without a role may do nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Send events.
    IngestEvents,
    /// Read entities, exceptions, reference data and the feed, within the principal's scope.
    Read,
    /// Read events that could not be used, as they were sent: no scope can be shown to hold for them.
    ReadQuarantine,
    /// Retry and delete them; a retry sends an event.
    ManageQuarantine,
    /// Read the tenant's counts, rates and lags.
    ReadStats,
    /// Read the metrics of the whole process.
    ReadMetrics,
    /// Have what the tower holds written down.
    TakeSnapshots,
    /// Say something about an exception or a case.
    Comment,
    /// Acknowledge, assign, snooze and dismiss exceptions; complete tasks.
    HandleExceptions,
    /// Open cases, add and choose options, ask for tasks.
    ProposeDecisions,
    /// Cancel, reopen and merge cases; retry and withdraw actions.
    ManageCases,
    /// Approve, reject and delegate. Which role a decision needs is said by the case.
    ApproveDecisions,
}

impl Permission {
    /// All permissions.
    pub const ALL: [Self; 12] = [
        Self::IngestEvents,
        Self::Read,
        Self::ReadQuarantine,
        Self::ManageQuarantine,
        Self::ReadStats,
        Self::ReadMetrics,
        Self::TakeSnapshots,
        Self::Comment,
        Self::HandleExceptions,
        Self::ProposeDecisions,
        Self::ManageCases,
        Self::ApproveDecisions,
    ];

    /// The roles that grant it.
    #[must_use]
    pub const fn granted_to(self) -> RoleSet {
        const PLANNERS: [Role; 4] = [Role::Planner, Role::CategoryManager, Role::SupplyPlanner, Role::Admin];
        match self {
            Self::IngestEvents | Self::ManageQuarantine | Self::TakeSnapshots => {
                RoleSet::of(&[Role::Integration, Role::Admin])
            }
            Self::Read => RoleSet::ALL,
            Self::ReadQuarantine => RoleSet::all_but(&[Role::Supplier, Role::Agent, Role::Finance]),
            Self::ReadStats | Self::ReadMetrics => RoleSet::all_but(&[Role::Supplier]),
            Self::HandleExceptions | Self::ManageCases => RoleSet::of(&PLANNERS),
            Self::ProposeDecisions => RoleSet::of(&PLANNERS).with(Role::Agent),
            Self::ApproveDecisions => RoleSet::of(&PLANNERS).with(Role::Finance),
            Self::Comment => RoleSet::of(&PLANNERS).with(Role::Finance).with(Role::Agent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Principal;

    /// The permissions of a role, one letter each in the order of [`Permission::ALL`], `-` for a denied one.
    fn check(role: Role, expected: &str) {
        let principal = Principal { roles: RoleSet::from_iter([role]), ..Principal::dev() };
        let may = Permission::ALL.into_iter().zip("erqmsxtchpga".chars());
        let actual: String =
            may.map(|(permission, letter)| if principal.may(permission) { letter } else { '-' }).collect();
        assert_eq!(actual, expected, "{role}");
    }

    #[test]
    fn the_table_of_permissions() {
        check(Role::Viewer, "-rq-sx------");
        check(Role::Planner, "-rq-sx-chpga");
        check(Role::CategoryManager, "-rq-sx-chpga");
        check(Role::SupplyPlanner, "-rq-sx-chpga");
        check(Role::Finance, "-r--sx-c---a");
        check(Role::Supplier, "-r----------");
        check(Role::Integration, "erqmsxt-----");
        check(Role::Agent, "-r--sx-c-p--");
        check(Role::Auditor, "-rq-sx------");
        check(Role::Admin, "erqmsxtchpga");
    }

    #[test]
    fn without_a_role_nothing_is_granted() {
        let nobody = Principal { roles: RoleSet::default(), ..Principal::dev() };
        assert!(Permission::ALL.into_iter().all(|permission| !nobody.may(permission)));
    }

    #[test]
    fn two_roles_grant_what_either_does() {
        let roles = RoleSet::from_iter([Role::Finance, Role::Integration]);
        let both = Principal { roles, ..Principal::dev() };
        assert!(both.may(Permission::IngestEvents) && both.may(Permission::ApproveDecisions));
        assert!(!both.may(Permission::ManageCases));
    }

    #[test]
    fn a_name_is_the_same_in_text_and_in_files() {
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
            assert_eq!(serde_json::to_string(&role).expect("JSON"), format!("\"{role}\""));
        }
        assert!("root".parse::<Role>().is_err());
        let set: RoleSet = serde_json::from_str(r#"["admin","viewer","admin"]"#).expect("a set");
        assert_eq!(serde_json::to_string(&set).expect("JSON"), r#"["viewer","admin"]"#);
        assert!(serde_json::from_str::<RoleSet>(r#"["king"]"#).is_err());
    }
}
