//! Files with one fault each.
#![cfg(feature = "generate")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::CertificateAuthority;
use crate::files::Existing;
use crate::generate::{CaSpec, CrlSpec, ServerSpec, Validity};
use crate::verdict::{ClientSslMode, Outcome};

struct Clinic {
    dir: tempfile::TempDir,
    ca: CertificateAuthority,
}

impl Clinic {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let ca = CertificateAuthority::create(&CaSpec::new("CA")).unwrap();
        ca.write(path("ca.crt"), path("ca.key"), Existing::Keep)
            .unwrap();
        let server = ca
            .issue_server(&ServerSpec::new(["db.example", "*.db.example"]))
            .unwrap();
        server
            .write(path("server.crt"), path("server.key"), Existing::Keep)
            .unwrap();
        fs::write(path("ca.crl"), ca.sign_crl(&CrlSpec::new()).unwrap().pem()).unwrap();
        Self { dir, ca }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn doctor(&self) -> Doctor {
        Doctor::new(self.path("server.crt"), self.path("server.key"))
            .with_roots(self.path("ca.crt"))
            .with_client_authorities(self.path("ca.crt"))
            .with_lists(self.path("ca.crl"))
    }

    /// What is not good, as `LEVEL FILE: TEXT`, paths by their last part.
    fn complaints(&self, diagnosis: &Diagnosis) -> Vec<String> {
        diagnosis
            .checks
            .iter()
            .filter(|check| check.level != Level::Ok)
            .map(|check| {
                let name = check.file.file_name().map(Path::new).unwrap().display();
                format!("{} {name}: {}", check.level.as_str(), check.text)
                    .replace(&format!("{}/", self.dir.path().display()), "")
            })
            .collect()
    }

    #[track_caller]
    fn check(&self, doctor: &Doctor, expected: &[&str]) {
        let diagnosis = doctor.examine(SystemTime::now());
        assert_eq!(self.complaints(&diagnosis), expected);
        let errors = expected.iter().any(|text| text.starts_with("error"));
        assert_eq!(diagnosis.is_healthy(), !errors);
    }
}

#[test]
fn good_files_are_told_with_their_facts_and_a_verdict_for_each_host() {
    let clinic = Clinic::new();
    let diagnosis = clinic.doctor().examine(SystemTime::now());
    assert!(diagnosis.is_healthy(), "{diagnosis:?}");
    let texts: Vec<&str> = diagnosis.checks.iter().map(|it| it.text.as_str()).collect();
    for (text, part) in texts.iter().zip([
        "for db.example, *.db.example, until ",
        "belongs to the certificate, and nobody else can read it",
        "clients trust \"CN=CA\", until ",
        "signs client certificates: \"CN=CA\", until ",
        "list of \"CN=CA\", 0 revoked, next one due on ",
    ]) {
        assert!(text.starts_with(part), "{texts:?}");
    }
    let full: Vec<(&str, Outcome)> = diagnosis
        .verdicts
        .iter()
        .filter(|verdict| verdict.sslmode == ClientSslMode::VerifyFull)
        .map(|verdict| (verdict.host.as_str(), verdict.outcome))
        .collect();
    assert_eq!(
        full,
        [
            ("db.example", Outcome::NameVerified),
            ("any.db.example", Outcome::NameVerified)
        ]
    );
}

#[test]
fn every_file_is_looked_at_whatever_is_wrong_with_the_others() {
    let clinic = Clinic::new();
    fs::write(clinic.path("server.crt"), "").unwrap();
    fs::set_permissions(clinic.path("server.key"), Permissions::from_mode(0o644)).unwrap();
    fs::remove_file(clinic.path("ca.crl")).unwrap();
    let doctor = clinic.doctor().with_roots(clinic.path("absent.crt"));
    clinic.check(
        &doctor,
        &[
            "error server.crt: could not load server certificate file \"server.crt\": it is empty; name the PEM \
             file that holds the server certificate, followed by its intermediates",
            "error server.key: private key file \"server.key\" has group or world access: File must have \
             permissions u=rw (0600) or less if owned by the database user, or permissions u=rw,g=r (0640) or less \
             if owned by root.",
            "error absent.crt: could not load root certificate file \"absent.crt\": No such file or directory; \
             check the path and that this user may read it",
            "error ca.crl: could not load SSL certificate revocation list file \"ca.crl\": No such file or \
             directory; check the path and that this user may read it",
        ],
    );
}

#[test]
fn keys_of_others_and_authorities_without_a_list_are_found() {
    let clinic = Clinic::new();
    let other = clinic.ca.issue_server(&ServerSpec::new(["x"])).unwrap();
    fs::write(clinic.path("server.key"), other.key_pem()).unwrap();
    let stranger = CertificateAuthority::create(&CaSpec::new("Stranger")).unwrap();
    stranger
        .write_certificate(clinic.path("stranger.crt"), Existing::Keep)
        .unwrap();
    let doctor = clinic
        .doctor()
        .with_client_authorities(clinic.path("stranger.crt"));
    clinic.check(
        &doctor,
        &[
            "error server.key: the key does not belong to the certificate; name the key that it was issued for",
            "warning ca.crl: \"CN=CA\" signs no client certificates here; is it the right list?",
            "error ca.crl: there is no list of \"CN=Stranger\", so all certificates that it signed are refused; \
             add its list",
        ],
    );
}

#[test]
fn what_runs_out_within_the_time_asked_for_is_an_error() {
    let clinic = Clinic::new();
    let soon = clinic
        .ca
        .issue_server(&ServerSpec::new(["db.example"]).with_validity(Validity::days(20)))
        .unwrap();
    soon.write(
        clinic.path("server.crt"),
        clinic.path("server.key"),
        Existing::Replace,
    )
    .unwrap();
    clinic.check(&clinic.doctor(), &[]);
    let days = |count: u64| Duration::from_secs(count * 86_400);
    let list = clinic
        .doctor()
        .with_expires_within(days(31))
        .examine(SystemTime::now());
    let complaints = clinic.complaints(&list);
    assert_eq!(complaints.len(), 2, "{complaints:?}");
    assert_eq!(
        complaints[0],
        format!(
            "error server.crt: certificate 1 expires on {}; renew it",
            soon.info().not_after_text()
        )
    );
    assert!(complaints[1].ends_with("which is soon; make it: pg-certs crl"));
    let past = clinic.doctor().examine(SystemTime::now() + days(31));
    let complaints = clinic.complaints(&past);
    assert!(
        complaints
            .iter()
            .any(|text| text.contains("certificate 1 has expired on"))
            && complaints
                .iter()
                .any(|text| text
                    .ends_with("which is past: clients are refused; make it: pg-certs crl")),
        "{complaints:?}"
    );
}
