// SPDX-License-Identifier: GPL-2.0

//! A user's Debian machine, as a directory: systemd, a 7.3 kernel with its headers, DKMS, and what builds
//! packages.

use crate::{
    BwrapCommand, Context,
    apt::{Mirrors, Origin},
    cache::Key,
    debootstrap::Debootstrap,
    host,
};
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

const PACKAGES: &str = concat!(
    "systemd-sysv udev kmod dbus initramfs-tools grub2-common grub-pc-bin linux-image-cloud-amd64 \
     linux-headers-cloud-amd64 ",
    // Which rvirtio-dkms depends on.
    "dkms make gcc libc6-dev rustc rust-src bindgen xz-utils ",
    // Building packages.
    "build-essential debhelper dh-dkms dpkg-dev lintian shellcheck linux-source-7.3 ca-certificates \
     e2fsprogs iproute2 mount pciutils procps python3 busybox zstd",
);

/// The kernel, and what it takes to install it.
const FROM_BACKPORTS: &str = "src:linux src:linux-signed-amd64 src:linux-base";

/// The other maker of an initramfs, which cannot be installed beside initramfs-tools: downloaded, for tests.
const FETCH_DRACUT: &str =
    "--customize-hook=chroot \"$1\" sh -c 'apt-get clean && apt-get install -y --download-only dracut'";

const LOCALES: &str = "--dpkgopt=path-exclude=/usr/share/locale/*";

/// What the kernel's crates and modules are built with.
const COMPILERS: &str = "make gcc libc6-dev rustc rust-src bindgen bc bison flex libelf-dev libssl-dev libdw-dev pahole perl \
    python3 xz-utils";

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
        let origin = Origin::Backports(FROM_BACKPORTS);
        let key = Key::new(RECIPE)
            .with("packages", PACKAGES)
            .with("backports", FROM_BACKPORTS)
            .with("hook", FETCH_DRACUT);
        find(ctx, "machine", &key, origin, PACKAGES, &["--skip=cleanup/apt", LOCALES, FETCH_DRACUT])
    }

    /// As [`Machine::ensure`], one that has Debian's newest compilers, and nothing else: no kernel.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn newest(ctx: &Context) -> Result<Self> {
        let key = Key::new(RECIPE).with("packages", COMPILERS);
        find(ctx, "newest", &key, Origin::Newest, COMPILERS, &[LOCALES])
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

/// Finds it in the cache or makes it.
fn find(
    ctx: &Context,
    name: &str,
    key: &Key,
    origin: Origin,
    packages: &str,
    options: &[&str],
) -> Result<Machine> {
    if ctx.cache.find(name, key).is_none() {
        host::ensure_programs(&ctx.progress)?;
    }
    let dir = ctx.cache.ensure(name, key, SPACE, |dir| {
        let mirrors = Mirrors::of_this_machine()?;
        let step = ctx.progress.step(&format!("Debian: {name}"));
        Debootstrap {
            mirrors: &mirrors,
            variant: "minbase",
            architectures: "amd64",
            packages,
            origin,
            options,
        }
        .directory(&dir.join("root"), &ctx.cache.log(name)?, &step)?;
        step.done();
        Ok(())
    })?;
    Ok(Machine { path: dir.join("root") })
}
