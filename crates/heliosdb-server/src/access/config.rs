//! `AccessConfig`: what the operator wrote about access.

use std::path::{Path, PathBuf};

use pg_auth::hba::{self, ClientCert, ConnectionKind, Method, Ssl};
use pg_auth::ident::Maps;
use pg_auth::scram::{Iterations, MockSecret};
use pg_auth::users::Users;
use pg_tls::SslMode;

use super::error::{AccessError, AccessErrors};
use super::lookups::Resolver;
use super::{AccessPolicy, Rules};

/// Who may connect and how clients prove who they are, as written. Names are those of the settings.
///
/// - Nothing set: everybody on this host is let in as any user (`trust`).
/// - [`users_file`](Self::users_file) alone: every user of the file, by password (`scram-sha-256`).
/// - [`hba_file`](Self::hba_file): the first line that matches decides.
///
/// Whatever the rules say, the [`SslMode`] must be content with the connection as well.
///
/// ```no_run
/// use heliosdb_server::{AccessConfig, PgServerBuilder};
///
/// let access = AccessConfig::new().users_file("users.txt").hba_file("pg_hba.conf");
/// let builder = PgServerBuilder::new().access(access);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct AccessConfig {
    hba_file: Option<PathBuf>,
    ident_file: Option<PathBuf>,
    users_file: Option<PathBuf>,
    scram_iterations: Iterations,
    cleartext_passwords: bool,
    trust_everywhere: bool,
}

/// What an [`AccessConfig`] meets: the part of the TLS settings that rules depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TlsFacts {
    pub(crate) mode: SslMode,
    /// Whether there is a CA that client certificates can be verified with.
    pub(crate) client_ca: bool,
}

impl AccessConfig {
    /// `trust` on this host.
    pub fn new() -> Self {
        Self::default()
    }

    /// `hba_file`: the rules, as PostgreSQL's `pg_hba.conf`; see [`pg_auth::hba`].
    pub fn hba_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.hba_file = Some(path.into());
        self
    }

    /// `ident_file`: maps from names in certificates to users, as PostgreSQL's `pg_ident.conf`; see
    /// [`pg_auth::ident`].
    pub fn ident_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ident_file = Some(path.into());
        self
    }

    /// `users_file`: who has which password, as a SCRAM verifier; see [`pg_auth::users`] for its form and
    /// for the permissions that it must have.
    pub fn users_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.users_file = Some(path.into());
        self
    }

    /// `scram_iterations`: the rounds of hashing that clients are told for users that do not exist, so
    /// that these cannot be told from others: those that passwords are usually hashed with. Default 4096.
    pub const fn scram_iterations(mut self, iterations: Iterations) -> Self {
        self.scram_iterations = iterations;
        self
    }

    /// `dangerous_cleartext_passwords`: lets method `password` ask for passwords on TCP connections
    /// without TLS.
    ///
    /// # Security
    ///
    /// Everybody on the way reads them.
    pub const fn dangerous_cleartext_passwords(mut self) -> Self {
        self.cleartext_passwords = true;
        self
    }

    /// `dangerous_trust_everywhere`: lets `trust` hold beyond this host.
    ///
    /// # Security
    ///
    /// Whoever can open a connection is any user it likes. Only sensible where something else decides
    /// who can, such as a container's network or client certificates
    /// ([`SslMode::VerifyFull`]).
    pub const fn dangerous_trust_everywhere(mut self) -> Self {
        self.trust_everywhere = true;
        self
    }

    /// Reads the files and checks them, for a server of this mode with or without a CA for client
    /// certificates (`ssl_ca_file`). Gives back what will never work but harms nothing.
    ///
    /// # Errors
    ///
    /// [`AccessErrors`]: everything that is wrong, in all files.
    pub fn check(&self, mode: SslMode, client_ca: bool) -> Result<Vec<String>, AccessErrors> {
        let policy = self.load(TlsFacts { mode, client_ca })?;
        Ok(policy.describe().1.to_vec())
    }

    pub(crate) fn load(&self, tls: TlsFacts) -> Result<AccessPolicy, AccessErrors> {
        let mut errors = Vec::new();
        let rules = self.load_rules(&mut errors);
        let maps = self.load_maps(&mut errors);
        let users = self.users_file.as_deref().map(Users::load).transpose();
        let users = users.unwrap_or_else(|error| {
            errors.push(error.into());
            None
        });
        let mock = MockSecret::random().map_err(|error| errors.push(error.into()));
        let (Ok(mock), true) = (mock, errors.is_empty()) else {
            return Err(AccessErrors(errors));
        };
        let (rules, warnings) = match rules {
            Some(rules) => {
                let warnings = warnings(&rules, &maps, tls);
                (Rules::Files(rules, maps), warnings)
            }
            None if users.is_some() => (Rules::Everybody(Method::ScramSha256), Vec::new()),
            None => (Rules::Everybody(Method::Trust), Vec::new()),
        };
        Ok(AccessPolicy {
            description: self.describe(&rules, tls.mode),
            rules,
            users: users.unwrap_or_default(),
            mock,
            iterations: self.scram_iterations,
            cleartext_passwords: self.cleartext_passwords,
            trust_everywhere: self.trust_everywhere,
            resolver: Resolver::default(),
            warnings,
        })
    }

    fn load_rules(&self, errors: &mut Vec<AccessError>) -> Option<hba::Rules> {
        match hba::Rules::load(self.hba_file.as_deref()?) {
            Ok(rules) => {
                errors.extend(rules.iter().flat_map(|rule| self.judge(rule)));
                Some(rules)
            }
            Err(found) => {
                errors.extend(found.iter().cloned().map(AccessError::Hba));
                None
            }
        }
    }

    fn load_maps(&self, errors: &mut Vec<AccessError>) -> Maps {
        let Some(path) = &self.ident_file else {
            return Maps::default();
        };
        if self.hba_file.is_none() {
            errors.push(AccessError::MapsWithoutRules);
        }
        Maps::load(path).unwrap_or_else(|found| {
            errors.extend(found.iter().cloned().map(AccessError::Ident));
            Maps::default()
        })
    }

    /// What makes a rule that PostgreSQL would take one that we do not.
    fn judge(&self, rule: &hba::Rule) -> Option<AccessError> {
        let (place, method) = (rule.into(), rule.method());
        match method {
            Method::ScramSha256 | Method::Password if self.users_file.is_none() => {
                Some(AccessError::NoUsersFile { place, method })
            }
            Method::Password
                if rule.kind() == ConnectionKind::HostNoSsl && !self.cleartext_passwords =>
            {
                Some(AccessError::CleartextPassword { place })
            }
            Method::Trust
                if !self.trust_everywhere
                    && !rule.is_about_this_host()
                    && rule.client_cert() != Some(ClientCert::VerifyFull) =>
            {
                Some(AccessError::TrustBeyondThisHost { place })
            }
            _ => None,
        }
    }

    /// What holds, for the log of the start.
    fn describe(&self, rules: &Rules, mode: SslMode) -> String {
        let file = |path: &Option<PathBuf>| {
            let path = path.as_deref().unwrap_or(Path::new(""));
            format!("\"{}\"", path.display())
        };
        let who = match rules {
            Rules::Files(..) => format!(
                "the first matching line of {} decides",
                file(&self.hba_file)
            ),
            Rules::Everybody(Method::Trust) if self.trust_everywhere => {
                "every client is trusted to be any user".to_owned()
            }
            Rules::Everybody(Method::Trust) => {
                "every client on this host is trusted to be any user".to_owned()
            }
            Rules::Everybody(method) => format!(
                "every client proves a password of {} by {method}",
                file(&self.users_file)
            ),
        };
        let also = match mode {
            SslMode::Require => "; ssl_mode \"require\" demands TLS besides",
            SslMode::VerifyCA => {
                "; ssl_mode \"verify-ca\" demands TLS and a client certificate besides"
            }
            SslMode::VerifyFull => {
                "; ssl_mode \"verify-full\" demands TLS and a client certificate with the user's name \
                 besides"
            }
            _ => "",
        };
        format!("access: {who}{also}")
    }
}

fn warnings(rules: &hba::Rules, maps: &Maps, tls: TlsFacts) -> Vec<String> {
    let ssl = if tls.mode.is_enabled() {
        Ssl::On
    } else {
        Ssl::Off
    };
    let mut warnings: Vec<String> = rules.warnings(ssl).map(|it| it.to_string()).collect();
    for rule in rules {
        let place = format!(
            "line {} of configuration file \"{}\"",
            rule.line(),
            rule.file().display()
        );
        if rule.client_cert().is_some() && !tls.client_ca {
            warnings.push(format!(
                "{place}: client certificates can only be checked if a root certificate store is \
                 available (Set \"ssl_ca_file\".)"
            ));
        }
        if let Some(map) = rule.map().filter(|map| !maps.contains(map)) {
            warnings.push(format!(
                "{place}: no line of the identity map file is about map \"{map}\", so nobody can log in \
                 by this one"
            ));
        }
    }
    warnings
}
