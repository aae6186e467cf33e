//! The TLS configuration that the settings describe, and where its files are.

use std::env;
use std::path::{Path, PathBuf};

use heliosdb_server::AutoRenewal;
use heliosdb_server::settings::{Loaded, Settings};
use pg_certs::{
    CertificateManager, check_key_file_permissions, load_certificate_chain, load_trust_anchors,
    read_private_key,
};
use pg_tls::{ConfigError, HostConfig, SslConfig};
use tempfile::TempDir;

use super::hosts;
use super::report::Complaint;

/// The TLS configuration with its files in place.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) config: SslConfig,
    /// Given when the certificates are generated ones.
    pub(super) development: Option<Development>,
}

/// Generated certificates.
#[derive(Debug)]
pub(super) struct Development {
    /// What a client has to trust.
    pub(super) root: PathBuf,
    /// The directory goes when this does.
    _temporary: Option<TempDir>,
}

/// What the TLS configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To check it: nothing may remain on disk.
    Check,
    /// To serve with it.
    Serve,
}

/// Finds or makes the files, and checks that TLS works with them; else says all that is wrong.
pub(super) fn prepare(
    loaded: &Loaded,
    settings: &Settings,
    purpose: Purpose,
) -> Result<Tls, Vec<Complaint>> {
    let tls = locate(loaded, settings, purpose)?;
    if !tls.config.mode.is_enabled() {
        return Ok(tls);
    }
    let complaints: Vec<Complaint> = faults(&tls.config, purpose)
        .into_iter()
        .map(|(setting, error)| {
            let hint = error.hint();
            Complaint::new(error)
                .at(&loaded.origin(setting))
                .hint_if_any(hint)
        })
        .collect();
    if complaints.is_empty() {
        Ok(tls)
    } else {
        Err(complaints)
    }
}

/// Finds or makes the files, and leaves it to others to look into them.
pub(super) fn locate(
    loaded: &Loaded,
    settings: &Settings,
    purpose: Purpose,
) -> Result<Tls, Vec<Complaint>> {
    if !settings.ssl_mode.is_enabled() {
        return Ok(Tls {
            config: SslConfig::disabled(),
            development: None,
        });
    }
    let hosts = hosts::read(loaded, settings)?;
    let (certificate, key, development) = match (&settings.ssl_cert_file, &settings.ssl_key_file) {
        (Some(certificate), Some(key)) => (certificate.clone(), key.clone(), None),
        _ if !hosts.is_empty() => (PathBuf::new(), PathBuf::new(), None),
        _ => {
            let (certificate, key, development) =
                development(loaded, settings, purpose).map_err(|complaint| vec![complaint])?;
            (certificate, key, Some(development))
        }
    };
    Ok(Tls {
        config: config(settings, certificate, key).with_hosts(hosts),
        development,
    })
}

impl Tls {
    /// Tells the log what is negotiated.
    pub(super) fn log_policy(&self) {
        if self.config.mode.is_enabled()
            && let Ok(policy) = self.config.crypto_policy()
        {
            tracing::info!("{policy}");
        }
    }

    /// What works but will trouble clients of each certificate, such as that it has expired.
    pub(super) fn warnings(&self, loaded: &Loaded) -> Vec<Complaint> {
        if self.development.is_some() || !self.config.mode.is_enabled() {
            return Vec::new();
        }
        if self.config.hosts.is_empty() {
            let origin = loaded.origin("ssl_cert_file");
            let complaint = |finding| Complaint::text(finding).at(&origin);
            return findings(&self.config.cert_path, &self.config.key_path)
                .map(complaint)
                .collect();
        }
        let of_host = |host: &HostConfig| {
            let context = host.described();
            let complaint = move |finding| Complaint::text(format!("{context}: {finding}"));
            let second = host.second.as_ref();
            let second = second
                .into_iter()
                .flat_map(|(cert, key)| findings(cert, key));
            findings(&host.cert_path, &host.key_path)
                .chain(second)
                .map(complaint)
                .collect::<Vec<_>>()
        };
        self.config.hosts.iter().flat_map(of_host).collect()
    }
}

/// What will trouble clients of a certificate.
fn findings(certificate: &Path, key: &Path) -> impl Iterator<Item = String> + use<> {
    let report = CertificateManager::verify_cert_files(certificate, key);
    let findings = report.map(|report| {
        let findings = report.errors().iter().chain(report.warnings());
        findings.map(ToString::to_string).collect::<Vec<_>>()
    });
    findings.unwrap_or_default().into_iter()
}

/// What is wrong with each of the files, or if nothing is, with all of them together; with the setting
/// that has to be looked at.
fn faults(config: &SslConfig, purpose: Purpose) -> Vec<(&'static str, ConfigError)> {
    // Who types a pass phrase at the start does it once, for the server itself.
    let error = if purpose == Purpose::Serve && asks_for_passphrase(config) {
        None
    } else {
        match config.validate() {
            Ok(()) => return Vec::new(),
            Err(error) => Some(error),
        }
    };
    let faults = if config.hosts.is_empty() {
        file_faults(
            &config.cert_path,
            &config.key_path,
            config.ca_path.as_deref(),
        )
    } else {
        config.hosts.iter().flat_map(host_faults).collect()
    };
    if faults.is_empty() {
        let of_all = error.map(|error| (setting_of(&error), error));
        of_all.into_iter().collect()
    } else {
        faults
    }
}

fn host_faults(host: &HostConfig) -> Vec<(&'static str, ConfigError)> {
    let mut faults = file_faults(&host.cert_path, &host.key_path, host.ca_path.as_deref());
    if let Some((certificate, key)) = &host.second {
        faults.extend(file_faults(certificate, key, None));
    }
    let of_host = |(_, source)| {
        let context = host.described();
        let source = Box::new(source);
        ("hosts_file", ConfigError::Host { context, source })
    };
    faults.into_iter().map(of_host).collect()
}

fn file_faults(
    certificate: &Path,
    key: &Path,
    authorities: Option<&Path>,
) -> Vec<(&'static str, ConfigError)> {
    let certificate = load_certificate_chain(certificate).map_err(ConfigError::CertFile);
    let key = check_key_file_permissions(key)
        .map_err(ConfigError::KeyAccess)
        .and_then(|()| read_private_key(key).map_err(ConfigError::KeyFile));
    let authorities = authorities.map_or(Ok(Vec::new()), load_trust_anchors);
    [
        certificate.err().map(|error| ("ssl_cert_file", error)),
        key.err().map(|error| ("ssl_key_file", error)),
        authorities
            .err()
            .map(|error| ("ssl_ca_file", ConfigError::CaFile(error))),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn asks_for_passphrase(config: &SslConfig) -> bool {
    let of_hosts = { config.hosts.iter() }.map(|host| &host.passphrase_command);
    std::iter::once(&config.passphrase_command)
        .chain(of_hosts)
        .any(Option::is_some)
}

fn config(settings: &Settings, certificate: PathBuf, key: PathBuf) -> SslConfig {
    let mut config = SslConfig::new(settings.ssl_mode, certificate, key)
        .with_profile(settings.ssl_profile)
        .with_ciphers(&settings.ssl_ciphers)
        .with_min_protocol_version(settings.ssl_min_protocol_version)
        .with_prefer_server_ciphers(settings.ssl_prefer_server_ciphers)
        .with_session_tickets(settings.ssl_session_tickets)
        .with_partial_chains(settings.ssl_ca_partial_chains)
        .with_max_record_size(Some(settings.ssl_max_record_size));
    if let Some(version) = settings.ssl_max_protocol_version {
        config = config.with_max_protocol_version(version);
    }
    if let Some(list) = &settings.ssl_tls13_ciphers {
        config = config.with_tls13_ciphers(list);
    }
    if let Some(list) = &settings.ssl_groups {
        config = config.with_groups(list);
    }
    if let Some(provider) = settings.ssl_crypto_provider {
        config = config.with_crypto_provider(provider);
    }
    if let Some(ca) = &settings.ssl_ca_file {
        config = config.with_ca_cert(ca);
    }
    if let Some(file) = &settings.ssl_crl_file {
        config = config.with_crl_file(file);
    }
    if let Some(directory) = &settings.ssl_crl_dir {
        config = config.with_crl_dir(directory);
    }
    if let Some(command) = &settings.ssl_passphrase_command {
        let supports_reload = settings.ssl_passphrase_command_supports_reload;
        config = config.with_passphrase_command(command, supports_reload);
    }
    if let Some(response) = &settings.ssl_ocsp_file {
        config = config.with_ocsp_file(response);
    }
    config
}

/// How the server's certificate is renewed, if it is to be.
pub(super) fn auto_renewal(settings: &Settings) -> Option<AutoRenewal> {
    let before = settings.ssl_auto_renew;
    let (certificate, key) = (
        settings.ssl_auto_renew_ca_cert_file.as_ref()?,
        settings.ssl_auto_renew_ca_key_file.as_ref()?,
    );
    (!before.is_zero()).then(|| AutoRenewal::new(before, certificate, key))
}

/// The setting that has to be looked at to mend the error.
fn setting_of(error: &ConfigError) -> &'static str {
    match error {
        ConfigError::CertFile(_) | ConfigError::Interrupted(_) | ConfigError::Unusable { .. } => {
            "ssl_cert_file"
        }
        ConfigError::KeyAccess(_)
        | ConfigError::KeyFile(_)
        | ConfigError::KeyMismatch { .. }
        | ConfigError::KeyNeedsPassphrase(_) => "ssl_key_file",
        ConfigError::CaFile(_) | ConfigError::CaUnusable { .. } => "ssl_ca_file",
        ConfigError::CrlFile(_) => "ssl_crl_file",
        ConfigError::CrlDirectory { .. } | ConfigError::CrlInDirectory(_) => "ssl_crl_dir",
        ConfigError::Passphrase { .. } => "ssl_passphrase_command",
        ConfigError::Host { .. }
        | ConfigError::HostCaMissing { .. }
        | ConfigError::HostKeysAlike { .. }
        | ConfigError::HostModeWeaker { .. }
        | ConfigError::HostTwice { .. } => "hosts_file",
        ConfigError::Crypto(error) => error.setting(),
        ConfigError::OcspFile(_) | ConfigError::OcspIssuer { .. } => "ssl_ocsp_file",
        _ => "ssl_mode",
    }
}

/// Certificates for development: those in the directory of the settings, or in the user's state
/// directory, or, where there is none that can be written, in a temporary one.
fn development(
    loaded: &Loaded,
    settings: &Settings,
    purpose: Purpose,
) -> Result<(PathBuf, PathBuf, Development), Complaint> {
    if let (Purpose::Serve, Some(directory)) = (purpose, &settings.certs_dir) {
        return generate(directory).map_err(|error| {
            Complaint::new(error)
                .at(&loaded.origin("certs_dir"))
                .hint("Set \"certs_dir\" to a directory that can be written, or \"ssl_cert_file\" and \"ssl_key_file\" to files that exist.")
        });
    }
    if let (Purpose::Serve, Some(directory)) = (
        purpose,
        state_directory(|name| env::var_os(name).map(PathBuf::from)),
    ) {
        match generate(&directory) {
            Ok(files) => return Ok(files),
            Err(error) => tracing::warn!(
                hint = "Set \"certs_dir\" to a directory that can be written, so that clients need not be told of a new certificate after every start.",
                "development certificates are temporary: {error:#}"
            ),
        }
    }
    temporary().map_err(|error| {
        Complaint::new(error).hint("Set \"ssl_cert_file\" and \"ssl_key_file\", or \"certs_dir\" to a directory that can be written.")
    })
}

fn temporary() -> anyhow::Result<(PathBuf, PathBuf, Development)> {
    let directory = tempfile::Builder::new()
        .prefix("heliosdb-certs-")
        .tempdir()?;
    let (certificate, key, mut development) = generate(directory.path())?;
    development._temporary = Some(directory);
    Ok((certificate, key, development))
}

fn generate(directory: &Path) -> anyhow::Result<(PathBuf, PathBuf, Development)> {
    let (certificate, key) = CertificateManager::setup_test_certs_in(directory)?;
    let root = PathBuf::from(&certificate);
    Ok((
        root.clone(),
        key.into(),
        Development {
            root,
            _temporary: None,
        },
    ))
}

/// `heliosdb/certs-dev` in the user's state directory, by the XDG base directory specification:
/// relative paths in the variable are invalid.
fn state_directory(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("heliosdb/certs-dev"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], expected: Option<&str>) {
        let directory = state_directory(|name| {
            variables
                .iter()
                .find(|(it, _)| *it == name)
                .map(|(_, value)| value.into())
        });
        assert_eq!(directory.as_deref(), expected.map(Path::new));
    }

    #[test]
    fn the_state_directory_follows_xdg() {
        check(
            &[("XDG_STATE_HOME", "/s"), ("HOME", "/h")],
            Some("/s/heliosdb/certs-dev"),
        );
        check(
            &[("HOME", "/h")],
            Some("/h/.local/state/heliosdb/certs-dev"),
        );
        check(
            &[("XDG_STATE_HOME", "s"), ("HOME", "/h")],
            Some("/h/.local/state/heliosdb/certs-dev"),
        );
        check(&[("HOME", "")], None);
        check(&[], None);
    }
}
