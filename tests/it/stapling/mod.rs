//! OCSP stapling by the program, with `openssl ocsp` as the responder, and clients that ask for it.

mod fetched;
mod file;
mod java;
mod responder;

use std::process::{Command, Stdio};

use heliosdb_tests::program::{Place, Running};
use pg_certs::CertificateAuthority;
use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, ServerSpec};

/// A place with an authority, `ca.crt`, that knows which of its certificates it has revoked.
struct Site {
    place: Place,
    ca: CertificateAuthority,
}

impl Site {
    fn new() -> Self {
        let place = Place::new();
        let ca = CertificateAuthority::create(&CaSpec::new("Test CA")).unwrap();
        ca.write(place.path("ca.crt"), place.path("ca.key"), Existing::Keep)
            .unwrap();
        place.write("index", "");
        Self { place, ca }
    }

    /// Makes a certificate the server's, and enters it in the index with a line that begins like this.
    fn install(&self, spec: &ServerSpec, index_line: &str) {
        self.issue("server", spec, index_line);
    }

    /// The same for a certificate in files of another name.
    fn issue(&self, name: &str, spec: &ServerSpec, index_line: &str) {
        let issued = self.ca.issue_server(spec).unwrap();
        let certificate = format!("{name}.crt");
        let key = self.place.path(&format!("{name}.key"));
        issued
            .write(self.place.path(&certificate), key, Existing::Replace)
            .unwrap();
        let serial = self.openssl(&format!("x509 -in {certificate} -noout -serial"));
        let serial = serial.trim().trim_start_matches("serial=");
        if !index_line.is_empty() {
            let mut index = std::fs::read_to_string(self.place.path("index")).unwrap();
            index += &format!("{index_line}\t{serial}\tunknown\t/CN={name}\n");
            self.place.write("index", &index);
        }
    }

    /// Writes what the responder says about the server's certificate to a file.
    fn ask(&self, file: &str, more: &str) {
        self.openssl("ocsp -issuer ca.crt -cert server.crt -no_nonce -reqout request");
        self.openssl(&format!(
            "ocsp -index index -CA ca.crt -rsigner ca.crt -rkey ca.key -reqin request -respout {file} {more}"
        ));
    }

    fn openssl(&self, arguments: &str) -> String {
        let output = Command::new("openssl")
            .args(arguments.split(' '))
            .current_dir(self.place.root())
            .output()
            .unwrap();
        assert!(output.status.success(), "openssl {arguments}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Serves with TLS and these flags.
    fn serve(&self, flags: &[&str]) -> Running {
        // The authority that clients' certificates would come from issued the server's, too.
        let files = ["--ssl-ca-file", "ca.crt"];
        self.place.serve(&[CERTIFICATE, &files, flags].concat())
    }

    /// What `openssl s_client` says about the staple, having verified certificate and name.
    fn staple(&self, server: &Running, version: &str, host: &str) -> String {
        let address = server.address().to_string();
        let verify = ["-CAfile", "ca.crt", "-verify_hostname", host];
        let output = Command::new("openssl")
            .args(["s_client", "-starttls", "postgres", "-status", version])
            .args(["-verify_return_error", "-connect", &address])
            .args(["-servername", host])
            .args(verify)
            .current_dir(self.place.root())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[track_caller]
    fn is_stapled(&self, server: &Running) {
        self.host_is_stapled(server, "localhost");
    }

    #[track_caller]
    fn host_is_stapled(&self, server: &Running, host: &str) {
        for version in ["-tls1_2", "-tls1_3"] {
            let said = self.staple(server, version, host);
            assert!(
                said.contains("OCSP Response Status: successful (0x0)"),
                "{said}"
            );
            assert!(said.contains("Cert Status: good"), "{said}");
        }
    }

    #[track_caller]
    fn is_not_stapled(&self, server: &Running) {
        for version in ["-tls1_2", "-tls1_3"] {
            let said = self.staple(server, version, "localhost");
            assert!(said.contains("OCSP response: no response sent"), "{said}");
        }
    }
}

fn localhost() -> ServerSpec {
    ServerSpec::new(["localhost"])
}

const CERTIFICATE: &[&str] = &[
    "--ssl-cert-file",
    "server.crt",
    "--ssl-key-file",
    "server.key",
];

const VALID: &str = "V\t400101000000Z\t";
const REVOKED: &str = "R\t400101000000Z\t260101000000Z,keyCompromise";
/// Not in the index at all.
const UNKNOWN: &str = "";
