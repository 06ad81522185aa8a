// SPDX-License-Identifier: GPL-2.0

//! Which of a kernel's modules a module needs, for an initramfs that loads them one by one.

use crate::{BuildRoot, Kernel};
use anyhow::{Context as _, Result, bail};
use std::{
    collections::{HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

/// A kernel's `modules.dep` and `modules.builtin`.
pub struct ModuleIndex {
    dir: PathBuf,
    release: String,
    /// By module name: its file and the files that it needs, relative to `dir`.
    modules: HashMap<String, (String, Vec<String>)>,
    builtin: HashSet<String>,
}

impl ModuleIndex {
    /// Reads the lists of `kernel`.
    ///
    /// # Errors
    ///
    /// When they cannot be read: the kernel's modules are not completely installed then.
    pub fn load(kernel: &Kernel) -> Result<Self> {
        let read = |name: &str| {
            let path = kernel.modules_dir.join(name);
            fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))
        };
        let mut index = Self::parse(&read("modules.dep")?, &read("modules.builtin")?);
        index.dir = kernel.modules_dir.clone();
        index.release = kernel.release.clone();
        Ok(index)
    }

    fn parse(dep: &str, builtin: &str) -> Self {
        let modules = dep
            .lines()
            .filter_map(|line| line.split_once(':'))
            .map(|(file, needs)| {
                let needs = needs.split_whitespace().map(str::to_owned).collect();
                (module_name(file), (file.to_owned(), needs))
            })
            .collect();
        let builtin = builtin.lines().map(module_name).collect();
        Self { dir: PathBuf::new(), release: String::new(), modules, builtin }
    }

    /// The files of the modules `names` and of all that they need, in load order; what is built in
    /// is left out.
    ///
    /// # Errors
    ///
    /// When the kernel has no such module.
    pub fn resolve(&self, names: &[&str]) -> Result<Vec<PathBuf>> {
        let mut order = Vec::new();
        for name in names {
            self.visit(&module_name(name), &mut order)?;
        }
        Ok(order.iter().map(|file| self.dir.join(file)).collect())
    }

    /// Puts what `name` needs, then `name` itself into `order`. depmod refuses cycles.
    fn visit<'a>(&'a self, name: &str, order: &mut Vec<&'a str>) -> Result<()> {
        let Some((file, needs)) = self.modules.get(name) else {
            if self.builtin.contains(name) {
                return Ok(());
            }
            bail!("the kernel {} has no module {name}", self.release);
        };
        if order.contains(&file.as_str()) {
            return Ok(());
        }
        for need in needs {
            self.visit(&module_name(need), order)?;
        }
        order.push(file);
        Ok(())
    }

    /// Copies `files` uncompressed into `dir`, as `NAME.ko`; returns the copies in the same order.
    ///
    /// # Errors
    ///
    /// When a file cannot be copied or uncompressed.
    pub fn unpack(&self, root: &BuildRoot, files: &[PathBuf], dir: &Path) -> Result<Vec<PathBuf>> {
        let mut packed: HashMap<&str, Vec<PathBuf>> = HashMap::new();
        let mut copies = Vec::new();
        for file in files {
            let name = file.file_name().unwrap_or_default();
            let copy = dir.join(name);
            fs::copy(file, &copy).with_context(|| format!("{} cannot be copied", file.display()))?;
            let program = match file.extension().and_then(|end| end.to_str()) {
                Some("xz") => Some("xz"),
                Some("zst") => Some("zstd"),
                Some("gz") => Some("gzip"),
                _ => None,
            };
            copies.push(if program.is_some() { copy.with_extension("") } else { copy.clone() });
            if let Some(program) = program {
                packed.entry(program).or_default().push(copy);
            }
        }
        for (program, files) in packed {
            let mut command = root.command(program);
            command.args(["-d", "-q", "-f"]).args(if program == "zstd" { &["--rm"][..] } else { &[] });
            command.args(&files).bind_rw(dir).run()?;
        }
        Ok(copies)
    }
}

/// `sd_mod` of `kernel/drivers/scsi/sd_mod.ko.xz`; the kernel takes `-` and `_` in names as equal.
fn module_name(file: &str) -> String {
    let file = file.rsplit('/').next().unwrap_or(file);
    file.split(".ko").next().unwrap_or(file).replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEP: &str = "kernel/fs/ext4/ext4.ko.xz: kernel/fs/jbd2/jbd2.ko.xz kernel/lib/crc16.ko.xz kernel/fs/mbcache.ko.xz\n\
                       kernel/fs/jbd2/jbd2.ko.xz: kernel/lib/crc16.ko.xz\n\
                       kernel/lib/crc16.ko.xz:\n\
                       kernel/fs/mbcache.ko.xz:\n\
                       kernel/drivers/block/virtio-blk.ko:\n";

    fn names(index: &ModuleIndex, wanted: &[&str]) -> Vec<String> {
        let files = index.resolve(wanted).expect("resolves");
        files.iter().map(|file| module_name(&file.to_string_lossy())).collect()
    }

    #[test]
    fn needs_come_first_and_once() {
        let index = ModuleIndex::parse(DEP, "kernel/fs/fat/vfat.ko\n");
        assert_eq!(names(&index, &["ext4", "mbcache"]), ["crc16", "jbd2", "mbcache", "ext4"]);
        assert_eq!(names(&index, &["virtio_blk", "virtio-blk"]), ["virtio_blk"]);
    }

    #[test]
    fn built_in_is_left_out_and_unknown_refused() {
        let index = ModuleIndex::parse(DEP, "kernel/fs/fat/vfat.ko\n");
        assert!(names(&index, &["vfat"]).is_empty());
        assert!(index.resolve(&["nosuch"]).expect_err("must fail").to_string().contains("nosuch"));
    }
}
