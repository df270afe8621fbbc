//! The server's end of a line.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::Arc;

use crate::manager::cargo::{self, Message};
use crate::manager::error::Kind;
use crate::manager::server::{Ended, Link, Reply};
use crate::net::{self, NetError};
use crate::sys::poll::For;

pub struct RemoteLink {
    link: net::Link,
    /// Goes with its requests: the connection itself, whose end is the end of an object's journey.
    leash: Option<Arc<OwnedFd>>,
}

impl RemoteLink {
    pub fn new(link: net::Link, leash: Option<OwnedFd>) -> RemoteLink {
        RemoteLink {
            link,
            leash: leash.map(Arc::new),
        }
    }

    fn refuse(&mut self, text: String) -> Result<(), Ended> {
        let refusal = Reply::Raised(Kind::RemoteError.says(text));
        let refusal = cargo::pack(&refusal, 0)?;
        self.link.queue(&refusal.bytes).map_err(ended)
    }
}

impl Link for RemoteLink {
    fn files(&self) -> Vec<(BorrowedFd<'_>, For)> {
        self.link.watches().collect()
    }

    fn pump(&mut self) -> (Vec<Message>, Option<Ended>) {
        let pumped = self.link.pump();
        let message = self.link.next_message().map(|bytes| Message {
            bytes,
            files: self.leash.iter().cloned().collect(),
        });
        (message.into_iter().collect(), pumped.err().map(ended))
    }

    fn reply(&mut self, reply: Message) -> Result<(), Ended> {
        if !reply.files.is_empty() {
            return self.refuse("a proxy of another manager cannot be sent over a network".into());
        }
        match self.link.queue(&reply.bytes) {
            Err(error @ NetError::MessageTooLong { .. }) => self.refuse(error.to_string()),
            queued => queued.map_err(ended),
        }?;
        self.link.flush().map_err(ended)
    }

    fn may_end(&self) -> bool {
        false // it is its owner's, who is not far
    }

    fn unread(&self) -> bool {
        self.link.unsent_bytes() > 0
    }
}

fn ended(error: NetError) -> Ended {
    match error {
        NetError::Io(error) => Ended::Io(error),
        NetError::TooLong { .. } => Ended::Misbehaves("it sends more than it was told to"),
        NetError::Congested { .. } => Ended::Misbehaves("it takes no replies"),
        _ => Ended::Gone,
    }
}
