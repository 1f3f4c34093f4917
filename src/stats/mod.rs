//! Pure mathematics over slices of numbers: quantiles and how sure they are, summaries, histograms,
//! jitter, running medians, lines, shifts between two samples, and the [stability] of clocks.
//!
//! Floor 0. Nothing here knows what its numbers measure: no time types, no protocol. Results are
//! exact where integers allow it. They do not depend on the order of the input, but for what is about
//! that order: jitter, running medians, variation, and whatever is said of a series.

mod accumulator;
mod agreement;
mod binning;
mod corridor;
mod histogram;
mod inflation;
mod jitter;
mod lagged;
mod line;
mod midline;
mod moments;
mod proportion;
mod quantile;
mod rank_set;
mod running;
mod select;
pub mod stability;
mod summary;
mod two_sample;
mod variation;
mod weighted;

pub use accumulator::{Accumulator, MeanInflation};
pub use agreement::{Agreed, Claimed, Trimmed, agreed_by, intersection, most_agreed, trimmed};
pub use binning::Bins;
pub use corridor::{COORDINATE_LIMIT, Corridor, Point, Slope, Slopes};
pub use histogram::{
    Bucket, EncodeHistogramError, EncodedHistogram, EncodedSizes, SignedHistogram,
};
pub use inflation::Inflation;
pub use jitter::{NSTAGE, jitter};
pub use line::{Line, robust_line};
pub use midline::{Ends, MIDLINE_NEEDS, Midline, random_walk_bend};
pub use moments::{Moments, mean, root_mean_square};
pub use proportion::{larger_share_by_chance, share_interval};
pub use quantile::{
    OrderInterval, Probability, inflated_interval, needed, order_interval, quantile, rank,
};
pub use running::{distances_from_running_median, running_median};
pub use select::{Ranked, median_of};
pub use summary::{QuantileEstimate, Summary};
pub use two_sample::{
    Scale, Shift, Tail, hodges_lehmann, least_for_quantile, least_in_each, least_shift,
    quantile_shift, scatter,
};
pub use variation::{ipdv, pdv};
pub use weighted::{WeightedPoint, settled_line};
