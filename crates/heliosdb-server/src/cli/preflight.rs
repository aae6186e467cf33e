//! What can be wrong with right settings: names that do not resolve, files that are not there.

use std::net::SocketAddr;

use heliosdb_server::settings::{Group, Loaded, Settings};

use super::access;
use super::report::Complaint;
use super::tls::{self, Purpose, Tls};

/// What the settings lead to when the world agrees with them.
#[derive(Debug)]
pub(super) struct Ready {
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) tls: Tls,
}

/// What is wrong, and what will trouble clients, in the groups of settings that are right in
/// themselves.
pub(super) fn check(loaded: &Loaded) -> (Vec<Complaint>, Vec<Complaint>) {
    let mut complaints = Vec::new();
    let mut warnings = Vec::new();
    if let Some(settings) = loaded.settings_if_sound(|it| it.name == "data_dir") {
        data_directory(loaded, settings, &mut complaints);
    }
    if let Some(settings) =
        loaded.settings_if_sound(|it| it.name == "listen" || it.group == Group::Authentication)
    {
        addresses(loaded, settings, &mut complaints);
    }
    if let Some(settings) = loaded.settings_if_sound(|it| it.group == Group::Authentication) {
        match access::check(loaded, settings) {
            Ok(found) => warnings.extend(found),
            Err(found) => complaints.extend(found),
        }
    }
    if let Some(settings) = loaded.settings_if_sound(|it| it.group == Group::Tls) {
        match tls::prepare(loaded, settings, Purpose::Check) {
            Ok(tls) => warnings.extend(tls.warnings(loaded)),
            Err(found) => complaints.extend(found),
        }
    }
    (complaints, warnings)
}

/// Finds the addresses and makes TLS ready, or says everything that is wrong.
pub(super) fn prepare(loaded: &Loaded, settings: &Settings) -> Result<Ready, Vec<Complaint>> {
    let mut complaints = Vec::new();
    data_directory(loaded, settings, &mut complaints);
    let addresses = addresses(loaded, settings, &mut complaints);
    // What will never work is logged by the server itself.
    complaints.extend(access::check(loaded, settings).err().unwrap_or_default());
    match tls::prepare(loaded, settings, Purpose::Serve) {
        Ok(tls) if complaints.is_empty() => Ok(Ready { addresses, tls }),
        Ok(_) => Err(complaints),
        Err(found) => {
            complaints.extend(found);
            Err(complaints)
        }
    }
}

fn addresses(
    loaded: &Loaded,
    settings: &Settings,
    complaints: &mut Vec<Complaint>,
) -> Vec<SocketAddr> {
    let origin = loaded.origin("listen");
    let mut addresses = Vec::new();
    for listen in &settings.listen {
        match listen.resolve() {
            Ok(found) => addresses.extend(found),
            Err(error) => {
                let text = format!("could not translate host name of \"{listen}\" to address");
                complaints.push(Complaint::because(text, error).at(&origin));
            }
        }
    }
    let reachable = |address: &&SocketAddr| !address.ip().to_canonical().is_loopback();
    let trust = settings.users_file.is_none()
        && settings.hba_file.is_none()
        && !settings.dangerous_trust_everywhere;
    if let (Some(address), true) = (addresses.iter().find(reachable), trust) {
        let text =
            format!("authentication method \"trust\" lets everybody in who can reach {address}");
        complaints.push(Complaint::text(text).at(&origin).hint(
            "Set \"users_file\", listen on a loopback address, or accept it by setting \
             \"dangerous_trust_everywhere\" to on.",
        ));
    }
    addresses
}

fn data_directory(loaded: &Loaded, settings: &Settings, complaints: &mut Vec<Complaint>) {
    if let Some(path) = settings
        .data_dir
        .as_deref()
        .filter(|path| path.exists() && !path.is_dir())
    {
        let text = format!("data directory \"{}\" is not a directory", path.display());
        complaints.push(Complaint::text(text).at(&loaded.origin("data_dir")));
    }
}
