//! Whether new runs are worse than those they are compared with: [`compare`].
//!
//! A run is one observation, however many packets it sent: packets of one run share its host, its hour and its
//! path, and a thousand of them say no more about the next run than a hundred do. So each run has one value of
//! each [`Metric`], and what is said of the two sides rests on how these values scatter from run to run. What a
//! [`Run`] is made from is not known here.

mod compared;
mod difference;
mod gate;
mod metric;
mod question;
mod run;
mod sides;
#[cfg(test)]
mod tests;

pub use compared::{Compared, RunsQuantile, Side, UPPER_QUANTILE, WhichSide};
pub use difference::{About, Difference};
pub use gate::{ComparedSource, Comparison, Gate, compare};
pub use metric::{DEFAULT_MARGIN, LOSS_MARGIN, Margin, Margins, Metric, UnfitMargin};
pub use question::{CannotCompare, Pair, Question, some};
pub use run::{Measured, Run};
