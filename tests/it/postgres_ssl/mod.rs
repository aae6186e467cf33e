//! The startup phase and TLS, byte for byte. Each topic is a table of cases that run against our server one test at a
//! time, and all together against a real PostgreSQL in `oracle`.

mod acceptance;
mod access;
mod back_pressure;
mod bug_reports;
mod cancel;
mod client_certs;
mod conformance;
mod direct_tls;
mod encryption_requests;
mod framing;
mod injection;
mod limits;
mod modes;
mod oracle;
mod reload;
mod resumption;
mod scram;
mod shutdown;
mod sni;
mod startup;
mod timeouts;
mod version_negotiation;

use heliosdb_tests::case::Case;

/// All tables of cases.
const TOPICS: [(&str, &[Case]); 16] = [
    ("startup", startup::CASES),
    ("encryption_requests", encryption_requests::CASES),
    ("version_negotiation", version_negotiation::CASES),
    ("cancel", cancel::CASES),
    ("direct_tls", direct_tls::CASES),
    ("injection", injection::CASES),
    ("modes", modes::CASES),
    ("client_certs", client_certs::CASES),
    ("timeouts", timeouts::CASES),
    ("limits", limits::CASES),
    ("shutdown", shutdown::CASES),
    ("framing", framing::CASES),
    ("resumption", resumption::CASES),
    ("sni", sni::CASES),
    ("scram", scram::CASES),
    ("access", access::CASES),
];
