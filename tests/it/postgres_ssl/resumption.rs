//! No tickets, no session cache: every connection shakes hands in full (spec 5.1; G01).

use heliosdb_tests::case::Proof::{OursOnly, Since};
use heliosdb_tests::cases;
use heliosdb_tests::config::Config;
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::{Tls, VERSIONS};
use heliosdb_tests::wire;
use pg_tls::SslMode;
use rustls::HandshakeKind;
use rustls::client::Resumption;

cases! {
    g01_no_session_is_resumed, Config::tls(), Since(17), ["5.1", "G01"];
    g01_no_session_is_resumed_with_ring, Config::tls().ring(), OursOnly("the same case is proven once"), ["5.1", "G01"];
    g02_no_session_is_resumed_with_certificates, Config::new(SslMode::VerifyFull), Since(17), ["5.1", "G01", "G02"];
}

fn no_session_is_resumed(target: &Target, tls: &Tls) {
    for version in VERSIONS {
        let tls = tls
            .clone()
            .version(version)
            .resumption(Resumption::in_memory_sessions(8));
        for _ in 0..3 {
            let mut client = target.connect_tls(&tls);
            client.login_and_leave(&wire::startup_alice());
            assert_eq!(client.tls().handshake_kind(), Some(HandshakeKind::Full));
            assert_eq!(client.tls().tls13_tickets_received(), 0);
        }
    }
}

fn g01_no_session_is_resumed(target: &Target) {
    no_session_is_resumed(target, &Tls::new());
}

fn g01_no_session_is_resumed_with_ring(target: &Target) {
    no_session_is_resumed(target, &Tls::new());
}

fn g02_no_session_is_resumed_with_certificates(target: &Target) {
    no_session_is_resumed(target, &Tls::new().identity(&target.pki().alice));
}
