//! Settings from environment variables.

use std::ffi::OsString;

use super::definition::{ENVIRONMENT_PREFIX, Setting};
use super::error::{Origin, SettingsError};
use super::kind::Value;
use super::load::Source;
use super::suggest;
use super::table::SETTINGS;

/// Reads the variables that are ours.
///
/// Variables that merely begin like ours are left alone: the engine has its own, and Kubernetes
/// makes up `HELIOSDB_PORT` for a service called `heliosdb`. One that differs from ours only in
/// typing is reported, since what it was to protect would stay unprotected.
pub(super) fn read(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Source {
    let mut found = Source::default();
    let ours = variables.into_iter().filter_map(|(variable, value)| {
        let variable = variable.into_string().ok()?;
        variable
            .starts_with(ENVIRONMENT_PREFIX)
            .then_some((variable, value))
    });
    // The order of an environment is arbitrary; that of the messages should not be.
    let mut ours: Vec<_> = ours.collect();
    ours.sort();
    for (variable, value) in ours {
        let setting = SETTINGS
            .iter()
            .find(|it| it.environment_variable() == variable);
        let parsed = match setting {
            Some(setting) => parse(setting, value).map(|value| (setting, value)),
            None => match mistyped(&variable) {
                Some(error) => Err(error),
                None => continue,
            },
        };
        found.take(Origin::Environment(variable), parsed);
    }
    found
}

fn parse(setting: &'static Setting, value: OsString) -> Result<Value, SettingsError> {
    let value = value
        .into_string()
        .map_err(|_| SettingsError::NotUnicode { name: setting.name })?;
    setting.kind.parse(setting.name, &value)
}

fn mistyped(variable: &str) -> Option<SettingsError> {
    let name = variable.strip_prefix(ENVIRONMENT_PREFIX)?;
    let meant = suggest::mistyped(name)?;
    Some(SettingsError::Unrecognized {
        name: variable.to_owned(),
        suggestion: Some(meant.environment_variable()),
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn read_all(variables: &[(&str, &str)]) -> Source {
        read(
            variables
                .iter()
                .map(|(name, value)| (name.into(), value.into())),
        )
    }

    #[test]
    fn variables_of_settings_are_read() {
        let source = read_all(&[
            ("HELIOSDB_SSL_MODE", "verify-ca"),
            ("HELIOSDB_LISTEN", "127.0.0.1:1,127.0.0.1:2"),
            ("SSL_MODE", "nonsense"),
        ]);
        assert!(source.problems.is_empty());
        let shown: Vec<String> = source
            .assignments
            .iter()
            .map(|it| format!("{}: {} = {}", it.origin, it.setting.name, it.value))
            .collect();
        assert_eq!(
            shown,
            [
                "environment HELIOSDB_LISTEN: listen = 127.0.0.1:1,127.0.0.1:2",
                "environment HELIOSDB_SSL_MODE: ssl_mode = verify-ca",
            ]
        );
    }

    #[test]
    fn foreign_variables_are_left_alone() {
        for variable in [
            "HELIOSDB_PORT",
            "HELIOSDB_PASSWORD",
            "HELIOSDB_SERVICE_HOST",
            "HELIOSDB_",
        ] {
            let source = read_all(&[(variable, "tcp://10.0.0.1:5432")]);
            assert!(
                source.assignments.is_empty() && source.problems.is_empty(),
                "{variable}"
            );
        }
    }

    #[test]
    fn a_mistyped_variable_is_reported() {
        let source = read_all(&[("HELIOSDB_SSLMODE", "require")]);
        let problem = source.problems.first().unwrap().to_string();
        assert_eq!(
            problem,
            "environment HELIOSDB_SSLMODE: unrecognized configuration parameter \
             \"HELIOSDB_SSLMODE\"\n    HINT:  Perhaps you meant \"HELIOSDB_SSL_MODE\"."
        );
    }

    #[test]
    fn values_must_be_text() {
        let value = OsString::from_vec(vec![0xff]);
        let source = read([("HELIOSDB_DATA_DIR".into(), value)]);
        let problem = source.problems.first().unwrap().to_string();
        assert_eq!(
            problem,
            "environment HELIOSDB_DATA_DIR: value of parameter \"data_dir\" is not valid UTF-8"
        );
    }
}
