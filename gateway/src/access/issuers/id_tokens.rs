//! ID tokens (OpenID Connect Core 1.0 section 3.1.3): how they are got for a code, and what makes one good.

use jsonwebtoken::decode_header;
use serde_json::Value;

use super::{SKEW_S, decoded, keys, keys::Keys};
use crate::access::token::TOKEN_MAX;

/// An issuer of ID tokens.
#[derive(Clone, Debug)]
pub struct IdTokens {
    url: String,
    keys: Keys,
}

impl IdTokens {
    /// Those of an issuer, by its `iss`.
    ///
    /// # Errors
    /// When outgoing HTTP can't be set up.
    pub fn of(url: &str) -> Result<Self, reqwest::Error> {
        Ok(Self { url: url.to_owned(), keys: Keys::new(url, keys::client()?) })
    }

    /// The issuer's `iss`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The issuer's metadata.
    ///
    /// # Errors
    /// Why they could not be had.
    pub async fn metadata(&self) -> Result<Value, String> {
        self.keys.metadata().await
    }

    /// Exchanges a code for tokens: what the issuer answers, an `error` of its too.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn exchange(&self, client: (&str, &str), form: &[(&str, &str)]) -> Result<Value, String> {
        let metadata = self.metadata().await?;
        let endpoint = metadata["token_endpoint"].as_str().ok_or("it names no token_endpoint")?;
        if self.url.starts_with("https://") && !endpoint.starts_with("https://") {
            return Err("its token_endpoint is not https".to_owned());
        }
        let methods = metadata["token_endpoint_auth_methods_supported"].as_array();
        let knows = |name: &str| methods.is_some_and(|all| all.iter().any(|one| one == name));
        let by_post = knows("client_secret_post") && !knows("client_secret_basic");
        self.keys.post(endpoint, client, form, by_post).await
    }

    /// The claims of an ID token for a client, with the nonce that was sent.
    ///
    /// # Errors
    /// Why it is not believed.
    pub async fn verify(
        &self,
        token: &str,
        (client_id, nonce): (&str, &str),
        now_s: i64,
    ) -> Result<Value, String> {
        if token.len() > TOKEN_MAX {
            return Err("the token is too long".to_owned());
        }
        let header = decode_header(token).map_err(|error| error.to_string())?;
        if header.crit.is_some() {
            return Err("the token has a crit header".to_owned());
        }
        let kid = header.kid.ok_or("the token names no key")?;
        let key = self.keys.find(&kid).await?.ok_or("the issuer has no such key")?;
        let claims = decoded(token, &key).map_err(|fault| fault.to_string())?;
        check(&claims, (&self.url, client_id, nonce), now_s)?;
        Ok(claims)
    }
}

fn check(claims: &Value, (issuer, client_id, nonce): (&str, &str, &str), now_s: i64) -> Result<(), String> {
    let audiences: Vec<&Value> = match &claims["aud"] {
        Value::Array(all) => all.iter().collect(),
        one => vec![one],
    };
    let azp = &claims["azp"];
    let wrong = if claims["iss"] != issuer {
        Some("its iss is another")
    } else if !audiences.iter().any(|aud| **aud == client_id) {
        Some("it is for another client")
    } else if (audiences.len() > 1 || !azp.is_null()) && *azp != client_id {
        Some("its azp is another client")
    } else if nonce.is_empty() || claims["nonce"] != nonce {
        Some("its nonce is another")
    } else if claims["exp"].as_i64().is_none_or(|exp| exp <= now_s) {
        Some("it has expired, or does not say when it does")
    } else if claims["iat"].as_i64().is_none_or(|iat| iat > now_s + SKEW_S) {
        Some("it is of the future, or does not say when it was issued")
    } else {
        None
    };
    wrong.map_or(Ok(()), |why| Err(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_token_is_for_us_now_and_the_one_that_was_asked_for() {
        let good = json!({
            "iss": "https://login.example", "aud": "us", "nonce": "n", "sub": "ada", "iat": 1000, "exp": 1300,
        });
        let is_good = |change: &[(&str, Value)]| {
            let mut claims = good.clone();
            for (name, value) in change {
                claims[*name] = value.clone();
            }
            check(&claims, ("https://login.example", "us", "n"), 1100).is_ok()
        };
        assert!(is_good(&[]));
        assert!(is_good(&[("aud", json!(["other", "us"])), ("azp", json!("us"))]));
        for change in [
            ("iss", json!("https://login.example/")),
            ("aud", json!("them")),
            ("aud", json!(["us", "them"])),
            ("aud", Value::Null),
            ("azp", json!("them")),
            ("nonce", json!("m")),
            ("nonce", Value::Null),
            ("exp", json!(1100)),
            ("exp", Value::Null),
            ("exp", json!("1300")),
            ("iat", json!(2000)),
            ("iat", Value::Null),
        ] {
            assert!(!is_good(std::slice::from_ref(&change)), "{change:?}");
        }
        assert!(check(&good, ("https://login.example", "us", ""), 1100).is_err());
    }
}
