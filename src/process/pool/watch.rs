//! For who has a loop of its own, and cannot wait inside a pool's calls: the files that tell that there is something
//! to do.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use super::dispatcher::Dispatcher;
use super::error::PoolError;
use crate::data::Waitable;
use crate::data::wait::{Armed, Trouble, Watch};

/// While this lives, one of its files becomes readable when there is something to do for the pool: a call with a
/// timeout of zero does it.
pub(crate) struct PoolWatch {
    dispatcher: Arc<Dispatcher>,
    files: Vec<Arc<OwnedFd>>,
    is_armed: bool,
    looked: u64,
}

impl PoolWatch {
    /// For who has looked when so much had [happened](super::Pool::happened).
    ///
    /// # Errors
    /// [`PoolError::Io`]: no descriptors left.
    pub(super) fn new(dispatcher: Arc<Dispatcher>, looked: u64) -> Result<PoolWatch, PoolError> {
        let files = dispatcher.state().staff.sentinels();
        let mut watch = PoolWatch {
            files,
            dispatcher,
            is_armed: false,
            looked,
        };
        let file = match watch.dispatcher.results.arm(None).map_err(io)? {
            Armed::Ready => None,
            Armed::Not(Watch::Shared(file)) => Some(file.try_clone_to_owned()),
            Armed::Not(Watch::Own(file)) => Some(Ok(file)),
        };
        if let Some(file) = file {
            watch.is_armed = true;
            watch
                .files
                .push(Arc::new(file.map_err(|error| io(error.into()))?));
        }
        Ok(watch)
    }

    /// There is something to do already, or someone else's call has done it since.
    pub fn is_ready(&self) -> bool {
        !self.is_armed || self.dispatcher.state().happened != self.looked
    }

    pub fn files(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.files.iter().map(|file| file.as_fd())
    }
}

fn io(why: Trouble) -> PoolError {
    PoolError::from(std::io::Error::other(why))
}

impl Drop for PoolWatch {
    fn drop(&mut self) {
        if self.is_armed {
            self.dispatcher.results.disarm();
        }
    }
}
