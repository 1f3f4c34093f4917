//! What services need of a clock, and how precise a provider's clocks can be promised to be: as data.
//!
//! Floor 6. Nothing here measures or formats. The [`Catalogue`] comes with the program, a site may add to it
//! and override it, and every number in it says where it was read. [`judge`] holds what was observed of a
//! clock against it.

mod catalogue;
pub mod compare;
mod conformance;
mod entry;
mod fields;
mod find;
mod judge;
mod observed;
mod offered;
mod provider;
mod quantity;
mod question;
mod quorum;
#[cfg(test)]
mod tests;
mod timeline;
mod verdict;

pub use catalogue::{Catalogue, CatalogueError};
pub use conformance::{
    BadTestcase, Case, Conformance, Grounds, LEAST_SERVERS, LONGEST_STALL, NEEDS_BURST, conform,
    read_testcases, testcases,
};
pub use entry::{Between, ClockRead, Grade, Kind, Limits, Origin, Scope, Service, Severity, Side};
pub use find::UnknownName;
pub use judge::{CannotJudge, Judged, LEAST_EXCHANGES, LEAST_OBSERVED, judge};
pub use offered::{OfferGround, Surveyed};
pub use provider::{
    Counted, Finding, Ground, LEAST_UPSTREAMS, LOCAL, LOST, LOST_IN_BURST, Looks, Provision,
    Required, Requirement, ServerFacts, provide,
};
pub use quantity::{Quantity, Unit};
use question::deciding_limit;
pub use question::{DECIDING_GRADE, Question};
pub use quorum::{
    Basis, Bound, Common, Contradiction, Doubt, HostTold, Member, Move, NoMember, Peer, Quorum,
    Refused, SetCheck, SetJudgement, SetReason, Shown, Skew, SourceTold, claims_utc, pair_place,
    quorum, refuse_own,
};
pub use verdict::{Check, Claim, Judgement, Need, Observed, Outcome, Reason, Verdict};
