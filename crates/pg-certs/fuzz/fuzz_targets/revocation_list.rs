//! The DER of a revocation list: all that it says can be asked for, and it is read the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pg_certs::info::RevocationList;

fuzz_target!(|der: &[u8]| {
    match RevocationList::from_der(der) {
        Ok(list) => {
            let again = RevocationList::from_der(list.der()).unwrap();
            assert_eq!(list.number(), again.number());
            assert_eq!(list.revoked().len(), again.revoked().len());
            let _ = (list.issuer().rfc2253(), list.next_update_text());
            let _ = (
                list.this_update(),
                list.authority_key_id(),
                list.distribution_point(),
            );
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
