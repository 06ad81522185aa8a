// SPDX-License-Identifier: GPL-2.0

//! Finished things, each in a directory named after a hash of everything it was made from.

use crate::interrupt;
use anyhow::{Context as _, Result, bail};
use rustix::{
    fs::{FlockOperation, flock, statvfs},
    io::Errno,
};
use sha2::{Digest, Sha256};
use std::{
    env, fs,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// How often a lock is tried that another process holds.
const POLL: Duration = Duration::from_millis(200);

/// Hash of everything an entry is made from. Labels and lengths keep `ab`+`c` apart from `a`+`bc`.
#[derive(Clone, Default)]
pub struct Key(Sha256);

impl Key {
    /// Starts the key of an entry whose recipe has version `recipe`: to be raised when the code
    /// that makes such entries changes what it makes.
    pub fn new(recipe: u32) -> Self {
        Self::default().with("recipe", recipe.to_string())
    }

    /// Adds one input.
    pub fn with(mut self, label: &str, value: impl AsRef<[u8]>) -> Self {
        for part in [label.as_bytes(), value.as_ref()] {
            self.0.update((part.len() as u64).to_le_bytes());
            self.0.update(part);
        }
        self
    }

    /// The first 12 hexadecimal digits: enough for the handful of entries a user has.
    pub(crate) fn id(&self) -> String {
        let digest = self.0.clone().finalize();
        digest.iter().take(6).fold(String::new(), |id, byte| format!("{id}{byte:02x}"))
    }
}

/// Finished things, under `${XDG_CACHE_HOME:-~/.cache}/rvirtio`.
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Opens the user's cache; makes its directory when there is none.
    ///
    /// # Errors
    ///
    /// When neither `XDG_CACHE_HOME` nor `HOME` is set, or the directory cannot be made.
    pub fn open() -> Result<Self> {
        let base = match (env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) {
            (Some(dir), _) if !dir.is_empty() => PathBuf::from(dir),
            (_, Some(home)) if !home.is_empty() => Path::new(&home).join(".cache"),
            _ => bail!("neither XDG_CACHE_HOME nor HOME is set: set one to say where the cache goes"),
        };
        Self::at(&base.join("rvirtio"))
    }

    fn at(root: &Path) -> Result<Self> {
        fs::create_dir_all(root)
            .with_context(|| format!("the cache directory {} cannot be made", root.display()))?;
        Ok(Self { root: root.canonicalize()? })
    }

    /// The directory that holds everything.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the output of the commands that make `name` goes.
    pub(crate) fn log(&self, name: &str) -> Result<PathBuf> {
        let dir = self.root.join("logs");
        fs::create_dir_all(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
        Ok(dir.join(format!("{name}.log")))
    }

    /// The entry `name` with `key`, when it is there.
    pub(crate) fn find(&self, name: &str, key: &Key) -> Option<PathBuf> {
        Some(self.entry(name, key)).filter(|path| path.is_dir())
    }

    fn entry(&self, name: &str, key: &Key) -> PathBuf {
        self.root.join(format!("{name}-{}", key.id()))
    }

    /// The entry `name` with `key`, made by `make` when it is not there.
    ///
    /// `make` gets an empty directory beside the final place, and `space` is what it needs there
    /// at its peak, in MiB. Two processes never make the same entry: the second waits for the first.
    ///
    /// # Errors
    ///
    /// When `make` fails, or there is no space or right for it.
    pub fn ensure(
        &self,
        name: &str,
        key: &Key,
        space: u64,
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let path = self.entry(name, key);
        if path.is_dir() {
            return Ok(path);
        }
        let _lock = self.lock(name, key)?;
        if path.is_dir() {
            return Ok(path);
        }
        self.check_space(name, space)?;
        let partial = Partial::create(partial_path(&path))?;
        let _guard = interrupt::Guard::new();
        make(&partial.path)?;
        if interrupt::stopped() {
            bail!("interrupted while making {name}");
        }
        fs::rename(&partial.path, &path)
            .with_context(|| format!("{} cannot be put in place", path.display()))?;
        Ok(path)
    }

    /// Removes the entries `name` whose key is another: made from what no longer is.
    ///
    /// For entries of which only the latest is of use. One that cannot be removed only takes space.
    pub fn keep_only(&self, name: &str, key: &Key) {
        let Ok(entries) = fs::read_dir(&self.root) else { return };
        for entry in entries.flatten() {
            let file = entry.file_name().to_string_lossy().into_owned();
            let id = file.strip_prefix(name).and_then(|rest| rest.strip_prefix('-'));
            let is_id = |id: &str| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
            if id.is_some_and(|id| is_id(id) && id != key.id()) {
                let _ = fs::remove_dir_all(entry.path());
            }
        }
    }

    /// Held until the returned file is dropped; the kernel lets go of it when the process dies.
    pub(crate) fn lock(&self, name: &str, key: &Key) -> Result<fs::File> {
        let dir = self.root.join("locks");
        let file = dir.join(format!("{name}-{}", key.id()));
        let open = || -> Result<fs::File> {
            fs::create_dir_all(&dir)?;
            Ok(fs::File::create(&file)?)
        };
        let lock = open().with_context(|| format!("the lock {} cannot be made", file.display()))?;
        if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
            eprintln!("waiting for another process that makes {name}");
            // Not in flock, which a signal does not end that only sets a flag.
            while let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                if error != Errno::WOULDBLOCK {
                    return Err(error)
                        .with_context(|| format!("the lock {} cannot be taken", file.display()));
                }
                if interrupt::stopped() {
                    bail!("interrupted while waiting for {name}");
                }
                thread::sleep(POLL);
            }
        }
        Ok(lock)
    }

    fn check_space(&self, name: &str, need: u64) -> Result<()> {
        let stat = statvfs(&self.root)
            .with_context(|| format!("the free space of {} cannot be read", self.root.display()))?;
        let free = stat.f_bavail.saturating_mul(stat.f_frsize) >> 20;
        if free < need {
            bail!(
                "making {name} needs {} free in {}, which has {}: free some space, \
                 or set XDG_CACHE_HOME to a directory on a larger disk",
                gib(need),
                self.root.display(),
                gib(free)
            );
        }
        Ok(())
    }
}

fn gib(mib: u64) -> String {
    format!("{:.1} GiB", mib as f64 / 1024.0)
}

/// Beside the entry, so that a rename puts it in place. (Names of kernels have dots: no `with_extension`.)
fn partial_path(entry: &Path) -> PathBuf {
    let mut name = entry.as_os_str().to_owned();
    name.push(".partial");
    name.into()
}

/// An entry that is being made; removed unless it was renamed to its final place.
struct Partial {
    path: PathBuf,
}

impl Partial {
    fn create(path: PathBuf) -> Result<Self> {
        // The lock is ours, so what lies here is of a process that was killed.
        if path.exists() {
            fs::remove_dir_all(&path)
                .with_context(|| format!("remove {} yourself: left by a killed process", path.display()))?;
        }
        fs::create_dir(&path).with_context(|| format!("{} cannot be made", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.path.exists() {
            if let Err(error) = fs::remove_dir_all(&self.path) {
                eprintln!("{} could not be removed: {error}", self.path.display());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let dir = tempfile::tempdir().expect("temporary directory");
        let cache = Cache::at(&dir.path().join("rvirtio")).expect("cache");
        (dir, cache)
    }

    fn entries(cache: &Cache) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(cache.root())
            .expect("cache directory")
            .map(|entry| entry.expect("entry").file_name().into_string().expect("UTF-8"))
            .filter(|name| name != "locks")
            .collect();
        names.sort();
        names
    }

    #[test]
    fn key_depends_on_every_input_and_its_borders() {
        let ids = [
            Key::new(1).with("a", "b").id(),
            Key::new(2).with("a", "b").id(),
            Key::new(1).with("a", "c").id(),
            Key::new(1).with("ab", "").id(),
            Key::new(1).with("a", "").with("b", "").id(),
            Key::new(1).id(),
        ];
        for (index, id) in ids.iter().enumerate() {
            assert!(!ids[..index].contains(id), "input {index} gives the key of another");
        }
        assert_eq!(Key::new(1).with("a", "b").id(), ids[0]);
    }

    #[test]
    fn made_once() {
        let (_dir, cache) = cache();
        let key = Key::new(1);
        let path = cache.ensure("thing", &key, 0, |dir| Ok(fs::write(dir.join("x"), "1")?)).expect("made");
        let again = cache.ensure("thing", &key, 0, |_| bail!("made again")).expect("found");
        assert_eq!(path, again);
        assert_eq!(fs::read_to_string(path.join("x")).expect("content"), "1");
    }

    #[test]
    fn failure_leaves_nothing() {
        let (_dir, cache) = cache();
        let result = cache.ensure("thing", &Key::new(1), 0, |dir| {
            fs::write(dir.join("x"), "1")?;
            bail!("broken")
        });
        assert_eq!(result.expect_err("must fail").to_string(), "broken");
        assert!(entries(&cache).is_empty());
    }

    #[test]
    fn leftover_of_a_killed_process_is_replaced() {
        let (_dir, cache) = cache();
        let key = Key::new(1);
        let partial = partial_path(&cache.entry("thing", &key));
        fs::create_dir(&partial).expect("leftover");
        fs::write(partial.join("old"), "").expect("leftover");
        let path = cache.ensure("thing", &key, 0, |dir| Ok(fs::write(dir.join("new"), "")?)).expect("made");
        assert!(path.join("new").exists() && !path.join("old").exists());
        assert_eq!(entries(&cache).len(), 1);
    }

    #[test]
    fn only_the_latest_is_kept() {
        let (_dir, cache) = cache();
        let make = |name: &str, key: &Key| cache.ensure(name, key, 0, |_| Ok(())).expect("made");
        let (old, new, other) = (Key::new(1), Key::new(2), Key::new(3));
        let paths =
            [make("image-a", &old), make("image-a", &new), make("image", &other), make("image-a-b", &old)];
        cache.keep_only("image-a", &new);
        assert_eq!(paths.map(|path| path.exists()), [false, true, true, true]);
    }

    #[test]
    fn too_little_space_is_said_before_anything_is_made() {
        let (_dir, cache) = cache();
        let result = cache.ensure("thing", &Key::new(1), u64::MAX >> 20, |_| panic!("must not start"));
        let message = result.expect_err("must fail").to_string();
        assert!(
            message.starts_with("making thing needs ") && message.contains("XDG_CACHE_HOME"),
            "{message}"
        );
        assert!(entries(&cache).is_empty());
    }
}
