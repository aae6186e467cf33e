//! `AccessConfig`: what the operator wrote about access.

use std::path::{Path, PathBuf};

use pg_auth::hba::{self, ClientCert, ConnectionKind, Method, Ssl};
use pg_auth::ident::Maps;
use pg_auth::scram::{Iterations, MockSecret, MockSecretError};
use pg_auth::users::Users;
use pg_tls::SslMode;

use super::error::{AccessError, AccessErrors};
use super::{AccessPolicy, Lasting, Resolver, Rules};
use crate::report;

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
    mock_secret_file: Option<PathBuf>,
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

    /// `scram_mock_secret_file`: a secret that the salts of users who do not exist are made of, so that they
    /// stay the same when the server starts again; made when it does not exist. Not set, it is beside
    /// `users_file`, with `.mock_secret` after its name.
    pub fn scram_mock_secret_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.mock_secret_file = Some(path.into());
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
        let kept = self.mock_secret_path().map(|path| MockSecret::load(&path));
        let secret = match kept.transpose() {
            // What is missing is made when the server starts.
            Ok(secret) => secret.flatten().map_or_else(MockSecret::random, Ok),
            Err(error) => return Err(failed(error)),
        };
        let lasting = Lasting {
            mock: secret.map_err(|error| failed(error.into()))?,
            kept_in: None,
            resolver: Resolver::default(),
        };
        let policy = self.load(TlsFacts { mode, client_ca }, lasting)?;
        Ok(policy.warnings)
    }

    /// What the salts of unknown users are made of; kept on disk where there are users with passwords.
    pub(super) fn mock_secret(&self) -> Result<MockSecret, AccessErrors> {
        let kept = self.mock_secret_path();
        let kept = kept.map(|path| MockSecret::load_or_create(&path));
        match kept {
            Some(Ok(secret)) => return Ok(secret),
            Some(Err(MockSecretError::Write(error))) if self.mock_secret_file.is_none() => {
                report::mock_secret_not_kept(&error);
            }
            Some(Err(error)) => return Err(failed(error)),
            None => {}
        }
        MockSecret::random().map_err(|error| failed(error.into()))
    }

    pub(super) fn mock_secret_path(&self) -> Option<PathBuf> {
        let beside = |users: &PathBuf| {
            let mut path = users.clone().into_os_string();
            path.push(".mock_secret");
            path.into()
        };
        let given = self.mock_secret_file.clone();
        given.or_else(|| self.users_file.as_ref().map(beside))
    }

    /// The files that [`load`](Self::load) reads, and those that they include.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let with_included = [&self.hba_file, &self.ident_file].into_iter().flatten();
        let mut files: Vec<PathBuf> = with_included.flat_map(pg_auth::files_of).collect();
        files.extend(self.users_file.clone());
        files
    }

    pub(crate) fn load(
        &self,
        tls: TlsFacts,
        lasting: Lasting,
    ) -> Result<AccessPolicy, AccessErrors> {
        let mut errors = Vec::new();
        let rules = self.load_rules(&mut errors);
        let maps = self.load_maps(&mut errors);
        let users = self.users_file.as_deref().map(Users::load).transpose();
        let users = users.unwrap_or_else(|error| {
            errors.push(error.into());
            None
        });
        if !errors.is_empty() {
            return Err(AccessErrors(errors));
        }
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
            lasting,
            iterations: self.scram_iterations,
            cleartext_passwords: self.cleartext_passwords,
            trust_everywhere: self.trust_everywhere,
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
            let path = path.as_deref().map(Path::display);
            path.map_or_else(String::new, |path| format!("\"{path}\""))
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

fn failed(error: MockSecretError) -> AccessErrors {
    AccessErrors(vec![error.into()])
}

fn warnings(rules: &hba::Rules, maps: &Maps, tls: TlsFacts) -> Vec<String> {
    let ssl = if tls.mode.is_enabled() {
        Ssl::On
    } else {
        Ssl::Off
    };
    let mut warnings: Vec<String> = rules.warnings(ssl).map(|it| it.to_string()).collect();
    for rule in rules {
        let place = rule.context();
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The errors and hints about these rules, with a users file or without.
    fn errors(hba: &str, with_users: bool, config: AccessConfig) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        fs::write(path("hba"), hba).unwrap();
        let mut config = config.hba_file(path("hba"));
        if with_users {
            // Made for its owner alone.
            let users = tempfile::NamedTempFile::new_in(directory.path()).unwrap();
            config = config.users_file(users.into_temp_path().keep().unwrap());
        }
        let checked = config.check(SslMode::Require, true);
        let shown = |error: &AccessError| {
            let text = format!("{error} | {}", error.hint().unwrap_or_default());
            text.replace(&*directory.path().to_string_lossy(), "")
        };
        let errors = checked.err().map_or_else(Vec::new, |errors| errors.0);
        errors.iter().map(shown).collect()
    }

    #[test]
    fn rules_that_open_the_server_to_all_must_be_wanted() {
        let good = "\
            local   all all               trust\n\
            host    all all 127.0.0.1/32  trust\n\
            host    all all 127.0.0.0/8   trust\n\
            host    all all ::1/128       trust\n\
            host    all all samehost      trust\n\
            hostssl all all all           trust clientcert=verify-full\n\
            host    all all all           reject\n";
        assert_eq!(errors(good, false, AccessConfig::new()), [""; 0]);
        let bad = "\
            host    all all all           trust\n\
            host    all all samenet       trust\n\
            host    all all localhost     trust\n\
            host    all all 127.0.0.0/7   trust\n\
            host    all all ::1/127       trust\n\
            host    all all 192.0.2.1/32  trust\n\
            hostssl all all all           trust clientcert=verify-ca\n";
        let expected: Vec<String> = (1..=7)
            .map(|line| {
                format!(
                    "/hba:{line}: authentication method \"trust\" for addresses beyond this host lets \
                     everybody in as any user | Use \"scram-sha-256\" or \"cert\", name loopback \
                     addresses only, or accept it by setting \"dangerous_trust_everywhere\" to on."
                )
            })
            .collect();
        assert_eq!(errors(bad, false, AccessConfig::new()), expected);
        let wanted = AccessConfig::new().dangerous_trust_everywhere();
        assert_eq!(errors(bad, false, wanted), [""; 0]);
    }

    #[test]
    fn passwords_need_users_and_tls() {
        let rules = "\
            hostssl   all all all  scram-sha-256\n\
            host      all all all  password\n\
            hostnossl all all all  password\n";
        let users = |line, method| {
            format!(
                "/hba:{line}: authentication method \"{method}\" needs users with passwords | \
                 Set \"users_file\"."
            )
        };
        assert_eq!(
            errors(rules, false, AccessConfig::new()),
            [
                users(1, "scram-sha-256"),
                users(2, "password"),
                users(3, "password")
            ]
        );
        assert_eq!(
            errors(rules, true, AccessConfig::new()),
            [
                "/hba:3: authentication method \"password\" on connections without TLS shows passwords to \
              the network | Use \"scram-sha-256\" or a \"hostssl\" line, or accept it by setting \
              \"dangerous_cleartext_passwords\" to on."
            ]
        );
        let wanted = AccessConfig::new().dangerous_cleartext_passwords();
        assert_eq!(errors(rules, true, wanted), [""; 0]);
    }

    #[test]
    fn errors_of_all_files_are_told_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = |name| directory.path().join(name);
        fs::write(path("hba"), "nonsense\nhost all all all md5\n").unwrap();
        fs::write(path("ident"), "map only-two\n").unwrap();
        let config = AccessConfig::new()
            .hba_file(path("hba"))
            .ident_file(path("ident"))
            .users_file(path("missing"));
        let errors = config.check(SslMode::Require, true).unwrap_err();
        let settings: Vec<_> = errors.0.iter().map(AccessError::setting).collect();
        assert_eq!(
            settings,
            ["hba_file", "hba_file", "ident_file", "users_file"],
            "{errors}"
        );
        let alone = AccessConfig::new().ident_file(path("ident"));
        let errors = alone.check(SslMode::Require, true).unwrap_err();
        assert_eq!(
            errors.0.first().map(|error| error.to_string()).as_deref(),
            Some("\"ident_file\" is set, but \"hba_file\", whose rules could use its maps, is not")
        );
    }

    #[test]
    fn what_will_never_work_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let hba = directory.path().join("hba");
        fs::write(&hba, "hostssl all all all cert map=people\n").unwrap();
        let config = AccessConfig::new().hba_file(&hba);
        let line = format!("line 1 of configuration file \"{}\": ", hba.display());
        let warnings = |mode, client_ca| config.check(mode, client_ca).unwrap();
        let map = format!(
            "{line}no line of the identity map file is about map \"people\", so nobody can log in by \
             this one"
        );
        assert_eq!(warnings(SslMode::Require, true), [map]);
        let off = warnings(SslMode::Disable, false);
        assert!(
            off.iter()
                .any(|text| text.contains("hostssl record cannot match because SSL is disabled")),
            "{off:?}"
        );
        let no_ca = warnings(SslMode::Require, false);
        let store =
            "client certificates can only be checked if a root certificate store is available";
        assert!(no_ca.iter().any(|text| text.contains(store)), "{no_ca:?}");
    }

    #[test]
    fn what_holds_is_said() {
        let described = |config: &AccessConfig, mode| {
            let client_ca = true;
            let facts = TlsFacts { mode, client_ca };
            let lasting = Lasting::new(&AccessConfig::new()).unwrap();
            let policy = config.load(facts, lasting).unwrap();
            policy.describe().0.to_owned()
        };
        let trust = AccessConfig::new();
        assert_eq!(
            described(&trust, SslMode::Disable),
            "access: every client on this host is trusted to be any user"
        );
        let users = tempfile::NamedTempFile::new().unwrap();
        let path = users.path().display();
        let config = AccessConfig::new().users_file(users.path());
        assert_eq!(
            described(&config, SslMode::Require),
            format!(
                "access: every client proves a password of \"{path}\" by scram-sha-256; ssl_mode \
                 \"require\" demands TLS besides"
            )
        );
        let hba = tempfile::NamedTempFile::new().unwrap();
        fs::write(hba.path(), "hostssl all all all scram-sha-256\n").unwrap();
        let path = hba.path().display();
        assert_eq!(
            described(&config.hba_file(hba.path()), SslMode::VerifyCA),
            format!(
                "access: the first matching line of \"{path}\" decides; ssl_mode \"verify-ca\" demands \
                 TLS and a client certificate besides"
            )
        );
    }
}
