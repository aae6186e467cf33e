//! The axes of the matrix, and which points of it are tried.

use std::fmt;

/// An enumeration whose values have a spelling and can be listed.
macro_rules! axis {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub(crate) enum $name { $($(#[$value_doc])* $value,)* }

        impl $name {
            pub(crate) const ALL: &[Self] = &[$(Self::$value,)*];

            pub(crate) const fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

axis! {
    /// The server's `SslMode`.
    ServerMode {
        Disable = "disable",
        Allow = "allow",
        Prefer = "prefer",
        Require = "require",
        VerifyCa = "verify-ca",
        VerifyFull = "verify-full",
    }
}

axis! {
    /// What the server shows.
    ServerCertificate {
        /// ECDSA P-256, for localhost.
        Good = "good",
        Rsa = "rsa",
        Ed25519 = "ed25519",
        /// Issued by an intermediate authority, which the server sends along.
        Chain = "chain",
        WrongHost = "wrong-host",
        WrongCa = "wrong-ca",
        Expired = "expired",
        NotYetValid = "not-yet-valid",
    }
}

axis! {
    /// What the client, who logs in as [`USER`], shows.
    ClientCertificate {
        None = "none",
        /// Its name is the user.
        Good = "good",
        /// Its name is another user.
        OtherUser = "other-user",
        WrongCa = "wrong-ca",
        Expired = "expired",
        NotYetValid = "not-yet-valid",
    }
}

axis! {
    /// The client's `sslmode`.
    SslMode {
        Disable = "disable",
        Allow = "allow",
        Prefer = "prefer",
        Require = "require",
        VerifyCa = "verify-ca",
        VerifyFull = "verify-full",
    }
}

axis! {
    /// The program or library that connects.
    Driver {
        Psql15 = "psql-15",
        Psql18 = "psql-18",
        /// psycopg 3 with the libpq of its wheel.
        Psycopg = "psycopg",
        TokioPostgres = "tokio-postgres",
        Sqlx = "sqlx",
    }
}

impl Driver {
    /// What the driver does instead of the mode, if it does not implement it in libpq's meaning.
    pub(crate) const fn lacks(self, mode: SslMode) -> Option<&'static str> {
        match (self, mode) {
            (Self::TokioPostgres, SslMode::Allow) => Some("tokio-postgres has no sslmode=allow"),
            (Self::Sqlx, SslMode::Allow) => {
                Some("sqlx takes sslmode=allow for disable: it never tries TLS")
            }
            _ => None,
        }
    }
}

/// How a client begins its TLS.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum Style {
    /// By SSLRequest, and TLS 1.3.
    Negotiated,
    /// By SSLRequest, and TLS 1.2, in which a bad client certificate fails the handshake itself.
    Tls12,
    /// By its first byte: `sslnegotiation=direct`.
    Direct,
}

/// Who logs in, in every cell.
pub(crate) const USER: &str = "alice";
/// Who else has a certificate.
pub(crate) const OTHER_USER: &str = "bob";

/// A driver with a way to begin.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Client {
    pub(crate) driver: Driver,
    pub(crate) style: Style,
}

impl Client {
    /// All that are tried.
    pub(crate) const ALL: &[Self] = &[
        Self::new(Driver::Psql15, Style::Negotiated),
        Self::new(Driver::Psql15, Style::Tls12),
        Self::new(Driver::Psql18, Style::Negotiated),
        Self::new(Driver::Psql18, Style::Tls12),
        Self::new(Driver::Psql18, Style::Direct),
        Self::new(Driver::Psycopg, Style::Negotiated),
        Self::new(Driver::Psycopg, Style::Direct),
        Self::new(Driver::TokioPostgres, Style::Negotiated),
        Self::new(Driver::TokioPostgres, Style::Direct),
        Self::new(Driver::Sqlx, Style::Negotiated),
    ];

    const fn new(driver: Driver, style: Style) -> Self {
        Self { driver, style }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let style = match self.style {
            Style::Negotiated => "",
            Style::Tls12 => "/tls1.2",
            Style::Direct => "/direct",
        };
        f.pad(&format!("{}{style}", self.driver))
    }
}

/// A server as it is started once, for many cells.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Setup {
    pub(crate) mode: ServerMode,
    pub(crate) certificate: ServerCertificate,
}

/// One connection that is tried.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Cell {
    pub(crate) setup: Setup,
    pub(crate) client: Client,
    pub(crate) certificate: ClientCertificate,
    pub(crate) sslmode: SslMode,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "client={} server={} server-cert={} client-cert={} sslmode={}",
            self.client, self.setup.mode, self.setup.certificate, self.certificate, self.sslmode
        )
    }
}

/// All cells whose text holds each of `filters`, those of one [`Setup`] together.
///
/// Two planes are cut out of the cube: every client certificate against every server mode with
/// the good server certificate, and every server certificate against clients without one. The
/// rest would repeat them, since neither side's certificate changes how the other's is judged.
pub(crate) fn cells(filters: &[String]) -> Vec<Cell> {
    let by_mode = ServerMode::ALL.iter().map(|&mode| Setup {
        mode,
        certificate: ServerCertificate::Good,
    });
    let by_certificate = ServerCertificate::ALL
        .iter()
        .filter(|&&certificate| certificate != ServerCertificate::Good)
        .map(|&certificate| Setup {
            mode: ServerMode::Allow,
            certificate,
        });
    let mut all = Vec::new();
    for setup in by_mode.chain(by_certificate) {
        let certificates = match setup.certificate {
            ServerCertificate::Good => ClientCertificate::ALL,
            _ => &[ClientCertificate::None],
        };
        for &client in Client::ALL {
            for &certificate in certificates {
                all.extend(SslMode::ALL.iter().map(|&sslmode| Cell {
                    setup,
                    client,
                    certificate,
                    sslmode,
                }));
            }
        }
    }
    all.retain(|cell| {
        let text = cell.to_string();
        filters.iter().all(|filter| text.contains(filter.as_str()))
    });
    all
}

#[cfg(test)]
mod tests {
    use super::{Client, SslMode, cells};

    #[test]
    fn every_combination_is_there_once() {
        let all = cells(&[]);
        let rows = Client::ALL.len() * (6 * 6 + 7);
        assert_eq!(all.len(), rows * SslMode::ALL.len());
    }

    #[test]
    fn filters_must_all_match() {
        let filters = ["client=sqlx", "server=require", "client-cert=none"].map(String::from);
        assert_eq!(cells(&filters).len(), SslMode::ALL.len());
    }
}
