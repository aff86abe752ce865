//! Types of reports: what their documents and figures say, and what their validators say of them.

mod cesop;
