//! TLS 1.0 and 1.1, which rustls does not speak: a ClientHello by hand, only to see the answer.

use std::io::{Read, Write};

use rustls::AlertDescription;
use rustls::crypto::CryptoProvider;

use super::fault::Fault;
use super::transport::Socket;

/// A version that only history has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Legacy {
    /// RFC 2246.
    Tls10,
    /// RFC 4346.
    Tls11,
}

impl Legacy {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Tls10 => "TLSv1",
            Self::Tls11 => "TLSv1.1",
        }
    }

    const fn code(self) -> [u8; 2] {
        match self {
            Self::Tls10 => [3, 1],
            Self::Tls11 => [3, 2],
        }
    }
}

/// Offers this version at most; `Ok` if the server takes it.
pub(super) fn ask(
    mut socket: Socket,
    version: Legacy,
    provider: &CryptoProvider,
) -> Result<(), Fault> {
    let mut random = [0; 32];
    provider
        .secure_random
        .fill(&mut random)
        .map_err(|_| Fault::Tls("no random numbers".to_owned()))?;
    socket.write_all(&client_hello(version, random))?;
    answer(&mut socket, version)
}

/// RFC 2246, section 7.4.1.2, in a record of its own, with the extensions of RFC 8422 for elliptic curves.
fn client_hello(version: Legacy, random: [u8; 32]) -> Vec<u8> {
    let mut extensions = Vec::new();
    // supported_groups: X25519, P-256, P-384, P-521.
    extensions.extend([0, 10, 0, 10, 0, 8, 0, 29, 0, 23, 0, 24, 0, 25]);
    // ec_point_formats: uncompressed.
    extensions.extend([0, 11, 0, 2, 1, 0]);

    let mut body = Vec::new();
    body.extend(version.code());
    body.extend(random);
    // No session.
    body.push(0);
    body.extend(
        u16::try_from(SUITES.len() * 2)
            .unwrap_or_default()
            .to_be_bytes(),
    );
    body.extend(SUITES.iter().flat_map(|suite| suite.to_be_bytes()));
    // One method of compression: none.
    body.extend([1, 0]);
    body.extend(
        u16::try_from(extensions.len())
            .unwrap_or_default()
            .to_be_bytes(),
    );
    body.extend(extensions);

    // All of it is shorter than 256 bytes.
    let length = u8::try_from(body.len()).unwrap_or_default();
    let mut record = vec![HANDSHAKE, 3, 1, 0, length.saturating_add(4)];
    record.extend([CLIENT_HELLO, 0, 0, length]);
    record.extend(body);
    record
}

/// Reads as much of the answer as tells the version.
fn answer(stream: &mut impl Read, asked: Legacy) -> Result<(), Fault> {
    let mut header = [0; 5];
    stream.read_exact(&mut header)?;
    let [kind, 3, _, high, low] = header else {
        return Err(Fault::NotTls);
    };
    let length = u16::from_be_bytes([high, low]);
    match kind {
        ALERT if length >= 2 => {
            let mut alert = [0; 2];
            stream.read_exact(&mut alert)?;
            let [_, description] = alert;
            Err(Fault::Alert(AlertDescription::from(description)))
        }
        HANDSHAKE if (6..=RECORD_MAX).contains(&length) => {
            let mut hello = [0; 6];
            stream.read_exact(&mut hello)?;
            match hello {
                [SERVER_HELLO, _, _, _, major, minor] if [major, minor] == asked.code() => Ok(()),
                [SERVER_HELLO, _, _, _, 3, 1] => {
                    Err(Fault::Protocol("chose TLSv1 instead".to_owned()))
                }
                _ => Err(Fault::NotTls),
            }
        }
        _ => Err(Fault::NotTls),
    }
}

const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
/// RFC 2246, section 6.2.3.
const RECORD_MAX: u16 = (1 << 14) + 2048;

/// What servers of that time knew: AES and 3DES with ECDHE, DHE and RSA, and the signal that the client
/// has no renegotiation to make safe (RFC 5746).
const SUITES: &[u16] = &[
    0xc00a, 0xc014, 0x0039, 0xc009, 0xc013, 0x0033, 0x0035, 0x002f, 0x000a, 0x00ff,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_in_the_hello_fit() {
        let record = client_hello(Legacy::Tls11, [7; 32]);
        assert_eq!(record[..3], [22, 3, 1]);
        assert_eq!(usize::from(record[4]), record.len() - 5);
        assert_eq!(record[5..9], [1, 0, 0, record[4] - 4]);
        assert_eq!(record[9..11], [3, 2]);
        assert_eq!(record[44..46], [0, 20]);
    }

    #[test]
    fn answers_are_told_apart() {
        let answered = |bytes: &[u8]| answer(&mut &*bytes, Legacy::Tls11);
        let text = |bytes: &[u8]| answered(bytes).unwrap_err().to_string();
        assert_eq!(answered(b"\x16\x03\x02\0\x30\x02\0\0\x2c\x03\x02"), Ok(()));
        assert_eq!(
            text(b"\x16\x03\x01\0\x30\x02\0\0\x2c\x03\x01"),
            "chose TLSv1 instead"
        );
        assert_eq!(
            text(b"\x15\x03\x02\0\x02\x02\x46"),
            "alert protocol_version"
        );
        assert_eq!(text(b"\x15\x03\x02"), "closed without a word");
        for garbage in [
            &b"E\0\0\0\x50SFATAL"[..],
            b"\x16\x03\x02\xff\xff\x02\0\0\x2c\x03\x02",
            b"\x16\x03\x02\0\x05\x02\0\0\x2c\x03\x02",
            b"\x16\x03\x02\0\x30\x0b\0\0\x2c\x03\x02",
            b"\x15\x03\x02\0\0\x02\x46",
        ] {
            assert_eq!(text(garbage), "the answer is not TLS");
        }
    }
}
