//! Nonces of the server for DPoP proofs (RFC 9449 sections 8 and 9): a proof that has one was made lately.
//!
//! Nothing is kept: a nonce is a number of minutes and an HMAC-SHA-256 over it, under a key that all
//! replicas have. It is good for five minutes, and from whichever replica it came.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::keys::Seed;

/// A new nonce is given out this often, in seconds.
const WINDOW_S: i64 = 60;
/// Windows that an old nonce is still good for.
const OLD_WINDOWS: i64 = 4;
const LABEL: &[u8] = b"veritrail dpop nonce\0";

/// Makes nonces and knows its own.
pub struct Nonces(Hmac<Sha256>);

impl Nonces {
    /// Nonces under a key that is derived from a secret.
    ///
    /// # Errors
    /// When the secret can't be used.
    pub fn new(secret: &Seed) -> Result<Self, hmac::digest::InvalidLength> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose())?;
        mac.update(LABEL);
        Hmac::new_from_slice(&mac.finalize().into_bytes()).map(Self)
    }

    /// The nonce of now.
    #[must_use]
    pub fn current(&self, now_s: i64) -> String {
        let window = now_s.div_euclid(WINDOW_S);
        let tag = self.mac(window).finalize().into_bytes();
        URL_SAFE_NO_PAD.encode([window.to_be_bytes().as_slice(), &tag[..16]].concat())
    }

    /// Whether a nonce is ours and not too old. One from a replica whose clock is a little ahead is good.
    #[must_use]
    pub fn is_good(&self, nonce: &str, now_s: i64) -> bool {
        let Ok(bytes) = URL_SAFE_NO_PAD.decode(nonce) else { return false };
        let Some((window, tag)) = bytes.split_first_chunk::<8>().filter(|(_, tag)| tag.len() == 16) else {
            return false;
        };
        let window = i64::from_be_bytes(*window);
        let age = now_s.div_euclid(WINDOW_S).saturating_sub(window);
        (-1..=OLD_WINDOWS).contains(&age) && self.mac(window).verify_truncated_left(tag).is_ok()
    }

    fn mac(&self, window: i64) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(&window.to_be_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Machine;

    fn seed(name: &str) -> Seed {
        let folder = std::env::temp_dir().join(format!("veritrail-nonce-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let seed = Seed::load_or_make(&folder.join("x.pem"), &Machine).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        seed
    }

    #[test]
    fn a_nonce_is_good_for_five_minutes_and_under_its_own_key() {
        let seed_a = seed("a");
        let (a, again) = (Nonces::new(&seed_a).unwrap(), Nonces::new(&seed_a).unwrap());
        let b = Nonces::new(&seed("b")).unwrap();
        let now = 1_800_000_000;
        let nonce = a.current(now);
        assert!(
            a.is_good(&nonce, now) && again.is_good(&nonce, now + 240) && again.is_good(&nonce, now - 30)
        );
        assert!(!a.is_good(&nonce, now + 300) && !a.is_good(&nonce, now - 120));
        assert!(!b.is_good(&nonce, now));
        for strange in ["", "x", "AAAA", &nonce[1..], &format!("{nonce}A")] {
            assert!(!a.is_good(strange, now), "{strange}");
        }
    }
}
