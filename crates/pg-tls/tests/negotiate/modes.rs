//! The product of modes, channels and certificates, through real negotiations: table §4.6.

use pg_certs::generate::ClientSpec;
use pg_tls::{AuthMethod, CryptoProvider, Session, SslMode};
use tokio::io::{AsyncWriteExt, DuplexStream};

use crate::support::*;

#[derive(Clone, Copy, Debug)]
enum Way {
    Plain,
    Requested,
    Direct,
}

/// Admission, then the name check with `trust`; the text for the client.
fn verdict(session: &Session<DuplexStream>, mode: SslMode) -> String {
    let refusal = session
        .admit(mode)
        .and_then(|()| session.check_client_name(mode, AuthMethod::Trust));
    match refusal {
        Ok(()) => String::new(),
        Err(refusal) => format!("{} {refusal}", refusal.sqlstate()),
    }
}

#[tokio::test]
async fn every_mode_every_way_every_certificate() {
    const HBA: &str = "28000 no pg_hba.conf entry for host \"192.0.2.7\", user \"alice\", database \"app\", no encryption";
    const MISSING: &str = "28000 connection requires a valid client certificate";
    const NAME: &str = "28000 \"trust\" authentication failed for user \"alice\"";

    let pki = Pki::new();
    let alices = pki.ca.issue_client(&ClientSpec::new("alice")).unwrap();
    let bobs = pki.ca.issue_client(&ClientSpec::new("bob")).unwrap();
    for &provider in CryptoProvider::AVAILABLE {
        for mode in SslMode::ALL {
            let mut config = pki.config(mode).with_crypto_provider(provider);
            config = config.with_ca_cert(pki.path("ca.crt"));
            let acceptor = accept(config);
            for way in [Way::Plain, Way::Requested, Way::Direct] {
                if mode == SslMode::Disable && !matches!(way, Way::Plain) {
                    continue; // Refused in negotiation; see `sequences` and `direct`.
                }
                let clients = [
                    pki.client(provider),
                    pki.client(provider).with_issued(&alices),
                    pki.client(provider).with_issued(&bobs),
                ];
                let expected = match (mode, way) {
                    (SslMode::Disable | SslMode::Allow | SslMode::Prefer, _) => ["", "", ""],
                    (_, Way::Plain) => [HBA, HBA, HBA],
                    (SslMode::Require, _) => ["", "", ""],
                    (SslMode::VerifyCA, _) => [MISSING, "", ""],
                    (SslMode::VerifyFull, _) => [MISSING, "", NAME],
                };
                for (client, expected) in clients.iter().zip(expected) {
                    let (outcome, ()) = run(&acceptor, tcp(), async |mut stream| match way {
                        Way::Plain => stream.write_all(&alice()).await.unwrap(),
                        Way::Requested => {
                            let mut stream = client.upgrade(stream).await.unwrap();
                            stream.write_all(&alice()).await.unwrap();
                        }
                        Way::Direct => {
                            let mut stream = client.connect(stream).await.unwrap();
                            stream.write_all(&alice()).await.unwrap();
                        }
                    })
                    .await;
                    let session = session(outcome);
                    assert_eq!(verdict(&session, mode), expected, "{mode} {way:?}");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_ca_that_is_not_loaded_is_a_configuration_error_to_the_client() {
    let pki = Pki::new();
    let provider = CryptoProvider::AVAILABLE[0];
    // The listener has no CA; a rule of the server asks for verify-ca all the same.
    let acceptor = pki.acceptor(SslMode::Require, provider);
    let client = pki.client(provider);
    let (outcome, ()) = run(&acceptor, tcp(), async |stream| {
        let mut stream = client.upgrade(stream).await.unwrap();
        stream.write_all(&alice()).await.unwrap();
    })
    .await;
    let refusal = session(outcome).admit(SslMode::VerifyCA).unwrap_err();
    assert_eq!(
        refusal.response().to_bytes(),
        fatal(
            "F0000",
            "client certificates can only be checked if a root certificate store is available"
        )
    );
}

#[tokio::test]
async fn replication_connections_have_their_own_text() {
    let (outcome, ()) = run(&plain_acceptor(), tcp(), async |mut stream| {
        let bytes = startup(&[("user", "alice"), ("replication", "true")]);
        stream.write_all(&bytes).await.unwrap();
    })
    .await;
    let session = session(outcome);
    let text = "no pg_hba.conf entry for replication connection from host \"192.0.2.7\", user \"alice\", no encryption";
    assert_eq!(
        session.admit(SslMode::Require).unwrap_err().to_string(),
        text
    );
    assert_eq!(session.no_matching_rule().to_string(), text);
}
