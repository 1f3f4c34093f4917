//! [`Saved`]: a report read back from its JSON, to be written in another format.

use serde::Deserialize;
use serde_json::Value;

use super::check::{CHECK_SCHEMA, CheckReport};
use super::clean::escaped;
use super::model::{Report, SCHEMA};
use super::survey::{SURVEY_SCHEMA, SurveyReport};

/// A report that was saved as JSON.
#[derive(Clone, Debug, PartialEq)]
pub enum Saved {
    /// What was measured.
    Measured(Box<Report>),
    /// What was judged.
    Judged(Box<CheckReport>),
    /// Which time a host is offered, configured with and using.
    Surveyed(Box<SurveyReport>),
}

/// Why a text is no report that can be read.
#[derive(Debug, thiserror::Error)]
pub enum SavedError {
    /// It is no report of this program, whatever else it is.
    #[error("it is no report of clockfit")]
    Foreign,
    /// It is one, and its shape is not known here.
    #[error(
        "it is a report of the shape {0:?}; this version reads {SCHEMA}, {CHECK_SCHEMA} and {SURVEY_SCHEMA}: use the version of \
         clockfit that wrote it, or one as new"
    )]
    Shape(String),
    /// It is one, and broken.
    #[error("it is broken: {0}; write it anew with -f json")]
    Broken(String),
}

/// What every report says first.
#[derive(Deserialize)]
struct Head {
    schema: Option<Value>,
}

/// What the schemas of this program are called.
const OWN: &str = "clockfit-";

impl Saved {
    /// Reads a report from its JSON. Whatever a hand or another program put into its texts is made safe to show, as
    /// it is when a report is made.
    ///
    /// ```
    /// use clockfit::report::{Saved, SavedError};
    /// assert!(matches!(Saved::read(b"{}"), Err(SavedError::Foreign)));
    /// let newer = br#"{"schema": "clockfit-report/99"}"#;
    /// assert!(matches!(Saved::read(newer), Err(SavedError::Shape(_))));
    /// ```
    ///
    /// # Errors
    /// It is something else, of a shape that is not known, or broken.
    pub fn read(json: &[u8]) -> Result<Self, SavedError> {
        let schema = match serde_json::from_slice::<Head>(json) {
            Ok(Head {
                schema: Some(Value::String(schema)),
            }) => schema,
            Ok(_) => return Err(SavedError::Foreign),
            // One that was cut off is still known by its beginning.
            Err(error) if says_own(json) => return Err(broken(&error)),
            Err(_) => return Err(SavedError::Foreign),
        };
        match schema.as_str() {
            SCHEMA => Ok(Self::Measured(Box::new(parse(json)?))),
            CHECK_SCHEMA => Ok(Self::Judged(Box::new(parse(json)?))),
            SURVEY_SCHEMA => Ok(Self::Surveyed(Box::new(parse(json)?))),
            own if own.starts_with(OWN) => Err(SavedError::Shape(escaped(own))),
            _ => Err(SavedError::Foreign),
        }
    }

    /// What was measured; nothing where files were looked at, and no clock.
    pub fn measurement(&self) -> Option<&Report> {
        match self {
            Self::Measured(report) => Some(report),
            Self::Judged(report) => Some(&report.measurement),
            Self::Surveyed(_) => None,
        }
    }
}

fn says_own(json: &[u8]) -> bool {
    let name = b"\"clockfit-";
    json.windows(name.len()).any(|some| some == name)
}

fn broken(error: &serde_json::Error) -> SavedError {
    SavedError::Broken(escaped(&error.to_string()))
}

/// Parses it, which tells the place of what is wrong, and then cleans its texts.
fn parse<T: serde::Serialize + for<'de> Deserialize<'de>>(json: &[u8]) -> Result<T, SavedError> {
    let parsed: T = serde_json::from_slice(json).map_err(|error| broken(&error))?;
    let value = serde_json::to_value(&parsed).map_err(|error| broken(&error))?;
    serde_json::from_value(cleaned(value)).map_err(|error| broken(&error))
}

fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(escaped(&text)),
        Value::Array(all) => all.into_iter().map(cleaned).collect(),
        Value::Object(all) => {
            let clean = |(name, value): (String, Value)| (escaped(&name), cleaned(value));
            Value::Object(all.into_iter().map(clean).collect())
        }
        other => other,
    }
}
