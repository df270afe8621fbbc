//! The path of a unix socket: where a listener's name stands in the file system.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::sys::per_process::Mark;
use crate::sys::random;

/// A socket's path, removed when this is dropped: by the process that made it, and only if it is still the same.
pub(super) struct Bound {
    path: PathBuf,
    /// Device and number of the file.
    identity: (u64, u64),
    private: Option<PrivateFolder>,
    maker: Mark,
}

/// A new folder that only this user may look into.
pub(super) struct PrivateFolder {
    path: PathBuf,
}

impl PrivateFolder {
    pub fn new() -> io::Result<PrivateFolder> {
        let mut number = [0; 8];
        random::fill(&mut number)?;
        let number = u64::from_le_bytes(number);
        let path = std::env::temp_dir().join(format!("forkproof-{number:016x}"));
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(PrivateFolder { path })
    }

    pub fn socket(&self) -> PathBuf {
        self.path.join("socket")
    }
}

impl Bound {
    /// After a socket was bound to the path.
    pub fn new(path: &Path, private: Option<PrivateFolder>) -> io::Result<Bound> {
        Ok(Bound {
            path: path.to_owned(),
            identity: identity(path)?,
            private,
            maker: Mark::here(),
        })
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let file = fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

impl Drop for Bound {
    fn drop(&mut self) {
        if self.maker != Mark::here() {
            return; // a forked child's copy: its parent still listens
        }
        if identity(&self.path).is_ok_and(|now| now == self.identity) {
            // Someone else may have removed it in the meantime: it is gone all the same.
            let _ = fs::remove_file(&self.path);
        }
        if let Some(folder) = &self.private {
            let _ = fs::remove_dir(&folder.path);
        }
    }
}
