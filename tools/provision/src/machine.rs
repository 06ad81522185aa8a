// SPDX-License-Identifier: GPL-2.0

//! A user's Debian machine, as a directory: systemd, a 7.3 kernel with its headers, DKMS, and what builds
//! packages.

use crate::{BwrapCommand, Context, apt::Mirrors, cache::Key, debootstrap::Debootstrap, host};
use anyhow::{Context as _, Result};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// To be raised when the code here changes what a machine contains.
const RECIPE: u32 = 1;

/// Free space that making one takes, in MiB.
const SPACE: u64 = 4 << 10;

const PACKAGES: [&str; 33] = [
    "systemd-sysv",
    "udev",
    "kmod",
    "dbus",
    "initramfs-tools",
    "grub2-common",
    "grub-pc-bin",
    "linux-image-cloud-amd64",
    "linux-headers-cloud-amd64",
    // Which rvirtio-dkms depends on.
    "dkms",
    "make",
    "gcc",
    "libc6-dev",
    "rustc",
    "rust-src",
    "bindgen",
    "xz-utils",
    // Building packages.
    "build-essential",
    "debhelper",
    "dh-dkms",
    "dpkg-dev",
    "lintian",
    "shellcheck",
    "linux-source-7.3",
    "ca-certificates",
    "e2fsprogs",
    "iproute2",
    "mount",
    "pciutils",
    "procps",
    "python3",
    "busybox",
    "zstd",
];

/// The kernel, and what it takes to install it.
const FROM_BACKPORTS: &str = "src:linux src:linux-signed-amd64 src:linux-base";

/// The other maker of an initramfs, which cannot be installed beside initramfs-tools: downloaded, for tests.
const FETCH_DRACUT: &str =
    "--customize-hook=chroot \"$1\" sh -c 'apt-get clean && apt-get install -y --download-only dracut'";

/// The files of a machine.
pub struct Machine {
    path: PathBuf,
}

impl Machine {
    /// Finds it in the cache or makes it, which takes some minutes and the network.
    ///
    /// # Errors
    ///
    /// When the host lacks what is needed, the mirror cannot be reached, or the disk is too small.
    pub fn ensure(ctx: &Context) -> Result<Self> {
        let key = Key::new(RECIPE)
            .with("packages", PACKAGES.join(" "))
            .with("backports", FROM_BACKPORTS)
            .with("hook", FETCH_DRACUT);
        let path = match ctx.cache.find("machine", &key) {
            Some(path) => path,
            None => {
                host::ensure_programs(&ctx.progress)?;
                ctx.cache.ensure("machine", &key, SPACE, |dir| make(ctx, dir))?
            }
        };
        Ok(Self { path: path.join("root") })
    }

    /// A copy that can be changed, as `dir`; what is there already is used.
    ///
    /// # Errors
    ///
    /// When it cannot be copied.
    pub fn copy(dir: &Path, ctx: &Context) -> Result<Self> {
        if !dir.exists() {
            let from = Self::ensure(ctx)?.path;
            let copied = Command::new("cp").args(["-a", "--reflink=auto"]).arg(&from).arg(dir).status();
            anyhow::ensure!(
                copied.context("cp cannot be run")?.success(),
                "the machine cannot be copied to {}: is the disk full?",
                dir.display()
            );
        }
        Ok(Self { path: dir.canonicalize()? })
    }

    /// A program of the machine, which may change its files when `writable`.
    pub fn command(&self, program: impl AsRef<OsStr>, writable: bool) -> BwrapCommand {
        let mut command = BwrapCommand::new(&self.path, program.as_ref());
        if writable {
            command.writable_root();
        }
        command
    }
}

fn make(ctx: &Context, dir: &Path) -> Result<()> {
    let mirrors = Mirrors::of_this_machine()?;
    let step = ctx.progress.step("Debian machine");
    Debootstrap {
        mirrors: &mirrors,
        variant: "minbase",
        architectures: "amd64",
        packages: &PACKAGES,
        from_backports: Some(FROM_BACKPORTS),
        options: &["--skip=cleanup/apt", "--dpkgopt=path-exclude=/usr/share/locale/*", FETCH_DRACUT],
    }
    .directory(&dir.join("root"), &ctx.cache.log("machine")?, &step)?;
    step.done();
    Ok(())
}
