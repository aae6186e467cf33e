//! The last steps of a session: let the engine finish, find a boundary, say why, flush.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pg_tls::FAREWELL_LIMIT;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep};

use super::{Relay, RelayEnd};
use crate::error::SessionError;

/// How long an engine may take to answer what was sent before the client left. What it says later
/// nobody hears.
const ENGINE_LIMIT: Duration = Duration::from_secs(5);

/// A session on its way out.
#[derive(Debug)]
pub(super) struct Ending {
    end: RelayEnd,
    stage: Stage,
    limit: Pin<Box<Sleep>>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The engine has been told that nothing more comes, and answers what came.
    EngineFinishes,
    /// The client is in the middle of a message.
    NextBoundary,
    /// The client is told why.
    Farewell,
    /// The client gets the rest.
    Flush,
}

impl Stage {
    const fn limit(self) -> Duration {
        match self {
            Self::EngineFinishes => ENGINE_LIMIT,
            Self::NextBoundary | Self::Farewell | Self::Flush => FAREWELL_LIMIT,
        }
    }
}

impl Ending {
    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.limit.as_mut().reset(Instant::now() + stage.limit());
    }
}

impl<C, E> Relay<'_, C, E>
where
    C: AsyncRead + AsyncWrite + Unpin,
    E: AsyncRead + AsyncWrite + Unpin,
{
    pub(super) fn begin_ending(&mut self, end: RelayEnd) {
        let stage = match &end {
            RelayEnd::Terminated
            | RelayEnd::ClientClosed { .. }
            | RelayEnd::Failed(SessionError::Violation(_)) => {
                if self.progress.is_quiet() && self.is_client_at_boundary {
                    Stage::Farewell
                } else {
                    Stage::EngineFinishes
                }
            }
            RelayEnd::Failed(SessionError::AdminShutdown) => {
                self.stops_at_boundary = true;
                if self.is_client_at_boundary {
                    Stage::Farewell
                } else {
                    Stage::NextBoundary
                }
            }
            RelayEnd::EngineClosed | RelayEnd::Failed(_) => Stage::Farewell,
        };
        self.ending = Some(Box::new(Ending {
            end,
            stage,
            limit: Box::pin(sleep(stage.limit())),
        }));
    }

    pub(super) fn poll_ending(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
    ) -> Poll<RelayEnd> {
        let Some(mut ending) = self.ending.take() else {
            return Poll::Pending;
        };
        match self.poll_stages(cx, scratch, &mut ending) {
            Poll::Ready(()) => Poll::Ready(ending.end),
            Poll::Pending => {
                self.ending = Some(ending);
                Poll::Pending
            }
        }
    }

    fn poll_stages(
        &mut self,
        cx: &mut Context<'_>,
        scratch: &mut [u8],
        ending: &mut Ending,
    ) -> Poll<()> {
        loop {
            let is_late = ending.limit.as_mut().poll(cx).is_ready();
            match ending.stage {
                Stage::EngineFinishes => {
                    if !is_late {
                        ready!(self.poll_engine_finishes(cx, scratch));
                    }
                    ending.enter(Stage::Farewell);
                }
                Stage::NextBoundary => {
                    if !is_late {
                        ready!(self.poll_down(cx, scratch));
                    }
                    ending.enter(Stage::Farewell);
                }
                Stage::Farewell => {
                    self.say_farewell(&ending.end);
                    ending.enter(Stage::Flush);
                }
                Stage::Flush => {
                    if !is_late {
                        // Nobody is left to be told about an error.
                        let _told = ready!(self.to_client.poll_drain(cx, self.client));
                    }
                    return Poll::Ready(());
                }
            }
        }
    }

    /// Sends the rest and an end of file to the engine, and relays its answers until it closes too.
    fn poll_engine_finishes(&mut self, cx: &mut Context<'_>, scratch: &mut [u8]) -> Poll<()> {
        if !self.is_engine_deaf
            && let Poll::Ready(sent) = self.to_engine.poll_drain(cx, &mut self.engine)
        {
            self.is_engine_deaf =
                sent.is_err() || Pin::new(&mut self.engine).poll_shutdown(cx).is_ready();
        }
        self.poll_down(cx, scratch).map(drop)
    }

    fn say_farewell(&mut self, end: &RelayEnd) {
        if let RelayEnd::Failed(error) = end
            && self.is_client_at_boundary
            && let Some(response) = error.response()
        {
            self.to_client.push(&response.to_bytes());
        }
    }
}
