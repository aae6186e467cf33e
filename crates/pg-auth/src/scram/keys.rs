//! The keys of RFC 5802 section 3.

use hmac::digest::Key;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, Zeroizing};

use super::Iterations;

/// Length of every key, signature and proof in bytes.
pub(super) const KEY_LEN: usize = 32;

/// A key, signature or proof; wiped when it goes.
pub(super) type Secret = Zeroizing<[u8; KEY_LEN]>;

/// `SaltedPassword`; `password` has been through SASLprep.
pub(super) fn salted_password(password: &[u8], salt: &[u8], iterations: Iterations) -> Secret {
    #[cfg(test)]
    work::count(iterations.get());
    Zeroizing::new(pbkdf2::pbkdf2_hmac_array::<Sha256, KEY_LEN>(
        password,
        salt,
        iterations.get(),
    ))
}

/// `StoredKey`, from the salted password.
pub(super) fn stored_key(salted: &Secret) -> Secret {
    sha256(&hmac(salted, &[b"Client Key"]))
}

/// `ServerKey`, from the salted password.
pub(super) fn server_key(salted: &Secret) -> Secret {
    hmac(salted, &[b"Server Key"])
}

/// HMAC-SHA-256 over the parts, one after the other.
pub(super) fn hmac(key: &Secret, parts: &[&[u8]]) -> Secret {
    #[cfg(test)]
    work::count(1);
    // HMAC fills a key up to the block with zeros; a key of that length cannot be refused.
    let mut block = Key::<Hmac<Sha256>>::default();
    for (to, from) in block.iter_mut().zip(key.iter()) {
        *to = *from;
    }
    let mut mac = Hmac::<Sha256>::new(&block);
    block.as_mut_slice().zeroize();
    for part in parts {
        mac.update(part);
    }
    Zeroizing::new(mac.finalize().into_bytes().into())
}

/// SHA-256, for keys.
pub(super) fn sha256(key: &Secret) -> Secret {
    #[cfg(test)]
    work::count(1);
    Zeroizing::new(Sha256::digest(key.as_slice()).into())
}

/// How much was computed, for the tests that known and unknown users cost the same.
#[cfg(test)]
pub(super) mod work {
    use std::cell::Cell;

    thread_local! {
        static DONE: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn count(rounds: u32) {
        DONE.set(DONE.get() + u64::from(rounds));
    }

    /// Hash computations of this thread while `f` ran.
    pub(crate) fn of<T>(f: impl FnOnce() -> T) -> (T, u64) {
        let before = DONE.get();
        let result = f();
        (result, DONE.get() - before)
    }
}
