//! The servers under test: ours, and PostgreSQL with the configuration that means the same.

use std::ffi::OsStr;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use xshell::cmd;

use super::access::{HBA, IDENT, PASSWORD, USER, WITH_PASSWORD, WITHOUT_PASSWORD};
use super::cells::{Rules, ServerCertificate, ServerMode, Setup};
use crate::heliosdb;
use crate::process::{Output, Server, bound_to_us};
use crate::project::{Project, is_file};
use crate::setup;

/// What SQL a server speaks, and what it can do beside.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Ours, with the embedded engine.
    Nano,
    PostgreSql,
}

/// A server that can be started in each setup.
pub(crate) enum Target<'a> {
    HeliosDb {
        project: &'a Project,
        folder: &'a Path,
    },
    PostgreSql(PostgreSql),
}

impl Target<'_> {
    /// Its name in tables.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::HeliosDb { .. } => "heliosdb-server".to_owned(),
            Self::PostgreSql(oracle) => format!("PostgreSQL {}", oracle.release),
        }
    }

    /// What it is.
    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::HeliosDb { .. } => Kind::Nano,
            Self::PostgreSql(_) => Kind::PostgreSql,
        }
    }

    /// Whether TLS may begin by its first byte, which came with PostgreSQL 17.
    pub(crate) const fn knows_direct_tls(&self) -> bool {
        match self {
            Self::HeliosDb { .. } => true,
            Self::PostgreSql(oracle) => oracle.release >= 17,
        }
    }

    /// Starts it on a free port of 127.0.0.1.
    pub(crate) fn start(&self, setup: Setup) -> Result<(Server, u16)> {
        match self {
            Self::HeliosDb { project, folder } => {
                let name = certificate_file(setup.certificate);
                let ca = folder.join("ca.crt");
                let log = format!("heliosdb-{}.log", setup.name());
                let access = match setup.rules {
                    Rules::Mode => None,
                    Rules::File => Some(heliosdb_access(project, folder)?),
                };
                let start = heliosdb::Start {
                    listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                    ssl_mode: setup.mode.as_str(),
                    certificate: folder.join(format!("{name}.crt")),
                    key: folder.join(format!("{name}.key")),
                    ca: Some(&ca),
                    access: access.as_ref(),
                    flags: &[],
                    output: Output::File(folder.join(log)),
                };
                let (server, address) = heliosdb::start(project, start)?;
                Ok((server, address.port()))
            }
            Self::PostgreSql(oracle) => oracle.start(setup),
        }
    }
}

/// A real PostgreSQL with a data directory of its own.
pub(crate) struct PostgreSql {
    release: u32,
    bin: PathBuf,
    /// Holds the data directory, copies of the certificates, and the access rules.
    folder: PathBuf,
    account: Option<Account>,
}

/// Who runs PostgreSQL, which refuses to be run by root.
#[derive(Clone, Copy)]
struct Account {
    uid: u32,
    gid: u32,
}

impl PostgreSql {
    /// Makes a database cluster in the new folder `name` below `folder`, which holds the
    /// certificates; `None` if this release is not on the machine.
    pub(crate) fn prepare(
        project: &Project,
        release: u32,
        folder: &Path,
        name: &str,
    ) -> Result<Option<Self>> {
        let account = unprivileged(project)?;
        let own = folder.join(name);
        fs::create_dir(&own)?;
        let Some(bin) = find(project, release, &own)? else {
            return Ok(None);
        };
        let oracle = Self {
            release,
            bin,
            folder: own,
            account,
        };
        oracle.copy_certificates(folder)?;
        oracle.give_away(&oracle.folder)?;
        let data = oracle.folder.join("data");
        let mut initdb = oracle.command("initdb", "TERM");
        initdb
            .args(["--username", USER, "--auth", "trust", "--encoding", "UTF8"])
            .args([
                "--locale",
                "C",
                "--no-sync",
                "--no-instructions",
                "--pgdata",
            ])
            .arg(&data);
        let said = initdb.output().context("cannot run initdb")?;
        ensure!(
            said.status.success(),
            "initdb failed: {}",
            String::from_utf8_lossy(&said.stderr)
        );
        oracle.make_roles()?;
        Ok(Some(oracle))
    }

    /// The folder of its own, with copies of the certificates that its account may read.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Makes everybody who logs in a superuser, so that all may make tables.
    fn make_roles(&self) -> Result<()> {
        let with = WITH_PASSWORD
            .iter()
            .map(|name| format!("create role {name} superuser login password '{PASSWORD}';\n"));
        let without = WITHOUT_PASSWORD
            .iter()
            .map(|name| format!("create role {name} superuser login;\n"));
        let mut command = self.command("postgres", "TERM");
        command
            .args(["--single", "-D"])
            .arg(self.folder.join("data"));
        command.arg("postgres");
        let said = run_with_input(&mut command, &with.chain(without).collect::<String>())?;
        ensure!(!said.contains("ERROR"), "cannot make the roles: {said}");
        Ok(())
    }

    fn start(&self, setup: Setup) -> Result<(Server, u16)> {
        let [hba, ident] = ["pg_hba.conf", "pg_ident.conf"].map(|file| self.folder.join(file));
        let rules = match setup.rules {
            Rules::Mode => access_rules(setup.mode),
            Rules::File => HBA,
        };
        fs::write(&hba, rules)?;
        fs::write(&ident, IDENT)?;
        let name = certificate_file(setup.certificate);
        let ssl = if setup.mode == ServerMode::Disable {
            "off"
        } else {
            "on"
        };
        let port = free_port()?;
        let mut command = self.command("postgres", "INT");
        command.arg("-D").arg(self.folder.join("data"));
        let mut set = |setting: &str, value: &dyn AsRef<OsStr>| {
            let mut text = OsStr::new(setting).to_owned();
            text.push("=");
            text.push(value);
            command.arg("-c").arg(text);
        };
        set("port", &port.to_string());
        set("listen_addresses", &"127.0.0.1");
        set("unix_socket_directories", &"");
        set("fsync", &"off");
        set("hba_file", &hba);
        set("ident_file", &ident);
        set("ssl", &ssl);
        set("ssl_cert_file", &self.folder.join(format!("{name}.crt")));
        set("ssl_key_file", &self.folder.join(format!("{name}.key")));
        set("ssl_ca_file", &self.folder.join("ca.crt"));
        let log = self.folder.join(format!("{}.log", setup.name()));
        let ready = "database system is ready to accept connections";
        let (server, _) = Server::start(command, ready, Output::File(log), "INT")?;
        Ok((server, port))
    }

    /// One of the release's programs, run by an account that it accepts.
    fn command(&self, program: &str, death_signal: &str) -> Command {
        self.run_as(&self.bin.join(program), death_signal)
    }

    /// Any program, run by the account of this PostgreSQL.
    pub(crate) fn run_as(&self, program: &Path, death_signal: &str) -> Command {
        let mut command = match self.account {
            None => bound_to_us(program, death_signal),
            Some(Account { uid, gid }) => {
                let mut command = Command::new("setpriv");
                command
                    .args(["--pdeathsig", death_signal, "--clear-groups"])
                    .args([format!("--reuid={uid}"), format!("--regid={gid}")])
                    .arg(program);
                command
            }
        };
        command.current_dir(&self.folder).env("LC_ALL", "C");
        command
    }

    /// PostgreSQL takes a private key only from its own account or root.
    fn copy_certificates(&self, from: &Path) -> Result<()> {
        for entry in fs::read_dir(from)? {
            let path = entry?.path();
            let is_pem = path
                .extension()
                .is_some_and(|end| end == "crt" || end == "key");
            if let Some(name) = path.file_name().filter(|_| is_pem) {
                let copy = self.folder.join(name);
                fs::copy(&path, &copy)?;
                self.give_away(&copy)?;
            }
        }
        Ok(())
    }

    fn give_away(&self, path: &Path) -> Result<()> {
        if let Some(Account { uid, gid }) = self.account {
            chown(path, Some(uid), Some(gid))
                .with_context(|| format!("cannot give {} away", path.display()))?;
        }
        Ok(())
    }
}

/// Writes our server's files: the same rules, and the users made by its own command.
fn heliosdb_access(project: &Project, folder: &Path) -> Result<heliosdb::Access> {
    let file = |name: &str| folder.join(name);
    let access = heliosdb::Access {
        hba: file("pg_hba.conf"),
        ident: file("pg_ident.conf"),
        users: file("users.txt"),
    };
    fs::write(&access.hba, HBA)?;
    fs::write(&access.ident, IDENT)?;
    // From a start before.
    if access.users.exists() {
        fs::remove_file(&access.users)?;
    }
    for name in WITH_PASSWORD {
        let mut command = Command::new(project.program("heliosdb-server"));
        command.args(["user", "add", name, "--users-file"]);
        run_with_input(command.arg(&access.users), &format!("{PASSWORD}\n"))?;
    }
    Ok(access)
}

/// Runs a command that reads a little; gives what it wrote to either output.
fn run_with_input(command: &mut Command, input: &str) -> Result<String> {
    let name = command.get_program().display().to_string();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let mut stdin = child.stdin.take().context("standard input")?;
    stdin.write_all(input.as_bytes())?;
    drop(stdin);
    let output = child.wait_with_output()?;
    let texts = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    let said = texts.concat();
    ensure!(output.status.success(), "{name} failed: {said}");
    Ok(said)
}

/// The name of the certificate that `gen_certs` wrote for it.
const fn certificate_file(certificate: ServerCertificate) -> &'static str {
    match certificate {
        ServerCertificate::Good => "server",
        ServerCertificate::Rsa => "server-rsa",
        ServerCertificate::Ed25519 => "server-ed25519",
        ServerCertificate::Chain => "server-chain",
        ServerCertificate::WrongHost => "bad-server-wrong-host",
        ServerCertificate::WrongCa => "bad-server-wrong-ca",
        ServerCertificate::Expired => "bad-server-expired",
        ServerCertificate::NotYetValid => "bad-server-not-yet-valid",
    }
}

/// `pg_hba.conf` for a mode.
const fn access_rules(mode: ServerMode) -> &'static str {
    match mode {
        ServerMode::Disable | ServerMode::Allow | ServerMode::Prefer => {
            "host all all 127.0.0.1/32 trust\n"
        }
        ServerMode::Require => "hostssl all all 127.0.0.1/32 trust\n",
        ServerMode::VerifyCa => "hostssl all all 127.0.0.1/32 trust clientcert=verify-ca\n",
        ServerMode::VerifyFull => "hostssl all all 127.0.0.1/32 cert\n",
    }
}

/// The release's `bin` folder; the one from Python's registry is copied into `own`, because the
/// account that runs it need not be able to read the project.
fn find(project: &Project, release: u32, own: &Path) -> Result<Option<PathBuf>> {
    if release < 18 {
        let bin = PathBuf::from(format!("/usr/lib/postgresql/{release}/bin"));
        return Ok(is_file(&bin.join("postgres")).then_some(bin));
    }
    let installed = setup::postgresql_18(project);
    if !is_file(&installed.join("bin/postgres")) {
        return Ok(None);
    }
    let parts = ["bin", "lib", "share"].map(|part| installed.join(part));
    cmd!(project.sh, "cp -R {parts...} {own}").quiet().run()?;
    Ok(Some(own.join("bin")))
}

/// Whom to become, if this is root.
fn unprivileged(project: &Project) -> Result<Option<Account>> {
    let sh = &project.sh;
    if cmd!(sh, "id -u").quiet().read()? != "0" {
        return Ok(None);
    }
    let id = |flag: &str| -> Result<u32> {
        let id = ["postgres", "nobody"]
            .iter()
            .find_map(|name| {
                cmd!(sh, "id {flag} {name}")
                    .quiet()
                    .ignore_stderr()
                    .read()
                    .ok()
            })
            .context("there is neither an account postgres nor nobody")?;
        Ok(id.parse()?)
    };
    Ok(Some(Account {
        uid: id("-u")?,
        gid: id("-g")?,
    }))
}

/// A port that nobody listened on a moment ago: PostgreSQL cannot choose one itself.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// A folder that any account may look into.
pub(crate) fn open_to_all(folder: &Path) -> Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
