//! DPoP proofs (RFC 9449): that whoever sends a token has the key that it is bound to.
//!
//! A proof is a JWT under a key of its own header. The algorithm is the key's; what else the header names
//! (`kid`, `jku`, `x5u`) is ignored. Where a request goes is held against the address that the service is
//! configured with, never against the request's Host.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{
    DecodingKey, Validation,
    jwk::{Jwk, ThumbprintHash},
};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    assertion::{algorithm, is_usable},
    token::SKEW_S,
};

/// The algorithms of proofs, as metadata and challenges list them.
pub const ALGORITHMS: [&str; 3] = ["EdDSA", "ES256", "PS256"];
/// How old a proof may be, in seconds.
const AGE_MAX_S: i64 = 60;
const JTI_MAX: usize = 256;
const PROOF_MAX: usize = 8192;
const TYPE: &str = "dpop+jwt";
/// Members that a public key doesn't have.
pub(super) const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];

/// A request, as a proof must describe it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a str,
    /// The address that clients are told to send it to, without query.
    pub url: &'a str,
}

/// A proof whose signature and claims hold. That it is used once, and its nonce, are the caller's to check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The thumbprint of its key (RFC 7638): what a token's `cnf.jkt` is held against.
    pub jkt: String,
    /// The server's nonce in it.
    pub nonce: Option<String>,
    /// The hash of the token that it goes with.
    pub ath: Option<String>,
    /// SHA-256 of the key's thumbprint and the `jti`: what must not be seen again.
    pub once: [u8; 32],
    /// Until when it has to be remembered, in seconds since the Unix epoch.
    pub remember_until_s: i64,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    nonce: Option<String>,
    ath: Option<String>,
}

/// Checks a proof's header, signature and claims.
///
/// # Errors
/// What is wrong with it; nothing of it is secret.
pub fn verify(proof: &str, request: Request<'_>, now_s: i64) -> Result<Proof, &'static str> {
    if proof.len() > PROOF_MAX {
        return Err("the proof is too long");
    }
    let header = header(proof).ok_or("the proof is not a JWT")?;
    if header.get("typ").and_then(Value::as_str) != Some(TYPE) {
        return Err("the proof is not of the type dpop+jwt");
    }
    if header.get("crit").is_some() {
        return Err("the proof's header has a crit, of which nothing is understood");
    }
    let key = header.get("jwk").ok_or("the proof has no key")?;
    if PRIVATE.iter().any(|member| key.get(member).is_some()) {
        return Err("the proof shows a private key");
    }
    let key: Jwk = serde_json::from_value(key.clone()).map_err(|_| "the proof's key cannot be read")?;
    let algorithm = algorithm(&key).filter(|_| is_usable(&key));
    let algorithm = algorithm.ok_or("the proof's key is of a kind that is not taken")?;
    // The library reads the algorithm from the header too; one that is not the key's is refused by it.
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    let decoding = DecodingKey::from_jwk(&key).map_err(|_| "the proof's key cannot be read")?;
    let claims = jsonwebtoken::decode::<Claims>(proof, &decoding, &validation)
        .map_err(|_| "the proof's signature or claims are wrong")?
        .claims;
    if claims.htm != request.method {
        return Err("the proof is for another method");
    }
    if normal(&claims.htu).is_none_or(|htu| Some(htu) != normal(request.url)) {
        return Err("the proof is for another address");
    }
    if claims.iat > now_s + SKEW_S {
        return Err("the proof is from the future; look at your clock");
    }
    if claims.iat < now_s - AGE_MAX_S {
        return Err("the proof is too old; look at your clock");
    }
    if claims.jti.is_empty() || claims.jti.len() > JTI_MAX {
        return Err("the proof has no usable jti");
    }
    let jkt = key.thumbprint(ThumbprintHash::SHA256).map_err(|_| "the proof's key cannot be read")?;
    let once = Sha256::new().chain_update(&jkt).chain_update([0]).chain_update(&claims.jti).finalize();
    Ok(Proof {
        jkt,
        nonce: claims.nonce,
        ath: claims.ath,
        once: once.into(),
        // It can't be used after that; a little more, for clocks of other replicas.
        remember_until_s: claims.iat + AGE_MAX_S + 2 * SKEW_S,
    })
}

/// The `ath` of a proof that goes with a token (RFC 9449 section 4.2).
#[must_use]
pub fn ath(token: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(token.as_bytes()))
}

fn header(jwt: &str) -> Option<Value> {
    let (header, rest) = jwt.split_once('.')?;
    rest.split_once('.')?;
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()
}

/// An address without query and fragment, in the form that RFC 3986 sections 6.2.2 and 6.2.3 compare.
fn normal(url: &str) -> Option<String> {
    let mut url = reqwest::Url::parse(url).ok()?;
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    Some(unescaped(url.as_str()))
}

/// Percent-encoded octets in one form: unreserved characters as they are, others in upper case.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let octet = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match octet {
            Some(octet) if octet.is_ascii_alphanumeric() || b"-._~".contains(&octet) => {
                out.push(char::from(octet));
            }
            Some(octet) => out.push_str(&format!("%{octet:02X}")),
            None => {
                out.push('%');
                rest = after;
                continue;
            }
        }
        rest = &after[2..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9449 section 4.1, figure 2: the proof of the token request.
    const AT_TOKEN_ENDPOINT: &str = concat!(
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik",
        "VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR",
        "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE",
        "QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIj",
        "oiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwia",
        "WF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg",
        "4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg",
    );
    /// RFC 9449 section 7.1, figure 12: the proof with a token at a resource.
    const AT_RESOURCE: &str = concat!(
        "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6Ik",
        "VDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR",
        "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JE",
        "QSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIj",
        "oiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0Z",
        "WRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNF",
        "c05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71E",
        "OptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA",
    );
    /// The token of figure 12.
    const TOKEN: &str = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
    /// RFC 9449 section 6.1, figure 9.
    const JKT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    const TO_TOKEN: Request<'_> = Request { method: "POST", url: "https://server.example.com/token" };
    const TO_RESOURCE: Request<'_> =
        Request { method: "GET", url: "https://resource.example.org/protectedresource" };

    #[test]
    fn the_examples_of_rfc_9449_hold() {
        let at_token = verify(AT_TOKEN_ENDPOINT, TO_TOKEN, 1_562_262_616).unwrap();
        let at_resource = verify(AT_RESOURCE, TO_RESOURCE, 1_562_262_618).unwrap();
        assert_eq!((at_token.jkt.as_str(), at_resource.jkt.as_str()), (JKT, JKT));
        assert_eq!(at_resource.ath.as_deref(), Some("fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"));
        assert_eq!(at_resource.ath, Some(ath(TOKEN)));
        assert_ne!(at_token.once, at_resource.once);
        assert_eq!(at_token.nonce, None);
    }

    #[test]
    fn an_example_for_another_request_or_at_another_time_does_not() {
        let now = 1_562_262_618;
        let with = |method, url, at| verify(AT_RESOURCE, Request { method, url }, at).map(drop);
        let url = TO_RESOURCE.url;
        assert_eq!(with("GET", url, now + 60), Ok(()));
        assert_eq!(with("GET", url, now - 10), Ok(()));
        assert!(with("GET", url, now + 61).unwrap_err().contains("old"));
        assert!(with("GET", url, now - 11).unwrap_err().contains("future"));
        assert!(with("POST", url, now).unwrap_err().contains("method"));
        for other in [
            "https://resource.example.org/other",
            "http://resource.example.org/protectedresource",
            "https://resource.example.org:8443/protectedresource",
            "https://example.org/protectedresource",
            "https://resource.example.org/ProtectedResource",
        ] {
            assert!(with("GET", other, now).unwrap_err().contains("address"), "{other}");
        }
        for same in [
            "HTTPS://Resource.Example.org:443/protectedresource",
            "https://resource.example.org/%70rotectedresource?x=1#y",
        ] {
            assert_eq!(with("GET", same, now), Ok(()), "{same}");
        }
        let (head, signature) = AT_RESOURCE.rsplit_once('.').unwrap();
        assert!(
            verify(
                &format!("{head}.{}", &AT_TOKEN_ENDPOINT[AT_TOKEN_ENDPOINT.len() - signature.len()..]),
                TO_RESOURCE,
                now
            )
            .is_err()
        );
        assert!(verify(&format!("{head}."), TO_RESOURCE, now).is_err());
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_7638() {
        // RFC 7638 section 3.1, and RFC 8037 appendix A.3.
        for (key, thumbprint) in [
            (
                r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#,
                "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
            ),
            (
                r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
                "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
            ),
        ] {
            let key: Jwk = serde_json::from_str(key).unwrap();
            assert_eq!(key.thumbprint(ThumbprintHash::SHA256).unwrap(), thumbprint);
        }
    }
}
