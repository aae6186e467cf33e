//! The conversation: what comes after what.

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use pg_wire::backend::Authentication;
use pg_wire::frontend::Password;
use subtle::ConstantTimeEq as _;

use super::credential::Credential;
use super::error::{RandomError, ScramError};
use super::keys;
use super::message::{ClientFinal, ClientFirst, Flag};

/// The mechanism without channel binding.
pub const SCRAM_SHA_256: &str = "SCRAM-SHA-256";
/// The mechanism with channel binding.
pub const SCRAM_SHA_256_PLUS: &str = "SCRAM-SHA-256-PLUS";

/// What the connection can be bound to (specification §6.1, §6.2; RFC 5929).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelBinding {
    /// There is no TLS between the client and this process.
    NoTls,
    /// There is TLS, but no hash is defined for the server's certificate (Ed25519). PostgreSQL offers
    /// channel binding nevertheless, which no client can then do; we do not offer it.
    Undefined,
    /// There is TLS, and this is the hash of the certificate that was served on this connection: the
    /// data of `tls-server-end-point`.
    ServerEndPoint(Vec<u8>),
}

impl ChannelBinding {
    /// For a connection with TLS, from what the certificate says
    /// ([`CertificateInfo::tls_server_end_point`](pg_certs::CertificateInfo::tls_server_end_point)).
    pub fn of_certificate(hash: Option<&[u8]>) -> Self {
        match hash {
            Some(hash) => Self::ServerEndPoint(hash.to_vec()),
            None => Self::Undefined,
        }
    }

    const fn is_offered(&self) -> bool {
        matches!(self, Self::ServerEndPoint(_))
    }
}

/// The server's part of the nonce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(pub(super) String);

impl Nonce {
    /// A fresh one of 18 bytes, 24 characters, as PostgreSQL's.
    ///
    /// # Errors
    ///
    /// [`RandomError`].
    pub fn random() -> Result<Self, RandomError> {
        let mut bytes = [0; NONCE_LEN];
        getrandom::fill(&mut bytes).map_err(RandomError)?;
        Ok(Self::from_bytes(bytes))
    }

    /// A given one, for tests. An exchange whose nonce can be foreseen can be replayed.
    #[must_use]
    pub fn from_bytes(bytes: [u8; NONCE_LEN]) -> Self {
        Self(STANDARD.encode(bytes))
    }
}

/// What to send next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// AuthenticationSASLContinue with these data; then the client answers.
    Continue(Bytes),
    /// AuthenticationSASLFinal with these data: the client has proved that it knows the password.
    Final(Bytes),
}

impl From<Reply> for Authentication {
    fn from(reply: Reply) -> Self {
        match reply {
            Reply::Continue(data) => Self::SaslContinue(data),
            Reply::Final(data) => Self::SaslFinal(data),
        }
    }
}

/// One SCRAM exchange, the server's side.
///
/// Offer [`mechanisms`](Self::mechanisms), then give each `p` message to [`receive`](Self::receive) and
/// send what it answers, until that is [`Reply::Final`] or an error. Nothing else admits the client.
#[derive(Debug)]
pub struct Exchange {
    credential: Credential,
    binding: ChannelBinding,
    nonce: Nonce,
    state: State,
}

/// Which of the two the client chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    Plus,
}

#[derive(Debug)]
enum State {
    /// SASLInitialResponse is due.
    Offered,
    /// The client chose and has yet to say its first words.
    Chosen(Mechanism),
    /// client-final-message is due.
    Challenged(Challenged),
    /// Proved, or failed.
    Over,
}

#[derive(Debug)]
struct Challenged {
    flag: Flag,
    client_first_bare: Vec<u8>,
    server_first: Vec<u8>,
    /// The client's part and ours.
    nonce: Vec<u8>,
}

impl Exchange {
    /// An exchange with a fresh nonce.
    ///
    /// # Errors
    ///
    /// [`RandomError`].
    pub fn new(credential: Credential, binding: ChannelBinding) -> Result<Self, RandomError> {
        Ok(Self::with_nonce(credential, binding, Nonce::random()?))
    }

    /// An exchange with a given nonce, for tests.
    #[must_use]
    pub const fn with_nonce(credential: Credential, binding: ChannelBinding, nonce: Nonce) -> Self {
        Self {
            credential,
            binding,
            nonce,
            state: State::Offered,
        }
    }

    /// What to offer in AuthenticationSASL, in this order.
    #[must_use]
    pub const fn mechanisms(&self) -> &'static [&'static str] {
        if self.binding.is_offered() {
            &[SCRAM_SHA_256_PLUS, SCRAM_SHA_256]
        } else {
            &[SCRAM_SHA_256]
        }
    }

    /// The offer as a message.
    #[must_use]
    pub fn offer(&self) -> Authentication {
        let names = self.mechanisms().iter();
        Authentication::Sasl(
            names
                .map(|name| Bytes::from_static(name.as_bytes()))
                .collect(),
        )
    }

    /// Takes the next `p` message: first a SASLInitialResponse, then SASLResponses. They have to be
    /// read with the limit for SASL messages ([`pg_wire::frame::SASL_MESSAGE_LIMIT`]).
    ///
    /// # Errors
    ///
    /// [`ScramError`], with what the client is to be told. The exchange is over then.
    pub fn receive(&mut self, message: &Password) -> Result<Reply, ScramError> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Offered => {
                let first = message.sasl_initial_response()?;
                let mechanism = self.choose(&first.mechanism)?;
                match first.data {
                    Some(data) => self.challenge(mechanism, &data),
                    None => {
                        self.state = State::Chosen(mechanism);
                        Ok(Reply::Continue(Bytes::new()))
                    }
                }
            }
            State::Chosen(mechanism) => self.challenge(mechanism, message.body()),
            State::Challenged(challenged) => self.conclude(&challenged, message.body()),
            State::Over => Err(ScramError::Over),
        }
    }

    fn choose(&self, name: &[u8]) -> Result<Mechanism, ScramError> {
        if name == SCRAM_SHA_256.as_bytes() {
            Ok(Mechanism::Plain)
        } else if name == SCRAM_SHA_256_PLUS.as_bytes() && self.binding.is_offered() {
            Ok(Mechanism::Plus)
        } else {
            Err(ScramError::InvalidMechanism)
        }
    }

    fn challenge(&mut self, mechanism: Mechanism, message: &[u8]) -> Result<Reply, ScramError> {
        let first = ClientFirst::parse(message, mechanism, self.binding.is_offered())?;
        let nonce = [first.nonce, self.nonce.0.as_bytes()].concat();
        let verifier = self.credential.verifier();
        let salt_and_count = format!(
            ",s={},i={}",
            Base64Display::new(verifier.salt(), &STANDARD),
            verifier.iterations()
        );
        let server_first = [b"r=", nonce.as_slice(), salt_and_count.as_bytes()].concat();
        let reply = Reply::Continue(Bytes::copy_from_slice(&server_first));
        self.state = State::Challenged(Challenged {
            flag: first.flag,
            client_first_bare: first.bare.to_vec(),
            server_first,
            nonce,
        });
        Ok(reply)
    }

    fn conclude(&self, challenged: &Challenged, message: &[u8]) -> Result<Reply, ScramError> {
        let last = ClientFinal::parse(message, |sent| self.check_binding(challenged.flag, sent))?;
        if !bool::from(last.nonce.ct_eq(&challenged.nonce)) {
            return Err(ScramError::NonceMismatch);
        }
        let signed: [&[u8]; 5] = [
            &challenged.client_first_bare,
            b",",
            &challenged.server_first,
            b",",
            last.without_proof,
        ];
        let verifier = self.credential.verifier();
        let mut client_key = keys::hmac(verifier.stored_key(), &signed);
        for (signature, proof) in client_key.iter_mut().zip(last.proof.iter()) {
            *signature ^= proof;
        }
        let proved = keys::sha256(&client_key).ct_eq(verifier.stored_key().as_slice());
        // Computed for everybody, so that no answer comes sooner than another.
        let signature = keys::hmac(verifier.server_key(), &signed);
        if !self.credential.decide(proved) {
            return Err(ScramError::PasswordFailed {
                user: self.credential.user().clone(),
            });
        }
        let signature = Base64Display::new(signature.as_slice(), &STANDARD);
        Ok(Reply::Final(format!("v={signature}").into()))
    }

    /// Compares `c=` with the flag of the first message and, if the client binds, our certificate.
    fn check_binding(&self, flag: Flag, sent: &[u8]) -> Result<(), ScramError> {
        let (expected, otherwise) = match (flag, &self.binding) {
            (Flag::Bound, ChannelBinding::ServerEndPoint(hash)) => {
                let input = [b"p=tls-server-end-point,,", hash.as_slice()].concat();
                (STANDARD.encode(input), ScramError::BindingMismatch)
            }
            (Flag::Bound, _) => return Err(ScramError::BindingMismatch),
            (Flag::Unsupported, _) => (STANDARD.encode("n,,"), ScramError::UnexpectedBinding),
            (Flag::NotOffered, _) => (STANDARD.encode("y,,"), ScramError::UnexpectedBinding),
        };
        if sent.ct_eq(expected.as_bytes()).into() {
            Ok(())
        } else {
            Err(otherwise)
        }
    }
}

/// `SCRAM_RAW_NONCE_LEN` in PostgreSQL's `scram-common.h`.
const NONCE_LEN: usize = 18;
