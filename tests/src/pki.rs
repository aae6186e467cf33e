//! Certificates for the cases: made once per test process, good ones and every kind of bad one.
//!
//! They come from rcgen directly rather than from pg-certs, which rightly has no way to make most of the bad ones.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate with what it is sent along with, and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: Vec<u8>,
    chain_pem: String,
    key_pem: String,
    serial: u16,
}

impl Identity {
    /// The leaf's serial number in decimal.
    #[must_use]
    pub fn serial(&self) -> String {
        self.serial.to_string()
    }

    /// Leaf first.
    #[must_use]
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.chain.clone()
    }

    /// The leaf, DER.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.chain[0]
    }

    /// The key as rustls wants it.
    #[must_use]
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.clone()).into()
    }

    /// The chain as a certificate file, leaf first.
    #[must_use]
    pub fn chain_pem(&self) -> &str {
        &self.chain_pem
    }

    /// The key as a key file.
    #[must_use]
    pub fn key_pem(&self) -> &str {
        &self.key_pem
    }

    fn without_issuers(&self) -> Self {
        let leaf_end = self.chain_pem.find("-----END CERTIFICATE-----").unwrap() + 26;
        Self {
            chain: self.chain[..1].to_vec(),
            chain_pem: self.chain_pem[..leaf_end].to_owned(),
            ..self.clone()
        }
    }
}

/// Every certificate the cases use. Subjects of client certificates are `CN=<name>` unless told otherwise.
#[derive(Clone, Debug)]
pub struct Pki {
    /// What the servers are given: `CN=localhost`, SAN localhost, 127.0.0.1 and ::1.
    pub server: Identity,
    /// The CA of `server` as PEM, for clients that verify.
    pub server_ca_pem: String,
    /// The client CA as PEM, for `ssl_ca_file`. Subject `CN=Wire test client CA`.
    pub client_ca_pem: String,
    /// `CN=alice`, EKU clientAuth.
    pub alice: Identity,
    /// `CN=bob`.
    pub bob: Identity,
    /// `CN=Alice`.
    pub capital_alice: Identity,
    /// `CN=alice` without any EKU.
    pub alice_without_eku: Identity,
    /// `CN=alice`, EKU serverAuth and clientAuth.
    pub alice_both_ekus: Identity,
    /// `CN=alice`, EKU serverAuth alone.
    pub alice_server_eku: Identity,
    /// `CN=alice`, of a CA the server does not know.
    pub alice_of_other_ca: Identity,
    /// `CN=alice`, self-signed.
    pub alice_self_signed: Identity,
    /// `CN=alice`, validity 2001–2002.
    pub alice_expired: Identity,
    /// `CN=alice`, validity 2090–2091.
    pub alice_not_yet_valid: Identity,
    /// `O=Nobody`, no CN.
    pub no_common_name: Identity,
    /// `CN=alice, CN=zoe` in encoding order.
    pub alice_then_zoe: Identity,
    /// `CN=zoe, CN=alice` in encoding order.
    pub zoe_then_alice: Identity,
    /// CN = `alice`, NUL, `.example`.
    pub alice_with_nul: Identity,
    /// `CN=alice`, and O = `Org`, NUL, `anisation`.
    pub alice_with_nul_elsewhere: Identity,
    /// `CN=Όλγα`.
    pub olga: Identity,
    /// `O=Mesh` and the URI `spiffe://prod.example/alice`.
    pub alice_of_the_mesh: Identity,
    /// `CN=alice` by an intermediate CA that is sent along.
    pub alice_by_intermediate: Identity,
    /// The same, intermediate left out.
    pub alice_lacking_intermediate: Identity,
}

impl Pki {
    /// The process's certificates.
    #[must_use]
    pub fn get() -> &'static Self {
        static PKI: OnceLock<Pki> = OnceLock::new();
        PKI.get_or_init(Self::make)
    }

    fn make() -> Self {
        let server_ca = Authority::root("Wire test server CA");
        let client_ca = Authority::root("Wire test client CA");
        let other_ca = Authority::root("Wire test other CA");
        let intermediate = client_ca.intermediate("Wire test intermediate CA");
        let client = |name: &str| Leaf::client(name).issue(&client_ca);
        let by_intermediate = Leaf::client("alice").issue(&intermediate);
        Self {
            server: Leaf::server().issue(&server_ca),
            server_ca_pem: server_ca.pem.clone(),
            client_ca_pem: client_ca.pem.clone(),
            alice: Leaf::client("alice").issue(&client_ca),
            bob: client("bob"),
            capital_alice: client("Alice"),
            alice_without_eku: Leaf::client("alice").usages(&[]).issue(&client_ca),
            alice_both_ekus: Leaf::client("alice")
                .usages(&[
                    ExtendedKeyUsagePurpose::ServerAuth,
                    ExtendedKeyUsagePurpose::ClientAuth,
                ])
                .issue(&client_ca),
            alice_server_eku: Leaf::client("alice")
                .usages(&[ExtendedKeyUsagePurpose::ServerAuth])
                .issue(&client_ca),
            alice_of_other_ca: Leaf::client("alice").issue(&other_ca),
            alice_self_signed: Leaf::client("alice").self_signed(),
            alice_expired: Leaf::client("alice").years(2001, 2002).issue(&client_ca),
            alice_not_yet_valid: Leaf::client("alice").years(2090, 2091).issue(&client_ca),
            no_common_name: Leaf::subject(&[(DnType::OrganizationName, "Nobody")])
                .issue(&client_ca),
            alice_then_zoe: Leaf::subject(&[(DnType::CommonName, "alice"), (second_cn(), "zoe")])
                .issue(&client_ca),
            zoe_then_alice: Leaf::subject(&[(DnType::CommonName, "zoe"), (second_cn(), "alice")])
                .issue(&client_ca),
            alice_with_nul: client("alice\0.example"),
            alice_with_nul_elsewhere: Leaf::subject(&[
                (DnType::OrganizationName, "Org\0anisation"),
                (DnType::CommonName, "alice"),
            ])
            .issue(&client_ca),
            olga: client("Όλγα"),
            alice_of_the_mesh: Leaf::subject(&[(DnType::OrganizationName, "Mesh")])
                .uri("spiffe://prod.example/alice")
                .issue(&client_ca),
            alice_lacking_intermediate: by_intermediate.without_issuers(),
            alice_by_intermediate: by_intermediate,
        }
    }
}

/// rcgen keeps one value per type of name, and takes this for another type than `DnType::CommonName`.
fn second_cn() -> DnType {
    DnType::CustomDnType(vec![2, 5, 4, 3])
}

pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
    /// What leaves must be sent with, DER and PEM: empty for a root.
    chain: Vec<(CertificateDer<'static>, String)>,
}

impl Authority {
    pub(crate) fn root(name: &str) -> Self {
        let (params, key) = (Self::params(name), KeyPair::generate().unwrap());
        let certificate = params.self_signed(&key).unwrap();
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
            chain: Vec::new(),
        }
    }

    pub(crate) fn intermediate(&self, name: &str) -> Self {
        let (params, key) = (Self::params(name), KeyPair::generate().unwrap());
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
            chain: vec![(certificate.der().clone(), certificate.pem())],
        }
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2100, 1, 1);
        params
    }
}

/// Serial numbers are drawn in order, so that each is known and none comes twice.
fn next_serial() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(4_660);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

pub(crate) struct Leaf(CertificateParams);

impl Leaf {
    fn subject(names: &[(DnType, &str)]) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, value) in names {
            params.distinguished_name.push(kind.clone(), *value);
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        Self(params)
            .years(2020, 2090)
            .usages(&[ExtendedKeyUsagePurpose::ClientAuth])
    }

    pub(crate) fn client(name: &str) -> Self {
        Self::subject(&[(DnType::CommonName, name)])
    }

    pub(crate) fn server() -> Self {
        let mut leaf = Self::client("localhost").usages(&[ExtendedKeyUsagePurpose::ServerAuth]);
        leaf.0.subject_alt_names =
            CertificateParams::new(["localhost", "127.0.0.1", "::1"].map(String::from).to_vec())
                .unwrap()
                .subject_alt_names;
        leaf
    }

    fn usages(mut self, usages: &[ExtendedKeyUsagePurpose]) -> Self {
        self.0.extended_key_usages = usages.to_vec();
        self
    }

    fn uri(mut self, uri: &str) -> Self {
        let uri = SanType::URI(uri.try_into().unwrap());
        self.0.subject_alt_names = vec![uri];
        self
    }

    pub(crate) fn years(mut self, from: i32, to: i32) -> Self {
        self.0.not_before = date_time_ymd(from, 1, 1);
        self.0.not_after = date_time_ymd(to, 1, 1);
        self
    }

    pub(crate) fn issue(mut self, authority: &Authority) -> Identity {
        let (key, serial) = (KeyPair::generate().unwrap(), self.number());
        let leaf = self.0.signed_by(&key, &authority.issuer).unwrap();
        let (mut chain, mut chain_pem) = (vec![leaf.der().clone()], leaf.pem());
        for (der, pem) in &authority.chain {
            chain.push(der.clone());
            chain_pem.push_str(pem);
        }
        Identity {
            chain,
            key: key.serialize_der(),
            chain_pem,
            key_pem: key.serialize_pem(),
            serial,
        }
    }

    fn self_signed(mut self) -> Identity {
        let (key, serial) = (KeyPair::generate().unwrap(), self.number());
        let leaf = self.0.self_signed(&key).unwrap();
        Identity {
            chain: vec![leaf.der().clone()],
            key: key.serialize_der(),
            chain_pem: leaf.pem(),
            key_pem: key.serialize_pem(),
            serial,
        }
    }

    fn number(&mut self) -> u16 {
        let serial = next_serial();
        self.0.serial_number = Some(SerialNumber::from_slice(&serial.to_be_bytes()));
        serial
    }
}
