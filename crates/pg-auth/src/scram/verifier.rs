//! What is stored in place of a password.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use base64::Engine as _;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use subtle::ConstantTimeEq as _;
use thiserror::Error;
use zeroize::Zeroizing;

use super::error::RandomError;
use super::keys::{self, KEY_LEN, Secret};
use super::saslprep;

/// How often the password is hashed: PostgreSQL's `scram_iterations`.
///
/// More makes guessing a stolen verifier dearer, and each login too, for the client above all. Several
/// clients refuse more than 100,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Iterations(NonZeroU32);

impl Iterations {
    /// 4096, PostgreSQL's default and the least that RFC 7677 allows.
    pub const DEFAULT: Self = match NonZeroU32::new(4096) {
        Some(count) => Self(count),
        None => Self::MIN,
    };
    /// 1, as in PostgreSQL.
    pub const MIN: Self = Self(NonZeroU32::MIN);
    /// 2,147,483,647, as in PostgreSQL.
    pub const MAX: u32 = i32::MAX.cast_unsigned();

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

impl Default for Iterations {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Iterations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

impl TryFrom<u32> for Iterations {
    type Error = IterationsError;

    fn try_from(count: u32) -> Result<Self, IterationsError> {
        match NonZeroU32::new(count) {
            Some(checked) if count <= Self::MAX => Ok(Self(checked)),
            _ => Err(IterationsError { count }),
        }
    }
}

/// No number of iterations.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "{count} is outside the valid range of SCRAM iterations (1 .. {})",
    Iterations::MAX
)]
pub struct IterationsError {
    /// What was given.
    pub count: u32,
}

/// What PostgreSQL stores in place of a password, in `pg_authid.rolpassword`: enough to check a
/// password and to prove that it is known, not enough to log in with.
///
/// The text is `SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>`, the last three in Base64;
/// `Display` writes it, `FromStr` reads it. Whoever has it can guess the password in peace, and pretend
/// to be the server: keep it like a key.
///
/// # Security
///
/// `Debug` shows the iterations alone. The keys are wiped when the value goes.
#[derive(Clone)]
pub struct Verifier {
    iterations: Iterations,
    salt: Vec<u8>,
    stored_key: Secret,
    server_key: Secret,
}

impl Verifier {
    /// The verifier of a password, with a fresh salt of 16 bytes.
    ///
    /// The password goes through SASLprep by PostgreSQL's rule: where SASLprep refuses it, or where it is
    /// not UTF-8, its bytes are taken as they are.
    ///
    /// ```
    /// use pg_auth::scram::{Iterations, Verifier};
    ///
    /// let verifier = Verifier::from_password(b"pencil", Iterations::DEFAULT)?;
    /// assert!(verifier.to_string().starts_with("SCRAM-SHA-256$4096:"));
    /// assert!(verifier.password_matches(b"pencil"));
    /// # Ok::<(), pg_auth::scram::PasswordError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`PasswordError`]: no client could log in with this password, or there are no random bytes.
    pub fn from_password(password: &[u8], iterations: Iterations) -> Result<Self, PasswordError> {
        if password.is_empty() {
            return Err(PasswordError::Empty);
        }
        if password.contains(&0) {
            return Err(PasswordError::EmbeddedNul);
        }
        let mut salt = [0; SALT_LEN];
        getrandom::fill(&mut salt).map_err(RandomError)?;
        Ok(Self::derive(password, &salt, iterations))
    }

    /// The verifier of a password with a given salt; the same every time, for tests and for checking
    /// against other implementations. [`from_password`](Self::from_password) is for users.
    #[must_use]
    pub fn derive(password: &[u8], salt: &[u8], iterations: Iterations) -> Self {
        let salted = keys::salted_password(&saslprep::prepare(password), salt, iterations);
        Self {
            iterations,
            salt: salt.to_vec(),
            stored_key: keys::stored_key(&salted),
            server_key: keys::server_key(&salted),
        }
    }

    /// A verifier of the given parts.
    pub(super) fn from_parts(
        iterations: Iterations,
        salt: &[u8],
        stored_key: Secret,
        server_key: Secret,
    ) -> Self {
        Self {
            iterations,
            salt: salt.to_vec(),
            stored_key,
            server_key,
        }
    }

    /// Whether this is the password, for the method `password`; as much work as setting it was.
    #[must_use]
    pub fn password_matches(&self, password: &[u8]) -> bool {
        let given = Self::derive(password, &self.salt, self.iterations);
        // The server key, as in `scram_verify_plain_password` of PostgreSQL's auth-scram.c.
        given.server_key.ct_eq(self.server_key.as_slice()).into()
    }

    /// How often the password was hashed.
    #[must_use]
    pub const fn iterations(&self) -> Iterations {
        self.iterations
    }

    /// The salt; every client is told it.
    #[must_use]
    pub fn salt(&self) -> &[u8] {
        &self.salt
    }

    pub(super) const fn stored_key(&self) -> &Secret {
        &self.stored_key
    }

    pub(super) const fn server_key(&self) -> &Secret {
        &self.server_key
    }
}

impl FromStr for Verifier {
    type Err = VerifierError;

    fn from_str(text: &str) -> Result<Self, VerifierError> {
        let fields = text.strip_prefix(SCHEME).ok_or(VerifierError::NotScram)?;
        if text.len() > TEXT_LEN_MAX {
            return Err(VerifierError::TooLong);
        }
        let fields = fields
            .split_once('$')
            .and_then(|(first, second)| Some((first.split_once(':')?, second.split_once(':')?)));
        let ((iterations, salt), (stored_key, server_key)) = fields.ok_or(VerifierError::Layout)?;
        Ok(Self {
            iterations: parse_iterations(iterations).ok_or(VerifierError::Iterations)?,
            salt: STANDARD
                .decode(salt)
                .ok()
                .filter(|salt| !salt.is_empty())
                .ok_or(VerifierError::Salt)?,
            stored_key: decode_key(stored_key).ok_or(VerifierError::StoredKey)?,
            server_key: decode_key(server_key).ok_or(VerifierError::ServerKey)?,
        })
    }
}

impl fmt::Display for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{SCHEME}{}:{}${}:{}",
            self.iterations,
            Base64Display::new(&self.salt, &STANDARD),
            Base64Display::new(self.stored_key.as_slice(), &STANDARD),
            Base64Display::new(self.server_key.as_slice(), &STANDARD),
        )
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("iterations", &self.iterations.get())
            .finish_non_exhaustive()
    }
}

/// A password that cannot be given to a user.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum PasswordError {
    /// It is empty; PostgreSQL lets nobody in with an empty password.
    #[error("the password is empty")]
    Empty,
    /// It contains a NUL byte, which no client can send.
    #[error("the password contains a NUL byte, which no client can send")]
    EmbeddedNul,
    /// No salt.
    #[error(transparent)]
    Random(#[from] RandomError),
}

/// A text that is no [`Verifier`]. Nothing of the text is repeated here.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifierError {
    /// It does not begin with `SCRAM-SHA-256$`.
    #[error("it does not begin with \"SCRAM-SHA-256$\"")]
    NotScram,
    /// The separators are not where they belong.
    #[error("it is not of the form SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>")]
    Layout,
    /// The iterations are no number, or outside their range.
    #[error("its iterations are not a number from 1 to {}", Iterations::MAX)]
    Iterations,
    /// The salt is empty or not Base64.
    #[error("its salt is not Base64")]
    Salt,
    /// The first key is not 32 bytes of Base64.
    #[error("its StoredKey is not {KEY_LEN} bytes in Base64")]
    StoredKey,
    /// The second key is not 32 bytes of Base64.
    #[error("its ServerKey is not {KEY_LEN} bytes in Base64")]
    ServerKey,
    /// It is longer than PostgreSQL stores.
    #[error("it is longer than {TEXT_LEN_MAX} bytes")]
    TooLong,
}

/// Digits alone, without the sign and the blanks that Rust and C would take.
fn parse_iterations(text: &str) -> Option<Iterations> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse::<u32>().ok()?.try_into().ok()
}

fn decode_key(text: &str) -> Option<Secret> {
    let bytes = Zeroizing::new(STANDARD.decode(text).ok()?);
    let key: &[u8; KEY_LEN] = bytes.as_slice().try_into().ok()?;
    Some(Zeroizing::new(*key))
}

const SCHEME: &str = "SCRAM-SHA-256$";

/// `SCRAM_DEFAULT_SALT_LEN` in PostgreSQL's `scram-common.h`.
pub(super) const SALT_LEN: usize = 16;

/// `MAX_ENCRYPTED_PASSWORD_LEN` in PostgreSQL's `crypt.h`.
const TEXT_LEN_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    /// Passwords and what PostgreSQL 15.18 stored for them (`CREATE ROLE … PASSWORD …`).
    const FROM_POSTGRESQL: &[(&str, &str)] = &[
        (
            "pass",
            "SCRAM-SHA-256$4096:euojGOykz1dHvJDtw+J9Kg==$J0pi2/FWcNbm5HlUmEQm9uPRSx6j/AduTrpSxH0czsM=:fKEuqM6cQecZEb4imeDaygVW5xYuJtY7YVg4kxEnMf8=",
        ),
        (
            "I\u{ad}X",
            "SCRAM-SHA-256$4096:KsJp5eQ6+GtLA0xb26sKWg==$3bl4U8q6vdi51yhCXo35MxgHE2WnsyNDaMeKmQNYlYM=:Bs1WgOVNPXTCASAw3EyNdnHuk5O2zQsmGKHQrImVeOc=",
        ),
        (
            "\u{2168}",
            "SCRAM-SHA-256$4096:url9VEW+7+XPYBayCkBkHw==$Pb0Ql7zRjXu1VPozq0dvM9YMYQCpwNQtH8gqbHJ9Om4=:u4TXy2tKKGXbZdbyZ+f3ijffyKTeY7KjMwexLl4VXRI=",
        ),
        // Left-to-right before normalization, right-to-left after: RFC 4013 refuses it, PostgreSQL does not.
        (
            "a\u{2135}",
            "SCRAM-SHA-256$4096:F0ARbWt2KDwNULKYp0/VzQ==$mwhRJaSL7b92w2mFCJ2Sl3H5W+Y6TvOiknNOVcFDZgs=:+pFdcir1qy5PrBc7w1afIIIwl7aeeAYpu6CAWWKXK5k=",
        ),
        (
            "\u{627}1",
            "SCRAM-SHA-256$4096:3aiXfyZ3UrcG3yFrhz4+sA==$DOvgaCCYJP/OFbgs41P5BvrJWklYjId1QJXta8nPwNU=:8UMGIbEBiQnGjx0DKzLTm9TaWSevHWsr/5oZ60PFVtE=",
        ),
        (
            "\u{2168}\u{e000}",
            "SCRAM-SHA-256$4096:zx7Vh99isYvgY8Mb5ZI7pQ==$z/Ix8CARHMurgb+LBn4ft8Cpj01f8QGA9mGKZEbsXws=:IzDnrFrjWdOyXjfoRfkkmEPFIGRBcCqDhgo1U1RywhQ=",
        ),
        (
            "\u{ad}\u{200b}",
            "SCRAM-SHA-256$4096:gDHpRtWHhhc5ER4wyvBGRA==$KtbHahE9LPzN/1yL89BK/k6TzjC342JCNrqYP6SMCts=:hmFM4EmP6AQIEpUU36Qg27ZYI699YLJVbQzwZQ5tXjY=",
        ),
        (
            "a\u{a0}b\u{3000}c",
            "SCRAM-SHA-256$4096:/a9poTv+DkNycW1wWnRNCA==$bYLGeUrMalC3Ltuqol7uU0sCfyJPmaqOCt5xRTNEWVU=:ugvyOj2uLSbVL+GwC+vHReKy12i706qrx92uqgo6SmE=",
        ),
        (
            "\u{ad}\u{200d}",
            "SCRAM-SHA-256$4096:HtK3J4nSsHM+4KOhZAObQg==$obUIKb5cZQ/XEUolIJg6a2knfRMOIsHH+IBvZjE/p2c=:2+RPzPvPBjTNHk2/nd78mG2faue2/6ZkKNpEv43nwWM=",
        ),
        (
            "\u{fefb}",
            "SCRAM-SHA-256$4096:T4GuJ3RI0kcnEdQd3/EF9w==$ltoeU13/oyvdBwCpPhYHnTn7Kzj/YJHcGM4mAbsGLj4=:D433OYbrb3ujHkC/0wakzP82LVUdDAoOT6VrisCIw/4=",
        ),
        (
            "a\u{7}b",
            "SCRAM-SHA-256$4096:lXYP9+UyieZ23kikQWZZKg==$uYyvk495L+vsErW8C1abvzoeVxmC8p4535lzQAkGY0g=:H8HWmBnf70IEhUlO3n3/N0Q6n89lW1Uz8Yj3/zYYnAk=",
        ),
    ];

    #[test]
    fn verifiers_are_postgresqls() {
        for (password, stored) in FROM_POSTGRESQL {
            let verifier: Verifier = stored.parse().unwrap();
            assert_eq!(verifier.to_string(), *stored);
            let password = password.as_bytes();
            let derived = Verifier::derive(password, verifier.salt(), verifier.iterations());
            assert_eq!(derived.to_string(), *stored);
            assert!(verifier.password_matches(password));
            assert!(!verifier.password_matches(b"guess"));
            assert!(!verifier.password_matches(b""));
        }
    }

    #[test]
    fn a_password_is_salted_afresh_and_hashed_as_often_as_asked() {
        let iterations = Iterations::try_from(7).unwrap();
        let [one, other] = [(); 2].map(|()| Verifier::from_password(b"p", iterations).unwrap());
        assert_ne!(one.salt(), other.salt());
        assert_eq!((one.salt().len(), one.iterations().get()), (16, 7));
        assert!(one.password_matches(b"p"));
        let bytes = Verifier::from_password(b"\xff\xfe", iterations).unwrap();
        assert!(bytes.password_matches(b"\xff\xfe"));
        assert!(!bytes.password_matches(b"\xff"));
    }

    #[test]
    fn passwords_that_no_client_could_send_are_refused() {
        let from = |password| Verifier::from_password(password, Iterations::MIN).map(drop);
        assert_eq!(from(b""), Err(PasswordError::Empty));
        assert_eq!(from(b"a\0"), Err(PasswordError::EmbeddedNul));
    }

    #[test]
    fn the_text_is_read_strictly() {
        const K: &str = "J0pi2/FWcNbm5HlUmEQm9uPRSx6j/AduTrpSxH0czsM=";
        #[track_caller]
        fn refused(text: &str, expected: VerifierError) {
            assert_eq!(text.parse::<Verifier>().unwrap_err(), expected, "{text}");
        }
        assert!(
            format!("SCRAM-SHA-256$1:YQ==${K}:{K}")
                .parse::<Verifier>()
                .is_ok()
        );
        for text in [
            "",
            "pass",
            "md5ab",
            "scram-sha-256$1:YQ==",
            "SCRAM-SHA-512$",
        ] {
            refused(text, VerifierError::NotScram);
        }
        for text in ["$", "$4096", "$4096:YQ==", "$4096:YQ==$AA"] {
            refused(&format!("SCRAM-SHA-256{text}"), VerifierError::Layout);
        }
        for iterations in [
            "",
            "0",
            "-1",
            "+1",
            " 1",
            "1 ",
            "2147483648",
            "99999999999",
            "0x10",
        ] {
            refused(
                &format!("SCRAM-SHA-256${iterations}:YQ==${K}:{K}"),
                VerifierError::Iterations,
            );
        }
        for salt in ["", "YQ", "YR==", "Y Q==", "YQ==\n", "Y:=="] {
            refused(
                &format!("SCRAM-SHA-256$1:{salt}${K}:{K}"),
                VerifierError::Salt,
            );
        }
        for key in ["", "YQ==", &K[1..], &K.replace('=', "")] {
            refused(
                &format!("SCRAM-SHA-256$1:YQ==${key}:{K}"),
                VerifierError::StoredKey,
            );
            refused(
                &format!("SCRAM-SHA-256$1:YQ==${K}:{key}"),
                VerifierError::ServerKey,
            );
        }
        refused(
            &format!("SCRAM-SHA-256$1:YQ==${K}:{K}:"),
            VerifierError::ServerKey,
        );
        refused(
            &format!("SCRAM-SHA-256$1:{}", "A".repeat(500)),
            VerifierError::TooLong,
        );
    }

    #[test]
    fn nothing_secret_is_shown() {
        let (_, stored) = FROM_POSTGRESQL[0];
        let verifier: Verifier = stored.parse().unwrap();
        assert_eq!(format!("{verifier:?}"), "Verifier { iterations: 4096, .. }");
        let error = stored.replace('=', "!").parse::<Verifier>().unwrap_err();
        assert_eq!(error.to_string(), "its salt is not Base64");
    }

    #[test]
    fn iterations_have_postgresqls_range() {
        assert_eq!(Iterations::DEFAULT.get(), 4096);
        assert_eq!(
            Iterations::try_from(Iterations::MAX).unwrap().get(),
            2_147_483_647
        );
        for count in [0, 2_147_483_648, u32::MAX] {
            let error = Iterations::try_from(count).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("{count} is outside the valid range of SCRAM iterations (1 .. 2147483647)")
            );
        }
    }
}
