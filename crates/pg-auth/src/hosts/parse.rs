//! From the fields of a line to a [`Host`]: `parse_hosts_line` of PostgreSQL's `be-secure-common.c`, and
//! our options.

use std::path::{Path, PathBuf};

use super::{Host, HostMode};
use crate::tokens::{self, Fault, Line, Token};

/// # Errors
///
/// The first fault of the line, as in PostgreSQL; faults of options last.
pub(super) fn host(line: &Line) -> Result<Host, Fault> {
    let file = &line.place.file;
    let (fields, options) = without_options(&line.fields);
    let mut fields = fields.iter().map(Vec::as_slice);
    let names = names(fields.next().unwrap_or_default())?;
    let certificate = required(fields.next(), "SSL certificate")?;
    let key = required(fields.next(), "SSL key")?;
    let client_ca = optional(fields.next(), "SSL CA")?;
    let passphrase_command = optional(fields.next(), "SSL passphrase command")?;
    let supports_reload = fields.next();
    if fields.next().is_some() {
        return Err(Fault::new("extra fields at end of line").hint(OPTIONS));
    }
    let passphrase_command_supports_reload = match supports_reload {
        None => false,
        Some([token]) => boolean(&token.text).ok_or_else(not_boolean)?,
        Some(_) => return Err(not_boolean()),
    };
    let options = Options::new(options, file)?;
    Ok(Host {
        names,
        certificate: tokens::beside(file, &certificate.text),
        key: tokens::beside(file, &key.text),
        client_ca: client_ca.map(|token| tokens::beside(file, &token.text)),
        passphrase_command: passphrase_command.map(|token| token.text.clone()),
        passphrase_command_supports_reload,
        second: options.second()?,
        ssl_mode: options.ssl_mode,
        place: line.place.clone(),
    })
}

/// Cuts off the options at the end: words without quotes that begin with the name of one.
fn without_options(fields: &[Vec<Token>]) -> (&[Vec<Token>], &[Vec<Token>]) {
    let is_option = |field: &Vec<Token>| match field.as_slice() {
        [token] => !token.quoted && option(token).is_some(),
        _ => false,
    };
    let count = fields.iter().rev().take_while(|it| is_option(it)).count();
    fields.split_at(fields.len().saturating_sub(count))
}

/// The name and the value of an option.
fn option(token: &Token) -> Option<(&str, &str)> {
    token
        .text
        .split_once('=')
        .filter(|(name, _)| ["cert2", "key2", "ssl_mode"].contains(name))
}

fn names(tokens: &[Token]) -> Result<Vec<String>, Fault> {
    for token in tokens {
        let name = token.text.as_str();
        if [Host::DEFAULT, Host::NO_SNI].contains(&name) {
            if tokens.len() > 1 {
                return Err(Fault::new(
                    "default and non-SNI entries cannot be mixed with other entries",
                ));
            }
        } else if name.strip_prefix("*.").unwrap_or(name).contains('*') || name == "*." {
            return Err(Fault::new(format!("invalid wildcard in host name \"{name}\"")).hint(
                "A star stands for the whole first label of a name, as in *.example.org, or alone for all names.",
            ));
        }
    }
    Ok(tokens.iter().map(|token| token.text.clone()).collect())
}

/// The only token of a field that must be there.
fn required<'a>(field: Option<&'a [Token]>, what: &str) -> Result<&'a Token, Fault> {
    match field {
        None => Err(Fault::new("missing entry at end of line")),
        Some([token]) => Ok(token),
        Some(_) => Err(Fault::new(format!("multiple values specified for {what}"))),
    }
}

/// The only token of a field that may be missing, or be empty, which means the same.
fn optional<'a>(field: Option<&'a [Token]>, what: &str) -> Result<Option<&'a Token>, Fault> {
    field
        .map(|field| required(Some(field), what))
        .transpose()
        .map(|token| token.filter(|token| !token.text.is_empty()))
}

/// `parse_bool` of PostgreSQL's `bool.c`: words may be cut as long as they are not ambiguous.
pub(super) fn boolean(text: &str) -> Option<bool> {
    let text = text.to_ascii_lowercase();
    let is = |word: &str, least: usize| text.len() >= least && word.starts_with(&text);
    if is("true", 1) || is("yes", 1) || is("on", 2) || text == "1" {
        Some(true)
    } else if is("false", 1) || is("no", 1) || is("off", 2) || text == "0" {
        Some(false)
    } else {
        None
    }
}

fn not_boolean() -> Fault {
    Fault::new("incorrect syntax for boolean value SSL_passphrase_cmd_reload")
}

/// What is ours.
#[derive(Default)]
struct Options {
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    ssl_mode: Option<HostMode>,
}

impl Options {
    fn new(fields: &[Vec<Token>], file: &Path) -> Result<Self, Fault> {
        let mut options = Self::default();
        for (name, value) in fields.iter().flatten().filter_map(option) {
            let path = || tokens::beside(file, value);
            let repeated = match name {
                "cert2" => options.certificate.replace(path()).is_some(),
                "key2" => options.key.replace(path()).is_some(),
                _ => options.ssl_mode.replace(mode(value)?).is_some(),
            };
            if repeated {
                return Err(Fault::new(format!("multiple values specified for {name}")));
            }
            if value.is_empty() {
                return Err(Fault::new(format!("no value specified for {name}")));
            }
        }
        Ok(options)
    }

    fn second(&self) -> Result<Option<(PathBuf, PathBuf)>, Fault> {
        match (&self.certificate, &self.key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some((certificate.clone(), key.clone()))),
            _ => Err(Fault::new("cert2 and key2 must be specified together")),
        }
    }
}

fn mode(value: &str) -> Result<HostMode, Fault> {
    match value {
        "require" => Ok(HostMode::Require),
        "verify-ca" => Ok(HostMode::VerifyCa),
        "verify-full" => Ok(HostMode::VerifyFull),
        _ => Err(
            Fault::new(format!("invalid value for ssl_mode: \"{value}\"")).hint(
                "Allowed are require, verify-ca and verify-full: who asks for a host has TLS.",
            ),
        ),
    }
}

const OPTIONS: &str = "Behind the fields there may be ssl_mode=…, and cert2=… with key2=…, without quotes before the \"=\".";
