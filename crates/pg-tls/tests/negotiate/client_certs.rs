//! Client certificates in the handshake: specification §4.4 and §4.5, bugs D01 to D06.

use std::time::{Duration, SystemTime};

use pg_certs::CertificateAuthority;
use pg_certs::generate::{CaSpec, ClientSpec, ServerSpec, Validity};
use pg_tls::{Acceptor, AuthMethod, CryptoProvider, NegotiateError, Session, SslMode};
use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::AlertDescription;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::support::*;

/// Allow with a CA: certificates are asked for and not demanded.
fn with_ca(pki: &Pki, provider: CryptoProvider) -> Acceptor {
    accept(
        pki.config(SslMode::Allow)
            .with_crypto_provider(provider)
            .with_ca_cert(pki.path("ca.crt")),
    )
}

/// A client certificate that pg-certs would not make: chain and key in PEM.
fn odd(ca: &CertificateAuthority, change: impl FnOnce(&mut CertificateParams)) -> (String, String) {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let issuer_key = KeyPair::from_pem(ca.key_pem()).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&ca.certificate_pem(), issuer_key).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    (certificate.pem(), key.serialize_pem())
}

pub(crate) async fn served(acceptor: &Acceptor, client: &Client) -> Session<DuplexStream> {
    let (outcome, ()) = run(acceptor, tcp(), async |stream| {
        let mut stream = client.upgrade(stream).await.unwrap();
        stream.write_all(&alice()).await.unwrap();
    })
    .await;
    session(outcome)
}

/// The certificate is refused: the client's alert and the server's error, with each TLS version.
pub(crate) async fn refused(
    acceptor: &Acceptor,
    client: &Client,
    expected: AlertDescription,
) -> NegotiateError {
    let mut last = None;
    for version in rustls::ALL_VERSIONS {
        let client = client.clone().with_version(version);
        let (outcome, error) = run(acceptor, tcp(), async |stream| {
            match client.upgrade(stream).await {
                // TLS 1.2 fails inside the handshake.
                Err(error) => error,
                // With TLS 1.3 the client is done before the server judges. D05: it sends on at once
                // and must still be able to read the alert.
                Ok(mut stream) => {
                    stream.write_all(&alice()).await.unwrap();
                    stream.flush().await.unwrap();
                    stream.read_to_end(&mut Vec::new()).await.unwrap_err()
                }
            }
        })
        .await;
        assert_eq!(alert(&error), expected, "{version:?}");
        last = Some(outcome.unwrap_err());
    }
    last.unwrap()
}

pub(crate) fn log(error: &NegotiateError) -> String {
    error.log_line().unwrap().to_string()
}

#[tokio::test]
async fn d01_asked_for_and_not_demanded() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = with_ca(&pki, provider);
        let client = pki.client(provider);
        let session = served(&acceptor, &client).await;
        assert!(session.tls.unwrap().client_certificate.is_none());

        let issued = pki.ca.issue_client(&ClientSpec::new("alice")).unwrap();
        for version in rustls::ALL_VERSIONS {
            let client = client.clone().with_issued(&issued).with_version(version);
            let session = served(&acceptor, &client).await;
            let certificate = session.tls.as_ref().unwrap().client_certificate.as_ref();
            let info = &certificate.unwrap().info;
            assert_eq!(info, issued.info());
            session
                .check_client_name(SslMode::VerifyFull, AuthMethod::Cert)
                .unwrap();
        }
    }
}

#[tokio::test]
async fn without_a_ca_nobody_is_asked() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        // Of another authority, and sent to nobody.
        let issued = Pki::new()
            .ca
            .issue_client(&ClientSpec::new("alice"))
            .unwrap();
        let client = pki.client(provider).with_issued(&issued);
        let session = served(&acceptor, &client).await;
        assert!(session.tls.unwrap().client_certificate.is_none());
    }
}

#[tokio::test]
async fn the_request_names_the_authorities() {
    let pki = Pki::new();
    let acceptor = with_ca(&pki, CryptoProvider::AVAILABLE[0]);
    // A resolver that notes what it is asked with.
    #[derive(Debug, Default)]
    struct Noting(std::sync::Mutex<Vec<Vec<u8>>>);
    impl rustls::client::ResolvesClientCert for Noting {
        fn resolve(
            &self,
            hints: &[&[u8]],
            _: &[rustls::SignatureScheme],
        ) -> Option<std::sync::Arc<rustls::sign::CertifiedKey>> {
            self.0
                .lock()
                .unwrap()
                .extend(hints.iter().map(|hint| hint.to_vec()));
            None
        }
        fn has_certs(&self) -> bool {
            true
        }
    }
    let noting = std::sync::Arc::new(Noting::default());
    let mut client = pki.client(CryptoProvider::AVAILABLE[0]).config();
    client.client_auth_cert_resolver = noting.clone();
    let (outcome, ()) = run(&acceptor, tcp(), async |stream| {
        let mut stream = connect(client, "localhost", stream).await.unwrap();
        stream.write_all(&alice()).await.unwrap();
    })
    .await;
    session(outcome);
    let hints = noting.0.lock().unwrap();
    assert_eq!(hints.len(), 1);
    assert!(hints[0].windows(7).any(|window| window == b"Test CA"));
}

#[tokio::test]
async fn unknown_issuer_is_unknown_ca() {
    let pki = Pki::new();
    let stranger = CertificateAuthority::create(&CaSpec::new("Stranger CA")).unwrap();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = with_ca(&pki, provider);
        let issued = stranger
            .issue_client(&ClientSpec::new("alice").with_organization("Evil\nLtd"))
            .unwrap();
        let client = pki.client(provider).with_issued(&issued);
        let error = refused(&acceptor, &client, AlertDescription::UnknownCA).await;
        assert_eq!(
            log(&error),
            format!(
                "LOG:  could not accept SSL connection: certificate verify failed\nDETAIL:  Client certificate verification failed at depth 0: unable to get local issuer certificate.\nFailed certificate data (unverified): subject \"{}\", serial number {}, issuer \"/CN=Stranger CA\".",
                issued.info().subject().slash().replace('\n', "\\x0a"),
                issued.info().serial(),
            )
        );
        assert_eq!(error.sqlstate().as_str(), "08P01");
    }
}

#[tokio::test]
async fn dates_have_the_alerts_of_openssl() {
    let pki = Pki::new();
    let now = SystemTime::now();
    let hour = Duration::from_secs(3600);
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = with_ca(&pki, provider);
        for (validity, alert, reason) in [
            (
                Validity::between(now - 2 * hour, now - hour),
                AlertDescription::CertificateExpired,
                "certificate has expired",
            ),
            (
                Validity::between(now + hour, now + 2 * hour),
                AlertDescription::BadCertificate,
                "certificate is not yet valid",
            ),
        ] {
            let spec = ClientSpec::new("alice").with_validity(validity);
            let issued = pki.ca.issue_client(&spec).unwrap();
            let client = pki.client(provider).with_issued(&issued);
            let error = refused(&acceptor, &client, alert).await;
            let expected = format!("verification failed at depth 0: {reason}.\n");
            assert!(log(&error).contains(&expected), "{}", log(&error));
        }
    }
}

#[tokio::test]
async fn d03_the_purpose_is_client_auth() {
    let pki = Pki::new();
    let server = pki.ca.issue_server(&ServerSpec::new(["alice"])).unwrap();
    let with_usages = |usages: Vec<ExtendedKeyUsagePurpose>| {
        odd(&pki.ca, |params| {
            params.extended_key_usages = usages;
            params.distinguished_name.push(DnType::CommonName, "alice");
        })
    };
    let both = with_usages(vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ]);
    let none = with_usages(Vec::new());
    let server_only = with_usages(vec![ExtendedKeyUsagePurpose::ServerAuth]);
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = with_ca(&pki, provider);
        for (chain, key) in [&both, &none] {
            let client = pki.client(provider).with_identity(chain, key);
            served(&acceptor, &client).await;
        }
        for client in [
            pki.client(provider)
                .with_identity(&server_only.0, &server_only.1),
            pki.client(provider).with_issued(&server),
        ] {
            let error = refused(&acceptor, &client, AlertDescription::UnsupportedCertificate).await;
            assert!(log(&error).contains("unsuitable certificate purpose"));
        }
    }
}

#[tokio::test]
async fn chains_end_in_a_root_of_the_ca_file() {
    let pki = Pki::new();
    let intermediate = pki
        .ca
        .issue_intermediate(&CaSpec::new("Intermediate CA"))
        .unwrap();
    let issued = intermediate
        .issue_client(&ClientSpec::new("alice"))
        .unwrap();
    let (_, leaf_key) = (issued.chain_pem(), issued.key_pem());
    let only = pki.path("intermediate.crt");
    std::fs::write(&only, intermediate.certificate_pem()).unwrap();
    let both = pki.path("both.crt");
    let root = pki.ca.certificate_pem();
    std::fs::write(&both, intermediate.certificate_pem() + &root).unwrap();

    for &provider in CryptoProvider::AVAILABLE {
        let config = pki.config(SslMode::Allow).with_crypto_provider(provider);
        let leaf_only = pki
            .client(provider)
            .with_identity(issued.certificate_pem(), leaf_key);
        let whole = pki.client(provider).with_issued(&issued);

        // The root is in the file: the client must send the intermediate, unless that is there too.
        let acceptor = with_ca(&pki, provider);
        served(&acceptor, &whole).await;
        refused(&acceptor, &leaf_only, AlertDescription::UnknownCA).await;
        let acceptor = accept(config.clone().with_ca_cert(&both));
        served(&acceptor, &whole).await;
        served(&acceptor, &leaf_only).await;

        // No partial chains: an intermediate is no root, unless that is wanted.
        let acceptor = accept(config.clone().with_ca_cert(&only));
        refused(&acceptor, &whole, AlertDescription::UnknownCA).await;
        refused(&acceptor, &leaf_only, AlertDescription::UnknownCA).await;
        served(&acceptor, &pki.client(provider)).await;
        let of_the_root = pki.ca.issue_client(&ClientSpec::new("alice")).unwrap();
        let of_the_root = pki.client(provider).with_issued(&of_the_root);
        let acceptor = accept(config.with_ca_cert(&only).with_partial_chains(true));
        served(&acceptor, &whole).await;
        served(&acceptor, &leaf_only).await;
        refused(&acceptor, &of_the_root, AlertDescription::UnknownCA).await;
    }
}

#[tokio::test]
async fn nul_in_the_common_name_closes_after_the_handshake() {
    let pki = Pki::new();
    let (chain, key) = odd(&pki.ca, |params| {
        params
            .distinguished_name
            .push(DnType::CommonName, "alice\0.evil.example");
    });
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = with_ca(&pki, provider);
        for version in rustls::ALL_VERSIONS {
            let client = pki
                .client(provider)
                .with_identity(&chain, &key)
                .with_version(version);
            let (outcome, received) = run(&acceptor, tcp(), async |stream| {
                let mut stream = client.upgrade(stream).await.unwrap();
                read_to_end(&mut stream).await
            })
            .await;
            assert_eq!(received, b"");
            assert_eq!(
                logged(outcome),
                "LOG:  SSL certificate's common name contains embedded null"
            );
        }
    }
}

#[tokio::test]
async fn d02_d06_the_common_name_is_the_user_byte_for_byte() {
    let pki = Pki::new();
    let provider = CryptoProvider::AVAILABLE[0];
    let acceptor = pki.acceptor(SslMode::VerifyFull, provider);
    let no_name = odd(&pki.ca, |params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("alice".try_into().unwrap())];
    });
    let named = |name: &str| {
        odd(&pki.ca, |params| {
            params
                .distinguished_name
                .push(DnType::OrganizationName, "alice");
            params.distinguished_name.push(DnType::CommonName, name);
        })
    };
    let cases = [
        (named("alice"), None),
        (
            named("Alice"),
            Some("provided user name (alice) and authenticated user name (Alice) do not match"),
        ),
        (
            named("alice "),
            Some("provided user name (alice) and authenticated user name (alice ) do not match"),
        ),
        (
            named("bob"),
            Some("provided user name (alice) and authenticated user name (bob) do not match"),
        ),
        (
            no_name,
            Some(
                "certificate authentication failed for user \"alice\": client certificate contains no user name",
            ),
        ),
    ];
    for ((chain, key), expected) in cases {
        let client = pki.client(provider).with_identity(&chain, &key);
        let session = served(&acceptor, &client).await;
        session.admit(SslMode::VerifyFull).unwrap();
        session
            .check_client_name(SslMode::VerifyCA, AuthMethod::Trust)
            .unwrap();
        let verdict = session.check_client_name(SslMode::VerifyFull, AuthMethod::Cert);
        let first = verdict
            .as_ref()
            .err()
            .map(|refusal| &*refusal.log_lines()[0].message);
        assert_eq!(first, expected);
        if let Err(refusal) = verdict {
            let text = "certificate authentication failed for user \"alice\"";
            assert_eq!(refusal.response().to_bytes(), fatal("28000", text));
        }
    }
}
