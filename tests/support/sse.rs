//! A stream of events as a receiver reads it (WHATWG HTML, server-sent events).

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;

use super::Caller;

/// What a stream brings.
#[derive(Clone, Debug, PartialEq)]
pub enum Frame {
    Event {
        id: i64,
        event: String,
        data: Value,
    },
    /// How many milliseconds to wait before coming again.
    Retry(u64),
    Comment,
}

/// An open stream.
pub struct Stream {
    pub response: Response,
    buffer: Vec<u8>,
}

impl Stream {
    /// Opens a stream: from now on, or after an event.
    pub async fn open(caller: &Caller, query: &str, after: Option<i64>) -> Self {
        let mut request = caller.request(Method::GET, &format!("/v1/events/stream{query}"));
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let mut stream = Self { response, buffer: Vec::new() };
        assert!(matches!(stream.next().await, Some(Frame::Retry(_))));
        stream
    }

    /// The next frame; none at the end.
    pub async fn next(&mut self) -> Option<Frame> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|two| two == b"\n\n") {
                let frame: Vec<u8> = self.buffer.drain(..end + 2).collect();
                return Some(read(std::str::from_utf8(&frame).unwrap()));
            }
            let part = tokio::time::timeout(Duration::from_secs(60), self.response.chunk()).await;
            match part.expect("a stream shows that it is there").unwrap() {
                Some(bytes) => self.buffer.extend_from_slice(&bytes),
                None => {
                    assert!(self.buffer.is_empty(), "it ended within a frame");
                    return None;
                }
            }
        }
    }

    /// The next event's seq.
    pub async fn seq(&mut self) -> i64 {
        loop {
            match self.next().await.expect("the stream goes on") {
                Frame::Event { id, .. } => return id,
                Frame::Retry(_) | Frame::Comment => {}
            }
        }
    }
}

fn read(frame: &str) -> Frame {
    let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    if let Some(retry) = field("retry") {
        return Frame::Retry(retry.parse().unwrap());
    }
    match (field("id"), field("event"), field("data")) {
        (Some(id), Some(event), Some(data)) => {
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!((&data["id"], &data["type"]), (&Value::from(id), &Value::from(event)));
            Frame::Event { id: id.parse().unwrap(), event: event.to_owned(), data }
        }
        _ => {
            assert!(frame.starts_with(':'), "{frame:?}");
            Frame::Comment
        }
    }
}
