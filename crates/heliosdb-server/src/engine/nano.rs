//! The embedded engine: HeliosDB Nano. This is the only file that names `heliosdb_nano`.
//!
//! Nano's own session handler answers on one end of a socket pair, on a runtime of its own: it runs
//! each statement synchronously inside its task, and TLS and accept must never wait for SQL.

use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::{fmt, io};

use heliosdb_nano::EmbeddedDatabase;
use heliosdb_nano::protocol::postgres::handler::handle_connection_unix;
use heliosdb_nano::protocol::postgres::{AuthManager, AuthMethod};
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::{Backend, BoxFuture, Engine, EngineError, IntoEngine, SessionInfo};

/// [`Engine::name`] of the embedded engine.
const NAME: &str = "nano";

/// The smallest number of worker threads. One per core would serve short statements best, but a few
/// more let long statements and short ones share the cores as the kernel sees fit.
const WORKERS_MIN: usize = 4;

/// How many threads may stand in for workers that are busy with long statements; further ones
/// share what is left. Each costs its stack while in use and ends when it has been idle for 10 s.
const STAND_INS_MAX: usize = 512;

/// HeliosDB Nano, embedded in this process, on threads of its own.
///
/// A long statement occupies a thread and never the sessions beside it: when all worker threads but
/// one are busy, the next statement hands its worker's queue to a stand-in thread before it runs.
///
/// Dropping the engine ends its threads without waiting for statements that still run. The server
/// waits for them, for a bounded time, when it shuts down; the last `Arc` of the database writes
/// what it has in memory when it is dropped.
///
/// # Limits
///
/// What this engine cannot do, the server does not paper over: it offers no way to interrupt a
/// running statement (a CancelRequest with the right key is logged and changes nothing; `SET
/// statement_timeout` works), it ignores settings in the startup packet other than `user`,
/// `database` and `application_name`, and it refuses `COPY (SELECT …) TO STDOUT`.
pub struct NanoEngine {
    database: Arc<EmbeddedDatabase>,
    login: Arc<AuthManager>,
    workers: Arc<Workers>,
    /// `None` only while being dropped.
    runtime: Option<Runtime>,
    /// Each session task holds a receiver, so that `closed` means that all have ended.
    sessions: watch::Sender<()>,
}

impl NanoEngine {
    /// Serves a database that is already open.
    ///
    /// # Errors
    ///
    /// [`EngineError::Start`] if the operating system gives no threads.
    pub fn new(database: Arc<EmbeddedDatabase>) -> Result<Self, EngineError> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let workers = WORKERS_MIN.max(cores);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .max_blocking_threads(STAND_INS_MAX)
            .thread_name("nano")
            .enable_all()
            .build()
            .map_err(start_error)?;
        Ok(Self {
            database,
            login: Arc::new(AuthManager::new(AuthMethod::Trust)),
            workers: Arc::new(Workers {
                busy: AtomicUsize::new(0),
                spare_from: workers - 1,
            }),
            runtime: Some(runtime),
            sessions: watch::Sender::new(()),
        })
    }

    /// Starts with an empty database that lives in memory and ends with the process.
    ///
    /// # Errors
    ///
    /// [`EngineError::Start`] with the engine's reason.
    pub fn in_memory() -> Result<Self, EngineError> {
        Self::new(Arc::new(
            EmbeddedDatabase::new_in_memory().map_err(start_error)?,
        ))
    }

    /// Opens the durable database in a directory, which is created if it does not exist.
    ///
    /// # Errors
    ///
    /// [`EngineError::Start`] with the engine's reason, such as that another process has it open.
    pub fn open(directory: impl AsRef<Path>) -> Result<Self, EngineError> {
        Self::new(Arc::new(
            EmbeddedDatabase::new(directory).map_err(start_error)?,
        ))
    }

    /// The database itself, for work beside the network.
    pub fn database(&self) -> &Arc<EmbeddedDatabase> {
        &self.database
    }

    /// Starts nano's handler on the far end of a socket pair and returns the near end.
    fn start_session(&self) -> io::Result<UnixStream> {
        let runtime = self
            .runtime
            .as_ref()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotConnected))?;
        let (near, far) = StdUnixStream::pair()?;
        near.set_nonblocking(true)?;
        far.set_nonblocking(true)?;
        let far = {
            let _nano = runtime.enter();
            UnixStream::from_std(far)?
        };
        // Nano numbers sessions itself and does not look at this argument.
        let unused_id = 0;
        let (database, login) = (Arc::clone(&self.database), Arc::clone(&self.login));
        let ended = self.sessions.subscribe();
        runtime.spawn(Occupying {
            workers: Arc::clone(&self.workers),
            task: Box::pin(async move {
                if let Err(error) = handle_connection_unix(database, far, login, unused_id).await {
                    tracing::debug!("nano ended a session: {error}");
                }
                drop(ended);
            }),
        });
        UnixStream::from_std(near)
    }
}

impl Engine for NanoEngine {
    fn name(&self) -> &str {
        NAME
    }

    fn connect<'a>(
        &'a self,
        _session: &'a SessionInfo,
    ) -> BoxFuture<'a, Result<Backend, EngineError>> {
        Box::pin(async move {
            let stream = self.start_session().map_err(EngineError::Connect)?;
            Ok(Backend::new(stream))
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.sessions.closed())
    }
}

impl Drop for NanoEngine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // An ordinary drop blocks, which panics when it happens on a thread of another runtime.
            runtime.shutdown_background();
        }
    }
}

impl fmt::Debug for NanoEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NanoEngine").finish_non_exhaustive()
    }
}

impl IntoEngine for Arc<EmbeddedDatabase> {
    fn into_engine(self) -> Result<Arc<dyn Engine>, EngineError> {
        Ok(Arc::new(NanoEngine::new(self)?))
    }
}

/// So that the paved path needs no error type of the engine's.
impl From<heliosdb_nano::Error> for crate::Error {
    fn from(error: heliosdb_nano::Error) -> Self {
        Self::Engine(start_error(error))
    }
}

fn start_error(source: impl std::error::Error + Send + Sync + 'static) -> EngineError {
    EngineError::Start {
        engine: NAME,
        source: Box::new(source),
    }
}

/// How many worker threads are inside a session task at this moment.
struct Workers {
    busy: AtomicUsize,
    /// From this many busy workers on, the next one to become busy leaves a stand-in behind.
    spare_from: usize,
}

/// A session task that never takes the last free worker with it.
struct Occupying {
    workers: Arc<Workers>,
    task: BoxFuture<'static, ()>,
}

impl Future for Occupying {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let workers = Arc::clone(&self.workers);
        let place = Place::take(&workers);
        if place.is_spare {
            tokio::task::block_in_place(|| self.task.as_mut().poll(cx))
        } else {
            self.task.as_mut().poll(cx)
        }
    }
}

/// One busy worker; gives its place back even when the task panics.
struct Place<'a> {
    workers: &'a Workers,
    is_spare: bool,
}

impl<'a> Place<'a> {
    fn take(workers: &'a Workers) -> Self {
        let before = workers.busy.fetch_add(1, Ordering::Relaxed);
        Self {
            workers,
            is_spare: before >= workers.spare_from,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.workers.busy.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::PgServerBuilder;
    use crate::testing::{Served, rest, startup};

    #[test]
    fn statements_that_block_every_worker_leave_room_for_one_more() {
        let engine = NanoEngine::in_memory().unwrap();
        let runtime = engine.runtime.as_ref().unwrap();
        let blockers = engine.workers.spare_from + 8;
        let (started, is_started) = mpsc::channel();
        let mut releases = Vec::new();
        let spawn = |work: Box<dyn FnOnce() + Send>| {
            runtime.spawn(Occupying {
                workers: Arc::clone(&engine.workers),
                task: Box::pin(async move { work() }),
            });
        };
        for _ in 0..blockers {
            let (release, released) = mpsc::channel::<()>();
            let started = started.clone();
            releases.push(release);
            spawn(Box::new(move || {
                started.send(()).unwrap();
                let _closed = released.recv();
            }));
        }
        for _ in 0..blockers {
            is_started.recv_timeout(Duration::from_secs(20)).unwrap();
        }

        let (short, is_done) = mpsc::channel();
        spawn(Box::new(move || short.send(()).unwrap()));
        is_done.recv_timeout(Duration::from_secs(20)).unwrap();
        drop(releases);
    }

    /// Sends a simple query and returns tags and bodies of the answer.
    async fn query(client: &mut TcpStream, sql: &str) -> Vec<(u8, Vec<u8>)> {
        let length = u32::try_from(sql.len() + 5).unwrap().to_be_bytes();
        let message = [b"Q", &length[..], sql.as_bytes(), b"\0"].concat();
        client.write_all(&message).await.unwrap();
        read_until_ready(client).await
    }

    async fn read_until_ready(client: &mut TcpStream) -> Vec<(u8, Vec<u8>)> {
        let mut messages = Vec::new();
        loop {
            let tag = client.read_u8().await.unwrap();
            let length = client.read_u32().await.unwrap();
            let mut body = vec![0; usize::try_from(length).unwrap() - 4];
            client.read_exact(&mut body).await.unwrap();
            messages.push((tag, body));
            if tag == b'Z' {
                return messages;
            }
        }
    }

    #[tokio::test]
    async fn sql_works_through_the_server_which_lets_go_of_the_database() {
        let database = Arc::new(EmbeddedDatabase::new_in_memory().unwrap());
        let served = Served::start(PgServerBuilder::new(), Arc::clone(&database)).await;
        let mut client = served.connect().await;
        let message = startup(&[("user", "app"), ("database", "postgres")]);
        client.write_all(&message).await.unwrap();
        let greeting = read_until_ready(&mut client).await;
        let keys = greeting.iter().filter(|(tag, _)| *tag == b'K').count();
        assert_eq!((greeting[0].0, keys), (b'R', 1));

        query(&mut client, "create table t (a int primary key, b text)").await;
        query(&mut client, "insert into t values (1, 'one'), (2, 'two')").await;
        let answer = query(&mut client, "select b from t order by a").await;
        let tags: Vec<u8> = answer.iter().map(|(tag, _)| *tag).collect();
        assert_eq!(tags, b"TDDCZ");
        assert_eq!(answer[1].1, b"\0\x01\0\0\0\x03one");
        assert_eq!(answer[3].1, b"SELECT 2\0");

        served.shutdown.shutdown(Duration::ZERO);
        let told = rest(client).await;
        assert!(told.windows(5).any(|code| code == b"57P01"));
        served.serving.await.unwrap();
        drop(served.server);
        assert_eq!(Arc::strong_count(&database), 1);
    }

    #[tokio::test]
    async fn an_unknown_database_is_refused_with_the_engines_words() {
        let served = Served::start(
            PgServerBuilder::new(),
            Arc::new(NanoEngine::in_memory().unwrap()),
        )
        .await;
        let mut client = served.connect().await;
        let message = startup(&[("user", "app"), ("database", "no_such")]);
        client.write_all(&message).await.unwrap();
        let told = String::from_utf8_lossy(&rest(client).await).into_owned();
        assert!(told.contains("SFATAL\0"), "{told}");
        assert!(
            told.contains("C3D000\0Mdatabase \"no_such\" does not exist\0"),
            "{told}"
        );
    }

    #[tokio::test]
    async fn can_be_dropped_inside_another_runtime() {
        let engine = NanoEngine::in_memory().unwrap();
        let info = SessionInfo::new("app", "postgres", None);
        let backend = engine.connect(&info).await.unwrap();
        drop(backend);
        engine.close().await;
        drop(engine);
    }
}
