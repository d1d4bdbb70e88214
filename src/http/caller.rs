//! Who calls: from an API key, or in `--dev` from nothing at all.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::AUTHORIZATION;
use actix_web::{FromRequest, HttpRequest, web};

use super::problem::{Problem, code};
use super::state::AppState;
use crate::auth::{Permission, Principal};
use crate::domain::ids::TenantNumber;

/// The principal behind a request, and its tenant's number.
#[derive(Clone, Debug)]
pub struct Caller {
    pub principal: Principal,
    pub tenant: TenantNumber,
}

impl Caller {
    /// Lets the caller pass if its roles allow it.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn need(&self, permission: Permission) -> Result<(), Problem> {
        if self.principal.may(permission) {
            return Ok(());
        }
        Err(Problem::new(&code::FORBIDDEN).detail(format!("{} may not do this", self.principal.name)))
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Caller, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(identify(request))
    }
}

/// The header that makes the developer someone else.
const ACT_AS: &str = "x-tidewatch-act-as";

fn identify(request: &HttpRequest) -> Result<Caller, Problem> {
    let Some(state) = request.app_data::<web::Data<AppState>>() else {
        return Err(Problem::new(&code::INTERNAL));
    };
    // While it recovers the tower does not know its tenants: whoever asks is told so.
    let running = state.running()?;
    let principal = principal(request, state)?;
    let tenant = running.reference().tenant_by_name(&principal.tenant).ok_or_else(|| {
        Problem::new(&code::FORBIDDEN).detail(format!("there is no tenant `{}` here", principal.tenant))
    })?;
    Ok(Caller { principal, tenant })
}

/// The principal behind a request.
///
/// # Errors
/// `unauthenticated`, or `bad_parameter` for a malformed act-as header.
pub fn principal(request: &HttpRequest, state: &AppState) -> Result<Principal, Problem> {
    if let Some(header) = request.headers().get(AUTHORIZATION) {
        let key = header.to_str().ok().and_then(|text| {
            let (scheme, key) = text.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(key.trim())
        });
        return key
            .and_then(|key| state.keys.verify(key))
            .ok_or_else(|| Problem::new(&code::UNAUTHENTICATED).detail("this key is not known or was revoked"));
    }
    let from_here = request.peer_addr().is_some_and(|peer| peer.ip().is_loopback());
    if !(state.dev && from_here) {
        let detail = "send `Authorization: Bearer KEY`; `tidewatch keys create` makes one";
        return Err(Problem::new(&code::UNAUTHENTICATED).detail(detail));
    }
    match request.headers().get(ACT_AS) {
        None => Ok(Principal::dev()),
        Some(header) => {
            let text = header.to_str().unwrap_or_default();
            Principal::parse_act_as(text).map_err(|error| {
                Problem::new(&code::BAD_PARAMETER).detail(format!("X-Tidewatch-Act-As: {error}"))
            })
        }
    }
}
