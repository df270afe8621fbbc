//! A file that is to go with a process: if that is killed, and cannot remove it, its parent's zygote does; and so it
//! does if the parent is killed.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A file, as it is now; and a folder that was made for it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Litter {
    path: Vec<u8>,
    folder: Option<Vec<u8>>,
    identity: Identity,
}

/// Device, number, and when it was last changed: numbers are used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity(u64, u64, i64, i64);

impl Litter {
    /// # Errors
    /// There is no such file.
    pub fn new(path: &Path, folder: Option<&Path>) -> io::Result<Litter> {
        let whole = |path: &Path| -> io::Result<Vec<u8>> {
            let path = std::path::absolute(path)?;
            Ok(path.as_os_str().as_bytes().to_vec())
        };
        Ok(Litter {
            path: whole(path)?,
            folder: folder.map(whole).transpose()?,
            identity: identity(path)?,
        })
    }

    /// Removes the file, if it is still the same, and the folder, if nothing else is in it.
    pub fn clear(&self) {
        let path = Path::new(OsStr::from_bytes(&self.path));
        // Someone else may have removed them in the meantime: they are gone all the same.
        if identity(path).is_ok_and(|now| now == self.identity) {
            let _ = fs::remove_file(path);
        }
        if let Some(folder) = &self.folder {
            let _ = fs::remove_dir(Path::new(OsStr::from_bytes(folder)));
        }
    }
}

fn identity(path: &Path) -> io::Result<Identity> {
    let file = fs::symlink_metadata(path)?;
    Ok(Identity(
        file.dev(),
        file.ino(),
        file.ctime(),
        file.ctime_nsec(),
    ))
}
