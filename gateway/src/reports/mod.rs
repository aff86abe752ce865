//! Making reports: what each type is, and how its document and figures come from records. Pure: records come in
//! one by one, the document and its figures go out; where both are kept is `reporting`'s concern.
//!
//! A document is a function of its [`Basis`] and the records that it is shown, so it can be made again to the byte.
//! Every number in it is a [`Figure`]: its contributions are written down as it is summed, so that what is served
//! about a figure is what made it.

mod basis;
mod definition;
mod figure;
pub mod lei;
mod period;
pub mod running;
mod sheet;
pub mod types;

pub use basis::{Basis, VersionKind};
pub use definition::{Definition, Parameter, Producer, Reach, Recorded};
pub use figure::{Adjustment, Contribution, Figure, Input, Remark, Severity, Unit};
pub use period::{Granularity, Period, PeriodError};
pub use sheet::{Done, Leaf, ProduceError, Sheet, Value};
