// SPDX-License-Identifier: GPL-2.0

//! The build root: a Debian userland with what Debian's kernel was built with, and QEMU.

use crate::{BwrapCommand, Context, apt::Mirrors, cache::Key, debootstrap::Debootstrap, host};
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

const PACKAGES: [&str; 43] = [
    // Kernel and module builds, with the compilers of Debian's own kernel.
    "make",
    "gcc",
    "gcc-14",
    "bc",
    "bison",
    "flex",
    "libelf-dev",
    "libssl-dev",
    "libdw-dev",
    "pahole",
    "rustc",
    "rust-src",
    "rust-clippy",
    "rustfmt",
    "bindgen",
    "cargo",
    "clang",
    "clang-19",
    "lld",
    "lld-19",
    "llvm",
    "llvm-19",
    "python3",
    "perl",
    "rsync",
    "git",
    "file",
    "kmod",
    "cpio",
    "xz-utils",
    "zstd",
    "bzip2",
    // Guest images: archives are turned into file systems without becoming root.
    "e2fsprogs",
    "libarchive-tools",
    "busybox-static",
    // Running guests.
    "qemu-system-x86",
    "qemu-utils",
    "seabios",
    "ipxe-qemu",
    "iproute2",
    "iperf3",
    "procps",
    "ca-certificates",
];

/// QEMU and what it must match: 11.1 has devices and features that the release's 10.0 lacks.
const FROM_BACKPORTS: &str = "src:qemu src:seabios";

/// What decides how a kernel and its modules come out.
const TOOLCHAIN: [&str; 7] = ["bindgen", "clang-19", "gcc-14", "lld-19", "pahole", "rust-src", "rustc"];

/// A Debian trixie userland with the kernel's own compilers and QEMU, entered by bubblewrap.
#[derive(Debug, Clone)]
pub struct BuildRoot {
    path: PathBuf,
}

impl BuildRoot {
    /// Finds the build root in the cache or makes it, which takes 2 to 5 minutes and the network.
    ///
    /// # Errors
    ///
    /// When the host lacks what is needed (and cannot be given it), the mirror cannot be
    /// reached, or the disk is too small; each in one sentence that says what to do.
    pub fn ensure(ctx: &Context) -> Result<Self> {
        let key = Key::new(RECIPE).with("packages", PACKAGES.join(" ")).with("backports", FROM_BACKPORTS);
        let path = match ctx.cache.find("build-root", &key) {
            Some(path) => {
                host::check_sandbox()?;
                path
            }
            None => {
                host::ensure_programs(&ctx.progress)?;
                ctx.cache.ensure("build-root", &key, SPACE, |dir| make(ctx, dir))?
            }
        };
        Ok(Self { path: path.join("root") })
    }

    /// Where it lies on the host.
    pub fn path(&self) -> &Path {
        &self.path
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

    /// Host path of the static busybox, for initramfs archives.
    pub fn busybox(&self) -> PathBuf {
        self.path.join("usr/bin/busybox")
    }
}

fn make(ctx: &Context, dir: &Path) -> Result<()> {
    let mirrors = Mirrors::of_this_machine()?;
    let step = ctx.progress.step("build root");
    let root = dir.join("root");
    Debootstrap {
        mirrors: &mirrors,
        variant: "apt",
        packages: &PACKAGES,
        from_backports: Some(FROM_BACKPORTS),
        options: &[
            // apt stays usable inside: kernels are downloaded by it.
            "--skip=cleanup/apt/lists",
            "--dpkgopt=path-exclude=/usr/share/man/*",
            "--dpkgopt=path-exclude=/usr/share/locale/*",
        ],
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
