//! The axes of the matrix, and which points of it are tried.

use std::fmt;

use super::drivers::Binding;

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
    /// What the client shows.
    ClientCertificate {
        None = "none",
        /// Its name is the user, or one that the user's map knows.
        Good = "good",
        /// Its name is another user's.
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
        PsqlOdbc = "psqlodbc",
        RubyPg = "ruby-pg",
        PhpPgsql = "php-pgsql",
        DbdPg = "dbd-pg",
        Asyncpg = "asyncpg",
        Pg8000 = "pg8000",
        NodePostgres = "node-postgres",
        PostgresJs = "postgres.js",
        PgJdbc = "pgjdbc",
        Pgx = "pgx",
        LibPq = "lib/pq",
        TokioPostgres = "tokio-postgres",
        Sqlx = "sqlx",
    }
}

axis! {
    /// By what the server decides who may come in.
    Rules {
        /// Its `SslMode`, and PostgreSQL's equivalent of it.
        Mode = "mode",
        /// The files of [`super::access`].
        File = "hba",
    }
}

axis! {
    /// Who logs in, and what he proves it with; the rules for each are in [`super::access`].
    Login {
        /// Method `trust`.
        Trust = "trust",
        /// Method `scram-sha-256`, as the client does it unasked.
        Scram = "scram",
        /// With `channel_binding=require`, or as near to it as the client comes.
        ScramBound = "scram-bound",
        /// With `channel_binding=disable`.
        ScramUnbound = "scram-unbound",
        ScramWrong = "scram-wrong",
        /// A user whom nobody knows.
        ScramUnknown = "scram-unknown",
        /// Method `password`, in TLS only.
        Password = "password",
        PasswordWrong = "password-wrong",
        /// Method `cert`, by way of a map.
        Cert = "cert",
        /// Method `scram-sha-256` with `clientcert=verify-full`, in TLS only.
        ScramCert = "scram+cert",
        /// Method `reject`.
        Reject = "reject",
    }
}

axis! {
    /// What is done in the session; each ends with `select 1`.
    Action {
        Session = "session",
        /// A statement with a parameter, prepared once and executed twice.
        Prepared = "prepared",
        /// Two rows into a table and out of it.
        Copy = "copy",
        /// A CancelRequest while a statement runs.
        Cancel = "cancel",
        /// The session is closed, and another one opened in the same way.
        Reconnect = "reconnect",
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
        Self::new(Driver::PsqlOdbc, Style::Negotiated),
        Self::new(Driver::RubyPg, Style::Negotiated),
        Self::new(Driver::PhpPgsql, Style::Negotiated),
        Self::new(Driver::DbdPg, Style::Negotiated),
        Self::new(Driver::Asyncpg, Style::Negotiated),
        Self::new(Driver::Asyncpg, Style::Direct),
        Self::new(Driver::Pg8000, Style::Negotiated),
        Self::new(Driver::NodePostgres, Style::Negotiated),
        Self::new(Driver::NodePostgres, Style::Direct),
        Self::new(Driver::PostgresJs, Style::Negotiated),
        Self::new(Driver::PostgresJs, Style::Direct),
        Self::new(Driver::PgJdbc, Style::Negotiated),
        Self::new(Driver::Pgx, Style::Negotiated),
        Self::new(Driver::LibPq, Style::Negotiated),
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
    pub(crate) rules: Rules,
}

impl Setup {
    /// A name for its log.
    pub(crate) fn name(self) -> String {
        format!("{}-{}-{}", self.mode, self.certificate, self.rules)
    }
}

impl fmt::Display for Setup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "server={} server-cert={} rules={}",
            self.mode, self.certificate, self.rules
        )
    }
}

/// One thing that is tried.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Cell {
    pub(crate) setup: Setup,
    pub(crate) client: Client,
    pub(crate) login: Login,
    pub(crate) certificate: ClientCertificate,
    pub(crate) action: Action,
    pub(crate) sslmode: SslMode,
}

impl Cell {
    /// Why it is of no use to try this with this client.
    pub(crate) fn lacks(&self) -> Option<&'static str> {
        let driver = self.client.driver;
        let by_choice = matches!(self.login, Login::ScramBound | Login::ScramUnbound);
        let no_choice = (by_choice && driver.traits().binding == Binding::NoChoice)
            .then_some("the client leaves no choice about channel binding");
        driver
            .lacks_mode(self.sslmode)
            .or_else(|| driver.lacks_action(self.action))
            .or(no_choice)
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "client={} {} login={} client-cert={} do={} sslmode={}",
            self.client, self.setup, self.login, self.certificate, self.action, self.sslmode
        )
    }
}

/// All cells whose text holds each of `filters`, those of one [`Setup`] together.
///
/// Three planes are cut out of the cube: every client certificate against every server mode with
/// the good server certificate, every server certificate against clients without one, and
/// every login and action against the access rules. The rest would repeat them, since
/// neither side's certificate changes how the other's is judged.
pub(crate) fn cells(filters: &[String]) -> Vec<Cell> {
    let mut all = Vec::new();
    for &rules in Rules::ALL {
        match rules {
            Rules::Mode => by_mode(&mut all),
            Rules::File => by_rules(&mut all),
        }
    }
    all.retain(|cell| {
        let text = format!("{cell} ");
        filters.iter().all(|filter| text.contains(filter.as_str()))
    });
    all
}

/// Every client and sslmode against servers that trust everybody whom their mode lets in.
fn by_mode(all: &mut Vec<Cell>) {
    let good = ServerCertificate::Good;
    let modes = ServerMode::ALL
        .iter()
        .map(|&mode| (mode, good, ClientCertificate::ALL));
    let certificates = ServerCertificate::ALL
        .iter()
        .filter(|&&certificate| certificate != good)
        .map(|&certificate| (ServerMode::Allow, certificate, ONLY_NONE));
    for (mode, certificate, client_certificates) in modes.chain(certificates) {
        let setup = Setup {
            mode,
            certificate,
            rules: Rules::Mode,
        };
        for &client in Client::ALL {
            for &certificate in client_certificates {
                all.extend(SslMode::ALL.iter().map(|&sslmode| Cell {
                    setup,
                    client,
                    login: Login::Trust,
                    certificate,
                    action: Action::Session,
                    sslmode,
                }));
            }
        }
    }
}

/// Every client, login and action against the server with access rules.
///
/// The TLS version changes nothing here, so those clients are left out that differ in it only.
fn by_rules(all: &mut Vec<Cell>) {
    let setup = Setup {
        mode: ServerMode::Allow,
        certificate: ServerCertificate::Good,
        rules: Rules::File,
    };
    let clients = Client::ALL.iter().filter(|one| one.style != Style::Tls12);
    for &client in clients {
        let mut cells = |login, certificate, action, modes: &[SslMode]| {
            all.extend(modes.iter().map(|&sslmode| Cell {
                setup,
                client,
                login,
                certificate,
                action,
                sslmode,
            }));
        };
        for &login in Login::ALL {
            for &certificate in certificates(login) {
                cells(login, certificate, Action::Session, SslMode::ALL);
            }
        }
        for &action in Action::ALL.iter().filter(|&&one| one != Action::Session) {
            let modes = [SslMode::Disable, SslMode::VerifyFull];
            cells(Login::Scram, ClientCertificate::None, action, &modes);
        }
    }
}

const ONLY_NONE: &[ClientCertificate] = &[ClientCertificate::None];

/// The client certificates that make a difference to a login by access rules.
const fn certificates(login: Login) -> &'static [ClientCertificate] {
    match login {
        Login::Cert => ClientCertificate::ALL,
        Login::ScramCert => &[
            ClientCertificate::None,
            ClientCertificate::Good,
            ClientCertificate::OtherUser,
        ],
        _ => ONLY_NONE,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{Client, Rules, SslMode, cells};

    #[test]
    fn every_combination_is_there_once() {
        let all = cells(&[]);
        let rows = Client::ALL.len() * (6 * 6 + 7);
        let trusting = all.iter().filter(|cell| cell.setup.rules == Rules::Mode);
        assert_eq!(trusting.count(), rows * SslMode::ALL.len());
        let distinct: HashSet<_> = all.iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn filters_must_all_match() {
        let filters = ["client=sqlx ", "server=require ", "client-cert=none "].map(String::from);
        assert_eq!(cells(&filters).len(), SslMode::ALL.len());
    }
}
