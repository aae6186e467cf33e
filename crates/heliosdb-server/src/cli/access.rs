//! The rules of access that the settings describe.

use heliosdb_server::settings::{Loaded, Settings};
use heliosdb_server::{AccessConfig, AccessError};
use pg_auth::scram::Iterations;

use super::hosts;
use super::report::Complaint;

/// Where the files are.
pub(super) fn config(settings: &Settings) -> AccessConfig {
    // The setting's range is that of the type.
    let iterations = Iterations::try_from(settings.scram_iterations).unwrap_or_default();
    let mut access = AccessConfig::new().scram_iterations(iterations);
    if let Some(path) = &settings.hba_file {
        access = access.hba_file(path);
    }
    if let Some(path) = &settings.ident_file {
        access = access.ident_file(path);
    }
    if let Some(path) = &settings.users_file {
        access = access.users_file(path);
    }
    if let Some(path) = &settings.scram_mock_secret_file {
        access = access.scram_mock_secret_file(path);
    }
    if settings.dangerous_cleartext_passwords {
        access = access.dangerous_cleartext_passwords();
    }
    if settings.dangerous_trust_everywhere {
        access = access.dangerous_trust_everywhere();
    }
    access
}

/// Checks the files: what will never work, or everything that is wrong.
pub(super) fn check(
    loaded: &Loaded,
    settings: &Settings,
) -> Result<Vec<Complaint>, Vec<Complaint>> {
    let complaint = |error: AccessError| {
        let (origin, hint) = (loaded.origin(error.setting()), error.hint());
        Complaint::new(error).at(&origin).hint_if_any(hint)
    };
    match config(settings).check(settings.ssl_mode, hosts::client_ca(loaded, settings)) {
        Ok(warnings) => Ok(warnings.into_iter().map(Complaint::text).collect()),
        Err(errors) => Err(errors.0.into_iter().map(complaint).collect()),
    }
}
