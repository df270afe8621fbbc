//! The server's end of a connection.

use std::os::fd::{AsFd, BorrowedFd};

use super::piece::{CUT, Outgoing, Piece, RING};
use crate::data::{GetError, PutError, Queue};
use crate::manager::cargo::Message;
use crate::manager::server::{Ended, Link};
use crate::sys::poll::For;
use crate::sys::wire::Wire;
use crate::world::Deadline;

/// The most pieces that are taken in one go, so that no client keeps the server to itself.
const PIECES_MAX: usize = 128;

pub struct LocalLink {
    requests: Queue<Piece>,
    replies: Queue<Piece>,
    bell: Wire,
    incoming: Message,
    outgoing: Outgoing,
    /// The most bytes of a request.
    bound_bytes: usize,
    /// There may be more pieces, of which no bell will tell.
    has_more: bool,
}

impl LocalLink {
    pub fn new(
        requests: Queue<Piece>,
        replies: Queue<Piece>,
        bell: Wire,
        bound_bytes: usize,
    ) -> LocalLink {
        LocalLink {
            requests,
            replies,
            bell,
            incoming: Message::default(),
            outgoing: Outgoing::default(),
            bound_bytes,
            has_more: false,
        }
    }

    /// Takes the bell's rings. Whether the client has hung up.
    fn silence(&self) -> bool {
        loop {
            match self.bell.try_receive(&mut [0; 8]) {
                Ok(Some(_)) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    fn take(&mut self, messages: &mut Vec<Message>) -> Result<(), Ended> {
        self.has_more = false;
        for _ in 0..PIECES_MAX {
            match self.requests.try_get() {
                Ok(Piece::Part(bytes)) => {
                    self.add(&bytes.0)?;
                    self.put(Piece::Next)?;
                }
                Ok(Piece::Last(bytes, files)) => {
                    self.add(&bytes.0)?;
                    let mut message = std::mem::take(&mut self.incoming);
                    message.files = files.into_iter().map(|file| file.0).collect();
                    messages.push(message);
                }
                Ok(Piece::Next) => match self.outgoing.next_piece() {
                    Some(piece) => self.put(piece)?,
                    None => return Err(Ended::Misbehaves("it asks for more than there is")),
                },
                Err(GetError::Empty) => return Ok(()),
                Err(GetError::Io(error)) => return Err(error.into()),
                Err(_) => return Err(Ended::Misbehaves("a record that is no piece of a message")),
            }
        }
        self.has_more = true;
        Ok(())
    }

    fn add(&mut self, bytes: &[u8]) -> Result<(), Ended> {
        if self.incoming.bytes.len() + bytes.len() > self.bound_bytes {
            self.incoming = Message::default();
            let most_bytes = self.bound_bytes;
            return Err(Ended::TooLarge { most_bytes });
        }
        self.incoming.bytes.extend_from_slice(bytes);
        Ok(())
    }

    fn put(&self, piece: Piece) -> Result<(), Ended> {
        self.replies
            .try_put(piece)
            .map_err(|refused| match refused {
                PutError::Full(_) => Ended::Misbehaves("it takes no replies"),
                PutError::Io(error, _) => Ended::Io(error),
                _ => Ended::Misbehaves("its queue takes no replies"),
            })?;
        if self.replies.listener().must_be_told() {
            // A full bell rings; one without a client tells so when it is next listened to.
            let _ = self.bell.try_send(&[RING], &[]);
        }
        Ok(())
    }
}

impl Link for LocalLink {
    fn files(&self) -> Vec<(BorrowedFd<'_>, For)> {
        vec![(self.bell.as_fd(), For::Input)]
    }

    fn until(&self) -> Option<Deadline> {
        (self.has_more || self.has_come()).then_some(Deadline { monotonic_ns: 0 })
    }

    fn has_come(&self) -> bool {
        !self.requests.is_empty()
    }

    fn listen(&self) {
        self.requests.listener().listen();
    }

    fn stop_listening(&self) {
        self.requests.listener().stop();
    }

    fn pump(&mut self) -> (Vec<Message>, Option<Ended>) {
        let mut messages = Vec::new();
        // With requests there it need not be listened to: what it has to tell, it tells again.
        let hung_up = !self.has_come() && self.silence();
        let taken = self.take(&mut messages);
        let ended = match taken {
            Err(ended) => Some(ended),
            Ok(()) if hung_up && !self.has_more => Some(Ended::Gone),
            Ok(()) => None,
        };
        (messages, ended)
    }

    fn reply(&mut self, reply: Message) -> Result<(), Ended> {
        self.outgoing = Outgoing::of(reply);
        match self.outgoing.next_piece() {
            Some(piece) => self.put(piece),
            None => Ok(()),
        }
    }

    fn cut(&mut self) {
        // A full bell: then it is not told why.
        let _ = self.bell.try_send(&[CUT], &[]);
    }

    fn unread(&self) -> bool {
        !self.outgoing.is_out() || !self.replies.is_empty()
    }
}
