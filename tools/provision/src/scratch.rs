// SPDX-License-Identifier: GPL-2.0

//! A directory of one run's own, in the cache.

use anyhow::{Context as _, Result};
use rustix::fs::{FlockOperation, flock};
use std::{
    fs::{self, File},
    path::Path,
    time::Duration,
};
use tempfile::TempDir;

const PREFIX: &str = "run-";

/// What a process makes is its own before it could lock it.
const GRACE: Duration = Duration::from_secs(60);

/// Goes with all its files when dropped. Locked meanwhile: what is left of killed runs is told by that.
pub struct Scratch {
    dir: TempDir,
    _lock: File,
}

impl Scratch {
    /// Makes one in `cache`, and removes those whose process was killed.
    ///
    /// # Errors
    ///
    /// When `cache` cannot be written.
    pub fn create(cache: &Path) -> Result<Self> {
        sweep(cache);
        let dir = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(cache)
            .with_context(|| format!("no directory can be made in {}", cache.display()))?;
        let lock = File::open(dir.path()).context("the run's own directory cannot be opened")?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .context("the run's own directory cannot be locked")?;
        Ok(Self { dir, _lock: lock })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Best effort: a leftover costs space only.
fn sweep(cache: &Path) {
    let entries = fs::read_dir(cache).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX)) {
        let old = entry
            .metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
            .and_then(|time| time.elapsed().ok());
        if old.is_none_or(|old| old < GRACE) {
            continue;
        }
        let path = entry.path();
        if File::open(&path).is_ok_and(|dir| flock(&dir, FlockOperation::NonBlockingLockExclusive).is_ok()) {
            let _ = fs::remove_dir_all(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn make_old(path: &Path) {
        File::open(path).unwrap().set_modified(SystemTime::now() - 2 * GRACE).unwrap();
    }

    #[test]
    fn only_abandoned_ones_are_swept() {
        let cache = tempfile::tempdir().unwrap();
        let in_use = Scratch::create(cache.path()).unwrap();
        make_old(in_use.path());
        let [killed, starting, other] = ["run-killed", "run-starting", "kernel-x"].map(|name| {
            let path = cache.path().join(name);
            fs::create_dir(&path).unwrap();
            path
        });
        make_old(&killed);
        make_old(&other);

        sweep(cache.path());
        assert!(!killed.exists());
        assert!(in_use.path().exists() && starting.exists() && other.exists());
    }

    #[test]
    fn goes_with_its_files() {
        let cache = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(cache.path()).unwrap();
        fs::write(scratch.path().join("disk"), "x").unwrap();
        drop(scratch);
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }
}
