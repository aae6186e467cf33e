//! A whole login by SCRAM-SHA-256-PLUS in memory: users file, server, and a client of another project.
//!
//! `cargo run -p pg-auth --example scram -- [PASSWORD]`
#![expect(clippy::print_stdout, reason = "the transcript is what it is for")]

use std::env;
use std::error::Error;

use pg_auth::scram::{
    ChannelBinding, Credential, Exchange, Iterations, MockSecret, Reply, SCRAM_SHA_256_PLUS,
    Verifier,
};
use pg_auth::users::{self, Users};
use pg_wire::frontend::{Password, SaslInitialResponse};
use postgres_protocol::authentication::sasl;

/// What `tls-server-end-point` gives for the certificate that the server shows.
const CERTIFICATE_HASH: [u8; 32] = [0xc5; 32];

fn main() -> Result<(), Box<dyn Error>> {
    let given = env::args().nth(1).unwrap_or_else(|| "pencil".to_owned());

    println!("-- the operator adds alice, whose password is \"pencil\"");
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("users");
    let verifier = Verifier::from_password(b"pencil", Iterations::DEFAULT)?;
    users::add(&file, "alice", &verifier)?;
    let users = Users::load(&file)?;
    let mock = MockSecret::random()?;

    for name in ["alice", "nobody"] {
        println!("-- {name} logs in with \"{given}\"");
        let known = users.verifier(name.as_bytes());
        let credential = Credential::new(name.as_bytes(), known, &mock, Iterations::DEFAULT);
        let binding = ChannelBinding::ServerEndPoint(CERTIFICATE_HASH.to_vec());
        match log_in(Exchange::new(credential, binding)?, given.as_bytes()) {
            Ok(()) => println!("server: AuthenticationOk"),
            Err(error) => println!("server: {error}"),
        }
    }
    Ok(())
}

/// Carries the messages to and fro until the server is sure.
fn log_in(mut server: Exchange, password: &[u8]) -> Result<(), Box<dyn Error>> {
    println!("server: offers {}", server.mechanisms().join(", "));
    let binding = sasl::ChannelBinding::tls_server_end_point(CERTIFICATE_HASH.to_vec());
    let mut client = sasl::ScramSha256::new(password, binding);
    let first = SaslInitialResponse {
        mechanism: SCRAM_SHA_256_PLUS.into(),
        data: Some(client.message().to_vec().into()),
    };
    let mut message = first.to_password()?;
    loop {
        println!("client: {}", String::from_utf8_lossy(client.message()));
        match server.receive(&message)? {
            Reply::Continue(data) => {
                println!("server: {}", String::from_utf8_lossy(&data));
                client.update(&data)?;
                message = Password::new(client.message().to_vec());
            }
            Reply::Final(data) => {
                println!("server: {}", String::from_utf8_lossy(&data));
                client.finish(&data)?;
                return Ok(());
            }
        }
    }
}
