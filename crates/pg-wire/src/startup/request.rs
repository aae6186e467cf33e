//! Requests for encryption and the one-byte answer.

/// The code in place of a version that asks for TLS: 1234.5679.
pub const SSL_REQUEST_CODE: u32 = 80_877_103;

/// The code in place of a version that asks for GSSAPI encryption: 1234.5680.
pub const GSSENC_REQUEST_CODE: u32 = 80_877_104;

/// The code in place of a version that asks to cancel a query: 1234.5678.
pub const CANCEL_REQUEST_CODE: u32 = 80_877_102;

/// A whole SSLRequest.
pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A whole GSSENCRequest.
pub const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x30];

/// The answer to an SSLRequest or a GSSENCRequest: exactly one byte, and nothing after it until the
/// peer goes on (libpq takes anything more for an attack, CVE-2021-23222).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EncryptionAnswer {
    /// `S`: the TLS handshake comes next.
    Accept,
    /// `N`: go on in clear, or leave.
    Refuse,
}

impl EncryptionAnswer {
    /// The byte on the wire.
    pub const fn as_byte(self) -> u8 {
        match self {
            Self::Accept => b'S',
            Self::Refuse => b'N',
        }
    }

    /// What a server answered; `None` for anything that is no answer to an SSLRequest.
    pub const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'S' => Some(Self::Accept),
            b'N' => Some(Self::Refuse),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ProtocolVersion;

    #[test]
    fn requests_hold_their_codes() {
        assert_eq!(SSL_REQUEST[4..], SSL_REQUEST_CODE.to_be_bytes());
        assert_eq!(GSSENC_REQUEST[4..], GSSENC_REQUEST_CODE.to_be_bytes());
        for (code, text) in [
            (CANCEL_REQUEST_CODE, "1234.5678"),
            (SSL_REQUEST_CODE, "1234.5679"),
            (GSSENC_REQUEST_CODE, "1234.5680"),
        ] {
            assert_eq!(ProtocolVersion::from_code(code).to_string(), text);
        }
    }

    #[test]
    fn answers_are_one_letter() {
        for answer in [EncryptionAnswer::Accept, EncryptionAnswer::Refuse] {
            assert_eq!(EncryptionAnswer::from_byte(answer.as_byte()), Some(answer));
        }
        assert_eq!(EncryptionAnswer::from_byte(b'E'), None);
    }
}
