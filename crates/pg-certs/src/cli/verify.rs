//! `pg-certs verify`: a pair as a server would use it, or a chain against authorities.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Result;
use clap::{Args, ValueEnum};
use pg_certs::verify::{ChainCheck, ChainFault, Purpose, load_lists};
use pg_certs::{CertificateInfo, CertificateManager, load_certificate_chain, load_trust_anchors};
use serde::Serialize;

use super::json;
use super::output::{self, Exit};

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The certificate, followed by its intermediates
    #[arg(long, value_name = "FILE")]
    cert: PathBuf,
    /// Its key: checks both as a server would use them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["purpose", "crl"])]
    key: Option<PathBuf>,
    /// The authorities that the other side trusts
    #[arg(long, value_name = "FILE", required_unless_present = "key")]
    ca: Option<PathBuf>,
    /// A host name or IP address that it must be for
    #[arg(long = "host", value_name = "HOST", conflicts_with = "key")]
    hosts: Vec<String>,
    /// What it is presented for
    #[arg(long, value_enum, default_value_t = For::Server)]
    purpose: For,
    /// Revocation lists, of all authorities of the chain
    #[arg(long, value_name = "FILE")]
    crl: Vec<PathBuf>,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum For {
    Client,
    Server,
}

/// The answer in JSON.
#[derive(Serialize)]
struct Answer {
    ok: bool,
    certificate: Option<json::Certificate>,
    warnings: Vec<String>,
    errors: Vec<String>,
}

pub(super) fn run(options: &Options) -> Result<Exit> {
    match &options.key {
        Some(key) => pair(options, key),
        None => chain(options),
    }
}

fn pair(options: &Options, key: &Path) -> Result<Exit> {
    let report = match &options.ca {
        Some(ca) => CertificateManager::verify_cert_files_with_ca(&options.cert, key, ca)?,
        None => CertificateManager::verify_cert_files(&options.cert, key)?,
    };
    if options.json {
        let texts = |findings: &[pg_certs::verify::Finding]| {
            findings.iter().map(ToString::to_string).collect()
        };
        output::json(&Answer {
            ok: report.is_ok(),
            certificate: report
                .certificate()
                .map(|info| json::Certificate::new(info, SystemTime::now())),
            warnings: texts(report.warnings()),
            errors: texts(report.errors()),
        })?;
    } else {
        output::text(&format!("{report}{}\n", verdict(report.is_ok())))?;
    }
    Ok(exit(report.is_ok()))
}

fn chain(options: &Options) -> Result<Exit> {
    let chain = load_certificate_chain(&options.cert)?;
    let authorities = match &options.ca {
        Some(ca) => load_trust_anchors(ca)?,
        None => Vec::new(),
    };
    let lists = load_lists(options.crl.iter().map(PathBuf::as_path))?;
    let now = SystemTime::now();
    let faults = ChainCheck {
        authorities: &authorities,
        purpose: match options.purpose {
            For::Client => Purpose::Client,
            For::Server => Purpose::Server,
        },
        lists: &lists,
        hosts: &options.hosts,
        now,
    }
    .judge(&chain);
    let (warnings, errors): (Vec<_>, Vec<_>) = faults
        .iter()
        .partition(|fault| matches!(fault, ChainFault::LibpqOnly { .. }));
    let texts = |faults: &[&ChainFault]| faults.iter().map(ToString::to_string).collect::<Vec<_>>();
    let (warnings, errors) = (texts(&warnings), texts(&errors));
    let leaf = chain.first().map(|leaf| CertificateInfo::from_der(leaf));
    let ok = errors.is_empty();
    if options.json {
        output::json(&Answer {
            ok,
            certificate: leaf
                .and_then(Result::ok)
                .map(|info| json::Certificate::new(&info, now)),
            warnings,
            errors,
        })?;
    } else {
        let lines = warnings
            .iter()
            .map(|text| format!("warning: {text}\n"))
            .chain(errors.iter().map(|text| format!("error: {text}\n")));
        let text: String = lines.collect();
        output::text(&format!(
            "{text}{}: {}\n",
            options.cert.display(),
            verdict(ok)
        ))?;
    }
    Ok(exit(ok))
}

const fn verdict(ok: bool) -> &'static str {
    match ok {
        true => "OK",
        false => "NOT OK",
    }
}

const fn exit(ok: bool) -> Exit {
    match ok {
        true => Exit::Fine,
        false => Exit::Problem,
    }
}
