//! The certificates of PostgreSQL's `src/test/ssl`, made anew (spec 9.0).
//!
//! pg-certs makes the authorities and whatever it has words for; names it rightly does not know (none at all, an
//! address as DNS name, two units) come from rcgen, signed by the same authorities. All are of version 3 where
//! PostgreSQL's are of version 1, which rustls refuses.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::OnceLock;

use pg_certs::CertificateAuthority;
use pg_certs::generate::{CaSpec, ClientSpec, IssuedCertificate, KeyType, ServerSpec};
use rcgen::{
    CertificateParams, CertificateRevocationListParams, DistinguishedName, DnType, Issuer,
    KeyIdMethod, KeyPair, RevocationReason, RevokedCertParams, SanType, SerialNumber,
    date_time_ymd,
};

use super::foreign_certificates::{self, openssl};

/// Serial number of the server's certificate that is revoked.
const REVOKED: [u8; 2] = [0x7F, 0x01];

/// Those of clients' certificates that are, the second with a name in Greek.
static REVOKED_CLIENTS: [[u8; 2]; 2] = [[0x7F, 0x02], [0x7F, 0x03]];

/// All files by name.
pub(super) type Files = BTreeMap<String, Vec<u8>>;

/// The text of one of the files.
pub(super) fn text(name: &str) -> &'static str {
    let file = files()
        .get(name)
        .unwrap_or_else(|| panic!("no file {name}"));
    std::str::from_utf8(file).unwrap()
}

/// Writes all of them, keys for the owner alone.
pub(super) fn write(directory: &Path) {
    for (name, content) in files() {
        let path = directory.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    }
    fs::copy(
        directory.join("client.key"),
        directory.join("client_wrongperms.key"),
    )
    .unwrap();
    let world_readable = Permissions::from_mode(0o644);
    fs::set_permissions(directory.join("client_wrongperms.key"), world_readable).unwrap();
    for crls in ["client-crldir", "root+client-crldir", "root+server-crldir"] {
        openssl(&format!("rehash {crls}"), directory);
    }
}

fn files() -> &'static Files {
    static FILES: OnceLock<Files> = OnceLock::new();
    FILES.get_or_init(make)
}

fn make() -> Files {
    let mut files = Files::new();
    let name = |of: &str| format!("Test CA for PostgreSQL SSL regression test {of} certs");
    let root_name = "Test root CA for PostgreSQL SSL regression test suite";
    let root = CertificateAuthority::create(&CaSpec::new(root_name)).unwrap();
    let below = |of| root.issue_intermediate(&CaSpec::new(name(of))).unwrap();
    let (server_ca, client_ca) = (below("server"), below("client"));
    authorities(&mut files, &root, &server_ca, &client_ca);
    revocations(&mut files, &root, &server_ca, &client_ca);
    server_certificates(&mut files, &server_ca);
    odd_server_certificates(&mut files, &server_ca);
    client_certificates(&mut files, &client_ca);
    join(
        &mut files,
        "client+client_ca.crt",
        &["client.crt", "client_ca.crt"],
    );
    join(
        &mut files,
        "server-cn-only+server_ca.crt",
        &["server-cn-only.crt", "server_ca.crt"],
    );
    by_signature(&mut files);
    foreign_certificates::add(&mut files, client_ca.key_pem());
    files
}

fn authorities(
    files: &mut Files,
    root: &CertificateAuthority,
    server_ca: &CertificateAuthority,
    client_ca: &CertificateAuthority,
) {
    for (name, authority) in [
        ("root_ca", root),
        ("server_ca", server_ca),
        ("client_ca", client_ca),
    ] {
        files.insert(format!("{name}.crt"), authority.certificate_pem().into());
    }
    join(
        files,
        "root+server_ca.crt",
        &["root_ca.crt", "server_ca.crt"],
    );
    join(
        files,
        "root+client_ca.crt",
        &["root_ca.crt", "client_ca.crt"],
    );
    join(
        files,
        "both-cas-1.crt",
        &["root_ca.crt", "client_ca.crt", "server_ca.crt"],
    );
    join(
        files,
        "both-cas-2.crt",
        &["root_ca.crt", "server_ca.crt", "client_ca.crt"],
    );
}

fn revocations(
    files: &mut Files,
    root: &CertificateAuthority,
    server_ca: &CertificateAuthority,
    client_ca: &CertificateAuthority,
) {
    let clients = REVOKED_CLIENTS.each_ref().map(|it| &it[..]);
    let (of_root, of_client_ca) = (root.info().serial_bytes(), client_ca.info().serial_bytes());
    // The root's list that counts is the newest.
    for (name, authority, revoked, from, until) in [
        ("root", root, &[][..], 2022, 2090),
        ("server", server_ca, &[&REVOKED[..]], 2020, 2090),
        ("client", client_ca, &clients, 2020, 2090),
        ("expired-root", root, &[], 2020, 2021),
        ("expired-client", client_ca, &[], 2020, 2021),
        ("root-revokes-root", root, &[of_root], 2020, 2090),
        ("root-revokes-client", root, &[of_client_ca], 2020, 2090),
    ] {
        let serial = |serial: &&[u8]| RevokedCertParams {
            serial_number: SerialNumber::from_slice(serial),
            revocation_time: date_time_ymd(2020, 1, 1),
            reason_code: Some(RevocationReason::Unspecified),
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(from, 1, 1),
            next_update: date_time_ymd(until, 1, 1),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(serial).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        let list = list.signed_by(&issuer(authority)).unwrap().pem().unwrap();
        files.insert(format!("{name}.crl"), list.into());
    }
    for lists in [
        &["root", "server"][..],
        &["root", "client"],
        &["expired-root", "client"],
        &["root", "expired-client"],
        &["root-revokes-client", "client"],
        &["root-revokes-root", "client"],
        &["root-revokes-client", "root", "client"],
    ] {
        let parts: Vec<String> = lists.iter().map(|list| format!("{list}.crl")).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        join(files, &format!("{}.crl", lists.join("+")), &parts);
    }
    for (directory, lists) in [
        ("client-crldir", &["client"][..]),
        ("root+client-crldir", &["root", "client"]),
        ("root+server-crldir", &["root", "server"]),
    ] {
        for list in lists {
            let content = files[&format!("{list}.crl")].clone();
            files.insert(format!("{directory}/{list}.crl"), content);
        }
    }
}

/// Those with a common name and alternative names are in pg-certs' words.
fn server_certificates(files: &mut Files, authority: &CertificateAuthority) {
    for (name, common_name, names) in [
        (
            "cn-and-alt-names",
            "common-name.pg-ssltest.test",
            [
                "dns1.alt-name.pg-ssltest.test",
                "dns2.alt-name.pg-ssltest.test",
            ],
        ),
        (
            "cn-and-ip-alt-names",
            "common-name.pg-ssltest.test",
            ["192.0.2.1", "2001:db8::1"],
        ),
        (
            "ip-cn-and-alt-names",
            "192.0.2.1",
            ["192.0.2.2", "2001:db8::1"],
        ),
        (
            "ip-cn-and-dns-alt-names",
            "192.0.2.1",
            [
                "dns1.alt-name.pg-ssltest.test",
                "dns2.alt-name.pg-ssltest.test",
            ],
        ),
    ] {
        let spec = ServerSpec::new(names).with_common_name(common_name);
        issued(
            files,
            &format!("server-{name}"),
            &authority.issue_server(&spec).unwrap(),
        );
    }
}

/// The others.
fn odd_server_certificates(files: &mut Files, authority: &CertificateAuthority) {
    let dns = |name: &str| SanType::DnsName(name.try_into().unwrap());
    let ip = |address: &str| SanType::IpAddress(address.parse().unwrap());
    let common_name = &[(DnType::CommonName, "common-name.pg-ssltest.test")][..];
    let address = &[(DnType::CommonName, "192.0.2.1")][..];
    for (name, subject, names, serial) in [
        ("cn-only", common_name, vec![], None),
        ("revoked", common_name, vec![], Some(REVOKED)),
        ("ip-cn-only", address, vec![], None),
        ("no-names", &[], vec![], None),
        ("ip-in-dnsname", &[], vec![dns("192.0.2.1")], None),
        (
            "single-alt-name",
            &[],
            vec![dns("single.alt-name.pg-ssltest.test")],
            None,
        ),
        (
            "multiple-alt-names",
            &[],
            vec![
                dns("dns1.alt-name.pg-ssltest.test"),
                dns("dns2.alt-name.pg-ssltest.test"),
                dns("*.wildcard.pg-ssltest.test"),
            ],
            None,
        ),
        (
            "ip-alt-names",
            &[],
            vec![ip("192.0.2.1"), ip("2001:db8::1")],
            None,
        ),
    ] {
        let mut params = subject_of(subject);
        params.subject_alt_names = names;
        params.serial_number = serial.map(|serial| SerialNumber::from_slice(&serial));
        sign(files, &format!("server-{name}"), &params, authority);
    }
}

fn client_certificates(files: &mut Files, authority: &CertificateAuthority) {
    let long = "ssl-123456789012345678901234567890123456789012345678901234567890";
    let client = ClientSpec::new("ssltestuser");
    let long = ClientSpec::new(long)
        .with_organizational_unit("Some Organizational Unit")
        .with_organization("PGDG");
    for (name, spec) in [("client", &client), ("client-long", &long)] {
        issued(files, name, &authority.issue_client(spec).unwrap());
    }
    for (name, user, serial) in [
        ("client-revoked", "ssltestuser", &REVOKED_CLIENTS[0]),
        ("client-revoked-utf8", "Οδυσσέας", &REVOKED_CLIENTS[1]),
    ] {
        let mut params = subject_of(&[(DnType::CommonName, user)]);
        params.serial_number = Some(SerialNumber::from_slice(serial));
        sign(files, name, &params, authority);
    }
    // rcgen keeps one value per type of name, and takes the second for another type.
    let second_unit = DnType::CustomDnType(vec![2, 5, 4, 11]);
    let dn = subject_of(&[
        (DnType::OrganizationName, "PGDG"),
        (DnType::OrganizationalUnitName, "Engineering"),
        (second_unit, "Testing"),
        (DnType::CommonName, "ssltestuser-dn"),
    ]);
    sign(files, "client-dn", &dn, authority);
}

/// Server certificates by the key of their authority.
fn by_signature(files: &mut Files) {
    let server = ServerSpec::new(["localhost"]);
    for (name, key) in [
        ("signed-by-p384", KeyType::EcdsaP384),
        ("signed-ed25519", KeyType::Ed25519),
    ] {
        let authority = CaSpec::new("Test CA").with_key_type(key);
        let authority = CertificateAuthority::create(&authority).unwrap();
        issued(files, name, &authority.issue_server(&server).unwrap());
    }
}

fn join(files: &mut Files, name: &str, parts: &[&str]) {
    let content: Vec<u8> = parts.iter().flat_map(|part| files[*part].clone()).collect();
    files.insert(name.into(), content);
}

fn issued(files: &mut Files, name: &str, certificate: &IssuedCertificate) {
    files.insert(format!("{name}.crt"), certificate.certificate_pem().into());
    files.insert(format!("{name}.key"), certificate.key_pem().into());
}

fn subject_of(names: &[(DnType, &str)]) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in names {
        params.distinguished_name.push(kind.clone(), *value);
    }
    params.use_authority_key_identifier_extension = true;
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2090, 1, 1);
    params
}

fn sign(
    files: &mut Files,
    name: &str,
    params: &CertificateParams,
    authority: &CertificateAuthority,
) {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer(authority)).unwrap();
    files.insert(format!("{name}.crt"), certificate.pem().into());
    files.insert(format!("{name}.key"), key.serialize_pem().into());
}

fn issuer(authority: &CertificateAuthority) -> Issuer<'static, KeyPair> {
    let key = KeyPair::from_pem(authority.key_pem()).unwrap();
    Issuer::from_ca_cert_pem(&authority.certificate_pem(), key).unwrap()
}
