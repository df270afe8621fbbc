//! The build of a test without the feature `harness`, and what it leaves for the build that has it.

#[cfg(feature = "harness")]
pub use with::OtherBuild;

/// Set, the folder in which to leave what was found.
const INTO: &str = "FORKPROOF_FOUND_INTO";

/// Leaves what was found, if someone wants it.
#[cfg(not(feature = "harness"))]
pub fn leave(name: &str, found: &impl serde::Serialize) {
    if let Some(into) = std::env::var_os(INTO) {
        let bytes = postcard::to_allocvec(found).expect("what was found serialises");
        let file = std::path::Path::new(&into).join(name);
        std::fs::write(file, bytes).expect("a folder to leave it in");
    }
}

#[cfg(feature = "harness")]
mod with {
    use std::fs::{self, File};
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command};

    use serde::de::DeserializeOwned;

    use super::INTO;

    /// A run of it.
    pub struct OtherBuild {
        cargo: Child,
        log: PathBuf,
        into: PathBuf,
    }

    /// What a run has left.
    pub struct Left(PathBuf);

    impl OtherBuild {
        /// Starts all its tests.
        ///
        /// # Panics
        /// If there is no cargo, or no folder for what it leaves.
        pub fn start(test: &str) -> OtherBuild {
            let into = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
            let _absent = fs::remove_dir_all(&into);
            fs::create_dir_all(&into).expect("a folder for what it leaves");
            let log = into.with_extension("log");
            let said = File::create(&log).expect("a file for what cargo says");
            let cargo = OtherBuild::command(test)
                .env(INTO, &into)
                .stdout(said.try_clone().expect("a descriptor"))
                .stderr(said)
                .spawn()
                .expect("cargo starts");
            OtherBuild { cargo, log, into }
        }

        /// Waits for its end.
        ///
        /// # Panics
        /// If a test failed.
        pub fn left(mut self) -> Left {
            let ended = self.cargo.wait().expect("cargo ends");
            let said = fs::read_to_string(self.log).expect("what cargo said");
            assert!(ended.success(), "the build without the harness:\n{said}");
            Left(self.into)
        }

        /// In a target folder of its own: cargo holds a lock on each.
        pub fn command(test: &str) -> Command {
            let target = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("without_harness");
            let mut cargo = Command::new(env!("CARGO"));
            cargo
                .args(["test", "--release", "--no-default-features"])
                .args(["--test", test, "--target-dir"])
                .arg(target)
                .current_dir(env!("CARGO_MANIFEST_DIR"));
            cargo
        }
    }

    impl Left {
        /// # Panics
        /// If nothing was left under this name.
        pub fn under<T: DeserializeOwned>(&self, name: &str) -> T {
            let bytes = fs::read(self.0.join(name)).expect("a file for each name");
            postcard::from_bytes(&bytes).expect("what the other build wrote")
        }
    }
}
