//! Pure mathematics over slices of numbers: quantiles, summaries, histograms, jitter, lines.
//!
//! Floor 0. Nothing here knows what its numbers measure: no time types, no protocol. Results are
//! exact where integers allow it, and never depend on the order of the input (jitter excepted, which
//! is about that order).

mod agreement;
mod binning;
mod corridor;
mod histogram;
mod jitter;
mod line;
mod midline;
mod quantile;
mod summary;
mod weighted;

pub use agreement::{Agreed, Claimed, Trimmed, intersection, most_agreed, trimmed};
pub use binning::Bins;
pub use corridor::{COORDINATE_LIMIT, Corridor, Point, Slope, Slopes};
pub use histogram::{Bucket, EncodeHistogramError, EncodedHistogram, SignedHistogram};
pub use jitter::{NSTAGE, jitter};
pub use line::{Line, robust_line};
pub use midline::{Ends, MIDLINE_NEEDS, Midline};
pub use quantile::{OrderInterval, Probability, needed, order_interval, quantile, rank};
pub use summary::{QuantileEstimate, Summary, mean, root_mean_square};
pub use weighted::{WeightedPoint, settled_line};
