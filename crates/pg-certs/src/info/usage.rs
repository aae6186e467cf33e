//! Extended key usages.

use std::fmt;

use x509_parser::extensions::ExtendedKeyUsage;

/// A purpose named by the extended key usage extension.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyPurpose {
    /// `anyExtendedKeyUsage`.
    Any,
    /// TLS client authentication.
    ClientAuth,
    /// Code signing.
    CodeSigning,
    /// Mail protection.
    EmailProtection,
    /// Signing OCSP responses.
    OcspSigning,
    /// Another purpose, as a dotted object identifier.
    Other(String),
    /// TLS server authentication.
    ServerAuth,
    /// Time stamping.
    TimeStamping,
}

impl KeyPurpose {
    pub(super) fn list(usage: &ExtendedKeyUsage<'_>) -> Vec<Self> {
        let named = [
            (usage.any, Self::Any),
            (usage.server_auth, Self::ServerAuth),
            (usage.client_auth, Self::ClientAuth),
            (usage.code_signing, Self::CodeSigning),
            (usage.email_protection, Self::EmailProtection),
            (usage.time_stamping, Self::TimeStamping),
            (usage.ocsp_signing, Self::OcspSigning),
        ];
        let named = named
            .into_iter()
            .filter_map(|(set, purpose)| set.then_some(purpose));
        named
            .chain(
                usage
                    .other
                    .iter()
                    .map(|oid| Self::Other(oid.to_id_string())),
            )
            .collect()
    }
}

/// The name in RFC 5280 (`serverAuth`), or the dotted object identifier.
impl fmt::Display for KeyPurpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "anyExtendedKeyUsage",
            Self::ClientAuth => "clientAuth",
            Self::CodeSigning => "codeSigning",
            Self::EmailProtection => "emailProtection",
            Self::OcspSigning => "OCSPSigning",
            Self::Other(oid) => oid,
            Self::ServerAuth => "serverAuth",
            Self::TimeStamping => "timeStamping",
        })
    }
}
