//! Collects what is to be known about a TLS connection once its handshake is done.

use bytes::Bytes;
use pg_certs::CertificateInfo;
use pg_certs::info::CommonNameError;
use tokio_rustls::server::TlsStream;

use crate::names;
use crate::negotiate_error::NegotiateError;
use crate::server_tls::Chosen;
use crate::session::{ClientCertificate, TlsInfo};
use crate::version::TlsVersion;

/// Reads the session's properties and the client's certificate; `chosen` is what was served.
///
/// # Errors
///
/// The certificate verified, but its name could be taken for another (a NUL inside), or it cannot be
/// parsed a second time.
pub(crate) fn collect<S>(
    stream: &TlsStream<S>,
    chosen: Chosen<'_>,
    direct: bool,
) -> Result<TlsInfo, NegotiateError> {
    let (_, session) = stream.get_ref();
    let Chosen { identity, mode } = chosen;
    let cipher = session
        .negotiated_cipher_suite()
        .map_or(names::UNKNOWN_CIPHER, |suite| names::cipher(suite.suite()));
    let client_certificate = session
        .peer_certificates()
        .and_then(|chain| chain.first())
        .map(|leaf| client_certificate(leaf))
        .transpose()?;
    Ok(TlsInfo {
        version: session
            .protocol_version()
            .and_then(TlsVersion::from_rustls)
            .unwrap_or(TlsVersion::Tls13),
        cipher: cipher.name,
        bits: cipher.bits,
        group: session
            .negotiated_key_exchange_group()
            .map_or(names::UNKNOWN, |group| names::group(group.name())),
        alpn: session
            .alpn_protocol()
            .map(|name| String::from_utf8_lossy(name).into_owned()),
        sni: session.server_name().map(str::to_owned),
        direct,
        host_mode: mode,
        client_ca: identity.client_ca(),
        client_certificate,
        server_certificate: identity.certificate().clone(),
        tls_server_end_point: identity.tls_server_end_point().cloned(),
    })
}

fn client_certificate(der: &[u8]) -> Result<ClientCertificate, NegotiateError> {
    let info =
        CertificateInfo::from_der(der).map_err(NegotiateError::ClientCertificateUnreadable)?;
    match info.common_name() {
        Err(error @ CommonNameError::EmbeddedNull) => {
            Err(NegotiateError::ClientCertificateName(error))
        }
        // A name that is no text is a name: one that equals no user.
        _ => Ok(ClientCertificate {
            info,
            der: Bytes::copy_from_slice(der),
        }),
    }
}
