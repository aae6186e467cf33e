//! What can be wrong with settings, and where.

use std::fmt;
use std::io;
use std::path::PathBuf;

use pg_certs::os_error;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The definition of the setting.
    Default,
    /// The configuration file, and the line in it when it is known.
    File {
        /// The file as it was named.
        path: PathBuf,
        /// Counted from 1.
        line: Option<usize>,
    },
    /// An environment variable, by its name.
    Environment(String),
    /// A flag, by its name with the dashes.
    Flag(String),
}

/// Why a setting, or a source of settings, cannot be used; the operator can mend all of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The value must be a truth value.
    #[error("parameter \"{name}\" requires a Boolean value")]
    BooleanRequired {
        /// The setting.
        name: &'static str,
        /// What was written.
        value: String,
    },
    /// The value is not of the setting's kind.
    #[error("invalid value for parameter \"{name}\": \"{value}\"")]
    InvalidValue {
        /// The setting.
        name: &'static str,
        /// What was written.
        value: String,
        /// What can be written instead.
        hint: Option<String>,
    },
    /// Two settings are needed together and only one is there.
    #[error("\"{name}\" is set, but \"{missing}\" is not")]
    MissingPartner {
        /// The setting that is there.
        name: &'static str,
        /// The setting that is not.
        missing: &'static str,
    },
    /// Client certificates are to be verified and there is nothing to verify them with.
    #[error("\"ssl_mode\" setting \"{mode}\" requires \"ssl_ca_file\"")]
    NoCertificateAuthority {
        /// The mode that asks for client certificates.
        mode: pg_tls::SslMode,
    },
    /// Certificates are to depend on the host name and nothing says how.
    #[error("\"ssl_sni\" is on, but \"hosts_file\" is not set")]
    NoHostsFile,
    /// The bytes are not UTF-8.
    #[error("value of parameter \"{name}\" is not valid UTF-8")]
    NotUnicode {
        /// The setting.
        name: &'static str,
    },
    /// PostgreSQL or another build has this value, this build does not.
    #[error("\"{name}\" setting \"{value}\" not supported by this build")]
    NotSupported {
        /// The setting.
        name: &'static str,
        /// What was written.
        value: String,
        /// The values this build has.
        available: String,
    },
    /// A number is too small or too large.
    #[error(
        "{value}{unit} is outside the valid range for parameter \"{name}\" ({min}{unit} .. {max}{unit})"
    )]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// What was written, in the setting's unit.
        value: i64,
        /// The least allowed.
        min: i64,
        /// The greatest allowed.
        max: i64,
        /// The unit with a blank before it, or nothing.
        unit: String,
    },
    /// The configuration file is not TOML.
    #[error("syntax error in configuration file, column {column}: {message}")]
    Syntax {
        /// The parser's complaint.
        message: String,
        /// Counted from 1, in characters.
        column: usize,
    },
    /// The configuration file cannot be read.
    #[error("could not open configuration file \"{}\": {}", path.display(), os_error::text(source))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no such setting.
    #[error("unrecognized configuration parameter \"{name}\"")]
    Unrecognized {
        /// What was written.
        name: String,
        /// What was probably meant, in the notation of the source.
        suggestion: Option<String>,
    },
    /// The lowest protocol version is above the highest.
    #[error("\"ssl_min_protocol_version\" cannot be higher than \"ssl_max_protocol_version\"")]
    VersionRange {
        /// The lowest.
        min: pg_tls::TlsVersion,
        /// The highest.
        max: pg_tls::TlsVersion,
    },
    /// The TOML value is of a type that no setting of this kind has.
    #[error("invalid value for parameter \"{name}\": {found} instead of {expected}")]
    WrongType {
        /// The setting.
        name: &'static str,
        /// The type that was found.
        found: &'static str,
        /// The types that would do.
        expected: &'static str,
    },
    /// The setting cannot be given in the configuration file.
    #[error("parameter \"{name}\" cannot be set in a configuration file")]
    WrongPlace {
        /// The setting.
        name: &'static str,
    },
}

/// One thing that is wrong, and where it is.
#[derive(Debug)]
pub struct Problem {
    /// Where it was written; for a file that cannot be read, where its name was.
    pub origin: Origin,
    /// What is wrong.
    pub error: SettingsError,
}

/// Everything that is wrong, in the order of the sources: file, environment, flags, then what
/// only shows in the values together.
#[derive(Debug)]
pub struct Problems<'a>(pub &'a [Problem]);

impl SettingsError {
    /// The setting whose value is wrong; `None` when the source itself is.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        match self {
            Self::BooleanRequired { name, .. }
            | Self::InvalidValue { name, .. }
            | Self::MissingPartner { name, .. }
            | Self::NotUnicode { name }
            | Self::NotSupported { name, .. }
            | Self::OutOfRange { name, .. }
            | Self::WrongType { name, .. }
            | Self::WrongPlace { name } => Some(name),
            Self::NoCertificateAuthority { .. } => Some("ssl_mode"),
            Self::NoHostsFile => Some("ssl_sni"),
            Self::VersionRange { .. } => Some("ssl_min_protocol_version"),
            Self::Syntax { .. } | Self::Unreadable { .. } | Self::Unrecognized { .. } => None,
        }
    }

    /// How to mend it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::BooleanRequired { .. } => Some(
                "Write on or off (true, false, yes, no, 1 and 0 are understood too).".to_owned(),
            ),
            Self::InvalidValue { hint, .. } => hint.clone(),
            Self::MissingPartner { missing, .. } => Some(format!(
                "Set \"{missing}\" too, or neither of them to have development certificates \
                 generated."
            )),
            Self::NoCertificateAuthority { .. } => Some(
                "Set \"ssl_ca_file\" to the certificates of the authorities that sign your \
                 clients' certificates."
                    .to_owned(),
            ),
            Self::NoHostsFile => Some(
                "Set \"hosts_file\" to a file like PostgreSQL's pg_hosts.conf, or \"ssl_sni\" to off."
                    .to_owned(),
            ),
            Self::NotSupported { available, .. } => Some(format!("Available values: {available}.")),
            Self::OutOfRange { .. } | Self::NotUnicode { .. } => None,
            Self::Syntax { .. } => Some(
                "The file is TOML: one setting a line, text in quotes, as in ssl_mode = \"require\"."
                    .to_owned(),
            ),
            Self::Unreadable { source, .. } => Some(match source.kind() {
                io::ErrorKind::NotFound => "Check the name.".to_owned(),
                io::ErrorKind::PermissionDenied => {
                    "Let the user that runs the server read it.".to_owned()
                }
                _ => "The configuration file must be a readable text file in UTF-8.".to_owned(),
            }),
            Self::Unrecognized { suggestion, .. } => Some(match suggestion {
                Some(suggestion) => format!("Perhaps you meant \"{suggestion}\"."),
                None => "heliosdb-server --help lists all of them.".to_owned(),
            }),
            Self::VersionRange { min, max } => Some(format!(
                "Lower \"ssl_min_protocol_version\" ({min}) or raise \
                 \"ssl_max_protocol_version\" ({max})."
            )),
            Self::WrongType { .. } => Some(
                "Every setting is a key at the top of the file, with one value.".to_owned(),
            ),
            Self::WrongPlace { name } => Some(format!(
                "Give it with --{} on the command line.",
                name.replace('_', "-")
            )),
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File {
                path,
                line: Some(line),
            } => write!(f, "{}:{line}", path.display()),
            Self::File { path, line: None } => write!(f, "{}", path.display()),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

impl fmt::Display for Problem {
    /// Where and what on the first line, how to mend it on the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.origin {
            // What is wrong between two defaults and others has no single place.
            Origin::Default => write!(f, "{}", self.error)?,
            origin => write!(f, "{origin}: {}", self.error)?,
        }
        match self.error.hint() {
            Some(hint) => write!(f, "\n    HINT:  {hint}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problems<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems<'_> {}
