//! What the command line looks like; the settings add a flag each.

use clap::{Arg, ArgAction, Command};
use heliosdb_server::settings;
use pg_tls::CryptoProvider;

use super::{hba, user};

/// The flag that checks instead of serving.
pub(super) const CHECK_CONFIG: &str = "check-config";

/// The whole command line.
pub(super) fn command() -> Command {
    Command::new(env!("CARGO_BIN_NAME"))
        .about(ABOUT)
        .after_long_help(AFTER_HELP)
        .version(version())
        .arg(
            Arg::new(CHECK_CONFIG)
                .long(CHECK_CONFIG)
                .action(ArgAction::SetTrue)
                .help("Check every setting and file, show the effective configuration, and end"),
        )
        .args(settings::flags::args())
        .subcommand(hba::command())
        .subcommand(user::command())
        .args_conflicts_with_subcommands(true)
}

/// The version, and what does the cryptography and the queries.
fn version() -> String {
    let providers: Vec<&str> = CryptoProvider::AVAILABLE
        .iter()
        .map(|it| it.as_str())
        .collect();
    format!(
        "{} (TLS: rustls with {}; engine: heliosdb-nano)",
        env!("CARGO_PKG_VERSION"),
        providers.join(", ")
    )
}

const ABOUT: &str = "A PostgreSQL-compatible database server with TLS\n\n\
    Without arguments it serves an in-memory database on 127.0.0.1:5432 with certificates made for \
    development, and says how to connect.";

const AFTER_HELP: &str = "\
    A flag beats the environment, which beats the file, which beats the default. RUST_LOG chooses \
    what is logged.\n\n\
    SIGTERM and SIGINT stop the server when its sessions are done, a second one at once.\n\n\
    Exit codes: 0 stopped as asked, 1 wrong configuration, 2 wrong usage, 3 could not start or \
    serve, 128 plus the number of a second signal.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clap_accepts_the_command() {
        command().debug_assert();
    }

    #[test]
    fn version_names_the_tls_provider() {
        let version = command().render_version();
        let expected = format!(
            "heliosdb-server {} (TLS: rustls with ",
            env!("CARGO_PKG_VERSION")
        );
        assert!(version.starts_with(&expected), "{version}");
    }
}
