//! What one setting is, and the names derived from it.

use super::kind::Kind;
use super::table::SETTINGS;

/// The definition of one setting; all of them are in [`super::table::SETTINGS`].
#[derive(Debug)]
pub struct Setting {
    /// The key in the configuration file, in messages and in documentation: PostgreSQL's name
    /// where PostgreSQL has such a setting.
    pub name: &'static str,
    /// What its text may be.
    pub kind: Kind,
    /// The default, written as one would write it in a file; empty means "not set".
    pub default: &'static str,
    /// Under which heading help and documentation show it.
    pub group: Group,
    /// Where it can be given.
    pub place: Place,
    /// Whether it can change while the server runs.
    pub change: Change,
    /// PostgreSQL's names for what this setting does here, offered when somebody uses them.
    pub replaces: &'static [&'static str],
    /// The documentation, line by line, as Markdown; its first paragraph is the summary.
    pub doc: &'static [&'static str],
}

/// A heading of settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The process: its files, its log, its end.
    Server,
    /// Who may connect, where and for how long.
    Connections,
    /// How clients prove who they are.
    Authentication,
    /// Encryption and certificates.
    Tls,
}

/// Where a setting can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Flag, environment and file.
    Everywhere,
    /// Flag and environment: it is needed before the file can be read.
    BeforeFile,
}

/// When another value of a setting takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// At the next reload.
    Reload,
    /// At the next start.
    Restart,
}

impl Setting {
    /// The setting of that name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// The flag without its dashes: `ssl-mode`.
    #[must_use]
    pub fn flag(&self) -> String {
        self.name.replace('_', "-")
    }

    /// The environment variable: `HELIOSDB_SSL_MODE`.
    #[must_use]
    pub fn environment_variable(&self) -> String {
        format!("{ENVIRONMENT_PREFIX}{}", self.name.to_ascii_uppercase())
    }

    /// The documentation as paragraphs, lines joined.
    #[must_use]
    pub fn paragraphs(&self) -> Vec<String> {
        let mut paragraphs = vec![String::new()];
        for line in self.doc.iter().map(|line| line.trim()) {
            match paragraphs.last_mut() {
                Some(last) if !line.is_empty() => {
                    if !last.is_empty() {
                        last.push(' ');
                    }
                    last.push_str(line);
                }
                _ => paragraphs.push(String::new()),
            }
        }
        paragraphs
    }
}

impl Group {
    /// In the order of the documentation.
    pub const ALL: [Self; 4] = [
        Self::Server,
        Self::Connections,
        Self::Authentication,
        Self::Tls,
    ];

    /// The heading as help and documentation show it.
    #[must_use]
    pub const fn heading(self) -> &'static str {
        match self {
            Self::Server => "Server",
            Self::Connections => "Connections",
            Self::Authentication => "Authentication",
            Self::Tls => "TLS",
        }
    }
}

/// What the name of every environment variable of ours begins with.
pub(super) const ENVIRONMENT_PREFIX: &str = "HELIOSDB_";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_and_variable_are_derived_from_the_name() {
        let setting = Setting::find("ssl_min_protocol_version").unwrap();
        assert_eq!(setting.flag(), "ssl-min-protocol-version");
        assert_eq!(
            setting.environment_variable(),
            "HELIOSDB_SSL_MIN_PROTOCOL_VERSION"
        );
    }

    #[test]
    fn lines_of_documentation_are_joined_to_paragraphs() {
        let setting = Setting {
            doc: &[" One", " two.", "", " Three."],
            ..sample()
        };
        assert_eq!(setting.paragraphs(), ["One two.", "Three."]);
    }

    fn sample() -> Setting {
        Setting {
            name: "sample",
            kind: Kind::Path,
            default: "",
            group: Group::Server,
            place: Place::Everywhere,
            change: Change::Reload,
            replaces: &[],
            doc: &[],
        }
    }
}
