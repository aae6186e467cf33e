//! What a login is judged by, whether or not the user exists.

use std::fmt;

use bytes::Bytes;
use subtle::Choice;
use zeroize::Zeroizing;

use super::error::RandomError;
use super::keys::{self, Secret};
use super::verifier::SALT_LEN;
use super::{Iterations, Verifier};

/// What made-up verifiers are made of: random, and the same as long as can be.
///
/// The same name gets the same salt each time, as a user's would be; without the secret nobody can tell
/// it from a real one. If it changed with a restart, so would the salts of users that do not exist, and
/// those alone; so PostgreSQL keeps its own on disk (`mock_authentication_nonce` in `pg_control`), and so
/// does [`load_or_create`](Self::load_or_create).
#[derive(Clone)]
pub struct MockSecret(Secret);

impl MockSecret {
    /// A fresh one.
    ///
    /// # Errors
    ///
    /// [`RandomError`].
    pub fn random() -> Result<Self, RandomError> {
        let mut bytes = Zeroizing::new([0; keys::KEY_LEN]);
        getrandom::fill(bytes.as_mut_slice()).map_err(RandomError)?;
        Ok(Self(bytes))
    }

    /// One that was kept.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    /// The verifier of a user who has none. Its keys belong to no password.
    fn verifier(&self, user: &[u8], iterations: Iterations) -> Verifier {
        let salt = keys::hmac(&self.0, &[b"salt", user]);
        let salt = salt.first_chunk::<SALT_LEN>().copied().unwrap_or_default();
        let stored_key = keys::hmac(&self.0, &[b"stored key", user]);
        let server_key = keys::hmac(&self.0, &[b"server key", user]);
        Verifier::from_parts(iterations, &salt, stored_key, server_key)
    }
}

impl fmt::Debug for MockSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MockSecret").finish_non_exhaustive()
    }
}

/// What the login of one user is judged by.
///
/// A user without a verifier gets a made-up one which nothing satisfies. The work is the same for
/// both, here and in everything done with it: the made-up verifier is always computed, and the outcome
/// decided only after all else.
#[derive(Clone, Debug)]
pub struct Credential {
    user: Bytes,
    verifier: Verifier,
    pub(super) doomed: bool,
}

impl Credential {
    /// The credential of `user`, as the startup packet names it; `known` is the user's verifier, if
    /// there are both. `iterations` is the setting that new passwords are hashed with: a made-up
    /// verifier has to show it, or it could be told from those of real users (CVE-2026-14672).
    #[must_use]
    pub fn new(
        user: &[u8],
        known: Option<&Verifier>,
        mock: &MockSecret,
        iterations: Iterations,
    ) -> Self {
        let made_up = mock.verifier(user, iterations);
        Self {
            user: Bytes::copy_from_slice(user),
            verifier: known.unwrap_or(&made_up).clone(),
            doomed: known.is_none(),
        }
    }

    /// Whether this is the user's password, for the method `password`. Never, for a user without a
    /// verifier; an empty password is never right either.
    #[must_use]
    pub fn password_matches(&self, password: &[u8]) -> bool {
        let matches = self.verifier.password_matches(password);
        self.decide(Choice::from(u8::from(matches)))
    }

    /// The user.
    #[must_use]
    pub const fn user(&self) -> &Bytes {
        &self.user
    }

    pub(super) const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// The verdict, after all the work: a made-up verifier proves nothing.
    pub(super) fn decide(&self, proved: Choice) -> bool {
        (proved & !Choice::from(u8::from(self.doomed))).into()
    }
}

#[cfg(test)]
mod tests {
    use super::super::keys::work;
    use super::*;

    fn mock() -> MockSecret {
        MockSecret::from_bytes([7; 32])
    }

    fn unknown(user: &[u8], iterations: u32) -> Credential {
        let iterations = iterations.try_into().unwrap();
        Credential::new(user, None, &mock(), iterations)
    }

    #[test]
    fn e08_a_made_up_verifier_looks_like_one_and_stays_the_same() {
        let alice = unknown(b"alice", 4096);
        assert_eq!(alice.verifier().salt().len(), 16);
        assert_eq!(
            alice.verifier().salt(),
            unknown(b"alice", 4096).verifier().salt()
        );
        assert_ne!(
            alice.verifier().salt(),
            unknown(b"bob", 4096).verifier().salt()
        );
        let other = MockSecret::random().unwrap();
        let elsewhere = Credential::new(b"alice", None, &other, Iterations::DEFAULT);
        assert_ne!(alice.verifier().salt(), elsewhere.verifier().salt());
    }

    #[test]
    fn e08_a_made_up_verifier_has_the_iterations_of_the_setting() {
        for iterations in [1, 4096, 15_000] {
            assert_eq!(
                unknown(b"alice", iterations).verifier().iterations().get(),
                iterations
            );
        }
    }

    #[test]
    fn no_password_is_right_for_an_unknown_user() {
        assert!(!unknown(b"alice", 1).password_matches(b"pencil"));
        assert!(!unknown(b"alice", 1).password_matches(b""));
        // Even a verifier that was satisfied is not believed.
        let verifier = Verifier::derive(b"pencil", b"salt", Iterations::MIN);
        let doomed = Credential {
            verifier,
            doomed: true,
            ..unknown(b"alice", 1)
        };
        assert!(!doomed.password_matches(b"pencil"));
    }

    #[test]
    fn e08_a_password_costs_the_same_for_known_and_unknown_users() {
        let iterations = Iterations::try_from(50).unwrap();
        let verifier = Verifier::derive(b"pencil", b"0123456789abcdef", iterations);
        let cost = |known, password: &[u8], expected| {
            let (matches, cost) = work::of(|| {
                Credential::new(b"alice", known, &mock(), iterations).password_matches(password)
            });
            assert_eq!(matches, expected);
            cost
        };
        let right = cost(Some(&verifier), b"pencil", true);
        assert_eq!(cost(Some(&verifier), b"wrong", false), right);
        assert_eq!(cost(None, b"pencil", false), right);
        assert!(right > 50);
    }

    #[test]
    fn nothing_secret_is_shown() {
        assert_eq!(format!("{:?}", mock()), "MockSecret { .. }");
        let known = format!(
            "{:?}",
            Credential::new(b"alice", None, &mock(), Iterations::MIN)
        );
        assert_eq!(
            known,
            "Credential { user: b\"alice\", verifier: Verifier { iterations: 1, .. }, doomed: true }"
        );
    }
}
