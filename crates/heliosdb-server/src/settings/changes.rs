//! What differs when the sources are read again.

use std::fmt;

use super::definition::Change;
use super::error::Origin;
use super::kind::Value;
use super::load::Effective;

/// How one setting differs from before; displayed as PostgreSQL's line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It has another value.
    Changed {
        /// The setting.
        name: &'static str,
        /// Its value now.
        value: Value,
    },
    /// It is no longer in the file and has its default.
    Removed {
        /// The setting.
        name: &'static str,
    },
    /// It should have another value, and keeps its own until the next start.
    NeedsRestart {
        /// The setting.
        name: &'static str,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { name, value } => {
                write!(f, "parameter \"{name}\" changed to \"{value}\"")
            }
            Self::Removed { name } => write!(
                f,
                "parameter \"{name}\" removed from configuration file, reset to default"
            ),
            Self::NeedsRestart { name } => write!(
                f,
                "parameter \"{name}\" cannot be changed without restarting the server"
            ),
        }
    }
}

/// Finds what differs, and puts the old value back where a change needs a restart.
pub(super) fn apply(new: &mut [Effective], old: &[Effective]) -> Vec<Difference> {
    let mut differences = Vec::new();
    for (new, old) in new.iter_mut().zip(old) {
        let name = new.setting.name;
        let unchanged = new.value == old.value;
        match new.setting.change {
            _ if unchanged => {}
            Change::Restart => {
                *new = old.clone();
                differences.push(Difference::NeedsRestart { name });
            }
            Change::Reload if new.origin == Origin::Default => {
                differences.push(Difference::Removed { name });
            }
            Change::Reload => {
                let value = new.value.clone();
                differences.push(Difference::Changed { name, value });
            }
        }
    }
    differences
}

#[cfg(test)]
mod tests {
    use std::fs;

    use crate::settings::{Loaded, flags, load};

    fn loaded(path: &std::path::Path, text: &str) -> Loaded {
        fs::write(path, text).unwrap();
        let command = clap::Command::new("test").args(flags::args());
        let arguments = ["test", "--ssl-mode=allow", "--config"];
        let arguments = arguments
            .iter()
            .map(AsRef::as_ref)
            .chain([path.as_os_str()]);
        load(&command.get_matches_from(arguments), []).unwrap()
    }

    #[test]
    fn differences_are_told_in_postgresqls_words() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("heliosdb.toml");
        let old = "max_connections = 5\nauthentication_timeout = 3\nlog_format = \"json\"\n";
        let new = "ssl_mode = \"disable\"\nauthentication_timeout = \"2min\"\ndata_dir = \"d\"\n\
                   listen = \"127.0.0.1:1\"\ntcp_keepalives_count = 0\n";
        let (old, new) = (loaded(&path, old), loaded(&path, new));
        let (loaded, differences) = new.succeed(&old).unwrap();
        let lines: Vec<String> = differences.iter().map(ToString::to_string).collect();
        // The flag beats the file, so nothing is said about the mode.
        assert_eq!(
            lines,
            [
                "parameter \"data_dir\" cannot be changed without restarting the server",
                "parameter \"log_format\" cannot be changed without restarting the server",
                "parameter \"listen\" cannot be changed without restarting the server",
                "parameter \"max_connections\" removed from configuration file, reset to default",
                "parameter \"authentication_timeout\" changed to \"2min\"",
            ]
        );
        let settings = loaded.settings().unwrap();
        assert_eq!(settings.data_dir, None);
        assert_eq!(settings.max_connections, 100);
        assert_eq!(loaded.origin("log_format"), old.origin("log_format"));
    }
}
