//! The settings while the server runs, and reading them again.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::ArgMatches;
use heliosdb_server::ReloadHandle;
use heliosdb_server::reload::{ConfigSource, ConfigurationErrors, Proposal, ReloadTrigger};
use heliosdb_server::settings::{self, Loaded, Settings};
use tokio::task::spawn_blocking;

use super::report::Complaint;
use super::serve;
use super::tls::{self, Development, Purpose};

/// Flags and environment as they were at the start, and the file as it is now.
#[derive(Debug)]
pub(super) struct Configuration {
    flags: ArgMatches,
    environment: Vec<(OsString, OsString)>,
    current: Arc<Mutex<Current>>,
}

/// What is in use.
#[derive(Debug)]
struct Current {
    loaded: Loaded,
    settings: Settings,
    /// Its directory may be a temporary one.
    development: Option<Development>,
}

impl Configuration {
    /// The configuration of the start.
    pub(super) fn new(
        (flags, environment): (ArgMatches, Vec<(OsString, OsString)>),
        loaded: Loaded,
        settings: Settings,
        development: Option<Development>,
    ) -> Self {
        let current = Current {
            loaded,
            settings,
            development,
        };
        Self {
            flags,
            environment,
            current: Arc::new(Mutex::new(current)),
        }
    }

    /// `shutdown_grace_period`, as it is now.
    pub(super) fn grace(&self) -> Duration {
        lock(&self.current).settings.shutdown_grace_period
    }

    /// What clients have to trust if the certificate is a generated one.
    pub(super) fn development_root(&self) -> Option<PathBuf> {
        let current = lock(&self.current);
        current.development.as_ref().map(|it| it.root.clone())
    }

    /// Removes temporary files.
    pub(super) fn clean_up(&self) {
        lock(&self.current).development = None;
    }
}

impl ConfigSource for Configuration {
    fn read(&self) -> Result<Proposal, ConfigurationErrors> {
        let environment = self.environment.iter().cloned();
        let loaded = settings::load(&self.flags, environment)
            .and_then(|loaded| loaded.succeed(&lock(&self.current).loaded))
            .map_err(|error| errors([Complaint::from(error)]))?;
        let (loaded, differences) = loaded;
        let settings = match loaded.settings() {
            Ok(settings) => settings.clone(),
            Err(problems) => {
                let verdict = loaded.file().map(|path| {
                    // PostgreSQL's line for a file of which nothing is used.
                    Complaint::text(format!(
                        "configuration file \"{}\" contains errors; no changes were applied",
                        path.display()
                    ))
                });
                return Err(errors(
                    problems.0.iter().map(Complaint::from).chain(verdict),
                ));
            }
        };
        let tls = tls::locate(&loaded, &settings, Purpose::Serve).map_err(errors)?;
        let builder = serve::builder(&settings, &tls.config);
        let current = Arc::clone(&self.current);
        Ok(Proposal::new(builder).when_adopted(move || {
            for difference in &differences {
                tracing::info!("{difference}");
            }
            tls.warnings(&loaded)
                .iter()
                .for_each(Complaint::log_warning);
            tls.log_policy();
            *lock(&current) = Current {
                loaded,
                settings,
                development: tls.development,
            };
        }))
    }

    fn files(&self) -> Vec<PathBuf> {
        let current = lock(&self.current);
        let settings = &current.settings;
        let hosts = settings.hosts_file.iter().filter(|_| settings.ssl_sni);
        let file = current.loaded.file().map(Into::into);
        file.into_iter()
            .chain(hosts.flat_map(pg_auth::files_of))
            .collect()
    }
}

/// Reloads because of a signal; what came of it is in the log.
pub(super) async fn at_signal(handle: &ReloadHandle) {
    let handle = handle.clone().triggered_by(ReloadTrigger::Signal);
    if let Err(panicked) = spawn_blocking(move || handle.reload()).await {
        Complaint::because("the reload failed", panicked).log_warning();
    }
}

fn errors(complaints: impl IntoIterator<Item = Complaint>) -> ConfigurationErrors {
    ConfigurationErrors(complaints.into_iter().map(Into::into).collect())
}

fn lock(current: &Mutex<Current>) -> MutexGuard<'_, Current> {
    current.lock().unwrap_or_else(PoisonError::into_inner)
}
