//! How to connect to a server with development certificates.

use std::net::SocketAddr;
use std::path::Path;

/// The command that connects psql, checking as much as the generated certificate allows: it is for
/// this machine's loopback names.
pub(super) fn psql(address: SocketAddr, root: &Path) -> String {
    let ip = address.ip().to_canonical();
    let root = quoted(&root.display().to_string());
    let (host, tls) = if ip.is_loopback() || ip.is_unspecified() {
        (
            "localhost".to_owned(),
            format!("sslmode=verify-full sslrootcert={root}"),
        )
    } else {
        (
            ip.to_string(),
            format!("sslmode=verify-ca sslrootcert={root}"),
        )
    };
    let port = address.port();
    format!("psql \"host={host} port={port} user=postgres dbname=postgres {tls}\"")
}

/// A value of a connection string, quoted when it has to be, inside double quotes of a shell.
fn quoted(value: &str) -> String {
    if value
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "/._-+:".contains(c))
    {
        return value.to_owned();
    }
    let mut quoted = String::from("'");
    for c in value.chars() {
        match c {
            // For libpq a backslash before it, and for the shell another before that one.
            '\'' => quoted.push_str("\\\\'"),
            '\\' => quoted.push_str("\\\\\\\\"),
            '"' | '$' | '`' => quoted.extend(['\\', c]),
            c => quoted.push(c),
        }
    }
    quoted.push('\'');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, root: &str, expected: &str) {
        let connect = psql(address.parse().unwrap(), Path::new(root));
        assert_eq!(connect, format!("psql \"{expected}\""));
    }

    #[test]
    fn loopback_is_verified_by_name() {
        for (address, port) in [("127.0.0.1:5432", 5432), ("[::1]:1", 1), ("0.0.0.0:2", 2)] {
            check(
                address,
                "/c/server.crt",
                &format!(
                    "host=localhost port={port} user=postgres dbname=postgres \
                     sslmode=verify-full sslrootcert=/c/server.crt"
                ),
            );
        }
    }

    #[test]
    fn other_addresses_are_not_in_the_certificate() {
        check(
            "192.0.2.1:5432",
            "/c/server.crt",
            "host=192.0.2.1 port=5432 user=postgres dbname=postgres sslmode=verify-ca \
             sslrootcert=/c/server.crt",
        );
    }

    #[test]
    fn paths_survive_shell_and_libpq() {
        check(
            "127.0.0.1:1",
            r#"/my $dir/it's\"#,
            r#"host=localhost port=1 user=postgres dbname=postgres sslmode=verify-full sslrootcert='/my \$dir/it\\'s\\\\'"#,
        );
    }
}
