//! The way out. An [`Answer`] is only content; it becomes a [`Recorded`] response by being recorded,
//! and actix is given nothing else.

use std::path::PathBuf;

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    body::{BodyStream, BoxBody, SizedStream},
    http::{
        StatusCode,
        header::{self, HeaderName, HeaderValue},
    },
    web::Bytes,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::stream;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tracing::Instrument as _;

use super::{Context, Door};
use crate::{
    domain::{InstitutionId, Tenant},
    error::Problem,
    ledger::{
        Receipt,
        command::{Access, Changed},
    },
    world::rfc3339,
};

/// The header that says where a look or a write is recorded: `<log origin> <seq>`.
pub const AUDIT_RECEIPT: &str = "audit-receipt";
/// RFC 9530: the hash of the content as it is sent.
pub const CONTENT_DIGEST: &str = "content-digest";

/// How much of a file is held in memory.
pub(super) const CHUNK: usize = 64 * 1024;

/// What a handler wants to answer.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    content_type: &'static str,
    body: Body,
    headers: Vec<(HeaderName, HeaderValue)>,
    receipt: Option<Receipt>,
}

#[derive(Debug)]
enum Body {
    Bytes(Bytes),
    Slice(FileSlice),
    Spooled(Spooled),
}

/// A part of a file, or all of it.
#[derive(Debug)]
pub struct FileSlice {
    /// The file.
    pub path: PathBuf,
    /// First byte.
    pub start: u64,
    /// How many bytes.
    pub length: u64,
}

/// A file that was written for one answer and has no name: it goes away with it.
#[derive(Debug)]
pub struct Spooled {
    /// The file, at its beginning.
    pub file: std::fs::File,
    /// Its size.
    pub length: u64,
    /// Its hash.
    pub sha256: [u8; 32],
}

impl Answer {
    /// JSON that is written already.
    #[must_use]
    pub fn raw_json(body: Vec<u8>) -> Self {
        Self::new(StatusCode::OK, "application/json", Body::Bytes(body.into()))
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn json(value: &impl serde::Serialize) -> Result<Self, Problem> {
        serde_json::to_vec(value).map(Self::raw_json).map_err(Problem::internal)
    }

    /// Plain text in UTF-8.
    #[must_use]
    pub fn text(body: String) -> Self {
        Self::new(StatusCode::OK, "text/plain; charset=utf-8", Body::Bytes(body.into()))
    }

    /// XML in UTF-8.
    #[must_use]
    pub fn xml(body: String) -> Self {
        Self::new(StatusCode::OK, "application/xml", Body::Bytes(body.into()))
    }

    /// Bytes.
    #[must_use]
    pub fn bytes(body: Vec<u8>) -> Self {
        Self::new(StatusCode::OK, "application/octet-stream", Body::Bytes(body.into()))
    }

    /// A part of a file, of some media type.
    #[must_use]
    pub fn file(slice: FileSlice, content_type: &'static str) -> Self {
        Self::new(StatusCode::OK, content_type, Body::Slice(slice))
    }

    /// That the caller has it already.
    #[must_use]
    pub fn not_modified() -> Self {
        Self::new(StatusCode::NOT_MODIFIED, "", Body::Bytes(Bytes::new()))
    }

    /// A file that was written for this answer, of some media type.
    #[must_use]
    pub fn spooled(spooled: Spooled, content_type: &'static str) -> Self {
        Self::new(StatusCode::OK, content_type, Body::Spooled(spooled))
    }

    fn new(status: StatusCode, content_type: &'static str, body: Body) -> Self {
        Self { status, content_type, body, headers: Vec::new(), receipt: None }
    }

    /// With another status than 200.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// With a header more. A value that can't be one is left out.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// With the receipt of a write, which is told instead of the look's own.
    #[must_use]
    pub fn receipt(mut self, receipt: Receipt) -> Self {
        self.receipt = Some(receipt);
        self
    }

    /// The first answer again, to a call that was repeated under its idempotency key.
    #[must_use]
    pub fn replayed(self, replayed: bool) -> Self {
        if replayed { self.header("idempotency-replayed", "true") } else { self }
    }

    /// With what is to be told of a change.
    #[must_use]
    pub fn changed(self, changed: Changed) -> Self {
        let Changed { receipt, replayed, .. } = changed;
        Self { receipt: receipt.or(self.receipt), ..self }.replayed(replayed)
    }
}

/// A response whose look is on the ledger. Only [`record`] makes one.
#[derive(Debug)]
pub struct Recorded(HttpResponse);

impl Responder for Recorded {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        self.0
    }
}

/// Records that an actor gets this answer, then lets it go.
pub(super) async fn record(
    door: &Door,
    context: &Context,
    log: Tenant,
    actor: String,
    answer: Answer,
) -> Result<Recorded, Problem> {
    let digest = match &answer.body {
        Body::Bytes(bytes) => Sha256::digest(bytes).into(),
        Body::Slice(slice) => digest_of(slice).await.map_err(Problem::internal)?,
        Body::Spooled(spooled) => spooled.sha256,
    };
    let digest = content_digest(digest);
    let access = Access {
        actor,
        at: rfc3339(door.world.now_us()),
        digest: digest.clone(),
        method: context.method.clone(),
        path: context.target.clone(),
        request: context.request_id.clone(),
        status: answer.status.as_u16(),
    };
    let look = door.recorder.access(log, access).instrument(tracing::info_span!("record")).await?;
    let receipt = answer.receipt.unwrap_or(look);
    let mut response = HttpResponse::build(answer.status);
    if !answer.content_type.is_empty() {
        response.insert_header((header::CONTENT_TYPE, answer.content_type));
    }
    response.insert_header((AUDIT_RECEIPT, format!("{} {}", receipt.origin, receipt.seq)));
    response.insert_header((CONTENT_DIGEST, digest));
    for (name, value) in answer.headers {
        response.insert_header((name, value));
    }
    Ok(Recorded(match answer.body {
        Body::Bytes(bytes) => response.body(bytes),
        Body::Slice(slice) => {
            let length = slice.length;
            response.body(SizedStream::new(length, chunks(None, slice)))
        }
        Body::Spooled(Spooled { file, length, .. }) => {
            let slice = FileSlice { path: PathBuf::new(), start: 0, length };
            response.body(SizedStream::new(length, chunks(Some(file.into()), slice)))
        }
    }))
}

/// An answer that goes on: its beginning is on the ledger, and each part that has data is before it leaves.
pub(super) fn recorded_stream(
    receipt: &Receipt,
    content_type: &'static str,
    parts: impl stream::Stream<Item = std::io::Result<Bytes>> + 'static,
) -> Recorded {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, content_type));
    response.insert_header((AUDIT_RECEIPT, format!("{} {}", receipt.origin, receipt.seq)));
    Recorded(response.body(BodyStream::new(Box::pin(parts))))
}

/// Records that a client, proven otherwise than by a token, gets this answer on its home's log.
///
/// # Errors
/// When it can't be recorded: then there is no answer.
pub async fn record_for(
    door: &Door,
    context: &Context,
    home: InstitutionId,
    actor: String,
    answer: Answer,
) -> Result<Recorded, Problem> {
    record(door, context, Tenant::vouched(home), actor, answer).await
}

/// The `Content-Digest` field of a hash.
#[must_use]
pub fn content_digest(sha256: [u8; 32]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(sha256))
}

async fn digest_of(slice: &FileSlice) -> std::io::Result<[u8; 32]> {
    let (path, start, length) = (slice.path.clone(), slice.start, slice.length);
    let hashed = tokio::task::spawn_blocking(move || {
        use std::io::{Read as _, Seek as _, SeekFrom};
        let mut file = std::fs::File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let mut rest = file.take(length);
        let mut hasher = Sha256::new();
        let mut buffer = vec![0; CHUNK];
        loop {
            match rest.read(&mut buffer)? {
                0 => return Ok(hasher.finalize().into()),
                read => hasher.update(&buffer[..read]),
            }
        }
    });
    hashed.await.map_err(std::io::Error::other)?
}

/// The slice's bytes, a chunk at a time, of a file that is open at its beginning or is to be opened.
fn chunks(
    file: Option<tokio::fs::File>,
    slice: FileSlice,
) -> impl stream::Stream<Item = std::io::Result<Bytes>> {
    stream::try_unfold((file, slice), |(file, mut slice)| async move {
        if slice.length == 0 {
            return Ok(None);
        }
        let mut file = match file {
            Some(file) => file,
            None => {
                let mut file = tokio::fs::File::open(&slice.path).await?;
                file.seek(std::io::SeekFrom::Start(slice.start)).await?;
                file
            }
        };
        let mut buffer = vec![0; CHUNK.min(usize::try_from(slice.length).unwrap_or(CHUNK))];
        let read = file.read(&mut buffer).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        buffer.truncate(read);
        slice.length -= read as u64;
        Ok(Some((Bytes::from(buffer), (Some(file), slice))))
    })
}
