//! Pure mathematics over slices of numbers: quantiles, summaries, histograms, jitter, lines, and the
//! [stability] of clocks.
//!
//! Floor 0. Nothing here knows what its numbers measure: no time types, no protocol. Results are
//! exact where integers allow it, and never depend on the order of the input (jitter excepted, which
//! is about that order).

mod binning;
mod histogram;
mod jitter;
mod line;
mod quantile;
pub mod stability;
mod summary;

pub use binning::Bins;
pub use histogram::{Bucket, EncodeHistogramError, EncodedHistogram, SignedHistogram};
pub use jitter::{NSTAGE, jitter};
pub use line::{Line, robust_line};
pub use quantile::{OrderInterval, Probability, needed, order_interval, quantile, rank};
pub use summary::{QuantileEstimate, Summary, mean, root_mean_square};
