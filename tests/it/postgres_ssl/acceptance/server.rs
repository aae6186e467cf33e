//! A server set up as PostgreSQL's tests set theirs up, ours or PostgreSQL itself.

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use heliosdb_tests::libpq::Libpq;
use heliosdb_tests::log::LogEvent;
use heliosdb_tests::oracle::{Cluster, Data, PostgreSql};
use heliosdb_tests::program::{Place, Running};
use heliosdb_tests::target::Server as _;
use serde_json::Value;

use super::certificates;

/// Which server is asked.
#[derive(Clone, Copy, Debug)]
pub(super) enum Software<'a> {
    Ours,
    PostgreSql(&'a Oracle),
}

/// A PostgreSQL with the roles and databases that the rules speak of.
#[derive(Debug)]
pub(super) struct Oracle {
    postgres: PostgreSql,
    data: Data,
}

impl Oracle {
    pub(super) fn find() -> Option<Self> {
        let postgres = PostgreSql::find()?;
        let data = postgres.copy();
        let databases = DATABASES.map(|name| format!("create database {name}\n"));
        postgres.run_script(&data, &[&databases.concat(), ROLES].concat());
        Some(Self { postgres, data })
    }
}

/// Who may come in.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Access {
    /// The rules of `src/test/ssl` with this method wherever a test chooses it (spec 9.0).
    Ssl(&'static str),
    /// The rules of `005_negotiate_encryption` (spec 9.8).
    Negotiation,
}

/// What distinguishes one server from the next; names are of certificate files without `.crt`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Setup {
    pub(super) certificate: &'static str,
    pub(super) key: &'static str,
    /// `ssl_ca_file`; empty for none.
    pub(super) ca: &'static str,
    pub(super) access: Access,
    /// `ssl`.
    pub(super) ssl: bool,
    /// `ssl_min_protocol_version` and `ssl_max_protocol_version`; empty for none.
    pub(super) versions: (&'static str, &'static str),
    /// `ssl_crl_file`, and `ssl_crl_dir`; empty for none.
    pub(super) revoked: (&'static str, &'static str),
    /// `ssl_passphrase_command`, empty for none, and `ssl_passphrase_command_supports_reload`.
    pub(super) passphrase: (&'static str, bool),
    /// How many reloads there are before a client comes.
    pub(super) reloads: u32,
    /// What the log must say about each of them.
    pub(super) reload_logs: &'static str,
    /// What the whole log must not say; empty for anything.
    pub(super) never_logs: &'static str,
    /// The lines of `hosts_file`; PostgreSQL has it since 19.
    pub(super) hosts: Option<&'static str>,
    /// `ssl_sni`.
    pub(super) sni: bool,
}

impl Setup {
    /// A certificate with the key and the client CA that the tests use by default.
    pub(super) const fn new(certificate: &'static str) -> Self {
        Self {
            certificate,
            key: certificate,
            ca: "root+client_ca",
            access: Access::Ssl("trust"),
            ssl: true,
            versions: ("TLSv1.2", ""),
            revoked: ("root+client.crl", ""),
            passphrase: ("", false),
            reloads: 0,
            reload_logs: "",
            never_logs: "",
            hosts: None,
            sni: false,
        }
    }

    pub(super) const fn revoked(self, file: &'static str, directory: &'static str) -> Self {
        Self {
            revoked: (file, directory),
            ..self
        }
    }

    pub(super) const fn passphrase(self, command: &'static str, supports_reload: bool) -> Self {
        Self {
            passphrase: (command, supports_reload),
            ..self
        }
    }

    pub(super) const fn reload(self, reload_logs: &'static str) -> Self {
        self.reloads(1, reload_logs)
    }

    pub(super) const fn reloads(self, reloads: u32, reload_logs: &'static str) -> Self {
        Self {
            reloads,
            reload_logs,
            ..self
        }
    }

    pub(super) const fn never_logs(self, never_logs: &'static str) -> Self {
        Self { never_logs, ..self }
    }

    pub(super) const fn key(self, key: &'static str) -> Self {
        Self { key, ..self }
    }

    pub(super) const fn ca(self, ca: &'static str) -> Self {
        Self { ca, ..self }
    }

    pub(super) const fn access(self, access: Access) -> Self {
        Self { access, ..self }
    }

    pub(super) const fn no_ssl(self) -> Self {
        Self { ssl: false, ..self }
    }

    pub(super) const fn versions(self, min: &'static str, max: &'static str) -> Self {
        Self {
            versions: (min, max),
            ..self
        }
    }
}

impl Setup {
    /// `ssl_sni` with these lines.
    pub(super) const fn hosts(self, lines: &'static str) -> Self {
        Self {
            hosts: Some(lines),
            sni: true,
            ..self
        }
    }

    /// `ssl_sni`, whatever the lines.
    pub(super) const fn sni(self, sni: bool) -> Self {
        Self { sni, ..self }
    }

    /// libpq's option that asks for a host which has a certificate; empty if no host has to be named.
    fn served_host(&self) -> String {
        let lines = self.hosts.filter(|_| self.sni).unwrap_or_default();
        let name = lines.split([' ', ',']).next().unwrap_or_default();
        match name {
            "" | "*" | "/no_sni/" => String::new(),
            name => format!("host={name}"),
        }
    }

    /// Whether this software has all that is set up here.
    pub(super) const fn is_known_to(&self, software: Software<'_>) -> bool {
        matches!(software, Software::Ours) || !(self.sni || self.hosts.is_some())
    }
}

/// Names of certificates and maps as in spec 9.0.
const IDENT: &str = "\
dn \"CN=ssltestuser-dn,OU=Testing,OU=Engineering,O=PGDG\" ssltestuser
dnre \"/^.*OU=Testing,.*$\" ssltestuser
cn ssltestuser-dn ssltestuser
";
/// Every role has the password `pass`.
const ROLES: &str = "\
create role testuser login
create role ssluser login
create role nossluser login
create role gssuser login
create role nogssuser login
set password_encryption = 'scram-sha-256'
create role ssltestuser login password 'pass'
create role anotheruser login password 'pass'
create role yetanotheruser login password 'pass'
set password_encryption = 'md5'
create role md5testuser login password 'pass'
";
/// The same password as a users file keeps it.
const SECRET: &str = "SCRAM-SHA-256$4096:c2FsdCBvZiBwYXNzLi4uIQ==$FC8EJantJFK5juI9o0AxXJE7Jqnqj9YnHzHXFfLJWuw=:mbeLorTiTIZse/0a/J2KoEwLdHa9GdBqFsZfCavACP8=";
/// Databases that the rules speak of.
const DATABASES: [&str; 6] = [
    "trustdb",
    "verifydb",
    "certdb",
    "certdb_dn",
    "certdb_dn_re",
    "certdb_cn",
];

fn access_rules(access: Access) -> String {
    match access {
        Access::Ssl(method) => format!(
            "hostssl trustdb all 127.0.0.1/32 {method}\n\
             hostssl verifydb ssltestuser 127.0.0.1/32 {method} clientcert=verify-full\n\
             hostssl verifydb anotheruser 127.0.0.1/32 {method} clientcert=verify-full\n\
             hostssl verifydb yetanotheruser 127.0.0.1/32 {method} clientcert=verify-ca\n\
             hostssl certdb all 127.0.0.1/32 cert\n\
             hostssl certdb_dn all 127.0.0.1/32 cert clientname=DN map=dn\n\
             hostssl certdb_dn_re all 127.0.0.1/32 cert clientname=DN map=dnre\n\
             hostssl certdb_cn all 127.0.0.1/32 cert clientname=CN map=cn\n"
        ),
        // Without GSSAPI, `hostnogssenc` is `host` and `hostgssenc` is never.
        Access::Negotiation => "\
             host postgres testuser 127.0.0.1/32 trust\n\
             hostnossl postgres nossluser 127.0.0.1/32 trust\n\
             hostnogssenc postgres nogssuser 127.0.0.1/32 trust\n\
             hostssl postgres ssluser 127.0.0.1/32 trust\n\
             hostgssenc postgres gssuser 127.0.0.1/32 trust\n"
            .into(),
    }
}

/// A running server.
pub(super) enum Server {
    Ours(Box<Running>),
    PostgreSql(Box<Cluster>),
}

impl Server {
    pub(super) fn start(software: Software<'_>, setup: Setup, place: &Place) -> Self {
        match software {
            Software::Ours => {
                let mut running = place.serve(&borrowed(&arguments(setup, place)));
                if matches!(setup.access, Access::Ssl(_)) {
                    make_databases(place, running.address(), setup);
                }
                for _ in 0..setup.reloads {
                    running.signal("HUP");
                    running.next_log_line(setup.reload_logs);
                }
                Self::Ours(Box::new(running))
            }
            Software::PostgreSql(oracle) => {
                let cluster = cluster(oracle, setup, place).unwrap();
                for _ in 0..setup.reloads {
                    cluster.reload(setup.reload_logs);
                }
                Self::PostgreSql(Box::new(cluster))
            }
        }
    }

    /// Why it does not start.
    pub(super) fn fails(software: Software<'_>, setup: Setup, place: &Place) -> String {
        match software {
            Software::Ours => {
                let mut arguments = arguments(setup, place);
                arguments.push("--check-config".into());
                place.run(&borrowed(&arguments)).expect(1).stderr
            }
            Software::PostgreSql(oracle) => cluster(oracle, setup, place).unwrap_err(),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        match self {
            Self::Ours(running) => running.address(),
            Self::PostgreSql(cluster) => cluster.address(),
        }
    }

    /// Its log, each event with the port of the client it is about.
    pub(super) fn stop(self) -> Vec<(u16, LogEvent)> {
        match self {
            Self::Ours(running) => running.stop().stderr.lines().map(read_line).collect(),
            Self::PostgreSql(cluster) => cluster.stop(),
        }
    }
}

/// Major version, ours being held to the newest.
pub(super) fn major(software: Software<'_>) -> u32 {
    match software {
        Software::Ours => u32::MAX,
        Software::PostgreSql(oracle) => oracle.postgres.major(),
    }
}

/// The flags that mean this setup, its files written.
fn arguments(setup: Setup, place: &Place) -> Vec<String> {
    let setup_rule = "hostssl postgres setup 127.0.0.1/32 trust\n";
    place.write(
        "pg_hba.conf",
        &(setup_rule.to_owned() + &access_rules(setup.access)),
    );
    place.write("pg_ident.conf", IDENT);
    let users = ["ssltestuser", "anotheruser", "yetanotheruser"]
        .map(|name| format!("\"{name}\" \"{SECRET}\"\n"));
    private(&place.write("users", &users.concat()));
    let mode = if setup.ssl { "allow" } else { "disable" };
    let mut flags = vec![
        ("log-format", "json".to_owned()),
        ("ssl-mode", mode.into()),
        ("hba-file", "pg_hba.conf".into()),
        ("ident-file", "pg_ident.conf".into()),
        ("users-file", "users".into()),
    ];
    if setup.ssl {
        flags.push(("ssl-cert-file", format!("{}.crt", setup.certificate)));
        flags.push(("ssl-key-file", format!("{}.key", setup.key)));
        let (min, max) = setup.versions;
        for (flag, version) in [
            ("ssl-min-protocol-version", min),
            ("ssl-max-protocol-version", max),
        ] {
            if !version.is_empty() {
                flags.push((flag, version.into()));
            }
        }
        if let Some(lines) = setup.hosts {
            place.write("pg_hosts.conf", lines);
            place.write("hostnames.txt", "example.com\nexample.net\n");
            flags.push(("hosts-file", "pg_hosts.conf".into()));
        }
        if setup.sni {
            flags.push(("ssl-sni", "on".into()));
            if setup.hosts.is_none() {
                flags.push(("hosts-file", "missing.conf".into()));
            }
        }
        if !setup.ca.is_empty() {
            flags.push(("ssl-ca-file", format!("{}.crt", setup.ca)));
        }
        let (file, directory) = setup.revoked;
        let (command, supports_reload) = setup.passphrase;
        for (flag, value) in [
            ("ssl-crl-file", file),
            ("ssl-crl-dir", directory),
            ("ssl-passphrase-command", command),
        ] {
            if !value.is_empty() {
                flags.push((flag, value.into()));
            }
        }
        if supports_reload {
            flags.push((
                "ssl-passphrase-command-supports-reload",
                supports_reload.to_string(),
            ));
        }
    }
    flags
        .into_iter()
        .map(|(flag, value)| format!("--{flag}={value}"))
        .collect()
}

fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn private(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
}

fn make_databases(place: &Place, address: SocketAddr, setup: Setup) {
    let conninfo = format!(
        "hostaddr=127.0.0.1 {} port={} user=setup dbname=postgres sslmode=require",
        setup.served_host(),
        address.port()
    );
    let statements = DATABASES.map(|database| format!("create database {database}"));
    let statements = statements.each_ref().map(String::as_str);
    if let Some(libpq) = Libpq::installed().first() {
        let said = libpq.run(place.root(), &[], &conninfo, &statements);
        assert!(said.success, "{}", said.stderr);
    }
}

fn cluster(oracle: &Oracle, setup: Setup, place: &Place) -> Result<Cluster, String> {
    let (min, max) = setup.versions;
    let ssl = if setup.ssl { "on" } else { "off" };
    let ca = if setup.ca.is_empty() { "" } else { "ca.crt" };
    let (crl_file, crl_dir) = setup.revoked;
    let set = |value: &str, name: &'static str| if value.is_empty() { "" } else { name };
    let (crl, crls) = (set(crl_file, "server.crl"), set(crl_dir, "crls"));
    let (command, supports_reload) = setup.passphrase;
    let settings = format!(
        "ssl_crl_file = '{crl}'\nssl_crl_dir = '{crls}'\nssl_passphrase_command = '{command}'\n\
         ssl_passphrase_command_supports_reload = {supports_reload}\n\
         ssl = {ssl}\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\nssl_ca_file = '{ca}'\n\
         ssl_min_protocol_version = '{min}'\nssl_max_protocol_version = '{max}'\n"
    );
    let hba = access_rules(setup.access);
    let md5 = if setup.access == Access::Negotiation {
        ""
    } else {
        "hostssl trustdb md5testuser 127.0.0.1/32 md5\n"
    };
    let ca = if setup.ca.is_empty() {
        ""
    } else {
        certificates::text(&format!("{}.crt", setup.ca))
    };
    let hba = format!("{md5}{hba}");
    let mut files = vec![
        (
            "server.crt",
            certificates::text(&format!("{}.crt", setup.certificate)),
        ),
        (
            "server.key",
            certificates::text(&format!("{}.key", setup.key)),
        ),
        ("ca.crt", ca),
        ("pg_hba.conf", hba.as_str()),
        ("pg_ident.conf", IDENT),
    ];
    if !crl_file.is_empty() {
        files.push(("server.crl", certificates::text(crl_file)));
    }
    let hashed = hashed_lists(&place.root().join(crl_dir));
    if !crl_dir.is_empty() {
        let hashed = { hashed.iter() }.map(|(name, text)| (name.as_str(), text.as_str()));
        files.extend(hashed);
    }
    oracle.postgres.start_on(&oracle.data, &settings, &files)
}

/// The lists in a directory under the names that PostgreSQL looks for.
fn hashed_lists(directory: &Path) -> Vec<(String, String)> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().extension().is_some_and(|it| it == "r0"))
        .map(|entry| {
            let name = format!("crls/{}", entry.file_name().to_str().unwrap());
            (name, fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

fn read_line(line: &str) -> (u16, LogEvent) {
    let line: Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| Some(line.get(name)?.as_str()?.to_owned());
    let message = text("message").unwrap();
    let port = |text: &str| text.rsplit_once("port=")?.1.parse().ok();
    let port = text("peer")
        .and_then(|peer| port(&peer))
        .or_else(|| port(&message))
        .unwrap_or(0);
    let event = LogEvent {
        severity: text("severity").or_else(|| text("level")).unwrap(),
        sqlstate: text("sqlstate").unwrap_or_else(|| "00000".into()),
        detail: text("detail"),
        hint: text("hint"),
        message,
    };
    (port, event)
}
