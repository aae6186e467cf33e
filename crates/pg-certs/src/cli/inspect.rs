//! `pg-certs inspect`: what is in files.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use clap::Args;
use pg_certs::CertificateInfo;
use pg_certs::info::RevocationList;
use pg_certs::inspect::{Item, KeyInfo, inspect};
use pg_certs::{LoadError, check_key_file_permissions};
use serde::Serialize;

use super::json;
use super::output::{self, Exit};

#[derive(Args, Debug)]
pub(super) struct Options {
    /// Certificates, keys, revocation lists
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// One file in JSON.
#[derive(Serialize)]
struct Report {
    file: String,
    items: Vec<Entry>,
    error: Option<String>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Entry {
    Certificate(json::Certificate),
    PrivateKey {
        form: String,
        algorithm: Option<String>,
        encrypted: bool,
        /// What PostgreSQL has against owner or mode of the file.
        objection: Option<String>,
    },
    RevocationList(json::List),
    Other {
        what: String,
    },
}

/// Every file is shown, whatever is wrong with the others.
pub(super) fn run(options: &Options) -> Result<Exit> {
    let now = SystemTime::now();
    let seen: Vec<(&PathBuf, Result<Vec<Item>, LoadError>)> = options
        .files
        .iter()
        .map(|path| (path, inspect(path)))
        .collect();
    if options.json {
        let reports: Vec<Report> = seen
            .iter()
            .map(|(path, items)| report(path, items, now))
            .collect();
        output::json(&reports)?;
    } else {
        for (path, items) in &seen {
            match items {
                Ok(items) => output::text(&describe(path, items, now))?,
                Err(error) => output::note(&format!("error: {error}")),
            }
        }
    }
    match seen.iter().all(|(_, items)| items.is_ok()) {
        true => Ok(Exit::Fine),
        false => Ok(Exit::Problem),
    }
}

fn report(path: &Path, items: &Result<Vec<Item>, LoadError>, now: SystemTime) -> Report {
    Report {
        file: json::path(path),
        items: items
            .iter()
            .flatten()
            .filter_map(|item| entry(path, item, now))
            .collect(),
        error: items.as_ref().err().map(ToString::to_string),
    }
}

fn entry(path: &Path, item: &Item, now: SystemTime) -> Option<Entry> {
    Some(match item {
        Item::Certificate(info) => Entry::Certificate(json::Certificate::new(info, now)),
        Item::PrivateKey(key) => Entry::PrivateKey {
            form: key.form.to_string(),
            algorithm: key.algorithm.as_ref().map(ToString::to_string),
            encrypted: key.is_encrypted(),
            objection: check_key_file_permissions(path)
                .err()
                .map(|error| error.to_string()),
        },
        Item::RevocationList(list) => Entry::RevocationList(json::List::new(list)),
        Item::Other(kind) => Entry::Other {
            what: kind.to_string(),
        },
        _ => return None,
    })
}

fn describe(path: &Path, items: &[Item], now: SystemTime) -> String {
    let mut text = format!("{}\n", path.display());
    for item in items {
        match item {
            Item::Certificate(info) => certificate(info, now, &mut text),
            Item::PrivateKey(key) => private_key(path, key, &mut text),
            Item::RevocationList(list) => revocation_list(list, &mut text),
            Item::Other(kind) => text.push_str(&format!("  {kind}\n")),
            _ => {}
        }
    }
    text
}

fn certificate(info: &CertificateInfo, now: SystemTime, text: &mut String) {
    let listed = |items: Vec<String>| items.join(", ");
    let names = listed(
        info.subject_alt_names()
            .iter()
            .map(ToString::to_string)
            .collect(),
    );
    let uses = info
        .extended_key_usage()
        .map(|uses| listed(uses.iter().map(ToString::to_string).collect()));
    let what = match info.is_ca() {
        true => "certificate of an authority",
        false => "certificate",
    };
    text.push_str(&format!("  {what} \"{}\"\n", info.subject()));
    let mut line = |name: &str, value: &str| text.push_str(&format!("    {name:<12} {value}\n"));
    line("issuer", &info.issuer().rfc2253());
    line("serial", &json::hex(info.serial_bytes()));
    line("from", &info.not_before_text());
    line(
        "until",
        &format!("{} ({})", info.not_after_text(), days(info.days_left(now))),
    );
    line("names", if names.is_empty() { "none" } else { &names });
    line("key", &info.key_algorithm().to_string());
    line("signature", info.signature_algorithm().name());
    line("uses", uses.as_deref().unwrap_or("any"));
    line("SHA-256", &info.fingerprint_text());
}

fn days(left: i64) -> String {
    match left {
        ..=-1 => "expired".to_owned(),
        1 => "1 day left".to_owned(),
        left => format!("{left} days left"),
    }
}

fn private_key(path: &Path, key: &KeyInfo, text: &mut String) {
    let algorithm = key
        .algorithm
        .as_ref()
        .map_or_else(|| "of unknown kind".to_owned(), ToString::to_string);
    text.push_str(&format!("  {}, {algorithm}\n", key.form));
    if let Err(error) = check_key_file_permissions(path) {
        text.push_str(&format!("    warning: {error}\n"));
    }
}

fn revocation_list(list: &RevocationList, text: &mut String) {
    let revoked = list.revoked();
    text.push_str(&format!(
        "  revocation list of \"{}\"\n    number       {}\n    from         {}\n    next by      {}\n    revoked      {}\n",
        list.issuer(),
        list.number().as_deref().unwrap_or("none"),
        list.this_update_text(),
        list.next_update_text(),
        revoked.len()
    ));
    for entry in revoked {
        text.push_str(&format!(
            "      {} {}\n",
            json::hex(entry.serial_bytes()),
            entry.reason().map_or("", |reason| reason.as_str())
        ));
    }
}
