//! A whole connection up to the engine: negotiation, admission, authentication, farewell.
//!
//! The first byte of the input says in pieces of which size the rest arrives. The clock stands still
//! but for deadlines, so whatever waits for ever or beyond its deadline is found as a hang.
#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use heliosdb_server::engine::{Backend, BoxFuture, Engine, EngineError, SessionInfo};
use heliosdb_server::{AccessConfig, PgServer, PgServerBuilder};
use libfuzzer_sys::fuzz_target;
use pg_auth::scram::{Iterations, Verifier};
use pg_certs::CertificateManager;
use pg_tls::{Acceptor, Negotiated, Peer, SslConfig, SslMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};

const DEADLINE: Duration = Duration::from_secs(60);

static SERVER: LazyLock<(PgServer, Acceptor)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("server.crt"), dir.path().join("server.key"));
    CertificateManager::generate_self_signed(&certificate, &key, "localhost").unwrap();
    let users = dir.path().join("users");
    let verifier = Verifier::from_password(b"pencil", Iterations::DEFAULT).unwrap();
    pg_auth::users::add(&users, "scram", &verifier).unwrap();
    let rules = dir.path().join("pg_hba.conf");
    std::fs::write(&rules, RULES).unwrap();
    let config = SslConfig::new(SslMode::Allow, certificate, key);
    let acceptor = Acceptor::new(config.load().unwrap());
    let access = AccessConfig::new()
        .hba_file(rules)
        .users_file(users)
        .dangerous_cleartext_passwords();
    let server = PgServerBuilder::new().ssl_config(config).access(access);
    (server.build(Arc::new(NoEngine)).unwrap(), acceptor)
});

const RULES: &str = "\
    host  all  rejected        all        reject\n\
    host  all  password        all        password\n\
    host  /^d  /^(scram|nobody)  samehost  scram-sha-256\n\
    host  replication  all     all        scram-sha-256\n\
    host  all  trusted  127.0.0.1/32      trust\n\
    host  sameuser  all        127.0.0.1  255.0.0.0  scram-sha-256\n";

/// Nobody gets this far without a password, and who does is told that there is nothing.
struct NoEngine;

impl Engine for NoEngine {
    fn name(&self) -> &str {
        "none"
    }

    fn connect<'a>(
        &'a self,
        _session: &'a SessionInfo,
    ) -> BoxFuture<'a, Result<Backend, EngineError>> {
        Box::pin(async {
            let (near, _far) = UnixStream::pair().map_err(EngineError::Connect)?;
            Ok(Backend::new(near))
        })
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((step, bytes)) = input.split_first() else {
        return;
    };
    runtime().block_on(async {
        let (client, server) = duplex(1 << 16);
        let serving = serve(server);
        tokio::join!(play(client, bytes, usize::from(*step).max(1)), serving);
    });
});

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let (server, acceptor) = &*SERVER;
    let peer = Peer::Tcp(([127, 0, 0, 1], 5432).into());
    if let Ok(Negotiated::Session(session)) = acceptor.negotiate(stream, peer, DEADLINE).await {
        let _ = server.connection_handler(session).run().await;
    }
}

/// Sends everything, whatever the server says, and reads to the end.
async fn play(client: impl AsyncRead + AsyncWrite, bytes: &[u8], step: usize) {
    let (mut reader, mut writer) = tokio::io::split(client);
    let send = async {
        for piece in bytes.chunks(step) {
            if writer.write_all(piece).await.is_err() {
                return;
            }
            tokio::task::yield_now().await;
        }
        let _ = writer.shutdown().await;
    };
    let receive = async {
        let mut heard = Vec::new();
        let _ = reader.read_to_end(&mut heard).await;
    };
    tokio::join!(send, receive);
}
