//! What a client offers, what a server has, and what comes of it, over sockets: version, cipher and
//! group, or the alert.

use std::process::{Command, Stdio};

use pg_tls::{CryptoProfile, CryptoProvider, SslConfig, SslMode, TlsVersion};
use rustls::{AlertDescription, CipherSuite, NamedGroup, SupportedProtocolVersion};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::spawn_blocking;

use crate::sockets::serve;
use crate::support::*;

/// What a client offers; empty lists are all that its provider has.
#[derive(Debug)]
struct Offer {
    versions: &'static [&'static SupportedProtocolVersion],
    ciphers: &'static [CipherSuite],
    groups: &'static [NamedGroup],
}

/// Version, cipher and group as the server reports them, or the alert that the client gets.
type Expected = Result<(TlsVersion, &'static str, &'static str), AlertDescription>;

async fn check(pki: &Pki, config: SslConfig, offer: &Offer, expected: Expected) {
    let (address, task) = serve(accept(config)).await;
    let stream = TcpStream::connect(address).await.unwrap();
    let client = pki.client(CryptoProvider::AVAILABLE[0]).with_offer(
        offer.versions,
        offer.ciphers,
        offer.groups,
    );
    let came = match client.upgrade(stream).await {
        Ok(mut stream) => {
            stream.write_all(&alice()).await.unwrap();
            stream.flush().await.unwrap();
            let tls = session(task.await.unwrap()).tls.unwrap();
            Ok((tls.version, tls.cipher, tls.group))
        }
        Err(error) => {
            task.await.unwrap().unwrap_err();
            Err(alert(&error))
        }
    };
    assert_eq!(came, expected, "{offer:?}");
}

const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
const TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

const AES128: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256;
const AES256: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384;
const CHACHA20: CipherSuite = CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256;
const AES128_13: CipherSuite = CipherSuite::TLS13_AES_128_GCM_SHA256;
const AES256_13: CipherSuite = CipherSuite::TLS13_AES_256_GCM_SHA384;
const CHACHA20_13: CipherSuite = CipherSuite::TLS13_CHACHA20_POLY1305_SHA256;

const X25519: &[NamedGroup] = &[NamedGroup::X25519];
const P256: &[NamedGroup] = &[NamedGroup::secp256r1];
const P384: &[NamedGroup] = &[NamedGroup::secp384r1];

const NO_VERSION: Expected = Err(AlertDescription::ProtocolVersion);
const NOTHING: Expected = Err(AlertDescription::HandshakeFailure);

const fn v12(cipher: &'static str, group: &'static str) -> Expected {
    Ok((TlsVersion::Tls12, cipher, group))
}

const fn v13(cipher: &'static str, group: &'static str) -> Expected {
    Ok((TlsVersion::Tls13, cipher, group))
}

const fn offer(
    versions: &'static [&'static SupportedProtocolVersion],
    ciphers: &'static [CipherSuite],
    groups: &'static [NamedGroup],
) -> Offer {
    Offer {
        versions,
        ciphers,
        groups,
    }
}

#[tokio::test]
async fn offers_of_rustls_and_profiles() {
    let pki = Pki::new();
    for (profile, offer, expected) in [
        (
            CryptoProfile::Intermediate,
            offer(&[], &[], X25519),
            v13("TLS_AES_128_GCM_SHA256", "X25519"),
        ),
        (
            CryptoProfile::Intermediate,
            offer(TLS12, &[], P256),
            v12("ECDHE-ECDSA-AES128-GCM-SHA256", "prime256v1"),
        ),
        (
            CryptoProfile::Intermediate,
            offer(TLS12, &[CHACHA20], P384),
            v12("ECDHE-ECDSA-CHACHA20-POLY1305", "secp384r1"),
        ),
        (
            CryptoProfile::Intermediate,
            offer(TLS13, &[CHACHA20_13, AES256_13], P384),
            v13("TLS_AES_256_GCM_SHA384", "secp384r1"),
        ),
        (
            CryptoProfile::Modern,
            offer(&[], &[], P256),
            v13("TLS_AES_128_GCM_SHA256", "prime256v1"),
        ),
        (CryptoProfile::Modern, offer(TLS12, &[], &[]), NO_VERSION),
    ] {
        check(
            &pki,
            pki.config(SslMode::Require).with_profile(profile),
            &offer,
            expected,
        )
        .await;
    }
}

#[cfg(feature = "fips")]
#[tokio::test]
async fn offers_of_rustls_and_fips() {
    let pki = Pki::new();
    for (offer, expected) in [
        (
            offer(&[], &[], P256),
            v13("TLS_AES_128_GCM_SHA256", "prime256v1"),
        ),
        (
            offer(TLS12, &[AES256], P384),
            v12("ECDHE-ECDSA-AES256-GCM-SHA384", "secp384r1"),
        ),
        (offer(&[], &[], X25519), NOTHING),
        (offer(TLS13, &[CHACHA20_13], &[]), NOTHING),
        (offer(TLS12, &[CHACHA20], P256), NOTHING),
    ] {
        let config = pki
            .config(SslMode::Require)
            .with_profile(CryptoProfile::Fips);
        check(&pki, config, &offer, expected).await;
    }
}

#[tokio::test]
async fn offers_of_rustls_and_ciphers() {
    let pki = Pki::new();
    let config = || pki.config(SslMode::Require);
    let strong = || config().with_ciphers("HIGH:!aNULL:@STRENGTH");
    let aes256 = || {
        config()
            .with_ciphers("AES256")
            .with_tls13_ciphers("TLS_AES_256_GCM_SHA384")
    };
    // The certificate is for ECDSA.
    let rsa = || config().with_ciphers("aRSA");
    for (config, offer, expected) in [
        (
            strong(),
            offer(TLS12, &[AES128, CHACHA20, AES256], P256),
            v12("ECDHE-ECDSA-AES256-GCM-SHA384", "prime256v1"),
        ),
        (
            strong(),
            offer(TLS12, &[AES128], P256),
            v12("ECDHE-ECDSA-AES128-GCM-SHA256", "prime256v1"),
        ),
        (
            aes256(),
            offer(&[], &[], X25519),
            v13("TLS_AES_256_GCM_SHA384", "X25519"),
        ),
        (
            aes256(),
            offer(TLS12, &[], X25519),
            v12("ECDHE-ECDSA-AES256-GCM-SHA384", "X25519"),
        ),
        (aes256(), offer(TLS12, &[AES128, CHACHA20], &[]), NOTHING),
        (
            aes256(),
            offer(TLS13, &[AES128_13, CHACHA20_13], &[]),
            NOTHING,
        ),
        (rsa(), offer(TLS12, &[], &[]), NOTHING),
        (
            rsa(),
            offer(&[], &[], X25519),
            v13("TLS_AES_128_GCM_SHA256", "X25519"),
        ),
    ] {
        check(&pki, config, &offer, expected).await;
    }
}

#[tokio::test]
async fn offers_of_rustls_and_groups_versions_and_order() {
    let pki = Pki::new();
    let config = || pki.config(SslMode::Require);
    let p384 = || config().with_groups("P-384");
    let only12 = || config().with_max_protocol_version(TlsVersion::Tls12);
    let only13 = || config().with_min_protocol_version(TlsVersion::Tls13);
    let client = || config().with_prefer_server_ciphers(false);
    for (config, offer, expected) in [
        (
            p384(),
            offer(&[], &[], &[]),
            v13("TLS_AES_128_GCM_SHA256", "secp384r1"),
        ),
        (
            p384(),
            offer(TLS12, &[], &[]),
            v12("ECDHE-ECDSA-AES128-GCM-SHA256", "secp384r1"),
        ),
        (p384(), offer(&[], &[], X25519), NOTHING),
        (p384(), offer(TLS12, &[], P256), NOTHING),
        (
            only12(),
            offer(&[], &[], P256),
            v12("ECDHE-ECDSA-AES128-GCM-SHA256", "prime256v1"),
        ),
        (only12(), offer(TLS13, &[], &[]), NO_VERSION),
        (only13(), offer(TLS12, &[], &[]), NO_VERSION),
        (
            client(),
            offer(TLS13, &[CHACHA20_13, AES128_13], P256),
            v13("TLS_CHACHA20_POLY1305_SHA256", "prime256v1"),
        ),
        (
            client(),
            offer(TLS12, &[AES256, AES128], P256),
            v12("ECDHE-ECDSA-AES256-GCM-SHA384", "prime256v1"),
        ),
    ] {
        check(&pki, config, &offer, expected).await;
    }
}

#[cfg(feature = "aws-lc-rs")]
#[tokio::test]
async fn the_post_quantum_group_comes_first_and_can_be_demanded() {
    const BOTH: &[NamedGroup] = &[NamedGroup::X25519MLKEM768, NamedGroup::X25519];
    let pki = Pki::new();
    let config = || pki.config(SslMode::Require);
    let demanded = || {
        config()
            .with_profile(CryptoProfile::Modern)
            .with_groups("X25519MLKEM768")
    };
    let session = |group| Ok((TlsVersion::Tls13, "TLS_AES_128_GCM_SHA256", group));
    for (config, offer, expected) in [
        (config(), offer(&[], &[], BOTH), session("X25519MLKEM768")),
        (demanded(), offer(&[], &[], BOTH), session("X25519MLKEM768")),
        (demanded(), offer(&[], &[], X25519), NOTHING),
        (
            config().with_groups("X25519:P-256"),
            offer(&[], &[], BOTH),
            session("X25519"),
        ),
    ] {
        check(&pki, config, &offer, expected).await;
    }
}

/// What OpenSSL's client says about the session it got, or about the alert.
async fn openssl(pki: &Pki, config: SslConfig, arguments: &'static [&'static str]) -> String {
    let (address, task) = serve(accept(config)).await;
    let mut command = Command::new("openssl");
    command
        .args([
            "s_client",
            "-starttls",
            "postgres",
            "-connect",
            &address.to_string(),
        ])
        .arg("-CAfile")
        .arg(pki.path("ca.crt"))
        .args(arguments)
        .stdin(Stdio::null());
    let output = spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    // A client that leaves after the handshake is no session, whatever it says.
    drop(task.await.unwrap());
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn offers_of_openssl() {
    const PROTOCOL_VERSION: &[&str] = &["alert protocol version", "SSL alert number 70"];
    // rustls misses signature algorithms before it looks at the version.
    const TOO_OLD: &[&str] = HANDSHAKE_FAILURE;
    const HANDSHAKE_FAILURE: &[&str] = &["alert handshake failure", "SSL alert number 40"];
    let pki = Pki::new();
    let config = || pki.config(SslMode::Require);
    let modern = || config().with_profile(CryptoProfile::Modern);
    let aes256 = || config().with_ciphers("AES256");
    for (config, arguments, expected) in [
        (
            config(),
            &["-tls1_2"][..],
            &[
                "New, TLSv1.2, Cipher is ECDHE-ECDSA-AES128-GCM-SHA256",
                "Server Temp Key: X25519",
            ][..],
        ),
        (
            config(),
            &["-tls1_3", "-groups", "P-384"],
            &[
                "New, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256",
                "Server Temp Key: ECDH, secp384r1",
            ],
        ),
        (
            config(),
            &["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"],
            &["Cipher is ECDHE-ECDSA-CHACHA20-POLY1305"],
        ),
        (
            config(),
            &["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
            TOO_OLD,
        ),
        (config(), &["-tls1", "-cipher", "ALL:@SECLEVEL=0"], TOO_OLD),
        (
            config(),
            &["-tls1_2", "-cipher", "AES128-SHA:DHE-RSA-AES128-GCM-SHA256"],
            HANDSHAKE_FAILURE,
        ),
        (
            config(),
            &["-tls1_3", "-groups", "P-521"],
            HANDSHAKE_FAILURE,
        ),
        (modern(), &["-tls1_2"], PROTOCOL_VERSION),
        (
            modern(),
            &[],
            &["New, TLSv1.3, Cipher is TLS_AES_128_GCM_SHA256"],
        ),
        (
            aes256(),
            &["-tls1_2"],
            &["New, TLSv1.2, Cipher is ECDHE-ECDSA-AES256-GCM-SHA384"],
        ),
        (
            aes256(),
            &["-tls1_2", "-cipher", "AES128"],
            HANDSHAKE_FAILURE,
        ),
    ] {
        let said = openssl(&pki, config, arguments).await;
        for text in expected {
            assert!(said.contains(text), "{arguments:?}: no {text:?} in\n{said}");
        }
    }
}
