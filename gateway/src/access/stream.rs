//! Answers that go on: what happens is told as it happens. No record, no answer: the beginning is recorded as
//! any look is, and each part with data is recorded, as a look of its own, before it leaves.
//!
//! A part is sent only while its caller may still have it: a token that has expired or was revoked ends the
//! stream.

use actix_web::web::Bytes;
use futures_util::stream;
use sha2::{Digest as _, Sha256};

use super::{
    Permit, Recorded,
    answer::{content_digest, recorded_stream},
    right::Right,
};
use crate::{
    error::Problem,
    ledger::{Receipt, RecordError, command::Access},
    world::rfc3339,
};

/// A part of a stream.
#[derive(Debug)]
pub enum Part {
    /// Something of somebody's: recorded before it leaves.
    Data(Vec<u8>),
    /// A sign of life, which tells nothing.
    Beat(&'static str),
}

/// What a stream tells.
pub trait Source: 'static {
    /// The next part, once there is one; none at the end.
    fn next(&mut self) -> impl Future<Output = Option<Part>>;
}

impl<R: Right> Permit<R> {
    /// Records the look and begins to answer with what a source tells.
    ///
    /// # Errors
    /// When the look can't be recorded: then there is no answer.
    pub async fn stream(
        self,
        content_type: &'static str,
        opening: &'static str,
        source: impl Source,
    ) -> Result<Recorded, Problem> {
        let receipt = self.record_part(None, &[]).await?;
        let parts =
            stream::unfold((self, source, 0_u64, Some(opening)), |(permit, mut source, sent, opening)| {
                async move {
                    if let Some(opening) = opening {
                        let part = Bytes::from_static(opening.as_bytes());
                        return Some((Ok(part), (permit, source, sent, None)));
                    }
                    let part = source.next().await?;
                    if !permit.still_holds().await {
                        return None;
                    }
                    let (bytes, sent) = match part {
                        Part::Beat(text) => (Bytes::from_static(text.as_bytes()), sent),
                        Part::Data(bytes) => {
                            // What can't be recorded does not leave; the caller comes again for it.
                            permit.record_part(Some(sent + 1), &bytes).await.ok()?;
                            (Bytes::from(bytes), sent + 1)
                        }
                    };
                    Some((Ok(bytes), (permit, source, sent, None)))
                }
            });
        Ok(recorded_stream(&receipt, content_type, parts))
    }

    /// Records the beginning, or the nth part with data.
    async fn record_part(&self, number: Option<u64>, bytes: &[u8]) -> Result<Receipt, RecordError> {
        let context = self.context();
        let request = match number {
            Some(number) => format!("{}.{number}", context.request_id),
            None => context.request_id.clone(),
        };
        let access = Access {
            actor: self.caller().actor.to_string(),
            at: rfc3339(self.door().world.now_us()),
            digest: content_digest(Sha256::digest(bytes).into()),
            method: context.method.clone(),
            path: context.target.clone(),
            request,
            status: 200,
        };
        self.door().recorder.access(self.tenant(), access).await
    }
}
