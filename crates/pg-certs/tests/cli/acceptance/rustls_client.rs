//! A handshake between rustls and rustls, in memory, each side verifying the other.

use std::sync::Arc;

use pg_certs::{load_certificate_chain, load_private_key, load_trust_anchors};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection};

use crate::place::Place;

/// Connects as alice to the server in `certs` by this host name or address.
#[track_caller]
pub(super) fn accepts(place: &Place, host: &str) {
    let path = |name: &str| place.path(&format!("certs/{name}"));
    let chain = |name: &str| load_certificate_chain(&path(name)).unwrap();
    let key = |name: &str| load_private_key(&path(name)).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(load_trust_anchors(&path("ca.crt")).unwrap());
    let roots = Arc::new(roots);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());

    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::clone(&roots), Arc::clone(&provider))
            .build()
            .unwrap();
    let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain("server.crt"), key("server.key"))
        .unwrap();
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(chain("client-alice.crt"), key("client-alice.key"))
        .unwrap();
    let name = host.to_owned().try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut wire = Vec::new();
        client.write_tls(&mut wire).unwrap();
        server.read_tls(&mut wire.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        let mut wire = Vec::new();
        server.write_tls(&mut wire).unwrap();
        client.read_tls(&mut wire.as_slice()).unwrap();
        client.process_new_packets().unwrap();
    }
    assert!(server.peer_certificates().is_some());
}
