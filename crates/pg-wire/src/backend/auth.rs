//! Authentication requests (`R`).

use bytes::{BufMut, Bytes, BytesMut};

use crate::codec::{DecodeError, EncodeError, Reader, put_cstr};

/// What the server wants from the client before it lets it in, or that it has let it in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// 0: the client is in.
    Ok,
    /// 2: Kerberos V5, no longer spoken by any supported server.
    KerberosV5,
    /// 3: the password itself.
    CleartextPassword,
    /// 5: the MD5 of password, user and this salt.
    Md5Password {
        /// The salt.
        salt: [u8; 4],
    },
    /// 7: a GSSAPI exchange.
    Gss,
    /// 8: the next token of a GSSAPI or SSPI exchange.
    GssContinue(Bytes),
    /// 9: an SSPI exchange.
    Sspi,
    /// 10: a SASL exchange by one of these mechanisms, the best first.
    Sasl(Vec<Bytes>),
    /// 11: the server's challenge.
    SaslContinue(Bytes),
    /// 12: the server's last word, which proves that it knew the secret.
    SaslFinal(Bytes),
}

impl Authentication {
    pub(super) fn decode(body: Bytes) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("Authentication", body);
        let request = match reader.i32()? {
            0 => Self::Ok,
            2 => Self::KerberosV5,
            3 => Self::CleartextPassword,
            5 => Self::Md5Password {
                salt: reader.u32()?.to_be_bytes(),
            },
            7 => Self::Gss,
            8 => return Ok(Self::GssContinue(reader.remaining())),
            9 => Self::Sspi,
            10 => Self::Sasl(decode_mechanisms(&mut reader)?),
            11 => return Ok(Self::SaslContinue(reader.remaining())),
            12 => return Ok(Self::SaslFinal(reader.remaining())),
            other => return Err(reader.invalid("authentication request", other)),
        };
        reader.finish()?;
        Ok(request)
    }

    pub(super) fn encode_body(&self, buf: &mut BytesMut) -> Result<(), EncodeError> {
        let (code, data): (i32, &[u8]) = match self {
            Self::Ok => (0, &[]),
            Self::KerberosV5 => (2, &[]),
            Self::CleartextPassword => (3, &[]),
            Self::Md5Password { salt } => (5, salt),
            Self::Gss => (7, &[]),
            Self::GssContinue(token) => (8, token),
            Self::Sspi => (9, &[]),
            Self::Sasl(_) => (10, &[]),
            Self::SaslContinue(data) => (11, data),
            Self::SaslFinal(data) => (12, data),
        };
        buf.put_i32(code);
        buf.put_slice(data);
        match self {
            Self::Sasl(mechanisms) => encode_mechanisms(mechanisms, buf),
            _ => Ok(()),
        }
    }
}

/// Names up to an empty one.
fn decode_mechanisms(reader: &mut Reader) -> Result<Vec<Bytes>, DecodeError> {
    let mut mechanisms = Vec::new();
    loop {
        let name = reader.cstr()?;
        if name.is_empty() {
            return Ok(mechanisms);
        }
        mechanisms.push(name);
    }
}

fn encode_mechanisms(mechanisms: &[Bytes], buf: &mut BytesMut) -> Result<(), EncodeError> {
    for name in mechanisms {
        if name.is_empty() {
            return Err(EncodeError::EmptyName { field: "mechanism" });
        }
        put_cstr(buf, "mechanism", name)?;
    }
    buf.put_u8(0);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(body: &'static [u8]) -> Result<Authentication, DecodeError> {
        Authentication::decode(Bytes::from_static(body))
    }

    #[test]
    fn mechanisms_end_with_an_empty_name() {
        assert_eq!(
            decode(b"\0\0\0\x0aSCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"),
            Ok(Authentication::Sasl(vec![
                "SCRAM-SHA-256-PLUS".into(),
                "SCRAM-SHA-256".into()
            ]))
        );
        let message = "Authentication";
        assert_eq!(
            decode(b"\0\0\0\x0aSCRAM\0"),
            Err(DecodeError::UnterminatedString { message })
        );
        assert_eq!(
            decode(b"\0\0\0\x0aSCRAM\0\0\0"),
            Err(DecodeError::TrailingBytes { message, count: 1 })
        );
    }

    #[test]
    fn md5_has_four_bytes_of_salt() {
        assert_eq!(
            decode(b"\0\0\0\x05salt"),
            Ok(Authentication::Md5Password { salt: *b"salt" })
        );
        assert!(decode(b"\0\0\0\x05sal").is_err());
        assert!(decode(b"\0\0\0\x05salty").is_err());
    }

    #[test]
    fn unknown_requests_are_named() {
        assert_eq!(
            decode(b"\0\0\0\x06").unwrap_err().to_string(),
            "invalid authentication request 6 in message (Authentication)"
        );
    }
}
