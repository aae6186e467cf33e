//! The configuration file: TOML, one key for each setting, PostgreSQL's names.

use std::fs;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::definition::{Place, Setting};
use super::error::{Origin, Problem, SettingsError};
use super::kind::{Kind, Value};
use super::load::{Effective, Source};
use super::suggest;

/// Reads the file to its end: what it sets, and everything that is wrong with it. `named` is where its
/// name was found.
pub(super) fn read(path: &Path, named: &Origin) -> Source {
    match fs::read_to_string(path) {
        Ok(text) => parse(path, &text),
        Err(source) => {
            let path = path.to_owned();
            Source::failed(named.clone(), SettingsError::Unreadable { path, source })
        }
    }
}

/// The effective settings as a file that would set them, each with its origin.
pub(super) fn write(effective: &[Effective]) -> String {
    let mut text = String::new();
    for Effective {
        setting,
        value,
        origin,
    } in effective
    {
        let mark = match setting.place {
            Place::Everywhere => "",
            Place::BeforeFile => "# ",
        };
        text.push_str(&format!(
            "{mark}{} = {}  # {origin}\n",
            setting.name,
            toml_value(value)
        ));
    }
    text
}

fn toml_value(value: &Value) -> String {
    match value {
        Value::Addresses(addresses) => toml_array(addresses),
        Value::Networks(networks) => toml_array(networks),
        Value::Boolean(flag) => flag.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Choice(_) | Value::Duration(_) | Value::Path(_) | Value::Text(_) | Value::Unset => {
            toml_string(&value.to_string())
        }
    }
}

fn toml_array(items: &[impl ToString]) -> String {
    let items = items.iter().map(|item| toml_string(&item.to_string()));
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

/// A basic string of TOML: quotes, backslashes and control characters are escaped.
fn toml_string(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

fn parse(path: &Path, text: &str) -> Source {
    let mut found = Source::default();
    let origin = |offset: usize| Origin::File {
        path: path.to_owned(),
        line: Some(line_of(text, offset)),
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    let broken: Vec<usize> = errors
        .iter()
        .map(|error| error.span().map_or(text.len(), |span| span.start))
        .collect();
    for (error, offset) in errors.iter().zip(&broken) {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let column = column_of(text, *offset);
        let error = SettingsError::Syntax { message, column };
        found.problems.push(Problem {
            origin: origin(*offset),
            error,
        });
    }
    // What the parser recovered on a line that it complained about is noise.
    let is_broken = |offset: usize| {
        broken
            .iter()
            .any(|broken| line_of(text, *broken) == line_of(text, offset))
    };
    let mut entries: Vec<_> = table.get_ref().iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let offset = key.span().start;
        if is_broken(offset) {
            continue;
        }
        found.take(origin(offset), entry(path, key.get_ref(), value));
    }
    found
}

fn entry(
    path: &Path,
    key: &str,
    value: &Spanned<DeValue<'_>>,
) -> Result<(&'static Setting, Value), SettingsError> {
    let Some(setting) = Setting::find(key) else {
        let name = key.to_owned();
        let suggestion = suggest::meant(key).map(|setting| setting.name.to_owned());
        return Err(SettingsError::Unrecognized { name, suggestion });
    };
    if setting.place == Place::BeforeFile {
        return Err(SettingsError::WrongPlace { name: setting.name });
    }
    let value = setting
        .kind
        .parse(setting.name, &text_of(setting, value.get_ref())?)?;
    Ok((setting, beside(path, value)))
}

/// The value as text for the setting's own parser, so that all sources obey the same rules.
fn text_of(setting: &Setting, value: &DeValue<'_>) -> Result<String, SettingsError> {
    let wrong_type = |value: &DeValue<'_>| SettingsError::WrongType {
        name: setting.name,
        found: value.type_str(),
        expected: match setting.kind {
            Kind::Addresses | Kind::Networks => "a string or an array of strings",
            Kind::Boolean => "a boolean",
            Kind::Duration { .. } => "an integer or a string with a unit",
            Kind::Integer { .. } => "an integer",
            Kind::Choice { .. } | Kind::Path | Kind::Text { .. } => "a string",
        },
    };
    let is_number = matches!(setting.kind, Kind::Duration { .. } | Kind::Integer { .. });
    match value {
        DeValue::String(text) => Ok(text.clone().into_owned()),
        DeValue::Integer(number) if is_number || setting.kind == Kind::Boolean => {
            // Only TOML's decimal notation has a meaning in the other sources too.
            if number.radix() == 10 {
                Ok(number.as_str().to_owned())
            } else {
                Err(wrong_type(value))
            }
        }
        DeValue::Float(number) if is_number => Ok(number.as_str().to_owned()),
        DeValue::Boolean(flag) if setting.kind == Kind::Boolean => {
            Ok(if *flag { "on" } else { "off" }.to_owned())
        }
        DeValue::Array(items) if matches!(setting.kind, Kind::Addresses | Kind::Networks) => {
            let items: Result<Vec<&str>, _> = items
                .iter()
                .map(|item| {
                    item.get_ref()
                        .as_str()
                        .ok_or_else(|| wrong_type(item.get_ref()))
                })
                .collect();
            items.map(|items| items.join(","))
        }
        value => Err(wrong_type(value)),
    }
}

/// Relative paths in a file are relative to the file, as PostgreSQL's are to the directory that
/// its file lies in: the working directory of a service is nobody's choice.
fn beside(file: &Path, value: Value) -> Value {
    match (value, file.parent()) {
        (Value::Path(path), Some(directory)) => Value::Path(directory.join(path)),
        (value, _) => value,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.matches('\n').count() + 1
}

fn column_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.rsplit('\n').next().unwrap_or(before).chars().count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::load::Assignment;

    fn parsed(text: &str) -> (Vec<String>, Vec<String>) {
        let source = parse(Path::new("/etc/heliosdb.toml"), text);
        let shown = |assignment: Assignment| {
            format!(
                "{} {} = {}",
                assignment.origin, assignment.setting.name, assignment.value
            )
        };
        (
            source.assignments.into_iter().map(shown).collect(),
            source.problems.iter().map(ToString::to_string).collect(),
        )
    }

    #[test]
    fn values_of_every_kind_are_read_with_their_lines() {
        let (values, problems) = parsed(
            "# comment\n\
             listen = [\"127.0.0.1:5432\", \"[::1]:5432\"]\n\
             max_connections = 1_000\n\
             authentication_timeout = \"2min\"\n\
             tcp_keepalives_idle = 60\n\
             ssl_mode = \"verify-full\"\n\
             ssl_prefer_server_ciphers = false\n\
             ssl_cert_file = \"server.crt\"\n\
             ssl_key_file = '/run/key'\n\
             ssl_ca_file = \"\"\n",
        );
        assert_eq!(problems, [""; 0]);
        assert_eq!(
            values,
            [
                "/etc/heliosdb.toml:2 listen = 127.0.0.1:5432,[::1]:5432",
                "/etc/heliosdb.toml:3 max_connections = 1000",
                "/etc/heliosdb.toml:4 authentication_timeout = 2min",
                "/etc/heliosdb.toml:5 tcp_keepalives_idle = 1min",
                "/etc/heliosdb.toml:6 ssl_mode = verify-full",
                "/etc/heliosdb.toml:7 ssl_prefer_server_ciphers = off",
                "/etc/heliosdb.toml:8 ssl_cert_file = /etc/server.crt",
                "/etc/heliosdb.toml:9 ssl_key_file = /run/key",
                "/etc/heliosdb.toml:10 ssl_ca_file = ",
            ]
        );
    }

    #[test]
    fn strings_carry_every_other_spelling() {
        let (values, problems) = parsed(
            "listen = \"127.0.0.1:1, 127.0.0.1:2\"\n\
             max_connections = \"7\"\n\
             authentication_timeout = 1.5\n\
             ssl_prefer_server_ciphers = \"yes\"\n",
        );
        assert_eq!(problems, [""; 0]);
        assert_eq!(
            values,
            [
                "/etc/heliosdb.toml:1 listen = 127.0.0.1:1,127.0.0.1:2",
                "/etc/heliosdb.toml:2 max_connections = 7",
                "/etc/heliosdb.toml:3 authentication_timeout = 2s",
                "/etc/heliosdb.toml:4 ssl_prefer_server_ciphers = on",
            ]
        );
    }

    #[test]
    fn everything_wrong_is_told_with_its_line() {
        let (values, problems) = parsed(
            "ssl_mod = \"require\"\n\
             ssl_min_protocol_version = \"TLSv9\"\n\
             max_connections = 0\n\
             authentication_timeout = \"5 parsecs\"\n\
             ssl_prefer_server_ciphers = \"maybe\"\n\
             listen = [1]\n\
             ssl_cert_file = 5\n\
             ssl_key_file = 2026-01-01\n\
             max_pending_logins = 0x10\n\
             config = \"other.toml\"\n\
             [tls]\n\
             ssl_mode = \"require\"\n",
        );
        assert_eq!(values, [""; 0]);
        let expected = [
            ":1: unrecognized configuration parameter \"ssl_mod\"\n    \
             HINT:  Perhaps you meant \"ssl_mode\".",
            ":2: invalid value for parameter \"ssl_min_protocol_version\": \"TLSv9\"\n    \
             HINT:  Available values: TLSv1.2, TLSv1.3.",
            ":3: 0 is outside the valid range for parameter \"max_connections\" (1 .. 262143)",
            ":4: invalid value for parameter \"authentication_timeout\": \"5 parsecs\"\n    \
             HINT:  Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", \
             and \"d\".",
            ":5: parameter \"ssl_prefer_server_ciphers\" requires a Boolean value\n    \
             HINT:  Write on or off (true, false, yes, no, 1 and 0 are understood too).",
            ":6: invalid value for parameter \"listen\": integer instead of a string or an array \
             of strings\n    HINT:  Every setting is a key at the top of the file, with one value.",
            ":7: invalid value for parameter \"ssl_cert_file\": integer instead of a string\n    \
             HINT:  Every setting is a key at the top of the file, with one value.",
            ":8: invalid value for parameter \"ssl_key_file\": datetime instead of a string\n    \
             HINT:  Every setting is a key at the top of the file, with one value.",
            ":9: invalid value for parameter \"max_pending_logins\": integer instead",
            ":10: parameter \"config\" cannot be set in a configuration file\n    \
             HINT:  Give it with --config on the command line.",
            ":11: unrecognized configuration parameter \"tls\"\n    \
             HINT:  heliosdb-server --help lists all of them.",
        ];
        assert_eq!(problems.len(), expected.len(), "{problems:#?}");
        for (problem, expected) in problems.iter().zip(expected) {
            let expected = format!("/etc/heliosdb.toml{expected}");
            assert!(
                problem.starts_with(&expected),
                "{problem}\nis not\n{expected}"
            );
        }
    }

    #[test]
    fn syntax_errors_do_not_hide_the_rest() {
        let (values, problems) = parsed(
            "ssl_mode = require\n\
             max_connections = 5\n\
             max_connections = 6\n\
             ssl_cert_file = \"unterminated\n\
             authentication_timeout = \"0\"\n",
        );
        assert_eq!(values, ["/etc/heliosdb.toml:2 max_connections = 5"]);
        let lines: Vec<&str> = problems
            .iter()
            .filter_map(|text| text.split(": ").next())
            .collect();
        assert_eq!(
            lines,
            [
                "/etc/heliosdb.toml:1",
                "/etc/heliosdb.toml:3",
                "/etc/heliosdb.toml:4",
                "/etc/heliosdb.toml:5",
            ],
            "{problems:#?}"
        );
    }

    #[test]
    fn what_is_written_reads_back() {
        let text = "listen = [\"127.0.0.1:5432\", \"[::1]:0\"]  # default\n\
                    max_connections = 100  # default\n\
                    authentication_timeout = \"1min\"  # default\n\
                    ssl_prefer_server_ciphers = true  # default\n\
                    ssl_mode = \"require\"  # default\n\
                    ssl_cert_file = \"/a\\\"b\\\\c\\u0001\"  # default\n\
                    ssl_ca_file = \"\"  # default\n";
        let source = parse(Path::new("/etc/heliosdb.toml"), text);
        let entries: Vec<Effective> = source
            .assignments
            .into_iter()
            .map(|Assignment { setting, value, .. }| Effective {
                setting,
                value,
                origin: Origin::Default,
            })
            .collect();
        assert_eq!(write(&entries), text);
    }

    #[test]
    fn unreadable_files_are_named() {
        let named = Origin::Flag("--config".to_owned());
        let source = read(Path::new("/nonexistent/heliosdb.toml"), &named);
        let problem = source.problems.first().unwrap().to_string();
        assert_eq!(
            problem,
            "--config: could not open configuration file \"/nonexistent/heliosdb.toml\": \
             No such file or directory\n    HINT:  Check the name."
        );
    }

    #[test]
    fn no_beginning_of_a_file_upsets_the_parser() {
        let text = "listen = [\"é:1\", \"[::1]:2\"]\nssl_mode = \"ü\"\n[t]\nx.y = {a = 1.5}\n# ö\n";
        for end in 0..text.len() {
            if let Some(beginning) = text.get(..end) {
                parse(Path::new("heliosdb.toml"), beginning);
            }
        }
    }
}
