//! A client that does not read holds up its own session and nothing else (bug J03).

use std::sync::Arc;
use std::time::{Duration, Instant};

use heliosdb_tests::client::{Client, Login};
use heliosdb_tests::config::Config;
use heliosdb_tests::engine::Scripted;
use heliosdb_tests::log::Expected;
use heliosdb_tests::server;
use heliosdb_tests::target::Target;
use heliosdb_tests::tls::Tls;
use heliosdb_tests::wire::{self, Report};

/// More than the buffers of two sockets and of TLS can hold, far less than a stream without end.
const MOST: u64 = 32_000_000;

/// A session whose engine streams without end, once everything between engine and client is full.
fn stuck(target: &Target, engine: &Scripted) -> (Client, Login) {
    let mut client = target.connect_tls(&Tls::new());
    let login = client.login(&wire::startup_alice());
    client.send(&wire::query("stream for ever"));
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut last = 0;
    loop {
        std::thread::sleep(Duration::from_millis(100));
        let streamed = engine.streamed();
        assert!(
            streamed < MOST,
            "{streamed} bytes for a client that does not read"
        );
        if streamed == last && streamed > 0 {
            break;
        }
        assert!(Instant::now() < deadline, "the stream goes on");
        last = streamed;
    }
    (client, login)
}

#[test]
fn j03_a_cancel_reaches_a_session_that_is_stuck() {
    let engine = Arc::new(Scripted::default());
    let target = server::start_with(Config::tls(), Arc::clone(&engine));
    let (mut client, login) = stuck(&target, &engine);
    let mut other = target.connect_tls(&Tls::new());
    other.login_and_leave(&wire::startup_alice());
    let mut cancel = target.connect();
    cancel.send(&wire::cancel_request(login.process_id, &login.key));
    cancel.expect_close();
    client.expect_message(b'T');
    let error = loop {
        let (tag, body) = client.message();
        if tag == b'E' {
            break Report::parse(&body);
        }
        assert_eq!((tag, body.len()), (b'D', 1_006));
    };
    assert_eq!(error.sqlstate, "57014");
    client.expect(&wire::READY_IDLE);
    client.expect_alive();
    client.terminate();
    target.finish();
}

#[test]
fn j03_closing_frees_a_session_that_is_stuck() {
    let engine = Arc::new(Scripted::default());
    let target = server::start_with(Config::tls(), Arc::clone(&engine));
    let (client, _) = stuck(&target, &engine);
    // Whether a read or a write sees it first is the kernel's choice.
    target.expect_log(&client, [Expected::connection_lost()]);
    client.reset();
    let since = Instant::now();
    target.finish();
    assert!(
        since.elapsed() < Duration::from_secs(5),
        "stopping took {:?}",
        since.elapsed()
    );
}
