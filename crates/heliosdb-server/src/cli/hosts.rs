//! The hosts that the settings describe.

use heliosdb_server::load_hosts;
use heliosdb_server::settings::{Loaded, Settings};
use pg_auth::FileError;
use pg_tls::HostConfig;

use super::report::Complaint;

/// The hosts of `hosts_file`, or everything that is wrong with it; none where `ssl_sni` is off.
pub(super) fn read(
    loaded: &Loaded,
    settings: &Settings,
) -> Result<Vec<HostConfig>, Vec<Complaint>> {
    let Some(path) = settings.hosts_file.as_ref().filter(|_| settings.ssl_sni) else {
        return Ok(Vec::new());
    };
    let complaint = |error: &FileError| {
        Complaint::text(error.placed())
            .at(&loaded.origin("hosts_file"))
            .hint_if_any(error.hint().map(str::to_owned))
    };
    load_hosts(path).map_err(|errors| errors.iter().map(complaint).collect())
}

/// Whether anybody is asked for a client certificate. A file of hosts that cannot be read is told of
/// elsewhere.
pub(super) fn client_ca(loaded: &Loaded, settings: &Settings) -> bool {
    match read(loaded, settings).unwrap_or_default().as_slice() {
        [] => settings.ssl_ca_file.is_some(),
        hosts => hosts.iter().any(|host| host.ca_path.is_some()),
    }
}
