//! [`SurveyState`]: what a survey means to whoever watches many hosts.

use super::SurveyReport;
use crate::survey::{Conclusion, Selection};

/// A state as monitoring plugins have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SurveyState {
    /// The host has time, by whatever anybody chose.
    Ok,
    /// It is not known whether it has.
    Unknown,
    /// It may have, and something is to be looked at.
    Warning,
    /// Nothing keeps its clock.
    Critical,
}

/// What is as it may be where hosts have several networks, or share a clock: no reason to wake anybody.
const HARMLESS: [&str; 2] = ["different_offers", "kept_by_others"];

impl SurveyState {
    /// As plugins call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Unknown => "UNKNOWN",
            Self::Warning => "WARNING",
            Self::Critical => "CRITICAL",
        }
    }
}

impl SurveyReport {
    /// What the conclusion means to whoever watches, and then whether a finding is to be looked at: the worse of
    /// both. `docs/discover.md` has the table.
    pub fn state(&self) -> SurveyState {
        let by_conclusion = self.state_of_conclusion();
        let is_warned = self.warnings().next().is_some();
        match by_conclusion {
            _ if self.is_left_alone() => SurveyState::Critical,
            SurveyState::Ok if is_warned => SurveyState::Warning,
            state => state,
        }
    }

    /// Findings that are to be looked at.
    pub(in crate::report) fn warnings(&self) -> impl Iterator<Item = &super::FindingReport> {
        let all = self.findings.iter();
        all.filter(|of| !HARMLESS.contains(&of.code.as_str()))
    }

    /// What the conclusion alone means.
    pub(in crate::report) fn state_of_conclusion(&self) -> SurveyState {
        match self.conclusion {
            Conclusion::ByDefault
            | Conclusion::ByHand
            | Conclusion::Beside
            | Conclusion::Overridden
            | Conclusion::Chosen
            | Conclusion::Image => SurveyState::Ok,
            Conclusion::ImageInstead => SurveyState::Warning,
            // What is wanted of an image leaves a host that runs without time, unless it has other sources.
            Conclusion::WouldTake if self.is_image() || self.has_source() => SurveyState::Ok,
            Conclusion::WouldTake => SurveyState::Warning,
            Conclusion::NotKnown => SurveyState::Unknown,
            // Somebody that is not known here keeps the clock.
            Conclusion::NoDaemon if self.is_kept() => SurveyState::Warning,
            Conclusion::NoSource | Conclusion::NoDaemon => SurveyState::Critical,
        }
    }

    fn is_image(&self) -> bool {
        self.root != "/"
    }

    fn has_source(&self) -> bool {
        let active = self.daemons.iter().filter(|of| of.enabled);
        let mut configured = active.flat_map(|of| &of.sources);
        configured.next().is_some() || self.used() > 0
    }

    /// How many servers and clocks are used at this moment.
    pub(in crate::report) fn used(&self) -> usize {
        let servers = self.running.iter().flatten().flat_map(|of| &of.servers);
        servers.filter(|of| of.selection == Selection::Used).count()
    }

    /// Whether it is seen that nobody keeps the clock, whatever is configured.
    fn is_left_alone(&self) -> bool {
        let runs_none = self.running.as_ref().is_some_and(Vec::is_empty);
        runs_none && self.kernel.is_some() && !self.is_kept()
    }

    /// Whether the kernel was told that its clock is synchronised.
    fn is_kept(&self) -> bool {
        self.kernel.as_ref().is_some_and(|of| of.synchronised)
    }
}
