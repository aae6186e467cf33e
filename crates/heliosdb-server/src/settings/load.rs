//! All sources together: who wins, and what is wrong.

use std::ffi::OsString;
use std::path::Path;

use clap::ArgMatches;

use super::changes::{self, Difference};
use super::definition::{Place, Setting};
use super::environment;
use super::error::{Origin, Problem, Problems, SettingsError};
use super::file;
use super::flags;
use super::kind::Value;
use super::rules;
use super::table::{SETTINGS, Settings};

/// What one source says.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) assignments: Vec<Assignment>,
    pub(super) problems: Vec<Problem>,
}

/// One value that a source gives to a setting.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) setting: &'static Setting,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// The value that won, and where it comes from.
#[derive(Clone, Debug)]
pub struct Effective {
    /// Which setting.
    pub setting: &'static Setting,
    /// Its value.
    pub value: Value,
    /// Where it was written.
    pub origin: Origin,
}

/// What all sources say together: the settings, where each comes from, and what is wrong.
#[derive(Debug)]
pub struct Loaded {
    settings: Settings,
    effective: Vec<Effective>,
    problems: Vec<Problem>,
}

/// Reads flags, environment and the file that one of them names, each to its end.
///
/// # Errors
/// Only when the definitions contradict themselves. What is wrong with the sources is in the
/// result, so that the caller can go on and find more: see [`Loaded::settings`].
pub fn load(
    flags: &ArgMatches,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Loaded, SettingsError> {
    let above_the_file = [environment::read(environment), flags::read(flags)];
    let file = above_the_file
        .iter()
        .flat_map(|source| &source.assignments)
        .filter(|assignment| assignment.setting.place == Place::BeforeFile)
        .filter_map(|assignment| match &assignment.value {
            Value::Path(path) => Some(file::read(path, &assignment.origin)),
            _ => None,
        })
        .next_back();

    let mut effective = defaults()?;
    let mut problems = Vec::new();
    for source in file.into_iter().chain(above_the_file) {
        problems.extend(source.problems);
        for Assignment {
            setting,
            value,
            origin,
        } in source.assignments
        {
            for entry in effective
                .iter_mut()
                .filter(|entry| entry.setting.name == setting.name)
            {
                entry.value = value.clone();
                entry.origin = origin.clone();
            }
        }
    }
    let settings = Settings::from_effective(&effective)?;
    let mut loaded = Loaded {
        settings,
        effective,
        problems,
    };
    let contradictions = rules::contradictions(&loaded);
    loaded.problems.extend(contradictions);
    Ok(loaded)
}

impl Loaded {
    /// The settings, when nothing is wrong in any source.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn settings(&self) -> Result<&Settings, Problems<'_>> {
        if self.problems.is_empty() {
            Ok(&self.settings)
        } else {
            Err(Problems(&self.problems))
        }
    }

    /// The settings if those of concern are right, whatever is wrong with others.
    pub fn settings_if_sound(&self, of_concern: impl Fn(&Setting) -> bool) -> Option<&Settings> {
        let mut names = self
            .problems
            .iter()
            .filter_map(|problem| problem.error.name());
        let unsound = names.any(|name| Setting::find(name).is_some_and(&of_concern));
        (!unsound).then_some(&self.settings)
    }

    /// Every setting's value and origin, in the order of the definitions. A value that is wrong
    /// has not been taken over.
    #[must_use]
    pub fn effective(&self) -> &[Effective] {
        &self.effective
    }

    /// The effective settings as the text of a configuration file, each line with its origin.
    #[must_use]
    pub fn to_toml(&self) -> String {
        file::write(&self.effective)
    }

    /// Replaces `old` while the server runs: what needs a restart stays as it was. Tells what differs.
    ///
    /// # Errors
    /// Only when the definitions contradict themselves.
    pub fn succeed(mut self, old: &Self) -> Result<(Self, Vec<Difference>), SettingsError> {
        let differences = changes::apply(&mut self.effective, &old.effective);
        self.settings = Settings::from_effective(&self.effective)?;
        Ok((self, differences))
    }

    /// Where the value of this setting comes from.
    #[must_use]
    pub fn origin(&self, name: &str) -> Origin {
        let entry = self
            .effective
            .iter()
            .find(|entry| entry.setting.name == name);
        entry.map_or(Origin::Default, |entry| entry.origin.clone())
    }

    /// The configuration file, if there is one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.settings.config.as_deref()
    }

    /// Everything that is wrong, in the order of the sources.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Whether a value was given for this setting and could not be used.
    pub(super) fn is_unsound(&self, name: &str) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.error.name() == Some(name))
    }

    /// The settings as they are, for rules that look at several.
    pub(super) const fn values(&self) -> &Settings {
        &self.settings
    }
}

impl Source {
    /// A source that cannot be read at all.
    pub(super) fn failed(origin: Origin, error: SettingsError) -> Self {
        Self {
            assignments: Vec::new(),
            problems: vec![Problem { origin, error }],
        }
    }

    /// Takes over one setting's value, or what is wrong with it.
    pub(super) fn take(
        &mut self,
        origin: Origin,
        parsed: Result<(&'static Setting, Value), SettingsError>,
    ) {
        match parsed {
            Ok((setting, value)) => {
                self.assignments.push(Assignment {
                    setting,
                    value,
                    origin,
                });
            }
            Err(error) => self.problems.push(Problem { origin, error }),
        }
    }
}

fn defaults() -> Result<Vec<Effective>, SettingsError> {
    SETTINGS
        .iter()
        .map(|setting| {
            let value = setting.kind.parse(setting.name, setting.default)?;
            Ok(Effective {
                setting,
                value,
                origin: Origin::Default,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::settings::Group;

    fn loaded(file: &str, environment: &[(&str, &str)], flags: &[&str]) -> Loaded {
        let mut path = tempfile::NamedTempFile::new().unwrap();
        path.write_all(file.as_bytes()).unwrap();
        let config = path.path().to_str().unwrap();
        let arguments = ["test", "--config", config]
            .into_iter()
            .chain(flags.iter().copied());
        let command = clap::Command::new("test").args(flags::args());
        let environment = environment
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        load(&command.get_matches_from(arguments), environment).unwrap()
    }

    #[test]
    fn defaults_are_valid_and_documented_as_they_are_written() {
        for entry in defaults().unwrap() {
            assert_eq!(
                entry.value.to_string(),
                entry.setting.default,
                "{}",
                entry.setting.name
            );
        }
    }

    #[test]
    fn flag_beats_environment_beats_file_beats_default() {
        let file = "max_connections = 1\nauthentication_timeout = 1\nssl_mode = \"allow\"\n";
        let environment = [
            ("HELIOSDB_MAX_CONNECTIONS", "2"),
            ("HELIOSDB_AUTHENTICATION_TIMEOUT", "2"),
        ];
        let loaded = loaded(file, &environment, &["--max-connections", "3"]);
        let settings = loaded.settings().unwrap();
        assert_eq!(settings.max_connections, 3);
        assert_eq!(settings.authentication_timeout.as_secs(), 2);
        assert_eq!(settings.ssl_mode, pg_tls::SslMode::Allow);
        assert!(settings.ssl_prefer_server_ciphers);
        assert_eq!(
            loaded.origin("max_connections").to_string(),
            "--max-connections"
        );
        assert_eq!(
            loaded.origin("authentication_timeout").to_string(),
            "environment HELIOSDB_AUTHENTICATION_TIMEOUT"
        );
        assert!(loaded.origin("ssl_mode").to_string().ends_with(":3"));
        assert_eq!(loaded.origin("ssl_prefer_server_ciphers"), Origin::Default);
    }

    #[test]
    fn the_last_of_two_flags_wins_and_lists_add_up() {
        let flags = [
            "--max-connections=1",
            "--max-connections=2",
            "--listen=127.0.0.1:1",
            "--listen=127.0.0.1:2,127.0.0.1:3",
            "--ssl-prefer-server-ciphers",
        ];
        let loaded = loaded("ssl_prefer_server_ciphers = false\n", &[], &flags);
        let settings = loaded.settings().unwrap();
        assert_eq!(settings.max_connections, 2);
        assert_eq!(settings.listen.len(), 3);
        assert!(settings.ssl_prefer_server_ciphers);
    }

    #[test]
    fn the_file_can_be_named_in_the_environment() {
        let command = clap::Command::new("test").args(flags::args());
        let environment = [("HELIOSDB_CONFIG".into(), "/nonexistent.toml".into())];
        let loaded = load(&command.get_matches_from(["test"]), environment).unwrap();
        let problems = loaded.settings().unwrap_err().to_string();
        assert!(problems.contains("could not open configuration file \"/nonexistent.toml\""));
    }

    #[test]
    fn errors_of_all_sources_are_told_at_once_even_in_values_that_lose() {
        let loaded = loaded(
            "max_connections = 0\n",
            &[("HELIOSDB_MAX_CONNECTIONS", "many")],
            &[
                "--max-connections",
                "5",
                "--ssl-mode",
                "full",
                "--ssl-min-protocol-version",
                "TLSv1",
            ],
        );
        let problems = loaded.settings().unwrap_err();
        let texts: Vec<String> = problems.0.iter().map(|it| it.error.to_string()).collect();
        assert_eq!(
            texts,
            [
                "0 is outside the valid range for parameter \"max_connections\" (1 .. 262143)",
                "invalid value for parameter \"max_connections\": \"many\"",
                "invalid value for parameter \"ssl_mode\": \"full\"",
                "\"ssl_min_protocol_version\" setting \"TLSv1\" not supported by this build",
            ]
        );
        assert!(
            loaded
                .settings_if_sound(|it| it.group == Group::Tls)
                .is_none()
        );
        assert!(loaded.settings_if_sound(|it| it.name == "listen").is_some());
    }
}
