use std::fs;
use std::net::IpAddr;

use pg_auth::hba::{Lookups, Network};
use tempfile::TempDir;

use super::*;

/// A DNS in which nobody has a name.
struct Nameless;

impl Lookups for Nameless {
    fn name_of(&self, _: IpAddr) -> Result<String, String> {
        Err("Name or service not known".to_owned())
    }

    fn addresses_of(&self, _: &str) -> Result<Vec<IpAddr>, String> {
        Ok(Vec::new())
    }

    fn networks(&self) -> Vec<Network> {
        Vec::new()
    }
}

const RULES: &str = "\
local   all   all                 trust
hostssl shop  alice 192.0.2.0/24  cert
host    shop  all   db.example    trust
hostssl shop  carol all           scram-sha-256 clientcert=verify-ca
host    shop  all   192.0.2.0/24  reject
hostssl all   bob   all           scram-sha-256 clientcert=verify-full clientname=SAN:EMAIL map=mail
host    all   dave  all           password
";

fn alice() -> CertificateNames {
    CertificateNames {
        common_name: Some("alice".to_owned()),
        emails: vec!["bob@example.com".to_owned()],
        ..CertificateNames::default()
    }
}

/// The answer for a user who connects by TLS from an address, with `hba` for the name of the file.
#[track_caller]
fn check(
    user: &str,
    database: &str,
    address: &str,
    certificate: Option<&CertificateNames>,
    expected: &[&str],
) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hba");
    fs::write(&path, RULES).unwrap();
    let ident = dir.path().join("ident");
    fs::write(&ident, "mail /^(.*)@example\\.com$ \\1\n").unwrap();
    let maps = Maps::load(ident).unwrap();
    let question = Question {
        connection: Connection {
            peer: Peer::Tls(address.parse().unwrap()),
            user: user.as_bytes(),
            database: database.as_bytes(),
            physical_replication: false,
        },
        certificate,
        maps: &maps,
    };
    let answer = question.answer(&Rules::load(&path).unwrap(), &Nameless);
    let answer = answer.replace(path.to_str().unwrap(), "hba");
    assert_eq!(answer.lines().collect::<Vec<_>>(), expected);
}

const LOCAL_LINE: &str = "hba:1: not about this type of connection";

#[test]
fn the_line_that_decides_is_shown_with_what_comes_of_it() {
    let decides = "hba:2 decides: hostssl shop  alice 192.0.2.0/24  cert";
    check(
        "alice",
        "shop",
        "192.0.2.1",
        Some(&alice()),
        &[
            LOCAL_LINE,
            decides,
            "method: cert",
            "certificate: its CN names the user",
        ],
    );
    check(
        "alice",
        "shop",
        "192.0.2.1",
        None,
        &[
            LOCAL_LINE,
            decides,
            "method: cert",
            "certificate: one from the CA has to be presented whose CN names the user; --cert checks it",
        ],
    );
    check(
        "alice",
        "shop",
        "192.0.2.1",
        Some(&CertificateNames::default()),
        &[
            LOCAL_LINE,
            decides,
            "method: cert",
            "certificate: certificate authentication failed for user \"alice\": client certificate contains no user name",
            "the client is told: FATAL 28000: certificate authentication failed for user \"alice\"",
        ],
    );
}

#[test]
fn lines_before_it_say_why_they_do_not() {
    let detail = "Could not resolve client IP address to a host name: Name or service not known.";
    check(
        "alice",
        "shop",
        "198.51.100.1",
        None,
        &[
            LOCAL_LINE,
            "hba:2: not about this address",
            "hba:3: not about this address",
            "hba:4: not about this user",
            "hba:5: not about this address",
            "hba:6: not about this user",
            "hba:7: not about this user",
            detail,
            "no line matches",
            "the client is told: FATAL 28000: no pg_hba.conf entry for host \"198.51.100.1\", user \"alice\", database \"shop\", SSL encryption",
        ],
    );
    check(
        "e\nve",
        "shop",
        "192.0.2.9",
        None,
        &[
            LOCAL_LINE,
            "hba:2: not about this user",
            "hba:3: not about this address",
            "hba:4: not about this user",
            detail,
            "hba:5 decides: host    shop  all   192.0.2.0/24  reject",
            "the client is told: FATAL 28000: pg_hba.conf rejects connection for host \"192.0.2.9\", user \"e\\nve\", database \"shop\", SSL encryption",
        ],
    );
}

#[test]
fn certificates_are_judged_by_the_line() {
    let before = [
        LOCAL_LINE,
        "hba:2: not about this address",
        "hba:3: not about this database",
        "hba:4: not about this database",
        "hba:5: not about this address",
    ];
    let decides = "hba:6 decides: hostssl all   bob   all           scram-sha-256 clientcert=verify-full clientname=SAN:EMAIL map=mail";
    let expected = [
        &before[..],
        &[
            decides,
            "method: scram-sha-256",
            "certificate: its SAN:EMAIL names the user",
        ],
    ];
    check("bob", "d", "::1", Some(&alice()), &expected.concat());
    let password = [
        &before[..],
        &[
            "hba:6: not about this user",
            "hba:7 decides: host    all   dave  all           password",
            "method: password",
            "certificate: not asked for by this line",
        ],
    ];
    check("dave", "d", "::1", Some(&alice()), &password.concat());
}

#[test]
fn clap_accepts_the_command() {
    command().debug_assert();
}

/// Runs the command on files in a directory.
fn run_in(dir: &TempDir, arguments: &str) -> Result<Exit, clap::error::ErrorKind> {
    let path = |name: &str| dir.path().join(name).display().to_string();
    let arguments = arguments
        .replace("HBA", &path("hba"))
        .replace("IDENT", &path("ident"));
    let words = ["hba", "check"].into_iter().chain(arguments.split(' '));
    let matches = command()
        .try_get_matches_from(words)
        .map_err(|error| error.kind())?;
    Ok(run(&matches))
}

#[test]
fn exit_codes_are_those_of_other_commands() {
    use clap::error::ErrorKind;

    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("hba"), RULES).unwrap();
    fs::write(dir.path().join("ident"), "broken\n").unwrap();
    let run = |arguments: &str| run_in(&dir, arguments);
    let good = "--user alice --type hostnossl --address 127.0.0.1 --database d";
    assert_eq!(run(&format!("{good} --hba-file HBA")), Ok(Exit::Success));
    assert_eq!(
        run("--user alice --type local --hba-file HBA"),
        Ok(Exit::Success)
    );
    assert_eq!(
        run(&format!("{good} --hba-file HBA --ident-file IDENT")),
        Ok(Exit::Configuration)
    );
    assert_eq!(
        run(&format!("{good} --hba-file HBA.missing")),
        Ok(Exit::Configuration)
    );
    assert_eq!(
        run(&format!("{good} --hba-file HBA --cert HBA")),
        Ok(Exit::Configuration)
    );
    assert_eq!(
        run("--user alice --type hostssl --hba-file HBA"),
        Err(ErrorKind::MissingRequiredArgument)
    );
    assert_eq!(
        run("--user alice --type host --address ::1 --hba-file HBA"),
        Err(ErrorKind::InvalidValue)
    );
    assert_eq!(
        run("--user alice --type hostssl --address 127.1 --hba-file HBA"),
        Err(ErrorKind::ValueValidation)
    );
}
