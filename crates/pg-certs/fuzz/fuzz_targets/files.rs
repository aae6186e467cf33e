//! A file in the place of a certificate, a key or a revocation list: it is read, or the error says how to mend it.
#![no_main]

use std::cell::RefCell;
use std::fs;

use libfuzzer_sys::fuzz_target;
use pg_certs::inspect::inspect;
use pg_certs::load::KeyInFile;
use pg_certs::{
    LoadError, load_certificate_chain, load_revocation_lists, load_trust_anchors, read_private_key,
};
use tempfile::NamedTempFile;

thread_local! {
    static FILE: RefCell<NamedTempFile> = RefCell::new(NamedTempFile::new().unwrap());
}

fuzz_target!(|content: &[u8]| {
    FILE.with_borrow(|file| {
        let path = file.path();
        fs::write(path, content).unwrap();
        check(load_certificate_chain(path), Vec::is_empty);
        check(load_trust_anchors(path), Vec::is_empty);
        check(load_revocation_lists(path), Vec::is_empty);
        check(inspect(path), Vec::is_empty);
        if let Some(KeyInFile::Encrypted(key)) = check(read_private_key(path), |_| false) {
            check(key.open(b"secret1"), |_| false);
        }
    });
});

/// What was read is something, and what was not is explained.
fn check<T>(read: Result<T, LoadError>, is_nothing: impl Fn(&T) -> bool) -> Option<T> {
    match read {
        Ok(read) => {
            assert!(!is_nothing(&read));
            Some(read)
        }
        Err(error) => {
            assert!(!error.to_string().is_empty() && !error.cure().is_empty());
            None
        }
    }
}
