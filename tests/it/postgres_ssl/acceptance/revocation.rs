//! Revocation beyond PostgreSQL's own tests: the whole chain, expiry, lists of lists (spec 4.5).

use super::row::Outcome::{Fails, Works};
use super::row::Row;
use super::server::Setup;

const CN_ONLY: Setup = Setup::new("server-cn-only");
const CLIENT: &str = concat!(
    inv!(),
    " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key "
);
const LOGS_ROOT: &str = "Failed certificate data (unverified): subject \"/CN=Test root CA";
const LOGS_CLIENT_CA: &str = "Failed certificate data (unverified): subject \"/CN=Test CA for PostgreSQL SSL regression test client certs\"";

/// The cases.
pub(super) const ROWS: &[Row] = &[
    Row::connect(
        "no list of the root",
        CN_ONLY.revoked("client.crl", ""),
        "",
        CLIENT,
        Fails("alert unknown ca"),
    )
    .logs(&[
        (
            16,
            "verification failed at depth 1: unable to get certificate CRL.",
        ),
        (16, LOGS_CLIENT_CA),
    ]),
    Row::connect(
        "no list of the client's authority",
        CN_ONLY.revoked("root.crl", ""),
        "",
        CLIENT,
        Fails("alert unknown ca"),
    )
    .logs(&[(
        16,
        "verification failed at depth 0: unable to get certificate CRL.",
    )]),
    Row::connect(
        "expired list of the root",
        CN_ONLY.revoked("expired-root+client.crl", ""),
        "",
        CLIENT,
        Fails("alert certificate expired"),
    )
    .logs(&[(16, "verification failed at depth 1: CRL has expired.")]),
    Row::connect(
        "expired list of the client's authority",
        CN_ONLY.revoked("root+expired-client.crl", ""),
        "",
        CLIENT,
        Fails("alert certificate expired"),
    )
    .logs(&[(16, "verification failed at depth 0: CRL has expired.")]),
    Row::connect(
        "authority revoked by the root",
        CN_ONLY.revoked("root-revokes-client+client.crl", ""),
        "",
        CLIENT,
        Fails("alert certificate revoked"),
    )
    .logs(&[
        (16, "verification failed at depth 1: certificate revoked."),
        (16, LOGS_CLIENT_CA),
    ]),
    Row::connect(
        "root revoked by itself",
        CN_ONLY.revoked("root-revokes-root+client.crl", ""),
        "",
        CLIENT,
        Fails("alert certificate revoked"),
    )
    .logs(&[
        (16, "verification failed at depth 2: certificate revoked."),
        (16, LOGS_ROOT),
    ]),
    Row::connect(
        "an old list beside the newest",
        CN_ONLY.revoked("root-revokes-client+root+client.crl", ""),
        "",
        CLIENT,
        Works,
    ),
    Row::connect(
        "file and directory complete each other",
        CN_ONLY.revoked("root.crl", "client-crldir"),
        "",
        CLIENT,
        Works,
    ),
];
