//! Servers and clients of every kind.
#![cfg(feature = "generate")]

use std::time::Duration;

use super::*;
use crate::CertificateAuthority;
use crate::generate::{CaSpec, ClientSpec, IssuedCertificate, ServerSpec, Validity};
use crate::testing::{EC, openssl_self_signed};

type Chain = Vec<CertificateDer<'static>>;

fn der(pem: &str) -> Chain {
    let blocks = crate::pem::blocks(pem.as_bytes()).unwrap();
    blocks
        .iter()
        .filter(|block| block.kind == crate::load::BlockKind::Certificate)
        .map(|block| block.der().unwrap().to_vec().into())
        .collect()
}

fn authority(name: &str) -> CertificateAuthority {
    CertificateAuthority::create(&CaSpec::new(name)).unwrap()
}

fn root(ca: &CertificateAuthority) -> Chain {
    der(&ca.certificate_pem())
}

fn chain(issued: &IssuedCertificate) -> Chain {
    der(issued.chain_pem())
}

fn server(ca: &CertificateAuthority) -> IssuedCertificate {
    ca.issue_server(&ServerSpec::new(["localhost"])).unwrap()
}

/// The question of a client of `localhost` to a server that demands TLS.
fn question<'a>(chain: Option<&'a Chain>, roots: Option<&'a Chain>) -> Question<'a> {
    Question {
        host: "localhost",
        roots: roots.map(Vec::as_slice),
        chain: chain.map(Vec::as_slice),
        plaintext: Plaintext::Refused,
        client_certificate: ClientCertificate::NotDemanded,
        now: SystemTime::now(),
    }
}

/// Outcomes from `disable` to `verify-full`.
#[track_caller]
fn check(question: Question<'_>, expected: [Outcome; 6]) {
    let outcomes: Vec<Outcome> = question
        .judge_all()
        .iter()
        .map(|verdict| verdict.outcome)
        .collect();
    assert_eq!(outcomes, expected, "{:#?}", question.judge_all());
}

#[track_caller]
fn check_refusal(question: Question<'_>, mode: ClientSslMode, reason: &str, cure: &str) {
    let verdict = question.judge(mode);
    assert_eq!(verdict.outcome, Refused, "{verdict:?}");
    assert_eq!(
        (verdict.reason.as_str(), verdict.cure.as_deref()),
        (reason, Some(cure))
    );
}

use ClientSslMode::{Prefer, Require, VerifyCa, VerifyFull};
use Outcome::{AuthorityVerified, Encrypted, NameVerified, Plaintext as Clear, Refused, Unknown};

#[test]
fn each_mode_asks_for_what_it_says() {
    let ca = authority("CA");
    let (chain, root) = (chain(&server(&ca)), root(&ca));
    let strict = question(Some(&chain), Some(&root));
    check(
        strict,
        [
            Refused,
            AuthorityVerified,
            AuthorityVerified,
            AuthorityVerified,
            AuthorityVerified,
            NameVerified,
        ],
    );
    let lax = Question {
        plaintext: Plaintext::Accepted,
        ..strict
    };
    check(
        lax,
        [
            Clear,
            Clear,
            AuthorityVerified,
            AuthorityVerified,
            AuthorityVerified,
            NameVerified,
        ],
    );
    check(
        question(Some(&chain), None),
        [Refused, Encrypted, Encrypted, Encrypted, Refused, Refused],
    );
    check(
        Question { chain: None, ..lax },
        [Clear, Clear, Clear, Refused, Refused, Refused],
    );
    check(
        Question {
            chain: None,
            ..strict
        },
        [Refused; 6],
    );
    check(
        Question {
            plaintext: Plaintext::Unknown,
            chain: None,
            ..strict
        },
        [Unknown, Unknown, Unknown, Refused, Refused, Refused],
    );
}

#[test]
fn prefer_ends_in_clear_without_a_word_if_the_chain_does_not_verify() {
    let (ca, other) = (authority("CA"), authority("Other"));
    let (chain, root) = (chain(&server(&ca)), root(&other));
    let strict = question(Some(&chain), Some(&root));
    check(strict, [Refused; 6]);
    let lax = Question {
        plaintext: Plaintext::Accepted,
        ..strict
    };
    check(lax, [Clear, Clear, Clear, Refused, Refused, Refused]);
    assert_eq!(
        lax.judge(Prefer).reason,
        "in clear without a word, because the handshake failed: SSL error: certificate verify failed: the \
         chain ends at the issuer \"CN=CA\", and sslrootcert has \"CN=Other\""
    );
}

#[test]
fn what_is_missing_is_named_with_its_cure() {
    let (ca, other) = (authority("CA"), authority("CA"));
    let (chain, root) = (chain(&server(&ca)), root(&other));
    check_refusal(
        question(None, None),
        Require,
        "server does not support SSL, but SSL was required",
        "set up TLS on the server",
    );
    check_refusal(
        question(Some(&chain), None),
        VerifyCa,
        "root certificate file does not exist",
        "give clients the certificate of the authority as sslrootcert: pg-certs export-ca",
    );
    check_refusal(
        question(Some(&chain), Some(&root)),
        VerifyCa,
        "SSL error: certificate verify failed: sslrootcert has another authority of the name \"CN=CA\"",
        "give clients the certificate of the \"CN=CA\" that issued the server's",
    );
}

#[test]
fn the_chain_must_lead_to_a_root() {
    let ca = authority("Root");
    let middle = ca.issue_intermediate(&CaSpec::new("Middle")).unwrap();
    let issued = server(&middle);
    let (whole, short) = (chain(&issued), der(issued.certificate_pem()));
    let (root, middle) = (root(&ca), root(&middle));
    let both = [root.clone(), middle.clone()].concat();
    for (chain, roots) in [(&whole, &root), (&short, &both), (&whole, &both)] {
        let verdict = question(Some(chain), Some(roots)).judge(VerifyFull);
        assert_eq!(verdict.outcome, NameVerified, "{verdict:?}");
    }
    check_refusal(
        question(Some(&short), Some(&root)),
        VerifyFull,
        "SSL error: certificate verify failed: the chain ends at the issuer \"CN=Middle\", and sslrootcert has \
         \"CN=Root\"",
        "give clients the certificate of \"CN=Middle\" as sslrootcert; if it is an intermediate authority, \
         append its certificate to the server's certificate file instead",
    );
    check_refusal(
        question(Some(&whole), Some(&middle)),
        VerifyCa,
        "SSL error: certificate verify failed: sslrootcert has an intermediate authority without its root",
        "append the root's certificate to sslrootcert",
    );
}

#[test]
fn dates_purposes_and_names_are_judged() {
    let ca = authority("CA");
    let (issued, root) = (server(&ca), root(&ca));
    let (served, info) = (chain(&issued), issued.info());
    let good = question(Some(&served), Some(&root));
    let later = Question {
        now: info.not_after() + Duration::from_secs(1),
        ..good
    };
    check_refusal(
        later,
        VerifyCa,
        &format!(
            "SSL error: certificate verify failed: certificate has expired on {}",
            info.not_after_text()
        ),
        "renew it: pg-certs renew",
    );
    let begin = SystemTime::now() + Duration::from_secs(3600);
    let validity = Validity::between(begin, begin + Duration::from_secs(3600));
    let early = ca
        .issue_server(&ServerSpec::new(["localhost"]).with_validity(validity))
        .unwrap();
    check_refusal(
        question(Some(&chain(&early)), Some(&root)),
        VerifyCa,
        &format!(
            "SSL error: certificate verify failed: certificate is not valid before {}",
            early.info().not_before_text()
        ),
        "check the clocks of client and server, or issue it anew",
    );
    let client = ca.issue_client(&ClientSpec::new("localhost")).unwrap();
    check_refusal(
        question(Some(&chain(&client)), Some(&root)),
        VerifyCa,
        "SSL error: certificate verify failed: the certificate is not for servers (extendedKeyUsage without \
         serverAuth)",
        "issue one for servers: pg-certs server",
    );
    check_refusal(
        Question {
            host: "db.example",
            ..good
        },
        VerifyFull,
        "server certificate for \"localhost\" (and 2 other names) does not match host name \"db.example\"",
        "issue the certificate for \"db.example\" too, or connect to a name that it has",
    );
}

#[test]
fn l06_a_self_signed_authority_is_trusted_by_libpq_as_it_is() {
    let pem = openssl_self_signed(&[EC, &["-keyout", "/dev/null", "-subj", "/CN=localhost"]]);
    let own = der(&pem);
    let verdict = question(Some(&own), Some(&own)).judge(VerifyFull);
    assert_eq!(verdict.outcome, NameVerified, "{verdict:?}");
    assert!(verdict.caution.unwrap().starts_with("only the common name"));
}

#[test]
fn a_demanded_client_certificate_is_told() {
    let ca = authority("CA");
    let (chain, root) = (chain(&server(&ca)), root(&ca));
    let demanding = Question {
        client_certificate: ClientCertificate::Demanded,
        ..question(Some(&chain), Some(&root))
    };
    assert_eq!(
        demanding.judge(Require).caution.as_deref(),
        Some("the server demands a client certificate: set sslcert and sslkey")
    );
}

#[test]
fn modes_are_parsed_as_they_are_printed() {
    for mode in ClientSslMode::ALL {
        assert_eq!(mode.to_string().parse(), Ok(mode));
    }
    let error = "verify".parse::<ClientSslMode>().unwrap_err();
    assert_eq!(error.to_string(), "invalid sslmode value: \"verify\"");
}
