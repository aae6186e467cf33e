//! What a case asks of its server, in terms that ours and PostgreSQL both understand.

use std::time::Duration;

use pg_tls::SslMode;

/// Which library does the server's cryptography (ours only).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Provider {
    /// aws-lc-rs, the default.
    AwsLcRs,
    /// *ring*.
    Ring,
}

/// Which versions of TLS the server speaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TlsVersions {
    /// 1.2 and 1.3, the default.
    Both,
    /// `ssl_min_protocol_version = TLSv1.3`.
    Tls13Only,
    /// `ssl_max_protocol_version = TLSv1.2`.
    Tls12Only,
}

/// Who answers the queries behind our server. PostgreSQL has its own engine, of course.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Engine {
    /// The scripted engine of this harness: fast, and it does strange things when told to.
    Scripted,
    /// HeliosDB Nano, in memory.
    Nano,
}

/// Who may connect.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Access {
    /// Everybody whom the mode lets in, as any user.
    Trust,
    /// Who has a password of [`USERS`]: `users_file` alone; on PostgreSQL, rules for `scram-sha-256`.
    Users,
    /// As `pg_hba.conf` and `pg_ident.conf` say, by these lines.
    Rules {
        /// `pg_hba.conf`.
        hba: &'static str,
        /// `pg_ident.conf`.
        ident: &'static str,
    },
}

/// A user of the servers under test, their password, and the same as a SCRAM verifier.
#[derive(Clone, Copy, Debug)]
pub struct User {
    /// The name.
    pub name: &'static str,
    /// The password.
    pub password: &'static str,
    /// The password as PostgreSQL and `users_file` keep it.
    pub verifier: &'static str,
}

/// All users that have a password.
pub const USERS: [User; 2] = [
    User {
        name: "alice",
        password: "pencil",
        verifier: "SCRAM-SHA-256$4096:c2FsdCBvZiBhbGljZS4uIQ==$4qiu0leZm/he8XJHgZEXnDwo/UbN9z8w+hKeEurwHsc=:qciDTjfCl1/QapPyvSBWvNsE6p+M3MCJDB5ZdsbtpK8=",
    },
    User {
        name: "bob",
        password: "brush",
        verifier: "SCRAM-SHA-256$4096:c2FsdCBvZiBib2IuLi4uLg==$efl4fIhdOpUAtx7wapB0sotlHx+NlWnGfcWAdjfeHUM=:xpbwgdB/EhhlmLrbpaTmmhUPYPo+H64PJA3M0fSVgcs=",
    },
];

/// A server's configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Config {
    /// The mode; on PostgreSQL, the equivalent settings and access rules (spec 4.6).
    pub mode: SslMode,
    /// Who may connect, beside what the mode demands.
    pub access: Access,
    /// Whether `ssl_ca_file` is set. VerifyCA and VerifyFull always set it.
    pub client_ca: bool,
    /// `authentication_timeout`.
    pub authentication_timeout: Duration,
    /// `max_connections`.
    pub max_connections: u32,
    /// Versions of TLS.
    pub tls_versions: TlsVersions,
    /// Most bytes of plaintext in a TLS record (ours only).
    pub max_record_size: Option<usize>,
    /// Cryptography.
    pub provider: Provider,
    /// Engine.
    pub engine: Engine,
}

impl Config {
    /// The mode with everything else as it is by default.
    #[must_use]
    pub const fn new(mode: SslMode) -> Self {
        Self {
            mode,
            access: Access::Trust,
            client_ca: matches!(mode, SslMode::VerifyCA | SslMode::VerifyFull),
            authentication_timeout: Duration::from_secs(60),
            max_connections: 100,
            tls_versions: TlsVersions::Both,
            max_record_size: None,
            provider: Provider::AwsLcRs,
            engine: Engine::Scripted,
        }
    }

    /// TLS or plaintext, as the client likes.
    #[must_use]
    pub const fn tls() -> Self {
        Self::new(SslMode::Prefer)
    }

    /// No TLS.
    #[must_use]
    pub const fn no_tls() -> Self {
        Self::new(SslMode::Disable)
    }

    /// TLS with a client CA but no rule that demands a certificate.
    #[must_use]
    pub const fn client_ca() -> Self {
        Self {
            client_ca: true,
            ..Self::tls()
        }
    }

    /// Passwords by `scram-sha-256`.
    #[must_use]
    pub const fn users(self) -> Self {
        Self {
            access: Access::Users,
            ..self
        }
    }

    /// Lines of `pg_hba.conf`. On PostgreSQL they are all there is; with ours the mode must be content as well.
    #[must_use]
    pub const fn hba(self, hba: &'static str) -> Self {
        self.hba_and_ident(hba, "")
    }

    /// Lines of `pg_hba.conf` and of `pg_ident.conf`.
    #[must_use]
    pub const fn hba_and_ident(self, hba: &'static str, ident: &'static str) -> Self {
        Self {
            access: Access::Rules { hba, ident },
            ..self
        }
    }

    /// An `authentication_timeout` of one second.
    #[must_use]
    pub const fn short_timeout(self) -> Self {
        Self {
            authentication_timeout: Duration::from_secs(1),
            ..self
        }
    }

    /// So many connections at most.
    #[must_use]
    pub const fn max_connections(self, max_connections: u32) -> Self {
        Self {
            max_connections,
            ..self
        }
    }

    /// Some versions of TLS only.
    #[must_use]
    pub const fn tls_versions(self, tls_versions: TlsVersions) -> Self {
        Self {
            tls_versions,
            ..self
        }
    }

    /// So many bytes of plaintext in a TLS record at most.
    #[must_use]
    pub const fn max_record_size(self, bytes: usize) -> Self {
        Self {
            max_record_size: Some(bytes),
            ..self
        }
    }

    /// Cryptography by *ring*.
    #[must_use]
    pub const fn ring(self) -> Self {
        Self {
            provider: Provider::Ring,
            ..self
        }
    }

    /// The real engine.
    #[must_use]
    pub const fn nano(self) -> Self {
        Self {
            engine: Engine::Nano,
            ..self
        }
    }
}
