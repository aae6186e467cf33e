//! What the tests of this crate share: an engine that the test plays itself, and a raw client.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::engine::{
    Backend, BoxFuture, CancelStatement, Engine, EngineError, IntoEngine, SessionInfo,
};
use crate::{PgServer, PgServerBuilder, ShutdownHandle};

/// Hands the far end of each session to the test.
pub(crate) struct PlayedEngine {
    sessions: mpsc::UnboundedSender<UnixStream>,
    canceller: Option<Arc<dyn CancelStatement>>,
}

/// The test's side of a [`PlayedEngine`].
pub(crate) struct EngineSide(mpsc::UnboundedReceiver<UnixStream>);

impl PlayedEngine {
    pub(crate) fn new() -> (Arc<Self>, EngineSide) {
        Self::with_canceller(None)
    }

    pub(crate) fn with_canceller(
        canceller: Option<Arc<dyn CancelStatement>>,
    ) -> (Arc<Self>, EngineSide) {
        let (sessions, receiver) = mpsc::unbounded_channel();
        let engine = Self {
            sessions,
            canceller,
        };
        (Arc::new(engine), EngineSide(receiver))
    }
}

impl Engine for PlayedEngine {
    fn name(&self) -> &str {
        "played"
    }

    fn connect<'a>(
        &'a self,
        _session: &'a SessionInfo,
    ) -> BoxFuture<'a, Result<Backend, EngineError>> {
        Box::pin(async {
            let (near, far) = UnixStream::pair().map_err(EngineError::Connect)?;
            self.sessions
                .send(far)
                .map_err(|_| EngineError::Connect(std::io::ErrorKind::BrokenPipe.into()))?;
            let backend = Backend::new(near);
            Ok(match &self.canceller {
                Some(canceller) => backend.with_canceller(Arc::clone(canceller)),
                None => backend,
            })
        })
    }
}

impl EngineSide {
    /// The next session, not yet greeted.
    pub(crate) async fn session(&mut self) -> UnixStream {
        self.0.recv().await.unwrap()
    }

    /// The next session, greeted as an engine does; its StartupMessage is dropped.
    pub(crate) async fn greeted_session(&mut self) -> UnixStream {
        let mut session = self.session().await;
        read_startup(&mut session).await;
        session.write_all(ENGINE_GREETING).await.unwrap();
        session
    }

    /// Greets every session and leaves it alone.
    pub(crate) fn greet_all(mut self) -> JoinHandle<()> {
        tokio::spawn(async move {
            let mut sessions = Vec::new();
            while let Some(mut session) = self.0.recv().await {
                read_startup(&mut session).await;
                session.write_all(ENGINE_GREETING).await.unwrap();
                sessions.push(session);
            }
        })
    }

    pub(crate) fn was_called(&mut self) -> bool {
        self.0.try_recv().is_ok()
    }
}

/// AuthenticationOk, a ParameterStatus, BackendKeyData of process 77, ReadyForQuery.
pub(crate) const ENGINE_GREETING: &[u8] = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x0cname\0ok\0\
    K\0\0\0\x0c\0\0\0\x4d\x01\x02\x03\x04Z\0\0\0\x05I";

/// A server of the builder's settings on a port of its own, serving.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) server: PgServer,
    pub(crate) shutdown: ShutdownHandle,
    pub(crate) serving: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn start(builder: PgServerBuilder, engine: impl IntoEngine) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let server = builder.address(address).build(engine).unwrap();
        let bound = server.bind().await.unwrap();
        Self {
            address: bound.local_addrs()[0],
            shutdown: server.shutdown_handle(),
            server,
            serving: tokio::spawn(bound.serve()),
        }
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Connects and sends a StartupMessage of user `app`.
    pub(crate) async fn ask_for_session(&self) -> TcpStream {
        let mut client = self.connect().await;
        client
            .write_all(&startup(&[("user", "app")]))
            .await
            .unwrap();
        client
    }

    /// Logs in; the engine must greet. Returns process id and key of BackendKeyData as well.
    pub(crate) async fn log_in(&self) -> (TcpStream, Vec<u8>) {
        let mut client = self.ask_for_session().await;
        let mut greeting = [0; ENGINE_GREETING.len()];
        client.read_exact(&mut greeting).await.unwrap();
        let (_, key) = greeting.split_at(27);
        (client, key[..8].to_vec())
    }
}

/// A StartupMessage of protocol 3.0.
pub(crate) fn startup(parameters: &[(&str, &str)]) -> Vec<u8> {
    startup_of(0x0003_0000, parameters)
}

/// A StartupMessage.
pub(crate) fn startup_of(version: u32, parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    for (name, value) in parameters {
        body.extend_from_slice(format!("{name}\0{value}\0").as_bytes());
    }
    body.push(0);
    let length = u32::try_from(body.len() + 4).unwrap();
    [length.to_be_bytes().to_vec(), body].concat()
}

/// Reads a StartupMessage and returns it without its length word.
pub(crate) async fn read_startup<S: AsyncRead + Unpin>(stream: &mut S) -> Vec<u8> {
    let length = stream.read_u32().await.unwrap();
    let mut body = vec![0; usize::try_from(length).unwrap() - 4];
    stream.read_exact(&mut body).await.unwrap();
    body
}

/// Reads exactly these bytes.
pub(crate) async fn expect<S: AsyncRead + Unpin>(stream: &mut S, bytes: &[u8]) {
    let mut heard = vec![0; bytes.len()];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(heard, bytes);
}

/// Reads to the end, which must be an orderly one.
pub(crate) async fn rest<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S) -> Vec<u8> {
    let mut heard = Vec::new();
    stream.read_to_end(&mut heard).await.unwrap();
    heard
}

/// A FATAL ErrorResponse.
pub(crate) fn fatal(code: &str, text: &str) -> Vec<u8> {
    let body = format!("SFATAL\0VFATAL\0C{code}\0M{text}\0\0");
    let length = u32::try_from(body.len() + 4).unwrap();
    [b"E", &length.to_be_bytes()[..], body.as_bytes()].concat()
}

/// Tells a channel when it is asked to cancel.
pub(crate) struct TellingCanceller(pub(crate) Mutex<mpsc::UnboundedSender<()>>);

impl CancelStatement for TellingCanceller {
    fn cancel(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.0.lock().unwrap().send(()).unwrap();
        Box::pin(async { Ok(()) })
    }
}
