//! Who may come in when the server goes by access rules: the same files for PostgreSQL and ours.

use super::cells::{ClientCertificate, Login};

/// Who has a certificate of his own; he is trusted, and maps know him.
pub(crate) const USER: &str = "alice";
/// Who else has one.
pub(crate) const OTHER_USER: &str = "bob";

/// The password of everybody who has one.
pub(crate) const PASSWORD: &str = "correct";
const WRONG_PASSWORD: &str = "wrong";

/// Those who have a password.
pub(crate) const WITH_PASSWORD: &[&str] = &["scram_user", "password_user", OTHER_USER];
/// Those who have none.
pub(crate) const WITHOUT_PASSWORD: &[&str] = &["cert_user", "rejected_user"];

/// `pg_hba.conf`.
pub(crate) const HBA: &str = "\
# TYPE  DATABASE  USER                     ADDRESS       METHOD
host    all       alice                    127.0.0.1/32  trust
host    all       scram_user,unknown_user  127.0.0.1/32  scram-sha-256
hostssl all       password_user            127.0.0.1/32  password
hostssl all       cert_user                127.0.0.1/32  cert map=certificates
hostssl all       bob                      127.0.0.1/32  scram-sha-256 clientcert=verify-full
host    all       rejected_user            127.0.0.1/32  reject
";

/// `pg_ident.conf`.
pub(crate) const IDENT: &str = "\
# MAPNAME     SYSTEM-USERNAME  PG-USERNAME
certificates  alice            cert_user
";

impl Login {
    /// As whom.
    pub(crate) const fn user(self) -> &'static str {
        match self {
            Self::Trust => USER,
            Self::Scram | Self::ScramBound | Self::ScramUnbound | Self::ScramWrong => "scram_user",
            Self::ScramUnknown => "unknown_user",
            Self::Password | Self::PasswordWrong => "password_user",
            Self::Cert => "cert_user",
            Self::ScramCert => OTHER_USER,
            Self::Reject => "rejected_user",
        }
    }

    /// With which password.
    pub(crate) const fn password(self) -> Option<&'static str> {
        match self {
            Self::Trust | Self::Cert | Self::Reject => None,
            Self::ScramWrong | Self::PasswordWrong => Some(WRONG_PASSWORD),
            Self::Scram
            | Self::ScramBound
            | Self::ScramUnbound
            | Self::ScramUnknown
            | Self::Password
            | Self::ScramCert => Some(PASSWORD),
        }
    }

    /// Whether the rule for the user is a `hostssl` one.
    pub(crate) const fn only_in_tls(self) -> bool {
        matches!(
            self,
            Self::Password | Self::PasswordWrong | Self::Cert | Self::ScramCert
        )
    }

    /// The name of the certificate that `gen_certs` wrote for it.
    pub(crate) const fn certificate_file(
        self,
        certificate: ClientCertificate,
    ) -> Option<&'static str> {
        let (own, other) = match self {
            Self::ScramCert => ("client-bob", "client-alice"),
            _ => ("client-alice", "client-bob"),
        };
        match certificate {
            ClientCertificate::None => None,
            ClientCertificate::Good => Some(own),
            ClientCertificate::OtherUser => Some(other),
            ClientCertificate::WrongCa => Some("bad-client-wrong-ca"),
            ClientCertificate::Expired => Some("bad-client-expired"),
            ClientCertificate::NotYetValid => Some("bad-client-not-yet-valid"),
        }
    }
}
