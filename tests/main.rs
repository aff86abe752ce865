//! Black-box tests: the real binary, over real sockets. The tree mirrors `gateway/src/api`.

mod api;
mod coverage;
mod openapi;
mod support;
