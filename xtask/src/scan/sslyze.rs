//! sslyze, from Python's registry, in a virtual environment of its own.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::Value;
use xshell::cmd;

use super::{SCAN_TIMEOUT, Target, Verdict};
use crate::process::run_for;
use crate::project::{Project, is_file};

/// The program, ready to run.
pub(super) struct Sslyze {
    program: PathBuf,
    /// With its version.
    pub(super) name: String,
}

/// What is asked besides Mozilla's configuration, which leaves the first two out. (Early data sslyze asks
/// for in HTTP; the tests of pg-tls look at it.)
const COMMANDS: &[&str] = &[
    "--resum",
    "--certinfo",
    "--sslv2",
    "--sslv3",
    "--tlsv1",
    "--tlsv1_1",
    "--tlsv1_2",
    "--tlsv1_3",
    "--compression",
    "--fallback",
    "--reneg",
    "--ems",
    "--elliptic_curves",
    "--openssl_ccs",
    "--robot",
    "--heartbleed",
];

/// sslyze's names of the versions, with people's.
const VERSIONS: &[(&str, &str)] = &[
    ("ssl_2_0_cipher_suites", "SSL 2"),
    ("ssl_3_0_cipher_suites", "SSL 3"),
    ("tls_1_0_cipher_suites", "TLS 1.0"),
    ("tls_1_1_cipher_suites", "TLS 1.1"),
    ("tls_1_2_cipher_suites", "TLS 1.2"),
    ("tls_1_3_cipher_suites", "TLS 1.3"),
];

/// Where an answer is, what it must be, and what is wrong if it is not.
const ANSWERS: &[(&str, bool, &str)] = &[
    (
        "tls_compression/result/supports_compression",
        false,
        "compression",
    ),
    (
        "openssl_ccs_injection/result/is_vulnerable_to_ccs_injection",
        false,
        "CCS injection",
    ),
    (
        "heartbleed/result/is_vulnerable_to_heartbleed",
        false,
        "Heartbleed",
    ),
    (
        "session_renegotiation/result/is_vulnerable_to_client_renegotiation_dos",
        false,
        "renegotiation by the client",
    ),
    (
        "tls_fallback_scsv/result/supports_fallback_scsv",
        true,
        "no TLS_FALLBACK_SCSV",
    ),
    (
        "tls_extended_master_secret/result/supports_ems_extension",
        true,
        "no extended master secret",
    ),
];

impl Sslyze {
    /// The one of an earlier run, or a new one.
    pub(super) fn find_or_install(project: &Project) -> Result<Self> {
        let venv = project.target.join("scan/venv");
        let (program, pip) = (venv.join("bin/sslyze"), venv.join("bin/pip"));
        let sh = &project.sh;
        if !is_file(&program) {
            eprintln!("scan: installing sslyze");
            cmd!(sh, "python3 -m venv {venv}")
                .run()
                .context("python3 -m venv")?;
            cmd!(
                sh,
                "{pip} install --quiet --disable-pip-version-check sslyze"
            )
            .run()
            .context("not installed, and pip cannot install it")?;
        }
        let shown = cmd!(sh, "{pip} show sslyze")
            .quiet()
            .ignore_stderr()
            .read()?;
        let version = shown
            .lines()
            .find_map(|line| line.strip_prefix("Version: "));
        Ok(Self {
            program,
            name: format!("sslyze {}", version.unwrap_or("(version unknown)")),
        })
    }

    /// Scans the server twice: for Mozilla's verdict, and for everything else.
    pub(super) fn scan(&self, target: &Target<'_>) -> Result<Verdict> {
        let mozilla = self.run(
            target,
            &["--mozilla_config", target.setup.mozilla],
            "mozilla",
        )?;
        let all = self.run(target, COMMANDS, "all")?;
        let (Some((compliance, _)), Some((_, all))) = (mozilla, all) else {
            return Ok(Verdict::Failed(vec![format!(
                "no end after {SCAN_TIMEOUT:?}"
            )]));
        };
        Ok(verdict(target, &compliance, &all))
    }

    /// What it printed, and what it wrote; `None` if it had to be killed.
    fn run(
        &self,
        target: &Target<'_>,
        arguments: &[&str],
        name: &str,
    ) -> Result<Option<(String, Value)>> {
        let json = target.folder.join(format!("sslyze-{name}.json"));
        let mut command = Command::new(&self.program);
        command
            .args(["--starttls", "postgres"])
            .args(arguments)
            .arg("--certinfo_ca_file")
            .arg(target.ca)
            .arg("--json_out")
            .arg(&json)
            .arg(target.address.to_string());
        let Some(finished) = run_for(&mut command, SCAN_TIMEOUT)? else {
            return Ok(None);
        };
        let text = fs::read_to_string(&json)
            .with_context(|| format!("sslyze wrote nothing, but said: {}", finished.stderr))?;
        Ok(Some((finished.stdout, serde_json::from_str(&text)?)))
    }
}

fn verdict(target: &Target<'_>, compliance: &str, all: &Value) -> Verdict {
    let Some(result) = all.pointer("/server_scan_results/0/scan_result") else {
        return Verdict::Failed(vec!["could not connect".to_owned()]);
    };
    let mut faults = Vec::new();
    let mozilla = target.setup.mozilla;
    if !compliance.contains("OK - Compliant.") {
        let reasons: Vec<&str> = compliance
            .lines()
            .skip_while(|line| !line.contains("Not compliant"))
            .filter_map(|line| line.trim().strip_prefix("* "))
            .collect();
        faults.push(format!("not Mozilla's {mozilla}: {}", reasons.join("; ")));
    }
    let offered: Vec<&str> = VERSIONS
        .iter()
        .filter(|(key, _)| {
            let path = format!("/{key}/result/is_tls_version_supported");
            result.pointer(&path) != Some(&Value::Bool(false))
        })
        .map(|(_, name)| *name)
        .collect();
    if offered != target.setup.versions {
        faults.push(format!("offers {}", offered.join(", ")));
    }
    for (path, expected, fault) in ANSWERS {
        // TLS 1.3 alone has no extended master secret and nothing to fall back to.
        if *expected && offered == ["TLS 1.3"] {
            continue;
        }
        match result.pointer(&format!("/{path}")).and_then(Value::as_bool) {
            Some(answer) if answer == *expected => {}
            Some(_) => faults.push((*fault).to_owned()),
            None => faults.push(format!("no answer about {fault}")),
        }
    }
    let robot = text(result, "/robot/result/robot_result");
    if !robot.starts_with("NOT_VULNERABLE") {
        faults.push(format!("ROBOT: {robot}"));
    }
    if faults.is_empty() {
        return Verdict::Passed(vec![
            format!("compliant with Mozilla's {mozilla}"),
            format!("offers {}", offered.join(" and ")),
            format!(
                "ciphers {}",
                names(result, "accepted_cipher_suites", "/cipher_suite/name")
            ),
            format!("curves {}", names(result, "supported_curves", "/name")),
            "no compression, CCS injection, Heartbleed, ROBOT, renegotiation by clients".to_owned(),
        ]);
    }
    Verdict::Failed(faults)
}

/// The texts at `path` in every element of every list of this name.
fn names(result: &Value, list: &str, path: &str) -> String {
    let parts = result.as_object().into_iter().flatten();
    let lists = parts.filter_map(|(_, part)| part.pointer(&format!("/result/{list}"))?.as_array());
    let names: Vec<&str> = lists
        .flatten()
        .filter_map(|element| element.pointer(path)?.as_str())
        .collect();
    names.join(", ")
}

fn text<'a>(result: &'a Value, path: &str) -> &'a str {
    result
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or("no answer")
}
