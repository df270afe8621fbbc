//! Where local clients come in.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::hello::{HELLO_BYTES, Hello};
use super::link::LocalLink;
use super::piece::File;
use crate::manager::server::{Entrance, Newcomer, SessionKey};
use crate::shm::passage;
use crate::sys::poll::For;
use crate::sys::wire::Wire;

/// The server's end of the door, as an argument of its process.
#[derive(Serialize, Deserialize)]
pub struct Door {
    socket: File,
    bound_bytes: usize,
}

/// The same, at work.
struct Open {
    wire: Wire,
    bound_bytes: usize,
}

impl Door {
    /// The server's end, and the clients'.
    ///
    /// # Errors
    /// No descriptors left.
    pub fn new(bound_bytes: usize) -> io::Result<(Door, Wire)> {
        let (ours, theirs) = Wire::pair()?;
        let door = Door {
            socket: File(ours.socket().clone()),
            bound_bytes,
        };
        Ok((door, theirs))
    }

    pub fn open(self) -> impl Entrance {
        Open {
            wire: Wire::from(self.socket.0),
            bound_bytes: self.bound_bytes,
        }
    }
}

impl Open {
    /// Whatever it was: anything but a hello is thrown away, with its files, and whoever sent it sees that its end of
    /// the bell is closed.
    fn next(&self) -> Option<Option<Newcomer>> {
        let mut buffer = [0; HELLO_BYTES];
        let received = self.wire.try_receive(&mut buffer).ok()??;
        if received.fds_lost {
            return Some(None);
        }
        let hello = passage::unpack::<Hello>(&buffer[..received.bytes], received.fds);
        Some(hello.ok().and_then(|hello| self.newcomer(hello)))
    }

    fn newcomer(&self, hello: Hello) -> Option<Newcomer> {
        let bell = Wire::from(hello.bell.0);
        let link = LocalLink::new(hello.requests, hello.replies, bell, self.bound_bytes);
        let life = Arc::into_inner(hello.life.0)?;
        Some(Newcomer {
            link: Box::new(link),
            session: Some(SessionKey {
                name: hello.process,
                life,
            }),
        })
    }
}

impl Entrance for Open {
    fn files(&self) -> Vec<(BorrowedFd<'_>, For)> {
        vec![(self.wire.as_fd(), For::Input)]
    }

    fn admit(&mut self) -> Vec<Newcomer> {
        std::iter::from_fn(|| self.next()).flatten().collect()
    }
}
