//! One question to an OCSP responder, over HTTP (RFC 6960 appendix A.1).

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use pg_certs::ocsp::{Inquiry, MAX_RESPONSE_LEN, ResponseError, Staple};
use tokio::sync::oneshot;
use ureq::Agent;
use ureq::http::{StatusCode, header};

/// How long one responder may take: name, connection, request and answer.
const DEADLINE: Duration = Duration::from_secs(10);

/// Asks the responders of a certificate, one after the other, until one answers with what can be stapled,
/// or says that the certificate is revoked. Returns the error of the last.
///
/// HTTP is spoken on a thread of its own: it waits, which the threads of connections must not, and nobody
/// waits for it when the server ends.
pub(super) async fn fetch(inquiry: Arc<Inquiry>) -> Result<Staple, FetchError> {
    let (answer, result) = oneshot::channel();
    thread::Builder::new()
        .name("ocsp".to_owned())
        .spawn(move || {
            // Nobody listens any more if the configuration was replaced meanwhile.
            let _unheard = answer.send(ask_all(&inquiry));
        })
        .map_err(FetchError::Thread)?;
    result.await.unwrap_or(Err(FetchError::Failed))
}

fn ask_all(inquiry: &Inquiry) -> Result<Staple, FetchError> {
    let mut result = Err(FetchError::Failed);
    for url in inquiry.responders() {
        result = ask(inquiry, url, DEADLINE);
        match result {
            Err(ref error) if !error.is_revocation() => {}
            _ => break,
        }
    }
    result
}

pub(super) fn ask(inquiry: &Inquiry, url: &str, deadline: Duration) -> Result<Staple, FetchError> {
    if !url
        .get(..SCHEME.len())
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(SCHEME))
    {
        return Err(FetchError::NotHttp {
            url: url.to_owned(),
        });
    }
    let http = |source| FetchError::Http {
        url: url.to_owned(),
        source: Box::new(source),
    };
    let mut response = agent(deadline)
        .post(url)
        .header(header::CONTENT_TYPE, "application/ocsp-request")
        .header(header::ACCEPT, "application/ocsp-response")
        .send(inquiry.request())
        .map_err(http)?;
    if response.status() != StatusCode::OK {
        return Err(FetchError::Status {
            url: url.to_owned(),
            status: response.status().as_u16(),
        });
    }
    let limit = u64::try_from(MAX_RESPONSE_LEN).unwrap_or(u64::MAX);
    let bytes = response
        .body_mut()
        .with_config()
        .limit(limit)
        .read_to_vec()
        .map_err(http)?;
    inquiry
        .verify(&bytes, SystemTime::now())
        .map_err(|source| FetchError::Response {
            url: url.to_owned(),
            source,
        })
}

/// Follows no redirects: HTTP would have the request itself left out of what follows. Knows no proxy,
/// whatever the environment says.
fn agent(deadline: Duration) -> Agent {
    Agent::config_builder()
        .timeout_global(Some(deadline))
        .max_redirects(0)
        .http_status_as_error(false)
        .proxy(None)
        .user_agent(concat!(
            env!("CARGO_PKG_NAME"),
            "/",
            env!("CARGO_PKG_VERSION")
        ))
        .build()
        .new_agent()
}

/// What kept a response from being had.
#[derive(Debug, thiserror::Error)]
pub(super) enum FetchError {
    /// No thread could be started to ask, for want of memory or by a limit of the system.
    #[error("no thread could be started: {0}")]
    Thread(io::Error),
    /// The thread ended without an answer, or the certificate names nobody to ask.
    #[error("nobody could be asked")]
    Failed,
    /// The certificate names a responder that is reached otherwise.
    #[error("\"{}\" is not an http:// URL", url.escape_debug())]
    NotHttp {
        /// The responder.
        url: String,
    },
    /// There is no HTTP to be had with the responder.
    #[error("\"{}\": {source}", url.escape_debug())]
    Http {
        /// The responder.
        url: String,
        /// What the HTTP client says.
        source: Box<ureq::Error>,
    },
    /// The responder answers, but not with a response; redirects among others, which are not followed.
    #[error("\"{}\": HTTP status {status}", url.escape_debug())]
    Status {
        /// The responder.
        url: String,
        /// The status.
        status: u16,
    },
    /// The response is not good.
    #[error("\"{}\": {source}", url.escape_debug())]
    Response {
        /// The responder.
        url: String,
        /// What is wrong with it.
        source: ResponseError,
    },
}

impl FetchError {
    /// Whether the responder says that the certificate is revoked.
    pub(super) const fn is_revocation(&self) -> bool {
        matches!(
            self,
            Self::Response {
                source: ResponseError::Revoked { .. },
                ..
            }
        )
    }
}

const SCHEME: &str = "http://";
