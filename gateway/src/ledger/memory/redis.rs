//! The memory that replicas share: a hash in a Redis of its own.
//!
//! Each head is compared and swapped within Redis, so that the memory only goes forward whoever writes.
//! It must keep what it is told: `appendonly yes`, `appendfsync always`, no eviction; a Redis that says
//! otherwise is refused. What is left as a risk: a Redis that loses its last writes in a failover while
//! the database goes back to before them too. A memory that lost more than that stops the logs.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, ErrorKind, Script, ServerErrorKind,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

use super::{MemoryError, SignedHead, from_text, to_text};

/// The hash: an origin's field holds `size root`.
const KEY: &str = "veritrail:signed-heads";
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Takes each head that follows what is there; answers with what is there then.
const REMEMBER: &str = r"
local held = {}
for place = 1, #ARGV, 3 do
  local origin, size, root = ARGV[place], ARGV[place + 1], ARGV[place + 2]
  local last = redis.call('HGET', KEYS[1], origin)
  local last_size = last and string.match(last, '^%d+')
  -- Sizes are compared as text, longer first: a number of Lua's is not exact beyond 2^53.
  if not last or #size > #last_size or (#size == #last_size and size > last_size) then
    last = size .. ' ' .. root
    redis.call('HSET', KEYS[1], origin, last)
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

    pub(super) async fn remember(
        &self,
        heads: &[(String, SignedHead)],
    ) -> Result<Vec<(String, SignedHead)>, MemoryError> {
        let mut call = self.remember.key(KEY);
        for (origin, head) in heads {
            let text = to_text(*head);
            let (size, root) = text.split_once(' ').unwrap_or_default();
            call.arg(origin).arg(size).arg(root);
        }
        let held: Vec<String> = call.invoke_async(&mut self.connection.clone()).await?;
        if held.len() != heads.len() {
            return Err(MemoryError::Malformed("a round".to_owned()));
        }
        let pair = |((origin, _), text): (&(String, SignedHead), String)| {
            Ok((origin.clone(), parse(origin, &text)?))
        };
        heads.iter().zip(held).map(pair).collect()
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
