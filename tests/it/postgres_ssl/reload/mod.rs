//! Certificates that change while the server serves: every way of replacing them, good and bad, and what clients see.

mod settings;
mod swaps;

use std::fs::{self, File, FileTimes};
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::path::Path;

use heliosdb_server::{SslConfig, SslMode};
use heliosdb_tests::client::{Client, End, Manners};
use heliosdb_tests::pki::Identity;
use heliosdb_tests::rotation::{Files, Rotation, Served};
use heliosdb_tests::tls::{Tls, VERSIONS, Version};
use heliosdb_tests::wire::{SSL_REQUEST, startup_alice};
use postgres_protocol::authentication::sasl::ChannelBinding;

use super::scram::{PLUS, asked, end_point, prove};

fn connected(address: SocketAddr, tls: &Tls) -> Client {
    let mut client = Client::connect(address, Manners::Strict);
    client.ssl_request(tls);
    client
}

/// A session of alice's, bound to the certificate that the client was shown.
fn logged_in(address: SocketAddr) -> Client {
    let mut client = asked(connected(address, &Tls::new()));
    let binding = ChannelBinding::tls_server_end_point(end_point(&client));
    prove(&mut client, "pencil", PLUS, binding);
    client.expect_login();
    client
}

/// New connections see this certificate.
#[track_caller]
fn serves(served: &Served, identity: &Identity) {
    let client = connected(served.address, &Tls::new());
    assert_eq!(client.server_certificate().unwrap(), identity.der());
}

/// Whether the certificate of a client is accepted. If not, it is for the signature of another authority of the same
/// name, which OpenSSL has alert 51 for, too.
fn accepts_by(address: SocketAddr, identity: &Identity, version: Version) -> bool {
    let tls = Tls::new().version(version).identity(identity);
    let mut client = Client::connect(address, Manners::Strict);
    client.send(&SSL_REQUEST);
    client.expect(b"S");
    // In TLS 1.3 the client's side is done before the server has seen the certificate.
    let accepted = client.try_handshake(&tls).and_then(|()| {
        client.send(&startup_alice());
        if client.is_spoken_to() {
            Ok(())
        } else {
            Err(client.end())
        }
    });
    if let Err(end) = accepted {
        assert_eq!(end, End::Alert(51));
    }
    accepted.is_ok()
}

/// The same in every version of TLS.
fn accepts(address: SocketAddr, identity: &Identity) -> bool {
    let [old, new] = VERSIONS.map(|version| accepts_by(address, identity, version));
    assert_eq!(old, new);
    old
}

/// Puts something wrong among the files; the reason that the server must give.
type Break = (fn(&Files), &'static str);

const BREAKS: [Break; 7] = [
    (
        |files| files.put("server.crt", "-----BEGIN CERTIFICATE-----\nMIIB\n"),
        "could not load server certificate file",
    ),
    (
        |files| files.put("server.key", Rotation::get().clients[0].key_pem()),
        "check of private key failed: key values mismatch",
    ),
    (
        |files| files.put_identity(&Rotation::get().expired),
        "certificate has expired at 2002-01-01",
    ),
    (
        |files| files.set_mode("server.key", 0o644),
        "has group or world access",
    ),
    (
        |files| fs::remove_file(files.path("server.key")).unwrap(),
        "could not access private key file",
    ),
    (
        |files| fs::remove_file(files.path("server.crt")).unwrap(),
        "could not load server certificate file",
    ),
    (
        |files| files.put("clients.crt", ""),
        "could not load root certificate file",
    ),
];

#[test]
fn h01_a_reload_replaces_all_or_nothing_and_sessions_stay() {
    let (files, rotation) = (Files::new(), Rotation::get());
    let served = Served::start(files.builder());
    let mut sessions: Vec<Client> = (0..10).map(|_| logged_in(served.address)).collect();
    files.put_identity(&rotation.servers[1]);
    serves(&served, &rotation.servers[0]);
    served.handle.reload().unwrap();
    serves(&served, &rotation.servers[1]);
    for (number, (break_it, reason)) in BREAKS.iter().enumerate() {
        break_it(&files);
        let errors = served.handle.reload().unwrap_err().to_string();
        assert!(errors.contains(reason), "{number}: {errors}");
        let attempt = served.handle.status().last_attempt.unwrap();
        assert_eq!(attempt.failure, Some(errors));
        serves(&served, &rotation.servers[1]);
        assert!(accepts(served.address, &rotation.clients[0]));
        files.put_identity(&rotation.servers[1]);
        files.put("clients.crt", &rotation.client_cas[0]);
    }
    for session in &mut sessions {
        session.expect_alive();
        assert_eq!(
            session.server_certificate().unwrap(),
            rotation.servers[0].der()
        );
    }
    logged_in(served.address).expect_alive();
}

/// Points a symbolic link at something else, at once.
fn point(link: &Path, target: impl AsRef<Path>) {
    let new = link.with_file_name("new link");
    symlink(target, &new).unwrap();
    fs::rename(new, link).unwrap();
}

/// The ways of H02 to replace a certificate and its key.
const WAYS: [fn(&Files, &Identity); 5] = [
    // Kubernetes: a link in the middle of the way, and no other, is pointed elsewhere.
    |files, identity| {
        let name = format!("..{}", identity.serial());
        let directory = files.path(&name);
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("server.crt"), identity.chain_pem()).unwrap();
        fs::write(directory.join("server.key"), identity.key_pem()).unwrap();
        files.set_mode(&format!("{name}/server.key"), 0o600);
        point(&files.path("..data"), name);
        // The first time they are put there, too.
        for name in ["server.crt", "server.key"] {
            point(&files.path(name), Path::new("..data").join(name));
        }
    },
    // The same again, where the links are there already.
    |files, identity| WAYS[0](files, identity),
    // certbot: each file is a link into an archive.
    |files, identity| {
        let serial = identity.serial();
        for (name, text) in [
            ("server.crt", identity.chain_pem()),
            ("server.key", identity.key_pem()),
        ] {
            let archived = format!("{serial}-{name}");
            files.put(&archived, text);
            point(&files.path(name), archived);
        }
    },
    // Gone, and made anew.
    |files, identity| {
        fs::remove_file(files.path("server.crt")).unwrap();
        fs::remove_file(files.path("server.key")).unwrap();
        files.put_identity(identity);
    },
    // Written over, with the size and the time of before.
    |files, identity| {
        for (name, text) in [
            ("server.crt", identity.chain_pem()),
            ("server.key", identity.key_pem()),
        ] {
            let path = files.path(name);
            let before = fs::metadata(&path).unwrap();
            let length = usize::try_from(before.len()).unwrap();
            // Blanks behind the last line mean nothing in PEM.
            fs::write(&path, format!("{text:length$}")).unwrap();
            let times = FileTimes::new().set_modified(before.modified().unwrap());
            File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_times(times)
                .unwrap();
        }
    },
];

#[test]
fn h02_an_explicit_reload_reads_what_is_there_however_it_came() {
    let (files, rotation) = (Files::new(), Rotation::get());
    let served = Served::start(files.builder());
    for (way, identity) in WAYS.iter().zip(&rotation.servers[1..]) {
        way(&files, identity);
        served.handle.reload().unwrap();
        serves(&served, identity);
    }
}

#[test]
fn h02_a_change_is_noticed_however_it_came() {
    let (files, rotation) = (Files::new(), Rotation::get());
    let served = Served::start(files.builder().reload_on_change(true));
    for (way, identity) in WAYS.iter().zip(&rotation.servers[1..]) {
        served.serves_after(identity, || way(&files, identity));
        serves(&served, identity);
    }
}

#[test]
fn h05_client_authorities_rotate_with_an_overlap() {
    let (files, rotation) = (Files::new(), Rotation::get());
    let served = Served::start(files.builder());
    let [old, new] = &rotation.client_cas;
    let accepted = || {
        rotation
            .clients
            .each_ref()
            .map(|client| accepts(served.address, client))
    };
    assert_eq!(accepted(), [true, false]);
    for (bundle, expected) in [
        (format!("{old}{new}"), [true, true]),
        (new.clone(), [false, true]),
    ] {
        files.put("clients.crt", &bundle);
        served.handle.reload().unwrap();
        assert_eq!(accepted(), expected);
    }
    for bad in [&new[..new.len() / 2], "", "no PEM"] {
        files.put("clients.crt", bad);
        let errors = served.handle.reload().unwrap_err().to_string();
        assert!(
            errors.contains("could not load root certificate file"),
            "{errors}"
        );
        assert_eq!(accepted(), [false, true]);
    }
}

#[test]
fn tls_that_cannot_be_switched_on_stays_off() {
    let (files, rotation) = (Files::new(), Rotation::get());
    let off = files.builder().ssl_config(SslConfig::disabled());
    let served = Served::start(off.clone());
    let refused = || {
        let mut client = Client::connect(served.address, Manners::Strict);
        client.send(&SSL_REQUEST);
        client.expect(b"N");
        // And without TLS it goes on.
        asked(client);
    };
    refused();
    files.set_mode("server.key", 0o644);
    served.handle.reload_with(files.builder()).unwrap_err();
    refused();
    files.set_mode("server.key", 0o600);
    served.handle.reload_with(files.builder()).unwrap();
    let mut session = logged_in(served.address);
    assert_eq!(served.handle.tls().mode(), SslMode::Require);
    served.handle.reload_with(off).unwrap();
    refused();
    session.expect_alive();
    assert_eq!(
        session.server_certificate().unwrap(),
        rotation.servers[0].der()
    );
}
