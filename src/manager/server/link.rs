//! A client's connection, as the server's loop sees it.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use crate::manager::cargo::Message;
use crate::sys::poll::For;
use crate::world::Deadline;

/// One connection. Nothing of it waits.
pub trait Link {
    /// The files that tell that there is something to [`pump`](Link::pump).
    fn files(&self) -> Vec<(BorrowedFd<'_>, For)>;

    /// When to pump even if the files say nothing.
    fn until(&self) -> Option<Deadline> {
        None
    }

    /// Whether there is something to pump of which the files may not tell yet: looked at again and again.
    fn has_come(&self) -> bool {
        false
    }

    /// From now on the files tell of all that comes: what came before [`has_come`](Link::has_come) tells.
    fn listen(&self) {}

    /// What comes is looked for: the files need not tell.
    fn stop_listening(&self) {}

    /// Moves what can be moved now, in both directions. Returns the whole requests that have arrived, with what the
    /// client had sent before it ended, if it has.
    fn pump(&mut self) -> (Vec<Message>, Option<Ended>);

    /// Begins to send a reply; [`pump`](Link::pump) goes on with it.
    ///
    /// # Errors
    /// The client has ended, or does not keep to the rules.
    fn reply(&mut self, reply: Message) -> Result<(), Ended>;

    /// Whether its client may end the server.
    fn may_end(&self) -> bool {
        true
    }

    /// The server goes on without this client: it is told, if it is there.
    fn cut(&mut self) {}

    /// Whether the last reply has not been taken by the client, as far as can be told.
    fn unread(&self) -> bool {
        false
    }
}

/// Why nothing more comes. All but [`TooLarge`](Ended::TooLarge) are the end of the connection.
#[derive(Debug, thiserror::Error)]
pub enum Ended {
    #[error("the client is gone")]
    Gone,
    /// This one request is refused, and all of it that came is thrown away.
    #[error("a request of more than {most_bytes} bytes")]
    TooLarge { most_bytes: usize },
    #[error("the client does not keep to the rules: {0}")]
    Misbehaves(&'static str),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Where new connections come in. Nothing of it waits.
pub trait Entrance {
    fn files(&self) -> Vec<(BorrowedFd<'_>, For)>;

    fn until(&self) -> Option<Deadline> {
        None
    }

    /// Those that have come in.
    fn admit(&mut self) -> Vec<Newcomer>;
}

/// A new connection.
pub struct Newcomer {
    pub link: Box<dyn Link>,
    /// Whose references its requests count for: those of one process have the same. `None`: its own.
    pub session: Option<SessionKey>,
}

/// Names a client's process for as long as that lives.
pub struct SessionKey {
    /// Its number, and a time that is not that of another one with the number.
    pub name: (u32, u64),
    /// Readable when the process has ended.
    pub life: OwnedFd,
}
