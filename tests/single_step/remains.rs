//! What survives a process: the shared memory of the objects under test, and what the kernel would read if the
//! process died now (`Documentation/locking/robust-futexes.rst`): its robust list, link by link, and the node that it
//! has announced.
//!
//! Two runs are compared, so what differs between any two is told by its part in the case:
//! - a thread's id, in a word of its own or beside the flags of a robust word, by its role;
//! - an address of a node, or of the list's head, in a node's links: not at all. Only the node's owner follows it, and
//!   the kernel on its behalf, whose way is told link by link. (The processes of a case are forks of one, so a head
//!   lies at one address in all of them.)

use std::fmt;
use std::io::{self, IoSliceMut};

use forkproof::shm::Shared;
use forkproof::world::TID_MASK;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

/// What is left if the victim is killed now.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Remains {
    /// Of each object in turn.
    memory: Vec<Vec<u8>>,
    /// The nodes in the list, the newest first.
    listed: Vec<Place>,
    announced: Option<Place>,
}

impl Remains {
    /// Whether there is an object in shared memory: a pipe is none.
    pub fn is_of_something(&self) -> bool {
        !self.memory.is_empty()
    }
}

/// Where two differ, for a report.
pub struct Difference<'a>(pub &'a Remains, pub &'a Remains);

impl Difference<'_> {
    /// Object, offset, and the two bytes.
    fn bytes(&self) -> impl Iterator<Item = (usize, usize, u8, u8)> {
        let objects = self.0.memory.iter().zip(&self.1.memory).enumerate();
        objects.flat_map(|(object, (one, other))| {
            let bytes = one.iter().zip(other).enumerate();
            bytes
                .filter(|(_, (one, other))| one != other)
                .map(move |(offset, (one, other))| (object, offset, *one, *other))
        })
    }

    /// In bytes of memory.
    pub fn size(&self) -> usize {
        self.bytes().count()
    }
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (object, offset, one, other) in self.bytes() {
            write!(
                f,
                "object {object}, byte {offset}: {one:#04x}, not {other:#04x}; "
            )?;
        }
        let kernels = |of: &Remains| (of.listed.clone(), of.announced);
        write!(
            f,
            "the kernel: {:?}, not {:?}",
            kernels(self.0),
            kernels(self.1)
        )
    }
}

/// Where a node lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
enum Place {
    /// Object, and offset in bytes.
    Within(u8, u32),
    /// In none of the objects.
    Elsewhere,
}

/// How many bytes lie between a node's word and its link to the next.
const LINK_FROM_WORD: usize = 32;

/// More than any thread of a case holds.
const LONGEST_LIST: usize = 64;

/// A process that may be killed, as the kernel sees it.
pub struct Mortal {
    pid: Pid,
    head: usize,
}

impl Mortal {
    /// # Errors
    /// It may not be looked at, or has no list.
    pub fn of(pid: Pid) -> io::Result<Mortal> {
        let (mut head, mut bytes) = (0usize, 0usize);
        // SAFETY: two places for the two results, of the sizes that get_robust_list(2) writes.
        let failed = unsafe {
            nix::libc::syscall(
                nix::libc::SYS_get_robust_list,
                pid.as_raw(),
                &raw mut head,
                &raw mut bytes,
            )
        };
        match failed {
            0 => Ok(Mortal { pid, head }),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// What is left of these objects if it dies now. `roles` are the ids of all who take part.
    ///
    /// # Errors
    /// Its memory cannot be read; its list does not end.
    pub fn remains(&self, objects: &[Box<dyn Shared>], roles: &[Pid]) -> io::Result<Remains> {
        let [first, _, announced] = self.read::<3>(self.head)?;
        let mut listed = Vec::new();
        let mut link = first;
        while link & !1 != self.head {
            if listed.len() == LONGEST_LIST {
                return Err(io::Error::other("a robust list without an end"));
            }
            listed.push(place(objects, link));
            [link] = self.read(link & !1)?;
        }
        Ok(Remains {
            memory: objects
                .iter()
                .map(|object| self.memory(&**object, objects, roles))
                .collect(),
            listed,
            announced: (announced != 0).then(|| place(objects, announced)),
        })
    }

    fn read<const WORDS: usize>(&self, address: usize) -> io::Result<[usize; WORDS]> {
        let mut words = [[0; size_of::<usize>()]; WORDS];
        let bytes = words.as_flattened_mut();
        let from = RemoteIoVec {
            base: address,
            len: bytes.len(),
        };
        process_vm_readv(self.pid, &mut [IoSliceMut::new(bytes)], &[from])?;
        Ok(words.map(usize::from_ne_bytes))
    }

    fn memory(&self, object: &dyn Shared, objects: &[Box<dyn Shared>], roles: &[Pid]) -> Vec<u8> {
        let mut bytes = vec![0; object.block().len()];
        object.block().read(0, &mut bytes);
        for double in bytes.chunks_exact_mut(8) {
            let link = usize::from_le_bytes(double.try_into().expect("8 bytes"));
            if link == self.head || offset(objects, link).is_some() {
                double.fill(0);
                continue;
            }
            for word in double.chunks_exact_mut(4) {
                let seen = u32::from_le_bytes(word.try_into().expect("4 bytes"));
                let is_its = |pid: &Pid| seen & TID_MASK == pid.as_raw() as u32;
                if let Some(role) = roles.iter().position(is_its) {
                    let told = seen & !TID_MASK | (role as u32 + 1);
                    word.copy_from_slice(&told.to_le_bytes());
                }
            }
        }
        bytes
    }
}

fn place(objects: &[Box<dyn Shared>], link: usize) -> Place {
    let within = offset(objects, (link & !1) - LINK_FROM_WORD);
    within.map_or(Place::Elsewhere, |(object, offset)| {
        Place::Within(object as u8, offset as u32)
    })
}

/// In which object an address lies, and how far from its start.
fn offset(objects: &[Box<dyn Shared>], address: usize) -> Option<(usize, usize)> {
    objects.iter().enumerate().find_map(|(number, object)| {
        let block = object.block();
        let offset = address.checked_sub(block.address())?;
        (offset < block.len()).then_some((number, offset))
    })
}
