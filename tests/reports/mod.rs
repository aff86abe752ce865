//! Types of reports, made of records at hand and checked by validators that are not ours.

mod bundle;
mod cesop;
mod sepa;
mod settlement;
mod statement;
