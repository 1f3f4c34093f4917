//! The report as others see it: the published schema, and the text an operator reads.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows test functions, not the helpers between them"
)]

mod campaign;
mod check;
mod compare;
mod formats;
mod html;
mod nic;
mod provider;
mod quorum;
mod schema;
mod services;
mod stability;
mod survey;
mod tables;
mod text;

use clockfit::estimate::{Plan, analyse};
use clockfit::report::Report;
use clockfit::sample::Campaign;

fn report(campaign: &Campaign) -> Report {
    Report::new(campaign, &analyse(campaign, &Plan::default()))
}
