//! What a certificate revocation list (CRL) says: of whom, from when to when, and what is revoked.

use std::time::{Duration, SystemTime};

use rustls_pki_types::{CertificateRevocationListDer, UnixTime};
use webpki::BorrowedCertRevocationList;
use x509_parser::prelude::FromDer;
use x509_parser::time::ASN1Time;

use super::{CertificateInfo, DistinguishedName, decimal, system_time, text};
use crate::der::{self, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};

/// A certificate revocation list that rustls' verifier can use, read once. Cheap to hold: the bytes
/// and a few facts.
///
/// Nothing here is verified: the signature is checked when a chain is (RFC 5280, section 6.3).
///
/// ```
/// # #[cfg(feature = "generate")] {
/// use pg_certs::CertificateAuthority;
/// use pg_certs::generate::{CaSpec, ClientSpec, CrlSpec};
/// use pg_certs::info::RevocationReason;
///
/// let ca = CertificateAuthority::create(&CaSpec::new("Example CA")).unwrap();
/// let alice = ca.issue_client(&ClientSpec::new("alice")).unwrap();
/// let spec = CrlSpec::new().revoke(alice.info(), RevocationReason::KeyCompromise);
/// let list = ca.sign_crl(&spec).unwrap();
/// assert_eq!(list.issuer().rfc2253(), "CN=Example CA");
/// assert_eq!(list.number().as_deref(), Some("1"));
/// assert_eq!(list.revoked()[0].serial(), alice.info().serial());
/// # }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevocationList {
    der: CertificateRevocationListDer<'static>,
    header: Header,
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Header {
    issuer: DistinguishedName,
    this_update: ASN1Time,
    next_update: ASN1Time,
    number: Option<Vec<u8>>,
    authority_key: Option<Vec<u8>>,
    distribution_point: Option<Vec<u8>>,
}

impl RevocationList {
    /// Reads the DER of a list.
    ///
    /// # Errors
    ///
    /// [`RevocationListError`]: the bytes are not one list, or it has a feature that rustls' verifier
    /// does not support, so that nothing could be verified with it.
    pub fn from_der(der: &[u8]) -> Result<Self, RevocationListError> {
        // Asked first, because the verifier calls a list of version 1 damaged.
        let header = Header::read(der)?;
        let list =
            BorrowedCertRevocationList::from_der(der).map_err(|error| from_webpki(&error))?;
        for entry in &list {
            entry.map_err(|error| from_webpki(&error))?;
        }
        Ok(Self {
            der: der.to_vec().into(),
            header,
        })
    }

    /// The list itself.
    pub fn der(&self) -> &CertificateRevocationListDer<'static> {
        &self.der
    }

    /// The authority whose certificates it is about, and that signed it.
    pub fn issuer(&self) -> &DistinguishedName {
        &self.header.issuer
    }

    /// Its number in decimal (RFC 5280, section 5.2.3), if it has one.
    pub fn number(&self) -> Option<String> {
        self.header.number.as_deref().map(decimal)
    }

    /// When it was issued.
    pub fn this_update(&self) -> SystemTime {
        system_time(self.header.this_update)
    }

    /// When it expires: from then on it counts as absent, and the clients it is about are refused.
    pub fn next_update(&self) -> SystemTime {
        system_time(self.header.next_update)
    }

    /// [`this_update`](Self::this_update) as text: `2026-11-25 03:26:14 UTC`.
    pub fn this_update_text(&self) -> String {
        text(self.header.this_update)
    }

    /// [`next_update`](Self::next_update) as text: `2026-12-25 03:26:14 UTC`.
    pub fn next_update_text(&self) -> String {
        text(self.header.next_update)
    }

    /// The key identifier of the authority's key that signed it (RFC 5280, section 5.2.1), if the list
    /// says so. Two authorities of one name, or the old and the new key of one, differ in it.
    pub fn authority_key_id(&self) -> Option<&[u8]> {
        self.header.authority_key.as_deref()
    }

    /// The DER of its issuing distribution point (RFC 5280, section 5.2.5): which part of the
    /// authority's certificates it is about; `None` if all.
    pub fn distribution_point(&self) -> Option<&[u8]> {
        self.header.distribution_point.as_deref()
    }

    /// What is revoked, in the order of the list. Reads the list again.
    pub fn revoked(&self) -> Vec<RevokedCertificate> {
        let Ok(list) = BorrowedCertRevocationList::from_der(&self.der) else {
            return Vec::new();
        };
        list.into_iter()
            .filter_map(|entry| entry.ok())
            .map(|entry| RevokedCertificate {
                serial: entry.serial_number.to_vec(),
                revoked_at: from_unix(entry.revocation_date),
                reason: entry.reason_code.map(RevocationReason::from_webpki),
                invalid_since: entry.invalidity_date.map(from_unix),
            })
            .collect()
    }

    /// The bytes of its number, big-endian.
    #[cfg(feature = "generate")]
    pub(crate) fn number_bytes(&self) -> Option<&[u8]> {
        self.header.number.as_deref()
    }

    /// The list as PEM (`X509 CRL`), as files hold it.
    #[cfg(feature = "generate")]
    pub fn pem(&self) -> String {
        crate::pem::encode_revocation_list(&self.der)
    }
}

impl Header {
    /// `TBSCertList ::= SEQUENCE { version, signature, issuer, thisUpdate, nextUpdate, … }` (RFC 5280,
    /// section 5.1).
    fn read(der: &[u8]) -> Result<Self, RevocationListError> {
        let damaged = || RevocationListError::Damaged {
            reason: "it is no CertificateList of RFC 5280".to_owned(),
        };
        let parts = || {
            let (tbs, _) = der::expect(SEQUENCE, der::whole(SEQUENCE, der)?)?;
            let (version, rest) = match der::expect(INTEGER, tbs) {
                Some((version, rest)) => (Some(version), rest),
                None => (None, tbs),
            };
            let (_algorithm, rest) = der::expect(SEQUENCE, rest)?;
            let (issuer, rest) = der::split(rest)?;
            let (rest, this_update) = ASN1Time::from_der(rest).ok()?;
            Some((
                version,
                DistinguishedName::from_der(issuer)?,
                this_update,
                rest,
            ))
        };
        let (version, issuer, this_update, rest) = parts().ok_or_else(damaged)?;
        if version != Some(&[1]) {
            return Err(RevocationListError::Unsupported(Unsupported::Version1));
        }
        if matches!(rest.first(), None | Some(&SEQUENCE | &EXTENSIONS)) {
            return Err(RevocationListError::Unsupported(Unsupported::NoNextUpdate));
        }
        let (rest, next_update) = ASN1Time::from_der(rest).map_err(|_| damaged())?;
        let mut header = Self {
            issuer,
            this_update,
            next_update,
            number: None,
            authority_key: None,
            distribution_point: None,
        };
        let rest = der::expect(SEQUENCE, rest).map_or(rest, |(_revoked, rest)| rest);
        header.read_extensions(rest).ok_or_else(damaged)?;
        Ok(header)
    }

    /// `[0] EXPLICIT SEQUENCE OF SEQUENCE { id, critical BOOLEAN OPTIONAL, OCTET STRING }`.
    fn read_extensions(&mut self, rest: &[u8]) -> Option<()> {
        if rest.is_empty() {
            return Some(());
        }
        let mut rest = der::whole(SEQUENCE, der::whole(EXTENSIONS, rest)?)?;
        while !rest.is_empty() {
            let (extension, behind) = der::expect(SEQUENCE, rest)?;
            let (id, value) = der::expect(OBJECT_IDENTIFIER, extension)?;
            let value = der::expect(BOOLEAN, value).map_or(value, |(_critical, value)| value);
            let value = der::whole(OCTET_STRING, value)?;
            match id {
                CRL_NUMBER => self.number = Some(der::whole(INTEGER, value)?.to_vec()),
                ISSUING_DISTRIBUTION_POINT => self.distribution_point = Some(value.to_vec()),
                AUTHORITY_KEY_IDENTIFIER => {
                    self.authority_key = der::expect(KEY_IDENTIFIER, der::whole(SEQUENCE, value)?)
                        .map(|(key, _)| key.to_vec());
                }
                _ => {}
            }
            rest = behind;
        }
        Some(())
    }
}

/// One certificate on a revocation list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RevokedCertificate {
    pub(crate) serial: Vec<u8>,
    pub(crate) revoked_at: SystemTime,
    pub(crate) reason: Option<RevocationReason>,
    pub(crate) invalid_since: Option<SystemTime>,
}

impl RevokedCertificate {
    /// The serial number in decimal, as [`CertificateInfo::serial`] has it.
    pub fn serial(&self) -> String {
        decimal(&self.serial)
    }

    /// The serial number as it is encoded: two's complement, big-endian.
    pub fn serial_bytes(&self) -> &[u8] {
        &self.serial
    }

    /// Whether it is about this certificate, which must be of the authority that issued the list.
    pub fn is(&self, certificate: &CertificateInfo) -> bool {
        self.serial == certificate.serial_bytes()
    }

    /// When the authority revoked it.
    pub fn revoked_at(&self) -> SystemTime {
        self.revoked_at
    }

    /// Why, if the list says so.
    pub fn reason(&self) -> Option<RevocationReason> {
        self.reason
    }

    /// Since when its key has been or may have been in other hands, if the list says so.
    pub fn invalid_since(&self) -> Option<SystemTime> {
        self.invalid_since
    }
}

/// Makes the enum of reasons with its names, so that both are written once.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident $name:literal,)+) => {
        /// Why a certificate was revoked (RFC 5280, section 5.3.1); printed and read by its name there.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum RevocationReason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl RevocationReason {
            /// All reasons.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name in RFC 5280, such as `keyCompromise`.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            fn from_webpki(reason: webpki::RevocationReason) -> Self {
                match reason {
                    $(webpki::RevocationReason::$variant => Self::$variant,)+
                }
            }

            #[cfg(feature = "generate")]
            pub(crate) fn to_rcgen(self) -> rcgen::RevocationReason {
                match self {
                    $(Self::$variant => rcgen::RevocationReason::$variant,)+
                }
            }
        }
    };
}

reasons! {
    /// No reason is given.
    Unspecified "unspecified",
    /// The private key is or may be in other hands.
    KeyCompromise "keyCompromise",
    /// The authority's private key is or may be in other hands.
    CaCompromise "cACompromise",
    /// The names in the certificate are no longer right.
    AffiliationChanged "affiliationChanged",
    /// Another certificate took its place.
    Superseded "superseded",
    /// It is no longer needed.
    CessationOfOperation "cessationOfOperation",
    /// Suspended; may become valid again.
    CertificateHold "certificateHold",
    /// Valid again; occurs only in lists of changes, which are not supported.
    RemoveFromCrl "removeFromCRL",
    /// Its holder lost a right that it states.
    PrivilegeWithdrawn "privilegeWithdrawn",
    /// The key of an attribute authority is or may be in other hands.
    AaCompromise "aACompromise",
}

impl std::fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for RevocationReason {
    type Err = UnknownRevocationReason;

    fn from_str(text: &str) -> Result<Self, UnknownRevocationReason> {
        Self::ALL
            .iter()
            .copied()
            .find(|reason| reason.as_str() == text)
            .ok_or_else(|| UnknownRevocationReason(text.to_owned()))
    }
}

/// A text that names no [`RevocationReason`].
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "unknown reason \"{}\"; there are {}",
    .0.escape_debug(),
    RevocationReason::ALL.iter().map(|reason| reason.as_str()).collect::<Vec<_>>().join(", ")
)]
pub struct UnknownRevocationReason(String);

/// Why bytes are not a usable revocation list. Whoever issued it is at fault.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum RevocationListError {
    /// Not the DER of a list, or one that breaks the rules of RFC 5280.
    #[error("{reason}")]
    Damaged {
        /// What the parser says.
        reason: String,
    },
    /// A list that rustls' verifier cannot use.
    #[error("{0}, which this server cannot use")]
    Unsupported(Unsupported),
}

/// What keeps rustls' verifier from using a revocation list.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unsupported {
    /// Version 1, without extensions, as `openssl ca -gencrl` makes it by default.
    #[error("it is a list of version 1, without a number")]
    Version1,
    /// It does not say when it expires.
    #[error("it does not say when the next list comes (nextUpdate)")]
    NoNextUpdate,
    /// It lists only what changed since another list.
    #[error("it is a delta list")]
    Delta,
    /// It is about certificates of other authorities too.
    #[error("it is an indirect list, about certificates of several authorities")]
    Indirect,
    /// It is about some certificates or reasons only, in a way that the verifier does not know.
    #[error("it covers only some certificates or reasons")]
    Partial,
    /// An extension that must be understood and is not.
    #[error("it has a critical extension that is not known here")]
    CriticalExtension,
}

fn from_webpki(error: &webpki::Error) -> RevocationListError {
    use webpki::Error;
    let unsupported = match error {
        Error::UnsupportedDeltaCrl => Unsupported::Delta,
        Error::UnsupportedIndirectCrl => Unsupported::Indirect,
        Error::UnsupportedCrlIssuingDistributionPoint
        | Error::UnsupportedRevocationReasonsPartitioning
        | Error::UnsupportedRevocationReason => Unsupported::Partial,
        Error::UnsupportedCriticalExtension => Unsupported::CriticalExtension,
        other => {
            return RevocationListError::Damaged {
                reason: other.to_string(),
            };
        }
    };
    RevocationListError::Unsupported(unsupported)
}

fn from_unix(time: UnixTime) -> SystemTime {
    SystemTime::UNIX_EPOCH
        .checked_add(Duration::from_secs(time.as_secs()))
        .unwrap_or(SystemTime::UNIX_EPOCH)
}

const BOOLEAN: u8 = 0x01;
const EXTENSIONS: u8 = 0xa0;
const KEY_IDENTIFIER: u8 = 0x80;
const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 0x14];
const ISSUING_DISTRIBUTION_POINT: &[u8] = &[0x55, 0x1d, 0x1c];
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x23];
