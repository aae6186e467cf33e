//! Being told by the system that something in a directory has changed: inotify, on Linux.

use std::io;

use super::places::Places;

#[cfg(target_os = "linux")]
pub(super) use linux::Notices;
#[cfg(not(target_os = "linux"))]
pub(super) use none::Notices;

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::ffi::OsStr;
    use std::mem::MaybeUninit;
    use std::os::fd::OwnedFd;
    use std::os::unix::ffi::OsStrExt as _;

    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
    use rustix::io::Errno;
    use tokio::io::unix::AsyncFd;

    use super::{Places, io};
    use crate::reload::watch::places::Place;

    /// The system's notices about some places, from its making on.
    #[derive(Debug)]
    pub(in crate::reload::watch) struct Notices {
        inotify: AsyncFd<OwnedFd>,
        /// By the number that the system gave it.
        places: HashMap<i32, Place>,
    }

    impl Notices {
        /// Begins to watch; inside a runtime.
        pub(in crate::reload::watch) fn new(places: Places) -> io::Result<Self> {
            let inotify = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            let mut watched: HashMap<i32, Place> = HashMap::new();
            for (directory, place) in places.0 {
                match inotify::add_watch(&inotify, directory, of_interest()) {
                    // Two paths can be the same directory.
                    Ok(number) => watched.entry(number).or_default().merge(place),
                    // Gone a moment after it was found: the next look tells.
                    Err(Errno::NOENT | Errno::NOTDIR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            #[expect(
                deprecated,
                reason = "its heir is unsafe for descriptors that may change, which an OwnedFd does not"
            )]
            let inotify = AsyncFd::new(inotify)?;
            Ok(Self {
                inotify,
                places: watched,
            })
        }

        /// Waits until something that matters may have changed.
        ///
        /// # Cancel safety
        ///
        /// No notice is lost when the future is dropped.
        pub(in crate::reload::watch) async fn next(&mut self) {
            while let Ok(mut ready) = self.inotify.readable().await {
                match self.read() {
                    Ok(true) => return,
                    Ok(false) => {}
                    Err(Errno::AGAIN) => ready.clear_ready(),
                    Err(_) => break,
                }
            }
            // No more will come; the regular look goes on.
            std::future::pending().await
        }

        /// Reads what the system has to say, and whether any of it matters.
        fn read(&self) -> Result<bool, Errno> {
            let mut buf = [MaybeUninit::uninit(); BUFFER_SIZE];
            let mut reader = Reader::new(self.inotify.get_ref(), &mut buf);
            loop {
                let event = reader.next()?;
                let lost = ReadFlags::QUEUE_OVERFLOW | ReadFlags::IGNORED | ReadFlags::MOVE_SELF;
                let name = event.file_name().map(|it| OsStr::from_bytes(it.to_bytes()));
                let concerned = |place: &Place| name.is_none_or(|name| place.concerns(name));
                if event.events().intersects(lost)
                    || self.places.get(&event.wd()).is_some_and(concerned)
                {
                    return Ok(true);
                }
                if reader.is_buffer_empty() {
                    return Ok(false);
                }
            }
        }
    }

    /// Everything but that something was read.
    fn of_interest() -> WatchFlags {
        WatchFlags::ATTRIB
            | WatchFlags::CLOSE_WRITE
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::DELETE_SELF
            | WatchFlags::MODIFY
            | WatchFlags::MOVE
            | WatchFlags::MOVE_SELF
    }

    /// Room for a few events; the longest has 272 bytes (`inotify(7)`).
    const BUFFER_SIZE: usize = 1024;
}

#[cfg(not(target_os = "linux"))]
mod none {
    use super::{Places, io};

    /// There are none: files are looked at regularly.
    #[derive(Debug)]
    pub(in crate::reload::watch) enum Notices {}

    impl Notices {
        pub(in crate::reload::watch) fn new(_: Places) -> io::Result<Self> {
            Err(io::ErrorKind::Unsupported.into())
        }

        pub(in crate::reload::watch) async fn next(&mut self) {
            match *self {}
        }
    }
}
