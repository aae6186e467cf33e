//! Client certificates: none, good, and bad in every way (spec 4.3, 4.4, 4.5; bugs D01–D06).

use heliosdb_tests::case::Proof::Since;
use heliosdb_tests::cases;
use heliosdb_tests::client::End;
use heliosdb_tests::config::Config;
use heliosdb_tests::log::Expected;
use heliosdb_tests::pki::Identity;
use heliosdb_tests::target::{Kind, Target};
use heliosdb_tests::tls::{Tls, VERSIONS, Version};
use heliosdb_tests::wire::{self, Report, V3_0};
use pg_tls::SslMode::{VerifyCA, VerifyFull};

use super::modes::authorized;

const UNSUPPORTED_CERTIFICATE: u8 = 43;
const BAD_CERTIFICATE: u8 = 42;
const CERTIFICATE_EXPIRED: u8 = 45;
const UNKNOWN_CA: u8 = 48;

cases! {
    d01_optional_certificate_may_be_missing, Config::client_ca(), Since(15), ["4.3", "4.5", "D01"];
    d01_optional_certificate_may_be_good, Config::client_ca(), Since(15), ["4.3", "D01"];
    d01_optional_certificate_of_another_ca_gets_alert_48, Config::client_ca(), Since(15), ["4.3", "4.5", "D01", "D05"];
    certificate_is_not_asked_for_without_a_ca, Config::tls(), Since(15), ["4.3"];
    self_signed_certificate_gets_alert_48, Config::client_ca(), Since(15), ["4.5"];
    certificate_lacking_its_intermediate_gets_alert_48, Config::client_ca(), Since(15), ["4.5"];
    certificate_with_its_intermediate_is_served, Config::client_ca(), Since(15), ["4.5"];
    d05_expired_certificate_gets_alert_45, Config::client_ca(), Since(15), ["4.5", "D05"];
    d05_certificate_of_the_future_gets_alert_42, Config::client_ca(), Since(15), ["4.5", "D05"];
    d03_server_only_certificate_gets_alert_43, Config::client_ca(), Since(15), ["4.5", "D03"];
    d03_certificate_without_usage_is_served, Config::client_ca(), Since(15), ["4.5", "D03"];
    d03_certificate_for_both_usages_is_served, Config::client_ca(), Since(15), ["4.5", "D03"];
    d03_the_servers_own_certificate_is_refused, Config::client_ca(), Since(15), ["4.5", "D03"];
    verify_ca_refuses_bad_certificates_in_the_handshake, Config::new(VerifyCA), Since(15), ["4.6 VerifyCA", "4.5"];
    verify_full_refuses_bad_certificates_in_the_handshake, Config::new(VerifyFull), Since(15), ["4.6 VerifyFull", "4.5"];
    d02_certificate_of_another_user_is_refused, Config::new(VerifyFull), Since(15), ["4.3", "4.4", "D02"];
    d02_names_are_compared_case_by_case, Config::new(VerifyFull), Since(15), ["4.4", "D02"];
    d06_first_of_two_common_names_counts, Config::new(VerifyFull), Since(15), ["4.4", "D06"];
    d06_certificate_without_common_name_is_refused, Config::new(VerifyFull), Since(15), ["4.3", "D06"];
    d06_certificate_without_common_name_passes_verify_ca, Config::new(VerifyCA), Since(15), ["4.3", "D06"];
    nul_in_the_common_name_closes_after_the_handshake, Config::client_ca(), Since(15), ["4.4", "3.3"];
    nul_in_the_common_name_closes_under_verify_full, Config::new(VerifyFull), Since(15), ["4.4", "3.3"];
    d05_alert_is_read_behind_an_early_startup, Config::client_ca(), Since(15), ["4.5", "D05"];
}

fn served(target: &Target, identity: &Identity) {
    for version in VERSIONS {
        let mut client = target.connect_tls(&Tls::new().version(version).identity(identity));
        client.login_and_leave(&wire::startup_alice());
        target.expect_line(&client, authorized(&client));
    }
}

/// The handshake fails with this alert: at its end for the client in TLS 1.2, behind it in TLS 1.3.
fn refused(target: &Target, identity: &Identity, alert: u8, detail: &str) {
    for version in VERSIONS {
        let mut client = target.connect();
        client.send(&wire::SSL_REQUEST);
        client.expect(b"S");
        let handshake = client.try_handshake(&Tls::new().version(version).identity(identity));
        match version {
            Version::Tls12 => assert_eq!(handshake, Err(End::Alert(alert))),
            Version::Tls13 => {
                assert_eq!(handshake, Ok(()));
                client.expect_alert(alert);
            }
        }
        target.expect_log(&client, [verify_failed(target, detail)]);
    }
}

fn verify_failed(target: &Target, detail: &str) -> Expected {
    let text = "could not accept SSL connection: certificate verify failed";
    let expected = Expected::log_only("08P01", text);
    // PostgreSQL 15 did not say more.
    if target.is_at_least(16) {
        expected.detail(detail)
    } else {
        expected
    }
}

fn failed_at(depth: u32, reason: &str, subject: &str, serial: &str, issuer: &str) -> String {
    format!(
        "Client certificate verification failed at depth {depth}: {reason}.\n\
         Failed certificate data (unverified): subject \"{subject}\", serial number {serial}, \
         issuer \"{issuer}\"."
    )
}

fn d01_optional_certificate_may_be_missing(target: &Target) {
    for version in VERSIONS {
        let mut client = target.connect_tls(&Tls::new().version(version));
        client.login_and_leave(&wire::startup_alice());
        target.expect_line(&client, authorized(&client));
    }
}

fn d01_optional_certificate_may_be_good(target: &Target) {
    served(target, &target.pki().alice);
    served(target, &target.pki().bob);
}

fn d01_optional_certificate_of_another_ca_gets_alert_48(target: &Target) {
    let identity = &target.pki().alice_of_other_ca;
    let reason = "unable to get local issuer certificate";
    let issuer = "/CN=Wire test other CA";
    let detail = failed_at(0, reason, "/CN=alice", &identity.serial(), issuer);
    refused(target, identity, UNKNOWN_CA, &detail);
}

fn certificate_is_not_asked_for_without_a_ca(target: &Target) {
    served(target, &target.pki().alice_of_other_ca);
    served(target, &target.pki().alice_expired);
}

fn self_signed_certificate_gets_alert_48(target: &Target) {
    let identity = &target.pki().alice_self_signed;
    let reason = "self-signed certificate";
    let detail = failed_at(0, reason, "/CN=alice", &identity.serial(), "/CN=alice");
    refused(target, identity, UNKNOWN_CA, &detail);
}

fn certificate_lacking_its_intermediate_gets_alert_48(target: &Target) {
    let identity = &target.pki().alice_lacking_intermediate;
    let reason = "unable to get local issuer certificate";
    let issuer = "/CN=Wire test intermediate CA";
    let detail = failed_at(0, reason, "/CN=alice", &identity.serial(), issuer);
    refused(target, identity, UNKNOWN_CA, &detail);
}

fn certificate_with_its_intermediate_is_served(target: &Target) {
    served(target, &target.pki().alice_by_intermediate);
}

fn d05_expired_certificate_gets_alert_45(target: &Target) {
    let identity = &target.pki().alice_expired;
    let reason = "certificate has expired";
    let issuer = "/CN=Wire test client CA";
    let detail = failed_at(0, reason, "/CN=alice", &identity.serial(), issuer);
    refused(target, identity, CERTIFICATE_EXPIRED, &detail);
}

fn d05_certificate_of_the_future_gets_alert_42(target: &Target) {
    let identity = &target.pki().alice_not_yet_valid;
    let reason = "certificate is not yet valid";
    let issuer = "/CN=Wire test client CA";
    let detail = failed_at(0, reason, "/CN=alice", &identity.serial(), issuer);
    refused(target, identity, BAD_CERTIFICATE, &detail);
}

fn d03_server_only_certificate_gets_alert_43(target: &Target) {
    let identity = &target.pki().alice_server_eku;
    let reason = "unsuitable certificate purpose";
    let issuer = "/CN=Wire test client CA";
    let detail = failed_at(0, reason, "/CN=alice", &identity.serial(), issuer);
    refused(target, identity, UNSUPPORTED_CERTIFICATE, &detail);
}

fn d03_certificate_without_usage_is_served(target: &Target) {
    served(target, &target.pki().alice_without_eku);
}

fn d03_certificate_for_both_usages_is_served(target: &Target) {
    served(target, &target.pki().alice_both_ekus);
}

/// Two faults at once, the CA and the usage: which is found first is the library's choice.
fn d03_the_servers_own_certificate_is_refused(target: &Target) {
    let identity = &target.pki().server;
    let (alert, reason) = match target.kind() {
        Kind::Ours => (UNSUPPORTED_CERTIFICATE, "unsuitable certificate purpose"),
        Kind::PostgreSql(_) => (UNKNOWN_CA, "unable to get local issuer certificate"),
    };
    let issuer = "/CN=Wire test server CA";
    let detail = failed_at(0, reason, "/CN=localhost", &identity.serial(), issuer);
    refused(target, identity, alert, &detail);
}

fn bad_certificates_are_refused(target: &Target) {
    d01_optional_certificate_of_another_ca_gets_alert_48(target);
    d05_expired_certificate_gets_alert_45(target);
    d05_certificate_of_the_future_gets_alert_42(target);
    d03_server_only_certificate_gets_alert_43(target);
}

fn verify_ca_refuses_bad_certificates_in_the_handshake(target: &Target) {
    bad_certificates_are_refused(target);
}

fn verify_full_refuses_bad_certificates_in_the_handshake(target: &Target) {
    bad_certificates_are_refused(target);
}

/// Under VerifyFull: the certificate is good, its name is not the user's.
fn mismatch(target: &Target, user: &str, identity: &Identity, name: &str) {
    let mut client = target.connect_tls(&Tls::new().identity(identity));
    client.send(&wire::startup(
        V3_0,
        &[("user", user), ("database", "postgres")],
    ));
    let report = Report::fatal(
        "28000",
        format!("\"trust\" authentication failed for user \"{user}\""),
    );
    target.expect_log(
        &client,
        [
            Expected::log(format!(
                "provided user name ({user}) and authenticated user name ({name}) do not match"
            )),
            Expected::log(format!(
                "certificate validation (clientcert=verify-full) failed for user \"{user}\": CN mismatch"
            )),
            Expected::fatal(&report).any_detail(),
        ],
    );
    client.expect_report(&report);
    client.expect_close();
}

fn d02_certificate_of_another_user_is_refused(target: &Target) {
    mismatch(target, "bob", &target.pki().alice, "alice");
    mismatch(target, "alice", &target.pki().bob, "bob");
    served(target, &target.pki().alice);
}

fn d02_names_are_compared_case_by_case(target: &Target) {
    mismatch(target, "alice", &target.pki().capital_alice, "Alice");
    mismatch(target, "Alice", &target.pki().alice, "alice");
}

fn d06_first_of_two_common_names_counts(target: &Target) {
    served(target, &target.pki().alice_then_zoe);
    mismatch(target, "alice", &target.pki().zoe_then_alice, "zoe");
    mismatch(target, "zoe", &target.pki().alice_then_zoe, "alice");
}

fn d06_certificate_without_common_name_is_refused(target: &Target) {
    let mut client = target.connect_tls(&Tls::new().identity(&target.pki().no_common_name));
    client.send(&wire::startup_alice());
    let report = Report::fatal(
        "28000",
        "\"trust\" authentication failed for user \"alice\"",
    );
    target.expect_log(
        &client,
        [
            Expected::log(
                "certificate authentication failed for user \"alice\": \
                 client certificate contains no user name",
            ),
            Expected::fatal(&report).any_detail(),
        ],
    );
    client.expect_report(&report);
    client.expect_close();
}

fn d06_certificate_without_common_name_passes_verify_ca(target: &Target) {
    served(target, &target.pki().no_common_name);
}

fn nul_closes(target: &Target) {
    for version in VERSIONS {
        let tls = Tls::new()
            .version(version)
            .identity(&target.pki().alice_with_nul);
        let mut client = target.connect_tls(&tls);
        target.expect_log(
            &client,
            [Expected::log_only(
                "08P01",
                "SSL certificate's common name contains embedded null",
            )],
        );
        client.expect_close();
    }
}

fn nul_in_the_common_name_closes_after_the_handshake(target: &Target) {
    nul_closes(target);
}

fn nul_in_the_common_name_closes_under_verify_full(target: &Target) {
    nul_closes(target);
}

/// TLS 1.3: the client takes its handshake for done and speaks; it must still read the alert, not a reset.
fn d05_alert_is_read_behind_an_early_startup(target: &Target) {
    let identity = &target.pki().alice_expired;
    let reason = "certificate has expired";
    let detail = failed_at(
        0,
        reason,
        "/CN=alice",
        &identity.serial(),
        "/CN=Wire test client CA",
    );
    for _ in 0..20 {
        let mut client = target.connect();
        client.send(&wire::SSL_REQUEST);
        client.expect(b"S");
        let hello = client.begin_tls(&Tls::new().version(Version::Tls13).identity(identity));
        client.send_raw(&hello);
        client.finish_tls_with(&wire::startup_alice());
        client.expect_alert(CERTIFICATE_EXPIRED);
        target.expect_log(&client, [verify_failed(target, &detail)]);
    }
}
