//! Cases that no client of libpq decides: settings of the server, SQL functions, names, neighbours (spec 9.1, 9.5 to
//! 9.7).

use super::row::Outcome::{Fails, Works};
use super::row::Proof;
use super::row::Row;
use super::row::Verdict::{Differs, Pending, SameBy};
use super::server::Setup;

const CN_ONLY: Setup = Setup::new("server-cn-only");
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
    Row::elsewhere(
        "T2",
        "encrypted key, wrong pass phrase",
        "does not start",
        Pending(4),
    ),
    Row::elsewhere(
        "T3",
        "encrypted key, right pass phrase",
        "starts",
        Pending(4),
    ),
    Row::elsewhere("T4", "T3, connect", "works", Pending(4)),
    Row::elsewhere(
        "T5",
        "T3, reload without the pass phrase",
        "keeps the old key",
        Pending(4),
    ),
    Row::elsewhere(
        "T6",
        "encrypted key, pass phrase for reloads too",
        "starts, works",
        Pending(4),
    ),
    Row::elsewhere("T7", "T6, reload, connect", "works", Pending(4)),
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
pub(super) const SSLINFO: &[Row] = &[Row::elsewhere(
    "T125–T141",
    "functions of the extension sslinfo",
    "the connection's TLS",
    Differs(
        "sslinfo is an extension written in C for PostgreSQL; the engine has none of its functions. What a session knows of its TLS comes with pg_stat_ssl (issue 5)",
    ),
)];

/// `004_sni` (spec 9.6).
pub(super) const SNI: &[Row] = &[Row::elsewhere(
    "T142–T186",
    "`pg_hosts.conf` and `ssl_sni`",
    "a certificate for each name",
    Pending(4),
)];

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
