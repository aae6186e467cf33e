//! What goes with the server's certificate in a handshake.

use std::sync::{Arc, Mutex};

use pg_tls::{CryptoProvider, SslMode};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::AsyncWriteExt;

use crate::support::*;

/// Verifies as usual and notes the stapled response.
#[derive(Debug)]
struct Noting {
    webpki: Arc<WebPkiServerVerifier>,
    staple: Arc<Mutex<Vec<u8>>>,
}

impl ServerCertVerifier for Noting {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        *self.staple.lock().unwrap() = ocsp_response.to_vec();
        self.webpki
            .verify_server_cert(end_entity, intermediates, name, &[], now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.webpki.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.webpki.supported_verify_schemes()
    }
}

#[tokio::test]
async fn a_staple_can_be_set_and_taken_away_while_the_server_runs() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        let acceptor = pki.acceptor(SslMode::Require, provider);
        let identity = acceptor.tls().identities().next().unwrap();
        for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
            let client = pki.client(provider).with_version(version);
            for staple in [None, Some(b"one".to_vec()), Some(b"two".to_vec()), None] {
                identity.set_staple(staple.clone());
                assert_eq!(identity.staple(), staple);
                let expected = staple.unwrap_or_default();
                assert_eq!(stapled(&acceptor, &client, provider).await, expected);
            }
        }
    }
}

/// The response that a client is given.
async fn stapled(
    acceptor: &pg_tls::Acceptor,
    client: &Client,
    provider: CryptoProvider,
) -> Vec<u8> {
    let staple = Arc::default();
    let mut config = client.config();
    let verifier = Noting {
        webpki: WebPkiServerVerifier::builder_with_provider(
            Arc::new(client.roots()),
            provider.to_rustls().unwrap(),
        )
        .build()
        .unwrap(),
        staple: Arc::clone(&staple),
    };
    config
        .dangerous()
        .set_certificate_verifier(Arc::new(verifier));
    let (outcome, ()) = run(acceptor, tcp(), async |stream| {
        let mut stream = connect(config, "localhost", stream).await.unwrap();
        stream.write_all(&alice()).await.unwrap();
    })
    .await;
    session(outcome);
    Arc::into_inner(staple).unwrap().into_inner().unwrap()
}
