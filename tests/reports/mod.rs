//! Types of reports, made of records at hand and checked by validators that are not ours.

mod cesop;
mod settlement;
mod statement;
