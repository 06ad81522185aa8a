// SPDX-License-Identifier: GPL-2.0

//! Files for the guest's first file system. The kernel unpacks several archives, one after the other.

use anyhow::{Context as _, Result, bail};
use rvirtio_provision::BuildRoot;
use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

/// Length that the kernel wants to see between archives.
const ALIGNMENT: u64 = 4;

/// Files that become an archive; paths are those in the guest.
pub struct Tree(PathBuf);

impl Tree {
    /// Makes the directory `dir` to put them in.
    pub fn new(dir: PathBuf) -> Result<Self> {
        fs::create_dir(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
        Ok(Self(dir))
    }

    /// Adds a directory.
    pub fn directory(&self, path: impl AsRef<Path>) -> Result<()> {
        Ok(fs::create_dir_all(self.place(path.as_ref())?)?)
    }

    /// Adds a file with these contents.
    pub fn bytes(&self, path: impl AsRef<Path>, mode: u32, contents: &[u8]) -> Result<()> {
        let place = self.place(path.as_ref())?;
        fs::write(&place, contents)?;
        Ok(fs::set_permissions(&place, fs::Permissions::from_mode(mode))?)
    }

    /// Adds a symbolic link.
    pub fn symlink(&self, path: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<()> {
        Ok(symlink(target, self.place(path.as_ref())?)?)
    }

    /// Adds a host file or directory with all that is in it; permission bits are kept.
    ///
    /// # Errors
    ///
    /// When something in it cannot be read.
    pub fn copy(&self, path: impl AsRef<Path>, host: &Path) -> Result<()> {
        let place = self.place(path.as_ref())?;
        let mut cp = Command::new("cp");
        // A directory that is there already is filled.
        let cp = cp.args(["-a", "--reflink=auto", "-T"]).arg(host).arg(place).output();
        let cp = cp.context("cp cannot be run")?;
        if !cp.status.success() {
            bail!("{} cannot be copied: {}", host.display(), String::from_utf8_lossy(&cp.stderr).trim_end());
        }
        Ok(())
    }

    /// Where `path` is, in a directory that is there.
    fn place(&self, path: &Path) -> Result<PathBuf> {
        let place = self.0.join(path.strip_prefix("/").unwrap_or(path));
        fs::create_dir_all(place.parent().unwrap_or(&self.0))?;
        Ok(place)
    }

    /// Makes the archive `file` of them, in which everything belongs to root.
    pub fn pack(&self, root: &BuildRoot, file: &Path) -> Result<()> {
        let dir = file.parent().context("the archive has no directory")?;
        let mut command = root.command("bsdtar");
        command.args(["-c", "--format=newc", "--uid=0", "--gid=0", "-f"]).arg(file).arg("-C").arg(&self.0);
        // By their names: the directory itself is none of the guest's.
        for entry in fs::read_dir(&self.0)? {
            command.arg(entry?.file_name());
        }
        command.bind_rw(dir).run()
    }
}

/// Appends a finished archive, compressed or not, and fills up to where the next one may start.
pub fn append(out: &mut (impl Write + io::Seek), archive: &Path) -> Result<()> {
    let mut archive = File::open(archive).with_context(|| format!("{} cannot be read", archive.display()))?;
    io::copy(&mut archive, out)?;
    let over = out.stream_position()? % ALIGNMENT;
    if over != 0 {
        out.write_all(&[0; ALIGNMENT as usize][over as usize..])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    #[test]
    fn copies_keep_contents_and_modes() {
        let dir = tempfile::tempdir().unwrap();
        let host = dir.path().join("host");
        fs::create_dir(&host).unwrap();
        fs::write(host.join("program"), [0, 255, 10]).unwrap();
        fs::set_permissions(host.join("program"), fs::Permissions::from_mode(0o751)).unwrap();
        symlink("program", host.join("alias")).unwrap();

        let tree = Tree::new(dir.path().join("tree")).unwrap();
        tree.directory("/host/x").unwrap();
        tree.copy("/host/x", &host).unwrap();
        tree.bytes("/host/x/more", 0o755, b"1").unwrap();
        let place = dir.path().join("tree/host/x");
        assert_eq!(fs::read(place.join("program")).unwrap(), [0, 255, 10]);
        let mode = |name| fs::metadata(place.join(name)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode("program"), mode("more")), (0o751, 0o755));
        assert_eq!(fs::read_link(place.join("alias")).unwrap(), Path::new("program"));
        assert!(tree.copy("y", &dir.path().join("nothing")).is_err());
    }

    #[test]
    fn archives_are_aligned() {
        let dir = tempfile::tempdir().unwrap();
        let mut out = Cursor::new(Vec::new());
        for (text, len) in [(&b"12345"[..], 8), (b"", 8), (b"1234", 12)] {
            let archive = dir.path().join("archive");
            fs::write(&archive, text).unwrap();
            append(&mut out, &archive).unwrap();
            assert_eq!(out.get_ref().len(), len);
        }
    }
}
