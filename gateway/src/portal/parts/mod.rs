//! What pages are made of.

pub mod ask;
pub mod fact;
pub mod field;
pub mod json;
pub mod money;
pub mod number;
pub mod state;
pub mod table;
pub mod time;
