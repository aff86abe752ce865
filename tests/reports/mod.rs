//! Types of reports, made of records at hand and shown to the programs that check such documents.

mod settlement;
