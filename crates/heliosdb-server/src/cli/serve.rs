//! Serving, from the settings to the end.

use std::cell::Cell;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;
use heliosdb_server::engine::{EngineError, NanoEngine};
use heliosdb_server::reload::ConfigSource;
use heliosdb_server::settings::{Loaded, Settings, Value};
use heliosdb_server::{BuildError, PgServerBuilder, ReloadHandle, ServeError, ShutdownHandle};
use pg_tls::SslConfig;
use tokio::runtime::Runtime;

use super::exit::Exit;
use super::preflight::{self, Ready};
use super::reload::{self, Configuration};
use super::report::{self, Complaint};
use super::signals::{Signals, Stop};
use super::{access, check, connect, logging, tls};

/// Serves until a signal ends it, and then the process; returns if there was nothing to serve. The
/// sources are what the settings were loaded from.
pub(super) fn run(loaded: Loaded, sources: (ArgMatches, Vec<(OsString, OsString)>)) -> Exit {
    let (Ok(settings), Ok(filter)) = (loaded.settings().cloned(), logging::filter()) else {
        report::errors(&check::judge(&loaded).0);
        return Exit::Configuration;
    };
    logging::start(settings.log_format, filter);
    let Ready { addresses, tls } = match preflight::prepare(&loaded, &settings) {
        Ok(ready) => ready,
        Err(complaints) => {
            complaints.iter().for_each(Complaint::log_error);
            return Exit::Configuration;
        }
    };
    tls.warnings(&loaded)
        .iter()
        .for_each(Complaint::log_warning);
    tls.log_policy();
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            Complaint::because("could not start threads", error).log_error();
            return Exit::Runtime;
        }
    };
    let builder =
        { addresses.into_iter() }.fold(builder(&settings, &tls.config), PgServerBuilder::address);
    let data_dir = settings.data_dir.clone();
    let configuration = Configuration::new(sources, loaded, settings, tls.development);
    let configuration = Arc::new(configuration);
    let exit = runtime
        .block_on(serve(builder, data_dir.as_deref(), &configuration))
        .unwrap_or_else(|complaint| {
            complaint.log_error();
            Exit::Runtime
        });
    configuration.clean_up();
    // Whatever still runs has had its time. An ordinary exit would destroy the static objects of the
    // engine's C++ code under statements that are still inside it, which aborts the process.
    signal_hook::low_level::exit(exit.code().into())
}

async fn serve(
    builder: PgServerBuilder,
    data_dir: Option<&Path>,
    configuration: &Arc<Configuration>,
) -> Result<Exit, Complaint> {
    // Before anything that takes time, so that no signal is lost.
    let signals =
        Signals::new().map_err(|error| Complaint::because("could not wait for signals", error))?;
    let engine = open_engine(data_dir)?;
    let source: Arc<dyn ConfigSource> = Arc::<Configuration>::clone(configuration);
    let builder = builder.config_source(source);
    let server = match builder.build(engine) {
        Ok(server) => server,
        // What the check before has left out, so that nobody is asked for a pass phrase twice.
        Err(BuildError::Configuration(errors)) => {
            for error in errors.0 {
                let hint = error.hint();
                Complaint::new(error).hint_if_any(hint).log_error();
            }
            return Ok(Exit::Configuration);
        }
        Err(error) => return Err(Complaint::new(error)),
    };
    let handles = (server.shutdown_handle(), server.reload_handle());
    let bound = server.bind().await.map_err(not_listening)?;
    announce(bound.local_addrs(), configuration.development_root());
    let forced = Cell::new(None);
    // On a worker, as the connections are: from this thread each one would have to wake a worker.
    let serving = tokio::spawn(bound.serve());
    tokio::select! {
        served = serving => served.map_err(|error| Complaint::because("the server failed", error))?,
        () = stop(signals, handles, configuration, &forced) => {}
    }
    Ok(forced
        .get()
        .map_or(Exit::Success, |stop: Stop| Exit::Signal(stop.number())))
}

/// The server of the settings, without its addresses.
pub(super) fn builder(settings: &Settings, ssl: &SslConfig) -> PgServerBuilder {
    let builder = match tls::auto_renewal(settings) {
        Some(renewal) => PgServerBuilder::new().ssl_auto_renew(renewal),
        None => PgServerBuilder::new(),
    };
    builder
        .ssl_config(ssl.clone())
        .ssl_ocsp_fetch(settings.ssl_ocsp_fetch)
        .access(access::config(settings))
        .reload_on_change(settings.reload_on_change)
        .max_connections(settings.max_connections)
        .max_pending_logins(settings.max_pending_logins)
        .max_pending_logins_per_address(settings.max_pending_logins_per_address)
        .pending_logins_exempt_addresses(settings.pending_logins_exempt_addresses.clone())
        .authentication_timeout(settings.authentication_timeout)
        .tcp_keepalives_idle(settings.tcp_keepalives_idle)
        .tcp_keepalives_interval(settings.tcp_keepalives_interval)
        .tcp_keepalives_count(settings.tcp_keepalives_count)
}

fn open_engine(data_dir: Option<&Path>) -> Result<Arc<NanoEngine>, Complaint> {
    let engine = match data_dir {
        Some(directory) => NanoEngine::open(directory),
        None => NanoEngine::in_memory(),
    };
    let complaint = |error: EngineError| match data_dir {
        Some(directory) => Complaint::new(error).hint(format!(
            "Is another server using the data directory \"{}\"? If not, check that this user can \
             write it.",
            directory.display()
        )),
        None => Complaint::new(error),
    };
    engine.map(Arc::new).map_err(complaint)
}

/// The line on standard output that scripts wait for, and for people how to connect.
fn announce(addresses: &[SocketAddr], development_root: Option<PathBuf>) {
    let list: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    let line = format!(
        "{} ready to accept connections on {}\n",
        env!("CARGO_BIN_NAME"),
        list.join(", ")
    );
    let mut stdout = io::stdout().lock();
    if let Err(error) = stdout
        .write_all(line.as_bytes())
        .and_then(|()| stdout.flush())
    {
        tracing::warn!("could not say on standard output that the server is ready: {error}");
    }
    if let (Some(root), Some(address)) = (development_root, addresses.first()) {
        tracing::info!("connect with: {}", connect::psql(*address, &root));
    }
}

/// Stops the server at the first signal, with less patience at the second, which `forced` records;
/// returns when the server has to be left as it is.
async fn stop(
    mut signals: Signals,
    (shutdown, handle): (ShutdownHandle, ReloadHandle),
    configuration: &Configuration,
    forced: &Cell<Option<Stop>>,
) {
    let reload = async || reload::at_signal(&handle).await;
    let first = signals.stop(reload).await;
    let grace = configuration.grace();
    let patience = Value::Duration(grace);
    tracing::info!(
        "received {}, stopping when sessions are done, within {patience}; a second signal stops at \
         once",
        first.name()
    );
    shutdown.shutdown(grace);
    let second = signals.stop(reload).await;
    forced.set(Some(second));
    tracing::warn!(
        "received {}, stopping without waiting for sessions",
        second.name()
    );
    shutdown.shutdown(Duration::ZERO);
    tokio::time::sleep(FAREWELL).await;
}

fn not_listening(error: ServeError) -> Complaint {
    let hint = match &error {
        ServeError::Bind { address, source } => match source.kind() {
            // PostgreSQL's hint.
            io::ErrorKind::AddrInUse => Some(format!(
                "Is another server already running on port {}? If not, wait a few seconds and \
                 retry.",
                address.port()
            )),
            io::ErrorKind::PermissionDenied => {
                Some("Ports below 1024 are for privileged users; choose a higher one.".to_owned())
            }
            io::ErrorKind::AddrNotAvailable => {
                Some("No interface of this machine has this address.".to_owned())
            }
            _ => None,
        },
        _ => None,
    };
    Complaint::new(error).hint_if_any(hint)
}

/// How long the farewells to clients may take after a second signal.
const FAREWELL: Duration = Duration::from_secs(1);
