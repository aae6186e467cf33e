//! Logins as an operator sets them up and libpq does them: the program, its files, and psql.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use heliosdb_tests::client::{Client, Manners};
use heliosdb_tests::config::USERS;
use heliosdb_tests::program::{Place, Running};
use heliosdb_tests::wire::{self, authentication_sasl, sasl_initial};
use pg_certs::CertificateAuthority;
use pg_certs::generate::{CaSpec, ClientSpec, KeyType, ServerSpec};

/// A place with a certificate authority, a server's certificate and the users of all tests.
struct Site {
    place: Place,
    ca: CertificateAuthority,
}

impl Site {
    fn new() -> Self {
        Self::with_keys(KeyType::EcdsaP256)
    }

    fn with_keys(keys: KeyType) -> Self {
        let ca = CertificateAuthority::create(&CaSpec::new("Test CA").with_key_type(keys)).unwrap();
        let site = Self {
            place: Place::new(),
            ca,
        };
        let server = site
            .ca
            .issue_server(&ServerSpec::new(["localhost"]))
            .unwrap();
        site.place.write("ca.crt", &site.ca.certificate_pem());
        site.place.write("server.crt", server.chain_pem());
        site.secret("server.key", server.key_pem());
        let line = |user: &heliosdb_tests::config::User| {
            format!("\"{}\" \"{}\"\n", user.name, user.verifier)
        };
        site.secret("users", &USERS.iter().map(line).collect::<String>());
        site
    }

    fn secret(&self, name: &str, text: &str) -> PathBuf {
        let path = self.place.write(name, text);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    fn serve(&self, arguments: &[&str]) -> Running {
        let tls = [
            "--ssl-cert-file",
            "server.crt",
            "--ssl-key-file",
            "server.key",
        ];
        self.place.serve(&[&tls, arguments].concat())
    }

    /// Asks for `who` and `how` it is encrypted; gives back standard output, or psql's complaint.
    fn psql(&self, server: &Running, options: &str, password: &str) -> Result<String, String> {
        let address = server.address();
        let conninfo = format!(
            "host=localhost hostaddr={} port={} dbname=postgres sslrootcert={} {options}",
            address.ip(),
            address.port(),
            self.place.path("ca.crt").display()
        );
        let mut command = Command::new("psql");
        command
            .args(["--no-psqlrc", "--no-password", "-At", "-c", "select 6 * 7"])
            .args(["--dbname", &conninfo])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.place.root());
        if !password.is_empty() {
            command.env("PGPASSWORD", password);
        }
        outcome(command.output().unwrap())
    }

    /// A client's certificate and key as options of psql.
    fn identity(&self, spec: &ClientSpec, name: &str) -> String {
        let issued = self.ca.issue_client(spec).unwrap();
        let cert = self.place.write(&format!("{name}.crt"), issued.chain_pem());
        let key = self.secret(&format!("{name}.key"), issued.key_pem());
        format!("sslcert={} sslkey={}", cert.display(), key.display())
    }
}

fn outcome(output: Output) -> Result<String, String> {
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout).unwrap().trim().to_owned());
    }
    let complaint = String::from_utf8(output.stderr).unwrap();
    let (_, reason) = complaint.split_once("failed: ").unwrap_or(("", &complaint));
    Err(reason.trim().to_owned())
}

fn served() -> Result<String, String> {
    Ok("42".to_owned())
}

fn fatal(text: &str) -> Result<String, String> {
    Err(format!("FATAL:  {text}"))
}

#[test]
fn a_users_file_is_all_that_passwords_need() {
    let site = Site::new();
    let mut server = site.serve(&["--users-file", "users"]);
    server.log_line("by scram-sha-256; ssl_mode \"require\" demands TLS besides");
    let alice = "user=alice sslmode=verify-full";
    for binding in ["require", "prefer", "disable"] {
        let options = format!("{alice} channel_binding={binding}");
        assert_eq!(
            site.psql(&server, &options, "pencil"),
            served(),
            "{binding}"
        );
    }
    server.log_line("connection authenticated: identity=\"alice\" method=scram-sha-256");
    let wrong = fatal("password authentication failed for user \"alice\"");
    assert_eq!(site.psql(&server, alice, "Pencil"), wrong);
    let unknown = fatal("password authentication failed for user \"nobody\"");
    assert_eq!(
        site.psql(&server, "user=nobody sslmode=verify-full", "pencil"),
        unknown
    );
    server.log_line("Role \"nobody\" does not exist.");
    let missing = site.psql(&server, alice, "").unwrap_err();
    assert!(
        missing.contains("fe_sendauth: no password supplied"),
        "{missing}"
    );
    let clear = site
        .psql(&server, "user=alice sslmode=disable", "pencil")
        .unwrap_err();
    assert!(
        clear.contains("no pg_hba.conf entry for host \"127.0.0.1\""),
        "{clear}"
    );
    server.stop();
}

#[test]
fn x30_channel_binding_is_not_offered_where_it_is_undefined() {
    let site = Site::with_keys(KeyType::Ed25519);
    let server = site.serve(&["--users-file", "users"]);
    for binding in ["prefer", "disable"] {
        let options = format!("user=alice sslmode=verify-full channel_binding={binding}");
        assert_eq!(
            site.psql(&server, &options, "pencil"),
            served(),
            "{binding}"
        );
    }
    let options = "user=alice sslmode=verify-full channel_binding=require";
    let refused = site.psql(&server, options, "pencil").unwrap_err();
    assert_eq!(
        refused,
        "channel binding is required, but server did not offer an authentication method that supports \
         channel binding"
    );
    server.stop();
}

#[test]
fn hang_up_reloads_who_may_connect_or_leaves_all_as_it_was() {
    let site = Site::new();
    let users = fs::read_to_string(site.place.path("users")).unwrap();
    let newcomer = "user=newcomer sslmode=verify-full";
    let mut server = site.serve(&["--users-file", "users"]);
    let refused = fatal("password authentication failed for user \"newcomer\"");
    assert_eq!(site.psql(&server, newcomer, "pencil"), refused);

    let added = users.replacen("\"alice\"", "\"newcomer\"", 1);
    site.secret("users", &added);
    server.signal("HUP");
    server.log_line("received SIGHUP, reloading configuration files");
    server.log_line("configuration was reloaded");
    assert_eq!(site.psql(&server, newcomer, "pencil"), served());

    site.secret("users", &format!("{users}no such line\n"));
    server.signal("HUP");
    let line = format!("users:{}", users.lines().count() + 1);
    server.log_line(&line);
    server.log_line("configuration was not reloaded: all that held before holds on");
    assert_eq!(site.psql(&server, newcomer, "pencil"), served());
    server.stop();
}

/// The hash is the one in the signature's parameters, which PostgreSQL reads since February 2023.
#[test]
fn channel_binding_reads_the_hash_of_an_rsa_pss_signature() {
    for digest in ["sha256", "sha384", "sha512"] {
        let site = Site::new();
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "30",
            ])
            .args([
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost",
            ])
            .args([
                "-addext",
                "basicConstraints=critical,CA:FALSE",
                &format!("-{digest}"),
            ])
            .args([
                "-sigopt",
                "rsa_padding_mode:pss",
                "-sigopt",
                "rsa_pss_saltlen:digest",
            ])
            .args(["-keyout", "server.key", "-out", "server.crt"])
            .current_dir(site.place.root())
            .output();
        outcome(made.unwrap()).unwrap();
        let certificate = fs::read_to_string(site.place.path("server.crt")).unwrap();
        site.place.write("ca.crt", &certificate);
        let server = site.serve(&["--users-file", "users"]);
        let options = "user=alice sslmode=verify-full channel_binding=require";
        assert_eq!(site.psql(&server, options, "pencil"), served(), "{digest}");
        server.stop();
    }
}

#[test]
fn rules_and_maps_decide_line_by_line() {
    let site = Site::new();
    site.place.write(
        "pg_hba.conf",
        "hostssl all  carol      samehost      scram-sha-256 clientcert=verify-full\n\
         hostssl all  /^team_.*  127.0.0.1/32  cert map=teams\n\
         hostssl all  alice,bob  localhost     scram-sha-256\n\
         host    all  all        all           reject\n",
    );
    site.place
        .write("pg_ident.conf", "teams /^(.*)@example$ team_\\1\n");
    let mut server = site.serve(&[
        "--ssl-mode=allow",
        "--ssl-ca-file=ca.crt",
        "--hba-file=pg_hba.conf",
        "--ident-file=pg_ident.conf",
        "--users-file=users",
    ]);
    server.log_line("access: the first matching line of \"pg_hba.conf\" decides");
    let red = site.identity(
        &ClientSpec::new("red@example").with_organization("Us"),
        "red",
    );
    let team = |user: &str| format!("user={user} sslmode=verify-full {red}");
    assert_eq!(site.psql(&server, &team("team_red"), ""), served());
    server.log_line(
        "connection authenticated: identity=\"CN=red@example,O=Us\" method=cert (pg_hba.conf:2)",
    );
    let other = fatal("certificate authentication failed for user \"team_blue\"");
    assert_eq!(site.psql(&server, &team("team_blue"), ""), other);
    server.log_line(
        "no match in usermap \"teams\" for user \"team_blue\" authenticated as \"red@example\"",
    );
    server.log_line("Connection matched file \"pg_hba.conf\" line 2: ");
    let none = fatal("connection requires a valid client certificate");
    assert_eq!(
        site.psql(&server, "user=team_red sslmode=require", ""),
        none
    );
    assert_eq!(
        site.psql(&server, "user=bob sslmode=require", "brush"),
        served()
    );
    let rejected = fatal(
        "pg_hba.conf rejects connection for host \"127.0.0.1\", user \"bob\", database \"postgres\", no \
         encryption",
    );
    assert_eq!(
        site.psql(&server, "user=bob sslmode=disable", "brush"),
        rejected
    );
    server.stop();
}

#[test]
fn errors_of_all_files_are_told_by_the_check_and_by_the_start() {
    let site = Site::new();
    site.place.write(
        "pg_hba.conf",
        "host all all all md5\nhost all all all trust\nhost all\n",
    );
    site.place.write("pg_ident.conf", "short line\n");
    site.place.write("users", "\"alice\" \"pencil\"\n");
    let flags = [
        "--ssl-cert-file=absent.crt",
        "--ssl-key-file=server.key",
        "--hba-file=pg_hba.conf",
        "--ident-file=pg_ident.conf",
        "--users-file=users",
    ];
    for arguments in [&["--check-config"][..], &[]] {
        let mut ended = site.place.run(&[&flags, arguments].concat()).expect(1);
        for text in [
            "pg_hba.conf:1: ",
            "pg_hba.conf:3: ",
            "pg_ident.conf:1: ",
            "users",
            "absent.crt",
        ] {
            ended = ended.says(text);
        }
        assert!(!ended.stderr.contains("pencil"), "{}", ended.stderr);
    }
}

#[test]
fn what_will_never_work_is_a_warning() {
    let site = Site::new();
    site.place
        .write("pg_hba.conf", "hostssl all all all cert\n");
    let arguments = [
        "--ssl-mode=disable",
        "--hba-file=pg_hba.conf",
        "--check-config",
    ];
    site.place
        .run(&arguments)
        .expect(0)
        .says("hostssl record cannot match because SSL is disabled");
}

/// The salt that somebody who does not exist is asked to use.
fn salt_of_nobody(server: &Running) -> String {
    let mut client = Client::connect(server.address(), Manners::Strict);
    let nobody = [("user", "nobody"), ("database", "postgres")];
    client.send(&wire::startup(wire::V3_0, &nobody));
    client.expect(&authentication_sasl(&["SCRAM-SHA-256"]));
    client.send(&sasl_initial(
        "SCRAM-SHA-256",
        Some(b"n,,n=,r=rOprNGfwEbeRWgbNEkqO"),
    ));
    let challenge = String::from_utf8(client.expect_message(b'R').split_off(4)).unwrap();
    let salt = challenge
        .split(',')
        .find_map(|part| part.strip_prefix("s="));
    salt.unwrap().to_owned()
}

#[test]
fn e08_a_restart_does_not_tell_who_exists() {
    let site = Site::new();
    let serve = |arguments: &[&str]| {
        let plain = ["--ssl-mode", "disable", "--users-file", "users"];
        salt_of_nobody(&site.place.serve(&[&plain, arguments].concat()))
    };
    let first = serve(&[]);
    assert_eq!(first, serve(&[]));
    let kept = fs::metadata(site.place.path("users.mock_secret")).unwrap();
    assert_eq!(kept.permissions().mode() & 0o777, 0o600);

    let elsewhere = ["--scram-mock-secret-file", "secret"];
    let other = serve(&elsewhere);
    assert_ne!(first, other);
    assert_eq!(other, serve(&elsewhere));

    fs::write(site.place.path("secret"), "something else").unwrap();
    let arguments = [
        "--users-file",
        "users",
        "--scram-mock-secret-file",
        "secret",
    ];
    site.place
        .run(&[&arguments[..], &["--check-config"]].concat())
        .expect(1)
        .says("holds no SCRAM mock secret (32 bytes in Base64); remove it to get a new one");
}

#[test]
fn a_secret_that_cannot_be_kept_is_told() {
    let site = Site::new();
    // There is room for the name of the secret's file, but not for that of a new one beside it.
    let users = "u".repeat(240);
    fs::rename(site.place.path("users"), site.place.path(&users)).unwrap();
    let mut server = site
        .place
        .serve(&["--ssl-mode", "disable", "--users-file", &users]);
    server.log_line("the next start will change the salts of users that do not exist");
    salt_of_nobody(&server);
}
