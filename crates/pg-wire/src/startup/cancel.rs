//! CancelRequest.

use bytes::{BufMut, BytesMut};

use super::{CANCEL_REQUEST_CODE, CancelKey, StartupError};

/// A request to cancel the query of another session, named by its BackendKeyData.
///
/// The client never gets an answer: it sees the connection close, whatever happened (spec §1.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelRequest {
    /// The process id of the session.
    pub process_id: i32,
    /// Its secret.
    pub secret_key: CancelKey,
}

impl CancelRequest {
    /// Appends the whole packet.
    pub fn encode(&self, buf: &mut BytesMut) {
        let key = self.secret_key.as_bytes();
        // A key has at most 256 bytes.
        buf.put_u32(12 + u32::try_from(key.len()).unwrap_or_default());
        buf.put_u32(CANCEL_REQUEST_CODE);
        buf.put_i32(self.process_id);
        buf.put_slice(key);
    }

    /// Reads what follows the code.
    pub(super) fn decode(body: &[u8]) -> Result<Self, StartupError> {
        let (process_id, key) = body
            .split_first_chunk::<4>()
            .ok_or(StartupError::CancelTooShort)?;
        let secret_key = CancelKey::new(key).map_err(|error| StartupError::CancelKeyLength {
            length: error.length,
        })?;
        Ok(Self {
            process_id: i32::from_be_bytes(*process_id),
            secret_key,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_those_of_the_protocol() {
        let request = CancelRequest {
            process_id: 0x01020304,
            secret_key: CancelKey::new(&[9, 8, 7, 6]).unwrap(),
        };
        let mut buf = BytesMut::new();
        request.encode(&mut buf);
        assert_eq!(
            buf,
            [0, 0, 0, 16, 4, 0xd2, 0x16, 0x2e, 1, 2, 3, 4, 9, 8, 7, 6].as_slice()
        );
        assert_eq!(CancelRequest::decode(&buf[8..]), Ok(request));
    }
}
