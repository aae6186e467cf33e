//! The cryptography this crate was built with.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

/// The provider of the enabled feature; aws-lc-rs if both are, `None` if neither is.
pub(crate) fn provider() -> Option<Arc<CryptoProvider>> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    return None;
}

/// Every group for key exchange that the cryptography knows, those that it does not offer by itself too.
#[cfg(feature = "probe")]
pub(crate) fn every_group() -> &'static [&'static dyn rustls::crypto::SupportedKxGroup] {
    #[cfg(feature = "aws-lc-rs")]
    return rustls::crypto::aws_lc_rs::ALL_KX_GROUPS;
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return rustls::crypto::ring::ALL_KX_GROUPS;
    #[cfg(not(any(feature = "aws-lc-rs", feature = "ring")))]
    return &[];
}
