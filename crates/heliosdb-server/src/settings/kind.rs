//! What a setting's text may be, and what it becomes.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::address::{self, ListenAddress};
use super::error::SettingsError;
use super::number;

/// What the text of a setting may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `HOST:PORT`, one or more, separated by commas; an array in the file.
    Addresses,
    /// `on`, `off` and PostgreSQL's other spellings.
    Boolean,
    /// One of a few words, in any case.
    Choice {
        /// The words, as documentation and hints list them.
        values: &'static [&'static str],
        /// Words that mean something to PostgreSQL or to another build, but cannot be had here.
        unsupported: &'static [&'static str],
        /// Whether an empty text is allowed and means "not set".
        optional: bool,
    },
    /// A span of time with PostgreSQL's units, kept as a whole number of `unit`.
    Duration {
        /// The least number of units.
        min: i64,
        /// The greatest number of units.
        max: i64,
        /// What a number without unit is counted in.
        unit: Unit,
    },
    /// A whole number.
    Integer {
        /// The least number.
        min: i64,
        /// The greatest number.
        max: i64,
    },
    /// Addresses and networks, none or more, separated by commas; an array in the file.
    Networks,
    /// A file or directory; empty means "not set".
    Path,
    /// Words that whoever uses the setting makes sense of.
    Text {
        /// What stands for them in help and documentation, such as `NAME:NAME`.
        form: &'static str,
        /// Whether an empty text means "not set"; else it is a text like any other.
        optional: bool,
    },
}

/// A unit of time, in PostgreSQL's spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `us`
    Microseconds,
    /// `ms`
    Milliseconds,
    /// `s`
    Seconds,
    /// `min`
    Minutes,
    /// `h`
    Hours,
    /// `d`
    Days,
}

/// A checked value of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of [`Kind::Addresses`].
    Addresses(Vec<ListenAddress>),
    /// Of [`Kind::Boolean`].
    Boolean(bool),
    /// Of [`Kind::Choice`], in the spelling of the definition.
    Choice(&'static str),
    /// Of [`Kind::Duration`].
    Duration(Duration),
    /// Of [`Kind::Integer`].
    Integer(i64),
    /// Of [`Kind::Networks`].
    Networks(Vec<IpNet>),
    /// Of [`Kind::Path`].
    Path(PathBuf),
    /// Of [`Kind::Text`].
    Text(String),
    /// An empty path, text or optional choice.
    Unset,
}

/// A type that a field of [`super::Settings`] can have.
pub(super) trait FromValue: Sized {
    /// The value as this type; `None` when it is of another kind or does not fit.
    fn from_value(value: &Value) -> Option<Self>;
}

impl Kind {
    /// Checks the text of the setting `name` and turns it into its value.
    ///
    /// # Errors
    /// What PostgreSQL says about such a text.
    pub fn parse(&self, name: &'static str, text: &str) -> Result<Value, SettingsError> {
        match *self {
            Self::Addresses => address::parse_list(name, text).map(Value::Addresses),
            Self::Boolean => parse_boolean(name, text).map(Value::Boolean),
            Self::Choice {
                values,
                unsupported,
                optional,
            } => {
                if optional && text.is_empty() {
                    return Ok(Value::Unset);
                }
                parse_choice(name, text, values, unsupported).map(Value::Choice)
            }
            Self::Duration { min, max, unit } => {
                let count = number::parse(name, text, Some(unit))?;
                number::check_range(name, count, (min, max), Some(unit))?;
                Ok(Value::Duration(unit.times(count)))
            }
            Self::Integer { min, max } => {
                let count = number::parse(name, text, None)?;
                number::check_range(name, count, (min, max), None)?;
                Ok(Value::Integer(count))
            }
            Self::Networks => address::parse_networks(name, text).map(Value::Networks),
            Self::Path | Self::Text { optional: true, .. } if text.is_empty() => Ok(Value::Unset),
            Self::Path => Ok(Value::Path(PathBuf::from(text))),
            Self::Text { .. } => Ok(Value::Text(text.to_owned())),
        }
    }

    /// What stands for the value in help: `PATH`, `on|off`.
    #[must_use]
    pub fn placeholder(&self) -> String {
        match self {
            Self::Addresses => "HOST:PORT".to_owned(),
            Self::Boolean => "on|off".to_owned(),
            Self::Choice { values, .. } => values.join("|"),
            Self::Duration { .. } => "DURATION".to_owned(),
            Self::Integer { .. } => "NUMBER".to_owned(),
            Self::Networks => "ADDRESS[/BITS]".to_owned(),
            Self::Path => "PATH".to_owned(),
            Self::Text { form, .. } => (*form).to_owned(),
        }
    }

    /// The values it takes, as Markdown for the guide.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Addresses => "`HOST:PORT`, several separated by commas or as an array".to_owned(),
            Self::Boolean => "`on`, `off`".to_owned(),
            Self::Choice { values, .. } => values
                .iter()
                .map(|value| format!("`{value}`"))
                .collect::<Vec<_>>()
                .join(", "),
            Self::Duration { min, max, unit } => format!(
                "`{}` to `{}`; a bare number is in `{unit}`",
                number::show_duration(unit.times(*min)),
                number::show_duration(unit.times(*max))
            ),
            Self::Integer { min, max } => format!("{min} to {max}"),
            Self::Networks => {
                "`ADDRESS` or `ADDRESS/BITS`, several separated by commas or as an array".to_owned()
            }
            Self::Path => "path".to_owned(),
            Self::Text { form, .. } => format!("`{form}`"),
        }
    }
}

impl fmt::Display for Value {
    /// The value as it would be written on a command line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Addresses(addresses) => write_list(f, addresses),
            Self::Boolean(value) => f.write_str(if *value { "on" } else { "off" }),
            Self::Choice(value) => f.write_str(value),
            Self::Duration(value) => f.write_str(&number::show_duration(*value)),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Networks(networks) => write_list(f, networks),
            Self::Path(path) => write!(f, "{}", path.display()),
            Self::Text(text) => f.write_str(text),
            Self::Unset => Ok(()),
        }
    }
}

fn write_list(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        write!(f, "{separator}{item}")?;
    }
    Ok(())
}

impl FromValue for Vec<IpNet> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Networks(networks) => Some(networks.clone()),
            _ => None,
        }
    }
}

impl FromValue for Vec<ListenAddress> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Addresses(addresses) => Some(addresses.clone()),
            _ => None,
        }
    }
}

impl FromValue for bool {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Boolean(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromValue for Duration {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Duration(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromValue for u32 {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(value) => Self::try_from(*value).ok(),
            _ => None,
        }
    }
}

impl FromValue for usize {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Integer(value) => Self::try_from(*value).ok(),
            _ => None,
        }
    }
}

impl FromValue for PathBuf {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Path(path) => Some(path.clone()),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Unset => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// PostgreSQL's `parse_bool`: the words may be abbreviated as long as they are unambiguous.
fn parse_boolean(name: &'static str, text: &str) -> Result<bool, SettingsError> {
    let word = text.to_ascii_lowercase();
    let abbreviates = |whole: &str, least: usize| word.len() >= least && whole.starts_with(&word);
    let yes = abbreviates("true", 1) || abbreviates("yes", 1) || abbreviates("on", 2);
    let no = abbreviates("false", 1) || abbreviates("no", 1) || abbreviates("off", 2);
    match (yes || word == "1", no || word == "0") {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(SettingsError::BooleanRequired {
            name,
            value: text.to_owned(),
        }),
    }
}

fn parse_choice(
    name: &'static str,
    text: &str,
    values: &'static [&'static str],
    unsupported: &'static [&'static str],
) -> Result<&'static str, SettingsError> {
    let same = |value: &&&str| value.eq_ignore_ascii_case(text);
    let available = || {
        let usable = values
            .iter()
            .copied()
            .filter(|value| !unsupported.contains(value));
        usable.collect::<Vec<_>>().join(", ")
    };
    if unsupported
        .iter()
        .any(|value| value.eq_ignore_ascii_case(text))
    {
        let value = text.to_owned();
        return Err(SettingsError::NotSupported {
            name,
            value,
            available: available(),
        });
    }
    values
        .iter()
        .find(same)
        .copied()
        .ok_or_else(|| SettingsError::InvalidValue {
            name,
            value: text.to_owned(),
            hint: Some(format!("Available values: {}.", available())),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSIONS: Kind = Kind::Choice {
        values: &["TLSv1.2", "TLSv1.3"],
        unsupported: &["TLSv1"],
        optional: true,
    };

    const WORDS: Kind = Kind::Text {
        form: "WORDS",
        optional: false,
    };

    #[track_caller]
    fn refused(kind: Kind, text: &str, message: &str, hint: Option<&str>) {
        let error = kind.parse("sample", text).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.hint().as_deref(), hint);
    }

    #[test]
    fn booleans_are_spelled_as_postgresql_spells_them() {
        for text in ["on", "ON", "t", "tru", "true", "y", "yes", "1"] {
            assert_eq!(
                Kind::Boolean.parse("sample", text).unwrap(),
                Value::Boolean(true),
                "{text}"
            );
        }
        for text in ["of", "off", "f", "False", "n", "no", "0"] {
            assert_eq!(
                Kind::Boolean.parse("sample", text).unwrap(),
                Value::Boolean(false),
                "{text}"
            );
        }
    }

    #[test]
    fn other_booleans_are_refused_in_postgresqls_words() {
        for text in ["", "o", "maybe", "onn", "2"] {
            refused(
                Kind::Boolean,
                text,
                "parameter \"sample\" requires a Boolean value",
                Some("Write on or off (true, false, yes, no, 1 and 0 are understood too)."),
            );
        }
    }

    #[test]
    fn choices_ignore_case_and_keep_the_spelling_of_the_definition() {
        assert_eq!(
            VERSIONS.parse("sample", "tlsV1.3").unwrap(),
            Value::Choice("TLSv1.3")
        );
        assert_eq!(VERSIONS.parse("sample", "").unwrap(), Value::Unset);
    }

    #[test]
    fn an_empty_text_is_not_set_where_it_may_be() {
        let optional = Kind::Text {
            form: "WORDS",
            optional: true,
        };
        assert_eq!(optional.parse("sample", "").unwrap(), Value::Unset);
        assert_eq!(
            WORDS.parse("sample", "").unwrap(),
            Value::Text(String::new())
        );
    }

    #[test]
    fn unknown_and_unsupported_choices_are_told_apart() {
        refused(
            VERSIONS,
            "TLSv9",
            "invalid value for parameter \"sample\": \"TLSv9\"",
            Some("Available values: TLSv1.2, TLSv1.3."),
        );
        refused(
            VERSIONS,
            "TLSv1",
            "\"sample\" setting \"TLSv1\" not supported by this build",
            Some("Available values: TLSv1.2, TLSv1.3."),
        );
    }

    #[test]
    fn values_are_shown_as_they_would_be_written() {
        for (kind, text) in [
            (
                Kind::Addresses,
                "127.0.0.1:5432,[::1]:0,*:5432,localhost:5433",
            ),
            (Kind::Boolean, "off"),
            (
                Kind::Duration {
                    min: 0,
                    max: 600,
                    unit: Unit::Seconds,
                },
                "90s",
            ),
            (Kind::Integer { min: 0, max: 600 }, "90"),
            (Kind::Networks, "10.0.0.0/8,192.0.2.1/32,2001:db8::/32"),
            (Kind::Networks, ""),
            (Kind::Path, "/etc/server.crt"),
            (Kind::Path, ""),
            (WORDS, "HIGH:!aNULL"),
            (WORDS, ""),
        ] {
            assert_eq!(kind.parse("sample", text).unwrap().to_string(), text);
        }
    }
}
