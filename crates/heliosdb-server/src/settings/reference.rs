//! The table of settings in the guide, generated from the definitions.

use std::fmt::Write as _;

use super::definition::{Change, Group, Place, Setting};
use super::table::SETTINGS;

/// All settings as Markdown, a table for each heading.
#[must_use]
pub fn reference_table() -> String {
    let mut text = String::new();
    for group in Group::ALL {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "### {}\n\n| Setting | Values | Default | Changes at | Meaning |\n|---|---|---|---|---|\n",
            group.heading()
        );
        for setting in SETTINGS.iter().filter(|setting| setting.group == group) {
            text.push_str(&row(setting));
        }
        text.push('\n');
    }
    text
}

fn row(setting: &Setting) -> String {
    let file_key = match setting.place {
        Place::Everywhere => format!("`{}`<br>", setting.name),
        Place::BeforeFile => String::new(),
    };
    let default = match setting.default {
        "" => "none".to_owned(),
        default => format!("`{default}`"),
    };
    let change = match setting.change {
        Change::Reload => "reload",
        Change::Restart => "restart",
    };
    format!(
        "| {file_key}`--{}`<br>`{}` | {} | {default} | {change} | {} |\n",
        setting.flag(),
        setting.environment_variable(),
        setting.kind.describe(),
        setting.paragraphs().join("<br>")
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    const BEGIN: &str =
        "<!-- settings: generated from crates/heliosdb-server/src/settings/table.rs -->\n";
    const END: &str = "<!-- end of settings -->\n";

    #[test]
    fn the_guide_shows_the_definitions() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/guides/CONFIGURATION.md");
        let guide = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = guide
            .split_once(BEGIN)
            .expect("the guide has the first marker");
        let (shown, after) = rest.split_once(END).expect("the guide has the last marker");
        let table = format!("\n{}", reference_table());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, [before, BEGIN, &table, END, after].concat()).unwrap();
        } else {
            assert!(
                shown == table,
                "{} differs from the definitions of the settings; bring it up to date with\n\n    \
                 UPDATE_DOCS=1 cargo test -p heliosdb-server --no-default-features \
                 --features aws-lc-rs,cli --lib the_guide_shows_the_definitions\n",
                path.display()
            );
        }
    }
}
