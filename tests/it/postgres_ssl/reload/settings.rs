//! The configuration file of the program, read again: what the log says, and what holds then.

use std::net::SocketAddr;

use heliosdb_tests::client::{Client, Manners};
use heliosdb_tests::program::{Place, Running};
use heliosdb_tests::wire;

const CERTIFICATE: &str = "ssl_cert_file = \"server.crt\"\nssl_key_file = \"server.key\"\n";

fn site(text: &str) -> Place {
    let place = Place::new();
    place.certificate();
    write(&place, text);
    place
}

fn write(place: &Place, text: &str) {
    place.write("heliosdb.toml", &format!("{CERTIFICATE}{text}"));
}

#[track_caller]
fn logs(server: &mut Running, lines: &[&str]) {
    for line in lines {
        server.next_log_line(line);
    }
}

fn in_clear(address: SocketAddr) -> Client {
    let mut client = Client::connect(address, Manners::Strict);
    client.send(&wire::startup_alice());
    client
}

#[test]
fn settings_change_by_the_file_and_the_log_says_which() {
    let place = site("ssl_mode = \"prefer\"\nmax_connections = 7\ndata_dir = \"data\"\n");
    let flags = ["--config", "heliosdb.toml", "--reload-on-change=off"];
    let mut server = place.serve(&flags);
    in_clear(server.address()).expect_login();

    write(
        &place,
        "ssl_mode = \"require\"\nauthentication_timeout = \"2min\"\ndata_dir = \"other\"\n",
    );
    server.signal("HUP");
    logs(
        &mut server,
        &[
            "received SIGHUP, reloading configuration files",
            "parameter \"data_dir\" cannot be changed without restarting the server",
            "parameter \"max_connections\" removed from configuration file, reset to default",
            "parameter \"authentication_timeout\" changed to \"2min\"",
            "parameter \"ssl_mode\" changed to \"require\"",
            "configuration was reloaded",
        ],
    );
    let refused = wire::plaintext_refused("alice", "postgres");
    in_clear(server.address()).expect_report(&refused);

    write(
        &place,
        "ssl_mode = \"prefer\"\nssl_min_protocol_version = \"TLSv9\"\n",
    );
    server.signal("HUP");
    logs(
        &mut server,
        &[
            "received SIGHUP, reloading configuration files",
            "invalid value for parameter \"ssl_min_protocol_version\": \"TLSv9\"",
            "contains errors; no changes were applied",
            "configuration was not reloaded: all that held before holds on",
        ],
    );
    in_clear(server.address()).expect_report(&refused);
    server.stop();
}

#[test]
fn the_file_is_watched_and_so_is_what_it_leads_to_now() {
    let place = site("ssl_mode = \"prefer\"\n");
    let mut server = place.serve(&["--config", "heliosdb.toml"]);
    place.write("pg_hba.conf", "host all all 127.0.0.1/32 reject\n");
    write(
        &place,
        "ssl_mode = \"prefer\"\nhba_file = \"pg_hba.conf\"\n",
    );
    logs(
        &mut server,
        &[
            "heliosdb.toml\"), reloading configuration files",
            "pg_hba.conf\"",
            "configuration was reloaded",
        ],
    );
    in_clear(server.address()).expect_message(b'E');
    place.write("pg_hba.conf", "host all all 127.0.0.1/32 trust\n");
    logs(
        &mut server,
        &[
            "pg_hba.conf\"), reloading configuration files",
            "configuration was reloaded",
        ],
    );
    in_clear(server.address()).expect_login();
    server.stop();
}
