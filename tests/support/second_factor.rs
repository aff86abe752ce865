//! The second factor, as somebody with an authenticator app has it.

use hmac::{Hmac, KeyInit as _, Mac as _};

use super::{Answer, Person, forge::now_s};

/// A code as an authenticator app makes it (RFC 6238) of a secret in Base32.
pub fn code(secret: &str, step: i64) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = secret.chars().map(|one| format!("{:05b}", alphabet.find(one).unwrap())).collect();
    let key: Vec<u8> =
        (0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[8 * at..8 * at + 8], 2).unwrap()).collect();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(&key).unwrap();
    mac.update(&step.to_be_bytes());
    let tag = mac.finalize().into_bytes();
    let at = usize::from(tag[19] & 15);
    let number = u32::from_be_bytes(tag[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// What stands between two texts.
pub fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("{before} is not in {text}"));
    rest.split_once(after).unwrap().0
}

/// Sets up a second factor: its secret, the step whose code was used, and the codes that stand in.
pub async fn set_up(person: &mut Person, password: &str) -> (String, i64, Vec<String>) {
    let (secret, begun) = begin(person, &[("now", password)]).await;
    confirm(person, secret, &begun).await
}

/// Begins to set up a second factor: its secret, and what the confirmation brings along.
pub async fn begin(person: &mut Person, form: &[(&str, &str)]) -> (String, String) {
    let page = person.post("/account/second-factor/begin", form).await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert_eq!(page.header("cache-control"), Some("private, no-store"));
    let secret = between(page.text(), "data-copy=\"", "\"").to_owned();
    assert_eq!(secret.len(), 32);
    let begun = between(page.text(), "name=\"begun\" value=\"", "\"").to_owned();
    assert!(
        page.text().contains("<svg role=\"img\"") && page.text().contains("otpauth://totp/"),
        "{}",
        page.text()
    );
    (secret, begun)
}

/// Sends a code to confirm what was begun.
pub async fn send(person: &mut Person, code: &str, begun: &str) -> Answer {
    person.post("/account/second-factor", &[("code", code), ("begun", begun)]).await
}

/// Confirms a second factor: its secret, the step whose code was used, and the codes that stand in.
pub async fn confirm(person: &mut Person, secret: String, begun: &str) -> (String, i64, Vec<String>) {
    let step = now_s() / 30;
    let wrong = send(person, &code(&secret, step - 10), begun).await;
    assert_eq!(wrong.status, 403);
    assert!(!wrong.text().contains(&secret), "the secret is shown once: {}", wrong.text());
    assert!(wrong.text().contains(begun), "another code can be typed: {}", wrong.text());
    let confirmed = send(person, &code(&secret, step), begun).await;
    assert_eq!(confirmed.status, 200, "{}", confirmed.text());
    let codes =
        confirmed.text().split("<li><code>").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned());
    let codes: Vec<String> = codes.collect();
    assert_eq!(codes.len(), 10);
    (secret, step, codes)
}
