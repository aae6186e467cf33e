//! Says which rule of a `pg_hba.conf` decides about a connection.
//!
//! ```text
//! cargo run -p pg-auth --example hba -- pg_hba.conf alice shop 192.0.2.7 tls
//! ```

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "an example talks to its user"
)]

use std::env;
use std::error::Error;
use std::net::IpAddr;

use pg_auth::hba::{Connection, Lookups, Network, Peer, Rules, Ssl};

/// Answers nothing: host names and `samenet` then never match.
struct Offline;

impl Lookups for Offline {
    fn name_of(&self, _: IpAddr) -> Result<String, String> {
        Err("this example does not ask DNS".to_owned())
    }

    fn addresses_of(&self, _: &str) -> Result<Vec<IpAddr>, String> {
        Err("this example does not ask DNS".to_owned())
    }

    fn networks(&self) -> Vec<Network> {
        Vec::new()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [file, user, database, address, encryption] = arguments.as_slice() else {
        eprintln!("usage: hba FILE USER DATABASE ADDRESS plain|tls");
        return Ok(());
    };
    let rules = Rules::load(file)?;
    for warning in rules.warnings(Ssl::On) {
        println!("warning: {warning}");
    }
    let address: IpAddr = address.parse()?;
    let connection = Connection {
        peer: match encryption.as_str() {
            "tls" => Peer::Tls(address),
            _ => Peer::Plain(address),
        },
        user: user.as_bytes(),
        database: database.as_bytes(),
        physical_replication: false,
    };
    match rules.decide_with(&connection, &Offline) {
        (Some(rule), _) => println!("{}: {}", rule.method(), rule.log_detail()),
        (None, _) => println!("rejected: {}", connection.no_entry().message()),
    }
    Ok(())
}
