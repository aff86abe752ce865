//! Reading a request's body: so many bytes, in so much time, at so much a second at least.
//!
//! While it is the client that is waited for, the request gives its slot among those at work back,
//! but for a body of which much is here already: what waits in memory without a slot stays small.

use std::time::Duration;

use actix_web::{
    dev::Payload,
    web::{Bytes, BytesMut},
};
use futures_util::{FutureExt as _, StreamExt as _};
use tokio::time::{Instant, timeout_at};

use super::{Context, Door};
use crate::error::{Code, Problem};

/// How long a body may be slower than the rate.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes of a body that may wait without a slot.
const FREE_BYTES: usize = 64 << 10;

/// What a body must keep up with.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The time for a whole body.
    pub whole: Duration,
    /// Bytes a second, of the bytes so far, once the grace is over.
    pub bytes_per_s: u32,
}

impl Pace {
    /// The time until which the next bytes must have come, and what to say if they have not.
    fn next_by(self, began: Instant, so_far: usize) -> (Instant, String) {
        let so_far_ms = u64::try_from(so_far).unwrap_or(u64::MAX).saturating_mul(1000);
        let earned = Duration::from_millis(so_far_ms / u64::from(self.bytes_per_s.max(1)));
        let slowest = GRACE + earned;
        if self.bytes_per_s == 0 || slowest >= self.whole {
            (began + self.whole, format!("a body has {} s", self.whole.as_secs()))
        } else {
            (began + slowest, format!("a body must come at {} bytes a second at least", self.bytes_per_s))
        }
    }
}

/// Reads a body of at most `max` bytes.
///
/// # Errors
/// 413 when it is longer, 400 when it breaks off, 408 when it is too slow, 503 when too many requests
/// are at work once it is there.
pub async fn read(
    door: &Door,
    context: &Context,
    mut payload: Payload,
    max: usize,
) -> Result<Bytes, Problem> {
    let began = Instant::now();
    let mut body = BytesMut::new();
    let mut holds = true;
    loop {
        let mut next = payload.next();
        let next = match (&mut next).now_or_never() {
            Some(there) => there,
            None => {
                if holds && body.len() <= FREE_BYTES {
                    context.hold(None);
                    holds = false;
                }
                let (until, slow) = door.pace.next_by(began, body.len());
                timeout_at(until, next).await.map_err(|_| Problem::new(Code::RequestTimeout, slow))?
            }
        };
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(|_| Problem::new(Code::MalformedBody, "the body broke off"))?;
        if body.len() + chunk.len() > max {
            leave(payload);
            return Err(Problem::new(Code::BodyTooLarge, format!("the body may have {max} bytes")));
        }
        body.extend_from_slice(&chunk);
        if !holds && body.len() > FREE_BYTES {
            context.enter(&door.load)?;
            holds = true;
        }
    }
    if !holds {
        context.enter(&door.load)?;
    }
    Ok(body.freeze())
}

/// Keeps what was not read of a body until its refusal is out, so that the connection is closed: once it is let
/// go, actix reads on to its end, however far that is.
fn leave(payload: Payload) {
    actix_web::rt::spawn(async move {
        tokio::time::sleep(GRACE).await;
        drop(payload);
    });
}

/// Writes a body of at most `max` bytes to a file, as it comes, and says how long it was. What came before a
/// fault stays in the file.
///
/// # Errors
/// As [`read`], with another time for the whole.
pub async fn pour(
    door: &Door,
    context: &Context,
    mut payload: Payload,
    file: &mut tokio::fs::File,
    (max, whole): (u64, Duration),
) -> Result<u64, Problem> {
    use tokio::io::AsyncWriteExt as _;
    let (began, pace) = (Instant::now(), Pace { whole, ..door.pace });
    let mut length = 0_u64;
    // What waits here is one chunk, so it takes no slot.
    context.hold(None);
    loop {
        let so_far = usize::try_from(length).unwrap_or(usize::MAX);
        let (until, slow) = pace.next_by(began, so_far);
        let next =
            timeout_at(until, payload.next()).await.map_err(|_| Problem::new(Code::RequestTimeout, slow))?;
        let Some(chunk) = next else { break };
        let chunk = chunk.map_err(|_| Problem::new(Code::MalformedBody, "the body broke off"))?;
        length += chunk.len() as u64;
        if length > max {
            leave(payload);
            return Err(Problem::new(Code::BodyTooLarge, format!("the body may have {max} bytes")));
        }
        file.write_all(&chunk).await.map_err(Problem::internal)?;
    }
    file.flush().await.map_err(Problem::internal)?;
    context.enter(&door.load)?;
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_a_grace_then_its_rate_and_never_more_than_the_whole_time() {
        let pace = Pace { whole: Duration::from_secs(30), bytes_per_s: 1024 };
        let began = Instant::now();
        let seconds = |pace: Pace, so_far| (pace.next_by(began, so_far).0 - began).as_secs();
        assert_eq!(seconds(pace, 0), 5);
        assert_eq!(seconds(pace, 10 * 1024), 15);
        assert_eq!(seconds(pace, 25 * 1024), 30);
        assert_eq!(seconds(pace, 1 << 30), 30);
        assert_eq!(seconds(Pace { bytes_per_s: 0, ..pace }, 0), 30);
        assert_eq!(seconds(Pace { whole: Duration::from_secs(2), ..pace }, 0), 2);
    }
}
