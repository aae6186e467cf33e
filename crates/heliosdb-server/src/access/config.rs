//! `AccessConfig`: what the operator wrote about access.

use std::path::PathBuf;

use pg_auth::scram::{Iterations, MockSecret};
use pg_auth::users::Users;

use super::error::{AccessError, AccessErrors};
use super::{AccessPolicy, Method, Rules};

/// Who may connect and how clients prove who they are, as written. Names are those of the settings.
///
/// - Nothing set: everybody from this host is let in as any user (`trust`).
/// - `users_file` alone: every user of the file, by password (`scram-sha-256`).
///
/// ```no_run
/// use heliosdb_server::{AccessConfig, PgServerBuilder};
///
/// let access = AccessConfig::new().users_file("users.txt");
/// let builder = PgServerBuilder::new().access(access);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct AccessConfig {
    users_file: Option<PathBuf>,
    scram_iterations: Iterations,
    trust_everywhere: bool,
}

impl AccessConfig {
    /// `trust` on this host.
    pub fn new() -> Self {
        Self::default()
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

    /// `dangerous_trust_everywhere`: see
    /// [`PgServerBuilder::dangerous_trust_everywhere`](crate::PgServerBuilder::dangerous_trust_everywhere).
    pub const fn dangerous_trust_everywhere(mut self) -> Self {
        self.trust_everywhere = true;
        self
    }

    /// Reads the files and checks them, without keeping anything.
    ///
    /// # Errors
    ///
    /// [`AccessErrors`]: everything that is wrong, in all files.
    pub fn check(&self) -> Result<(), AccessErrors> {
        self.load().map(drop)
    }

    pub(crate) fn load(&self) -> Result<AccessPolicy, AccessErrors> {
        let mut errors = Vec::new();
        let users = self.users_file.as_deref().map(Users::load).transpose();
        let users = users.unwrap_or_else(|error| {
            errors.push(AccessError::Users(error));
            None
        });
        let mock = MockSecret::random();
        let method = if self.users_file.is_some() {
            Method::ScramSha256
        } else {
            Method::Trust
        };
        match mock {
            Ok(mock) if errors.is_empty() => Ok(AccessPolicy {
                rules: Rules::Everybody(method),
                users: users.unwrap_or_default(),
                mock,
                iterations: self.scram_iterations,
                trust_everywhere: self.trust_everywhere,
            }),
            Ok(_) => Err(AccessErrors(errors)),
            Err(error) => {
                errors.push(AccessError::Random(error));
                Err(AccessErrors(errors))
            }
        }
    }
}
