//! The catalogue and what is judged by it, against known truth.

mod catalogue;
mod judge;
mod offered;
mod provider;
mod quorum;
