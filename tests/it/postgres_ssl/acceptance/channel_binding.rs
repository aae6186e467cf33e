//! What a certificate's signature makes of channel binding (spec 6.2; bugs E01, E02, case X30), by libpq's own word.

use super::row::Outcome::{Fails, Works};
use super::row::Row;
use super::server::{Access, Setup};

const PASSWORD: &[(&str, &str)] = &[("PGPASSWORD", "pass")];
const UNDEFINED: &str = "SCRAM-SHA-256-PLUS is not offered where no hash is defined";

const fn setup(certificate: &'static str) -> Setup {
    Setup::new(certificate).access(Access::Ssl("scram-sha-256"))
}

macro_rules! options {
    ($more:literal) => {
        concat!(inv!(), " sslmode=require host=localhost ", $more)
    };
}

const fn required(certificate: &'static str) -> Row {
    let options = options!("channel_binding=require");
    Row::connect("E01", setup(certificate), certificate, options, Works).environment(PASSWORD)
}

/// The hash is that of the certificate's signature, whatever the key; SHA-1 becomes SHA-256.
pub(super) const HASHES: &[Row] = &[
    required("signed-sha1-rsa"),
    required("signed-sha256-rsa"),
    required("signed-sha512-rsa"),
    required("signed-sha384-ecdsa"),
    required("signed-sha512-ecdsa"),
    // A P-256 key below an authority with P-384.
    required("signed-by-p384"),
];

const ED25519: Setup = setup("signed-ed25519");

/// Ed25519 signs without a hash, so that there is nothing to bind to.
pub(super) const NO_HASH: &[Row] = &[
    Row::connect("E02", ED25519, "default", options!(""), Fails("could not find digest for NID UNDEF"))
        .environment(PASSWORD)
        .ours(Works, UNDEFINED),
    Row::connect("E02", ED25519, "disable", options!("channel_binding=disable"), Works).environment(PASSWORD),
    Row::connect("E02", ED25519, "require", options!("channel_binding=require"), Fails("could not find digest for NID UNDEF"))
        .environment(PASSWORD)
        .ours(Fails("channel binding is required, but server did not offer an authentication method that supports channel binding"), UNDEFINED),
];
