//! What a campaign and its assessment say, as one value ([`Report`]) and in several formats.
//!
//! Floor 7: imports anything below. [`Report`] is built from a [`Campaign`](crate::sample::Campaign)
//! and an [`Assessment`](crate::estimate::Assessment) alone, so a replayed recording gives the same
//! bytes as the run that wrote it. Renderers are pure functions from a report to bytes, one format a
//! file; they read no terminal and no environment. [`NicReport`] is the same for network interfaces,
//! [`ServicesReport`] for what services ask of clocks, and [`CheckReport`] adds to a report what was judged
//! of it, and [`CompareReport`] holds several runs against others.

mod agreement;
mod build;
mod check;
mod clean;
mod compare;
mod conditions;
pub mod csv;
mod floor;
pub mod hlog;
pub mod html;
pub mod json;
pub mod junit;
mod local;
pub mod markdown;
mod member;
mod model;
pub mod nagios;
mod nic;
pub mod prometheus;
mod provider;
mod quantity;
mod quorum;
mod run;
mod saved;
mod scs;
mod services;
mod stability;
mod survey;
pub mod text;

pub use agreement::{AgreementReport, KhronosReport, MemberReport, PairReport, PathsReport};
pub use check::{
    CHECK_SCHEMA, CheckReport, CheckedReport, ClaimName, JudgementReport, NeedReport, OutcomeName,
    ReasonReport, RequirementReport, VerdictName, WindowReport,
};
pub use clean::escaped;
pub use compare::{
    COMPARE_SCHEMA, CompareReport, ComparedReport, ComparedSourceReport, DifferenceReport,
    GateName, RunNameReport, RunsQuantileReport, ShiftReport, SideReport,
};
pub use conditions::{ConditionsReport, HintReport, NotTold, OvercommitName, StolenReport};
pub use floor::{FloorReport, SourceFloorReport};
pub use local::{DisturbanceReport, KernelReport, LocalClockReport};
pub use model::{
    BinsReport, BoundReport, BreakReport, CardReport, ClassName, ClassReport, CrossCheckReport,
    Distribution, DriftReport, EstimateReport, HistogramReport, HostReport, ImportedReport,
    OpinionsReport, RateChangeReport, Report, RunReport, SCHEMA, ServerReport, SourceReport,
    StampCountsReport, StampingReport, StampsReport, StretchReport, WarningReport,
};
pub use nic::{
    ClockReport, DriverReport, InterfaceReport, LinkReport, NIC_SCHEMA, NicKind, NicReport,
    OfferReport, OutlookCode, OutlookReport, SettingReport,
};
pub use provider::{
    PROVIDER_SCHEMA, ProviderFindingReport, ProviderReport, ProviderRequirementReport,
    ProviderServerReport,
};
pub use quorum::{
    BasisName, ContradictionReport, Named, PeerReport, QUORUM_SCHEMA, QuorumMemberReport,
    QuorumReport, QuorumWindowReport, SetCheckReport, SetJudgementReport, SkewReport,
};
pub use saved::{Saved, SavedError};
pub use scs::{ScsCase, ScsReport, write_scs};
pub use services::{
    BetweenReport, GradeReport, LimitReport, SERVICES_SCHEMA, ServiceReport, ServicesReport,
};
pub use stability::{
    ColumnKind, ColumnReport, DeviationReport, NoiseKind, STABILITY_SCHEMA, StabilityReport,
    TauReport,
};
pub use survey::{
    DaemonReport, EvidenceReport, FindingReport, KernelClockReport, MissedReport, RunningReport,
    SURVEY_SCHEMA, SurveyReport, SurveyState, TimeOfferReport, TimeSourceReport, UsedReport,
};
