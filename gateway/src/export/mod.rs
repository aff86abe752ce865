//! Formats out: what leaves as a file.

pub mod bundle;
