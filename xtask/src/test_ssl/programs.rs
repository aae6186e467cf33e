//! Which program speaks for which driver, and how those are compiled that need it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::cells::Driver;
use super::clients::without_users_own;
use crate::project::{Project, is_file, which};
use crate::setup;

/// Debian's folder of Go packages.
const GO_PATH: &str = "/usr/share/gocode";

/// Finds, compiles and calls the programs.
pub(crate) struct Programs {
    psql_18: PathBuf,
    /// The folder of their sources.
    sources: PathBuf,
    /// Where compiled ones and packages from registries are.
    installed: PathBuf,
    python: PathBuf,
    /// The folder of the Rust ones.
    built: PathBuf,
    /// A home directory without `.postgresql`, whose files libpq would use unasked.
    home: PathBuf,
    log: File,
}

impl Programs {
    pub(crate) fn new(project: &Project, home: PathBuf, log: File) -> Self {
        Self {
            psql_18: setup::postgresql_18(project).join("bin/psql"),
            sources: project.root.join("xtask/clients"),
            installed: project.clients(),
            python: setup::python(project),
            built: project.target.join("debug"),
            home,
            log,
        }
    }

    /// Compiles the driver's program, if it is of that kind and not compiled yet.
    pub(crate) fn compile(&self, driver: Driver) -> Result<()> {
        match driver {
            Driver::Pgx => self.compile_go("pgx_client"),
            Driver::LibPq => self.compile_go("lib_pq_client"),
            Driver::PgJdbc => self.compile_java(),
            _ => Ok(()),
        }
    }

    /// A command that runs the driver's program.
    pub(crate) fn command(&self, driver: Driver) -> Result<Command> {
        let program = match driver {
            Driver::Psql15 => setup::psql_15().context("psql 15 is not installed")?,
            Driver::Psql18 => self.psql_18.clone(),
            Driver::Psycopg | Driver::PsqlOdbc | Driver::Asyncpg | Driver::Pg8000 => {
                self.python.clone()
            }
            Driver::NodePostgres | Driver::PostgresJs => in_path("node")?,
            Driver::RubyPg => in_path("ruby")?,
            Driver::PhpPgsql => in_path("php")?,
            Driver::DbdPg => in_path("perl")?,
            Driver::PgJdbc => in_path("java")?,
            Driver::Pgx => self.installed.join("go/pgx_client"),
            Driver::LibPq => self.installed.join("go/lib_pq_client"),
            Driver::TokioPostgres => self.built.join("client_tokio_postgres"),
            Driver::Sqlx => self.built.join("client_sqlx"),
        };
        ensure!(is_file(&program), "{} is absent", program.display());
        let mut command = without_users_own(&program, &self.home);
        command.stderr(self.log.try_clone()?);
        if let Some(source) = script(driver) {
            command.arg(self.sources.join(source));
        }
        match driver {
            Driver::NodePostgres | Driver::PostgresJs => {
                command.env("NODE_PATH", setup::node_modules(&self.installed));
            }
            Driver::PsqlOdbc => {
                command.env("PSQLODBC", setup::psqlodbc().context("psqlODBC is absent")?);
            }
            Driver::PgJdbc => {
                let classes = self.installed.join("java");
                command.args(["-XX:TieredStopAtLevel=1", "-cp"]);
                command.arg(format!("{}:{}", setup::PGJDBC, classes.display()));
                command.arg("PgJdbcClient");
            }
            _ => {}
        }
        Ok(command)
    }

    /// Debian's packages are those of GOPATH mode.
    fn compile_go(&self, name: &str) -> Result<()> {
        let program = self.installed.join("go").join(name);
        let sources = ["serve.go".to_owned(), format!("{name}.go")];
        let sources = sources.map(|file| self.sources.join(file));
        if is_newer(&program, &sources) {
            return Ok(());
        }
        fs::create_dir_all(self.installed.join("go"))?;
        let mut go = Command::new(in_path("go")?);
        go.args(["build", "-o"]).arg(&program).args(&sources);
        go.env("GO111MODULE", "off").env("GOPATH", GO_PATH);
        go.env("GOCACHE", self.installed.join("go-cache"));
        run(&mut go)
    }

    fn compile_java(&self) -> Result<()> {
        let folder = self.installed.join("java");
        let sources = [self.sources.join("PgJdbcClient.java")];
        if is_newer(&folder.join("PgJdbcClient.class"), &sources) {
            return Ok(());
        }
        ensure!(
            is_file(Path::new(setup::PGJDBC)),
            "{} is absent",
            setup::PGJDBC
        );
        fs::create_dir_all(&folder)?;
        let mut javac = Command::new(in_path("javac")?);
        javac
            .args(["-cp", setup::PGJDBC, "-d"])
            .arg(&folder)
            .args(&sources);
        run(&mut javac)
    }
}

/// The source that an interpreter is given.
const fn script(driver: Driver) -> Option<&'static str> {
    match driver {
        Driver::Psycopg => Some("psycopg_client.py"),
        Driver::PsqlOdbc => Some("odbc_client.py"),
        Driver::Asyncpg => Some("asyncpg_client.py"),
        Driver::Pg8000 => Some("pg8000_client.py"),
        Driver::NodePostgres => Some("node_postgres_client.cjs"),
        Driver::PostgresJs => Some("postgres_js_client.cjs"),
        Driver::RubyPg => Some("ruby_pg_client.rb"),
        Driver::PhpPgsql => Some("php_pgsql_client.php"),
        Driver::DbdPg => Some("dbd_pg_client.pl"),
        Driver::Psql15
        | Driver::Psql18
        | Driver::PgJdbc
        | Driver::Pgx
        | Driver::LibPq
        | Driver::TokioPostgres
        | Driver::Sqlx => None,
    }
}

fn in_path(name: &str) -> Result<PathBuf> {
    which(name).with_context(|| format!("{name} is not installed"))
}

/// Whether what was made of the sources was made after they changed.
fn is_newer(made: &Path, sources: &[PathBuf]) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified()).ok();
    changed(made).is_some_and(|made| {
        let mut sources = sources.iter();
        sources.all(|source| changed(source).is_some_and(|source| source <= made))
    })
}

fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().display().to_string();
    let output = command
        .output()
        .with_context(|| format!("cannot run {name}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{name} failed: {}", text.trim());
    Ok(())
}
