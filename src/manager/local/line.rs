//! A client's end of a connection.

use std::cell::Cell;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use super::Address;
use super::hello::Hello;
use super::piece::{CUT, Outgoing, Piece, RING, ROOM_BYTES};
use crate::data::{GetError, PutError, Queue};
use crate::manager::cargo::Message;
use crate::manager::error::ManagerError;
use crate::manager::home::Line;
use crate::sys::poll::{self, For};
use crate::sys::wire::Wire;
use crate::sys::{Os, step};
use crate::world::World;

/// A server that closes its files and says nothing ends within this time; if not, it had no room for this client.
const ENDING: Duration = Duration::from_secs(1);

/// How many requests without a reply may be on their way.
const TELLS_MAX: usize = 64;

pub struct LocalLine {
    requests: Queue<Piece>,
    replies: Queue<Piece>,
    bell: Wire,
    server: Arc<OwnedFd>,
    /// The server has said that it goes on without this client.
    is_cut: Cell<bool>,
    /// Requests without a reply since the last reply: as many may not have been taken yet.
    tells: usize,
}

impl Address {
    /// A connection of the calling thread's.
    ///
    /// # Errors
    /// The server has ended; no memory, or no descriptors left.
    pub fn connect(&self) -> Result<LocalLine, ManagerError> {
        let requests = Queue::with_capacity(None, ROOM_BYTES)?;
        let replies = Queue::with_capacity(None, ROOM_BYTES)?;
        let (bell, theirs) = Wire::pair()?;
        Hello::new(requests.clone(), replies.clone(), &theirs)?.send(&self.door)?;
        Ok(LocalLine {
            requests,
            replies,
            bell,
            server: self.server.clone(),
            is_cut: Cell::new(false),
            tells: 0,
        })
    }
}

impl LocalLine {
    fn put(&self, piece: Piece) -> Result<(), ManagerError> {
        self.push(piece)?;
        match self.requests.listener().must_be_told() {
            true => self.ring(),
            false => Ok(()),
        }
    }

    fn push(&self, piece: Piece) -> Result<(), ManagerError> {
        self.requests
            .try_put(piece)
            .map_err(|refused| match refused {
                // By the rules there is always room.
                PutError::Full(_) | PutError::Closed(_) => ManagerError::Disconnected,
                other => ManagerError::Io(io::Error::other(other)),
            })
    }

    fn ring(&self) -> Result<(), ManagerError> {
        match self.bell.try_send(&[RING], &[]) {
            Ok(_) => Ok(()), // if it was full it rings already
            Err(_) => Err(self.verdict()),
        }
    }

    /// The next piece from the server; waits for it.
    fn next_piece(&self) -> Result<Piece, ManagerError> {
        if !step::is_observed()
            && Os::look_for_partner(|| !self.replies.is_empty())
            && let Ok(piece) = self.replies.try_get()
        {
            return Ok(piece);
        }
        self.replies.listener().listen();
        let piece = self.await_piece();
        self.replies.listener().stop();
        piece
    }

    /// The same, with the server told to ring.
    fn await_piece(&self) -> Result<Piece, ManagerError> {
        loop {
            let hung_up = self.silence();
            match self.replies.try_get() {
                Ok(piece) => return Ok(piece),
                Err(GetError::Empty) if hung_up => return Err(self.verdict()),
                Err(GetError::Empty) => {}
                Err(GetError::Io(error)) => return Err(error.into()),
                Err(_) => return Err(ManagerError::Disconnected),
            }
            let files = [
                (self.bell.as_fd(), For::Input),
                (self.server.as_fd(), For::Input),
            ];
            let ready = poll::ready_in_step(&files, None)?;
            if ready[1] && self.replies.is_empty() {
                return Err(ManagerError::ServerGone);
            }
        }
    }

    /// Takes the bell's rings. Whether the server has hung up.
    fn silence(&self) -> bool {
        let mut ring = [0; 8];
        let mut ends = 0;
        // The first end may be that of an unread ring of ours, with rings of the server's still behind it.
        while ends < 2 {
            match self.bell.try_receive(&mut ring) {
                Ok(Some(_)) => self.is_cut.set(self.is_cut.get() || ring[0] == CUT),
                Ok(None) => ends += 1,
                Err(_) => return ends > 0,
            }
        }
        true
    }

    /// Why the server has hung up. It says so if it goes on without this client; otherwise it is ending, and has
    /// closed its files before its process has ended.
    fn verdict(&self) -> ManagerError {
        self.silence();
        if self.is_cut.get() {
            return ManagerError::Disconnected;
        }
        let ended = poll::ready(&[(self.server.as_fd(), For::Input)], Os::deadline(ENDING));
        match ended {
            Ok(ended) if !ended[0] => ManagerError::Disconnected,
            _ => ManagerError::ServerGone,
        }
    }
}

impl Line for LocalLine {
    fn ask(&mut self, request: Message) -> Result<Message, ManagerError> {
        let mut outgoing = Outgoing::of(request);
        let mut reply = Message::default();
        if let Some(piece) = outgoing.next_piece() {
            self.put(piece)?;
        }
        loop {
            match self.next_piece()? {
                Piece::Next => match outgoing.next_piece() {
                    Some(piece) => self.put(piece)?,
                    None => return Err(ManagerError::Disconnected),
                },
                Piece::Part(bytes) => {
                    reply.bytes.extend_from_slice(&bytes.0);
                    self.put(Piece::Next)?;
                }
                Piece::Last(bytes, files) => {
                    reply.bytes.extend_from_slice(&bytes.0);
                    reply.files = files.into_iter().map(|file| file.0).collect();
                    self.tells = 0;
                    return Ok(reply);
                }
            }
        }
    }

    fn tell(&mut self, request: Message) -> Result<bool, ManagerError> {
        if self.tells == TELLS_MAX {
            return Ok(false);
        }
        let mut outgoing = Outgoing::of(request);
        match outgoing.next_piece() {
            Some(piece @ Piece::Last(..)) => self.push(piece)?,
            _ => return Ok(false),
        }
        // Also for who is awake: with no reply to come, nothing else tells that the server has ended.
        self.ring()?;
        self.tells += 1;
        Ok(true)
    }
}

#[cfg(test)]
mod tests;
