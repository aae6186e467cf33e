//! A users file: what is read is found again, and what is not is explained from top to bottom.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pg_auth::scram::Verifier;
use pg_auth::users::{Users, check_name};

fuzz_target!(|text: &[u8]| {
    match Users::parse(text) {
        Ok(users) => {
            for user in users.iter() {
                check_name(user.name()).unwrap();
                let found = users.verifier(user.name().as_bytes()).unwrap().to_string();
                assert_eq!(found, user.verifier().to_string());
                assert_eq!(found.parse::<Verifier>().unwrap().to_string(), found);
            }
        }
        Err(faults) => {
            assert!(!faults.is_empty());
            assert!(faults.is_sorted_by(|one, other| one.line < other.line));
            let _ = faults.iter().map(|fault| fault.kind.to_string()).count();
        }
    }
});
