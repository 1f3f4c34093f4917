//! Reports as JSON, and the schemas that describe them.

use std::io::{self, Write};

use super::{
    CheckReport, ColumnReport, CompareReport, NicReport, ProviderReport, QuorumReport, Report,
    ServicesReport, SurveyReport,
};

/// Writes the report as indented JSON with a line end, straight to `out`: only the report itself is
/// held in memory, never its text.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    pretty(report, out)
}

/// Writes the JSON Schema of [`Report`], as published in `docs/report.schema.json`.
///
/// # Errors
/// Those of `out`.
pub fn write_schema(out: &mut impl Write) -> io::Result<()> {
    pretty(&schemars::schema_for!(Report), out)
}

/// Writes what interfaces can stamp as indented JSON with a line end.
///
/// # Errors
/// Those of `out`.
pub fn write_nics(report: &NicReport, out: &mut impl Write) -> io::Result<()> {
    pretty(report, out)
}

/// Writes the JSON Schema of [`NicReport`], as published in `docs/nic.schema.json`.
///
/// # Errors
/// Those of `out`.
pub fn write_nics_schema(out: &mut impl Write) -> io::Result<()> {
    pretty(&schemars::schema_for!(NicReport), out)
}

/// Writes what was judged, and what it was judged by, as indented JSON with a line end.
///
/// # Errors
/// Those of `out`.
pub fn write_check(report: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    pretty(report, out)
}

/// Writes the JSON Schema of [`CheckReport`], as published in `docs/check.schema.json`.
///
/// # Errors
/// Those of `out`.
pub fn write_check_schema(out: &mut impl Write) -> io::Result<()> {
    pretty(&schemars::schema_for!(CheckReport), out)
}

/// Writes what was judged of a set of hosts as indented JSON with a line end.
///
/// # Errors
/// Those of `out`.
pub fn write_quorum(report: &QuorumReport, out: &mut impl Write) -> io::Result<()> {
    pretty(report, out)
}

/// Writes the JSON Schema of [`QuorumReport`], as published in `docs/quorum.schema.json`.
///
/// # Errors
/// Those of `out`.
pub fn write_quorum_schema(out: &mut impl Write) -> io::Result<()> {
    pretty(&schemars::schema_for!(QuorumReport), out)
}

/// Writes what was judged of a provider's servers as indented JSON with a line end.
///
/// # Errors
/// Those of `out`.
pub fn write_provider(report: &ProviderReport, out: &mut impl Write) -> io::Result<()> {
    pretty(report, out)
}

/// Writes the JSON Schema of [`ProviderReport`], as published in `docs/provider.schema.json`.
///
/// # Errors
/// Those of `out`.
pub fn write_provider_schema(out: &mut impl Write) -> io::Result<()> {
    pretty(&schemars::schema_for!(ProviderReport), out)
}

/// Writes a survey as indented JSON with a line end.
///
/// # Errors
/// Those of `out`.
pub fn write_survey(report: &SurveyReport, out: &mut impl Write) -> io::Result<()> {
    pretty(report, out)
}

/// Writes the JSON Schema of [`SurveyReport`], as published in `docs/discover.schema.json`.
///
/// # Errors
/// Those of `out`.
pub fn write_survey_schema(out: &mut impl Write) -> io::Result<()> {
    pretty(&schemars::schema_for!(SurveyReport), out)
}

/// Writes services and grades as indented JSON with a line end.
///
/// # Errors
/// Those of `out`.
pub fn write_services(report: &ServicesReport, out: &mut impl Write) -> io::Result<()> {
    pretty(report, out)
}

/// Writes the JSON Schema of [`ServicesReport`], as published in `docs/services.schema.json`.
///
/// # Errors
/// Those of `out`.
pub fn write_services_schema(out: &mut impl Write) -> io::Result<()> {
    pretty(&schemars::schema_for!(ServicesReport), out)
}

/// Writes the stability of a plain column as indented JSON with a line end.
///
/// # Errors
/// Those of `out`.
pub fn write_column(report: &ColumnReport, out: &mut impl Write) -> io::Result<()> {
    pretty(report, out)
}

/// Writes the JSON Schema of [`ColumnReport`], as published in `docs/stability.schema.json`.
///
/// # Errors
/// Those of `out`.
pub fn write_column_schema(out: &mut impl Write) -> io::Result<()> {
    pretty(&schemars::schema_for!(ColumnReport), out)
}

/// Writes how runs compare as indented JSON with a line end.
///
/// # Errors
/// Those of `out`.
pub fn write_compare(report: &CompareReport, out: &mut impl Write) -> io::Result<()> {
    pretty(report, out)
}

/// Writes the JSON Schema of [`CompareReport`], as published in `docs/compare.schema.json`.
///
/// # Errors
/// Those of `out`.
pub fn write_compare_schema(out: &mut impl Write) -> io::Result<()> {
    pretty(&schemars::schema_for!(CompareReport), out)
}

fn pretty(value: &impl serde::Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}
