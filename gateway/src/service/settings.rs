//! From the configuration to what the parts of the service are told.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::StartError;
use crate::{
    access::{
        issuers::{IdTokens, Trust},
        oidc::{self, Homes},
        origin::Origins,
        people,
    },
    config::{Config, Http, Issuer, Oidc, Portal},
    domain::network::Network,
};

/// Where this process can ask itself whether it answers; nowhere when only clients with a certificate are answered.
pub(super) fn own_url(http: &Http, heard: SocketAddr) -> Option<String> {
    if http.tls_client_required {
        return None;
    }
    let ip = match heard.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let scheme = if http.tls_certificate.is_some() { "https" } else { "http" };
    Some(format!("{scheme}://{}/health/ready", SocketAddr::new(ip, heard.port())))
}

/// The issuers that a configuration names.
pub(super) fn trusts(config: &Config) -> Vec<Trust> {
    let audience = |issuer: &Issuer| match issuer.audience.as_str() {
        "" => config.http.base_url.clone(),
        audience => audience.to_owned(),
    };
    config
        .issuers
        .iter()
        .map(|(name, issuer)| Trust {
            name: name.clone(),
            url: issuer.url.clone(),
            audience: audience(issuer),
            client_claim: issuer.client_claim.clone(),
            scope_claim: issuer.scope_claim.clone(),
            nbf_required: issuer.nbf_required,
        })
        .collect()
}

/// The issuers that people sign in at.
pub(super) fn sign_in_issuers(config: &Config) -> Result<Vec<oidc::Issuer>, StartError> {
    let issuer = |(name, oidc): (&String, &Oidc)| {
        let homes = match oidc.people_of.as_str() {
            "any" => Homes::Any,
            "provider" => Homes::Provider,
            "regulators" => Homes::Regulators(oidc.domains().collect()),
            id => Homes::One(id.parse().map_err(|_| StartError::Setting("portal.oidc.*.people_of"))?),
        };
        let label = if oidc.label.is_empty() { name } else { &oidc.label };
        Ok(oidc::Issuer {
            name: name.clone(),
            label: label.clone(),
            homes,
            client_id: oidc.client_id.clone(),
            client_secret: oidc.client_secret.get().unwrap_or_default().into(),
            scope: oidc.scope.clone(),
            redirect_uri: format!("{}/sign-in/callback/{name}", config.http.base_url),
            tokens: IdTokens::of(&oidc.issuer).map_err(StartError::Issuers)?,
        })
    };
    config.portal.oidc.iter().map(issuer).collect()
}

/// How people sign in.
pub(super) fn sign_in(portal: &Portal) -> people::Settings {
    people::Settings {
        idle_us: i64::from(portal.session_idle_min) * 60_000_000,
        whole_us: i64::from(portal.session_hours) * 3_600_000_000,
        tries_per_account: portal.tries_per_account,
        tries_per_address: portal.tries_per_address,
        tries_everywhere: portal.tries_everywhere,
        try_every_s: portal.try_every_s,
        codes_at_once: portal.codes_at_once,
        code_every_s: portal.code_every_s,
        passwords_at_once: portal.passwords_at_once,
        second_factor: portal.second_factor(),
    }
}

/// Whom to believe where a request comes from.
pub(super) fn origins(http: &Http) -> Result<Origins, StartError> {
    let proxies = Network::parse_list(&http.proxies).map_err(|_| StartError::Setting("http.proxies"))?;
    let name = |name: &str, key| name.parse().map_err(|_| StartError::Setting(key));
    let forwarded = name(&http.forwarded_header, "http.forwarded_header")?;
    let certificate = name(&http.client_certificate_header, "http.client_certificate_header")?;
    Ok(Origins::new(proxies, forwarded, certificate))
}
