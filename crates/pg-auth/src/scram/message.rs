//! The client's two messages, read in the order in which PostgreSQL reads them (`auth-scram.c`), so
//! that of two mistakes the same one is reported.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::error::{Malformed, ScramError};
use super::exchange::Mechanism;
use super::keys::{KEY_LEN, Secret};

/// What the client says about channel binding: the gs2-cbind-flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    /// `n`: it cannot, or does not want to.
    Unsupported,
    /// `y`: it can, and believes that we cannot.
    NotOffered,
    /// `p`: it does.
    Bound,
}

/// client-first-message.
#[derive(Debug)]
pub(super) struct ClientFirst<'a> {
    pub(super) flag: Flag,
    /// What is signed of it.
    pub(super) bare: &'a [u8],
    /// Printable ASCII.
    pub(super) nonce: &'a [u8],
}

impl<'a> ClientFirst<'a> {
    /// `offered`: whether SCRAM-SHA-256-PLUS was.
    pub(super) fn parse(
        message: &'a [u8],
        selected: Mechanism,
        offered: bool,
    ) -> Result<Self, ScramError> {
        let mut input = Cursor::new(message)?;
        let flag = read_flag(&mut input, selected, offered)?;
        match input.peek() {
            b'a' => return Err(ScramError::AuthorizationIdentity),
            b',' => input.skip(),
            found => return Err(Malformed::UnexpectedAttribute { found }.into()),
        }
        let bare = input.rest;
        if input.peek() == b'm' {
            return Err(ScramError::UnsupportedExtension);
        }
        // The name of the startup packet counts; libpq sends none here.
        input.attribute(b'n')?;
        let nonce = input.attribute(b'r')?;
        if !nonce.iter().all(u8::is_ascii_graphic) {
            return Err(ScramError::NonPrintableNonce);
        }
        while !input.is_at_end() {
            input.any_attribute()?;
        }
        Ok(Self { flag, bare, nonce })
    }
}

fn read_flag(
    input: &mut Cursor<'_>,
    selected: Mechanism,
    offered: bool,
) -> Result<Flag, ScramError> {
    let flag = match input.peek() {
        b'n' => Flag::Unsupported,
        b'y' => Flag::NotOffered,
        b'p' => Flag::Bound,
        found => return Err(Malformed::UnexpectedFlag { found }.into()),
    };
    match (selected, flag) {
        (Mechanism::Plain, Flag::Bound) => return Err(Malformed::BindingIncluded.into()),
        (Mechanism::Plus, Flag::Unsupported | Flag::NotOffered) => {
            return Err(Malformed::BindingMissing.into());
        }
        (Mechanism::Plain, Flag::NotOffered) if offered => return Err(ScramError::Downgrade),
        (Mechanism::Plain, Flag::Unsupported | Flag::NotOffered) => {
            input.skip();
            match input.peek() {
                b',' => input.skip(),
                found => return Err(Malformed::CommaExpected { found }.into()),
            }
        }
        (Mechanism::Plus, Flag::Bound) => {
            let kind = input.attribute(b'p')?;
            if kind != BINDING_TYPE {
                let kind = printable(kind);
                return Err(ScramError::UnsupportedBinding { kind });
            }
        }
    }
    Ok(flag)
}

/// client-final-message.
#[derive(Debug)]
pub(super) struct ClientFinal<'a> {
    /// What is signed of it.
    pub(super) without_proof: &'a [u8],
    pub(super) nonce: &'a [u8],
    pub(super) proof: Secret,
}

impl<'a> ClientFinal<'a> {
    /// `check_binding` judges the value of `c=` before anything after it is read.
    pub(super) fn parse(
        message: &'a [u8],
        check_binding: impl FnOnce(&[u8]) -> Result<(), ScramError>,
    ) -> Result<Self, ScramError> {
        let mut input = Cursor::new(message)?;
        check_binding(input.attribute(b'c')?)?;
        let nonce = input.attribute(b'r')?;
        let (without_proof, proof) = loop {
            let left = input.rest.len();
            let (attribute, value) = input.any_attribute()?;
            if attribute == b'p' {
                // Up to the comma before the proof.
                let end = message.len().saturating_sub(left).saturating_sub(1);
                break (message.get(..end).unwrap_or_default(), value);
            }
        };
        let proof = decode_proof(proof).ok_or(Malformed::Proof)?;
        if !input.is_at_end() {
            return Err(Malformed::Garbage.into());
        }
        Ok(Self {
            without_proof,
            nonce,
            proof,
        })
    }
}

fn decode_proof(text: &[u8]) -> Option<Secret> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    let proof: &[u8; KEY_LEN] = bytes.as_slice().try_into().ok()?;
    Some(Zeroizing::new(*proof))
}

/// `sanitize_str` of PostgreSQL's auth-scram.c.
fn printable(text: &[u8]) -> String {
    text.iter()
        .take(SHOWN_LEN_MAX)
        .map(|byte| {
            if byte.is_ascii_graphic() {
                char::from(*byte)
            } else {
                '?'
            }
        })
        .collect()
}

/// Reads a message without NUL; 0 stands for its end, as it does in PostgreSQL.
struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    fn new(message: &'a [u8]) -> Result<Self, Malformed> {
        if message.is_empty() {
            return Err(Malformed::Empty);
        }
        if message.contains(&0) {
            return Err(Malformed::EmbeddedNul);
        }
        Ok(Self { rest: message })
    }

    fn peek(&self) -> u8 {
        self.rest.first().copied().unwrap_or(0)
    }

    fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// The value of the attribute that is due, up to and without the comma, which is skipped.
    fn attribute(&mut self, expected: u8) -> Result<&'a [u8], Malformed> {
        match self.peek() {
            found if found != expected => Err(Malformed::ExpectedAttribute { expected, found }),
            _ => self.value(expected),
        }
    }

    /// Whatever attribute comes next.
    fn any_attribute(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        match self.peek() {
            0 => Err(Malformed::AttributeMissing),
            attribute if attribute.is_ascii_alphabetic() => Ok((attribute, self.value(attribute)?)),
            found => Err(Malformed::InvalidAttribute { found }),
        }
    }

    fn value(&mut self, attribute: u8) -> Result<&'a [u8], Malformed> {
        self.skip();
        if self.peek() != b'=' {
            return Err(Malformed::ExpectedEquals { attribute });
        }
        self.skip();
        let comma = self.rest.iter().position(|byte| *byte == b',');
        let (value, rest) = self
            .rest
            .split_at_checked(comma.unwrap_or(self.rest.len()))
            .unwrap_or_default();
        self.rest = rest;
        self.skip();
        Ok(value)
    }
}

impl From<Malformed> for ScramError {
    fn from(malformed: Malformed) -> Self {
        Self::Malformed(malformed)
    }
}

/// The one channel binding type that there is: RFC 5929 section 4.
const BINDING_TYPE: &[u8] = b"tls-server-end-point";
const SHOWN_LEN_MAX: usize = 30;
