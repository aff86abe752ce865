//! The regulator's tool.
fn main() {}
