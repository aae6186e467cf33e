//! `002_scram`: SCRAM and channel binding (spec 9.4).

use super::row::Outcome::{Fails, Works};
use super::row::Row;
use super::server::{Access, Setup};

const SCRAM: Setup = Setup::new("server-cn-only").access(Access::Ssl("scram-sha-256"));
const RSA_PSS: Setup = Setup::new("server-rsapss").access(Access::Ssl("scram-sha-256"));
const PASSWORD: &[(&str, &str)] = &[("PGPASSWORD", "pass")];
const MD5: &str = "there is no MD5 here, neither as a method nor as a secret, so the user is asked for SCRAM and fails";

/// The cases, in PostgreSQL's order.
pub(super) const ROWS: &[Row] = &[
    Row::connect("T114", SCRAM, "SCRAM", concat!(inv!(), " sslmode=require host=localhost "), Works).environment(PASSWORD).logs(&[(0, "connection authenticated: identity=\"ssltestuser\" method=scram-sha-256")]),
    Row::connect("T115", SCRAM, "channel_binding=invalid_value", concat!(inv!(), " sslmode=require host=localhost channel_binding=invalid_value"), Fails("invalid channel_binding value: \"invalid_value\"")).environment(PASSWORD).client_only(),
    Row::connect("T116", SCRAM, "channel_binding=disable", concat!(inv!(), " sslmode=require host=localhost channel_binding=disable"), Works).environment(PASSWORD),
    Row::connect("T117", SCRAM, "channel_binding=require", concat!(inv!(), " sslmode=require host=localhost channel_binding=require"), Works).environment(PASSWORD),
    Row::connect("T118", SCRAM, "user with an MD5 secret, channel_binding=require", concat!(inv!(), " sslmode=require host=localhost user=md5testuser channel_binding=require"), Fails("channel binding required but not supported by server's authentication request")).environment(PASSWORD).ours(Fails("password authentication failed for user \"md5testuser\""), MD5),
    Row::connect("T119", SCRAM, "method cert, channel_binding=require", concat!(inv!(), " sslmode=require host=localhost dbname=certdb sslcert=client.crt sslkey=client.key channel_binding=require"), Fails("channel binding required, but server authenticated client without channel binding")).environment(PASSWORD),
    Row::connect("T120", SCRAM, "SCRAM and verify-full", concat!(inv!(), " sslmode=require host=localhost dbname=verifydb sslcert=client.crt sslkey=client.key"), Works).environment(PASSWORD).logs(&[(0, "connection authenticated: identity=\"ssltestuser\" method=scram-sha-256")]),
    Row::connect("T121", SCRAM, "channel_binding=disable require_auth=scram-sha-256", concat!(inv!(), " sslmode=require host=localhost channel_binding=disable require_auth=scram-sha-256"), Works).environment(PASSWORD).since(16),
    Row::connect("T122", SCRAM, "user with an MD5 secret, require_auth=md5 channel_binding=require", concat!(inv!(), " sslmode=require host=localhost user=md5testuser require_auth=md5 channel_binding=require"), Fails("channel binding required but not supported by server's authentication request")).environment(PASSWORD).since(16).ours(Fails("authentication method requirement"), MD5),
    Row::connect("T123", SCRAM, "channel_binding=require require_auth=scram-sha-256", concat!(inv!(), " sslmode=require host=localhost channel_binding=require require_auth=scram-sha-256"), Works).environment(PASSWORD).since(16),
    Row::connect("T124", RSA_PSS, "server certificate with an RSA-PSS signature, channel_binding=require", concat!(inv!(), " sslmode=require host=localhost channel_binding=require"), Works).environment(PASSWORD).logs(&[(0, "connection authenticated: identity=\"ssltestuser\" method=scram-sha-256")]),
];
