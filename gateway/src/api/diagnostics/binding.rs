//! What a token is bound to, held against what the request shows; and where it comes from.

use super::{Case, Finding, request::shown, token::believed, token::presented};
use crate::access::proof::{self, Request};

/// Whether the token comes by the scheme that it asks for.
pub(super) fn scheme(case: &Case<'_>) -> Finding {
    let by_dpop = presented(&case.sent.header("authorization")).is_ok_and(|(by_dpop, _)| by_dpop);
    believed(case, |believed| {
        let name = |by_dpop| if by_dpop { "DPoP" } else { "Bearer" };
        let expected = believed.confirmation.token_type();
        Finding::compare(expected == name(by_dpop), "the scheme of Authorization", expected, name(by_dpop))
    })
}

/// Whether there is a proof of the key that the token is bound to. It is not used up.
pub(super) fn dpop(case: &Case<'_>) -> Finding {
    believed(case, |believed| {
        let Some(jkt) = &believed.confirmation.jkt else {
            return Finding::skipped("the token is bound to no key");
        };
        let [proof] = case.sent.header("dpop")[..] else {
            return Finding::fail("send one DPoP header with a proof");
        };
        let url = format!("{}{}", case.base_url, case.sent.path);
        let proof = match proof::verify(proof, Request { method: &case.sent.method, url: &url }, case.now_s) {
            Ok(proof) => proof,
            Err(why) => return Finding::fail(why),
        };
        if proof.jkt != *jkt {
            return Finding::compare(false, "the proof's key (jkt)", jkt, proof.jkt);
        }
        let token = presented(&case.sent.header("authorization")).map_or("", |(_, token)| token);
        let ath = proof::ath(token);
        if proof.ath.as_ref() != Some(&ath) {
            let got = proof.ath.unwrap_or_else(|| "none".to_owned());
            return Finding::compare(false, "the token that the proof goes with (ath)", ath, shown(&got));
        }
        if !proof.nonce.is_some_and(|nonce| case.nonces.is_good(&nonce, case.now_s)) {
            return Finding::fail("make the proof with the nonce of the last DPoP-Nonce header");
        }
        Finding::pass("the proof holds; it is good for one request")
    })
}

/// Whether the certificate is the one that the token is bound to.
pub(super) fn certificate(case: &Case<'_>) -> Finding {
    believed(case, |believed| match (&believed.confirmation.x5t_s256, &case.certificate) {
        (None, _) => Finding::skipped("the token is bound to no certificate"),
        (Some(_), Err(why)) => Finding::fail(*why),
        (Some(_), Ok(None)) => Finding::fail("connect with the certificate that the token is bound to"),
        (Some(bound), Ok(Some(shown))) => {
            Finding::compare(bound == shown, "the certificate (x5t#S256)", bound, shown)
        }
    })
}

/// Whether the client may call from where the request comes from.
pub(super) fn address(case: &Case<'_>) -> Finding {
    believed(case, |believed| match believed.caller.may_call_from(case.from) {
        true => Finding::pass(format!("the client may call from {}", case.from)),
        false => Finding::fail(format!("the client may not call from {}", case.from)),
    })
}
