//! The path of a unix socket: where a listener's name stands in the file system.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::sys::litter::Litter;
use crate::sys::per_process::Mark;
use crate::sys::random;

/// A socket's path, removed when this is dropped: by the process that has this (a forked child's copy does nothing),
/// and only if it is still the same.
pub(crate) struct SocketPath {
    litter: Litter,
    maker: Mark,
    /// Dropped after the path is gone.
    _private: Option<PrivateFolder>,
}

/// A new folder that only this user may look into.
pub(crate) struct PrivateFolder {
    path: PathBuf,
    maker: Mark,
}

impl PrivateFolder {
    pub fn new() -> io::Result<PrivateFolder> {
        let mut number = [0; 8];
        random::fill(&mut number)?;
        let number = u64::from_le_bytes(number);
        let path = std::env::temp_dir().join(format!("forkproof-{number:016x}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        let maker = Mark::here();
        Ok(PrivateFolder { path, maker })
    }

    pub fn socket(&self) -> PathBuf {
        self.path.join("socket")
    }
}

impl SocketPath {
    /// After a socket was bound to the path.
    pub fn new(path: &Path, private: Option<PrivateFolder>) -> io::Result<SocketPath> {
        let folder = private.as_ref().map(|folder| folder.path.as_path());
        Ok(SocketPath {
            litter: Litter::new(path, folder)?,
            maker: Mark::here(),
            _private: private,
        })
    }

    /// For who is to remove it if this process cannot.
    pub fn litter(&self) -> &Litter {
        &self.litter
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        if self.maker == Mark::here() {
            self.litter.clear();
        }
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        if self.maker == Mark::here() {
            // One that is not empty is in use by someone else; one that is gone is gone.
            let _ = fs::remove_dir(&self.path);
        }
    }
}
