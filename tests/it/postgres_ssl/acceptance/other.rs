//! Cases that no client of libpq decides: settings of the server, SQL functions, names, neighbours (spec 9.1, 9.5 to
//! 9.7).

use super::row::Outcome::{Fails, Works};
use super::row::Proof;
use super::row::Row;
use super::row::Verdict::{Differs, Pending, SameBy};
use super::server::Setup;

const CN_ONLY: Setup = Setup::new("server-cn-only");
const ENCRYPTED: Setup = CN_ONLY.key("server-password");
const ASKS_ONCE: Setup = ENCRYPTED.passphrase("echo secret1", false);
const ASKS_AGAIN: Setup = ENCRYPTED.passphrase("echo secret1", true);
const NO_PASSPHRASE: &str = "cannot be reloaded because it requires a passphrase";
const GOOD_ROOT: &str = concat!(
    inv!(),
    " sslrootcert=root+server_ca.crt sslmode=require host=common-name.pg-ssltest.test"
);
const NO_SSLINFO: &str = "sslinfo is an extension in C for PostgreSQL, and the engine has none of its functions; what a session knows of its TLS comes with pg_stat_ssl (issue 5)";
const NO_MODULES: &str = "there is no OpenSSL here that a loaded module could hook into";

/// `001_ssltests`: settings of the server (spec 9.1).
pub(super) const SETTINGS: &[Row] = &[
    Row::elsewhere(
        "T1",
        "`SHOW ssl_library`",
        "`OpenSSL`",
        Differs(
            "the library is rustls, and settings are no business of the engine's SQL; the server logs them at start",
        ),
    ),
    Row {
        id: "T2",
        about: "encrypted key, wrong pass phrase",
        proof: Proof::Fails(
            ENCRYPTED.passphrase("echo wrongpassword", false),
            "could not load private key file",
        ),
    },
    Row {
        id: "T3",
        about: "encrypted key, right pass phrase",
        proof: Proof::Starts(ASKS_ONCE.never_logs("could not load private key file")),
    },
    Row::connect("T4", ASKS_ONCE, "T3, connect", GOOD_ROOT, Works),
    Row::connect(
        "T5",
        ASKS_ONCE.reload(NO_PASSPHRASE),
        "T3, reload without the pass phrase, which keeps the old key",
        GOOD_ROOT,
        Works,
    ),
    Row::connect(
        "T6",
        ASKS_AGAIN,
        "encrypted key, pass phrase for reloads too",
        GOOD_ROOT,
        Works,
    ),
    Row::connect(
        "T7",
        ASKS_AGAIN
            .reload("reloading configuration files")
            .never_logs(NO_PASSPHRASE),
        "T6, reload, connect",
        GOOD_ROOT,
        Works,
    ),
    Row {
        id: "T8",
        about: "minimum TLSv1.2, maximum TLSv1.1",
        proof: Proof::Fails(
            CN_ONLY.versions("TLSv1.2", "TLSv1.1"),
            "ssl_max_protocol_version",
        ),
    },
    Row {
        id: "T9",
        about: "minimum TLSv1.2, no maximum",
        proof: Proof::Starts(CN_ONLY.versions("TLSv1.2", "")),
    },
    Row::elsewhere(
        "T10",
        "ssl_groups = 'bad:value'",
        "does not start",
        Pending(4),
    ),
];

/// `003_sslinfo` (spec 9.5).
pub(super) const SSLINFO: &[Row] = &[
    Row::elsewhere("T125", "connect", "ok", Differs(NO_SSLINFO)),
    Row::elsewhere("T126", "ssl_is_used()", "t", Differs(NO_SSLINFO)),
    Row::elsewhere(
        "T127",
        "ssl_version() with client min=max=TLSv1.2",
        "`TLSv1.2`",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T128",
        "ssl_cipher() = pg_stat_ssl.cipher",
        "t",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T129",
        "ssl_client_cert_present() with cert / trustdb without cert (1 of 2)",
        "t / f",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T130",
        "ssl_client_cert_present() with cert / trustdb without cert (2 of 2)",
        "t / f",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T131",
        "ssl_client_serial() = pg_stat_ssl.client_serial",
        "t",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T132",
        "ssl_client_dn_field('invalid')",
        "SQL error (psql exit 3)",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T133",
        "ssl_client_dn_field('commonName') without cert",
        "empty (NULL)",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T134",
        "'/CN=' || ssl_client_dn_field('commonName') = client_dn",
        "t",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T135",
        "ssl_issuer_dn() = issuer_dn",
        "t",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T136",
        "'/CN=' || ssl_issuer_field('commonName') = issuer_dn",
        "t",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T137",
        "ssl_extension_info() where name='basicConstraints'",
        "value `CA:FALSE`, critical t",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T138",
        "trustdb, cert_present with sslcertmode=allow / allow+sslcert=invalid / disable / require (1 of 4)",
        "t / f / f / t (16)",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T139",
        "trustdb, cert_present with sslcertmode=allow / allow+sslcert=invalid / disable / require (2 of 4)",
        "t / f / f / t (16)",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T140",
        "trustdb, cert_present with sslcertmode=allow / allow+sslcert=invalid / disable / require (3 of 4)",
        "t / f / f / t (16)",
        Differs(NO_SSLINFO),
    ),
    Row::elsewhere(
        "T141",
        "trustdb, cert_present with sslcertmode=allow / allow+sslcert=invalid / disable / require (4 of 4)",
        "t / f / f / t (16)",
        Differs(NO_SSLINFO),
    ),
];

/// Others (spec 9.7).
pub(super) const NEIGHBOURS: &[Row] = &[
    Row::elsewhere(
        "T187",
        "TLS and GSSAPI refused, then SSLRequest again",
        "`unsupported frontend protocol 1234.5679`",
        SameBy("encryption_requests::ssl_refused_gss_refused_then_ssl_is_a_version"),
    ),
    Row::elsewhere(
        "T188",
        "SSLRequest to a server without a free place",
        "`N`",
        SameBy("limits::limit_is_told_after_a_refusal"),
    ),
    Row::elsewhere(
        "T189",
        "pass phrase from a loaded module",
        "starts with the right one",
        Differs(NO_MODULES),
    ),
    Row::elsewhere(
        "T190",
        "the same with ssl_sni",
        "starts with a warning",
        Differs(NO_MODULES),
    ),
];

/// What PostgreSQL's own certificates are and ours are not (spec 11, item 1; bug C04).
pub(super) const VERSION_1: &[Row] = &[
    Row {
        id: "C04 server",
        about: "server certificate of X.509 version 1",
        proof: Proof::FailsHere(
            Setup::new("server-cn-only-version-1").key("server-cn-only"),
            "version 1",
            REISSUE,
        ),
    },
    Row::connect(
        "C04 client",
        CN_ONLY,
        "client certificate of X.509 version 1",
        concat!(
            inv!(),
            " sslmode=require dbname=certdb sslcert=client-version-1.crt sslkey=client.key"
        ),
        Works,
    )
    .ours(Fails("alert certificate unknown"), REISSUE)
    .logs_here("reissue the certificate as version 3", REISSUE),
];
const REISSUE: &str = "rustls knows version 3 alone; the guide and the message say to reissue";
