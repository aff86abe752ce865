//! The memory that replicas share: a hash in a Redis of its own.
//!
//! Each head is compared and swapped within Redis, so that replicas can't take turns with two histories.
//! It must keep what it is told: `appendonly yes`, `appendfsync always`, no eviction; a Redis that says
//! otherwise is refused. What is left as a risk: a Redis that loses its last writes in a failover while
//! the database goes back to before them too. A memory that lost more than that stops the logs.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ErrorKind, Script, ServerErrorKind,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{MemoryError, SignedHead, Step, from_text, to_text};

/// The hash: an origin's field holds `size root`.
const KEY: &str = "veritrail:signed-heads";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(1);

/// Of each head: its origin, what it extends (empty for nothing), and itself. Takes it in that one's place;
/// answers with what is there then.
const REMEMBER: &str = r"
local function size(head) return string.match(head, '^%d+') end
local held = {}
for place = 1, #ARGV, 3 do
  local origin, from, to = ARGV[place], ARGV[place + 1], ARGV[place + 2]
  local last = redis.call('HGET', KEYS[1], origin) or ''
  -- Sizes are compared as text, longer first: a number of Lua's is not exact beyond 2^53.
  if last == from and last ~= to and (last == '' or #size(to) > #size(last)
      or (#size(to) == #size(last) and size(to) > size(last))) then
    redis.call('HSET', KEYS[1], origin, to)
    last = to
  end
  held[#held + 1] = last
end
return held";

/// A memory in Redis.
pub struct RedisMemory {
    connection: ConnectionManager,
    remember: Script,
}

impl std::fmt::Debug for RedisMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RedisMemory")
    }
}

impl RedisMemory {
    /// Connects, and makes sure that what it is told is kept.
    ///
    /// # Errors
    /// When it can't be reached, or would forget.
    pub async fn open(url: &str) -> Result<Self, MemoryError> {
        // Whoever needs it first installs it; another finds it there.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = Client::open(url)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT));
        // Once by itself: the manager would go on trying.
        let mut first = client.get_multiplexed_async_connection_with_config(&config).await?;
        check(&mut first).await?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(CONNECT_TIMEOUT))
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_number_of_retries(1);
        let connection = client.get_connection_manager_with_config(config).await?;
        Ok(Self { connection, remember: Script::new(REMEMBER) })
    }

    pub(super) async fn last(&self, origin: &str) -> Result<Option<SignedHead>, MemoryError> {
        let mut connection = self.connection.clone();
        let held: Option<String> =
            redis::cmd("HGET").arg(KEY).arg(origin).query_async(&mut connection).await?;
        held.map(|text| parse(origin, &text)).transpose()
    }

    pub(super) async fn remember(&self, steps: &[Step]) -> Result<Vec<Option<SignedHead>>, MemoryError> {
        let mut call = self.remember.key(KEY);
        for step in steps {
            let from = step.from.map(to_text).unwrap_or_default();
            call.arg(&step.origin).arg(from).arg(to_text(step.to));
        }
        let held: Vec<String> = call.invoke_async(&mut self.connection.clone()).await?;
        if held.len() != steps.len() {
            return Err(MemoryError::Malformed("a round".to_owned()));
        }
        let head = |(step, text): (&Step, String)| match text.as_str() {
            "" => Ok(None),
            text => parse(&step.origin, text).map(Some),
        };
        steps.iter().zip(held).map(head).collect()
    }
}

fn parse(origin: &str, text: &str) -> Result<SignedHead, MemoryError> {
    from_text(text).ok_or_else(|| MemoryError::Malformed(origin.to_owned()))
}

/// Makes sure that Redis is set to keep what it is told.
async fn check(connection: &mut redis::aio::MultiplexedConnection) -> Result<(), MemoryError> {
    for (setting, wanted) in
        [("appendonly", "yes"), ("appendfsync", "always"), ("maxmemory-policy", "noeviction")]
    {
        let asked = redis::cmd("CONFIG").arg("GET").arg(setting).query_async(connection).await;
        let answer: Vec<String> = match asked {
            Ok(answer) => answer,
            // Many hosted ones don't tell.
            Err(error) if is_refusal(&error) => {
                tracing::warn!(%error, "the signer's Redis does not tell whether it keeps what it is told");
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        match answer.get(1) {
            Some(set) if set == wanted => {}
            set => {
                let set = set.map_or("unset", String::as_str);
                return Err(MemoryError::Forgetful(format!("{setting} is {set}, it must be {wanted}")));
            }
        }
    }
    Ok(())
}

fn is_refusal(error: &redis::RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Server(ServerErrorKind::NoPerm | ServerErrorKind::ResponseError))
}
