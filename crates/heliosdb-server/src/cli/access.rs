//! The rules of access that the settings describe.

use heliosdb_server::settings::{Loaded, Settings};
use heliosdb_server::{AccessConfig, AccessError};
use pg_auth::scram::Iterations;

use super::report::Complaint;

/// Where the files are.
pub(super) fn config(settings: &Settings) -> AccessConfig {
    // The setting's range is that of the type.
    let iterations = Iterations::try_from(settings.scram_iterations).unwrap_or_default();
    let mut access = AccessConfig::new().scram_iterations(iterations);
    if let Some(path) = &settings.users_file {
        access = access.users_file(path);
    }
    if settings.dangerous_trust_everywhere {
        access = access.dangerous_trust_everywhere();
    }
    access
}

/// Everything that is wrong with the files.
pub(super) fn complaints(loaded: &Loaded, settings: &Settings) -> Vec<Complaint> {
    let complaint = |error: AccessError| {
        let (origin, hint) = (loaded.origin(error.setting()), error.hint());
        let complaint = Complaint::new(error).at(&origin);
        match hint {
            Some(hint) => complaint.hint(hint),
            None => complaint,
        }
    };
    let errors = config(settings).check().err();
    errors
        .into_iter()
        .flat_map(|errors| errors.0)
        .map(complaint)
        .collect()
}
