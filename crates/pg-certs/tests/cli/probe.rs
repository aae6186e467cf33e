//! `pg-certs probe`: how it ends, and the JSON that its guide promises. What it finds out is tested beside
//! the library.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use crate::place::Place;

/// A server without TLS that lets everybody in; gives its port.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    let answer: &[u8] = match count {
                        8 => b"N",
                        _ => b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I",
                    };
                    if stream.write_all(answer).is_err() {
                        return;
                    }
                }
            });
        }
    });
    port
}

#[test]
fn the_exit_code_is_that_of_the_mode_asked_for() {
    let (place, port) = (Place::new(), server());
    let target = format!("probe 127.0.0.1:{port}");
    place.run(&target).expect(1).shows(&[
        "SSLRequest      N: no TLS\n",
        "in clear        admitted without a password\n",
        "require      no       server does not support SSL, but SSL was required\n",
        "error: sslmode=require does not connect: server does not support SSL",
    ]);
    place
        .run(&format!("{target} --sslmode prefer"))
        .expect(0)
        .shows(&["prefer       in clear in without a password\n"]);
}

#[test]
fn what_cannot_be_probed_is_said() {
    let place = Place::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    place
        .run(&format!("probe {address}"))
        .expect(3)
        .complains(&format!(
            "pg-certs: error: cannot connect to {address}: Connection refused; is the server up, and \
             is this its port?\n"
        ));
    place
        .run("probe 127.0.0.1:1 --root-cert absent.crt")
        .expect(1);
    for wrong in [
        "probe",
        "probe db:0",
        "probe db --sslmode strong",
        "probe db --timeout 0",
    ] {
        place.run(wrong).expect(2);
    }
}

#[test]
fn the_guide_names_every_field() {
    let (place, port) = (Place::new(), server());
    let json = place
        .run(&format!("probe 127.0.0.1:{port} --json"))
        .expect(1)
        .json();
    let guide = include_str!("../../../../docs/guides/PROBE.md");
    let (_, fields) = guide.split_once("## JSON").unwrap();
    let (fields, _) = fields.split_once("\n## ").unwrap();
    for name in json.as_object().unwrap().keys() {
        let named =
            fields.contains(&format!("`{name}`")) || fields.contains(&format!("`{name}[]`"));
        assert!(named, "the guide does not explain the field {name}");
    }
    assert_eq!(json["schema"], 1);
    assert_eq!(json["ssl_request"]["answer"], "refused");
    assert_eq!(json["plaintext"]["outcome"], "admitted");
    assert_eq!(json["verdicts"][5]["sslmode"], "verify-full");
    assert_eq!(json["verdicts"][5]["connects"], false);
    assert_eq!(json["findings"][0]["code"], "sslmode");
    assert_eq!(json["findings"][0]["severity"], "error");
}
