//! A response of anybody about a certificate: nobody but its authority can say that it is good.
#![no_main]

use std::sync::LazyLock;
use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use pg_certs::CertificateAuthority;
use pg_certs::generate::{CaSpec, ServerSpec};
use pg_certs::ocsp::Inquiry;

/// About a certificate of an authority whose key is gone.
static INQUIRY: LazyLock<Inquiry> = LazyLock::new(|| {
    let ca = CertificateAuthority::create(&CaSpec::new("Fuzz CA")).unwrap();
    let server = ca.issue_server(&ServerSpec::new(["localhost"])).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let read = |name: &str, pem: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, pem).unwrap();
        pg_certs::load_certificate_chain(&path).unwrap()
    };
    let leaf = read("server.crt", server.chain_pem());
    Inquiry::new(&leaf[0], &read("ca.crt", &ca.certificate_pem())).unwrap()
});

fuzz_target!(|response: &[u8]| {
    let error = INQUIRY.verify(response, SystemTime::now()).unwrap_err();
    assert!(!error.to_string().is_empty());
});
