//! What a new connection is made of.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::piece::{File, Piece};
use crate::data::Queue;
use crate::manager::error::ManagerError;
use crate::shm::passage;
use crate::sys::child::pidfd_of;
use crate::sys::futex::monotonic_ns;
use crate::sys::per_process::PerProcess;
use crate::sys::wire::Wire;

/// The most bytes of a hello.
pub const HELLO_BYTES: usize = 4 << 10;

#[derive(Serialize, Deserialize)]
pub struct Hello {
    pub requests: Queue<Piece>,
    pub replies: Queue<Piece>,
    pub bell: File,
    /// The client's process: its number, and when it said its first hello.
    pub process: (u32, u64),
    /// Its pidfd.
    pub life: File,
}

/// When this process said its first hello; its pidfd.
static SELF: PerProcess<(u64, Result<Arc<OwnedFd>, std::io::ErrorKind>)> = PerProcess::new(|| {
    let pidfd = pidfd_of(std::process::id());
    (
        monotonic_ns(),
        pidfd.map(Arc::new).map_err(|error| error.kind()),
    )
});

impl Hello {
    pub fn new(
        requests: Queue<Piece>,
        replies: Queue<Piece>,
        bell: &Wire,
    ) -> Result<Hello, ManagerError> {
        let (first_ns, life) = SELF.get();
        let life = life.clone().map_err(std::io::Error::from)?;
        Ok(Hello {
            requests,
            replies,
            bell: File(bell.socket().clone()),
            process: (std::process::id(), *first_ns),
            life: File(life),
        })
    }

    /// Through the door.
    pub fn send(&self, door: &Wire) -> Result<(), ManagerError> {
        let parcel = passage::pack(self).map_err(std::io::Error::other)?;
        let sent = door.send(&parcel.bytes, &parcel.fds());
        sent.map_err(|error| match error.kind() {
            std::io::ErrorKind::BrokenPipe | std::io::ErrorKind::ConnectionReset => {
                ManagerError::ServerGone
            }
            _ => ManagerError::Io(error),
        })?;
        parcel.delivered();
        Ok(())
    }
}
