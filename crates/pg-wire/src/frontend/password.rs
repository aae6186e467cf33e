//! The `p` message: only the authentication method in progress knows what it is.

use std::fmt;

use bytes::{Bytes, BytesMut};

use crate::codec::{DecodeError, EncodeError, Reader, put_cstr, put_length};

/// The body of a `p` message: a PasswordMessage, a SASLInitialResponse, a SASLResponse or a GSSResponse.
///
/// ```
/// use pg_wire::frontend::{Password, SaslInitialResponse};
///
/// let message = Password::new(&b"SCRAM-SHA-256\0\0\0\0\x03n,,"[..]);
/// let first = message.sasl_initial_response()?;
/// assert_eq!(first.mechanism, "SCRAM-SHA-256");
/// assert_eq!(first.data.unwrap(), "n,,");
/// # Ok::<(), pg_wire::DecodeError>(())
/// ```
///
/// # Security
///
/// `Debug` prints the length alone. The memory is that of the network buffer and is not wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password {
    body: Bytes,
}

impl Password {
    /// A SASLResponse or a GSSResponse, whose body is the data itself.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self { body: body.into() }
    }

    /// A PasswordMessage.
    ///
    /// # Errors
    ///
    /// [`EncodeError::EmbeddedNul`].
    pub fn from_password(password: &[u8]) -> Result<Self, EncodeError> {
        let mut buf = BytesMut::with_capacity(password.len() + 1);
        put_cstr(&mut buf, "password", password)?;
        Ok(Self::new(buf))
    }

    /// The body as it is: the data of a SASLResponse or a GSSResponse.
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body as a PasswordMessage.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] unless it is exactly one string.
    pub fn password(&self) -> Result<Bytes, DecodeError> {
        let mut reader = Reader::new("PasswordMessage", self.body.clone());
        let password = reader.cstr()?;
        reader.finish()?;
        Ok(password)
    }

    /// The body as a SASLInitialResponse.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] unless it is exactly a name and a value.
    pub fn sasl_initial_response(&self) -> Result<SaslInitialResponse, DecodeError> {
        let mut reader = Reader::new("SASLInitialResponse", self.body.clone());
        let mechanism = reader.cstr()?;
        let data = reader.value()?;
        reader.finish()?;
        Ok(SaslInitialResponse { mechanism, data })
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Password({} bytes)", self.body.len())
    }
}

/// The client's choice of a SASL mechanism.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaslInitialResponse {
    /// Name of the mechanism, such as `SCRAM-SHA-256`.
    pub mechanism: Bytes,
    /// The client's first words, if the mechanism lets it speak first.
    pub data: Option<Bytes>,
}

impl SaslInitialResponse {
    /// Puts it into a `p` message.
    ///
    /// # Errors
    ///
    /// [`EncodeError::EmbeddedNul`] in the name, or [`EncodeError::TooLong`].
    pub fn to_password(&self) -> Result<Password, EncodeError> {
        let mut buf = BytesMut::new();
        put_cstr(&mut buf, "mechanism", &self.mechanism)?;
        put_length(&mut buf, self.data.as_deref())?;
        Ok(Password::new(buf))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_exactly_one_string() {
        let message = "PasswordMessage";
        assert_eq!(Password::new("secret\0").password().unwrap(), "secret");
        assert_eq!(
            Password::new("secret").password(),
            Err(DecodeError::UnterminatedString { message })
        );
        assert_eq!(
            Password::new("secret\0\0").password(),
            Err(DecodeError::TrailingBytes { message, count: 1 })
        );
        assert!(Password::from_password(b"a\0b").is_err());
    }

    #[test]
    fn a_sasl_response_may_have_no_data() {
        for data in [None, Some(Bytes::new()), Some("n,,n=,r=abc".into())] {
            let first = SaslInitialResponse {
                mechanism: "SCRAM-SHA-256".into(),
                data,
            };
            let message = first.to_password().unwrap();
            assert_eq!(message.sasl_initial_response(), Ok(first));
        }
    }

    #[test]
    fn debug_hides_the_password() {
        let message = Password::from_password(b"secret").unwrap();
        assert_eq!(format!("{message:?}"), "Password(7 bytes)");
    }
}
