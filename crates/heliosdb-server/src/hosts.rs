//! From a file of hosts to what TLS is told of them.

use std::path::Path;

use pg_auth::FileErrors;
use pg_auth::hosts::{Host, HostMode, Hosts};
use pg_tls::{HostConfig, SslMode};

/// Reads a file like PostgreSQL 19's `pg_hosts.conf`, for [`SslConfig::with_hosts`](crate::SslConfig::with_hosts):
/// which certificate is served for which host name; see [`pg_auth::hosts`]. A file that does not exist has
/// no hosts.
///
/// # Errors
///
/// [`FileErrors`]: everything that is wrong in this file and the files it includes, with PostgreSQL's texts.
pub fn load_hosts(path: impl AsRef<Path>) -> Result<Vec<HostConfig>, FileErrors> {
    Ok(Hosts::load(path)?.iter().map(config).collect())
}

fn config(host: &Host) -> HostConfig {
    let names = host.names.iter().map(String::as_str);
    let mut config =
        HostConfig::new(names, &host.certificate, &host.key).with_context(host.context());
    if let Some(path) = &host.client_ca {
        config = config.with_ca_cert(path);
    }
    if let Some((certificate, key)) = &host.second {
        config = config.with_second(certificate, key);
    }
    if let Some(command) = &host.passphrase_command {
        config = config.with_passphrase_command(command, host.passphrase_command_supports_reload);
    }
    if let Some(mode) = host.ssl_mode {
        config = config.with_mode(match mode {
            HostMode::Require => SslMode::Require,
            HostMode::VerifyCa => SslMode::VerifyCA,
            HostMode::VerifyFull => SslMode::VerifyFull,
        });
    }
    config
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn everything_in_a_line_arrives() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pg_hosts.conf");
        let line = "a,b c k ca \"echo x\" on cert2=c2 key2=k2 ssl_mode=verify-full\n* c k\n";
        fs::write(&path, line).unwrap();
        let at = |name: &str| dir.path().join(name);
        let context = |line| format!("line {line} of configuration file \"{}\"", path.display());
        let full = HostConfig::new(["a", "b"], at("c"), at("k"))
            .with_ca_cert(at("ca"))
            .with_passphrase_command("echo x", true)
            .with_second(at("c2"), at("k2"))
            .with_mode(SslMode::VerifyFull)
            .with_context(context(1));
        let plain = HostConfig::new(["*"], at("c"), at("k")).with_context(context(2));
        assert_eq!(load_hosts(&path).unwrap(), [full, plain]);
        assert_eq!(load_hosts(at("none")).unwrap(), []);
    }
}
