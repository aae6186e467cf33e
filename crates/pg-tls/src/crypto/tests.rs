//! What profiles and settings come to, and the texts about those that come to nothing.

use crate::{
    CryptoPolicy, CryptoPolicyError, CryptoProfile, CryptoProvider, SslConfig, SslMode, TlsVersion,
};

const SUITES_OF_TLS13: &str =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
const SUITES_OF_TLS12: &str = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:\
     ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:\
     ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

fn with(provider: CryptoProvider) -> SslConfig {
    SslConfig::new(SslMode::Require, "server.crt", "server.key").with_crypto_provider(provider)
}

fn groups_of(provider: CryptoProvider) -> &'static str {
    match provider {
        CryptoProvider::AwsLcRs => "X25519MLKEM768:X25519:prime256v1:secp384r1",
        CryptoProvider::Ring => "X25519:prime256v1:secp384r1",
    }
}

/// Every suite in the server's order, as a set to compare with.
fn sorted(list: &str) -> Vec<&str> {
    let mut names: Vec<&str> = list.split(':').collect();
    names.sort_unstable();
    names
}

#[test]
fn the_default_is_all_of_intermediate() {
    for &provider in CryptoProvider::AVAILABLE {
        let policy = with(provider).crypto_policy().unwrap();
        assert_eq!(policy.profile(), CryptoProfile::Intermediate);
        assert_eq!(policy.versions(), (TlsVersion::Tls12, TlsVersion::Tls13));
        let ciphers = policy.ciphers().join(":");
        assert!(ciphers.starts_with(SUITES_OF_TLS13), "{ciphers}");
        assert_eq!(
            sorted(&ciphers),
            sorted(&format!("{SUITES_OF_TLS13}:{SUITES_OF_TLS12}"))
        );
        assert_eq!(policy.groups().join(":"), groups_of(provider));
        assert!(!policy.session_tickets());
    }
}

#[test]
fn the_default_of_postgresql_is_the_same() {
    for &provider in CryptoProvider::AVAILABLE {
        let default = with(provider).crypto_policy().unwrap();
        let written = with(provider)
            .with_ciphers("HIGH:MEDIUM:+3DES:!aNULL")
            .crypto_policy()
            .unwrap();
        assert_eq!(written.ciphers(), default.ciphers());
    }
}

#[test]
fn modern_is_tls_1_3_whatever_the_minimum() {
    for &provider in CryptoProvider::AVAILABLE {
        let policy = with(provider)
            .with_profile(CryptoProfile::Modern)
            .with_ciphers("HIGH:MEDIUM:+3DES:!aNULL")
            .crypto_policy()
            .unwrap();
        assert_eq!(policy.versions(), (TlsVersion::Tls13, TlsVersion::Tls13));
        assert_eq!(
            policy.to_string(),
            format!(
                "TLS profile modern with {provider}: TLSv1.3; ciphers {SUITES_OF_TLS13} in the \
                 server's order; groups {}; no session tickets",
                groups_of(provider)
            )
        );
    }
}

#[test]
fn settings_narrow_the_profile_and_set_its_order() {
    for &provider in CryptoProvider::AVAILABLE {
        let policy = with(provider)
            .with_ciphers("ECDHE+AESGCM:!AES128")
            .with_tls13_ciphers("TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384")
            .with_groups("secp384r1:P-256")
            .with_prefer_server_ciphers(false)
            .with_session_tickets(true)
            .crypto_policy()
            .unwrap();
        assert_eq!(
            policy.to_string(),
            format!(
                "TLS profile intermediate with {provider}: TLSv1.3 and TLSv1.2; ciphers \
                 TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES256-GCM-SHA384:\
                 ECDHE-RSA-AES256-GCM-SHA384 in the client's order; groups secp384r1:prime256v1; \
                 session tickets for clients that are not asked for a certificate"
            )
        );
        let old = with(provider)
            .with_max_protocol_version(TlsVersion::Tls12)
            .crypto_policy()
            .unwrap();
        assert_eq!(sorted(&old.ciphers().join(":")), sorted(SUITES_OF_TLS12));
        assert_eq!(
            old.groups(),
            ["X25519", "prime256v1", "secp384r1"],
            "the post-quantum group is of TLS 1.3"
        );
    }
}

#[track_caller]
fn refused(config: &SslConfig, setting: &str, text: &str, hint: &str) {
    let error = config.crypto_policy().unwrap_err();
    assert_eq!(error.to_string(), text);
    assert_eq!(error.setting(), setting);
    assert_eq!(error.hint(), hint);
}

#[test]
fn what_leaves_nothing_is_refused_in_postgresqls_words() {
    for &provider in CryptoProvider::AVAILABLE {
        let config = || with(provider);
        let [suites13, groups] =
            [SUITES_OF_TLS13, groups_of(provider)].map(|list| list.replace(':', ", "));
        for list in [
            "",
            "nosuch",
            "AES128-SHA:DES-CBC3-SHA",
            "HIGH:!",
            "HIGH:@FOO",
            "!ALL",
        ] {
            let error = config().with_ciphers(list).crypto_policy().unwrap_err();
            let CryptoPolicyError::Ciphers { available } = &error else {
                panic!("{error:?}");
            };
            assert_eq!(sorted(&available.join(":")), sorted(SUITES_OF_TLS12));
            assert_eq!(
                error.to_string(),
                "could not set the TLSv1.2 cipher list (no valid ciphers available)"
            );
            assert_eq!(error.setting(), "ssl_ciphers");
            assert_eq!(
                error.hint(),
                format!(
                    "Available ciphers: {}; write them, or properties of them such as HIGH, \
                     ECDHE, AESGCM and CHACHA20.",
                    available.join(", ")
                )
            );
        }
        for list in ["", "nosuch", "ECDHE-RSA-AES128-GCM-SHA256"] {
            refused(
                &config().with_tls13_ciphers(list),
                "ssl_tls13_ciphers",
                "could not set the TLSv1.3 cipher suites (no valid ciphers available)",
                &format!("Available ciphers: {suites13}."),
            );
        }
        let spelling = format!(
            "Ensure that each group name is spelled correctly and supported by this build. \
             Available groups: {groups}."
        );
        for (list, reason) in [
            ("nosuch", "unrecognized group \"nosuch\""),
            ("X25519:secp521r1", "unrecognized group \"secp521r1\""),
            ("", "No valid groups found"),
            (":", "No valid groups found"),
        ] {
            refused(
                &config().with_groups(list),
                "ssl_groups",
                &format!("could not set group names specified in ssl_groups: {reason}"),
                &spelling,
            );
        }
        refused(
            &config().with_ciphers("HIGH:@SECLEVEL=4"),
            "ssl_ciphers",
            "\"ssl_ciphers\" setting \"@SECLEVEL=4\" not supported by this build",
            "Levels 0 to 2 can be written, and are always kept. Choose ciphers by name or by \
             properties such as AES256.",
        );
    }
}

#[test]
fn contradictions_between_settings_are_refused() {
    for &provider in CryptoProvider::AVAILABLE {
        refused(
            &with(provider)
                .with_profile(CryptoProfile::Modern)
                .with_max_protocol_version(TlsVersion::Tls12),
            "ssl_max_protocol_version",
            "could not set SSL protocol version range: \"ssl_profile\" setting \"modern\" begins \
             above \"ssl_max_protocol_version\" (TLSv1.2)",
            "Raise \"ssl_max_protocol_version\", or choose the profile intermediate.",
        );
        refused(
            &with(provider)
                .with_min_protocol_version(TlsVersion::Tls13)
                .with_max_protocol_version(TlsVersion::Tls12),
            "ssl_min_protocol_version",
            "could not set SSL protocol version range: \"ssl_min_protocol_version\" (TLSv1.3) \
             cannot be higher than \"ssl_max_protocol_version\" (TLSv1.2)",
            "Lower \"ssl_min_protocol_version\", or raise \"ssl_max_protocol_version\".",
        );
    }
}

#[cfg(feature = "aws-lc-rs")]
#[test]
fn a_group_of_tls_1_3_alone_is_refused_where_tls_1_2_is_spoken() {
    let config = with(CryptoProvider::AwsLcRs).with_groups("X25519MLKEM768");
    let error = config.crypto_policy().unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not set group names specified in ssl_groups: no group for TLSv1.2"
    );
    let policy = config.with_min_protocol_version(TlsVersion::Tls13);
    assert_eq!(policy.crypto_policy().unwrap().groups(), ["X25519MLKEM768"]);
}

#[test]
fn fips_takes_its_feature_and_its_provider() {
    for &provider in CryptoProvider::AVAILABLE {
        let config = with(provider).with_profile(CryptoProfile::Fips);
        if cfg!(feature = "fips") && provider == CryptoProvider::AwsLcRs {
            let policy = config
                .with_ciphers("HIGH:MEDIUM:+3DES:!aNULL")
                .crypto_policy()
                .unwrap();
            is_approved(&policy);
        } else {
            refused(
                &config,
                "ssl_profile",
                &format!(
                    "\"ssl_profile\" setting \"fips\" not supported by this build with {provider}"
                ),
                "The profile fips takes a build with the feature fips, and the provider aws-lc-rs.",
            );
        }
    }
}

fn is_approved(policy: &CryptoPolicy) {
    assert!(policy.rustls().fips());
    assert_eq!(policy.versions(), (TlsVersion::Tls12, TlsVersion::Tls13));
    assert_eq!(
        policy.ciphers().join(":"),
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:ECDHE-ECDSA-AES128-GCM-SHA256:\
         ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384"
    );
    assert_eq!(
        policy.groups().join(":"),
        "X25519MLKEM768:prime256v1:secp384r1"
    );
}
