//! A system of record as the outbox knows it.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Client, RequestBuilder, Url};

use super::backoff::Backoff;
use crate::config::TargetConfig;
use crate::domain::ids::Name;

/// Where actions go, and how patiently.
pub struct Target {
    pub name: Name,
    /// `None` while nobody said where it is: its actions wait.
    pub endpoint: Option<Endpoint>,
    pub backoff: Backoff,
    pub attempts_max: u32,
    /// Takes a repeated `Idempotency-Key` as the same action.
    pub idempotent: bool,
}

/// An address with what it takes to speak to it.
#[derive(Clone)]
pub struct Endpoint {
    client: Client,
    url: Url,
    authorization: Option<HeaderValue>,
}

/// Why a target can't be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("targets.{target}.authorization_env: the environment has no variable `{variable}`")]
    NoSecret { target: Name, variable: String },
    #[error("targets.{target}.authorization_env: the value of `{variable}` can't stand in a header")]
    UnusableSecret { target: Name, variable: String },
    #[error("targets.{target}.url: {cause}")]
    Address { target: Name, cause: String },
}

impl Target {
    /// `secret` looks up an environment variable.
    ///
    /// # Errors
    /// [`TargetError`] if the secret that the configuration names is not there, or the address can't be used.
    pub fn new(
        config: &TargetConfig,
        secret: impl FnOnce(&str) -> Option<String>,
    ) -> Result<Target, TargetError> {
        let name = Name::from(config.name.as_str());
        let endpoint =
            if config.url.is_empty() {
                None
            } else {
                let authorization = authorization(&name, &config.authorization_env, secret)?;
                let timeout = Duration::from_millis(config.timeout_ms);
                Some(Endpoint::new(&config.url, authorization, timeout).map_err(|cause| {
                    TargetError::Address { target: name.clone(), cause: cause.to_string() }
                })?)
            };
        Ok(Target {
            name,
            endpoint,
            backoff: Backoff {
                initial: Duration::from_millis(config.backoff_initial_ms),
                max: Duration::from_millis(config.backoff_max_ms),
            },
            attempts_max: config.attempts_max,
            idempotent: config.idempotent,
        })
    }
}

fn authorization(
    target: &Name,
    variable: &str,
    secret: impl FnOnce(&str) -> Option<String>,
) -> Result<Option<HeaderValue>, TargetError> {
    if variable.is_empty() {
        return Ok(None);
    }
    let named = || (target.clone(), variable.to_owned());
    let value = secret(variable).filter(|value| !value.trim().is_empty()).ok_or_else(|| {
        let (target, variable) = named();
        TargetError::NoSecret { target, variable }
    })?;
    let mut header = HeaderValue::from_str(value.trim()).map_err(|_| {
        let (target, variable) = named();
        TargetError::UnusableSecret { target, variable }
    })?;
    // Keeps it out of whatever prints headers.
    header.set_sensitive(true);
    Ok(Some(header))
}

#[derive(Debug, thiserror::Error)]
enum EndpointError {
    #[error("this is no address")]
    Url,
    #[error(transparent)]
    Client(#[from] reqwest::Error),
}

impl Endpoint {
    fn new(
        url: &str,
        authorization: Option<HeaderValue>,
        timeout: Duration,
    ) -> Result<Endpoint, EndpointError> {
        let url = Url::parse(url).map_err(|_| EndpointError::Url)?;
        // An error only says that one is installed already.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut builder = Client::builder()
            .timeout(timeout)
            // A redirected POST may turn into a GET, or carry the secret elsewhere: the address is to be the right one.
            .redirect(reqwest::redirect::Policy::none());
        if url.scheme() == "http" {
            // Without TLS the system's root certificates do not matter, and a slim container has none.
            builder = builder.tls_certs_only(std::iter::empty());
        }
        Ok(Endpoint { client: builder.build()?, url, authorization })
    }

    pub(super) fn request(&self) -> RequestBuilder {
        let request = self.client.post(self.url.clone());
        match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(authorization_env: &str) -> TargetConfig {
        TargetConfig {
            url: "https://erp.example.com/actions".into(),
            authorization_env: authorization_env.into(),
            ..TargetConfig::with_defaults("erp")
        }
    }

    #[test]
    fn a_secret_that_is_not_there_is_told_by_its_name() {
        let Err(error) = Target::new(&config("ERP_TOKEN"), |_| None) else {
            panic!("made without its secret")
        };
        assert_eq!(
            error.to_string(),
            "targets.erp.authorization_env: the environment has no variable `ERP_TOKEN`"
        );
        let Err(error) = Target::new(&config("ERP_TOKEN"), |_| Some("a\nb".to_owned())) else {
            panic!("made with a secret that is no header")
        };
        assert!(!error.to_string().contains("a\nb"));
    }

    #[test]
    fn a_target_without_an_address_needs_no_secret() {
        let config =
            TargetConfig { authorization_env: "ERP_TOKEN".into(), ..TargetConfig::with_defaults("erp") };
        assert!(Target::new(&config, |_| None).is_ok_and(|target| target.endpoint.is_none()));
    }
}
