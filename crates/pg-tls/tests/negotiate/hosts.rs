//! Many names on one server: which certificate is served, what is demanded, who is turned away.

use std::path::Path;

use pg_certs::files::Existing;
use pg_certs::generate::{ClientSpec, KeyType, ServerSpec};
use pg_tls::policy::ClientCa;
use pg_tls::{
    Acceptor, AuthMethod, ConfigError, CryptoProvider, HostConfig, SslConfig, SslMode, TlsInfo,
};
use rustls::AlertDescription;
#[cfg(feature = "aws-lc-rs")]
use rustls::SignatureScheme;
use tokio::io::AsyncWriteExt;

use crate::support::*;

const PROVIDER: CryptoProvider = CryptoProvider::AVAILABLE[0];

/// Whether the client sends an SSLRequest first.
#[derive(Clone, Copy, Debug)]
enum Way {
    Request,
    Direct,
}

const WAYS: [Way; 2] = [Way::Request, Way::Direct];

/// Makes a certificate for `name` in files of that name.
fn issue(pki: &Pki, name: &str, key: KeyType) {
    let spec = ServerSpec::new([name]).with_key_type(key);
    pki.ca
        .issue_server(&spec)
        .unwrap()
        .write(
            pki.path(&format!("{name}.crt")),
            pki.path(&format!("{name}.key")),
            Existing::Replace,
        )
        .unwrap();
}

fn pki(names: &[&str]) -> Pki {
    let pki = Pki::new();
    for name in names {
        issue(&pki, name, KeyType::EcdsaP256);
    }
    pki
}

/// A host with the certificate of `files`.
fn host(pki: &Pki, names: &[&str], files: &str) -> HostConfig {
    HostConfig::new(
        names.iter().copied(),
        pki.path(&format!("{files}.crt")),
        pki.path(&format!("{files}.key")),
    )
}

fn config(mode: SslMode, hosts: Vec<HostConfig>) -> SslConfig {
    SslConfig::new(mode, "/nonexistent", "/nonexistent").with_hosts(hosts)
}

/// What the server knows of TLS, or the alert that the client gets. `None` asks for no host.
async fn served(
    acceptor: &Acceptor,
    client: &Client,
    asked: Option<&'static str>,
    way: Way,
) -> Result<TlsInfo, (AlertDescription, String)> {
    let mut config = client.trusting_everybody();
    config.enable_sni = asked.is_some();
    if matches!(way, Way::Direct) {
        config.alpn_protocols = vec![b"postgresql".to_vec()];
    }
    let (outcome, failed) = run(acceptor, tcp(), async |mut stream| {
        if matches!(way, Way::Request) {
            stream.write_all(&SSL_REQUEST).await.unwrap();
            assert_eq!(read(&mut stream, 1).await, b"S");
        }
        match connect(config, asked.unwrap_or("localhost"), stream).await {
            Ok(mut stream) => {
                stream.write_all(&alice()).await.unwrap();
                None
            }
            Err(error) => Some(alert(&error)),
        }
    })
    .await;
    match failed {
        None => Ok(session(outcome).tls.unwrap()),
        Some(alert) => Err((alert, logged(outcome))),
    }
}

/// The names in the certificate that was served.
fn name_of(tls: &TlsInfo) -> String {
    let info = pg_certs::CertificateInfo::from_der(&tls.server_certificate).unwrap();
    info.subject_alt_names()[0].to_string()
}

#[tokio::test]
async fn each_name_has_its_certificate_in_both_ways() {
    let pki = pki(&["a.test", "b.test", "wild.test", "none.test", "all.test"]);
    let acceptor = accept(config(
        SslMode::Require,
        vec![
            host(&pki, &["A.test", "deep.wild.test"], "a.test"),
            host(&pki, &["b.test"], "b.test").with_ca_cert(pki.path("ca.crt")),
            host(&pki, &["*.wild.test"], "wild.test"),
            host(&pki, &[HostConfig::NO_SNI], "none.test"),
            host(&pki, &[HostConfig::DEFAULT], "all.test"),
        ],
    ));
    let client = pki.client(PROVIDER);
    let cases = [
        (Some("a.test"), "a.test"),
        (Some("A.TEST"), "a.test"),
        (Some("b.test"), "b.test"),
        (Some("x.wild.test"), "wild.test"),
        (Some("deep.wild.test"), "a.test"),
        (Some("wild.test"), "all.test"),
        (Some("x.y.wild.test"), "all.test"),
        (Some("c.test"), "all.test"),
        (None, "none.test"),
    ];
    for way in WAYS {
        for (asked, expected) in cases {
            let tls = served(&acceptor, &client, asked, way).await.unwrap();
            assert!(name_of(&tls).contains(expected), "{asked:?} {tls:?}");
            assert_eq!(tls.sni, asked.map(str::to_ascii_lowercase));
            let identity = acceptor
                .tls()
                .identities()
                .find(|it| it.certificate() == &tls.server_certificate)
                .unwrap();
            // Channel binding is to the certificate that was served.
            assert_eq!(
                tls.tls_server_end_point.as_ref(),
                identity.tls_server_end_point()
            );
            let ca = match expected {
                "b.test" => ClientCa::Loaded,
                _ => ClientCa::NotLoaded,
            };
            assert_eq!(tls.client_ca, ca);
        }
    }
    assert_eq!(acceptor.tls().identities().count(), 5);
}

#[tokio::test]
async fn who_asks_for_nothing_that_is_served_gets_an_alert() {
    let pki = pki(&["a.test"]);
    let client = pki.client(PROVIDER);
    let one = accept(config(
        SslMode::Require,
        vec![host(&pki, &["a.test"], "a.test")],
    ));
    let no_sni = accept(config(
        SslMode::Require,
        vec![host(&pki, &[HostConfig::NO_SNI], "a.test")],
    ));
    for way in WAYS {
        for acceptor in [&one, &no_sni] {
            let (alert, line) = served(acceptor, &client, Some("Example.se"), way)
                .await
                .unwrap_err();
            assert_eq!(alert, AlertDescription::UnrecognisedName);
            assert_eq!(
                line,
                "LOG:  could not accept SSL connection: callback failed\n\
                 DETAIL:  The client asked for host \"example.se\", which is not served."
            );
        }
        let (alert, line) = served(&one, &client, None, way).await.unwrap_err();
        assert_eq!(alert, AlertDescription::HandshakeFailure);
        assert_eq!(
            line,
            "LOG:  no hostname provided in callback, and no fallback configured"
        );
        assert!(served(&no_sni, &client, None, way).await.is_ok());
    }
}

#[cfg(feature = "aws-lc-rs")] // ring makes no RSA keys
#[tokio::test]
async fn a_pair_serves_each_client_what_it_can_use() {
    let pki = pki(&["ecdsa.test"]);
    issue(&pki, "rsa.test", KeyType::Rsa2048);
    for (first, second) in [("ecdsa.test", "rsa.test"), ("rsa.test", "ecdsa.test")] {
        let pair = host(&pki, &[HostConfig::DEFAULT], first).with_second(
            pki.path(&format!("{second}.crt")),
            pki.path(&format!("{second}.key")),
        );
        let acceptor = accept(config(SslMode::Require, vec![pair]));
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let client = pki.client(PROVIDER).with_version(version);
            let rsa_only = client
                .clone()
                .with_schemes(&[SignatureScheme::RSA_PSS_SHA256]);
            for (client, expected) in [(&client, "ecdsa.test"), (&rsa_only, "rsa.test")] {
                let tls = served(&acceptor, client, Some("any.test"), Way::Request)
                    .await
                    .unwrap();
                assert!(name_of(&tls).contains(expected), "{first} {tls:?}");
            }
        }
        // The schemes say nothing of what TLS 1.2 suites can do.
        let suites = pki
            .client(PROVIDER)
            .with_version(&rustls::version::TLS12)
            .with_suites("_RSA_");
        let tls = served(&acceptor, &suites, Some("any.test"), Way::Request)
            .await
            .unwrap();
        assert!(name_of(&tls).contains("rsa.test"), "{first} {tls:?}");
    }
}

#[tokio::test]
async fn a_host_may_demand_more_than_the_server() {
    let pki = pki(&["a.test"]);
    let ca = pki.path("ca.crt");
    let with_ca = |names: &[&str]| host(&pki, names, "a.test").with_ca_cert(&ca);
    let acceptor = accept(config(
        SslMode::Require,
        vec![
            with_ca(&["open.test"]),
            with_ca(&["ca.test"]).with_mode(SslMode::VerifyCA),
            with_ca(&["full.test"]).with_mode(SslMode::VerifyFull),
        ],
    ));
    let certificate = |name: &str| pki.ca.issue_client(&ClientSpec::new(name)).unwrap();
    let (alice_certificate, bob) = (certificate("alice"), certificate("bob"));
    let clients = [
        pki.client(PROVIDER),
        pki.client(PROVIDER).with_issued(&bob),
        pki.client(PROVIDER).with_issued(&alice_certificate),
    ];
    // Per host, what becomes of a client without a certificate, of bob's and of alice's.
    for (asked, expected) in [
        ("open.test", "..."),
        ("ca.test", "c.."),
        ("full.test", "cn."),
    ] {
        let mut verdicts = String::new();
        for client in &clients {
            let config = client.trusting_everybody();
            let (outcome, ()) = run(&acceptor, tcp(), async |mut stream| {
                stream.write_all(&SSL_REQUEST).await.unwrap();
                assert_eq!(read(&mut stream, 1).await, b"S");
                let mut stream = connect(config, asked, stream).await.unwrap();
                stream.write_all(&alice()).await.unwrap();
            })
            .await;
            let session = session(outcome);
            let admitted = session.admit(SslMode::Require).is_ok();
            let named = session
                .check_client_name(SslMode::Require, AuthMethod::Trust)
                .is_ok();
            verdicts.push(match (admitted, named) {
                (false, _) => 'c',
                (true, false) => 'n',
                (true, true) => '.',
            });
        }
        assert_eq!(verdicts, expected, "{asked}");
    }
}

/// The error, paths without the directory.
fn fault(pki: &Pki, config: SslConfig) -> String {
    let error: ConfigError = config.load().unwrap_err();
    let directory = pki.path("");
    let directory: &Path = &directory;
    error
        .to_string()
        .replace(directory.to_str().unwrap().trim_end_matches('/'), "DIR")
}

#[test]
fn hosts_that_do_not_load() {
    let pki = pki(&["a.test", "b.test"]);
    let a = |names: &[&str]| host(&pki, names, "a.test");
    let (crt, key) = (pki.path("b.test.crt"), pki.path("b.test.key"));
    let cases = [
        (
            SslMode::Require,
            vec![a(&["x"]), a(&["y", "X"])],
            "host \"y,X\": multiple entries for host \"X\" specified",
        ),
        (
            SslMode::VerifyCA,
            vec![a(&["x"])],
            "host \"x\": sslmode \"verify-ca\" needs client certificates, so the host must name the \
             authorities that issue them",
        ),
        (
            SslMode::VerifyFull,
            vec![a(&["x"]).with_mode(SslMode::Require)],
            "host \"x\": sslmode \"require\" is weaker than the server's, \"verify-full\", and which \
             host to ask for is the client's choice",
        ),
        (
            SslMode::Require,
            vec![a(&["x"]).with_second(&crt, &key)],
            "host \"x\": the two certificates have keys of the same type",
        ),
        (
            SslMode::Require,
            vec![
                a(&["x"]),
                host(&pki, &["y"], "none").with_context("line 2 of it"),
            ],
            "line 2 of it: could not load server certificate file \"DIR/none.crt\": No such file or \
             directory; check the path and that this user may read it",
        ),
        (
            SslMode::Require,
            vec![HostConfig::new(["x"], pki.path("a.test.crt"), &key)],
            "host \"x\": check of private key failed: key values mismatch: \"DIR/b.test.key\" is not \
             the key of the certificate in \"DIR/a.test.crt\"",
        ),
    ];
    for (mode, hosts, expected) in cases {
        assert_eq!(fault(&pki, config(mode, hosts)), expected);
    }
}

#[test]
fn what_hosts_share_is_loaded_once() {
    let pki = pki(&["a.test", "b.test"]);
    let names: Vec<String> = (0..100).map(|number| format!("n{number}.test")).collect();
    let hosts = names.iter().map(|name| host(&pki, &[name], "a.test"));
    let hosts: Vec<_> = hosts.chain([host(&pki, &["b.test"], "b.test")]).collect();
    let tls = config(SslMode::Require, hosts).load().unwrap();
    assert_eq!(tls.identities().count(), 2);
}
