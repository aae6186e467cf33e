//! `pg-certs doctor`: what will go wrong, before a server starts.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use anyhow::Result;
use clap::{Args, ValueEnum};
use pg_certs::doctor::{Diagnosis, Doctor};
use pg_certs::verdict::{ClientCertificate, ClientSslMode, Plaintext, Verdict};
use serde::Serialize;

use super::files::Directory;
use super::json;
use super::output::{self, Exit};
use super::period;

#[derive(Args, Debug)]
pub(super) struct Options {
    #[command(flatten)]
    directory: Directory,
    /// The server's certificate, followed by its intermediates [default: DIR/server.crt]
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// The server's key [default: DIR/server.key]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// What clients have as sslrootcert [default: DIR/ca.crt if it exists]
    #[arg(long, value_name = "FILE")]
    root_cert: Option<PathBuf>,
    /// The authorities of client certificates: the server's ssl_ca_file
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Revocation lists: the server's ssl_crl_file
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// Hosts that clients connect to [default: the names in the certificate]
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// What the server demands: its ssl_mode
    #[arg(long, value_enum, default_value_t = ServerMode::Require)]
    ssl_mode: ServerMode,
    /// The sslmode with which clients must get in [default: verify-full, without sslrootcert require]
    #[arg(long, value_name = "MODE")]
    sslmode: Option<ClientSslMode>,
    /// What expires within this time is an error: 30d, 12h
    #[arg(long, value_name = "TIME", default_value = "0d", value_parser = period::parse)]
    expires_within: Duration,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

/// `ssl_mode` of heliosdb-server, but for `disable`: then there is nothing to examine.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum ServerMode {
    Allow,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl ServerMode {
    const fn policy(self) -> (Plaintext, ClientCertificate) {
        match self {
            Self::Allow | Self::Prefer => (Plaintext::Accepted, ClientCertificate::NotDemanded),
            Self::Require => (Plaintext::Refused, ClientCertificate::NotDemanded),
            Self::VerifyCa | Self::VerifyFull => (Plaintext::Refused, ClientCertificate::Demanded),
        }
    }
}

/// The answer in JSON.
#[derive(Serialize)]
struct Answer {
    ok: bool,
    files: Vec<json::Finding>,
    verdicts: Vec<json::Connects>,
}

pub(super) fn run(options: &Options) -> Result<Exit> {
    let root = options
        .root_cert
        .clone()
        .or_else(|| Some(options.directory.file(None, "ca.crt")).filter(|path| path.exists()));
    let required = options.sslmode.unwrap_or(match root {
        Some(_) => ClientSslMode::VerifyFull,
        None => ClientSslMode::Require,
    });
    let (plaintext, client_certificate) = options.ssl_mode.policy();
    let mut doctor = Doctor::new(
        options
            .directory
            .file(options.cert.as_deref(), "server.crt"),
        options.directory.file(options.key.as_deref(), "server.key"),
    )
    .with_hosts(&options.hosts)
    .with_policy(plaintext, client_certificate)
    .with_expires_within(options.expires_within);
    if let Some(root) = root {
        doctor = doctor.with_roots(root);
    }
    if let Some(authorities) = &options.client_ca {
        doctor = doctor.with_client_authorities(authorities);
    }
    for list in &options.crl {
        doctor = doctor.with_lists(list);
    }
    let diagnosis = doctor.examine(SystemTime::now());
    let locked_out: Vec<&Verdict> = diagnosis
        .verdicts
        .iter()
        .filter(|verdict| verdict.sslmode == required && !verdict.outcome.connects())
        .collect();
    let ok = diagnosis.is_healthy() && locked_out.is_empty();
    if options.json {
        output::json(&Answer {
            ok,
            files: diagnosis.checks.iter().map(Into::into).collect(),
            verdicts: diagnosis.verdicts.iter().map(Into::into).collect(),
        })?;
    } else {
        output::text(&describe(&diagnosis, required, &locked_out))?;
    }
    match ok {
        true => Ok(Exit::Fine),
        false => Ok(Exit::Problem),
    }
}

fn describe(diagnosis: &Diagnosis, required: ClientSslMode, locked_out: &[&Verdict]) -> String {
    let mut text = String::new();
    for check in &diagnosis.checks {
        text.push_str(&format!(
            "{:<8} {}: {}\n",
            check.level.as_str(),
            check.file.display(),
            check.text
        ));
    }
    let mut host = None;
    for verdict in &diagnosis.verdicts {
        if host != Some(&verdict.host) {
            text.push_str(&format!("\nclients with host={}\n", verdict.host));
            host = Some(&verdict.host);
        }
        text.push_str(&line(verdict));
    }
    text.push('\n');
    text.push_str(&conclusion(diagnosis, required, locked_out));
    text
}

fn line(verdict: &Verdict) -> String {
    let word = match verdict.outcome.connects() {
        true => "connects",
        false => "fails",
    };
    let more = [("caution", &verdict.caution), ("cure", &verdict.cure)]
        .into_iter()
        .filter_map(|(name, more)| {
            let more = more.as_ref()?;
            Some(format!("{:23}{name}: {more}\n", ""))
        });
    let more: String = more.collect();
    format!(
        "  {:<11} {word:<8} {}\n{more}",
        verdict.sslmode, verdict.reason
    )
}

fn conclusion(diagnosis: &Diagnosis, required: ClientSslMode, locked_out: &[&Verdict]) -> String {
    if !diagnosis.is_healthy() {
        return "NOT OK: mend the errors above\n".to_owned();
    }
    if locked_out.is_empty() {
        return format!("OK: clients with sslmode={required} connect\n");
    }
    let hosts: Vec<&str> = locked_out.iter().map(|it| it.host.as_str()).collect();
    format!(
        "NOT OK: clients with sslmode={required} do not connect to {}\n",
        hosts.join(", ")
    )
}
