//! What only shows when several settings are looked at together.

use super::error::{Problem, SettingsError};
use super::load::Loaded;

/// Contradictions between settings that are each right by themselves.
pub(super) fn contradictions(loaded: &Loaded) -> Vec<Problem> {
    let settings = loaded.values();
    let mut found = Vec::new();
    let mut report = |name: &'static str, others: &[&'static str], error: SettingsError| {
        // A value that was refused has been reported and may have been the missing piece.
        if !others.iter().any(|other| loaded.is_unsound(other)) && !loaded.is_unsound(name) {
            found.push(Problem {
                origin: loaded.origin(name),
                error,
            });
        }
    };

    let pair = ["ssl_cert_file", "ssl_key_file"];
    let given = [
        settings.ssl_cert_file.is_some(),
        settings.ssl_key_file.is_some(),
    ];
    if let ([name, missing], [true, false]) | ([missing, name], [false, true]) = (pair, given) {
        report(
            name,
            &[missing],
            SettingsError::MissingPartner { name, missing },
        );
    }
    let needed = [
        (
            "ssl_auto_renew_ca_cert_file",
            settings.ssl_auto_renew_ca_cert_file.is_none(),
        ),
        (
            "ssl_auto_renew_ca_key_file",
            settings.ssl_auto_renew_ca_key_file.is_none(),
        ),
        ("ssl_cert_file", settings.ssl_cert_file.is_none()),
    ];
    let renews = !settings.ssl_auto_renew.is_zero();
    for (missing, _) in needed.into_iter().filter(|(_, absent)| renews && *absent) {
        let name = "ssl_auto_renew";
        let error = SettingsError::MissingPartner { name, missing };
        report(name, &[missing], error);
    }
    if settings.ssl_sni && settings.hosts_file.is_none() {
        report("ssl_sni", &["hosts_file"], SettingsError::NoHostsFile);
    }
    let mode = settings.ssl_mode;
    // With hosts, each has an authority of its own, or none.
    if mode.requires_client_verification() && settings.ssl_ca_file.is_none() && !settings.ssl_sni {
        report(
            "ssl_mode",
            &["ssl_ca_file"],
            SettingsError::NoCertificateAuthority { mode },
        );
    }
    if let Some(max) = settings.ssl_max_protocol_version {
        let min = settings.ssl_min_protocol_version;
        if min > max {
            let error = SettingsError::VersionRange { min, max };
            report(
                "ssl_min_protocol_version",
                &["ssl_max_protocol_version"],
                error,
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::settings::{flags, load};

    #[track_caller]
    fn check(arguments: &[&str], expected: &[&str]) {
        let command = clap::Command::new("test").args(flags::args());
        let flags = command.get_matches_from(["test"].iter().chain(arguments));
        let loaded = load(&flags, []).unwrap();
        let problems = loaded.settings().err().map_or_else(Vec::new, |problems| {
            problems
                .0
                .iter()
                .map(|problem| format!("{}: {}", problem.origin, problem.error))
                .collect()
        });
        assert_eq!(problems, expected);
    }

    #[test]
    fn certificate_and_key_come_in_pairs() {
        check(&["--ssl-cert-file=a", "--ssl-key-file=b"], &[]);
        check(
            &["--ssl-cert-file=a"],
            &["--ssl-cert-file: \"ssl_cert_file\" is set, but \"ssl_key_file\" is not"],
        );
        check(
            &["--ssl-key-file=a"],
            &["--ssl-key-file: \"ssl_key_file\" is set, but \"ssl_cert_file\" is not"],
        );
    }

    #[test]
    fn renewal_needs_an_authority_and_a_certificate() {
        let files = [
            "--ssl-cert-file=a",
            "--ssl-key-file=b",
            "--ssl-auto-renew-ca-cert-file=c",
            "--ssl-auto-renew-ca-key-file=d",
        ];
        check(&[&files[..], &["--ssl-auto-renew=30d"]].concat(), &[]);
        check(&files, &[]);
        let missing = |name: &str| {
            format!("--ssl-auto-renew: \"ssl_auto_renew\" is set, but \"{name}\" is not")
        };
        let expected = [
            "ssl_auto_renew_ca_cert_file",
            "ssl_auto_renew_ca_key_file",
            "ssl_cert_file",
        ]
        .map(missing);
        check(
            &["--ssl-auto-renew=30d"],
            &expected.each_ref().map(String::as_str),
        );
    }

    #[test]
    fn verifying_clients_needs_an_authority() {
        check(&["--ssl-mode=verify-ca", "--ssl-ca-file=ca"], &[]);
        check(
            &["--ssl-mode=verify-full"],
            &["--ssl-mode: \"ssl_mode\" setting \"verify-full\" requires \"ssl_ca_file\""],
        );
    }

    #[test]
    fn names_need_a_file_and_may_have_their_own_authorities() {
        check(
            &["--ssl-sni=on"],
            &["--ssl-sni: \"ssl_sni\" is on, but \"hosts_file\" is not set"],
        );
        check(&["--hosts-file=hosts"], &[]);
        let modes = ["--ssl-mode=verify-ca", "--ssl-sni=on", "--hosts-file=hosts"];
        check(&modes, &[]);
    }

    #[test]
    fn versions_are_in_order() {
        check(
            &[
                "--ssl-min-protocol-version=TLSv1.3",
                "--ssl-max-protocol-version=TLSv1.3",
            ],
            &[],
        );
        check(
            &[
                "--ssl-min-protocol-version=TLSv1.3",
                "--ssl-max-protocol-version=TLSv1.2",
            ],
            &[
                "--ssl-min-protocol-version: \"ssl_min_protocol_version\" cannot be higher than \
               \"ssl_max_protocol_version\"",
            ],
        );
    }

    #[test]
    fn a_refused_value_is_not_missed_as_well() {
        check(
            &[
                "--ssl-min-protocol-version=TLSv1.3",
                "--ssl-max-protocol-version=TLSv1.1",
            ],
            &[
                "--ssl-max-protocol-version: \"ssl_max_protocol_version\" setting \"TLSv1.1\" not \
               supported by this build",
            ],
        );
    }
}
