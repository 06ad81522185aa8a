// SPDX-License-Identifier: GPL-2.0

//! The build root: a Debian userland with what Debian's kernel was built with, and QEMU.

use crate::{
    Arch, BwrapCommand, Context,
    apt::{Mirrors, Origin},
    cache::Key,
    debootstrap::Debootstrap,
    host,
};
use anyhow::{Context as _, Result};
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
};

/// To be raised when the code here changes what a build root contains.
const RECIPE: u32 = 1;

/// Free space that making one takes, in MiB.
const SPACE: u64 = 5 << 10;

const PACKAGES: &str = concat!(
    // Kernel and module builds, with the compilers of Debian's own kernel.
    "make gcc gcc-14 bc bison flex libelf-dev libssl-dev libdw-dev pahole rustc rust-src rust-clippy \
     rustfmt bindgen cargo clang clang-19 lld lld-19 llvm llvm-19 python3 perl rsync git file kmod \
     cpio xz-utils zstd bzip2 ",
    // Guest images: archives are turned into file systems without becoming root.
    "e2fsprogs libarchive-tools busybox-static ",
    // Running guests.
    "qemu-system-x86 qemu-utils seabios ipxe-qemu iproute2 iperf3 procps ca-certificates",
);

/// What it takes beyond that to build for arm64, and to run guests with it.
const FOR_ARM64: &str = " gcc-14-aarch64-linux-gnu qemu-system-arm";

/// Beside the busybox of the build root's own processor, which is the same package.
const FETCH_BUSYBOX: &str = "--customize-hook=chroot \"$1\" sh -c 'cd /var/tmp && \
    apt-get -o APT::Sandbox::User=root download busybox-static:arm64 && \
    dpkg-deb -x busybox-static_*.deb /usr/local/arm64 && rm busybox-static_*.deb'";

/// QEMU and what it must match: 11.1 has devices and features that the release's 10.0 lacks.
const FROM_BACKPORTS: &str = "src:qemu src:seabios";

/// What decides how a kernel and its modules come out.
const TOOLCHAIN: [&str; 8] =
    ["bindgen", "clang-19", "gcc-14", "gcc-14-aarch64-linux-gnu", "lld-19", "pahole", "rust-src", "rustc"];

/// A Debian trixie userland with the kernel's own compilers and QEMU, entered by bubblewrap.
#[derive(Debug, Clone)]
pub struct BuildRoot {
    path: PathBuf,
    arch: Arch,
}

impl BuildRoot {
    /// Finds the build root in the cache or makes it, which takes 2 to 5 minutes and the network.
    ///
    /// # Errors
    ///
    /// When the host lacks what is needed (and cannot be given it), the mirror cannot be
    /// reached, or the disk is too small; each in one sentence that says what to do.
    pub fn ensure(ctx: &Context) -> Result<Self> {
        Self::ensure_for(ctx, Arch::Amd64)
    }

    /// As [`BuildRoot::ensure`], the one that builds for `arch`.
    ///
    /// # Errors
    ///
    /// As [`BuildRoot::ensure`].
    pub fn ensure_for(ctx: &Context, arch: Arch) -> Result<Self> {
        let packages = packages(arch);
        let mut key = Key::new(RECIPE).with("packages", &packages).with("backports", FROM_BACKPORTS);
        let mut name = "build-root";
        if arch == Arch::Arm64 {
            key = key.with("hook", FETCH_BUSYBOX);
            name = "cross-root";
        }
        let path = match ctx.cache.find(name, &key) {
            Some(path) => {
                host::check_sandbox()?;
                path
            }
            None => {
                host::ensure_programs(&ctx.progress)?;
                ctx.cache.ensure(name, &key, SPACE, |dir| make(ctx, arch, dir))?
            }
        };
        Ok(Self { path: path.join("root"), arch })
    }

    /// Where it lies on the host.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it builds for.
    pub fn arch(&self) -> Arch {
        self.arch
    }

    /// Names and versions of the compilers: part of the key of all that is built with them.
    pub(crate) fn toolchain(&self) -> Result<String> {
        let path = self.path.join("var/lib/dpkg/status");
        let status =
            fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        Ok(versions(&status, &TOOLCHAIN))
    }

    /// A program of the build root, for example `qemu-system-x86_64`.
    pub fn command(&self, program: impl AsRef<OsStr>) -> BwrapCommand {
        BwrapCommand::new(&self.path, program.as_ref())
    }

    /// Changes the network of this thread by iproute2's `ip`.
    ///
    /// # Errors
    ///
    /// When that refuses these `arguments`.
    pub fn ip(&self, arguments: &str) -> Result<()> {
        self.command("ip").args(arguments.split(' ')).run().with_context(|| format!("ip {arguments}"))
    }

    /// Host path of the guests' static busybox, for initramfs archives.
    pub fn busybox(&self) -> PathBuf {
        self.path.join(match self.arch {
            Arch::Amd64 => "usr/bin/busybox",
            Arch::Arm64 => "usr/local/arm64/usr/bin/busybox",
        })
    }
}

fn packages(arch: Arch) -> String {
    PACKAGES.to_owned() + if arch == Arch::Arm64 { FOR_ARM64 } else { "" }
}

fn make(ctx: &Context, arch: Arch, dir: &Path) -> Result<()> {
    let mirrors = Mirrors::of_this_machine()?;
    let (architectures, title) = match arch {
        Arch::Amd64 => ("amd64", "build root"),
        Arch::Arm64 => ("amd64,arm64", "build root for arm64"),
    };
    let step = ctx.progress.step(title);
    let root = dir.join("root");
    let mut options = vec![
        // apt stays usable inside: kernels are downloaded by it.
        "--skip=cleanup/apt/lists",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
    ];
    if arch == Arch::Arm64 {
        options.push(FETCH_BUSYBOX);
    }
    Debootstrap {
        mirrors: &mirrors,
        variant: "apt",
        architectures,
        packages: &packages(arch),
        origin: Origin::Backports(FROM_BACKPORTS),
        options: &options,
    }
    .directory(&root, &ctx.cache.log("build-root")?, &step)?;
    // The host's own is shown there; bwrap needs a plain file to cover.
    for file in ["etc/resolv.conf", "etc/hosts"] {
        let path = root.join(file);
        if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            fs::remove_file(&path).with_context(|| format!("{} cannot be removed", path.display()))?;
        }
        fs::write(&path, "").with_context(|| format!("{} cannot be written", path.display()))?;
    }
    step.done();
    Ok(())
}

/// `PACKAGE=VERSION` of those of `packages` that dpkg's `status` has as installed.
fn versions(status: &str, packages: &[&str]) -> String {
    let field = |paragraph: &str, name: &str| {
        paragraph.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.to_owned()))
    };
    let mut found: Vec<String> = status
        .split("\n\n")
        .filter_map(|paragraph| {
            let package = field(paragraph, "Package").filter(|name| packages.contains(&name.as_str()))?;
            Some(format!("{package}={}", field(paragraph, "Version")?))
        })
        .collect();
    found.sort();
    found.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn toolchain_versions() {
        let status = "Package: rustc\nStatus: install ok installed\nDescription: x\n Version: not this\nVersion: 1.85.1\n\n\
                      Package: rustc-doc\nVersion: 9\n\nPackage: bindgen\nVersion: 0.71.1-4\n";
        assert_eq!(versions(status, &TOOLCHAIN), "bindgen=0.71.1-4 rustc=1.85.1");
    }
}
