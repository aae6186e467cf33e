//! Distinguished names in the two spellings of PostgreSQL, and the common name.

mod short_names;

use std::fmt;

use self::short_names::short_name;
use crate::der::{self, OBJECT_IDENTIFIER, SEQUENCE};

/// A distinguished name, as it stands in the certificate.
///
/// Two spellings, both byte for byte what PostgreSQL prints with OpenSSL (spec sections 4.4 and 7.3).
/// Neither can contain a NUL or another control character: both spell those as `\XX`.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub struct DistinguishedName {
    rdns: Vec<Vec<Attribute>>,
}

/// One `type=value` of a name.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Attribute {
    oid: Vec<u8>,
    tag: u8,
    value: Vec<u8>,
}

impl DistinguishedName {
    /// Reads the DER of a `Name` (RFC 5280, section 4.1.2.4).
    pub(crate) fn from_der(name: &[u8]) -> Option<Self> {
        let mut rest = der::whole(SEQUENCE, name)?;
        let mut rdns = Vec::new();
        while !rest.is_empty() {
            let (mut set, behind) = der::expect(SET, rest)?;
            let mut rdn = Vec::new();
            while !set.is_empty() {
                let (attribute, next) = der::expect(SEQUENCE, set)?;
                let (oid, value) = der::expect(OBJECT_IDENTIFIER, attribute)?;
                let (value, _) = der::read(value)?;
                rdn.push(Attribute {
                    oid: oid.to_vec(),
                    tag: value.tag,
                    value: value.content.to_vec(),
                });
                set = next;
            }
            rdns.push(rdn);
            rest = behind;
        }
        Some(Self { rdns })
    }

    /// The attributes in order, or `None` if several share an RDN.
    #[cfg(feature = "generate")]
    pub(crate) fn single_attributes(&self) -> Option<Vec<&Attribute>> {
        self.rdns
            .iter()
            .map(|rdn| match rdn.as_slice() {
                [only] => Some(only),
                _ => None,
            })
            .collect()
    }

    /// Whether the name has no attribute at all.
    pub fn is_empty(&self) -> bool {
        self.rdns.iter().all(Vec::is_empty)
    }

    /// The RFC 2253 text: last attribute first, `CN=bob,OU=Unit,O=Org`.
    ///
    /// What `X509_NAME_print_ex` prints with `XN_FLAG_RFC2253`: attributes of one RDN are joined with
    /// `+`; `, + " \ < > ;`, a leading `#` or space and a trailing space are escaped with a backslash,
    /// control characters and all bytes above 0x7f of the UTF-8 form with `\XX`; attributes that
    /// OpenSSL has no name for appear as `1.2.3.4=#…` with the DER of the value in hexadecimal.
    /// This is the form of `clientname=DN`, of identity maps and of the logged identity.
    pub fn rfc2253(&self) -> String {
        let mut text = String::new();
        for rdn in self.rdns.iter().rev() {
            if !text.is_empty() {
                text.push(',');
            }
            for (index, attribute) in rdn.iter().rev().enumerate() {
                if index > 0 {
                    text.push('+');
                }
                attribute.print(HighBytes::Escaped, &mut text);
            }
        }
        text
    }

    /// The slash form in certificate order: `/O=Org/OU=Unit/CN=bob`.
    ///
    /// What PostgreSQL's `X509_NAME_to_cstring` prints, used by `pg_stat_ssl` (which cuts it at 63
    /// bytes) and sslinfo: escapes as in [`rfc2253`](Self::rfc2253) but UTF-8 stays as it is, and an
    /// RDN of several attributes is not told apart from several RDNs. Where PostgreSQL raises an error
    /// because OpenSSL has no name for an attribute, this prints it as `rfc2253` does.
    pub fn slash(&self) -> String {
        let mut text = String::new();
        for attribute in self.rdns.iter().flatten() {
            text.push('/');
            attribute.print(HighBytes::Kept, &mut text);
        }
        text
    }

    /// The first commonName in encoding order, which is the user name that PostgreSQL's `cert` method
    /// and `clientcert=verify-full` compare; `None` if there is none or the first one is empty.
    ///
    /// The value is what PostgreSQL compares: the bytes of the string as they stand, not converted.
    /// Source: `be_tls_open_server` in PostgreSQL's `be-secure-openssl.c`; spec section 4.4.
    ///
    /// # Errors
    ///
    /// [`CommonNameError`]: the value cannot be compared with a user name safely.
    pub fn common_name(&self) -> Result<Option<&str>, CommonNameError> {
        let mut attributes = self.rdns.iter().flatten();
        let Some(first) = attributes.find(|attribute| attribute.oid == OID_COMMON_NAME) else {
            return Ok(None);
        };
        if first.value.contains(&0) {
            return Err(CommonNameError::EmbeddedNull);
        }
        if matches!(first.tag, BMP_STRING | UNIVERSAL_STRING) {
            return Err(CommonNameError::NotText);
        }
        match std::str::from_utf8(&first.value) {
            Ok("") => Ok(None),
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(CommonNameError::NotText),
        }
    }
}

/// The RFC 2253 text.
impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc2253())
    }
}

/// Why a common name is no user name. The issuer of the certificate is at fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum CommonNameError {
    /// A NUL byte in it: `alice\0.evil.example` must not pass for `alice`. PostgreSQL's text.
    /// Also every Latin name in a BMPString or UniversalString, as in PostgreSQL, which looks at the
    /// bytes as they stand.
    #[error("SSL certificate's common name contains embedded null")]
    EmbeddedNull,
    /// Not UTF-8 as it stands, so it equals no user name.
    #[error("SSL certificate's common name is not UTF-8 text")]
    NotText,
}

/// What happens to bytes above 0x7f.
#[derive(Clone, Copy, PartialEq)]
enum HighBytes {
    Escaped,
    Kept,
}

#[cfg(feature = "generate")]
impl Attribute {
    /// The content of its object identifier.
    pub(crate) fn oid(&self) -> &[u8] {
        &self.oid
    }

    /// The ASN.1 tag of its value.
    pub(crate) const fn tag(&self) -> u8 {
        self.tag
    }

    /// The content of its value.
    pub(crate) fn value(&self) -> &[u8] {
        &self.value
    }
}

impl Attribute {
    fn print(&self, high: HighBytes, text: &mut String) {
        let Some(name) = short_name(&self.oid) else {
            text.push_str(&der::dotted(&self.oid).unwrap_or_else(|| "UNDEF".to_owned()));
            text.push('=');
            return self.dump(text);
        };
        text.push_str(name);
        text.push('=');
        match self.utf8() {
            Some(value) => escape(&value, high, text),
            None => self.dump(text),
        }
    }

    /// The value as UTF-8 bytes (not checked where it is declared as UTF-8, as in OpenSSL), or `None`
    /// for a type that is no character string. The types are those of OpenSSL's `tag2nbyte`.
    fn utf8(&self) -> Option<Vec<u8>> {
        match self.tag {
            UTF8_STRING => Some(self.value.clone()),
            NUMERIC_STRING | PRINTABLE_STRING | T61_STRING | IA5_STRING | UTC_TIME
            | GENERALIZED_TIME | VISIBLE_STRING => Some(
                self.value
                    .iter()
                    .copied()
                    .map(char::from)
                    .collect::<String>()
                    .into_bytes(),
            ),
            BMP_STRING => wide(&self.value, 2),
            UNIVERSAL_STRING => wide(&self.value, 4),
            _ => None,
        }
    }

    /// `#` and the DER of the value in hexadecimal.
    fn dump(&self, text: &mut String) {
        let mut encoded = Vec::with_capacity(self.value.len() + 6);
        der::write(self.tag, &self.value, &mut encoded);
        text.push('#');
        for byte in encoded {
            push_hex(byte, text);
        }
    }
}

/// Characters of `width` bytes each, big-endian, as UTF-8; `None` if one is no Unicode character.
fn wide(value: &[u8], width: usize) -> Option<Vec<u8>> {
    let chunks = value.chunks_exact(width);
    if !chunks.remainder().is_empty() {
        return None;
    }
    let text: Option<String> = chunks
        .map(|chunk| {
            char::from_u32(
                chunk
                    .iter()
                    .fold(0, |code, &byte| (code << 8) | u32::from(byte)),
            )
        })
        .collect();
    text.map(String::into_bytes)
}

/// Escapes as OpenSSL's `do_esc_char` with `ASN1_STRFLGS_RFC2253`, with or without `ESC_MSB`.
fn escape(value: &[u8], high: HighBytes, text: &mut String) {
    let last = value.len().saturating_sub(1);
    // Bytes that are kept as they are; converted in one piece, since characters span bytes.
    let mut kept = Vec::new();
    for (index, &byte) in value.iter().enumerate() {
        let backslash = match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => true,
            // OpenSSL forgets that a value's last character is its first one too.
            b'#' => index == 0 && last > 0,
            b' ' => index == 0 || index == last,
            _ => false,
        };
        let hex = byte.is_ascii_control() || (byte > 0x7f && high == HighBytes::Escaped);
        if backslash || hex {
            text.push_str(&String::from_utf8_lossy(&kept));
            kept.clear();
            text.push('\\');
        }
        match hex {
            true => push_hex(byte, text),
            false => kept.push(byte),
        }
    }
    text.push_str(&String::from_utf8_lossy(&kept));
}

fn push_hex(byte: u8, text: &mut String) {
    for nibble in [byte >> 4, byte & 0x0f] {
        text.push(
            char::from_digit(nibble.into(), 16)
                .unwrap_or('?')
                .to_ascii_uppercase(),
        );
    }
}

const OID_COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

const UTF8_STRING: u8 = 12;
const NUMERIC_STRING: u8 = 18;
const PRINTABLE_STRING: u8 = 19;
const T61_STRING: u8 = 20;
const IA5_STRING: u8 = 22;
const UTC_TIME: u8 = 23;
const GENERALIZED_TIME: u8 = 24;
const VISIBLE_STRING: u8 = 26;
const UNIVERSAL_STRING: u8 = 28;
const BMP_STRING: u8 = 30;
const SET: u8 = 0x31;

#[cfg(test)]
mod tests;
