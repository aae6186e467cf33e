//! `001_ssltests`: what the server makes of a client's certificate (spec 9.3).

use super::row::Outcome::{Fails, Works};
use super::row::Row;
use super::row::Verdict::{ClientOnly, Pending};
use super::server::Setup;

const REVOKED: Setup = Setup::new("server-revoked");
const CN_ONLY: Setup = Setup::new("server-cn-only");
const ROOT_ONLY: Setup = CN_ONLY.ca("root_ca");
const USELESS: Setup = CN_ONLY.ca("server-cn-only");
const NO_CA: Setup = CN_ONLY.ca("");
const WRONG_CA: Setup = CN_ONLY.ca("root+server_ca");

const DEPTH: &str = "webpki does not say at which certificate of the chain it stopped, so the log names the client's own";

/// The cases, in PostgreSQL's order.
pub(super) const ROWS: &[Row] = &[
    Row::connect("T82", REVOKED, "no certificate", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb "), Fails("connection requires a valid client certificate")),
    Row::connect("T83", REVOKED, "certificate, PEM key", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key "), Works),
    Row::connect("T84", REVOKED, "certificate, DER key", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client-der.key"), Works),
    Row::connect("T85", REVOKED, "certificate, encrypted PEM key", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client-encrypted-pem.key sslpassword='dUmmyP^#+'"), Works),
    Row::connect("T86", REVOKED, "certificate, encrypted DER key", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client-encrypted-der.key sslpassword='dUmmyP^#+'"), Works),
    Row::connect("T87", REVOKED, "sslcertmode=require", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key sslcertmode=require"), Works).since(16),
    Row::connect("T88", REVOKED, "sslcertmode=allow", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key sslcertmode=allow"), Works).since(16),
    Row::connect("T89", REVOKED, "sslcertmode=disable", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key sslcertmode=disable"), Fails("connection requires a valid client certificate")).since(16),
    Row::connect("T90", REVOKED, "encrypted PEM key, wrong pass phrase", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client-encrypted-pem.key sslpassword=wrong"), Fails("bad decrypt")).client_only(),
    Row::connect("T91", REVOKED, "clientname=DN map=dn", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb_dn sslcert=client-dn.crt sslkey=client-dn.key "), Works).logs(&[(0, "connection authenticated: identity=\"CN=ssltestuser-dn,OU=Testing,OU=Engineering,O=PGDG\" method=cert")]),
    Row::connect("T92", REVOKED, "clientname=DN, map with a regular expression", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb_dn_re sslcert=client-dn.crt sslkey=client-dn.key "), Works).logs(&[(0, "connection authenticated: identity=\"CN=ssltestuser-dn,OU=Testing,OU=Engineering,O=PGDG\" method=cert")]),
    Row::connect("T93", REVOKED, "clientname=CN map=cn", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb_cn sslcert=client-dn.crt sslkey=client-dn.key "), Works).logs(&[(0, "connection authenticated: identity=\"CN=ssltestuser-dn,OU=Testing,OU=Engineering,O=PGDG\" method=cert")]),
    Row::elsewhere("T94", "encrypted PEM key, empty pass phrase", "skipped", ClientOnly("asks at a terminal")),
    Row::elsewhere("T95", "encrypted PEM key, no pass phrase", "skipped", ClientOnly("asks at a terminal")),
    Row::elsewhere("T96", "row of pg_stat_ssl with a client certificate", "the connection's TLS and the certificate's names", Pending(5)),
    Row::connect("T97", REVOKED, "key readable by the world", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client_wrongperms.key"), Fails("has group or world access")).client_only(),
    Row::connect("T98", REVOKED, "certificate of another user", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key user=anotheruser"), Fails("certificate authentication failed for user \"anotheruser\"")).logs(&[(0, "connection authenticated: identity=\"CN=ssltestuser\" method=cert")]),
    Row::elsewhere("T99", "revoked certificate, ssl_crl_file", "alert certificate revoked", Pending(4)),
    Row::connect("T100", REVOKED, "verify-full, right user", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=verifydb sslcert=client.crt sslkey=client.key "), Works).logs(&[(17, "connection authenticated: user=\"ssltestuser\" method=trust")]),
    Row::connect("T101", REVOKED, "verify-full, another user", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=verifydb sslcert=client.crt sslkey=client.key user=anotheruser"), Fails("\"trust\" authentication failed for user \"anotheruser\"")).does_not_log("connection authenticated:"),
    Row::connect("T102", REVOKED, "verify-ca, another user", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=verifydb sslcert=client.crt sslkey=client.key user=yetanotheruser"), Works).logs(&[(17, "connection authenticated: user=\"yetanotheruser\" method=trust")]),
    Row::connect("T103", ROOT_ONLY, "server trusts the root alone; certificate with its intermediate", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client+client_ca.crt sslkey=client.key"), Works),
    Row::connect("T104", ROOT_ONLY, "the same server; certificate alone", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key "), Fails("tlsv1 alert unknown ca")).logs(&[(16, "Client certificate verification failed at depth 0: unable to get local issuer certificate."), (16, "Failed certificate data (unverified): subject \"/CN=ssltestuser\", serial number ")]),
    Row::connect("T105", ROOT_ONLY, "the same server; certificate with a long name", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client-long.crt sslkey=client-long.key"), Fails("tlsv1 alert unknown ca")).logs(&[(16, "Failed certificate data (unverified): subject \".../CN=ssl-123456789012345678901234567890123456789012345678901234567890\", serial number ")]),
    Row::connect("T106", USELESS, "server trusts a useless certificate; certificate with its intermediate", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client+client_ca.crt sslkey=client.key"), Fails("tlsv1 alert unknown ca")).logs(&[(16, "Client certificate verification failed at depth 1: unable to get local issuer certificate."), (16, "Failed certificate data (unverified): subject \"/CN=Test CA for PostgreSQL SSL regression test client certs\", serial number ")]).logs_here("Client certificate verification failed at depth 0: unable to get local issuer certificate.", DEPTH),
    Row::elsewhere("T107", "revoked certificate, ssl_crl_dir", "alert certificate revoked", Pending(4)),
    Row::elsewhere("T108", "revoked certificate with a name in UTF-8", "the name escaped in the log", Pending(4)),
    Row::connect("T109", NO_CA, "server without a client CA; certificate", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key host=example.org sslcertmode=require"), Fails("client certificates can only be checked if a root certificate store is available")).since(16),
    Row::connect("T110", CN_ONLY, "server with the client CA; no certificate", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key host=example.org sslcertmode=disable"), Fails("connection requires a valid client certificate")).since(16),
    Row::connect("T111", CN_ONLY, "server with the client CA; certificate", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key host=example.org sslcertmode=require"), Works).since(16),
    Row::connect("T112", WRONG_CA, "server with the wrong CA; no certificate", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key host=example.org sslcertmode=disable"), Fails("connection requires a valid client certificate")).since(16),
    Row::connect("T113", WRONG_CA, "server with the wrong CA; certificate", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key host=example.org sslcertmode=require"), Fails("unknown ca")).since(16),
];
