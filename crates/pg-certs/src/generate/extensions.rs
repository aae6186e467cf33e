//! Extensions that the generator has no words for.

use rcgen::CustomExtension;

use super::error::GenerateError;
use crate::der;
use crate::info::{ID_AD_OCSP, STATUS_REQUEST};

/// An authorityInfoAccess with one `id-ad-ocsp` (RFC 5280 section 4.2.2.1).
pub(super) fn ocsp_responder(url: &str) -> Result<CustomExtension, GenerateError> {
    let bad = |reason| GenerateError::BadUrl {
        url: url.to_owned(),
        reason,
    };
    if !url.starts_with("http://") {
        return Err(bad("it does not begin with http://"));
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad("it has characters that no URL has"));
    }
    let mut description = Vec::new();
    der::write(der::OBJECT_IDENTIFIER, ID_AD_OCSP, &mut description);
    der::write(
        UNIFORM_RESOURCE_IDENTIFIER,
        url.as_bytes(),
        &mut description,
    );
    let (mut access, mut content) = (Vec::new(), Vec::new());
    der::write(der::SEQUENCE, &description, &mut access);
    der::write(der::SEQUENCE, &access, &mut content);
    Ok(CustomExtension::from_oid_content(
        AUTHORITY_INFO_ACCESS,
        content,
    ))
}

/// A TLS feature extension that names `status_request` (RFC 7633 section 4.1).
pub(super) fn must_staple() -> CustomExtension {
    let (mut feature, mut content) = (Vec::new(), Vec::new());
    der::write(der::INTEGER, &[STATUS_REQUEST], &mut feature);
    der::write(der::SEQUENCE, &feature, &mut content);
    CustomExtension::from_oid_content(TLS_FEATURE, content)
}

/// `id-pe-authorityInfoAccess`.
const AUTHORITY_INFO_ACCESS: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 1];
/// The choice of a GeneralName.
const UNIFORM_RESOURCE_IDENTIFIER: u8 = 0x86;
/// `id-pe-tlsfeature`.
const TLS_FEATURE: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 1, 24];
