//! `004_sni`: certificates by host name (spec 9.6). PostgreSQL has them since 19, so these rows are held against ours
//! alone. Where PostgreSQL's test reloads a file that it has changed, a server starts with the changed file.

use super::row::Outcome::{Fails, Works};
use super::row::{Proof, Row};
use super::server::Setup;

/// libpq's options for a host, with the root that needs the intermediate to be sent.
macro_rules! at {
    ($host:literal) => {
        concat!(
            inv!(),
            " sslrootcert=root_ca.crt sslmode=verify-ca sslsni=1 host=",
            $host
        )
    };
}

/// libpq's options for a client with a certificate, or without.
macro_rules! client {
    ($host:literal, $rest:literal) => {
        concat!(
            inv!(),
            " dbname=certdb sslrootcert=root+server_ca.crt sslmode=require host=",
            $host,
            " ",
            $rest
        )
    };
}

const ENCRYPTED: &str = concat!(
    inv!(),
    " sslrootcert=root+server_ca.crt sslmode=require host=localhost"
);
const NO_HOST: &str = concat!(
    inv!(),
    " sslrootcert=root_ca.crt sslmode=verify-ca sslsni=1"
);
const REQUIRE: &str = concat!(
    inv!(),
    " sslrootcert=root+server_ca.crt sslmode=require sslsni=1"
);
const NO_SNI: &str = concat!(
    inv!(),
    " sslrootcert=root+server_ca.crt sslmode=require sslsni=0"
);

const CN_ONLY: Setup = Setup::new("server-cn-only");
const EMPTY: Setup = CN_ONLY.hosts("").sni(false);
const OFF: Setup = CN_ONLY
    .hosts("example.org server-cn-only+server_ca.crt server-cn-only.key root_ca.crt\n")
    .sni(false);
const MISSING: Setup = CN_ONLY.sni(true);
const DEFAULT: Setup = CN_ONLY.hosts("* server-cn-only.crt server-cn-only.key\n");
const ONE: Setup = CN_ONLY.hosts(
    "* server-cn-only.crt server-cn-only.key\n\
     example.org server-cn-only+server_ca.crt server-cn-only.key root_ca.crt\n",
);
const LIST: Setup = CN_ONLY.hosts(
    "example.org,example.com,example.net server-cn-only+server_ca.crt server-cn-only.key root_ca.crt\n",
);
const FILE: Setup = CN_ONLY.hosts(
    "example.org,@hostnames.txt server-cn-only+server_ca.crt server-cn-only.key root_ca.crt\n",
);
const MIXED: Setup =
    CN_ONLY.hosts("example.org,*,example.net server-cn-only.crt server-cn-only.key\n");
const DEFAULTS: Setup = CN_ONLY
    .hosts("* server-cn-only.crt server-cn-only.key\n* server-cn-only.crt server-cn-only.key\n");
const NO_SNIS: Setup = CN_ONLY.hosts(
    "/no_sni/ server-cn-only.crt server-cn-only.key\n/no_sni/ server-cn-only.crt server-cn-only.key\n",
);
const TWICE: Setup = CN_ONLY.hosts(
    "example.org server-cn-only.crt server-cn-only.key\nexample.org server-cn-only.crt server-cn-only.key\n",
);
const TWICE_IN_A_LIST: Setup = CN_ONLY.hosts(
    "example.org server-cn-only.crt server-cn-only.key\n\
     example.net,example.com,Example.org server-cn-only.crt server-cn-only.key\n",
);
const ONLY_ONE: Setup =
    CN_ONLY.hosts("example.org server-cn-only+server_ca.crt server-cn-only.key root_ca.crt\n");
const WRONG_PASSPHRASE: Setup = CN_ONLY.hosts(
    "localhost server-cn-only.crt server-password.key root+client_ca.crt \"echo wrongpassword\" on\n",
);
const PASSPHRASE: Setup = CN_ONLY.hosts(
    "localhost server-cn-only.crt server-password.key root+client_ca.crt \"echo secret1\" on\n",
);
const PASSPHRASE_ONCE: Setup = CN_ONLY.hosts(
    "localhost server-cn-only.crt server-password.key root+client_ca.crt \"echo secret1\" off\n",
);
const ONLY_NO_SNI: Setup = CN_ONLY.hosts("/no_sni/ server-cn-only.crt server-cn-only.key\n");
const CLIENT_CAS: Setup = CN_ONLY.hosts(
    "* server-cn-only.crt server-cn-only.key root+client_ca.crt\n\
     example.org server-cn-only.crt server-cn-only.key\n\
     example.com server-cn-only.crt server-cn-only.key root+client_ca.crt\n\
     example.net server-cn-only.crt server-cn-only.key root+server_ca.crt\n",
);
const EXTRA: Setup = CN_ONLY.hosts(
    "example.org server-cn-only.crt server-cn-only.key root+client_ca.crt \"echo secret1\" on TRUE more\n",
);
const NO_BOOLEAN: Setup = CN_ONLY.hosts(
    "example.org server-cn-only.crt server-cn-only.key root+client_ca.crt \"echo secret1\" notabool\n",
);

const RELOADED: &str = "configuration was reloaded";
const NOT_RELOADABLE: &str = "cannot be reloaded because it requires a passphrase";
const NO_STORE: &str =
    "client certificates can only be checked if a root certificate store is available";
const NO_CERTIFICATE: &str = "connection requires a valid client certificate";
const UNKNOWN: &str = "unrecognized name";
const UNVERIFIED: &str = "certificate verify failed";

const fn does_not_start(
    id: &'static str,
    about: &'static str,
    setup: Setup,
    says: &'static str,
) -> Row {
    Row {
        id,
        about,
        proof: Proof::Fails(setup, says),
    }
}

/// The rows.
pub(super) const ROWS: &[Row] = &[
    Row::connect(
        "T142",
        EMPTY,
        "empty file, ssl_sni=off; require",
        REQUIRE,
        Works,
    ),
    Row::connect(
        "T143",
        EMPTY,
        "same; no intermediate is sent, root_ca, verify-ca",
        NO_HOST,
        Fails(UNVERIFIED),
    ),
    Row::connect(
        "T144",
        OFF,
        "line for example.org, ssl_sni=off; require",
        REQUIRE,
        Works,
    ),
    Row::connect(
        "T145",
        MISSING,
        "ssl_sni=on, no file: the settings serve all; require",
        REQUIRE,
        Works,
    ),
    Row::connect("T146", DEFAULT, "`*`; require", REQUIRE, Works),
    Row::connect(
        "T147",
        DEFAULT,
        "same; root_ca, verify-ca",
        NO_HOST,
        Fails(UNVERIFIED),
    ),
    Row::connect(
        "T148",
        ONE,
        "`*`, and example.org with its intermediate; host=example.org, verify-ca",
        at!("example.org"),
        Works,
    ),
    Row::connect(
        "T149",
        ONE,
        "same; host=Example.ORG",
        at!("Example.ORG"),
        Works,
    ),
    Row::connect(
        "T150",
        ONE,
        "same; host=example.org, sslrootcert=invalid",
        concat!(inv!(), " sslmode=verify-ca sslsni=1 host=example.org"),
        Fails("root certificate file \"invalid\" does not exist"),
    )
    .client_only(),
    Row::connect(
        "T151",
        ONE,
        "same; no host: the default certificate, verify-ca",
        NO_HOST,
        Fails(UNVERIFIED),
    ),
    Row::connect("T152", ONE, "same; no host, require", REQUIRE, Works),
    Row::connect(
        "T153",
        LIST,
        "example.org,example.com,example.net; host=example.org, verify-ca",
        at!("example.org"),
        Works,
    ),
    Row::connect(
        "T154",
        LIST,
        "same; host=example.com",
        at!("example.com"),
        Works,
    ),
    Row::connect(
        "T155",
        LIST,
        "same; host=example.net",
        at!("example.net"),
        Works,
    ),
    Row::connect(
        "T156",
        LIST,
        "same; host=example.se",
        at!("example.se"),
        Fails(UNKNOWN),
    ),
    Row::connect(
        "T157",
        FILE,
        "example.org,@hostnames.txt; host=example.org, verify-ca",
        at!("example.org"),
        Works,
    ),
    Row::connect(
        "T158",
        FILE,
        "same; host=example.com",
        at!("example.com"),
        Works,
    ),
    Row::connect(
        "T159",
        FILE,
        "same; host=example.net",
        at!("example.net"),
        Works,
    ),
    Row::connect(
        "T160",
        FILE,
        "same; host=example.se",
        at!("example.se"),
        Fails(UNKNOWN),
    ),
    does_not_start(
        "T161",
        "example.org,*,example.net",
        MIXED,
        "default and non-SNI entries cannot be mixed with other entries",
    ),
    does_not_start(
        "T162",
        "two lines `*`",
        DEFAULTS,
        "multiple default hosts specified",
    ),
    does_not_start(
        "T163",
        "two lines `/no_sni/`",
        NO_SNIS,
        "multiple no_sni hosts specified",
    ),
    does_not_start(
        "T164",
        "example.org on two lines",
        TWICE,
        "multiple entries for host \"example.org\" specified",
    ),
    does_not_start(
        "T165",
        "the second is `Example.org` in a list",
        TWICE_IN_A_LIST,
        "multiple entries for host \"Example.org\" specified",
    ),
    Row::connect(
        "T166",
        ONLY_ONE,
        "only example.org; sslsni=0",
        NO_SNI,
        Fails("handshake failure"),
    ),
    Row::connect(
        "T167",
        ONLY_ONE,
        "same; host=example.com",
        at!("example.com"),
        Fails(UNKNOWN),
    ),
    Row::connect(
        "T168",
        ONLY_ONE,
        "same; host=example",
        at!("example"),
        Fails(UNKNOWN),
    ),
    does_not_start(
        "T169",
        "localhost with an encrypted key, `echo wrongpassword`",
        WRONG_PASSPHRASE,
        "could not load private key file",
    ),
    Row {
        id: "T170",
        about: "localhost with an encrypted key, `echo secret1`, on",
        proof: Proof::Starts(PASSPHRASE),
    },
    Row::connect("T171", PASSPHRASE, "same; connect", ENCRYPTED, Works),
    Row::connect(
        "T172",
        PASSPHRASE.reloads(2, RELOADED),
        "same; reload twice, connect",
        ENCRYPTED,
        Works,
    ),
    Row::connect(
        "T173",
        PASSPHRASE.reloads(4, RELOADED),
        "same; reload four times, connect",
        ENCRYPTED,
        Works,
    ),
    Row {
        id: "T174",
        about: "`echo secret1`, off",
        proof: Proof::Starts(PASSPHRASE_ONCE.never_logs(NOT_RELOADABLE)),
    },
    Row::connect("T175", PASSPHRASE_ONCE, "same; connect", ENCRYPTED, Works),
    Row::connect(
        "T176",
        PASSPHRASE_ONCE.reload(NOT_RELOADABLE),
        "same; reload, which logs `cannot be reloaded because it requires a passphrase`; connect",
        ENCRYPTED,
        Works,
    ),
    Row::connect(
        "T177",
        ONLY_NO_SNI,
        "only `/no_sni/`; sslsni=0",
        NO_SNI,
        Works,
    ),
    Row::connect(
        "T178",
        ONLY_NO_SNI,
        "same; host=example.org",
        at!("example.org"),
        Fails(UNKNOWN),
    ),
    Row::connect(
        "T179",
        CLIENT_CAS,
        "ssl_ca_file, and a client CA for `*` alone; host=example.org, client certificate",
        client!(
            "example.org",
            "sslcertmode=require sslcert=client.crt sslkey=client.key"
        ),
        Fails(NO_STORE),
    )
    .since(16),
    Row::connect(
        "T180",
        CLIENT_CAS,
        "example.com with the client CA; no certificate",
        client!("example.com", "sslcertmode=disable"),
        Fails(NO_CERTIFICATE),
    )
    .since(16),
    Row::connect(
        "T181",
        CLIENT_CAS,
        "same; client certificate",
        client!(
            "example.com",
            "sslcertmode=require sslcert=client.crt sslkey=client.key"
        ),
        Works,
    )
    .since(16),
    Row::connect(
        "T182",
        CLIENT_CAS,
        "example.net with the server CA; no certificate",
        client!("example.net", "sslcertmode=disable"),
        Fails(NO_CERTIFICATE),
    )
    .since(16),
    Row::connect(
        "T183",
        CLIENT_CAS,
        "same; client certificate",
        client!(
            "example.net",
            "sslcertmode=require sslcert=client.crt sslkey=client.key"
        ),
        Fails("unknown ca"),
    )
    .since(16),
    Row::connect(
        "T184",
        CLIENT_CAS.revoked("", "root+client-crldir"),
        "ssl_crl_dir for all; host=example.com, revoked client certificate",
        client!(
            "example.com",
            "sslcert=client-revoked.crt sslkey=client-revoked.key"
        ),
        Fails("certificate revoked"),
    ),
    does_not_start(
        "T185",
        "fields behind the boolean",
        EXTRA,
        "extra fields at end of line",
    ),
    does_not_start(
        "T186",
        "a boolean that is none",
        NO_BOOLEAN,
        "incorrect syntax for boolean value SSL_passphrase_cmd_reload",
    ),
];
