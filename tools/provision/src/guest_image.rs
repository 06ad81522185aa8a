// SPDX-License-Identifier: GPL-2.0

//! The guest's userland: a small Debian with test programs, as a disk and as an initramfs.

use crate::{
    Arch, BuildRoot, Context, Kernel,
    apt::{Mirrors, Origin},
    cache::Key,
    debootstrap::Debootstrap,
    host,
    progress::Step,
};
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// To be raised when the code here changes what an image contains.
const RECIPE: u32 = 1;

/// Free space that the userland and an image of it take to make, in MiB.
const USERLAND_SPACE: u64 = 2 << 10;
const IMAGE_SPACE: u64 = 3 << 10;

/// Space on the disk beyond its contents, in bytes.
const ROOM: u64 = 3 << 29;

/// Label of the root file system.
const LABEL: &str = "rvirtio-root";

const PACKAGES: &str = concat!(
    "kmod cpio udev iproute2 iputils-ping ethtool fio iperf3 pciutils util-linux mount e2fsprogs \
     xfsprogs sg3-utils lsscsi stress-ng procps tcpdump python3-minimal ",
    // For the kernel's own tests of network devices.
    "python3-yaml socat",
);

const OPTIONS: [&str; 12] = [
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    "--dpkgopt=path-exclude=/usr/share/info/*",
    // 200 MB of software rendering that stress-ng's packages bring and nothing here loads: it would
    // be unpacked into memory at every boot without a disk.
    "--dpkgopt=path-exclude=/usr/lib/x86_64-linux-gnu/libLLVM*",
    "--dpkgopt=path-exclude=/usr/lib/x86_64-linux-gnu/libgallium*",
    "--dpkgopt=path-exclude=/usr/lib/x86_64-linux-gnu/libz3*",
    "--customize-hook=rm -rf \"$1\"/var/lib/apt/lists/* \"$1\"/var/cache/debconf/*",
    "--customize-hook=echo rvirtio > \"$1/etc/hostname\"",
    "--customize-hook=echo 127.0.0.1 localhost rvirtio > \"$1/etc/hosts\"",
    "--customize-hook=mkdir -p \"$1/usr/lib/modules\"",
    "--customize-hook=: > \"$1/etc/resolv.conf\"",
];

/// For another processor than ours, whose programs cannot be run here, packages are unpacked, and what they
/// would do themselves when they are installed is done as far as it matters.
const UNPACKED: [&str; 6] = [
    "--include=?essential",
    "--dpkgopt=path-exclude=/usr/lib/aarch64-linux-gnu/libLLVM*",
    "--dpkgopt=path-exclude=/usr/lib/aarch64-linux-gnu/libgallium*",
    "--dpkgopt=path-exclude=/usr/lib/aarch64-linux-gnu/libz3*",
    "--customize-hook=for file in passwd group; do cp \"$1/usr/share/base-passwd/$file.master\" \"$1/etc/$file\"; done",
    "--customize-hook=ln -s mawk \"$1/usr/bin/awk\"",
];

/// A Debian userland with test programs and one kernel's modules. Never changed after it is made.
///
/// It has no init system that starts services: whoever boots it supplies what is run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuestImage {
    /// Raw ext4 file system (no partition table), label `rvirtio-root`: the base of overlays.
    pub disk: PathBuf,
    /// The same tree as a zstd-compressed cpio archive, for guests without a disk.
    pub ram: PathBuf,
}

impl GuestImage {
    /// Finds the image for `kernel` in the cache or makes it, which takes about a minute and, for
    /// the first kernel, the network.
    ///
    /// # Errors
    ///
    /// As [`BuildRoot::ensure`].
    pub fn ensure(ctx: &Context, root: &BuildRoot, kernel: &Kernel) -> Result<Self> {
        let options = options(root.arch());
        let key = Key::new(RECIPE).with("packages", PACKAGES).with("options", options.join("\n"));
        let image_key = key.clone().with("kernel", &kernel.id);
        let name = format!("image-{}", kernel.name);
        let dir = match ctx.cache.find(&name, &image_key) {
            Some(dir) => dir,
            None => {
                let userland = userland(ctx, &key, root.arch(), &options)?;
                ctx.cache
                    .ensure(&name, &image_key, IMAGE_SPACE, |dir| make(ctx, root, kernel, &userland, dir))?
            }
        };
        ctx.cache.keep_only(&name, &image_key);
        Ok(Self { disk: dir.join("disk.raw"), ram: dir.join("ram.cpio.zst") })
    }
}

/// Options of mmdebstrap.
fn options(arch: Arch) -> Vec<String> {
    let hooks = |option: &&str| option.replacen("--customize-hook", "--extract-hook", 1);
    match arch {
        Arch::Amd64 => OPTIONS.map(str::to_owned).to_vec(),
        // After unpacking nothing follows.
        Arch::Arm64 => OPTIONS.iter().chain(&UNPACKED).map(hooks).collect(),
    }
}

/// The userland without a kernel's modules, as a tar archive.
fn userland(ctx: &Context, key: &Key, arch: Arch, options: &[String]) -> Result<PathBuf> {
    if ctx.cache.find("guest-userland", key).is_none() {
        host::ensure_programs(&ctx.progress)?;
    }
    let dir = ctx.cache.ensure("guest-userland", key, USERLAND_SPACE, |dir| {
        let step = ctx.progress.step("guest userland");
        Debootstrap {
            mirrors: &Mirrors::of_this_machine()?,
            variant: if arch == Arch::Amd64 { "minbase" } else { "extract" },
            architectures: arch.name(),
            packages: PACKAGES,
            origin: Origin::Release,
            options: &options.iter().map(String::as_str).collect::<Vec<_>>(),
        }
        .tar(&dir.join("guest.tar"), &ctx.cache.log("guest-userland")?, &step)?;
        step.done();
        Ok(())
    })?;
    Ok(dir.join("guest.tar"))
}

fn make(ctx: &Context, root: &BuildRoot, kernel: &Kernel, userland: &Path, dir: &Path) -> Result<()> {
    let step = ctx.progress.step(&format!("guest image with {}", kernel.release));
    let log = ctx.cache.log(&format!("image-{}", kernel.release))?;
    let tree = dir.join("tree.tar");
    join(root, kernel, userland, &tree, &log, &step)?;

    let disk = dir.join("disk.raw");
    let size = fs::metadata(&tree)?.len() + ROOM;
    fs::File::create(&disk)
        .and_then(|file| file.set_len(size))
        .with_context(|| format!("{} cannot be made", disk.display()))?;
    let mut command = root.command("mke2fs");
    command.args([
        "-q",
        "-F",
        "-t",
        "ext4",
        "-L",
        LABEL,
        "-m",
        "0",
        "-E",
        "root_owner=0:0,lazy_itable_init=1,nodiscard",
    ]);
    command.arg("-d").arg(&tree).arg(&disk).bind_rw(dir).run_logged(&log, &step)?;

    let mut command = root.command("bsdtar");
    command.args(["-c", "--format=newc", "--zstd", "-f"]).arg(dir.join("ram.cpio.zst"));
    command.arg(format!("@{}", tree.display())).bind_rw(dir).run_logged(&log, &step)?;
    fs::remove_file(&tree)?;
    step.done();
    Ok(())
}

/// One archive of the userland and the kernel's modules. Owners and device nodes stay as they are
/// in the archives, so none of this needs root.
fn join(
    root: &BuildRoot,
    kernel: &Kernel,
    userland: &Path,
    tree: &Path,
    log: &Path,
    step: &Step,
) -> Result<()> {
    let modules = kernel.modules_dir.parent().context("the kernel's modules have no directory")?;
    let dir = tree.parent().context("the archive has no directory")?;
    let mut command = root.command("bsdtar");
    command
        .args(["-c", "--format=pax", "--numeric-owner", "--uid=0", "--gid=0", "-f"])
        .arg(dir.join("modules.tar"));
    command.args([
        "--exclude=build",
        "--exclude=source",
        "--exclude=vmlinuz",
        "-s",
        ",^,./usr/lib/modules/,",
    ]);
    command.arg("-C").arg(modules).arg(&kernel.release);
    command.bind_ro(modules).bind_rw(dir).run_logged(log, step)?;

    let mut command = root.command("bsdtar");
    command.args(["-c", "--format=pax", "-f"]).arg(tree);
    command.arg(format!("@{}", userland.display())).arg(format!("@{}", dir.join("modules.tar").display()));
    command.bind_ro(userland).bind_rw(dir).run_logged(log, step)?;
    fs::remove_file(dir.join("modules.tar"))?;
    Ok(())
}
