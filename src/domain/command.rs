//! Commands: what a person or a service asks of one entity. An entity decides on its state as it is, and what it
//! decides is journaled like any other transition.

use serde::{Deserialize, Serialize};

use super::approval_case::CaseCommand;
use super::exception::command::ExceptionCommand;
use super::ids::Name;

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Exception(ExceptionCommand),
    Case(Box<CaseCommand>),
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// The principal's name.
    pub name: Name,
    pub kind: ActorKind,
    /// The names of the roles that it holds.
    pub roles: Vec<Name>,
}

/// What kind of principal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    Person,
    Rule,
    Solver,
    Agent,
    /// A part of the tower itself.
    System,
}

impl ActorKind {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ActorKind::Person => "person",
            ActorKind::Rule => "rule",
            ActorKind::Solver => "solver",
            ActorKind::Agent => "agent",
            ActorKind::System => "system",
        }
    }
}

impl Actor {
    /// A part of the tower itself.
    pub fn system(name: &'static str) -> Actor {
        Actor { name: Name::const_new(name), kind: ActorKind::System, roles: Vec::new() }
    }

    /// Whether it holds that role, or may do everything.
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role || held == "admin")
    }
}

/// Why a command is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    pub code: RefusalCode,
    pub detail: String,
    /// The field that is wrong, as a JSON pointer into the command's body.
    pub pointer: Option<String>,
}

/// The kinds of refusals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalCode {
    /// There is no such thing.
    NotFound,
    /// It has changed since whoever decided looked at it.
    StaleVersion,
    /// It can't be done in the state that it is in.
    Conflict,
    /// A field of the command is wrong.
    Invalid,
    /// Whoever asks may not do this.
    Forbidden,
}

impl Refusal {
    pub fn not_found(what: &str) -> Refusal {
        Refusal { code: RefusalCode::NotFound, detail: format!("there is no {what}"), pointer: None }
    }

    /// The version given is not the current one.
    pub fn stale(given: u64, current: u64) -> Refusal {
        Refusal {
            code: RefusalCode::StaleVersion,
            detail: format!("version {given} was decided on, and it is at version {current} now: look again"),
            pointer: Some("/version".to_owned()),
        }
    }

    pub fn conflict(detail: impl Into<String>) -> Refusal {
        Refusal { code: RefusalCode::Conflict, detail: detail.into(), pointer: None }
    }

    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Refusal {
        Refusal { code: RefusalCode::Invalid, detail: detail.into(), pointer: Some(pointer.to_owned()) }
    }

    pub fn forbidden(detail: impl Into<String>) -> Refusal {
        Refusal { code: RefusalCode::Forbidden, detail: detail.into(), pointer: None }
    }
}
