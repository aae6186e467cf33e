//! What `load` and `validate` find before the first connection.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use pg_certs::generate::{KeyType, ServerSpec};
use pg_tls::{ConfigError, CryptoPolicyError, CryptoProvider, SslConfig, SslMode, TlsVersion};

use crate::support::Pki;

/// Loads, checks that validating agrees, and returns the error with its text.
#[track_caller]
fn refused(config: &SslConfig) -> (ConfigError, String) {
    let error = config.load().expect_err("a configuration error");
    let text = error.to_string();
    assert_eq!(config.validate().unwrap_err().to_string(), text);
    (error, text)
}

#[test]
fn a_good_configuration_loads() {
    let pki = Pki::new();
    for &provider in CryptoProvider::AVAILABLE {
        for mode in SslMode::ALL {
            let config = pki
                .config(mode)
                .with_crypto_provider(provider)
                .with_ca_cert(pki.path("ca.crt"));
            config.validate().unwrap();
            let tls = config.load().unwrap();
            assert_eq!(tls.mode(), mode);
            assert_eq!(tls.identities().count(), usize::from(mode.is_enabled()));
        }
    }
}

#[test]
fn disabled_opens_no_file() {
    SslConfig::disabled().validate().unwrap();
    SslConfig::new(SslMode::Disable, "/nonexistent", "/nonexistent")
        .validate()
        .unwrap();
}

#[test]
fn missing_files_are_named() {
    let pki = Pki::new();
    let absent = pki.path("absent");
    let shown = absent.display();
    let (error, text) = refused(&SslConfig::new(
        SslMode::Require,
        &absent,
        pki.path("server.key"),
    ));
    assert!(matches!(error, ConfigError::CertFile(_)));
    assert!(
        text.starts_with(&format!(
            "could not load server certificate file \"{shown}\": "
        )),
        "{text}"
    );

    let (error, text) = refused(&SslConfig::new(
        SslMode::Require,
        pki.path("server.crt"),
        &absent,
    ));
    assert!(matches!(error, ConfigError::KeyAccess(_)));
    assert_eq!(
        text,
        format!("could not access private key file \"{shown}\": No such file or directory")
    );
    assert_eq!(error.sqlstate().as_str(), "58P01");

    let (error, text) = refused(&pki.config(SslMode::Allow).with_ca_cert(&absent));
    assert!(matches!(error, ConfigError::CaFile(_)));
    assert!(
        text.starts_with(&format!(
            "could not load root certificate file \"{shown}\": "
        )),
        "{text}"
    );
    assert_eq!(error.sqlstate().as_str(), "F0000");
}

#[test]
fn c09_a_key_that_others_may_read_is_refused() {
    let pki = Pki::new();
    let key = pki.path("server.key");
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let (error, text) = refused(&pki.config(SslMode::Require));
    assert_eq!(
        text,
        format!(
            "private key file \"{}\" has group or world access; File must have permissions u=rw (0600) or less if owned by the database user, or permissions u=rw,g=r (0640) or less if owned by root.",
            key.display()
        )
    );
    assert_eq!(error.sqlstate().as_str(), "F0000");
}

/// The state in which a crash between the two renames of a renewal leaves the files: the new key is in
/// place, the new certificate still beside the old one.
#[test]
fn a_renewal_that_a_crash_cut_off_is_finished_before_loading() {
    let pki = Pki::new();
    let old = pki
        .ca
        .issue_server(&ServerSpec::new(["localhost"]))
        .unwrap();
    pki.install(&old);
    let old_chain = fs::read(pki.path("server.crt")).unwrap();
    pki.install(
        &pki.ca
            .issue_server(&ServerSpec::new(["localhost"]))
            .unwrap(),
    );
    let new_chain = fs::read(pki.path("server.crt")).unwrap();
    fs::rename(pki.path("server.crt"), pki.path(".server.crt.pg-certs-new")).unwrap();
    fs::write(pki.path("server.crt"), old_chain).unwrap();

    let config = SslConfig::new(
        SslMode::Require,
        pki.path("server.crt"),
        pki.path("server.key"),
    );
    config.validate().unwrap();
    assert_eq!(fs::read(pki.path("server.crt")).unwrap(), new_chain);
}

#[test]
fn c03_a_key_of_another_certificate_is_refused() {
    let pki = Pki::new();
    let other = Pki::new();
    for key_type in [KeyType::EcdsaP256, KeyType::EcdsaP384, KeyType::Ed25519] {
        let spec = ServerSpec::new(["localhost"]).with_key_type(key_type);
        other.install(&other.ca.issue_server(&spec).unwrap());
        for &provider in CryptoProvider::AVAILABLE {
            let config = SslConfig::new(
                SslMode::Require,
                pki.path("server.crt"),
                other.path("server.key"),
            )
            .with_crypto_provider(provider);
            let (error, text) = refused(&config);
            assert!(
                matches!(error, ConfigError::KeyMismatch { .. }),
                "{error:?}"
            );
            assert_eq!(
                text,
                format!(
                    "check of private key failed: key values mismatch: \"{}\" is not the key of the certificate in \"{}\"",
                    other.path("server.key").display(),
                    pki.path("server.crt").display()
                )
            );
        }
    }
}

#[test]
fn swapped_and_empty_files_are_refused() {
    let pki = Pki::new();
    let (cert, key) = (pki.path("server.crt"), pki.path("server.key"));
    let (error, _) = refused(&SslConfig::new(SslMode::Require, &key, &cert));
    assert!(matches!(error, ConfigError::CertFile(_)));
    fs::write(&key, "").unwrap();
    let (error, text) = refused(&pki.config(SslMode::Require));
    assert!(matches!(error, ConfigError::KeyFile(_)));
    assert!(text.contains(&key.display().to_string()), "{text}");
}

#[test]
fn verifying_modes_need_a_ca() {
    let pki = Pki::new();
    for mode in [SslMode::VerifyCA, SslMode::VerifyFull] {
        let (error, text) = refused(&pki.config(mode));
        assert!(matches!(error, ConfigError::CaMissing { .. }));
        assert_eq!(
            text,
            format!(
                "sslmode \"{mode}\" needs client certificates, so ssl_ca_file must name the authorities that issue them"
            )
        );
    }
}

#[test]
fn versions_must_be_in_order() {
    let pki = Pki::new();
    let config = pki
        .config(SslMode::Require)
        .with_min_protocol_version(TlsVersion::Tls13)
        .with_max_protocol_version(TlsVersion::Tls12);
    let (_, text) = refused(&config);
    assert_eq!(
        text,
        "could not set SSL protocol version range: \"ssl_min_protocol_version\" (TLSv1.3) cannot be higher than \"ssl_max_protocol_version\" (TLSv1.2)"
    );
}

#[test]
fn record_sizes_have_limits() {
    let pki = Pki::new();
    for size in [512, 8 * 1024, 16_384] {
        pki.config(SslMode::Require)
            .with_max_record_size(Some(size))
            .validate()
            .unwrap();
    }
    for size in [0, 511, 16_385] {
        let config = pki
            .config(SslMode::Require)
            .with_max_record_size(Some(size));
        let (_, text) = refused(&config);
        assert_eq!(
            text,
            format!("max_record_size {size} is outside the valid range (512 .. 16384)")
        );
    }
}

#[test]
fn a_provider_that_is_not_compiled_in_is_named() {
    let pki = Pki::new();
    for provider in [CryptoProvider::AwsLcRs, CryptoProvider::Ring] {
        let config = pki.config(SslMode::Require).with_crypto_provider(provider);
        if CryptoProvider::AVAILABLE.contains(&provider) {
            config.validate().unwrap();
        } else {
            let (error, text) = refused(&config);
            assert!(matches!(
                error,
                ConfigError::Crypto(CryptoPolicyError::ProviderNotBuilt(_))
            ));
            assert!(text.starts_with(&format!(
                "crypto provider {provider} is not part of this build"
            )));
        }
    }
}
