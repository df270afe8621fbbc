//! The path of a unix socket: where a listener's name stands in the file system.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::sys::per_process::Mark;
use crate::sys::random;

/// A socket's path, removed when this is dropped: by the process that has this (a forked child's copy does nothing),
/// and only if it is still the same.
pub(crate) struct SocketPath {
    path: PathBuf,
    /// Device and number of the file.
    identity: (u64, u64),
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
        Ok(SocketPath {
            path: path.to_owned(),
            identity: identity(path)?,
            maker: Mark::here(),
            _private: private,
        })
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        let is_ours = || identity(&self.path).is_ok_and(|now| now == self.identity);
        if self.maker == Mark::here() && is_ours() {
            // Someone else may have removed it in the meantime: it is gone all the same.
            let _ = fs::remove_file(&self.path);
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
