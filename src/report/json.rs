//! The report as JSON, and the schema that describes it.

use std::io::{self, Write};

use super::Report;

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

fn pretty(value: &impl serde::Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    out.write_all(b"\n")
}
