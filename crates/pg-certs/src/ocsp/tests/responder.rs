//! An authority and its responders, in this process: whatever they say, also what none would.

use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SerialNumber, SigningKey,
};
use rustls_pki_types::CertificateDer;
use sha1::{Digest, Sha1};
use sha2::Sha256;
use x509_cert::der::asn1::{BitString, GeneralizedTime, ObjectIdentifier, OctetString};
use x509_cert::der::{Decode, Encode};
use x509_cert::ext::Extension;
use x509_cert::spki::AlgorithmIdentifierOwned;
use x509_cert::{Certificate, serial_number};
use x509_ocsp::{
    BasicOcspResponse, CertId, CertStatus, OcspResponse, ResponderId, ResponseData, SingleResponse,
    Version,
};

use crate::ocsp::inquiry::{SHA1, SHA256};

/// The time of all tests: 2027-01-15 08:00:00 UTC.
pub(super) fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

/// A time some seconds from [`now`].
pub(super) fn after(seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 {
        now() - distance
    } else {
        now() + distance
    }
}

/// Somebody with a certificate.
pub(super) struct Party {
    pub(super) der: CertificateDer<'static>,
    params: CertificateParams,
    key: KeyPair,
}

impl Party {
    pub(super) fn authority(name: &str) -> Self {
        let mut params = params(name, 1);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap().der().clone();
        Self { der, params, key }
    }

    /// A certificate of this authority.
    pub(super) fn issue(
        &self,
        name: &str,
        serial: u64,
        change: impl FnOnce(&mut CertificateParams),
    ) -> Self {
        let mut params = params(name, serial);
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let issuer = Issuer::from_params(&self.params, &self.key);
        let der = params.signed_by(&key, &issuer).unwrap().der().clone();
        Self { der, params, key }
    }

    /// A certificate for signing OCSP responses.
    pub(super) fn responder(&self, purposes: &[ExtendedKeyUsagePurpose]) -> Self {
        self.issue("responder", 7, |params| {
            params.extended_key_usages = purposes.to_vec();
        })
    }

    fn parsed(&self) -> Certificate {
        Certificate::from_der(&self.der).unwrap()
    }

    fn name(&self) -> Vec<u8> {
        self.parsed().tbs_certificate.subject.to_der().unwrap()
    }

    fn key_bits(&self) -> Vec<u8> {
        let info = self.parsed().tbs_certificate.subject_public_key_info;
        info.subject_public_key.raw_bytes().to_vec()
    }

    pub(super) fn by_name(&self) -> ResponderId {
        ResponderId::ByName(self.parsed().tbs_certificate.subject)
    }

    pub(super) fn by_key(&self) -> ResponderId {
        ResponderId::ByKey(octets(&Sha1::digest(self.key_bits())))
    }

    /// How an answer names a certificate of this authority.
    pub(super) fn id(&self, serial: u64) -> CertId {
        self.id_by(SHA1, |data| Sha1::digest(data).to_vec(), serial)
    }

    pub(super) fn id_sha256(&self, serial: u64) -> CertId {
        self.id_by(SHA256, |data| Sha256::digest(data).to_vec(), serial)
    }

    fn id_by(&self, oid: ObjectIdentifier, hash: fn(&[u8]) -> Vec<u8>, serial: u64) -> CertId {
        CertId {
            hash_algorithm: AlgorithmIdentifierOwned {
                oid,
                parameters: None,
            },
            issuer_name_hash: octets(&hash(&self.name())),
            issuer_key_hash: octets(&hash(&self.key_bits())),
            serial_number: serial_number::SerialNumber::from(serial),
        }
    }
}

fn params(name: &str, serial: u64) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.serial_number = Some(SerialNumber::from(serial));
    params
}

pub(super) fn octets(bytes: &[u8]) -> OctetString {
    OctetString::new(bytes).unwrap()
}

pub(super) fn time(time: SystemTime) -> x509_ocsp::OcspGeneralizedTime {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    x509_ocsp::OcspGeneralizedTime(GeneralizedTime::from_unix_duration(since).unwrap())
}

/// A response before it is signed.
pub(super) struct Draft<'a> {
    pub(super) signer: &'a Party,
    pub(super) responder: ResponderId,
    pub(super) certificates: Vec<&'a Party>,
    pub(super) answers: Vec<SingleResponse>,
    pub(super) extensions: Option<Vec<Extension>>,
    /// The signature's algorithm; ECDSA with SHA-256 is what it is.
    pub(super) algorithm: &'static str,
}

impl<'a> Draft<'a> {
    /// "Good" for the certificate with this serial number, for a day from now, by the issuer.
    pub(super) fn good(issuer: &'a Party, serial: u64) -> Self {
        Self {
            signer: issuer,
            responder: issuer.by_name(),
            certificates: Vec::new(),
            answers: vec![SingleResponse {
                cert_id: issuer.id(serial),
                cert_status: CertStatus::good(),
                this_update: time(now()),
                next_update: Some(time(after(DAY))),
                single_extensions: None,
            }],
            extensions: None,
            algorithm: ECDSA_WITH_SHA256,
        }
    }

    /// The same, signed by somebody else, whose certificate comes along.
    pub(super) fn by(mut self, signer: &'a Party) -> Self {
        self.signer = signer;
        self.responder = signer.by_name();
        self.certificates = vec![signer];
        self
    }

    pub(super) fn answer(&mut self) -> &mut SingleResponse {
        &mut self.answers[0]
    }

    pub(super) fn sign(self) -> Vec<u8> {
        let tbs_response_data = ResponseData {
            version: Version::V1,
            responder_id: self.responder,
            produced_at: time(now()),
            responses: self.answers,
            response_extensions: self.extensions,
        };
        let signature = self
            .signer
            .key
            .sign(&tbs_response_data.to_der().unwrap())
            .unwrap();
        let certs: Vec<Certificate> = self.certificates.iter().map(|it| it.parsed()).collect();
        let basic = BasicOcspResponse {
            tbs_response_data,
            signature_algorithm: AlgorithmIdentifierOwned {
                oid: self.algorithm.parse().unwrap(),
                parameters: None,
            },
            signature: BitString::from_bytes(&signature).unwrap(),
            certs: (!certs.is_empty()).then_some(certs),
        };
        OcspResponse::successful(basic).unwrap().to_der().unwrap()
    }
}

pub(super) const DAY: i64 = 86_400;
const ECDSA_WITH_SHA256: &str = "1.2.840.10045.4.3.2";
