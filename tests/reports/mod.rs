//! Reports, made of records at hand and read by validators that are not ours.

mod sepa;
