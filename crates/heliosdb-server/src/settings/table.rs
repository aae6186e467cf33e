//! The definitions. A setting exists here and nowhere else.
//!
//! To add one: write it here, under PostgreSQL's name if PostgreSQL has it, and use its field of
//! [`Settings`]; then run the test that brings the guide up to date (it prints how).

use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use pg_tls::{CryptoProfile, CryptoProvider, SslMode, TlsVersion};

use super::address::ListenAddress;
use super::choice::{
    CRYPTO_PROFILE, CRYPTO_PROVIDER, LOG_FORMAT, LogFormat, OPTIONAL_TLS_VERSION, SSL_MODE,
    TLS_VERSION,
};
use super::definition::{Change, Group, Place, Setting};
use super::error::SettingsError;
use super::kind::{FromValue, Kind, Unit};
use super::load::Effective;

/// Makes, of the list below, the struct [`Settings`] with a typed field for each setting and the
/// table [`SETTINGS`].
macro_rules! settings {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident: $type:ty {
            kind: $kind:expr,
            default: $default:literal,
            group: $group:ident
            $(, place: $place:ident)?
            $(, change: $change:ident)?
            $(, replaces: $replaces:expr)?
            $(,)?
        }
    )+) => {
        /// The value of every setting.
        #[derive(Clone, Debug)]
        #[non_exhaustive]
        pub struct Settings {
            $( $(#[doc = $doc])+ pub $name: $type, )+
        }

        impl Settings {
            pub(super) fn from_effective(effective: &[Effective]) -> Result<Self, SettingsError> {
                Ok(Self { $( $name: field(effective, stringify!($name))?, )+ })
            }
        }

        /// The definition of every setting, in the order of the documentation.
        pub static SETTINGS: &[Setting] = &[
            $( Setting {
                name: stringify!($name),
                kind: $kind,
                default: $default,
                group: Group::$group,
                place: settings!(@or Place::Everywhere $(, Place::$place)?),
                change: settings!(@or Change::Reload $(, Change::$change)?),
                replaces: settings!(@or &[] $(, $replaces)?),
                doc: &[$($doc),+],
            }, )+
        ];
    };
    (@or $default:expr) => { $default };
    (@or $default:expr, $given:expr) => { $given };
}

settings! {
    /// Configuration file: TOML, with the names of the settings as keys.
    ///
    /// Relative paths in it are relative to the file. Without this setting no file is read.
    config: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Server,
        place: BeforeFile,
        change: Restart,
    }

    /// Directory of the database, made when it does not exist; without it the database is in
    /// memory and gone when the server ends.
    data_dir: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Server,
        change: Restart,
        replaces: &["data_directory"],
    }

    /// How log lines are written to standard error: `text` for people, `json` for machines.
    ///
    /// What is logged is decided by the environment variable `RUST_LOG`, for example
    /// `debug,pg_tls=trace`; without it by `warn,heliosdb_server=info,pg_tls=info`. Times are UTC.
    log_format: LogFormat {
        kind: LOG_FORMAT,
        default: "text",
        group: Server,
        change: Restart,
        replaces: &["log_destination"],
    }

    /// Watches the configuration file and all files that it leads to, and reloads when one of them holds
    /// something else.
    ///
    /// As SIGHUP does, all or nothing: what is still wrong 5 seconds after a change keeps all of the old.
    reload_on_change: bool {
        kind: Kind::Boolean,
        default: "on",
        group: Server,
    }

    /// How long statements and sessions may take to end after the first SIGTERM or SIGINT.
    ///
    /// Then they are ended with 57P01. A second signal ends everything at once.
    shutdown_grace_period: Duration {
        kind: Kind::Duration { min: 0, max: 86_400, unit: Unit::Seconds },
        default: "10s",
        group: Server,
    }

    /// Address to accept connections on; may be given several times.
    ///
    /// A host name stands for all its addresses, `*` for every interface, port 0 for any free
    /// port (the line that says that the server is ready names it).
    listen: Vec<ListenAddress> {
        kind: Kind::Addresses,
        default: "127.0.0.1:5432",
        group: Connections,
        change: Restart,
        replaces: &["listen_addresses", "port"],
    }

    /// Sessions at the same time; one more is refused with 53300.
    max_connections: usize {
        kind: Kind::Integer { min: 1, max: 262_143 },
        default: "100",
        group: Connections,
    }

    /// Connections at the same time that have not logged in yet; they do not count as sessions.
    ///
    /// When all places are taken, the oldest connection of the address that has most of them makes
    /// room, so that a flood of silent connections does not lock out users.
    max_pending_logins: usize {
        kind: Kind::Integer { min: 1, max: 262_143 },
        default: "512",
        group: Connections,
    }

    /// Connections from one address that have not logged in yet; one more displaces the oldest of them.
    ///
    /// Sessions do not count, so a busy host is not affected. IPv6 addresses count by their /64 network.
    max_pending_logins_per_address: usize {
        kind: Kind::Integer { min: 1, max: 262_143 },
        default: "256",
        group: Connections,
    }

    /// Addresses and networks that `max_pending_logins_per_address` does not hold for, such as that of a
    /// pooler or of a gateway with many clients behind it.
    ///
    /// They are also the last to lose connections when `max_pending_logins` is reached.
    pending_logins_exempt_addresses: Vec<IpNet> {
        kind: Kind::Networks,
        default: "",
        group: Connections,
    }

    /// Idle time after which TCP asks whether the client is still there; 0 is the system's default.
    tcp_keepalives_idle: Duration {
        kind: Kind::Duration { min: 0, max: 32_767, unit: Unit::Seconds },
        default: "0",
        group: Connections,
    }

    /// Time between two such questions when there is no answer; 0 is the system's default.
    tcp_keepalives_interval: Duration {
        kind: Kind::Duration { min: 0, max: 32_767, unit: Unit::Seconds },
        default: "0",
        group: Connections,
    }

    /// Unanswered questions after which the connection is lost; 0 is the system's default.
    tcp_keepalives_count: u32 {
        kind: Kind::Integer { min: 0, max: 127 },
        default: "0",
        group: Connections,
    }

    /// How long a client may take to send its startup packet, including the TLS handshake, and
    /// then once more to authenticate.
    authentication_timeout: Duration {
        kind: Kind::Duration { min: 1, max: 600, unit: Unit::Seconds },
        default: "1min",
        group: Authentication,
    }

    /// Who may connect and how they prove who they are: a file like PostgreSQL's `pg_hba.conf`.
    ///
    /// The first line that matches decides; `ssl_mode` must be content as well. Without the file all
    /// connections are alike: see `users_file`.
    hba_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Authentication,
    }

    /// Which names in client certificates may be which users: a file like PostgreSQL's `pg_ident.conf`,
    /// for the `map` option of lines in `hba_file`.
    ident_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Authentication,
    }

    /// Who has which password: a file with a name and a SCRAM verifier on each line, as
    /// `heliosdb-server user` writes it and as PgBouncer's `auth_file` has it.
    ///
    /// Without `hba_file` every connection has to prove a password of this file by `scram-sha-256`. It
    /// must be kept like a private key: mode 0600 or less, or 0640 or less if root owns it.
    users_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Authentication,
    }

    /// Rounds of hashing for passwords: what clients are told for users that do not exist, so that these
    /// cannot be told from those of `users_file`.
    scram_iterations: u32 {
        kind: Kind::Integer { min: 1, max: 2_147_483_647 },
        default: "4096",
        group: Authentication,
    }

    /// A secret that the salts of users who do not exist are made of, so that a restart does not tell them
    /// from users who do; made when it does not exist.
    ///
    /// Not set, it is beside `users_file`, with `.mock_secret` after its name. Servers that stand in for one
    /// another need the same.
    scram_mock_secret_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Authentication,
    }

    /// Lets method `password` ask for passwords on connections without TLS, where everybody on the way
    /// can read them.
    dangerous_cleartext_passwords: bool {
        kind: Kind::Boolean,
        default: "off",
        group: Authentication,
    }

    /// Lets anybody in as any user without a password from other hosts, too.
    ///
    /// Without it the server refuses to listen on other addresses than loopback unless `users_file` or
    /// `hba_file` is set, and refuses `trust` lines of `hba_file` for such addresses unless they ask for
    /// `clientcert=verify-full`.
    dangerous_trust_everywhere: bool {
        kind: Kind::Boolean,
        default: "off",
        group: Authentication,
    }

    /// Which connections are accepted with TLS, and which without.
    ///
    /// `disable`: none with TLS. `allow`, `prefer`: both. `require`: only with TLS. `verify-ca`:
    /// only with TLS and a certificate signed by an authority in `ssl_ca_file`. `verify-full`:
    /// as `verify-ca`, and the certificate's common name is the user's name.
    ssl_mode: SslMode {
        kind: SSL_MODE,
        default: "require",
        group: Tls,
        replaces: &["ssl"],
    }

    /// The server's certificate in PEM, followed by intermediate certificates if there are any.
    ///
    /// Without this and `ssl_key_file`, certificates for development are generated in `certs_dir`.
    ssl_cert_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Tls,
    }

    /// The private key of the server's certificate in PEM.
    ///
    /// It must not be readable by others: mode 0600 or less, or 0640 or less if root owns it. One that
    /// is encrypted (`ENCRYPTED PRIVATE KEY`) is opened with what `ssl_passphrase_command` prints.
    ssl_key_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Tls,
    }

    /// Shell command that prints the pass phrase of an encrypted key.
    ///
    /// `%p` stands for a prompt, `%%` for a percent sign. The first line that it prints counts; it must
    /// exit with 0, within 60 seconds. It is not run when the key is not encrypted.
    ssl_passphrase_command: Option<String> {
        kind: Kind::Text { form: "COMMAND", optional: true },
        default: "",
        group: Tls,
    }

    /// Whether `ssl_passphrase_command` is run at a reload too.
    ///
    /// When it is not, a reload with an encrypted key fails, and all stays as it was: say on only if
    /// the command asks nobody at a terminal.
    ssl_passphrase_command_supports_reload: bool {
        kind: Kind::Boolean,
        default: "off",
        group: Tls,
    }

    /// How long before its end the server renews the certificate in `ssl_cert_file` by itself; 0 is never.
    ///
    /// Not before two thirds of its life are over. The new one has the names of the old one, lasts as long
    /// and has a new key; both files are replaced together, and new connections get it without a restart.
    /// A renewal that fails leaves the old files, is logged, and is tried again. Certificates of single
    /// hosts, and keys with a pass phrase, are left alone.
    ssl_auto_renew: Duration {
        kind: Kind::Duration { min: 0, max: 3_650, unit: Unit::Days },
        default: "0",
        group: Tls,
    }

    /// The certificate, in PEM, of the authority that renews the server's certificate: the one that
    /// issued it.
    ssl_auto_renew_ca_cert_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Tls,
    }

    /// The private key, in PEM, of that authority.
    ///
    /// Who can read it can be any server and any client that trusts this authority: give the server an
    /// intermediate authority of its own where that matters.
    ssl_auto_renew_ca_key_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Tls,
    }

    /// Certificates, in PEM, of the authorities that sign clients' certificates.
    ///
    /// When it is set, clients are asked for a certificate, and one that does not verify is
    /// refused in every mode.
    ssl_ca_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Tls,
    }

    /// Certificate revocation lists (CRLs), in PEM, read at start and at a reload.
    ///
    /// With this or `ssl_crl_dir`, every authority in a client's chain, the root included, must have a
    /// list that has not expired and does not name the certificate it issued; else the client is refused.
    ssl_crl_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Tls,
    }

    /// Directory of certificate revocation lists; a new list counts from the next connection on.
    ///
    /// Files with names as `openssl rehash` makes them (`xxxxxxxx.rN`), `*.crl` and `*.pem`. One that
    /// is damaged leaves what was read of it before in use, and a warning in the log.
    ssl_crl_dir: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Tls,
    }

    /// Whether the certificate depends on the host name that a client asks for, as `hosts_file` says.
    ///
    /// As PostgreSQL 19's setting. Off, the name is ignored.
    ssl_sni: bool {
        kind: Kind::Boolean,
        default: "off",
        group: Tls,
    }

    /// Certificates and client authorities by host name: a file like PostgreSQL 19's `pg_hosts.conf`, used
    /// when `ssl_sni` is on.
    ///
    /// As soon as it has a line, `ssl_cert_file`, `ssl_key_file` and `ssl_ca_file` are not used; see
    /// [Many names](SNI.md).
    hosts_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Tls,
    }

    /// Lets every certificate in `ssl_ca_file` end a client's chain, not only the self-signed ones.
    ///
    /// A file with an intermediate authority alone then admits the clients of that authority. PostgreSQL
    /// has no such setting and refuses them all.
    ssl_ca_partial_chains: bool {
        kind: Kind::Boolean,
        default: "off",
        group: Tls,
    }

    /// A response of the authority's OCSP responder about the server's certificate, which is stapled to
    /// handshakes while it is valid: clients learn without asking that the certificate is not revoked.
    ///
    /// DER, as `openssl ocsp -respout` writes it. It is verified with the issuer's certificate, which follows
    /// the server's in `ssl_cert_file` or is in `ssl_ca_file`. Not read if there are hosts.
    ssl_ocsp_file: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Tls,
    }

    /// Fetches such responses, for every certificate, from the responder that the certificate names, and
    /// fetches them again before they expire.
    ///
    /// Off unless it is set, because the server then asks a machine that the authority chose, by `http://`
    /// and without a proxy. No connection waits for it.
    ssl_ocsp_fetch: bool {
        kind: Kind::Boolean,
        default: "off",
        group: Tls,
    }

    /// What TLS versions, cipher suites and groups there are to choose from; the settings below narrow it.
    ///
    /// `modern`: TLS 1.3 only. `intermediate`: TLS 1.2 and 1.3, forward secrecy and authenticated
    /// encryption always. `fips`: of these what FIPS 140-3 approves, in builds with the feature `fips`.
    ssl_profile: CryptoProfile {
        kind: CRYPTO_PROFILE,
        default: "intermediate",
        group: Tls,
    }

    /// The lowest TLS version that is accepted.
    ssl_min_protocol_version: TlsVersion {
        kind: TLS_VERSION,
        default: "TLSv1.2",
        group: Tls,
    }

    /// The highest TLS version that is accepted; not set, there is no limit.
    ssl_max_protocol_version: Option<TlsVersion> {
        kind: OPTIONAL_TLS_VERSION,
        default: "",
        group: Tls,
    }

    /// The cipher suites of TLS 1.2 and their order, in OpenSSL's language; those of TLS 1.3 have a
    /// setting of their own.
    ///
    /// Suites by name (`ECDHE-RSA-AES256-GCM-SHA384`) or by properties (`HIGH`, `ECDHE+AESGCM`, `CHACHA20`),
    /// which `!`, `-` and `+` take out or move to the end; `@STRENGTH` puts the longest keys first. Words
    /// that name nothing available are passed over, as OpenSSL does; a list that leaves nothing is refused.
    ssl_ciphers: String {
        kind: Kind::Text { form: "CIPHER:CIPHER", optional: false },
        default: "HIGH:MEDIUM:+3DES:!aNULL",
        group: Tls,
    }

    /// The cipher suites of TLS 1.3 and their order, by name; not set, all of the profile.
    ssl_tls13_ciphers: Option<String> {
        kind: Kind::Text { form: "CIPHER:CIPHER", optional: true },
        default: "",
        group: Tls,
    }

    /// The groups for key exchange; not set, all of the profile.
    ///
    /// Names are `X25519MLKEM768` (post-quantum, aws-lc-rs only), `X25519`, `prime256v1` or `P-256`,
    /// `secp384r1` or `P-384`. A name that is not available is refused unless `?` stands before it. Among
    /// those that a client offers at once the client's order counts.
    ssl_groups: Option<String> {
        kind: Kind::Text { form: "GROUP:GROUP", optional: true },
        default: "",
        group: Tls,
        replaces: &["ssl_ecdh_curve"],
    }

    /// Whether the server's order of cipher suites decides, or the client's.
    ssl_prefer_server_ciphers: bool {
        kind: Kind::Boolean,
        default: "on",
        group: Tls,
    }

    /// Lets clients resume sessions by tickets, which spares both sides most of the work of a handshake.
    ///
    /// PostgreSQL cannot do it. Tickets are good for at most 12 hours and not after a reload. Where
    /// `ssl_ca_file` is set there are none, so that client certificates are verified every time.
    ssl_session_tickets: bool {
        kind: Kind::Boolean,
        default: "off",
        group: Tls,
    }

    /// The most bytes in one TLS record.
    ///
    /// Smaller records reach the client's program sooner and cost more time and traffic in all.
    ssl_max_record_size: usize {
        kind: Kind::Integer { min: 512, max: 16_384 },
        default: "16384",
        group: Tls,
    }

    /// Which library does the cryptography; not set, the first of them that is in this build.
    ssl_crypto_provider: Option<CryptoProvider> {
        kind: CRYPTO_PROVIDER,
        default: "",
        group: Tls,
        replaces: &["ssl_library"],
    }

    /// Directory of the generated certificates for development, made when it does not exist.
    ///
    /// Not set, it is `heliosdb/certs-dev` in `$XDG_STATE_HOME` or `~/.local/state`, so that the
    /// next start finds them again whatever the working directory; where neither can be written,
    /// a temporary directory that goes when the server ends.
    certs_dir: Option<PathBuf> {
        kind: Kind::Path,
        default: "",
        group: Tls,
    }
}

/// A setting's value as the type of its field.
fn field<T: FromValue>(effective: &[Effective], name: &'static str) -> Result<T, SettingsError> {
    let entry = effective.iter().find(|entry| entry.setting.name == name);
    let value = entry.map(|entry| &entry.value);
    value
        .and_then(T::from_value)
        .ok_or_else(|| SettingsError::InvalidValue {
            name,
            value: value.map(ToString::to_string).unwrap_or_default(),
            hint: None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_is_documented() {
        for setting in SETTINGS {
            let paragraphs = setting.paragraphs();
            assert!(
                paragraphs.iter().all(|text| text.ends_with('.')),
                "{}",
                setting.name
            );
            assert!(
                !paragraphs.concat().contains('|'),
                "{} would break the table",
                setting.name
            );
        }
    }
}
