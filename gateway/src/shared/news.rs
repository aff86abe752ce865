//! News between replicas, over a channel of Redis: what others should forget or read again.
//!
//! News makes nobody believe anything: who forges it only makes replicas ask the database.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures_util::StreamExt as _;

use super::{Inner, PREFIX};
use crate::domain::ClientId;

/// Between two looks whether the subscription still lives.
const PING: Duration = Duration::from_secs(1);
/// Between two attempts to subscribe.
const RETRY: Duration = Duration::from_millis(250);

/// What a replica tells the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// The token of this `jti` was revoked.
    Revoked(String),
    /// A client changed: verdicts on its tokens are void.
    Client(ClientId),
    /// An institution changed: verdicts on tokens are void.
    Verdicts,
    /// A plan changed.
    Plans,
    /// Some news could not be told.
    All,
}

/// What a replica hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// From here on news is heard; what came before may have been missed.
    Listening,
    /// News is not heard any more.
    Deaf,
    /// Another replica's news.
    News(News),
}

impl News {
    fn text(&self, id: &str) -> String {
        match self {
            Self::Revoked(jti) => format!("{id} revoked {jti}"),
            Self::Client(client) => format!("{id} client {client}"),
            Self::Verdicts => format!("{id} verdicts"),
            Self::Plans => format!("{id} plans"),
            Self::All => format!("{id} all"),
        }
    }

    /// What a text says, unless it is our own. What can't be read may have been anything.
    fn read(text: &str, id: &str) -> Option<Self> {
        let (from, news) = text.split_once(' ').unwrap_or_default();
        if from == id {
            return None;
        }
        Some(match news.split_once(' ').unwrap_or((news, "")) {
            ("revoked", jti) if !jti.is_empty() => Self::Revoked(jti.to_owned()),
            ("client", client) => client.parse().map_or(Self::All, Self::Client),
            ("verdicts", "") => Self::Verdicts,
            ("plans", "") => Self::Plans,
            _ => Self::All,
        })
    }
}

fn channel() -> String {
    format!("{PREFIX}:news")
}

impl Inner {
    pub(super) async fn tell(&self, news: &News) {
        let mut command = redis::cmd("PUBLISH");
        command.arg(channel()).arg(news.text(&self.id));
        if self.query::<i64>("publish", &command).await.is_err() {
            self.missed.store(true, Ordering::SeqCst);
        }
    }
}

/// Subscribes, hears, and subscribes again, until it is aborted.
pub(super) async fn listen(inner: Arc<Inner>, hear: impl Fn(Heard)) {
    loop {
        if let Ok(connection) = inner.servers.subscribe(&channel()).await {
            hear(Heard::Listening);
            let (mut sink, mut stream) = connection.split();
            loop {
                let alive = tokio::select! {
                    message = stream.next() => match message {
                        Some(message) => {
                            let text = message.get_payload::<String>().unwrap_or_default();
                            News::read(&text, &inner.id).into_iter().for_each(|news| hear(Heard::News(news)));
                            true
                        }
                        None => false,
                    },
                    () = tokio::time::sleep(PING) => {
                        let ping = sink.ping::<redis::Value>();
                        matches!(tokio::time::timeout(inner.response_timeout, ping).await, Ok(Ok(_)))
                    }
                };
                if !alive {
                    break;
                }
            }
            hear(Heard::Deaf);
        }
        tokio::time::sleep(RETRY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_read_as_it_was_told_and_ones_own_is_passed_over() {
        let client = News::Client(ClientId::from_parts(1, [1; 10]));
        for news in [News::Revoked("j-1".to_owned()), client, News::Verdicts, News::Plans, News::All] {
            assert_eq!(News::read(&news.text("me"), "you"), Some(news.clone()));
            assert_eq!(News::read(&news.text("me"), "me"), None);
        }
        for strange in ["", "x", "x y", "x revoked", "x client", "x client y", "x plans now"] {
            assert_eq!(News::read(strange, "me"), Some(News::All), "{strange:?}");
        }
    }
}
