//! Who asks, what they may do, and how much of the tenant they see.
//!
//! A request carries an API key; [`KeyCache`] turns it into a [`Principal`], and everything after that asks
//! the principal: [`Principal::may`] for the deed, [`Scope::admits`] for the thing. The tenant comes from the
//! principal, never from what it sends.
//!
//! Not done here: reading headers and answering 401 and 403 (that is `http`), and whether the tenant of a key
//! exists on this server.

mod key_cache;
mod keys;
mod role;
mod scope;

use compact_str::CompactString;
use thiserror::Error;

pub use key_cache::KeyCache;
pub use keys::{
    ApiKey, CreatedKey, KeyDescription, KeyError, KeySet, KeyStore, KeySummary, NameError, key_id,
};
pub use role::{Permission, Role, RoleSet, UnknownRole};
pub use scope::{Scope, ScopeEntry, ScopeError, Whereabouts};

/// The tenant of `--dev` and of keys created without `--tenant`.
pub const DEFAULT_TENANT: &str = "default";

/// Someone, or something, that was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name that audit and votes go by; two keys of one name are one principal.
    pub name: CompactString,
    /// What it may do, through [`Principal::may`].
    pub roles: RoleSet,
    /// The tenant all its requests are about.
    pub tenant: CompactString,
    /// The part of the tenant that it sees.
    pub scope: Scope,
}

impl Principal {
    /// Whether one of the roles grants this. What no role grants is denied.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.roles.intersects(permission.granted_to())
    }

    /// Who a request without credentials is under `--dev`: `dev`, with every role in the default tenant.
    #[must_use]
    pub fn dev() -> Self {
        Self {
            name: CompactString::const_new("dev"),
            roles: RoleSet::ALL,
            tenant: CompactString::const_new(DEFAULT_TENANT),
            scope: Scope::default(),
        }
    }

    /// Who a request is under `--dev` with `X-Tidewatch-Act-As: name;role,role`, in the default tenant.
    ///
    /// # Errors
    /// [`ActAsError`] if the name is missing or not usable, or a role is not known.
    pub fn parse_act_as(header: &str) -> Result<Self, ActAsError> {
        let (name, roles) = header.split_once(';').ok_or(ActAsError::Form)?;
        let roles = roles.split(',').map(|role| role.trim().parse()).collect::<Result<RoleSet, _>>()?;
        Ok(Self { name: keys::principal_name(name.trim())?, roles, ..Self::dev() })
    }
}

/// Why a header `X-Tidewatch-Act-As` names nobody.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ActAsError {
    /// There is no `;`.
    #[error("expected `name;role,role`")]
    Form,
    /// The name is empty, too long, or has control characters.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No such role; an empty list of roles has the role "".
    #[error(transparent)]
    Role(#[from] UnknownRole),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dev_may_do_everything_in_the_default_tenant() {
        let dev = Principal::dev();
        assert_eq!((dev.name.as_str(), dev.tenant.as_str()), ("dev", "default"));
        assert!(dev.scope.is_unrestricted());
        for permission in Permission::ALL {
            assert!(dev.may(permission), "{permission:?}");
        }
    }

    #[test]
    fn acting_as_someone_takes_their_name_and_roles_alone() {
        let anna = Principal::parse_act_as("anna; viewer ,supply_planner").expect("a principal");
        assert_eq!(anna.name, "anna");
        assert_eq!(anna.roles, RoleSet::from_iter([Role::Viewer, Role::SupplyPlanner]));
        assert!(anna.may(Permission::Read));
        assert!(!anna.may(Permission::IngestEvents));
    }

    #[test]
    fn acting_as_nobody_is_an_error() {
        let check = |header: &str, says: &str| {
            let error = Principal::parse_act_as(header).expect_err(header).to_string();
            assert!(error.contains(says), "{header:?}: {error}");
        };
        check("anna", "name;role,role");
        check("", "name;role,role");
        check(";viewer", "name");
        check("an\u{7}na;viewer", "control");
        check("anna;", "``");
        check("anna;viewer,king", "`king`");
        check("anna;Viewer", "`Viewer`");
    }
}
