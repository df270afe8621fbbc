//! Messages in a stream of bytes: a length (32 bits, little-endian), and as many bytes. Pure: bytes in, messages out.
//!
//! # Invariants
//! - Memory is taken as bytes arrive, and not as they are announced: a lying length costs its sender the bytes.
//! - An [`Inbox`] holds one message at most. It asks for no byte beyond it ([`wanted`](Inbox::wanted)), so that what
//!   follows stays in the socket, for whoever reads there next.
//! - A length above the bound is told as soon as the length is there.
//! - A lack of memory is an error of [`Inbox::reserve`] and [`Outbox::reserve`], before anything has changed.

use std::collections::{TryReserveError, VecDeque};

const HEADER: usize = 4;

/// The message that arrives.
pub struct Inbox {
    most: usize,
    header: [u8; HEADER],
    /// How much of the header is there.
    headed: usize,
    body: Vec<u8>,
}

/// A message of this length was announced, and the bound is lower.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong {
    pub announced: usize,
}

impl Inbox {
    /// For messages of at most so many bytes.
    pub fn new(most: usize) -> Inbox {
        Inbox {
            most,
            header: [0; HEADER],
            headed: 0,
            body: Vec::new(),
        }
    }

    /// How many bytes it takes next: 0 if the message is whole.
    pub fn wanted(&self) -> usize {
        match self.announced() {
            None => HEADER - self.headed,
            Some(announced) => announced - self.body.len(),
        }
    }

    /// Whether nothing of a message is there.
    pub fn is_empty(&self) -> bool {
        self.headed == 0
    }

    /// Whether a message is there, whole.
    pub fn is_whole(&self) -> bool {
        self.wanted() == 0
    }

    /// Takes memory for so many bytes of the message, before they are received: without it,
    /// [`receive`](Inbox::receive) takes it, and the process ends if there is none.
    ///
    /// # Errors
    /// No memory. Nothing has changed.
    pub fn reserve(&mut self, bytes: usize) -> Result<(), TryReserveError> {
        match self.announced() {
            None => Ok(()), // the header has its place
            Some(_) => self.body.try_reserve(bytes),
        }
    }

    /// What has arrived.
    ///
    /// # Errors
    /// [`TooLong`], from then on: nothing more can be understood.
    ///
    /// # Panics
    /// If there are more bytes than [wanted](Inbox::wanted).
    pub fn receive(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        assert!(
            bytes.len() <= self.wanted(),
            "an inbox takes no more bytes than it wants"
        );
        if self.announced().is_some() {
            self.check()?;
            self.body.extend_from_slice(bytes);
            return Ok(());
        }
        self.header[self.headed..][..bytes.len()].copy_from_slice(bytes);
        self.headed += bytes.len();
        self.check()
    }

    /// The message, if it is whole. The next one can then arrive.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        if !self.is_whole() {
            return None;
        }
        self.headed = 0;
        Some(std::mem::take(&mut self.body))
    }

    fn check(&self) -> Result<(), TooLong> {
        match self.announced() {
            Some(announced) if announced > self.most => Err(TooLong { announced }),
            _ => Ok(()),
        }
    }

    fn announced(&self) -> Option<usize> {
        (self.headed == HEADER).then(|| u32::from_le_bytes(self.header) as usize)
    }
}

/// What is to be sent.
#[derive(Default)]
pub struct Outbox {
    bytes: VecDeque<u8>,
}

impl Outbox {
    /// How many bytes wait.
    pub fn waiting(&self) -> usize {
        self.bytes.len()
    }

    /// Takes memory for a message of so many bytes, before it is pushed: without it, [`push`](Outbox::push) takes it, and
    /// the process ends if there is none.
    ///
    /// # Errors
    /// No memory. Nothing has changed.
    pub fn reserve(&mut self, length: usize) -> Result<(), TryReserveError> {
        self.bytes.try_reserve(HEADER.saturating_add(length))
    }

    /// Bytes as they are.
    pub fn push_raw(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
    }

    /// A message, in parts.
    ///
    /// # Panics
    /// If it has more bytes than 32 bits can count.
    pub fn push(&mut self, parts: &[&[u8]]) {
        self.bytes.extend(header(parts));
        parts.iter().for_each(|part| self.bytes.extend(*part));
    }

    /// What is to be sent next: empty if nothing is.
    pub fn front(&self) -> &[u8] {
        self.bytes.as_slices().0
    }

    /// So many bytes of it were sent.
    pub fn sent(&mut self, count: usize) {
        self.bytes.drain(..count);
        if self.bytes.is_empty() {
            self.bytes = VecDeque::new(); // a large message's memory
        }
    }
}

/// What stands before a message.
///
/// # Panics
/// If it has more bytes than 32 bits can count.
pub fn header(parts: &[&[u8]]) -> [u8; HEADER] {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let length = u32::try_from(length).expect("a message of less than 4 GiB");
    length.to_le_bytes()
}
