//! A server on loopback sockets, with an engine that the test plays and a client of raw bytes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use crate::testing::{
    ENGINE_GREETING, PlayedEngine, Served, TellingCanceller, expect, fatal, read_startup, rest,
    startup, startup_of,
};
use crate::{PgServerBuilder, SslConfig, SslMode};

const AUTHENTICATION_OK: &[u8] = b"R\0\0\0\x08\0\0\0\0";
const QUERY: &[u8] = b"Q\0\0\0\x09ping\0";
const REPLY: &[u8] = b"C\0\0\0\x09PONG\0Z\0\0\0\x05I";
const IN_TRANSACTION: &[u8] = b"Z\0\0\0\x05T";
const TERMINATE: &[u8] = b"X\0\0\0\x04";

/// Long enough never to be over in a test, short enough to find out.
const GRACE: Duration = Duration::from_secs(60);

fn shutdown_notice() -> Vec<u8> {
    fatal(
        "57P01",
        "terminating connection due to administrator command",
    )
}

#[tokio::test]
async fn a_session_begins_relays_and_ends() {
    let (engine, mut engine_side) = PlayedEngine::new();
    let served = Served::start(PgServerBuilder::new(), engine).await;
    let mut client = served.connect().await;
    let parameters = [("user", "app"), ("DateStyle", "ISO"), ("_pq_.x", "1")];
    client
        .write_all(&startup_of(0x0003_0002, &parameters))
        .await
        .unwrap();

    let mut session = engine_side.session().await;
    assert_eq!(
        read_startup(&mut session).await,
        b"\0\x03\0\0user\0app\0database\0app\0DateStyle\0ISO\0\0"
    );
    session.write_all(ENGINE_GREETING).await.unwrap();

    // NegotiateProtocolVersion, AuthenticationOk, ParameterStatus, and a key of 32 bytes.
    expect(&mut client, b"v\0\0\0\x13\0\x03\0\x02\0\0\0\x01_pq_.x\0").await;
    expect(&mut client, AUTHENTICATION_OK).await;
    expect(&mut client, b"S\0\0\0\x0cname\0ok\0").await;
    expect(&mut client, b"K\0\0\0\x28\0\0\0\x4d").await;
    client.read_exact(&mut [0; 32]).await.unwrap();
    expect(&mut client, b"Z\0\0\0\x05I").await;

    client.write_all(QUERY).await.unwrap();
    expect(&mut session, QUERY).await;
    session.write_all(REPLY).await.unwrap();
    expect(&mut client, REPLY).await;

    client.write_all(TERMINATE).await.unwrap();
    assert_eq!(rest(client).await, b"");
    assert_eq!(rest(session).await, b"");
    let counters = served.server.counters();
    assert_eq!((counters.connections, counters.sessions), (1, 1));
    assert_eq!(counters.traffic.bytes_to_clients, 16);
}

#[tokio::test]
async fn a_client_of_protocol_3_0_gets_a_key_of_4_bytes_and_the_engines_process_id() {
    let (engine, engine_side) = PlayedEngine::new();
    let served = Served::start(PgServerBuilder::new(), engine).await;
    engine_side.greet_all();
    let (_client, first) = served.log_in().await;
    let (_client, second) = served.log_in().await;
    assert_eq!(first[..4], [0, 0, 0, 77]);
    // The engine says 77 every time, and that one is taken.
    assert_eq!(second[..4], [0, 0, 0, 1]);
    assert_ne!(first[4..], second[4..]);
    assert_ne!(first[4..], [1, 2, 3, 4]);
}

#[tokio::test]
async fn an_unknown_parameter_is_refused_after_authentication_and_before_the_engine() {
    let (engine, mut engine_side) = PlayedEngine::new();
    let served = Served::start(PgServerBuilder::new(), engine).await;
    let mut client = served.connect().await;
    let message = startup(&[("user", "app"), ("no_such", "1"), ("a.b", "2")]);
    client.write_all(&message).await.unwrap();
    let error = fatal("42704", "unrecognized configuration parameter \"no_such\"");
    assert_eq!(rest(client).await, [AUTHENTICATION_OK, &error].concat());
    assert!(!engine_side.was_called());
    assert_eq!(served.server.counters().refusals, 1);
}

#[tokio::test]
async fn plaintext_is_refused_where_tls_is_required() {
    let (engine, mut engine_side) = PlayedEngine::new();
    let directory = tempfile::tempdir().unwrap();
    let (cert, key) = pg_certs::CertificateManager::generate_test_cert().unwrap();
    let paths = [
        directory.path().join("server.crt"),
        directory.path().join("server.key"),
    ];
    std::fs::write(&paths[0], cert).unwrap();
    std::fs::write(&paths[1], key).unwrap();
    let only_owner = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&paths[1], only_owner).unwrap();
    let [cert, key] = paths;
    let builder = PgServerBuilder::new().ssl_config(SslConfig::new(SslMode::Require, cert, key));
    let served = Served::start(builder, engine).await;
    let client = served.ask_for_session().await;
    let text = "no pg_hba.conf entry for host \"127.0.0.1\", user \"app\", database \"app\", \
                no encryption";
    assert_eq!(rest(client).await, fatal("28000", text));
    assert!(!engine_side.was_called());
}

#[tokio::test]
async fn the_engines_refusal_is_passed_on_as_fatal() {
    let (engine, mut engine_side) = PlayedEngine::new();
    let served = Served::start(PgServerBuilder::new(), engine).await;
    let client = served.ask_for_session().await;
    let mut session = engine_side.session().await;
    read_startup(&mut session).await;
    let body = b"SERROR\0VERROR\0C3D000\0Mdatabase \"app\" does not exist\0\0";
    let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
    let error = [b"E", &length[..], body].concat();
    session
        .write_all(&[AUTHENTICATION_OK, &error].concat())
        .await
        .unwrap();
    let told = fatal("3D000", "database \"app\" does not exist");
    assert_eq!(rest(client).await, [AUTHENTICATION_OK, &told].concat());
}

#[tokio::test]
async fn an_engine_that_wants_a_password_is_an_internal_error() {
    let (engine, mut engine_side) = PlayedEngine::new();
    let served = Served::start(PgServerBuilder::new(), engine).await;
    let client = served.ask_for_session().await;
    let mut session = engine_side.session().await;
    session.write_all(b"R\0\0\0\x08\0\0\0\x03").await.unwrap();
    let text = "the database engine does not start a session as the protocol demands: \
                it asks for authentication of its own";
    let told = fatal("XX000", text);
    assert_eq!(rest(client).await, [AUTHENTICATION_OK, &told].concat());
}

#[tokio::test]
async fn one_session_too_many_is_told_so_and_places_come_back() {
    let (engine, engine_side) = PlayedEngine::new();
    let served = Served::start(PgServerBuilder::new().max_connections(1), engine).await;
    engine_side.greet_all();
    let (mut first, _) = served.log_in().await;
    let refused = served.ask_for_session().await;
    let told = fatal("53300", "sorry, too many clients already");
    assert_eq!(rest(refused).await, told);
    first.write_all(TERMINATE).await.unwrap();
    assert_eq!(rest(first).await, b"");
    let (_again, _) = served.log_in().await;
}

#[tokio::test]
async fn silent_sockets_do_not_lock_out_users() {
    let (engine, engine_side) = PlayedEngine::new();
    let builder = PgServerBuilder::new()
        .max_connections(1)
        .max_pending_logins(4);
    let served = Served::start(builder, engine).await;
    engine_side.greet_all();
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(served.connect().await);
    }
    let (_client, _) = served.log_in().await;
    let counters = served.server.counters();
    assert_eq!(
        (counters.connections, counters.connections_evicted),
        (21, 17)
    );
    // The oldest were dropped; the youngest still wait.
    assert_eq!(silent.remove(0).read(&mut [0]).await.unwrap(), 0);
    let mut youngest = silent.pop().unwrap();
    youngest
        .write_all(&startup(&[("user", "app")]))
        .await
        .unwrap();
    let told = fatal("53300", "sorry, too many clients already");
    assert_eq!(rest(youngest).await, told);
}

#[tokio::test]
async fn a_client_that_says_nothing_is_dropped_without_a_byte() {
    let (engine, _engine_side) = PlayedEngine::new();
    let builder = PgServerBuilder::new().authentication_timeout(Duration::from_millis(10));
    let served = Served::start(builder, engine).await;
    assert_eq!(rest(served.connect().await).await, b"");
    assert_eq!(served.server.counters().startup_failures, 1);
}

#[tokio::test]
async fn an_engine_that_is_never_ready_is_not_waited_for_for_ever() {
    let (engine, _engine_side) = PlayedEngine::new();
    let builder = PgServerBuilder::new().authentication_timeout(Duration::from_millis(200));
    let served = Served::start(builder, engine).await;
    let text = "the database system is not yet accepting connections";
    let told = [AUTHENTICATION_OK, &fatal("57P03", text)].concat();
    assert_eq!(rest(served.ask_for_session().await).await, told);
}

async fn cancel(served: &Served, key: &[u8]) -> Vec<u8> {
    let mut client = served.connect().await;
    let request = [b"\0\0\0\x10\x04\xd2\x16\x2e", key].concat();
    client.write_all(&request).await.unwrap();
    rest(client).await
}

#[tokio::test]
async fn a_cancel_request_reaches_its_session_before_the_connection_closes() {
    let (cancelled, mut cancels) = mpsc::unbounded_channel();
    let canceller = Arc::new(TellingCanceller(Mutex::new(cancelled)));
    let (engine, engine_side) = PlayedEngine::with_canceller(Some(canceller));
    let served = Served::start(PgServerBuilder::new(), engine).await;
    engine_side.greet_all();
    let (_client, key) = served.log_in().await;

    let mut wrong_key = key.clone();
    wrong_key[7] ^= 1;
    let mut wrong_process = key.clone();
    wrong_process[3] ^= 1;
    for wrong in [&wrong_key, &wrong_process, &vec![0; 8]] {
        assert_eq!(cancel(&served, wrong).await, b"");
        assert!(cancels.try_recv().is_err());
    }
    assert_eq!(cancel(&served, &key).await, b"");
    cancels.try_recv().unwrap();
    let counters = served.server.counters();
    assert_eq!((counters.cancel_requests, counters.cancels_matched), (4, 1));
}

#[tokio::test]
async fn shutdown_tells_idle_sessions_and_waits_for_busy_ones() {
    let (engine, mut engine_side) = PlayedEngine::new();
    let served = Served::start(PgServerBuilder::new(), engine).await;
    let (idle, session) = tokio::join!(served.log_in(), engine_side.greeted_session());
    let (busy, mut busy_session) = tokio::join!(served.log_in(), engine_side.greeted_session());
    let mut busy = busy.0;
    busy.write_all(QUERY).await.unwrap();
    expect(&mut busy_session, QUERY).await;
    busy_session.write_all(IN_TRANSACTION).await.unwrap();
    expect(&mut busy, IN_TRANSACTION).await;

    served.shutdown.shutdown(GRACE);
    assert_eq!(rest(idle.0).await, shutdown_notice());
    assert_eq!(rest(session).await, b"");
    assert!(TcpStream::connect(served.address).await.is_err());
    busy.write_all(QUERY).await.unwrap();
    expect(&mut busy_session, QUERY).await;
    busy_session.write_all(REPLY).await.unwrap();
    assert_eq!(rest(busy).await, [REPLY, &shutdown_notice()].concat());
    served.serving.await.unwrap();
    assert_eq!(served.server.counters().sessions_live, 0);
}

#[tokio::test]
async fn a_second_call_ends_the_grace_period() {
    let (engine, mut engine_side) = PlayedEngine::new();
    let served = Served::start(PgServerBuilder::new(), engine).await;
    let (client, mut session) = tokio::join!(served.log_in(), engine_side.greeted_session());
    let mut client = client.0;
    client.write_all(QUERY).await.unwrap();
    expect(&mut session, QUERY).await;
    served.shutdown.shutdown(GRACE);
    served.shutdown.shutdown(GRACE);
    assert_eq!(rest(client).await, shutdown_notice());
    served.serving.await.unwrap();
}

#[tokio::test]
async fn the_grace_period_ends() {
    let (engine, mut engine_side) = PlayedEngine::new();
    let served = Served::start(PgServerBuilder::new(), engine).await;
    let (client, mut session) = tokio::join!(served.log_in(), engine_side.greeted_session());
    let mut client = client.0;
    client.write_all(QUERY).await.unwrap();
    expect(&mut session, QUERY).await;
    served.shutdown.shutdown(Duration::from_millis(10));
    assert_eq!(rest(client).await, shutdown_notice());
    served.serving.await.unwrap();
}

#[tokio::test]
async fn who_logs_in_during_shutdown_is_told_so_and_the_silent_are_dropped() {
    let (engine, mut engine_side) = PlayedEngine::new();
    let served = Served::start(PgServerBuilder::new(), engine).await;
    let mut late = served.connect().await;
    let silent = served.connect().await;
    // Both have been accepted when a third one that came after them has been served.
    let (client, session) = tokio::join!(served.log_in(), engine_side.greeted_session());
    served.shutdown.shutdown(GRACE);
    assert_eq!(rest(client.0).await, shutdown_notice());
    drop(session);
    late.write_all(&startup(&[("user", "app")])).await.unwrap();
    let told = fatal("57P03", "the database system is shutting down");
    assert_eq!(rest(late).await, told);
    assert_eq!(rest(silent).await, b"");
    served.serving.await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_stopped_before_it_served_returns_at_once() {
    let (engine, _engine_side) = PlayedEngine::new();
    let server = PgServerBuilder::new()
        .address("127.0.0.1:0".parse().unwrap())
        .build(engine)
        .unwrap();
    server.shutdown_handle().shutdown(GRACE);
    server.serve().await.unwrap();
}

#[tokio::test]
async fn trust_is_for_loopback_unless_said_otherwise() {
    let everywhere = "0.0.0.0:0".parse().unwrap();
    let (engine, _engine_side) = PlayedEngine::new();
    let error = PgServerBuilder::new()
        .address(everywhere)
        .build(Arc::clone(&engine))
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("\"trust\" lets everybody in who can reach 0.0.0.0:0")
    );

    let server = PgServerBuilder::new().build(Arc::clone(&engine)).unwrap();
    let listener = tokio::net::TcpListener::bind(everywhere).await.unwrap();
    assert!(server.serve_with_listener(listener).await.is_err());

    let allowed = PgServerBuilder::new()
        .address(everywhere)
        .dangerous_trust_everywhere()
        .build(engine);
    assert!(allowed.is_ok());
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let taken = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap();
    let (engine, _engine_side) = PlayedEngine::new();
    let server = PgServerBuilder::new()
        .address(address)
        .build(engine)
        .unwrap();
    let error = server.serve().await.unwrap_err();
    assert_eq!(error.to_string(), format!("could not listen on {address}"));
}

#[test]
fn settings_that_leave_nothing_to_serve_are_refused() {
    for (builder, setting) in [
        (PgServerBuilder::new().max_connections(0), "max_connections"),
        (
            PgServerBuilder::new().max_pending_logins(0),
            "max_pending_logins",
        ),
        (
            PgServerBuilder::new().max_pending_logins_per_address(0),
            "max_pending_logins_per_address",
        ),
        (
            PgServerBuilder::new().authentication_timeout(Duration::ZERO),
            "authentication_timeout",
        ),
    ] {
        let (engine, _engine_side) = PlayedEngine::new();
        let error = builder.build(engine).unwrap_err();
        assert_eq!(error.to_string(), format!("{setting} must not be zero"));
    }
}

#[tokio::test]
async fn the_engine_is_not_called_before_the_proof() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let (engine, mut engine_side) = PlayedEngine::new();
    let builder = PgServerBuilder::new().users_file(file.path());
    let served = Served::start(builder, engine).await;
    let mut client = served.ask_for_session().await;
    let offer = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";
    let mut answer = vec![0; offer.len()];
    client.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, offer);
    assert!(!engine_side.was_called());
    assert_eq!(served.server.counters().sessions_live, 0);
}
