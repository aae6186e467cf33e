//! The servers that are probed, with the certificates of `gen-certs`.

use std::fmt;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::process::{Output, Server};
use crate::project::Project;
use crate::setup::daemon;
use crate::test_ssl::access::{PASSWORD, USER};
use crate::test_ssl::cells::{Rules, ServerCertificate, ServerMode, Setup};
use crate::test_ssl::servers::{PostgreSql, Target, free_port};

/// What kind of server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    HeliosDb,
    PostgreSql18,
    PostgreSql15,
    /// Debian's, in front of PostgreSQL 15.
    PgBouncer,
    /// Debian's, `protocol = pgsql`, in front of PostgreSQL 15.
    Stunnel,
}

/// A user with a password, whose rule asks for SCRAM with and without TLS.
const SCRAM_USER: &str = "scram_user";

/// A server of its kind as it is started once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Case {
    mode: ServerMode,
    certificate: ServerCertificate,
    rules: Rules,
    user: &'static str,
}

const fn case(
    mode: ServerMode,
    certificate: ServerCertificate,
    rules: Rules,
    user: &'static str,
) -> Case {
    Case {
        mode,
        certificate,
        rules,
        user,
    }
}

/// The one whose output is kept.
pub(super) const DOCUMENTED: Case = case(
    ServerMode::Prefer,
    ServerCertificate::Good,
    Rules::File,
    SCRAM_USER,
);

/// Each makes psql go another way in some mode.
const CASES: &[Case] = &[
    DOCUMENTED,
    case(
        ServerMode::Disable,
        ServerCertificate::Good,
        Rules::Mode,
        USER,
    ),
    case(
        ServerMode::Require,
        ServerCertificate::Chain,
        Rules::Mode,
        USER,
    ),
    case(
        ServerMode::VerifyCa,
        ServerCertificate::Good,
        Rules::Mode,
        USER,
    ),
    case(
        ServerMode::Prefer,
        ServerCertificate::WrongCa,
        Rules::File,
        SCRAM_USER,
    ),
    case(
        ServerMode::Require,
        ServerCertificate::Expired,
        Rules::Mode,
        USER,
    ),
    case(
        ServerMode::Prefer,
        ServerCertificate::WrongHost,
        Rules::Mode,
        USER,
    ),
    case(
        ServerMode::Prefer,
        ServerCertificate::Rsa,
        Rules::File,
        "rejected_user",
    ),
];

impl Kind {
    pub(super) const ALL: &[Self] = &[
        Self::HeliosDb,
        Self::PostgreSql18,
        Self::PostgreSql15,
        Self::PgBouncer,
        Self::Stunnel,
    ];

    /// What it is started with. The proxies are there for what they do with the protocol; their certificates
    /// are no other than a server's.
    pub(super) const fn cases(self) -> &'static [Case] {
        match self {
            Self::HeliosDb | Self::PostgreSql18 | Self::PostgreSql15 => CASES,
            Self::PgBouncer | Self::Stunnel => &[DOCUMENTED],
        }
    }

    /// Whether TLS may begin by its first byte.
    pub(super) const fn knows_direct_tls(self) -> bool {
        matches!(self, Self::HeliosDb | Self::PostgreSql18)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeliosDb => "heliosdb-server",
            Self::PostgreSql18 => "PostgreSQL 18",
            Self::PostgreSql15 => "PostgreSQL 15",
            Self::PgBouncer => "PgBouncer",
            Self::Stunnel => "stunnel",
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "server={} server-cert={} rules={} user={}",
            self.mode, self.certificate, self.rules, self.user
        )
    }
}

/// A running server.
pub(super) struct Peer {
    pub(super) port: u16,
    pub(super) user: &'static str,
    /// Ended before what it stands in front of.
    _proxy: Option<Server>,
    _server: Server,
}

/// All servers of a kind.
pub(super) struct Family<'a> {
    kind: Kind,
    target: Target<'a>,
}

impl<'a> Family<'a> {
    /// `None` if it is not on the machine.
    pub(super) fn prepare(
        project: &'a Project,
        kind: Kind,
        folder: &'a Path,
    ) -> Result<Option<Self>> {
        let (release, name) = match kind {
            Kind::HeliosDb => {
                let target = Target::HeliosDb { project, folder };
                return Ok(Some(Self { kind, target }));
            }
            Kind::PostgreSql18 => (18, "postgresql-18"),
            Kind::PostgreSql15 => (15, "postgresql-15"),
            Kind::PgBouncer => (15, "pgbouncer"),
            Kind::Stunnel => (15, "stunnel4"),
        };
        if matches!(kind, Kind::PgBouncer | Kind::Stunnel) && daemon(name).is_none() {
            return Ok(None);
        }
        let postgres = PostgreSql::prepare(project, release, folder, name)?;
        Ok(postgres.map(|postgres| Self {
            kind,
            target: Target::PostgreSql(postgres),
        }))
    }

    /// Starts one of the kind.
    pub(super) fn start(&self, case: Case) -> Result<Peer> {
        let (server, port) = self.target.start(Setup {
            mode: case.mode,
            certificate: case.certificate,
            rules: case.rules,
        })?;
        let (front, proxy) = match (&self.target, self.kind) {
            (Target::PostgreSql(postgres), Kind::PgBouncer | Kind::Stunnel) => {
                let front = free_port()?;
                (front, Some(self.proxy(postgres, front, port)?))
            }
            _ => (port, None),
        };
        Ok(Peer {
            port: front,
            user: case.user,
            _proxy: proxy,
            _server: server,
        })
    }

    fn proxy(&self, postgres: &PostgreSql, front: u16, back: u16) -> Result<Server> {
        let folder = postgres.folder();
        let (name, config, ready) = match self.kind {
            Kind::PgBouncer => ("pgbouncer", pgbouncer(folder, front, back), "process up"),
            _ => (
                "stunnel4",
                stunnel(folder, front, back),
                "Configuration successful",
            ),
        };
        let program = daemon(name).with_context(|| format!("{name} has gone"))?;
        let file = folder.join(format!("{name}.conf"));
        fs::write(&file, config)?;
        fs::write(
            folder.join("userlist.txt"),
            format!("\"{SCRAM_USER}\" \"{PASSWORD}\"\n"),
        )?;
        let mut command = postgres.run_as(&program, "TERM");
        command.arg(&file);
        let log = Output::File(folder.join(format!("{name}.log")));
        let (server, _) = Server::start(command, ready, log, "TERM")?;
        Ok(server)
    }
}

fn pgbouncer(folder: &Path, front: u16, back: u16) -> String {
    let folder = folder.display();
    format!(
        "[databases]\npostgres = host=127.0.0.1 port={back}\n\
         [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {front}\nunix_socket_dir =\n\
         auth_type = scram-sha-256\nauth_file = {folder}/userlist.txt\n\
         client_tls_sslmode = allow\nclient_tls_cert_file = {folder}/server.crt\n\
         client_tls_key_file = {folder}/server.key\n"
    )
}

fn stunnel(folder: &Path, front: u16, back: u16) -> String {
    let folder = folder.display();
    format!(
        "foreground = yes\npid =\ndebug = notice\n\
         [postgres]\naccept = 127.0.0.1:{front}\nconnect = 127.0.0.1:{back}\nprotocol = pgsql\n\
         cert = {folder}/server.crt\nkey = {folder}/server.key\n"
    )
}
