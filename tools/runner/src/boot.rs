// SPDX-License-Identifier: GPL-2.0

//! From options to a guest that can be started: modules, initramfs, root disk, QEMU.

use crate::{
    accel::Accel,
    channels::{Channels, QemuEnds},
    cli::{Drivers, GuestOptions, ImageFormat, KernelChoice, Root},
    initramfs::{self, Tree},
    modules::{self, GuestModules},
    qemu::Machine,
    vm::Vm,
};
use anyhow::{Context as _, Result, bail};
use rvirtio_device::OwnDevice;
use rvirtio_provision::{BuildRoot, Context, GuestImage, Kernel, Scratch, build_modules};
use std::{
    ffi::OsString,
    fmt::Write as _,
    fs::{self, File},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Programs of busybox that the guest's scripts call.
const APPLETS: [&str; 24] = [
    "cat", "chroot", "env", "findfs", "hostname", "id", "insmod", "ip", "ln", "ls", "mkdir", "mkfifo",
    "mount", "poweroff", "readlink", "sed", "setsid", "sh", "sleep", "sort", "stty", "sync", "tr", "uname",
];

/// The guest's files, in `/run/rvirtio` unless a path is given.
const FILES: [(&str, u32, &[u8]); 9] = [
    ("/init", 0o755, include_bytes!("../../guest/init")),
    ("enter", 0o755, include_bytes!("../../guest/enter")),
    ("lib.sh", 0o644, include_bytes!("../../guest/lib.sh")),
    ("start", 0o755, include_bytes!("../../guest/start")),
    ("devices", 0o755, include_bytes!("../../guest/devices")),
    ("features.tsv", 0o644, include_bytes!("../../guest/features.tsv")),
    ("check-disk", 0o755, include_bytes!("../../guest/check-disk")),
    ("network", 0o755, include_bytes!("../../guest/network")),
    ("rebind", 0o755, include_bytes!("../../rebind")),
];

/// What the guest does.
pub enum Mode {
    /// Run a command and power off.
    Command(Vec<OsString>),
    /// A shell on the second serial port, for a terminal of this type.
    Shell { terminal: String },
    /// Power off at once.
    Trial,
}

/// A guest to be.
pub struct Boot<'a> {
    pub ctx: &'a Context,
    pub root: &'a BuildRoot,
    pub kernel: &'a Kernel,
    /// Not needed for [`Mode::Trial`].
    pub image: Option<&'a GuestImage>,
    pub options: &'a GuestOptions,
    pub accel: Accel,
    pub mode: Mode,
}

/// A guest that only waits to be started. Its files go with it.
pub struct Prepared {
    command: Command,
    channels: Channels,
    qemu_ends: QemuEnds,
    own_devices: Vec<OwnDevice>,
    files: Scratch,
}

impl Boot<'_> {
    /// Makes everything that QEMU needs.
    pub fn prepare(&self) -> Result<Prepared> {
        let files = Scratch::create(self.ctx.cache.root())?;
        let archive = files.path().join("files.cpio");
        self.make_archive(&archive, files.path())
            .with_context(|| format!("the guest's files cannot be put into {}", files.path().display()))?;
        let disk = match self.image {
            Some(image) if self.options.root != Root::Ram => Some(self.make_disk(&image.disk, files.path())?),
            _ => None,
        };

        let (channels, qemu_ends) = Channels::new()?;
        let own_devices: Vec<OwnDevice> = (self.options.own_disks.iter().chain(&self.options.own_nets))
            .map(|spec| OwnDevice::start(spec, files.path()))
            .collect::<Result<_>>()?;
        let own: Vec<String> = own_devices.iter().map(OwnDevice::qemu_device).collect();
        let arch = self.root.arch();
        let machine = Machine {
            accel: self.accel,
            options: self.options,
            kernel: &self.kernel.vmlinuz,
            files: &archive,
            disk: disk.as_ref().map(|(path, format)| (path.as_path(), *format)),
            own_devices: &own,
        };
        let mut qemu = self.root.command(arch.qemu());
        qemu.args(qemu_ends.arguments(arch)).args(machine.arguments());
        if !self.root.path().join("usr/bin").join(arch.qemu()).exists() {
            bail!(
                "{} is missing from the build root: remove it with tools/vm clean, the next run makes it again",
                arch.qemu()
            );
        }
        let (ours, users) = machine.host_paths();
        for path in ours {
            qemu.bind_ro(path);
        }
        if let Some(image) = self.image {
            qemu.bind_ro(&image.disk);
        }
        qemu.bind_rw(files.path());
        let here = std::env::current_dir().context("the current directory is gone")?;
        if here != Path::new("/") {
            qemu.bind_rw(&here);
        }
        qemu.current_dir(&here);
        for path in users {
            qemu.bind_rw(path);
        }
        let mut command = qemu.command()?;
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        Ok(Prepared { command, channels, qemu_ends, own_devices, files })
    }

    /// What the guest has beside its root file system, for the kernel to unpack as an initramfs or for
    /// the guest itself.
    fn make_archive(&self, path: &Path, scratch: &Path) -> Result<()> {
        let modules = self.modules(scratch)?;
        let tree = Tree::new(scratch.join("tree"))?;
        self.add_programs(&tree)?;
        add_modules(&tree, &modules)?;
        tree.bytes("/run/rvirtio/config", 0o644, self.config(&modules).as_bytes())?;
        for copy in &self.options.copies {
            tree.copy(Path::new("/host").join(&copy.guest), &copy.host)?;
        }
        let Some(image) = self.image.filter(|_| self.options.root == Root::Ram) else {
            return tree.pack(self.root, path);
        };
        // After the image: what comes later replaces what is there.
        let last = scratch.join("last.cpio");
        tree.pack(self.root, &last)?;
        let mut out = File::create(path)?;
        initramfs::append(&mut out, &image.ram)?;
        initramfs::append(&mut out, &last)
    }

    fn modules(&self, scratch: &Path) -> Result<GuestModules> {
        let (ctx, root, kernel) = (self.ctx, self.root, self.kernel);
        let builtin = self.options.kernel.kernel == KernelChoice::Builtin;
        match (&self.mode, self.options.drivers) {
            (Mode::Trial, _) => Ok(GuestModules::default()),
            (_, Drivers::C) if builtin => {
                bail!("the kernel with our drivers built in has none in C: use --drivers c with another")
            }
            (_, Drivers::Rust) if builtin => Ok(GuestModules::default()),
            (_, Drivers::C) => modules::in_tree(root, kernel, scratch),
            (_, Drivers::Rust) => {
                modules::ours(ctx, root, kernel, &build_modules(ctx, root, kernel)?, scratch)
            }
        }
    }

    fn add_programs(&self, tree: &Tree) -> Result<()> {
        tree.copy("/run/rvirtio/bin/busybox", &self.root.busybox())?;
        for applet in APPLETS {
            tree.symlink(Path::new("/run/rvirtio/bin").join(applet), "busybox")?;
        }
        for dir in ["dev", "proc", "sys"] {
            tree.directory(dir)?;
        }
        for (name, mode, contents) in FILES {
            tree.bytes(Path::new("/run/rvirtio").join(name), mode, contents)?;
        }
        if let Mode::Command(command) = &self.mode {
            let words = command.iter().map(|word| word.as_bytes());
            let words = shlex::bytes::try_join(words).context("no argument can hold a NUL")?;
            tree.bytes("/run/rvirtio/command", 0o755, &[b"exec ", &words[..], b"\n"].concat())?;
        }
        Ok(())
    }

    /// Shell assignments that the guest's scripts read.
    fn config(&self, modules: &GuestModules) -> String {
        let mut config = String::new();
        let mut set = |name: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = writeln!(config, "{name}='{}'", value.replace('\'', ""));
        };
        let (mode, terminal) = match &self.mode {
            Mode::Command(_) => ("command", ""),
            Mode::Shell { terminal } => ("shell", terminal.as_str()),
            Mode::Trial => ("trial", ""),
        };
        set("MODE", mode);
        set("TERMINAL", terminal);
        set(
            "ROOT",
            match (&self.mode, self.options.root) {
                (Mode::Trial, _) => "none",
                (_, Root::Ram) => "ram",
                (_, Root::Disk | Root::Scsi) => "disk",
            },
        );
        set("DRIVERS", if self.options.drivers == Drivers::C { "c" } else { "rust" });
        let front_ends: Vec<_> =
            modules.front_ends.iter().map(|(id, module)| format!("{id}:{module}")).collect();
        set("FRONT_ENDS", &front_ends.join(" "));
        set("NOT_LOADED", &modules.not_loaded.join(" "));
        config
    }

    /// A disk of this run's own over `base`, and its format.
    fn make_disk(&self, base: &Path, dir: &Path) -> Result<(PathBuf, &'static str)> {
        match self.options.image {
            ImageFormat::Qcow2 => {
                let disk = dir.join("root.qcow2");
                let mut create = self.root.command("qemu-img");
                create.args(["create", "-q", "-f", "qcow2", "-F", "raw", "-b"]).arg(base).arg(&disk);
                create.bind_ro(base).bind_rw(dir).run()?;
                Ok((disk, "qcow2"))
            }
            ImageFormat::Raw => {
                let disk = dir.join("root.raw");
                let status = Command::new("cp")
                    .args(["--sparse=always", "--reflink=auto"])
                    .arg(base)
                    .arg(&disk)
                    .status()
                    .context("cp cannot be run")?;
                if !status.success() {
                    bail!("the root disk could not be copied to {}: is the disk full?", dir.display());
                }
                Ok((disk, "raw"))
            }
        }
    }
}

fn add_modules(tree: &Tree, modules: &GuestModules) -> Result<()> {
    let mut order = String::new();
    for file in &modules.load {
        let name = file.file_name().unwrap_or_default();
        tree.copy(Path::new("/run/rvirtio/load").join(name), file)?;
        order.push_str(&name.to_string_lossy());
        order.push('\n');
    }
    tree.bytes("/run/rvirtio/load.order", 0o644, order.as_bytes())?;
    let Some(index) = &modules.index else { return Ok(()) };
    let place = Path::new("/run/rvirtio/modules");
    // The kernel's own are mounted there.
    tree.directory(place.join("kernel"))?;
    tree.copy(place.join("updates"), &index.join("updates"))?;
    for entry in fs::read_dir(index)? {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            tree.copy(place.join(entry.file_name()), &entry.path())?;
        }
    }
    Ok(())
}

impl Prepared {
    /// Starts QEMU.
    pub fn start(self) -> Result<Vm> {
        Vm::start(self.command, self.channels, self.qemu_ends, self.own_devices, self.files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_program_is_carried_in_vain() {
        let scripts: String = FILES
            .iter()
            .filter(|(name, ..)| ["/init", "enter", "lib.sh", "start", "rebind"].contains(name))
            .map(|(_, _, text)| String::from_utf8_lossy(text))
            .collect();
        for applet in APPLETS {
            assert!(scripts.contains(applet), "{applet} is not used");
        }
    }
}
