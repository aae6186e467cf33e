//! Settings from the command line.

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches};

use super::definition::Setting;
use super::error::Origin;
use super::kind::Kind;
use super::load::Source;
use super::table::SETTINGS;

/// A flag for every setting, with help from the definitions.
///
/// Values are not checked by clap: a wrong one is to be told together with those of the other
/// sources, and in the same words.
pub fn args() -> impl Iterator<Item = Arg> {
    SETTINGS.iter().map(arg)
}

/// What the flags say.
pub(super) fn read(matches: &ArgMatches) -> Source {
    let mut found = Source::default();
    for setting in SETTINGS {
        let given = matches.value_source(setting.name) == Some(ValueSource::CommandLine);
        let values = matches.try_get_many::<String>(setting.name).ok().flatten();
        if let (true, Some(values)) = (given, values) {
            let text = values.map(String::as_str).collect::<Vec<_>>().join(",");
            let value = setting.kind.parse(setting.name, &text);
            let origin = Origin::Flag(format!("--{}", setting.flag()));
            found.take(origin, value.map(|value| (setting, value)));
        }
    }
    found
}

fn arg(setting: &Setting) -> Arg {
    let paragraphs = setting.paragraphs();
    let mut origin = format!("[env: {}]", setting.environment_variable());
    if !setting.default.is_empty() {
        origin.push_str(&format!(" [default: {}]", setting.default));
    }
    let plain = |text: &str| text.replace('`', "");
    let summary = paragraphs
        .first()
        .map(|text| plain(text))
        .unwrap_or_default();
    let arg = Arg::new(setting.name)
        .long(setting.flag())
        .value_name(setting.kind.placeholder())
        .help_heading(setting.group.heading())
        .help(format!("{summary} {origin}"))
        .long_help(format!("{}\n\n{origin}", plain(&paragraphs.join("\n\n"))));
    match setting.kind {
        Kind::Addresses | Kind::Networks => arg.action(ArgAction::Append),
        Kind::Boolean => arg
            .overrides_with(setting.name)
            .num_args(0..=1)
            .default_missing_value("on"),
        _ => arg.overrides_with(setting.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_accepts_the_definitions() {
        clap::Command::new("test").args(args()).debug_assert();
    }

    #[test]
    fn help_names_variable_and_default() {
        let mut command = clap::Command::new("test").args(args());
        let help = command.render_help().to_string();
        for setting in SETTINGS {
            assert!(
                help.contains(&format!("--{}", setting.flag())),
                "{}",
                setting.name
            );
            let variable = format!("[env: {}]", setting.environment_variable());
            assert!(help.contains(&variable), "{}", setting.name);
        }
        assert!(help.contains("[default: 127.0.0.1:5432]"));
    }
}
