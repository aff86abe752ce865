//! Where a request comes from: the address it was sent from, and the certificate that its sender proved to
//! have.
//!
//! Headers that tell of another's address or certificate count only from the configured proxies, and only
//! the one header of each kind that the proxies are configured to write: a proxy passes on headers that it
//! doesn't know, so any other could be the client's own. Nobody else is believed.

use std::{
    any::Any,
    net::{IpAddr, Ipv4Addr, SocketAddr},
};

use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{
    dev::{Extensions, ServiceRequest},
    http::header::{HeaderMap, HeaderName},
    rt::net::TcpStream,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use sha2::{Digest as _, Sha256};

use crate::domain::network::Network;

/// Hops of a forwarding header that are looked at.
const HOPS_MAX: usize = 32;
/// The address of a sender of whom the proxies tell none.
const UNKNOWN: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
/// Bytes of a header with a certificate.
const CERTIFICATE_MAX: usize = 16 * 1024;

/// Whom to believe what about senders.
#[derive(Clone, Debug)]
pub struct Origins {
    proxies: Vec<Network>,
    forwarded: HeaderName,
    certificate: HeaderName,
}

/// Where a request comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The address.
    pub address: IpAddr,
    /// The thumbprint of the sender's certificate, as `x5t#S256` writes it (RFC 8705 section 3.1).
    pub certificate: Option<String>,
}

/// What the TLS handshake of a connection showed.
#[derive(Clone, Debug)]
struct Peer(String);

/// Keeps the thumbprint of a connection's client certificate with the connection.
pub fn note(io: &dyn Any, data: &mut Extensions) {
    let Some(tls) = io.downcast_ref::<TlsStream<TcpStream>>() else { return };
    if let Some(certificate) = tls.get_ref().1.peer_certificates().and_then(|chain| chain.first()) {
        data.insert(Peer(thumbprint(certificate)));
    }
}

/// The SHA-256 thumbprint of a certificate in DER.
#[must_use]
pub fn thumbprint(der: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(der))
}

/// The thumbprint of a certificate in PEM.
#[must_use]
pub fn thumbprint_of_pem(pem: &str) -> Option<String> {
    CertificateDer::from_pem_slice(pem.as_bytes()).ok().map(|der| thumbprint(&der))
}

impl Origins {
    /// Believes these proxies what they write into these headers.
    #[must_use]
    pub fn new(proxies: Vec<Network>, forwarded: HeaderName, certificate: HeaderName) -> Self {
        Self { proxies, forwarded, certificate }
    }

    /// Where a request comes from.
    #[must_use]
    pub fn of(&self, request: &ServiceRequest) -> Origin {
        let peer = request.peer_addr().map_or(UNKNOWN, |peer| peer.ip());
        let peer = peer.to_canonical();
        if !self.is_proxy(peer) {
            return Origin {
                address: peer,
                certificate: request.conn_data::<Peer>().map(|peer| peer.0.clone()),
            };
        }
        Origin {
            address: self.forwarded(peer, request.headers()),
            certificate: self.certificate(request.headers()),
        }
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(address))
    }

    /// The nearest address on the way that is not a proxy's. Where a hop can't be read the sender is not
    /// known: that is no address that a client may be allowed to call from, and never a proxy's own.
    fn forwarded(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        // Lossy: what a sender put before the proxies' own hops must not hide these.
        let lines = headers.get_all(&self.forwarded).map(|value| String::from_utf8_lossy(value.as_bytes()));
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() {
            // A proxy that calls by itself.
            return peer;
        }
        let list = lines.join(",");
        let is_rfc_7239 = self.forwarded.as_str() == "forwarded";
        let mut address = peer;
        for hop in list.rsplit(',').take(HOPS_MAX) {
            let told = if is_rfc_7239 { forwarded_for(hop) } else { node(hop.trim()) };
            let Some(told) = told else { return UNKNOWN };
            if !self.is_proxy(told) {
                return told;
            }
            address = told;
        }
        address
    }

    /// The certificate that a proxy vouches for: `Client-Cert` of RFC 9440, or PEM, percent-encoded or not.
    fn certificate(&self, headers: &HeaderMap) -> Option<String> {
        let mut values = headers.get_all(&self.certificate);
        let value = values.next()?.to_str().ok()?.trim();
        if values.next().is_some() || value.is_empty() || value.len() > CERTIFICATE_MAX {
            return None;
        }
        if let Some(binary) = value.strip_prefix(':').and_then(|rest| rest.strip_suffix(':')) {
            return STANDARD.decode(binary).ok().filter(|der| !der.is_empty()).map(|der| thumbprint(&der));
        }
        // `+` is no space here: a proxy encodes octets, not a form.
        let text = form_urlencoded::parse(format!("x={}", value.replace('+', "%2B")).as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())?;
        thumbprint_of_pem(&text)
    }
}

/// The `for` of one element of `Forwarded` (RFC 7239 section 4). An element was cut out of the header at
/// commas, and is cut at semicolons: one that had either within quotes can't be read, since a sender may have
/// put it there, by its Host.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let is_cut = |pair: &str| pair.contains('\\') || pair.matches('"').count() % 2 == 1;
    if element.split(';').any(is_cut) {
        return None;
    }
    element.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| node(value.trim().trim_matches('"')))?
    })
}

/// An address, with or without brackets and a port.
fn node(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))?.parse().ok();
    let address: Option<IpAddr> = text.parse().ok().or_else(bare);
    let address = address.or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn origins(forwarded: &'static str) -> Origins {
        let proxies = Network::parse_list("10.0.0.0/8 fd00::/8").unwrap();
        Origins::new(proxies, HeaderName::from_static(forwarded), HeaderName::from_static("client-cert"))
    }

    fn from(origins: &Origins, peer: &str, headers: &[(&str, &str)]) -> Origin {
        let mut request = TestRequest::default().peer_addr(SocketAddr::new(peer.parse().unwrap(), 1));
        for header in headers {
            request = request.append_header(*header);
        }
        origins.of(&request.to_srv_request())
    }

    #[test]
    fn the_address_is_the_nearest_that_is_no_proxys() {
        let origins = origins("x-forwarded-for");
        for (peer, headers, address) in [
            ("192.0.2.9", &["198.51.100.1"][..], "192.0.2.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.7, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["198.51.100.7", "192.0.2.1, 10.2.2.2"], "192.0.2.1"),
            ("10.0.0.1", &["192.0.2.1:4711"], "192.0.2.1"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
            ("fd00::1", &["[2001:db8::1]:443"], "2001:db8::1"),
            ("10.0.0.1", &["::ffff:192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["10.0.0.5, unknown"], "0.0.0.0"),
            ("10.0.0.1", &["192.0.2.1, x, 10.0.0.2"], "0.0.0.0"),
            ("10.0.0.1", &[""], "0.0.0.0"),
            ("10.0.0.1", &["\u{fe}\u{ff}, 192.0.2.1"], "192.0.2.1"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ] {
            let headers: Vec<_> = headers.iter().map(|value| ("x-forwarded-for", *value)).collect();
            assert_eq!(
                from(&origins, peer, &headers).address,
                address.parse::<IpAddr>().unwrap(),
                "{headers:?}"
            );
        }
        let other = [("forwarded", "for=198.51.100.1")];
        assert_eq!(from(&origins, "10.0.0.1", &other).address.to_string(), "10.0.0.1", "another header");
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        let origins = origins("forwarded");
        for (value, address) in [
            ("for=192.0.2.43", "192.0.2.43"),
            (
                "for=198.51.100.17;by=203.0.113.60;proto=http, For=\"[2001:db8:cafe::17]:4711\"",
                "2001:db8:cafe::17",
            ),
            ("for=192.0.2.43, for=10.1.1.1", "192.0.2.43"),
            ("for=\", for=192.0.2.43", "192.0.2.43"),
            ("for=192.0.2.43, for=_hidden", "0.0.0.0"),
            ("by=203.0.113.60", "0.0.0.0"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(from(&origins, "10.0.0.1", &[("forwarded", value)]).address, address, "{value}");
        }
    }

    #[test]
    fn a_certificate_counts_from_a_proxy_alone_and_once() {
        let origins = origins("x-forwarded-for");
        let der = [1, 2, 3];
        let pem =
            format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", STANDARD.encode(der));
        let encoded: String =
            form_urlencoded::byte_serialize(pem.as_bytes()).collect::<String>().replace('+', "%20");
        let binary = format!(":{}:", STANDARD.encode(der));
        for value in [&binary, &encoded] {
            let header = [("client-cert", value.as_str())];
            assert_eq!(from(&origins, "10.0.0.1", &header).certificate, Some(thumbprint(&der)), "{value}");
            assert_eq!(from(&origins, "192.0.2.1", &header).certificate, None, "not a proxy");
        }
        let twice = [("client-cert", binary.as_str()), ("client-cert", ":BBBB:")];
        assert_eq!(from(&origins, "10.0.0.1", &twice).certificate, None, "two certificates");
        for strange in ["", ":", "::", ":*:", "x", "AQID"] {
            assert_eq!(
                from(&origins, "10.0.0.1", &[("client-cert", strange)]).certificate,
                None,
                "{strange}"
            );
        }
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_8705() {
        // Appendix A: the certificate and its x5t#S256.
        let certificate = concat!(
            "MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEyMzcwOVoXDTIyMDUwMjEyMzcwOV",
            "owDzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwqV6hY8QnhxxzFQ03C7HKW9OylMbnQZ",
            "jjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0EAwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGz",
            "uri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2DmFfQj1L+SY=",
        );
        let der = STANDARD.decode(certificate).unwrap();
        assert_eq!(thumbprint(&der), "A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0");
    }
}
