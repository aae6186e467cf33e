//! Serving, from the settings to the end.

use std::cell::Cell;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use heliosdb_server::engine::{EngineError, NanoEngine};
use heliosdb_server::settings::{Loaded, Settings, Value};
use heliosdb_server::{AccessHandle, PgServerBuilder, ServeError, ShutdownHandle};
use tokio::runtime::Runtime;

use super::exit::Exit;
use super::preflight::{self, Ready};
use super::report::{self, Complaint};
use super::signals::{Signals, Stop};
use super::{access, check, connect, logging};

/// Serves until a signal ends it, and then the process; returns if there was nothing to serve.
pub(super) fn run(loaded: &Loaded) -> Exit {
    let (Ok(settings), Ok(filter)) = (loaded.settings(), logging::filter()) else {
        report::errors(&check::judge(loaded).0);
        return Exit::Configuration;
    };
    logging::start(settings.log_format, filter);
    let ready = match preflight::prepare(loaded, settings) {
        Ok(ready) => ready,
        Err(complaints) => {
            complaints.iter().for_each(Complaint::log_error);
            return Exit::Configuration;
        }
    };
    ready.tls.warnings.iter().for_each(Complaint::log_warning);
    let runtime = match Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            Complaint::because("could not start threads", error).log_error();
            return Exit::Runtime;
        }
    };
    let exit = runtime
        .block_on(serve(settings, &ready))
        .unwrap_or_else(|complaint| {
            complaint.log_error();
            Exit::Runtime
        });
    // It may hold a temporary directory.
    drop(ready);
    // Whatever still runs has had its time. An ordinary exit would destroy the static objects of the
    // engine's C++ code under statements that are still inside it, which aborts the process.
    signal_hook::low_level::exit(exit.code().into())
}

async fn serve(settings: &Settings, ready: &Ready) -> Result<Exit, Complaint> {
    // Before anything that takes time, so that no signal is lost.
    let signals =
        Signals::new().map_err(|error| Complaint::because("could not wait for signals", error))?;
    let engine = open_engine(settings)?;
    let server = builder(settings, ready)
        .build(engine)
        .map_err(Complaint::new)?;
    let (shutdown, files) = (server.shutdown_handle(), server.access_handle());
    let bound = server.bind().await.map_err(not_listening)?;
    announce(bound.local_addrs(), ready);
    let forced = Cell::new(None);
    // On a worker, as the connections are: from this thread each one would have to wake a worker.
    let serving = tokio::spawn(bound.serve());
    tokio::select! {
        served = serving => served.map_err(|error| Complaint::because("the server failed", error))?,
        () = stop(signals, files, shutdown, settings.shutdown_grace_period, &forced) => {}
    }
    Ok(forced
        .get()
        .map_or(Exit::Success, |stop: Stop| Exit::Signal(stop.number())))
}

fn builder(settings: &Settings, ready: &Ready) -> PgServerBuilder {
    let mut builder = PgServerBuilder::new()
        .ssl_config(ready.tls.config.clone())
        .access(access::config(settings))
        .max_connections(settings.max_connections)
        .max_pending_logins(settings.max_pending_logins)
        .max_pending_logins_per_address(settings.max_pending_logins_per_address)
        .pending_logins_exempt_addresses(settings.pending_logins_exempt_addresses.clone())
        .authentication_timeout(settings.authentication_timeout)
        .tcp_keepalives_idle(settings.tcp_keepalives_idle)
        .tcp_keepalives_interval(settings.tcp_keepalives_interval)
        .tcp_keepalives_count(settings.tcp_keepalives_count);
    for address in &ready.addresses {
        builder = builder.address(*address);
    }
    builder
}

fn open_engine(settings: &Settings) -> Result<Arc<NanoEngine>, Complaint> {
    let engine = match &settings.data_dir {
        Some(directory) => NanoEngine::open(directory),
        None => NanoEngine::in_memory(),
    };
    let complaint = |error: EngineError| match &settings.data_dir {
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
fn announce(addresses: &[SocketAddr], ready: &Ready) {
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
    if let (Some(development), Some(address)) = (&ready.tls.development, addresses.first()) {
        tracing::info!(
            "connect with: {}",
            connect::psql(*address, &development.root)
        );
    }
}

/// Stops the server at the first signal, with less patience at the second, which `forced` records;
/// returns when the server has to be left as it is.
async fn stop(
    mut signals: Signals,
    files: AccessHandle,
    shutdown: ShutdownHandle,
    grace: Duration,
    forced: &Cell<Option<Stop>>,
) {
    let reload = async || access::reload(files.clone()).await;
    let first = signals.stop(reload).await;
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
