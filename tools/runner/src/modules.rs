// SPDX-License-Identifier: GPL-2.0

//! Kernel modules in the guest: which are loaded at its start, and the index by which modprobe finds ours.

use anyhow::{Context as _, Result, bail};
use rvirtio_provision::{BuildRoot, Context, Kernel, Key, files_below};
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// Modules for one guest.
#[derive(Default)]
pub struct GuestModules {
    /// Loaded first of all, in this order; uncompressed host files.
    pub load: Vec<PathBuf>,
    /// `updates/` with ours, and `modules.*`, the index over them and the kernel's. None with C drivers.
    pub index: Option<PathBuf>,
    /// Virtio device types that we drive, and the module that does.
    pub front_ends: Vec<(u32, String)>,
    /// Modules that must not be loaded because a device is there.
    pub not_loaded: Vec<String>,
}

/// What the guest needs to find its root with the in-tree drivers.
pub fn in_tree(root: &BuildRoot, kernel: &Kernel, scratch: &Path) -> Result<GuestModules> {
    let names = ["virtio_pci", "virtio_blk", "virtio_scsi", "sd_mod", "ext4"];
    let load = unpack(root, kernel, &kernel.modules_dir, &names, scratch)?;
    Ok(GuestModules { load, ..GuestModules::default() })
}

/// As [`in_tree`], with our drivers; `built` is where the modules were built.
pub fn ours(
    ctx: &Context,
    root: &BuildRoot,
    kernel: &Kernel,
    built: &Path,
    scratch: &Path,
) -> Result<GuestModules> {
    let dir = index(ctx, root, kernel, built)?;
    let alias = dir.join("modules.alias");
    let alias = fs::read_to_string(&alias).with_context(|| format!("{} cannot be read", alias.display()))?;
    let (front_ends, mut in_tree): (Vec<_>, Vec<_>) =
        drivers(&alias).into_iter().partition(|(_, module)| module.starts_with("rvirtio_"));
    in_tree.retain(|(id, _)| front_ends.iter().any(|(ours, _)| ours == id));

    let mut names = vec!["rvirtio", "rvirtio_pci", "sd_mod", "ext4"];
    names.extend(front_ends.iter().map(|(_, module)| module.as_str()));
    let load = unpack(root, kernel, &dir, &names, scratch)?;
    Ok(GuestModules {
        load,
        index: Some(dir),
        not_loaded: in_tree.into_iter().map(|(_, name)| name).collect(),
        front_ends,
    })
}

/// Uncompressed copies of `names` and of all that they need, in load order; what is built in is left out.
/// `index` is where modprobe looks them up: `lib/modules/RELEASE`.
fn unpack(
    root: &BuildRoot,
    kernel: &Kernel,
    index: &Path,
    names: &[&str],
    scratch: &Path,
) -> Result<Vec<PathBuf>> {
    let dir = scratch.join("load");
    fs::create_dir(&dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let base = index.ancestors().nth(3).context("the modules are not below lib/modules")?;
    let mut modprobe = root.command("modprobe");
    modprobe.args(["--all", "--show-depends", "--config", "/dev/null", "--set-version", &kernel.release]);
    modprobe.arg("--dirname").arg(base).args(names).bind_ro(base).bind_ro(&kernel.modules_dir);
    let mut load = Vec::new();
    for file in modprobe.output()?.lines().filter_map(|line| line.strip_prefix("insmod ")) {
        let file = Path::new(file.trim_end());
        let copy = dir.join(file.file_name().unwrap_or_default());
        if !load.contains(&copy) {
            fs::copy(file, &copy).with_context(|| format!("{} cannot be copied", file.display()))?;
            load.push(copy);
        }
    }
    for (end, program) in [("xz", "xz"), ("zst", "zstd"), ("gz", "gzip")] {
        let packed: Vec<_> =
            load.iter_mut().filter(|file| file.extension().is_some_and(|e| e == end)).collect();
        if packed.is_empty() {
            continue;
        }
        let mut command = root.command(program);
        command.args(["-d", "-q", "-f"]).args(if end == "zst" { &["--rm"][..] } else { &[] });
        command.args(&packed).bind_rw(&dir).run()?;
        packed.into_iter().for_each(|file| _ = file.set_extension(""));
    }
    Ok(load)
}

/// Virtio device types and the modules for them: reads `alias rvirtio:d00000002v* rvirtio_blk` lines.
fn drivers(alias: &str) -> Vec<(u32, String)> {
    let of_line = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let (pattern, module) = (words.next()?, words.next()?);
        let id = pattern.strip_prefix("rvirtio:d").or_else(|| pattern.strip_prefix("virtio:d"))?;
        Some((u32::from_str_radix(id.get(..8)?, 16).ok()?, module.to_owned()))
    };
    let mut found: Vec<(u32, String)> = alias.lines().filter_map(of_line).collect();
    found.sort();
    found.dedup();
    found
}

/// Free space that an index takes, in MiB.
const SPACE: u64 = 64;

/// Our modules and depmod's index over them and the kernel's; kept, as it takes seconds to make. Every change of
/// our modules makes a new one.
fn index(ctx: &Context, root: &BuildRoot, kernel: &Kernel, built: &Path) -> Result<PathBuf> {
    let files = files_below(built, |name| name.ends_with(".ko"))?;
    if files.is_empty() {
        bail!("no modules were built in {}", built.display());
    }
    let mut key = Key::new(1).with("kernel", kernel.modules_dir.as_os_str().as_encoded_bytes());
    for file in &files {
        let contents = fs::read(file).with_context(|| format!("{} cannot be read", file.display()))?;
        key = key.with(&file.file_name().unwrap_or_default().to_string_lossy(), contents);
    }
    let below = Path::new("lib/modules").join(&kernel.release);
    let name = format!("index-{}", built.file_name().unwrap_or_default().to_string_lossy());
    let dir = ctx.cache.ensure(&name, &key, SPACE, |dir| {
        let step = ctx.progress.step("module index");
        make_index(root, kernel, &files, dir, &below).context("the module index cannot be made")?;
        step.done();
        Ok(())
    })?;
    ctx.cache.keep_only(&name, &key);
    Ok(dir.join(below))
}

fn make_index(root: &BuildRoot, kernel: &Kernel, files: &[PathBuf], base: &Path, below: &Path) -> Result<()> {
    let dir = base.join(below);
    let updates = dir.join("updates");
    fs::create_dir_all(&updates)?;
    // Where depmod looks depends on how it was built.
    fs::create_dir(base.join("usr"))?;
    symlink("../lib", base.join("usr/lib"))?;
    symlink(kernel.modules_dir.join("kernel"), dir.join("kernel"))?;
    for name in ["modules.order", "modules.builtin", "modules.builtin.modinfo"] {
        let source = kernel.modules_dir.join(name);
        if source.exists() {
            fs::copy(source, dir.join(name))?;
        }
    }
    for file in files {
        fs::copy(file, updates.join(file.file_name().unwrap_or_default()))?;
    }
    let mut depmod = root.command("depmod");
    depmod.arg("-b").arg(base).arg(&kernel.release);
    depmod.bind_ro(&kernel.modules_dir).bind_rw(base).run()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_tell_who_drives_what() {
        let alias = "# Aliases extracted from modules themselves.\n\
                     alias virtio:d00000002v* virtio_blk\n\
                     alias rvirtio:d00000004v* rvirtio_rng\n\
                     alias virtio:d00000002v* rvirtio_blk\n\
                     alias rvirtio:d00000002v* rvirtio_blk\n\
                     alias pci:v00001AF4d*sv*sd*bc*sc*i* rvirtio_pci\n\
                     alias rvirtio:dx rvirtio_odd\n";
        let found = drivers(alias);
        let found: Vec<_> = found.iter().map(|(id, module)| (*id, module.as_str())).collect();
        assert_eq!(found, [(2, "rvirtio_blk"), (2, "virtio_blk"), (4, "rvirtio_rng")]);
    }
}
