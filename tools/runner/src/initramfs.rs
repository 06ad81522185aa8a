// SPDX-License-Identifier: GPL-2.0

//! Archives of the guest's first file system. The kernel unpacks several, one after the other.

use anyhow::{Context as _, Result, bail};
use cpio::newc;
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::{ffi::OsStrExt as _, fs::PermissionsExt as _},
    path::{Path, PathBuf},
};

const DIRECTORY: u32 = 0o040_000;
const REGULAR: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// Length that the kernel wants to see between archives.
const ALIGNMENT: u64 = 4;

/// Writes one cpio archive (newc); everything belongs to root.
pub struct Archive<W: Write> {
    out: W,
    inode: u32,
    directories: BTreeSet<PathBuf>,
}

impl<W: Write> Archive<W> {
    /// Starts an archive.
    pub fn new(out: W) -> Self {
        Self { out, inode: 0, directories: BTreeSet::new() }
    }

    /// Adds a directory and those above it, once.
    pub fn directory(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = relative(path.as_ref());
        let above: Vec<_> = path.ancestors().filter(|dir| !dir.as_os_str().is_empty()).collect();
        for dir in above.into_iter().rev() {
            if self.directories.insert(dir.to_owned()) {
                self.entry(dir, DIRECTORY | 0o755, &mut io::empty(), 0)?;
            }
        }
        Ok(())
    }

    /// Adds a file with these contents.
    pub fn bytes(&mut self, path: impl AsRef<Path>, mode: u32, contents: &[u8]) -> Result<()> {
        let path = self.place(path.as_ref())?;
        self.entry(&path, REGULAR | mode, &mut &contents[..], contents.len() as u64)
    }

    /// Adds a symbolic link.
    pub fn symlink(&mut self, path: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<()> {
        let path = self.place(path.as_ref())?;
        let target = target.as_ref().as_os_str().as_bytes();
        self.entry(&path, SYMLINK | 0o777, &mut &target[..], target.len() as u64)
    }

    /// Adds a host file or directory with all that is in it; permission bits are kept.
    ///
    /// # Errors
    ///
    /// When something in it is no file, directory or symbolic link, is 4 GiB or larger, or cannot be read.
    pub fn copy(&mut self, path: impl AsRef<Path>, host: &Path) -> Result<()> {
        self.copy_tree(path.as_ref(), host).with_context(|| format!("{} cannot be copied", host.display()))
    }

    fn copy_tree(&mut self, path: &Path, host: &Path) -> Result<()> {
        let metadata = fs::symlink_metadata(host)?;
        if metadata.is_symlink() {
            self.symlink(path, fs::read_link(host)?)
        } else if metadata.is_dir() {
            self.directory(path)?;
            for entry in fs::read_dir(host)? {
                let name = entry?.file_name();
                self.copy_tree(&path.join(&name), &host.join(&name))?;
            }
            Ok(())
        } else if metadata.is_file() {
            let path = self.place(path)?;
            let mode = metadata.permissions().mode() & 0o7777;
            self.entry(&path, REGULAR | mode, &mut File::open(host)?, metadata.len())
        } else {
            bail!("{} is neither file, directory nor symbolic link", host.display())
        }
    }

    /// Ends the archive; gives the writer back.
    pub fn finish(self) -> Result<W> {
        Ok(newc::trailer(self.out)?)
    }

    fn place(&mut self, path: &Path) -> Result<PathBuf> {
        let path = relative(path);
        if let Some(parent) = path.parent() {
            self.directory(parent)?;
        }
        Ok(path)
    }

    fn entry(&mut self, path: &Path, mode: u32, contents: &mut dyn Read, len: u64) -> Result<()> {
        let name = path.to_str().with_context(|| format!("{}: the name is not UTF-8", path.display()))?;
        let len = u32::try_from(len).with_context(|| format!("{name} is too large for an initramfs"))?;
        self.inode += 1;
        let links = if mode & DIRECTORY == DIRECTORY && mode & REGULAR == 0 { 2 } else { 1 };
        let header = newc::Builder::new(name).ino(self.inode).mode(mode).nlink(links);
        let mut writer = header.write(&mut self.out, len);
        let copied = io::copy(&mut contents.take(u64::from(len)), &mut writer)?;
        if copied != u64::from(len) {
            bail!("{name} became shorter while it was read");
        }
        writer.finish()?;
        Ok(())
    }
}

fn relative(path: &Path) -> PathBuf {
    path.strip_prefix("/").unwrap_or(path).to_owned()
}

/// Appends a finished archive, compressed or not.
pub fn append(out: &mut (impl Write + io::Seek), archive: &Path) -> Result<()> {
    let mut archive = File::open(archive).with_context(|| format!("{} cannot be read", archive.display()))?;
    io::copy(&mut archive, out)?;
    pad(out)
}

/// Fills up to where the next archive may start.
pub fn pad(out: &mut (impl Write + io::Seek)) -> Result<()> {
    let over = out.stream_position()? % ALIGNMENT;
    if over != 0 {
        let zeroes = [0; ALIGNMENT as usize];
        out.write_all(&zeroes[..(ALIGNMENT - over) as usize])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// Name, mode and contents of every entry.
    fn entries(archive: Vec<u8>) -> Vec<(String, u32, Vec<u8>)> {
        let mut entries = Vec::new();
        let mut source = Cursor::new(archive);
        loop {
            let mut reader = newc::Reader::new(source).unwrap();
            if reader.entry().is_trailer() {
                return entries;
            }
            let mut contents = Vec::new();
            reader.read_to_end(&mut contents).unwrap();
            entries.push((reader.entry().name().to_owned(), reader.entry().mode(), contents));
            source = reader.finish().unwrap();
        }
    }

    #[test]
    fn directories_come_first_and_once() {
        let mut archive = Archive::new(Vec::new());
        archive.bytes("/a/b/one", 0o644, b"1").unwrap();
        archive.bytes("a/b/two", 0o755, b"").unwrap();
        archive.symlink("/a/link", "b/one").unwrap();
        let entries = entries(archive.finish().unwrap());
        let names: Vec<_> = entries.iter().map(|(name, mode, _)| (name.as_str(), *mode)).collect();
        assert_eq!(
            names,
            [
                ("a", 0o040_755),
                ("a/b", 0o040_755),
                ("a/b/one", 0o100_644),
                ("a/b/two", 0o100_755),
                ("a/link", 0o120_777)
            ]
        );
        assert_eq!(entries[2].2, b"1");
        assert_eq!(entries[4].2, b"b/one");
    }

    #[test]
    fn copies_keep_contents_and_modes() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("program");
        fs::write(&program, [0, 255, 10]).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o751)).unwrap();
        std::os::unix::fs::symlink("program", dir.path().join("alias")).unwrap();

        let mut archive = Archive::new(Vec::new());
        archive.copy("host/x", dir.path()).unwrap();
        let mut entries = entries(archive.finish().unwrap());
        entries.sort();
        assert_eq!(entries[0].0, "host");
        assert_eq!(entries[2], ("host/x/alias".into(), 0o120_777, b"program".to_vec()));
        assert_eq!(entries[3], ("host/x/program".into(), 0o100_751, vec![0, 255, 10]));
    }

    #[test]
    fn special_files_are_refused() {
        let error = Archive::new(Vec::new()).copy("host/null", Path::new("/dev/null")).unwrap_err();
        assert!(format!("{error:#}").contains("neither file"), "{error:#}");
    }

    #[test]
    fn archives_are_aligned() {
        let mut out = Cursor::new(Vec::new());
        for (text, len) in [(&b"12345"[..], 8), (b"", 8), (b"1234", 12)] {
            out.write_all(text).unwrap();
            pad(&mut out).unwrap();
            assert_eq!(out.get_ref().len(), len);
        }
    }
}
