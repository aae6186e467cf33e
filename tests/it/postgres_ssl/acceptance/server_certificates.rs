//! `001_ssltests`: what a client makes of the server's certificate (spec 9.2).

use super::row::Outcome::{Fails, Works, WorksSaying};
use super::row::Row;
use super::row::Verdict::Pending;
use super::server::Setup;

const CN_ONLY: Setup = Setup::new("server-cn-only");
const IP_CN_ONLY: Setup = Setup::new("server-ip-cn-only");
const IP_IN_DNSNAME: Setup = Setup::new("server-ip-in-dnsname");
const MULTIPLE_ALT_NAMES: Setup = Setup::new("server-multiple-alt-names");
const SINGLE_ALT_NAME: Setup = Setup::new("server-single-alt-name");
const IP_ALT_NAMES: Setup = Setup::new("server-ip-alt-names");
const CN_AND_ALT_NAMES: Setup = Setup::new("server-cn-and-alt-names");
const CN_AND_IP_ALT_NAMES: Setup = Setup::new("server-cn-and-ip-alt-names");
const IP_CN_AND_ALT_NAMES: Setup = Setup::new("server-ip-cn-and-alt-names");
const IP_CN_AND_DNS_ALT_NAMES: Setup = Setup::new("server-ip-cn-and-dns-alt-names");
const NO_NAMES: Setup = Setup::new("server-no-names");
const CHAIN: Setup = Setup::new("server-cn-only+server_ca")
    .key("server-cn-only")
    .ca("root_ca");
const REVOKED: Setup = Setup::new("server-revoked");
const SYSTEM_ROOT: &[(&str, &str)] = &[("SSL_CERT_FILE", "root_ca.crt")];

/// The cases, in PostgreSQL's order.
pub(super) const ROWS: &[Row] = &[
    Row::connect("T11", CN_ONLY, "good root, require, sslkeylogfile=keys.txt", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=require sslkeylogfile=keys.txt"), WorksSaying("")).since(18),
    Row::connect("T12", CN_ONLY, "sslkeylogfile in a missing directory", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=require sslkeylogfile=missing/keys.txt"), WorksSaying("could not open")).since(18),
    Row::connect("T13", CN_ONLY, "sslmode=disable", concat!(inv!(), " host=common-name.pg-ssltest.test sslmode=disable"), Fails("no pg_hba.conf entry")),
    Row::connect("T14", CN_ONLY, "sslrootcert=invalid, require", concat!(inv!(), " host=common-name.pg-ssltest.test sslmode=require"), Works),
    Row::connect("T15", CN_ONLY, "sslrootcert=invalid, verify-ca", concat!(inv!(), " host=common-name.pg-ssltest.test sslmode=verify-ca"), Fails("root certificate file \"invalid\" does not exist")).client_only(),
    Row::connect("T16", CN_ONLY, "sslrootcert=invalid, verify-full", concat!(inv!(), " host=common-name.pg-ssltest.test sslmode=verify-full"), Fails("root certificate file \"invalid\" does not exist")).client_only(),
    Row::connect("T17", CN_ONLY, "root certificate of another CA, require", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=client_ca.crt sslmode=require"), Fails("SSL error: certificate verify failed")),
    Row::connect("T18", CN_ONLY, "root certificate of another CA, verify-ca", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=client_ca.crt sslmode=verify-ca"), Fails("SSL error: certificate verify failed")),
    Row::connect("T19", CN_ONLY, "root certificate of another CA, verify-full", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=client_ca.crt sslmode=verify-full"), Fails("SSL error: certificate verify failed")),
    Row::connect("T20", CN_ONLY, "intermediate as root certificate, verify-ca", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=server_ca.crt sslmode=verify-ca"), Fails("SSL error: certificate verify failed")),
    Row::connect("T21", CN_ONLY, "good root, require", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=require"), Works),
    Row::connect("T22", CN_ONLY, "good root, verify-ca", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=verify-ca"), Works),
    Row::connect("T23", CN_ONLY, "good root, verify-full", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=verify-full"), Works),
    Row::connect("T24", CN_ONLY, "both CAs in one file, order 1, verify-ca", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=both-cas-1.crt sslmode=verify-ca"), Works),
    Row::connect("T25", CN_ONLY, "both CAs in one file, order 2, verify-ca", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=both-cas-2.crt sslmode=verify-ca"), Works),
    Row::connect("T26", CN_ONLY, "sslcertmode=disable", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=require sslcertmode=disable"), Works).since(16),
    Row::connect("T27", CN_ONLY, "sslcertmode=allow", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=require sslcertmode=allow"), Works).since(16),
    Row::connect("T28", CN_ONLY, "sslcertmode=require without a certificate", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=require sslcertmode=require"), Fails("server accepted connection without a valid SSL certificate")).since(16),
    Row::connect("T29", CN_ONLY, "verify-ca, sslcrl=invalid", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=verify-ca sslcrl=invalid"), Works),
    Row::connect("T30", CN_ONLY, "verify-ca, CRL of another CA", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=verify-ca sslcrl=client.crl"), Fails("SSL error: certificate verify failed")),
    Row::connect("T31", CN_ONLY, "verify-ca, CRL directory of another CA", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=verify-ca sslcrl='' sslcrldir=client-crldir"), Fails("SSL error: certificate verify failed")),
    Row::connect("T32", CN_ONLY, "verify-ca, right CRL", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=verify-ca sslcrl=root+server.crl"), Works),
    Row::connect("T33", CN_ONLY, "verify-ca, right CRL directory", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt sslmode=verify-ca sslcrl='' sslcrldir=root+server-crldir"), Works),
    Row::connect("T34", CN_ONLY, "wrong host, require", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt host=wronghost.test sslmode=require"), Works),
    Row::connect("T35", CN_ONLY, "wrong host, verify-ca", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt host=wronghost.test sslmode=verify-ca"), Works),
    Row::connect("T36", CN_ONLY, "wrong host, verify-full", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=root+server_ca.crt host=wronghost.test sslmode=verify-full"), Fails("server certificate for \"common-name.pg-ssltest.test\" does not match host name \"wronghost.test\"")),
    Row::connect("T37", IP_CN_ONLY, "server-ip-cn-only, verify-full, host=192.0.2.1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=192.0.2.1 sslsni=0"), Works),
    Row::connect("T38", IP_CN_ONLY, "server-ip-cn-only, verify-full, host=192.000.002.001 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=192.000.002.001 sslsni=0"), Fails("server certificate for \"192.0.2.1\" does not match host name \"192.000.002.001\"")),
    Row::connect("T39", IP_IN_DNSNAME, "server-ip-in-dnsname, verify-full, host=192.0.2.1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=192.0.2.1 sslsni=0"), Works),
    Row::connect("T40", MULTIPLE_ALT_NAMES, "server-multiple-alt-names, verify-full, host=dns1.alt-name.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=dns1.alt-name.pg-ssltest.test"), Works),
    Row::connect("T41", MULTIPLE_ALT_NAMES, "server-multiple-alt-names, verify-full, host=dns2.alt-name.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=dns2.alt-name.pg-ssltest.test"), Works),
    Row::connect("T42", MULTIPLE_ALT_NAMES, "server-multiple-alt-names, verify-full, host=foo.wildcard.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=foo.wildcard.pg-ssltest.test"), Works),
    Row::connect("T43", MULTIPLE_ALT_NAMES, "server-multiple-alt-names, verify-full, host=wronghost.alt-name.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=wronghost.alt-name.pg-ssltest.test"), Fails("server certificate for \"dns1.alt-name.pg-ssltest.test\" (and 2 other names) does not match host name \"wronghost.alt-name.pg-ssltest.test\"")),
    Row::connect("T44", MULTIPLE_ALT_NAMES, "server-multiple-alt-names, verify-full, host=deep.subdomain.wildcard.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=deep.subdomain.wildcard.pg-ssltest.test"), Fails("server certificate for \"dns1.alt-name.pg-ssltest.test\" (and 2 other names) does not match host name \"deep.subdomain.wildcard.pg-ssltest.test\"")),
    Row::connect("T45", SINGLE_ALT_NAME, "server-single-alt-name, verify-full, host=single.alt-name.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=single.alt-name.pg-ssltest.test"), Works),
    Row::connect("T46", SINGLE_ALT_NAME, "server-single-alt-name, verify-full, host=wronghost.alt-name.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=wronghost.alt-name.pg-ssltest.test"), Fails("server certificate for \"single.alt-name.pg-ssltest.test\" does not match host name \"wronghost.alt-name.pg-ssltest.test\"")),
    Row::connect("T47", SINGLE_ALT_NAME, "server-single-alt-name, verify-full, host=deep.subdomain.wildcard.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=deep.subdomain.wildcard.pg-ssltest.test"), Fails("server certificate for \"single.alt-name.pg-ssltest.test\" does not match host name \"deep.subdomain.wildcard.pg-ssltest.test\"")),
    Row::connect("T48", IP_ALT_NAMES, "server-ip-alt-names, verify-full, host=192.0.2.1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=192.0.2.1 sslsni=0"), Works),
    Row::connect("T49", IP_ALT_NAMES, "server-ip-alt-names, verify-full, host=192.000.002.001 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=192.000.002.001 sslsni=0"), Works),
    Row::connect("T50", IP_ALT_NAMES, "server-ip-alt-names, verify-full, host=192.0.2.2 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=192.0.2.2 sslsni=0"), Fails("server certificate for \"192.0.2.1\" (and 1 other name) does not match host name \"192.0.2.2\"")),
    Row::connect("T51", IP_ALT_NAMES, "server-ip-alt-names, verify-full, host=2001:DB8::1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=2001:DB8::1 sslsni=0"), Works),
    Row::connect("T52", IP_ALT_NAMES, "server-ip-alt-names, verify-full, host=2001:db8:0:0:0:0:0:1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=2001:db8:0:0:0:0:0:1 sslsni=0"), Works),
    Row::connect("T53", IP_ALT_NAMES, "server-ip-alt-names, verify-full, host=2001:db8::0.0.0.1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=2001:db8::0.0.0.1 sslsni=0"), Works),
    Row::connect("T54", IP_ALT_NAMES, "server-ip-alt-names, verify-full, host=::1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=::1 sslsni=0"), Fails("server certificate for \"192.0.2.1\" (and 1 other name) does not match host name \"::1\"")),
    Row::connect("T55", IP_ALT_NAMES, "server-ip-alt-names, verify-full, host=2001:DB8::1/128 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=2001:DB8::1/128 sslsni=0"), Fails("server certificate for \"192.0.2.1\" (and 1 other name) does not match host name \"2001:DB8::1/128\"")),
    Row::connect("T56", CN_AND_ALT_NAMES, "server-cn-and-alt-names, verify-full, host=dns1.alt-name.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=dns1.alt-name.pg-ssltest.test"), Works),
    Row::connect("T57", CN_AND_ALT_NAMES, "server-cn-and-alt-names, verify-full, host=dns2.alt-name.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=dns2.alt-name.pg-ssltest.test"), Works),
    Row::connect("T58", CN_AND_ALT_NAMES, "server-cn-and-alt-names, verify-full, host=common-name.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=common-name.pg-ssltest.test"), Fails("server certificate for \"dns1.alt-name.pg-ssltest.test\" (and 1 other name) does not match host name \"common-name.pg-ssltest.test\"")),
    Row::connect("T59", CN_AND_IP_ALT_NAMES, "server-cn-and-ip-alt-names, verify-full, host=common-name.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=common-name.pg-ssltest.test"), Works),
    Row::connect("T60", CN_AND_IP_ALT_NAMES, "server-cn-and-ip-alt-names, verify-full, host=192.0.2.1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=192.0.2.1 sslsni=0"), Works),
    Row::connect("T61", CN_AND_IP_ALT_NAMES, "server-cn-and-ip-alt-names, verify-full, host=2001:db8::1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=2001:db8::1 sslsni=0"), Works),
    Row::connect("T62", IP_CN_AND_ALT_NAMES, "server-ip-cn-and-alt-names, verify-full, host=192.0.2.2 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=192.0.2.2 sslsni=0"), Works),
    Row::connect("T63", IP_CN_AND_ALT_NAMES, "server-ip-cn-and-alt-names, verify-full, host=2001:db8::1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=2001:db8::1 sslsni=0"), Works),
    Row::connect("T64", IP_CN_AND_ALT_NAMES, "server-ip-cn-and-alt-names, verify-full, host=192.0.2.1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=192.0.2.1 sslsni=0"), Fails("server certificate for \"192.0.2.2\" (and 1 other name) does not match host name \"192.0.2.1\"")),
    Row::connect("T65", IP_CN_AND_DNS_ALT_NAMES, "server-ip-cn-and-dns-alt-names, verify-full, host=192.0.2.1 sslsni=0", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=192.0.2.1 sslsni=0"), Works),
    Row::connect("T66", IP_CN_AND_DNS_ALT_NAMES, "server-ip-cn-and-dns-alt-names, verify-full, host=dns1.alt-name.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=dns1.alt-name.pg-ssltest.test"), Works),
    Row::connect("T67", IP_CN_AND_DNS_ALT_NAMES, "server-ip-cn-and-dns-alt-names, verify-full, host=dns2.alt-name.pg-ssltest.test", concat!(inv!(), " sslrootcert=root+server_ca.crt sslmode=verify-full host=dns2.alt-name.pg-ssltest.test"), Works),
    Row::connect("T68", NO_NAMES, "server-no-names, verify-ca", concat!(inv!(), " sslrootcert=root+server_ca.crt host=common-name.pg-ssltest.test sslmode=verify-ca"), Works),
    Row::connect("T69", NO_NAMES, "server-no-names, verify-full", concat!(inv!(), " sslrootcert=root+server_ca.crt host=common-name.pg-ssltest.test sslmode=verify-full"), Fails("could not get server's host name from server certificate")),
    Row::connect("T70", CHAIN, "server sends its intermediate; sslrootcert=system, verify-full", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=system sslmode=verify-full"), Fails("SSL error: certificate verify failed")).since(16),
    Row::connect("T71", CHAIN, "sslrootcert=system, verify-ca", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=system sslmode=verify-ca"), Fails("weak sslmode \"verify-ca\" may not be used with sslrootcert=system")).since(16).client_only(),
    Row::connect("T72", CHAIN, "SSL_CERT_FILE=root, sslrootcert=system, verify-full", concat!(inv!(), " host=common-name.pg-ssltest.test sslrootcert=system sslmode=verify-full"), Works).since(16).environment(SYSTEM_ROOT),
    Row::connect("T73", CHAIN, "the same without sslmode, wrong host", concat!(inv!(), " sslrootcert=system host=common-name.pg-ssltest.test.bad"), Fails("server certificate for \"common-name.pg-ssltest.test\" does not match host name \"common-name.pg-ssltest.test.bad\"")).since(16).environment(SYSTEM_ROOT),
    Row::connect("T74", REVOKED, "server-revoked, no CRL, verify-ca", concat!(inv!(), " sslrootcert=root+server_ca.crt host=common-name.pg-ssltest.test sslmode=verify-ca"), Works),
    Row::connect("T75", REVOKED, "server-revoked, CRL, verify-ca", concat!(inv!(), " sslrootcert=root+server_ca.crt host=common-name.pg-ssltest.test sslmode=verify-ca sslcrl=root+server.crl"), Fails("SSL error: certificate verify failed")),
    Row::connect("T76", REVOKED, "server-revoked, CRL directory, verify-ca", concat!(inv!(), " sslrootcert=root+server_ca.crt host=common-name.pg-ssltest.test sslmode=verify-ca sslcrl='' sslcrldir=root+server-crldir"), Fails("SSL error: certificate verify failed")),
    Row::elsewhere("T77", "row of pg_stat_ssl without a client certificate", "the connection's TLS", Pending(5)),
    Row::connect("T78", REVOKED, "client speaks TLS 1.2 only", concat!(inv!(), " sslrootcert=root+server_ca.crt host=common-name.pg-ssltest.test sslmode=require ssl_min_protocol_version=TLSv1.2 ssl_max_protocol_version=TLSv1.2"), Works),
    Row::connect("T79", REVOKED, "client: minimum 1.2, maximum 1.1", concat!(inv!(), " sslrootcert=root+server_ca.crt host=common-name.pg-ssltest.test sslmode=require ssl_min_protocol_version=TLSv1.2 ssl_max_protocol_version=TLSv1.1"), Fails("invalid SSL protocol version range")).client_only(),
    Row::connect("T80", REVOKED, "client: ssl_min_protocol_version=incorrect_tls", concat!(inv!(), " sslrootcert=root+server_ca.crt host=common-name.pg-ssltest.test sslmode=require ssl_min_protocol_version=incorrect_tls"), Fails("value: \"incorrect_tls\"")).client_only(),
    Row::connect("T81", REVOKED, "client: ssl_max_protocol_version=incorrect_tls", concat!(inv!(), " sslrootcert=root+server_ca.crt host=common-name.pg-ssltest.test sslmode=require ssl_max_protocol_version=incorrect_tls"), Fails("value: \"incorrect_tls\"")).client_only(),
];
