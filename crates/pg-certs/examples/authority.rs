//! Makes a certificate authority, a certificate for a server and one for a client, and judges them.
//!
//! `cargo run -p pg-certs --example authority -- [DIRECTORY] [HOST] [USER]`
#![expect(clippy::print_stdout, reason = "a program for the terminal")]

use std::env;
use std::error::Error;
use std::path::PathBuf;

use pg_certs::files::Existing;
use pg_certs::generate::{CaSpec, ClientSpec, ServerSpec};
use pg_certs::{CertificateAuthority, CertificateManager};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let directory = PathBuf::from(arguments.next().unwrap_or_else(|| "certs".to_owned()));
    let host = arguments.next().unwrap_or_else(|| "localhost".to_owned());
    let user = arguments.next().unwrap_or_else(|| "alice".to_owned());
    let path = |name: &str| directory.join(name);

    // A second run uses the authority of the first, so that clients need not trust a new one.
    let ca = if path("ca.crt").exists() {
        CertificateAuthority::load(path("ca.crt"), path("ca.key"))?
    } else {
        let ca = CertificateAuthority::create(&CaSpec::new("Example CA"))?;
        ca.write(path("ca.crt"), path("ca.key"), Existing::Keep)?;
        ca
    };
    ca.issue_server(&ServerSpec::new([host.as_str()]))?.write(
        path("server.crt"),
        path("server.key"),
        Existing::Replace,
    )?;
    ca.issue_client(&ClientSpec::new(user.as_str()))?.write(
        path("client.crt"),
        path("client.key"),
        Existing::Replace,
    )?;

    let report = CertificateManager::verify_cert_files_with_ca(
        path("server.crt"),
        path("server.key"),
        path("ca.crt"),
    )?;
    print!("{report}");
    let directory = directory.display();
    println!();
    println!(
        "psql \"host={host} user={user} sslmode=verify-full sslrootcert={directory}/ca.crt \\"
    );
    println!("      sslcert={directory}/client.crt sslkey={directory}/client.key\"");
    if report.is_ok() {
        Ok(())
    } else {
        Err("the server's files are unusable".into())
    }
}
