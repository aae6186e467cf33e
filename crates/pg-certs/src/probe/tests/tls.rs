//! Servers with TLS, some of them with a hole.

use std::io::{Read as _, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::super::*;
use super::{SSL_REQUEST, Server, packet};
use crate::generate::{CaSpec, CertificateAuthority, ServerSpec};
use crate::provider::provider;
use crate::testing::{openssl, text};

/// An authority, its file, and a server's configuration below it.
struct Pki {
    dir: tempfile::TempDir,
    config: ServerConfig,
}

impl Pki {
    fn new() -> Self {
        Self::with(|builder, _| builder.with_no_client_auth())
    }

    fn with(
        clients: impl FnOnce(
            rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier>,
            CertificateDer<'static>,
        )
            -> rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert>,
    ) -> Self {
        let root = CertificateAuthority::create(&CaSpec::new("Root")).unwrap();
        let middle = root.issue_intermediate(&CaSpec::new("Middle")).unwrap();
        let server = middle.issue_server(&ServerSpec::new(["db.test"])).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let files = ["root.crt", "server.crt", "server.key"].map(|name| dir.path().join(name));
        root.write_certificate(&files[0], crate::files::Existing::Keep)
            .unwrap();
        server
            .write(&files[1], &files[2], crate::files::Existing::Keep)
            .unwrap();
        let issuer = ["middle.crt", "middle.key"].map(|name| dir.path().join(name));
        middle
            .write(&issuer[0], &issuer[1], crate::files::Existing::Keep)
            .unwrap();
        let chain = crate::load_certificate_chain(&files[1]).unwrap();
        let key: PrivateKeyDer<'static> = crate::load_private_key(&files[2]).unwrap();
        let anchor = crate::load_trust_anchors(&files[0]).unwrap().remove(0);
        let builder = ServerConfig::builder_with_provider(provider().unwrap())
            .with_safe_default_protocol_versions()
            .unwrap();
        let mut config = clients(builder, anchor)
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![b"postgresql".to_vec()];
        Self { dir, config }
    }

    /// What openssl's responder says of the server's certificate, by its status in the index.
    fn respond(&self, status: &str, revoked: &str) -> Vec<u8> {
        let file = |name: &str| self.dir.path().join(name);
        let (server, issuer, key) = (file("server.crt"), file("middle.crt"), file("middle.key"));
        let (index, answer) = (file("index.txt"), file("answer.der"));
        let serial = openssl(&["x509", "-noout", "-serial", "-in", text(&server)], b"");
        let serial = serial.trim().trim_start_matches("serial=");
        let line = format!("{status}\t361101000000Z\t{revoked}\t{serial}\tunknown\t/CN=db.test\n");
        std::fs::write(&index, line).unwrap();
        let (issuer, key) = (text(&issuer), text(&key));
        let of_responder = ["-index", text(&index), "-CA", issuer, "-rsigner", issuer];
        let of_request = ["-issuer", issuer, "-cert", text(&server), "-rkey", key];
        let to = ["-ndays", "1", "-noverify", "-respout", text(&answer)];
        openssl(
            &[&["ocsp"][..], &of_responder, &of_request, &to].concat(),
            b"",
        );
        std::fs::read(&answer).unwrap()
    }

    fn roots(&self) -> std::path::PathBuf {
        self.dir.path().join("root.crt")
    }
}

/// Asks every user for SCRAM, with channel binding.
const SASL: &[u8] = b"R\0\0\0\x2a\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0";

/// Serves TLS after SSLRequest, and asks for SCRAM in it.
fn serve(mut stream: TcpStream, config: Arc<ServerConfig>) {
    if packet(&mut stream) != Some(SSL_REQUEST) || stream.write_all(b"S").is_err() {
        return;
    }
    let mut tls = StreamOwned::new(ServerConnection::new(config).unwrap(), stream);
    if packet(&mut tls).is_some() {
        let _ = tls.write_all(SASL);
        let _ = std::io::copy(&mut tls, &mut std::io::sink());
    }
}

fn accepted(attempts: &[Attempt]) -> Vec<&str> {
    let taken = attempts
        .iter()
        .filter(|attempt| attempt.accepted == Some(true));
    taken.map(|attempt| attempt.name.as_str()).collect()
}

#[test]
fn a_good_server_is_described() {
    let pki = Pki::new();
    let config = Arc::new(pki.config.clone());
    let server = Server::start(move |stream| serve(stream, Arc::clone(&config)));
    let options = server
        .options()
        .with_root_certificates(pki.roots())
        .with_host("db.test")
        .with_host("other.test");
    let report = probe(&options).unwrap();
    let tls = report.tls.as_ref().unwrap();
    assert_eq!(
        (tls.version.as_str(), tls.alpn.as_deref()),
        ("TLSv1.3", Some("postgresql"))
    );
    assert_eq!(accepted(&report.versions), ["TLSv1.3", "TLSv1.2"]);
    let ciphers = accepted(&report.ciphers);
    assert!(ciphers.contains(&"TLS_AES_128_GCM_SHA256"), "{ciphers:?}");
    assert!(
        ciphers.contains(&"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"),
        "{ciphers:?}"
    );
    assert!(
        !ciphers.iter().any(|name| name.contains("RSA_WITH")),
        "{ciphers:?}"
    );
    let groups: Vec<_> = report
        .groups
        .iter()
        .map(|group| group.attempt.clone())
        .collect();
    assert!(accepted(&groups).contains(&"X25519"));
    assert_eq!(tls.chain.len(), 2);
    assert_eq!(tls.chain[0].names, ["DNS:db.test"]);
    assert_eq!(tls.chain[1].subject, "CN=Middle");
    assert_eq!(tls.completeness, Completeness::Complete);
    assert_eq!(tls.trusted, Some(Trust::Trusted));
    assert_eq!(tls.key_unproven, None);
    assert!(!tls.client_certificate_requested);
    let methods = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"]
        .map(str::to_owned)
        .to_vec();
    assert_eq!(tls.login, Login::Asks { methods });
    assert!(report.resumption.tls13_tickets > Some(0));
    assert_eq!(report.resumption.tls13_resumed, Some(true));
    assert_eq!(report.resumption.tls12_resumed, Some(true));
    let foreign = report.negotiation.foreign_alpn.as_ref().unwrap();
    assert_eq!(
        foreign.reason.as_deref(),
        Some("alert no_application_protocol")
    );
    assert_eq!(
        report.negotiation.direct.as_ref().unwrap().accepted,
        Some(false)
    );
    // The early bytes are no ClientHello.
    assert!(matches!(report.early_bytes, EarlyBytes::Refused { .. }));
    check_verdicts(&report);
    let codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["sslmode"], "{:?}", report.findings);
    check_text(&report);
}

/// The second of the two names is not in the certificate.
#[track_caller]
fn check_verdicts(report: &Report) {
    let verdicts: Vec<_> = report
        .verdicts
        .iter()
        .map(|verdict| (verdict.connects, verdict.encrypted))
        .collect();
    let (tls, no) = ((Some(true), Some(true)), (Some(false), None));
    assert_eq!(verdicts, [no, no, tls, tls, tls, tls, no]);
    assert_eq!(
        report.verdicts[6].reason,
        "server certificate for \"db.test\" does not match host name \"other.test\""
    );
}

/// One screen, and colour is all that a terminal adds.
#[track_caller]
fn check_text(report: &Report) {
    let plain = Text::new(report).to_string();
    assert!(plain.lines().count() < 48, "more than a screen:\n{plain}");
    let mut coloured = Text::new(report).with_colour(true).to_string();
    assert_ne!(coloured, plain);
    for sequence in ["\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"] {
        coloured = coloured.replace(sequence, "");
    }
    assert_eq!(coloured, plain);
}

#[test]
fn a_client_certificate_is_asked_for_by_name() {
    let pki = Pki::with(|builder, anchor| {
        let mut roots = RootCertStore::empty();
        roots.add(anchor).unwrap();
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider().unwrap());
        builder.with_client_cert_verifier(verifier.build().unwrap())
    });
    let config = Arc::new(pki.config);
    let report = Server::start(move |stream| serve(stream, Arc::clone(&config))).probe();
    let tls = report.tls.as_ref().unwrap();
    assert!(tls.client_certificate_requested);
    assert_eq!(tls.client_certificate_authorities, ["CN=Root"]);
    let require = &report.verdicts[3];
    assert_eq!(
        (
            require.connects,
            require.reason.as_str(),
            require.fix.as_deref()
        ),
        (
            Some(false),
            "server closed the connection unexpectedly: alert certificate_required",
            Some("give the client a certificate (sslcert and sslkey) issued by \"CN=Root\"")
        )
    );
}

#[test]
fn a_stapled_response_is_judged() {
    let pki = Pki::new();
    let (state, _) = staple(&pki, &pki.respond("V", ""));
    assert!(matches!(state, Some(Stapled::Good { .. })), "{state:?}");
    let revoked = pki.respond("R", "261101000000Z");
    for response in [revoked.as_slice(), b"no response"] {
        let (state, codes) = staple(&pki, response);
        assert!(matches!(state, Some(Stapled::Bad { .. })), "{state:?}");
        assert!(codes.contains(&"staple"), "{codes:?}");
    }
}

/// What is found about a server that staples this.
fn staple(pki: &Pki, response: &[u8]) -> (Option<Stapled>, Vec<&'static str>) {
    let file = |name: &str| pki.dir.path().join(name);
    let chain = crate::load_certificate_chain(&file("server.crt")).unwrap();
    let key = crate::load_private_key(&file("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(provider().unwrap())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert_with_ocsp(chain, key, response.to_vec())
        .unwrap();
    let config = Arc::new(config);
    let report = Server::start(move |stream| serve(stream, Arc::clone(&config))).probe();
    let codes = report.findings.iter().map(|finding| finding.code);
    (report.tls.unwrap().stapled_ocsp, codes.collect())
}

#[test]
fn plaintext_read_in_tls_is_found() {
    let pki = Pki::new();
    let config = Arc::new(pki.config);
    let report = Server::start(move |stream| vulnerable(stream, Arc::clone(&config))).probe();
    assert_eq!(
        report.early_bytes,
        EarlyBytes::Executed {
            answer: "asks for SCRAM-SHA-256-PLUS, SCRAM-SHA-256".to_owned()
        }
    );
    assert_eq!(report.findings[0].code, "early_bytes");
    assert!(!report.is_ok());
}

/// As servers before CVE-2021-23214: what one read gave is kept over the handshake.
fn vulnerable(mut stream: TcpStream, config: Arc<ServerConfig>) {
    let mut buffer = [0; 8192];
    let Ok(count) = stream.read(&mut buffer) else {
        return;
    };
    let mut kept = buffer[..count].to_vec();
    if packet(&mut kept.as_slice()) != Some(SSL_REQUEST) || stream.write_all(b"S").is_err() {
        return;
    }
    let mut kept = kept.split_off(8);
    let mut tls = ServerConnection::new(config).unwrap();
    while tls.is_handshaking() {
        if tls.complete_io(&mut stream).is_err() {
            return;
        }
    }
    let mut tls = StreamOwned::new(tls, stream);
    if packet(&mut kept.as_slice()).is_some() || packet(&mut tls).is_some() {
        kept.clear();
        let _ = tls.write_all(SASL);
        let _ = std::io::copy(&mut tls, &mut std::io::sink());
    }
}

#[test]
fn a_stolen_certificate_is_found() {
    let (pki, thief) = (Pki::new(), Pki::new());
    let config = Arc::new(with_foreign_key(&pki, &thief));
    let server = Server::start(move |stream| serve(stream, Arc::clone(&config)));
    let report = probe(&server.options().with_root_certificates(pki.roots())).unwrap();
    let tls = report.tls.as_ref().unwrap();
    assert_eq!(tls.trusted, Some(Trust::Trusted));
    assert!(tls.key_unproven.is_some());
    assert!(report.findings.iter().any(|finding| finding.code == "key"));
    assert_eq!(report.verdicts[4].connects, Some(false));
}

/// The certificates of one with the key of another.
fn with_foreign_key(pki: &Pki, thief: &Pki) -> ServerConfig {
    let chain = crate::load_certificate_chain(pki.dir.path().join("server.crt").as_path()).unwrap();
    let key = crate::load_private_key(thief.dir.path().join("server.key").as_path()).unwrap();
    let key = provider()
        .unwrap()
        .key_provider
        .load_private_key(key)
        .unwrap();
    let certified = rustls::sign::CertifiedKey::new(chain, key);
    let resolver = rustls::sign::SingleCertAndKey::from(certified);
    ServerConfig::builder_with_provider(provider().unwrap())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver))
}
