//! Answers in gzip (RFC 9110 section 8.4.1.3), where the asker takes it; and texts that everybody gets as they
//! are, which are packed once and known again.
//!
//! How long a packed answer is tells of a secret in it that stands beside words of somebody else's choosing
//! (BREACH). So nothing is packed that shows a secret.

use std::{io::Write as _, sync::OnceLock};

use actix_web::{
    HttpRequest, HttpResponse, HttpResponseBuilder,
    http::{
        StatusCode,
        header::{self, AcceptEncoding, ETag, Encoding, EntityTag, Header as _, IfNoneMatch},
    },
    web::Bytes,
};
use flate2::{Compression, write::GzEncoder};
use sha2::{Digest as _, Sha256};

/// What is shorter is sent as it is: it fits into a packet either way.
pub const LEAST: usize = 1024;
/// The name of the coding, as headers have it.
pub const GZIP: &str = "gzip";
/// How hard texts are packed that are packed once.
const ONCE: u32 = 9;

/// Whether an answer may come in gzip: it is wanted at least as much as the answer as it is.
#[must_use]
pub fn takes_gzip(request: &HttpRequest) -> bool {
    let codings = [Encoding::gzip(), Encoding::identity()];
    let accepts = AcceptEncoding::parse(request).ok();
    accepts.and_then(|accepts| accepts.negotiate(codings.iter())) == Some(Encoding::gzip())
}

/// Bytes in gzip, at a level of 1 to 9; none where that makes them no shorter.
#[must_use]
pub fn gzip(plain: &[u8], level: u32) -> Option<Bytes> {
    let mut packed = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::new(level));
    packed.write_all(plain).ok()?;
    packed.finish().ok().filter(|packed| packed.len() < plain.len()).map(Bytes::from)
}

/// A text that everybody gets as it is.
#[derive(Debug)]
pub struct Packed {
    plain: Bytes,
    /// When it is first asked for: packing all of them would delay the start.
    packed: OnceLock<Option<Bytes>>,
    tag: String,
}

impl Packed {
    /// Of a text.
    #[must_use]
    pub fn new(text: impl Into<Bytes>) -> Self {
        let plain = text.into();
        let tag = Sha256::digest(&plain).iter().take(12).map(|byte| format!("{byte:02x}")).collect();
        Self { plain, packed: OnceLock::new(), tag }
    }

    /// The text.
    #[must_use]
    pub fn plain(&self) -> &[u8] {
        &self.plain
    }

    /// Answers with it, under the headers that `response` has; 304 where the asker has it already.
    pub fn answer(&self, request: &HttpRequest, response: &mut HttpResponseBuilder) -> HttpResponse {
        // Weak: it names the text, in whichever coding.
        let tag = EntityTag::new_weak(self.tag.clone());
        let is_known = match IfNoneMatch::parse(request) {
            Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
            Ok(IfNoneMatch::Any) => true,
            Err(_) => false,
        };
        response.insert_header((header::VARY, "Accept-Encoding")).insert_header(ETag(tag));
        if is_known {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        match self.packed().filter(|_| takes_gzip(request)) {
            Some(packed) => response.insert_header((header::CONTENT_ENCODING, GZIP)).body(packed),
            None => response.body(self.plain.clone()),
        }
    }

    fn packed(&self) -> Option<Bytes> {
        let pack = || if self.plain.len() < LEAST { None } else { gzip(&self.plain, ONCE) };
        self.packed.get_or_init(pack).clone()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use actix_web::test::TestRequest;
    use flate2::read::GzDecoder;

    use super::*;

    fn takes(accepts: &str) -> bool {
        takes_gzip(
            &TestRequest::default().insert_header((header::ACCEPT_ENCODING, accepts)).to_http_request(),
        )
    }

    #[test]
    fn gzip_is_sent_to_those_who_would_rather_have_it() {
        for accepts in ["gzip", "gzip, deflate, br, zstd", "GZIP;q=0.5", "br;q=1, gzip;q=0.2, identity;q=0.1"]
        {
            assert!(takes(accepts), "{accepts}");
        }
        for accepts in
            ["", "identity", "br", "gzip;q=0", "gzip;q=0.0, *", "*;q=0", "gzip;q=0.1, identity;q=0.5"]
        {
            assert!(!takes(accepts), "{accepts}");
        }
        assert!(!takes_gzip(&TestRequest::default().to_http_request()));
    }

    #[test]
    fn what_is_packed_is_what_was_there() {
        let text = "<tr><td>rent</td></tr>".repeat(500);
        let packed = gzip(text.as_bytes(), 5).unwrap();
        assert!(packed.len() * 10 < text.len());
        let mut read = String::new();
        GzDecoder::new(&packed[..]).read_to_string(&mut read).unwrap();
        assert_eq!(read, text);
        assert_eq!(gzip(b"x", 5), None, "it would be longer");
    }
}
