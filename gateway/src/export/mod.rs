//! Formats out: what leaves as a file.
//!
//! An export is records in ledger order as they stood at one seq, so its bytes are the same whenever and
//! wherever they are written. Memory does not grow with it: rows are read by key in chunks, and written
//! as they come.

pub mod bundle;
pub mod csv;
pub mod ndjson;
pub mod order;
pub mod parquet;
pub mod pipe;
pub mod press;
pub mod record;
pub mod source;
mod stock;
pub mod table;
pub mod write;
pub mod xlsx;
