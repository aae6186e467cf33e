//! From an old certificate to the parameters of one that says the same.

use rcgen::string::{BmpString, Ia5String, PrintableString, TeletexString, UniversalString};
use rcgen::{
    CertificateParams, DistinguishedName, DnType, DnValue, ExtendedKeyUsagePurpose, SanType,
};

use crate::der;
use crate::generate::{extensions, params};
use crate::info::{Attribute, CertificateInfo, KeyPurpose, SubjectAltName};

/// The parameters of the certificate, or what of it cannot be repeated.
pub(super) fn repeated(info: &CertificateInfo) -> Result<CertificateParams, String> {
    let names = info.subject_alt_names().iter().map(|name| {
        alternative_name(name).ok_or_else(|| format!("its alternative name \"{name}\""))
    });
    let purposes = info.extended_key_usage().unwrap_or_default();
    let purposes = purposes
        .iter()
        .map(|purpose| use_of(purpose).ok_or_else(|| format!("its purpose \"{purpose}\"")));
    let mut params = params::leaf(
        subject(info).ok_or("its subject")?,
        purposes.collect::<Result<_, String>>()?,
    )
    .map_err(|error| error.to_string())?;
    params.subject_alt_names = names.collect::<Result<_, String>>()?;
    params.custom_extensions = match info.ocsp_responders() {
        [] => Vec::new(),
        [url] => vec![extensions::ocsp_responder(url).map_err(|error| error.to_string())?],
        _ => return Err("more than one OCSP responder".to_owned()),
    };
    if info.must_staple() {
        params.custom_extensions.push(extensions::must_staple());
    }
    Ok(params)
}

fn subject(info: &CertificateInfo) -> Option<DistinguishedName> {
    let mut name = DistinguishedName::new();
    for attribute in info.subject().single_attributes()? {
        name.push(DnType::from_oid(&arcs(attribute.oid())?), value(attribute)?);
    }
    Some(name)
}

fn arcs(oid: &[u8]) -> Option<Vec<u64>> {
    der::dotted(oid)?
        .split('.')
        .map(|arc| arc.parse().ok())
        .collect()
}

/// The value in the string type that it had.
fn value(attribute: &Attribute) -> Option<DnValue> {
    let bytes = attribute.value();
    let text = || std::str::from_utf8(bytes).ok();
    Some(match attribute.tag() {
        12 => DnValue::Utf8String(text()?.to_owned()),
        19 => DnValue::PrintableString(PrintableString::try_from(text()?).ok()?),
        20 => DnValue::TeletexString(TeletexString::try_from(text()?).ok()?),
        22 => DnValue::Ia5String(Ia5String::try_from(text()?).ok()?),
        28 => DnValue::UniversalString(UniversalString::from_utf32be(bytes.to_vec()).ok()?),
        30 => DnValue::BmpString(BmpString::from_utf16be(bytes.to_vec()).ok()?),
        _ => return None,
    })
}

fn alternative_name(name: &SubjectAltName) -> Option<SanType> {
    let ascii = |text: &String| Ia5String::try_from(text.as_str()).ok();
    Some(match name {
        SubjectAltName::Dns(name) => SanType::DnsName(ascii(name)?),
        SubjectAltName::Email(address) => SanType::Rfc822Name(ascii(address)?),
        SubjectAltName::Ip(address) => SanType::IpAddress(*address),
        SubjectAltName::Uri(uri) => SanType::URI(ascii(uri)?),
        SubjectAltName::Directory(_) | SubjectAltName::Other => return None,
    })
}

fn use_of(purpose: &KeyPurpose) -> Option<ExtendedKeyUsagePurpose> {
    Some(match purpose {
        KeyPurpose::Any => ExtendedKeyUsagePurpose::Any,
        KeyPurpose::ClientAuth => ExtendedKeyUsagePurpose::ClientAuth,
        KeyPurpose::CodeSigning => ExtendedKeyUsagePurpose::CodeSigning,
        KeyPurpose::EmailProtection => ExtendedKeyUsagePurpose::EmailProtection,
        KeyPurpose::OcspSigning => ExtendedKeyUsagePurpose::OcspSigning,
        KeyPurpose::Other(oid) => ExtendedKeyUsagePurpose::Other(
            oid.split('.')
                .map(str::parse)
                .collect::<Result<_, _>>()
                .ok()?,
        ),
        KeyPurpose::ServerAuth => ExtendedKeyUsagePurpose::ServerAuth,
        KeyPurpose::TimeStamping => ExtendedKeyUsagePurpose::TimeStamping,
    })
}
