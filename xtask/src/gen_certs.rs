//! `cargo xtask gen-certs`: certificates of every kind that a TLS server can meet.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, ensure};
use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, ClientSpec, IssuedCertificate, KeyType, ServerSpec, Validity};
use pg_certs::{CertificateAuthority, CertificateInfo, CertificateManager};

use crate::project::{Project, is_file};

/// Whom client certificates are made for if nobody is named.
const USERS: &[&str] = &["alice", "bob", "postgres"];
/// A certificate with fewer days left is made anew before it is used.
const DAYS_LEFT_MIN: i64 = 2;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// For whom, and where.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A PostgreSQL user to make a client certificate for; repeatable [default: alice, bob, postgres]
    #[arg(long = "user", value_name = "NAME")]
    users: Vec<String>,
    /// Where to write
    #[arg(long, value_name = "FOLDER", default_value = "certs-dev")]
    into: PathBuf,
}

/// Makes everything and prints what was made.
pub(crate) fn run(project: &Project, options: &Options) -> Result<()> {
    let users: Vec<&str> = if options.users.is_empty() {
        USERS.to_vec()
    } else {
        options.users.iter().map(String::as_str).collect()
    };
    let folder = project.root.join(&options.into);
    let made = write_all(&folder, &users)?;
    print(&folder, &made);
    Ok(())
}

/// Makes everything unless what the demonstration uses is there and usable.
pub(crate) fn write_missing(folder: &Path) -> Result<()> {
    let [ca, certificate, key] =
        ["ca.crt", "server.crt", "server.key"].map(|name| folder.join(name));
    let usable = is_file(&ca)
        && is_file(&folder.join("client-alice.crt"))
        && CertificateManager::verify_cert_files_with_ca(&certificate, &key, &ca)
            .is_ok_and(|report| report.is_ok() && report.certificate().is_some_and(has_days_left));
    if !usable {
        print(folder, &write_all(folder, USERS)?);
    }
    Ok(())
}

/// A certificate that was written, and what it is good for.
pub(crate) struct Made {
    file: String,
    purpose: String,
    info: CertificateInfo,
}

/// Makes everything: below an authority that is there already if it is still good, so that who
/// trusts it need not be told anew.
pub(crate) fn write_all(folder: &Path, users: &[&str]) -> Result<Vec<Made>> {
    let now = SystemTime::now();
    let mut writer = Writer {
        folder,
        made: Vec::new(),
    };
    let ca = writer.authority(
        "ca",
        "HeliosDB development CA",
        "trust it: sslrootcert, ssl_ca_file",
    )?;
    let other = writer.authority("other-ca", "Somebody else's CA", "nobody is to trust it")?;
    writer.servers(&ca, &other, now)?;
    writer.clients(&ca, &other, users, now)?;
    Ok(writer.made)
}

/// Writes into a folder and remembers what it wrote.
struct Writer<'a> {
    folder: &'a Path,
    made: Vec<Made>,
}

impl Writer<'_> {
    fn authority(
        &mut self,
        name: &str,
        subject: &str,
        purpose: &str,
    ) -> Result<CertificateAuthority> {
        let (certificate, key) = self.paths(name);
        let old = CertificateAuthority::load(&certificate, &key).ok();
        let authority = match old.filter(|old| has_days_left(old.info())) {
            Some(old) => old,
            None => {
                // Older than the expired certificates that it issues.
                let now = SystemTime::now();
                let validity = Validity::between(now - 30 * DAY, now + 3650 * DAY);
                let new =
                    CertificateAuthority::create(&CaSpec::new(subject).with_validity(validity))?;
                new.write(certificate, key, Existing::Replace)?;
                new
            }
        };
        self.note(name, purpose, authority.info());
        Ok(authority)
    }

    fn servers(
        &mut self,
        ca: &CertificateAuthority,
        other: &CertificateAuthority,
        now: SystemTime,
    ) -> Result<()> {
        let localhost = || ServerSpec::new(["localhost"]);
        let server = |spec: ServerSpec| ca.issue_server(&spec);
        let rsa = localhost().with_key_type(KeyType::Rsa2048);
        let ed25519 = localhost().with_key_type(KeyType::Ed25519);
        let wrong_host = ServerSpec::new(["elsewhere.example"]);
        let expired = localhost().with_validity(past(now));
        let not_yet = localhost().with_validity(future(now));
        let intermediate = ca.issue_intermediate(&CaSpec::new("HeliosDB development issuer"))?;
        let chain = intermediate.issue_server(&localhost())?;
        self.issued("server", "localhost, 127.0.0.1, ::1", &server(localhost())?)?;
        self.issued("server-rsa", "the same with an RSA key", &server(rsa)?)?;
        self.issued(
            "server-ed25519",
            "the same with an Ed25519 key",
            &server(ed25519)?,
        )?;
        self.issued(
            "server-chain",
            "the same by an intermediate CA, sent along",
            &chain,
        )?;
        self.issued(
            "bad-server-wrong-host",
            "verify-full must refuse it",
            &server(wrong_host)?,
        )?;
        self.issued(
            "bad-server-expired",
            "verify-ca must refuse it",
            &server(expired)?,
        )?;
        self.issued(
            "bad-server-not-yet-valid",
            "verify-ca must refuse it",
            &server(not_yet)?,
        )?;
        let foreign = other.issue_server(&localhost())?;
        self.issued("bad-server-wrong-ca", "verify-ca must refuse it", &foreign)
    }

    fn clients(
        &mut self,
        ca: &CertificateAuthority,
        other: &CertificateAuthority,
        users: &[&str],
        now: SystemTime,
    ) -> Result<()> {
        for user in users {
            ensure!(
                !user.contains(['/', '\0']),
                "{user:?} cannot be part of a file name"
            );
            let purpose = format!("logs in as {user}");
            let certificate = ca.issue_client(&ClientSpec::new(*user))?;
            self.issued(&format!("client-{user}"), &purpose, &certificate)?;
        }
        // Bad ones are for the first user, so that nothing but the one fault speaks against them.
        let user = users.first().context("no user is named")?;
        let client = || ClientSpec::new(*user);
        let expired = ca.issue_client(&client().with_validity(past(now)))?;
        let not_yet = ca.issue_client(&client().with_validity(future(now)))?;
        let refused = format!("as {user}: the handshake must fail");
        self.issued("bad-client-expired", &refused, &expired)?;
        self.issued("bad-client-not-yet-valid", &refused, &not_yet)?;
        self.issued(
            "bad-client-wrong-ca",
            &refused,
            &other.issue_client(&client())?,
        )?;
        let revoked = ca.issue_client(&client())?;
        let purpose = format!("to be revoked: serial {}", revoked.info().serial());
        self.issued("bad-client-revoked", &purpose, &revoked)
    }

    fn issued(&mut self, name: &str, purpose: &str, issued: &IssuedCertificate) -> Result<()> {
        let (certificate, key) = self.paths(name);
        issued.write(certificate, key, Existing::Replace)?;
        self.note(name, purpose, issued.info());
        Ok(())
    }

    fn paths(&self, name: &str) -> (PathBuf, PathBuf) {
        let path = |end: &str| self.folder.join(format!("{name}.{end}"));
        (path("crt"), path("key"))
    }

    fn note(&mut self, file: &str, purpose: &str, info: &CertificateInfo) {
        self.made.push(Made {
            file: file.to_owned(),
            purpose: purpose.to_owned(),
            info: info.clone(),
        });
    }
}

fn has_days_left(info: &CertificateInfo) -> bool {
    info.days_left(SystemTime::now()) >= DAYS_LEFT_MIN
}

fn past(now: SystemTime) -> Validity {
    Validity::between(now - 10 * DAY, now - DAY)
}

fn future(now: SystemTime) -> Validity {
    Validity::between(now + 300 * DAY, now + 330 * DAY)
}

fn print(folder: &Path, made: &[Made]) {
    println!(
        "{:<26} {:<14} {:<28} {:<32} {:<10} {:<10} purpose",
        ".crt and .key", "key", "subject", "issuer", "from", "to"
    );
    for Made {
        file,
        purpose,
        info,
    } in made
    {
        let day = |text: String| text.chars().take(10).collect::<String>();
        println!(
            "{file:<26} {:<14} {:<28} {:<32} {:<10} {:<10} {purpose}",
            info.key_algorithm().to_string(),
            info.subject().rfc2253(),
            info.issuer().rfc2253(),
            day(info.not_before_text()),
            day(info.not_after_text()),
        );
    }
    println!("\n{} certificates in {}", made.len(), folder.display());
}
