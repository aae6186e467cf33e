//! Whether a key belongs to a certificate.

use rustls::sign::CertifiedKey;
use rustls::{Error, InconsistentKeys};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::provider::provider;

/// The answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum KeyMatch {
    Same,
    Different,
    /// Nobody can tell; this is never taken for a yes.
    Unknown(String),
}

/// Compares the public key in the certificate with the one of the private key.
pub(crate) fn key_match(
    certificate: &CertificateDer<'static>,
    key: &PrivateKeyDer<'static>,
) -> KeyMatch {
    let Some(provider) = provider() else {
        return KeyMatch::Unknown(
            "this build has no cryptography; enable aws-lc-rs or ring".to_owned(),
        );
    };
    let signing_key = match provider.key_provider.load_private_key(key.clone_key()) {
        Ok(key) => key,
        Err(error) => return KeyMatch::Unknown(error.to_string()),
    };
    match CertifiedKey::new(vec![certificate.clone()], signing_key).keys_match() {
        Ok(()) => KeyMatch::Same,
        Err(Error::InconsistentKeys(InconsistentKeys::KeyMismatch)) => KeyMatch::Different,
        Err(error) => KeyMatch::Unknown(error.to_string()),
    }
}
