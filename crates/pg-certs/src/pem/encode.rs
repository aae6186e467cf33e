//! Writes PEM.

use rustls_pki_types::PrivateKeyDer;
use zeroize::Zeroizing;

/// Writes a certificate as PEM (RFC 7468, section 5: 64 characters a line).
pub(crate) fn encode_certificate(der: &[u8]) -> String {
    std::mem::take(&mut *encode("CERTIFICATE", der))
}

/// Writes a revocation list as PEM (RFC 7468, section 6).
pub(crate) fn encode_revocation_list(der: &[u8]) -> String {
    std::mem::take(&mut *encode("X509 CRL", der))
}

/// Writes a private key as PEM, with the label of its format.
pub(crate) fn encode_key(key: &PrivateKeyDer<'_>) -> Zeroizing<String> {
    let label = match key {
        PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
        PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
        _ => "PRIVATE KEY",
    };
    encode(label, key.secret_der())
}

fn encode(label: &str, der: &[u8]) -> Zeroizing<String> {
    let digits = der.len().div_ceil(3) * 4;
    // Room for everything at once, so that growing leaves no copies of a key behind.
    let mut pem = Zeroizing::new(String::with_capacity(
        digits + digits / 64 + 2 * label.len() + 40,
    ));
    pem.push_str(&format!("-----BEGIN {label}-----\n"));
    for (index, chunk) in der.chunks(3).enumerate() {
        let bits = (0..3).fold(0u32, |bits, index| {
            (bits << 8) | chunk.get(index).copied().map_or(0, u32::from)
        });
        for position in 0..4 {
            let digit = usize::try_from((bits >> (18 - 6 * position)) & 0x3f).ok();
            let digit = digit
                .filter(|_| position <= chunk.len())
                .and_then(|digit| BASE64.get(digit));
            pem.push(char::from(digit.copied().unwrap_or(b'=')));
        }
        if (index + 1).is_multiple_of(16) {
            pem.push('\n');
        }
    }
    if !pem.ends_with('\n') {
        pem.push('\n');
    }
    pem.push_str(&format!("-----END {label}-----\n"));
    pem
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
