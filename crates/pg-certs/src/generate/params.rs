//! From a description to the parameters of a certificate.

use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, SerialNumber,
};

use super::error::GenerateError;
use super::extensions;
use super::host::Host;
use super::key_type::KeyType;
use super::spec::{CaSpec, ClientSpec, ServerSpec};
use super::validity::AUTHORITY_BACKDATING;
use crate::info::CertificateInfo;
use crate::provider::provider;

/// A server certificate: leaf, serverAuth, subject alternative names; key usage and dates are open.
pub(super) fn server(spec: &ServerSpec) -> Result<CertificateParams, GenerateError> {
    let hosts = Host::list(spec.names.iter().map(String::as_str))?;
    let Some(common_name) = spec.common_name.as_ref().or_else(|| spec.names.first()) else {
        return Err(GenerateError::BadHost {
            name: String::new(),
            reason: "a server certificate needs at least one",
        });
    };
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, checked(common_name)?);
    let mut params = leaf(subject, vec![ExtendedKeyUsagePurpose::ServerAuth])?;
    params.subject_alt_names = hosts
        .into_iter()
        .map(Host::into_san)
        .collect::<Result<_, _>>()?;
    if let Some(url) = &spec.ocsp_responder {
        params
            .custom_extensions
            .push(extensions::ocsp_responder(url)?);
    }
    if spec.must_staple {
        params.custom_extensions.push(extensions::must_staple());
    }
    Ok(params)
}

/// Subject of a client certificate: organization, unit, common name.
pub(super) fn client_subject(spec: &ClientSpec) -> Result<DistinguishedName, GenerateError> {
    let mut subject = DistinguishedName::new();
    if let Some(organization) = &spec.organization {
        subject.push(DnType::OrganizationName, checked(organization)?);
    }
    if let Some(unit) = &spec.organizational_unit {
        subject.push(DnType::OrganizationalUnitName, checked(unit)?);
    }
    subject.push(DnType::CommonName, checked(&spec.user)?);
    Ok(subject)
}

/// What all leaves have in common.
pub(super) fn leaf(
    subject: DistinguishedName,
    purposes: Vec<ExtendedKeyUsagePurpose>,
) -> Result<CertificateParams, GenerateError> {
    let mut params = common(subject)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.extended_key_usages = purposes;
    Ok(params)
}

/// The key usages of a leaf that an authority signs.
///
/// A self-signed leaf has none: it is its own issuer, and verifiers that find a key usage without
/// keyCertSign do not take it for one.
pub(super) fn leaf_key_usages(key_type: KeyType) -> Vec<KeyUsagePurpose> {
    match key_type.is_rsa() {
        true => vec![
            KeyUsagePurpose::DigitalSignature,
            KeyUsagePurpose::KeyEncipherment,
        ],
        false => vec![KeyUsagePurpose::DigitalSignature],
    }
}

/// An authority: a root, or an intermediate below `issuer` that may issue leaves only.
pub(super) fn authority(
    spec: &CaSpec,
    issuer: Option<&CertificateInfo>,
) -> Result<CertificateParams, GenerateError> {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, checked(&spec.common_name)?);
    let mut params = common(subject)?;
    params.is_ca = IsCa::Ca(match issuer {
        Some(_) => BasicConstraints::Constrained(0),
        None => BasicConstraints::Unconstrained,
    });
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let (not_before, not_after) =
        spec.validity
            .resolve(SystemTime::now(), AUTHORITY_BACKDATING, issuer)?;
    params.not_before = not_before;
    params.not_after = not_after;
    Ok(params)
}

fn common(subject: DistinguishedName) -> Result<CertificateParams, GenerateError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = subject;
    params.serial_number = Some(random_serial()?);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

/// 128 random bits, positive and never shorter (RFC 5280, section 4.1.2.2, allows 20 bytes).
fn random_serial() -> Result<SerialNumber, GenerateError> {
    let failed = || GenerateError::Crypto("no random numbers".into());
    let mut bytes = [0; 17];
    let provider = provider().ok_or_else(failed)?;
    provider
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| failed())?;
    let [first, ..] = &mut bytes;
    *first = 1;
    Ok(SerialNumber::from_slice(&bytes))
}

/// A name is data: any text that certificates can carry and PostgreSQL can compare.
fn checked(name: &str) -> Result<&str, GenerateError> {
    let reason = match name {
        "" => "it is empty",
        name if name.contains('\0') => "it contains a NUL character",
        name if name.chars().count() > COMMON_NAME_MAX => "it is longer than 64 characters",
        name => return Ok(name),
    };
    Err(GenerateError::BadCommonName {
        name: name.to_owned(),
        reason,
    })
}

/// `ub-common-name`, and the same for organization and unit (RFC 5280, appendix A.1).
const COMMON_NAME_MAX: usize = 64;
