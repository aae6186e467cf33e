//! testssl.sh, from Debian.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use super::{SCAN_TIMEOUT, Target, Verdict};
use crate::process::run_for;
use crate::project::which;

/// The program.
pub(super) struct Testssl {
    program: PathBuf,
    /// With its version.
    pub(super) name: String,
}

/// Protocols, cipher categories, forward secrecy, preferences, defaults, vulnerabilities.
const TESTS: &[&str] = &["-p", "-s", "-f", "-P", "-S", "-U"];

/// What testssl.sh finds at fault and is not, with the reason.
const ACCEPTED: &[(&str, &str)] = &[
    ("engine_problem", "about the scanner's own OpenSSL"),
    (
        "cert_revocation",
        "the scan's authority has neither list nor responder",
    ),
    ("DNS_CAArecord", "there is no DNS name"),
];

/// What is told of a scan that passed, in this order.
const TOLD: &[&str] = &[
    "TLS1_2",
    "TLS1_3",
    "cipher_order",
    "PFS_ciphers",
    "PFS_ECDHE_curves",
    "sessionresumption_ticket",
    "sessionresumption_ID",
];

/// One line of the report.
#[derive(Deserialize)]
struct Finding {
    id: String,
    severity: String,
    finding: String,
}

impl Testssl {
    /// `None` if it is not installed.
    pub(super) fn find() -> Option<Self> {
        let program = which("testssl").or_else(|| which("testssl.sh"))?;
        let output = Command::new(&program).arg("--version").output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text
            .split_whitespace()
            .skip_while(|word| !word.starts_with("testssl"))
            .nth(1)
            .unwrap_or("(version unknown)");
        Some(Self {
            program,
            name: format!("testssl.sh {version}"),
        })
    }

    pub(super) fn scan(&self, target: &Target<'_>) -> Result<Verdict> {
        let json = target.folder.join("testssl.json");
        // It asks before it overwrites.
        if json.exists() {
            fs::remove_file(&json)?;
        }
        let mut command = Command::new(&self.program);
        command
            .args([
                "--starttls",
                "postgres",
                "--quiet",
                "--color",
                "0",
                "--warnings",
                "off",
            ])
            .args(TESTS)
            .arg("--add-ca")
            .arg(target.ca)
            .arg("--jsonfile")
            .arg(&json)
            .arg(target.address.to_string());
        if run_for(&mut command, SCAN_TIMEOUT)?.is_none() {
            return Ok(Verdict::Failed(vec![format!(
                "no end after {SCAN_TIMEOUT:?}"
            )]));
        }
        let text = fs::read_to_string(&json).context("testssl.sh wrote no report")?;
        let findings: Vec<Finding> = serde_json::from_str(&text).context("testssl.sh's report")?;
        Ok(verdict(target, &findings))
    }
}

fn verdict(target: &Target<'_>, findings: &[Finding]) -> Verdict {
    let find = |id: &str| findings.iter().find(|finding| finding.id == id);
    let mut faults: Vec<String> = findings
        .iter()
        .filter(|finding| !matches!(finding.severity.as_str(), "OK" | "INFO"))
        .filter(|finding| ACCEPTED.iter().all(|(id, _)| *id != finding.id))
        .map(|finding| format!("{} {}: {}", finding.severity, finding.id, finding.finding))
        .collect();
    if find("RC4").is_none() {
        faults.push("did not come to its last test".to_owned());
    }
    let tickets =
        find("sessionresumption_ticket").is_some_and(|finding| !finding.finding.starts_with("not"));
    if tickets != target.setup.tickets {
        faults.push(format!("tickets: {tickets}"));
    }
    if !faults.is_empty() {
        return Verdict::Failed(faults);
    }
    let told = TOLD.iter().filter_map(|id| find(id));
    let told = told.map(|finding| format!("{}: {}", finding.id, finding.finding.trim()));
    let accepted = ACCEPTED
        .iter()
        .filter(|(id, _)| find(id).is_some_and(|it| !matches!(it.severity.as_str(), "OK" | "INFO")))
        .map(|(id, reason)| format!("{id} accepted: {reason}"));
    let nothing = "nothing at fault in protocols, ciphers and vulnerabilities".to_owned();
    Verdict::Passed([nothing].into_iter().chain(told).chain(accepted).collect())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Finding, verdict};
    use crate::scan::{SETUPS, Target, Verdict};

    fn faults(findings: &[(&str, &str, &str)]) -> Vec<String> {
        let findings: Vec<Finding> = findings
            .iter()
            .map(|(id, severity, finding)| Finding {
                id: (*id).to_owned(),
                severity: (*severity).to_owned(),
                finding: (*finding).to_owned(),
            })
            .collect();
        let target = Target {
            setup: &SETUPS[0],
            address: ([127, 0, 0, 1], 1).into(),
            ca: Path::new(""),
            folder: Path::new(""),
        };
        match verdict(&target, &findings) {
            Verdict::Passed(_) => Vec::new(),
            Verdict::Failed(faults) => faults,
            Verdict::Absent(reason) => vec![reason],
        }
    }

    #[test]
    fn only_what_is_fine_or_accepted_passes() {
        let tickets = ("sessionresumption_ticket", "INFO", "not supported");
        let last = ("RC4", "OK", "not vulnerable");
        let accepted = ("DNS_CAArecord", "LOW", "--");
        assert!(faults(&[tickets, accepted, last]).is_empty());
        let beast = ("BEAST", "LOW", "VULNERABLE");
        assert_eq!(faults(&[tickets, beast, last]), ["LOW BEAST: VULNERABLE"]);
        assert_eq!(faults(&[tickets]), ["did not come to its last test"]);
        let resumed = ("sessionresumption_ticket", "INFO", "supported");
        assert_eq!(faults(&[resumed, last]), ["tickets: true"]);
    }
}
