//! `cargo xtask scan`: what scanners of TLS say about the server, profile by profile.

mod report;
mod sslyze;
mod testssl;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pg_certs::CertificateAuthority;
use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, ServerSpec, Validity};

use crate::heliosdb;
use crate::process::{Output, run_for};
use crate::project::Project;

/// Days of the certificate: no more than Mozilla's `modern` allows, no fewer than testssl.sh likes.
const DAYS: u32 = 89;

/// How long checking the configuration may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(20);
/// How long one run of a scanner may take.
const SCAN_TIMEOUT: Duration = Duration::from_secs(600);

/// What to do with the verdicts.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Write the verdicts into docs/CONFORMANCE.md
    #[arg(long)]
    update: bool,
    /// Scan the server that was built last
    #[arg(long)]
    no_build: bool,
}

/// A way to run the server, and what scanners are to say about it.
struct Setup {
    name: &'static str,
    flags: &'static [&'static str],
    /// Mozilla's configuration that sslyze holds the server to.
    mozilla: &'static str,
    /// The versions that must be offered, and no others.
    versions: &'static [&'static str],
    tickets: bool,
}

const SETUPS: &[Setup] = &[
    Setup {
        name: "intermediate",
        flags: &["--ssl-profile", "intermediate"],
        mozilla: "intermediate",
        versions: &["TLS 1.2", "TLS 1.3"],
        tickets: false,
    },
    Setup {
        name: "modern",
        flags: &["--ssl-profile", "modern"],
        mozilla: "modern",
        versions: &["TLS 1.3"],
        tickets: false,
    },
    Setup {
        name: "fips",
        flags: &["--ssl-profile", "fips"],
        mozilla: "intermediate",
        versions: &["TLS 1.2", "TLS 1.3"],
        tickets: false,
    },
    Setup {
        name: "intermediate, session tickets on",
        flags: &[
            "--ssl-profile",
            "intermediate",
            "--ssl-session-tickets",
            "on",
        ],
        mozilla: "intermediate",
        versions: &["TLS 1.2", "TLS 1.3"],
        tickets: true,
    },
];

/// What a scanner found.
enum Verdict {
    /// Nothing that has to be mended; what it saw, in words.
    Passed(Vec<String>),
    /// What has to be mended, or what the scanner could not do.
    Failed(Vec<String>),
    /// It was not asked, and why.
    Absent(String),
}

/// One scanner's verdict about one setup.
struct Row {
    setup: &'static str,
    scanner: String,
    verdict: Verdict,
}

/// The server to look at.
struct Target<'a> {
    setup: &'a Setup,
    address: SocketAddr,
    ca: &'a Path,
    folder: &'a Path,
}

/// Scans every setup with every scanner that is there.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    if !options.no_build {
        project.build()?;
    }
    let folder = project.target.join("scan");
    let certificates = folder.join("certificates");
    fs::create_dir_all(&certificates)?;
    let [ca, certificate, key] = write_certificates(&certificates)?;
    let sslyze = sslyze::Sslyze::find_or_install(project);
    let testssl = testssl::Testssl::find();
    let mut rows = Vec::new();
    for setup in SETUPS {
        let mut add = |scanner: String, verdict| {
            rows.push(Row {
                setup: setup.name,
                scanner,
                verdict,
            });
        };
        if let Some(reason) = unavailable(project, setup)? {
            add("all".to_owned(), Verdict::Absent(reason));
            continue;
        }
        eprintln!("scan: {}", setup.name);
        let (server, address) = heliosdb::start(
            project,
            heliosdb::Start {
                listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
                ssl_mode: "require",
                certificate: certificate.clone(),
                key: key.clone(),
                ca: None,
                access: None,
                flags: setup.flags,
                output: Output::File(folder.join("server.log")),
            },
        )?;
        let target = Target {
            setup,
            address,
            ca: &ca,
            folder: &folder,
        };
        match &sslyze {
            Ok(sslyze) => add(sslyze.name.clone(), sslyze.scan(&target)?),
            Err(error) => add("sslyze".to_owned(), Verdict::Absent(format!("{error:#}"))),
        }
        match &testssl {
            Some(testssl) => add(testssl.name.clone(), testssl.scan(&target)?),
            None => add(
                "testssl.sh".to_owned(),
                Verdict::Absent("not installed: apt-get install testssl.sh".to_owned()),
            ),
        }
        server.stop()?;
    }
    report::print(&rows);
    if options.update {
        report::write(&project.root.join("docs/CONFORMANCE.md"), &rows)?;
    }
    let failed = rows
        .iter()
        .filter(|row| matches!(row.verdict, Verdict::Failed(_)));
    let failed = failed.count();
    ensure!(failed == 0, "{failed} of {} scans failed", rows.len());
    Ok(())
}

/// An authority of the scan's own, and a certificate below it.
fn write_certificates(folder: &Path) -> Result<[PathBuf; 3]> {
    let [ca, certificate, key] = ["ca.crt", "server.crt", "server.key"].map(|it| folder.join(it));
    let authority = CertificateAuthority::create(&CaSpec::new("Scan CA"))?;
    authority.write_certificate(&ca, Existing::Replace)?;
    let spec = ServerSpec::new(["localhost", "127.0.0.1"]).with_validity(Validity::days(DAYS));
    authority
        .issue_server(&spec)?
        .write(&certificate, &key, Existing::Replace)?;
    Ok([ca, certificate, key])
}

/// Why this build cannot be run so; `None` if it can.
fn unavailable(project: &Project, setup: &Setup) -> Result<Option<String>> {
    let mut command = Command::new(project.program("heliosdb-server"));
    command.arg("--check-config").args(setup.flags);
    let said = run_for(&mut command, CHECK_TIMEOUT)?;
    let said = said.context("heliosdb-server --check-config did not end")?;
    let reason = said
        .stderr
        .lines()
        .find(|line| line.contains("not supported by this build"));
    Ok(reason.map(|line| line.trim().to_owned()))
}
