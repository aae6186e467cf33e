//! A client of a few lines, which can also be told to lie.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::super::{keys, saslprep};
use super::{Exchange, Iterations, Reply, ScramError, answer, challenge, choose};

pub(super) struct Client<'a> {
    pub(super) mechanism: &'a str,
    /// gs2-header, such as `n,,`.
    pub(super) header: &'a str,
    /// The hash of the server certificate that this client sees; empty without channel binding.
    pub(super) certificate: &'a [u8],
    pub(super) nonce: &'a str,
    pub(super) password: &'a [u8],
}

pub(super) const PLAIN: Client<'_> = Client {
    mechanism: "SCRAM-SHA-256",
    header: "n,,",
    certificate: b"",
    nonce: "rOprNGfwEbeRWgbNEkqO",
    password: b"pencil",
};

pub(super) const PLUS: Client<'_> = Client {
    mechanism: "SCRAM-SHA-256-PLUS",
    header: "p=tls-server-end-point,,",
    certificate: &[0xc5; 32],
    ..PLAIN
};

impl Client<'_> {
    /// Runs the exchange to its end; checks the server's signature if it comes to that.
    pub(super) fn log_in(&self, server: &mut Exchange) -> Result<(), ScramError> {
        let bare = format!("n=,r={}", self.nonce);
        let first = format!("{}{bare}", self.header);
        let challenge = match choose(server, self.mechanism, Some(first.as_bytes())) {
            Err(error) => return Err(error),
            reply => challenge(reply),
        };
        let (last, signature) = self.finish(&bare, &challenge);
        match answer(server, last.as_bytes())? {
            Reply::Final(data) => assert_eq!(data, format!("v={signature}")),
            Reply::Continue(_) => panic!("the server asks for more than the proof"),
        }
        Ok(())
    }

    /// client-final-message, and the server's signature that has to answer it.
    pub(super) fn finish(&self, bare: &str, challenge: &[u8]) -> (String, String) {
        let challenge = str::from_utf8(challenge).unwrap();
        let (nonce, rest) = challenge
            .strip_prefix("r=")
            .and_then(|rest| rest.split_once(",s="))
            .unwrap();
        let (salt, count) = rest.split_once(",i=").unwrap();
        let count = Iterations::try_from(count.parse::<u32>().unwrap()).unwrap();
        assert!(nonce.starts_with(self.nonce));

        let binding = STANDARD.encode([self.header.as_bytes(), self.certificate].concat());
        let without_proof = format!("c={binding},r={nonce}");
        let signed = format!("{bare},{challenge},{without_proof}");
        let salted = keys::salted_password(
            &saslprep::prepare(self.password),
            &STANDARD.decode(salt).unwrap(),
            count,
        );
        let mut proof = keys::hmac(&salted, &[b"Client Key"]);
        let stored = keys::sha256(&proof);
        for (key, signature) in proof
            .iter_mut()
            .zip(keys::hmac(&stored, &[signed.as_bytes()]).iter())
        {
            *key ^= signature;
        }
        let signature = keys::hmac(&keys::server_key(&salted), &[signed.as_bytes()]);
        let proof = STANDARD.encode(proof.as_slice());
        (
            format!("{without_proof},p={proof}"),
            STANDARD.encode(signature.as_slice()),
        )
    }
}
