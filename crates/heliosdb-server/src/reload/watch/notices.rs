//! Being told by the system that something in a directory has changed.

use std::path::Path;
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{Error, ErrorKind, Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use super::places::Places;

/// The system's notices about some places, from its making on.
#[derive(Debug)]
pub(super) struct Notices {
    /// Tells until it is dropped.
    _watcher: RecommendedWatcher,
    told: Arc<Notify>,
}

impl Notices {
    /// Begins to watch.
    pub(super) fn new(places: Places) -> Result<Self, Error> {
        let places = Arc::new(places);
        let told = Arc::new(Notify::new());
        let (concerned, tell) = (Arc::clone(&places), Arc::clone(&told));
        let mut watcher = notify::recommended_watcher(move |notice: Result<Event, Error>| {
            // What cannot be told is a reason to look.
            if notice.map_or(true, |event| matters(&event, &concerned)) {
                tell.notify_one();
            }
        })?;
        for directory in places.directories() {
            match watcher.watch(directory, RecursiveMode::NonRecursive) {
                Ok(()) => {}
                Err(error) if is_gone(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self {
            _watcher: watcher,
            told,
        })
    }

    /// Waits until something that matters may have changed.
    ///
    /// # Cancel safety
    ///
    /// No notice is lost when the future is dropped.
    pub(super) async fn next(&mut self) {
        self.told.notified().await;
    }
}

fn matters(event: &Event, places: &Places) -> bool {
    let is_change = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    let concerned = |path: &Path| places.concern(path);
    event.need_rescan() || is_change && event.paths.iter().any(|path| concerned(path))
}

/// Gone a moment after it was found: the next look tells.
fn is_gone(error: &Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}
