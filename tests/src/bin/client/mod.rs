//! What the client programs share: libpq's options as words, and what a failure is.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

/// libpq's `sslmode`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SslMode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// A connection's options, spelled `name=value` as in a libpq connection string.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) dbname: String,
    pub(crate) password: Option<String>,
    pub(crate) sslmode: SslMode,
    pub(crate) sslrootcert: Option<PathBuf>,
    pub(crate) sslcert: Option<PathBuf>,
    pub(crate) sslkey: Option<PathBuf>,
    /// `sslnegotiation=direct`.
    pub(crate) direct: bool,
    /// What `channel_binding` says of SCRAM: must it be bound, or must it not?
    pub(crate) bound: Option<bool>,
    /// The program's own words, which libpq does not know.
    own: HashMap<String, String>,
}

impl Options {
    /// Reads words of the form `name=value`; beside libpq's, those of the program's `own` names.
    pub(crate) fn from_words(words: impl Iterator<Item = String>, own: &[&str]) -> Result<Self> {
        let mut given = HashMap::new();
        for word in words {
            let (name, value) = word
                .split_once('=')
                .with_context(|| format!("{word:?} is not name=value"))?;
            given.insert(name.to_owned(), value.to_owned());
        }
        let mut take = |name: &str| given.remove(name);
        // The programs take too long to hang only if a server does; who runs them has a deadline.
        take("connect_timeout");
        // The name is what certificates are for, and it resolves to this address.
        take("hostaddr");
        let options = Self {
            host: take("host").unwrap_or_else(|| "localhost".to_owned()),
            port: take("port")
                .map_or(Ok(5432), |port| port.parse())
                .context("port")?,
            user: take("user").context("user is missing")?,
            dbname: take("dbname").context("dbname is missing")?,
            password: take("password"),
            sslmode: ssl_mode(&take("sslmode").unwrap_or_else(|| "prefer".to_owned()))?,
            sslrootcert: take("sslrootcert").map(PathBuf::from),
            sslcert: take("sslcert").map(PathBuf::from),
            sslkey: take("sslkey").map(PathBuf::from),
            direct: take("sslnegotiation").is_some_and(|how| how == "direct"),
            bound: match take("channel_binding").as_deref() {
                None | Some("prefer") => None,
                Some("require") => Some(true),
                Some("disable") => Some(false),
                Some(other) => bail!("channel_binding={other} is not known here"),
            },
            own: own
                .iter()
                .filter_map(|&name| Some((name.to_owned(), take(name)?)))
                .collect(),
        };
        if let Some(name) = given.keys().next() {
            bail!("the option {name} is not known here");
        }
        Ok(options)
    }

    /// The value of one of the program's own words.
    pub(crate) fn own(&self, name: &str) -> Result<&str> {
        let value = self
            .own
            .get(name)
            .with_context(|| format!("{name} is missing"))?;
        Ok(value)
    }
}

fn ssl_mode(text: &str) -> Result<SslMode> {
    Ok(match text {
        "disable" => SslMode::Disable,
        "prefer" => SslMode::Prefer,
        "require" => SslMode::Require,
        "verify-ca" => SslMode::VerifyCa,
        "verify-full" => SslMode::VerifyFull,
        _ => bail!("sslmode={text} is not one that this driver has"),
    })
}

/// Why there was no session, or no answer in it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The code of the server's ErrorResponse, if that is what it was.
    pub(crate) sqlstate: Option<String>,
    /// The driver's words with all their causes.
    pub(crate) text: String,
}

impl Failure {
    /// An error that no ErrorResponse led to, with its causes.
    pub(crate) fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        Self {
            sqlstate: None,
            text,
        }
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self {
            sqlstate: None,
            text: format!("{error:#}"),
        }
    }
}
