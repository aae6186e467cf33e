//! CancelRequests: which key belongs to which session.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pg_wire::ProtocolVersion;
use pg_wire::startup::{CancelKey, CancelRequest};
use zeroize::Zeroizing;

use crate::engine::CancelStatement;

/// Length of a key for a client of protocol 3.0, which knows no other.
const KEY_LENGTH_3_0: usize = 4;

/// Length of a key from protocol 3.2 on: PostgreSQL 18's choice.
const KEY_LENGTH_3_2: usize = 32;

/// The live sessions that a CancelRequest can name.
#[derive(Debug, Default)]
pub(crate) struct CancelRegistry {
    sessions: Mutex<Sessions>,
}

#[derive(Debug, Default)]
struct Sessions {
    next_process_id: i32,
    by_process_id: HashMap<i32, Session>,
}

struct Session {
    key: CancelKey,
    canceller: Option<Arc<dyn CancelStatement>>,
}

/// What a CancelRequest means. The client never learns it.
#[derive(Clone)]
pub(crate) enum CancelOutcome {
    /// The process id is 0, which no session has.
    ProcessIdZero,
    /// No session has this process id.
    UnknownProcess,
    /// The session exists and the key is not its key.
    WrongKey,
    /// The right key, and the engine can interrupt: ask it.
    Interrupt(Arc<dyn CancelStatement>),
    /// The right key, and the engine has no way to interrupt.
    CannotInterrupt,
}

/// A session's entry in the registry; removed when dropped.
#[derive(Debug)]
pub(crate) struct Registration {
    registry: Arc<CancelRegistry>,
    process_id: i32,
    key: CancelKey,
}

impl CancelRegistry {
    /// Adds a session with a fresh random key.
    ///
    /// `wanted` is the process id by which the engine knows the session itself (what
    /// `pg_backend_pid()` returns); it is used unless it is taken or not positive.
    ///
    /// # Errors
    ///
    /// The operating system gave no random bytes.
    pub(crate) fn register(
        self: &Arc<Self>,
        protocol: ProtocolVersion,
        wanted: Option<i32>,
        canceller: Option<Arc<dyn CancelStatement>>,
    ) -> Result<Registration, getrandom::Error> {
        let key = random_key(protocol)?;
        let process_id = self.lock().insert(
            wanted,
            Session {
                key: key.clone(),
                canceller,
            },
        );
        Ok(Registration {
            registry: Arc::clone(self),
            process_id,
            key,
        })
    }

    /// Finds the session that a request means. Keys are compared in constant time.
    pub(crate) fn look_up(&self, request: &CancelRequest) -> CancelOutcome {
        if request.process_id == 0 {
            return CancelOutcome::ProcessIdZero;
        }
        match self.lock().by_process_id.get(&request.process_id) {
            None => CancelOutcome::UnknownProcess,
            Some(session) if session.key != request.secret_key => CancelOutcome::WrongKey,
            Some(session) => session
                .canceller
                .clone()
                .map_or(CancelOutcome::CannotInterrupt, CancelOutcome::Interrupt),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CancelOutcome {
    /// The line of PostgreSQL 18's log (spec §1.6); PostgreSQL writes none on a match.
    pub(crate) fn text(&self, process_id: i32) -> String {
        match self {
            Self::ProcessIdZero => "invalid cancel request with PID 0".to_owned(),
            Self::UnknownProcess => {
                format!("PID {process_id} in cancel request did not match any process")
            }
            Self::WrongKey => format!("wrong key in cancel request for process {process_id}"),
            Self::Interrupt(_) | Self::CannotInterrupt => {
                format!("processing cancel request for process {process_id}")
            }
        }
    }
}

impl Sessions {
    fn insert(&mut self, wanted: Option<i32>, session: Session) -> i32 {
        let mut process_id = wanted.filter(|id| *id > 0);
        loop {
            let candidate = process_id.take().unwrap_or_else(|| {
                self.next_process_id = self.next_process_id.checked_add(1).unwrap_or(1);
                self.next_process_id
            });
            if let Entry::Vacant(place) = self.by_process_id.entry(candidate) {
                place.insert(session);
                return candidate;
            }
        }
    }
}

impl Registration {
    /// For BackendKeyData.
    pub(crate) fn process_id(&self) -> i32 {
        self.process_id
    }

    /// For BackendKeyData.
    pub(crate) fn key(&self) -> &CancelKey {
        &self.key
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.lock().by_process_id.remove(&self.process_id);
    }
}

/// PostgreSQL sends 4 bytes to clients below 3.2 and 32 bytes to the others (spec §1.1).
fn random_key(protocol: ProtocolVersion) -> Result<CancelKey, getrandom::Error> {
    let mut bytes = Zeroizing::new([0; KEY_LENGTH_3_2]);
    getrandom::fill(bytes.as_mut_slice())?;
    let length = if protocol < ProtocolVersion::V3_2 {
        KEY_LENGTH_3_0
    } else {
        KEY_LENGTH_3_2
    };
    let key = bytes.get(..length).unwrap_or(bytes.as_slice());
    CancelKey::new(key).map_err(|_| getrandom::Error::UNEXPECTED)
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CancelOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ProcessIdZero => "ProcessIdZero",
            Self::UnknownProcess => "UnknownProcess",
            Self::WrongKey => "WrongKey",
            Self::Interrupt(_) => "Interrupt",
            Self::CannotInterrupt => "CannotInterrupt",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{BoxFuture, EngineError};

    struct NoOp;

    impl CancelStatement for NoOp {
        fn cancel(&self) -> BoxFuture<'_, Result<(), EngineError>> {
            Box::pin(async { Ok(()) })
        }
    }

    fn request(process_id: i32, key: &[u8]) -> CancelRequest {
        CancelRequest {
            process_id,
            secret_key: CancelKey::new(key).unwrap(),
        }
    }

    #[test]
    fn keys_have_the_length_of_the_protocol_version() {
        let registry = Arc::new(CancelRegistry::default());
        for (version, length) in [((3, 0), 4), ((3, 1), 4), ((3, 2), 32)] {
            let version = ProtocolVersion::new(version.0, version.1);
            let session = registry.register(version, None, None).unwrap();
            assert_eq!(session.key().as_bytes().len(), length);
        }
    }

    #[test]
    fn only_the_right_key_finds_the_session() {
        let registry = Arc::new(CancelRegistry::default());
        let session = registry
            .register(ProtocolVersion::V3_0, Some(7), Some(Arc::new(NoOp)))
            .unwrap();
        let key = session.key().as_bytes();
        let mut wrong = key.to_vec();
        wrong[3] ^= 1;
        let mut long = key.to_vec();
        long.push(0);
        for (request, text) in [
            (request(0, key), "invalid cancel request with PID 0"),
            (
                request(8, key),
                "PID 8 in cancel request did not match any process",
            ),
            (
                request(-7, key),
                "PID -7 in cancel request did not match any process",
            ),
            (
                request(7, &wrong),
                "wrong key in cancel request for process 7",
            ),
            (
                request(7, &long),
                "wrong key in cancel request for process 7",
            ),
            (
                request(7, &key[..3]),
                "wrong key in cancel request for process 7",
            ),
            (request(7, key), "processing cancel request for process 7"),
        ] {
            let outcome = registry.look_up(&request);
            assert_eq!(outcome.text(request.process_id), text);
        }
        assert!(matches!(
            registry.look_up(&request(7, key)),
            CancelOutcome::Interrupt(_)
        ));
    }

    #[test]
    fn a_session_that_is_gone_cannot_be_cancelled() {
        let registry = Arc::new(CancelRegistry::default());
        let session = registry
            .register(ProtocolVersion::V3_0, None, None)
            .unwrap();
        let request = request(session.process_id(), session.key().as_bytes());
        assert!(matches!(
            registry.look_up(&request),
            CancelOutcome::CannotInterrupt
        ));
        drop(session);
        assert!(matches!(
            registry.look_up(&request),
            CancelOutcome::UnknownProcess
        ));
    }

    #[test]
    fn a_process_id_is_the_engines_if_it_can_be() {
        let registry = Arc::new(CancelRegistry::default());
        let ids: Vec<_> = [Some(5), Some(5), None, Some(0), Some(-3), Some(2)]
            .into_iter()
            .map(|wanted| {
                registry
                    .register(ProtocolVersion::V3_0, wanted, None)
                    .unwrap()
            })
            .collect();
        let ids: Vec<i32> = ids.iter().map(Registration::process_id).collect();
        assert_eq!(ids, [5, 1, 2, 3, 4, 6]);
    }

    #[test]
    fn numbers_wrap_around_and_stay_positive() {
        let mut sessions = Sessions {
            next_process_id: i32::MAX - 1,
            ..Sessions::default()
        };
        let session = || Session {
            key: CancelKey::new(b"k").unwrap(),
            canceller: None,
        };
        assert_eq!(sessions.insert(None, session()), i32::MAX);
        assert_eq!(sessions.insert(None, session()), 1);
    }
}
