// SPDX-License-Identifier: GPL-2.0

//! The command line.

use crate::copy::Copy;
use clap::{Args, Parser, Subcommand, ValueEnum};
use rvirtio_provision::Arch;
use std::{ffi::OsString, path::PathBuf, str::FromStr};

/// Boots guests whose virtio devices are driven by rvirtio.
#[derive(Debug, Parser)]
#[command(name = "tools/vm", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a command as root in a guest and exit with its status.
    ///
    /// Exit status: the command's (128 + N when signal N ended it); 70 when the kernel log holds a
    /// complaint (WARNING, BUG, Oops, KASAN, lockdep, stall, hung task, ...); 124 on time-out; 125 when the
    /// guest could not be run; 2 for a wrong command line.
    Exec {
        #[command(flatten)]
        guest: GuestOptions,
        /// The command and its arguments, passed on as they are.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Boot a guest, show its virtio devices, give a shell (Ctrl-A X leaves).
    ///
    /// Without a terminal on standard input: show the devices, write to the root disk and read it back
    /// verified, power off.
    Run {
        #[command(flatten)]
        guest: GuestOptions,
    },
    /// List the kernels that can be booted.
    List,
    /// Build the modules for a kernel; print where they are, or where the kernel is that has them built in.
    Build {
        #[command(flatten)]
        kernel: KernelOptions,
    },
    /// Run a command in the files of the build root, which has compilers and QEMU, or of a user's Debian
    /// machine, which has DKMS and what builds packages, or of one with Debian's newest compilers. It can write
    /// to the current directory.
    In {
        #[arg(value_enum)]
        root: Place,
        /// A copy of the machine, which the command may change; it is made when it is not there.
        #[arg(long, value_name = "DIR")]
        copy: Option<PathBuf>,
        /// The command and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<OsString>,
    },
    /// Remove everything that was downloaded and built.
    Clean {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Place {
    Build,
    Machine,
    Newest,
}

#[derive(Debug, Clone, Args)]
pub struct KernelOptions {
    /// stock: Debian's; debug: with sanitizers and lock checking; builtin: the same with the drivers built
    /// in, booted without an initramfs; or a kernel build directory.
    #[arg(long, default_value = "stock", value_name = "stock|debug|builtin|DIR")]
    pub kernel: KernelChoice,
    /// The processor; for arm64 there are stock kernels only.
    #[arg(long, default_value = "amd64", value_name = "amd64|arm64")]
    pub arch: Arch,
    /// Which stock kernel: a release such as 7.3.4+deb13-amd64, or a flavour [default: newest cloud kernel].
    #[arg(long, env = "KVER", value_name = "RELEASE")]
    pub kver: Option<String>,
}

#[derive(Debug, Clone, Args)]
pub struct GuestOptions {
    #[command(flatten)]
    pub kernel: KernelOptions,
    /// Who drives the virtio devices that we have drivers for: we, or the in-tree C drivers.
    #[arg(long, value_enum, default_value_t = Drivers::Rust)]
    pub drivers: Drivers,
    /// Root file system on a disk, on one of a SCSI host, or all of the guest in memory.
    #[arg(long, value_enum, default_value_t = Root::Disk)]
    pub root: Root,
    /// Format of the root disk: an overlay (qcow2) over the base image, or a copy of it (raw).
    #[arg(long, value_enum, default_value_t = ImageFormat::Qcow2)]
    pub image: ImageFormat,
    /// QEMU device of the root disk, with options, for example virtio-blk-pci,packed=on,num-queues=4.
    #[arg(long, default_value = "virtio-blk-pci", value_name = "S")]
    pub root_device: String,
    /// Number of virtual CPUs.
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=255))]
    pub smp: u32,
    /// Memory in MiB, or with a suffix as in 2G [default: 1G; 2G with the root in memory or a kernel with sanitizers].
    #[arg(long, value_name = "M")]
    pub memory: Option<Memory>,
    /// QEMU -device argument; an IOMMU is put before all other devices.
    #[arg(long = "device", value_name = "S")]
    pub devices: Vec<String>,
    /// QEMU -blockdev argument.
    #[arg(long = "blockdev", value_name = "S")]
    pub blockdevs: Vec<String>,
    /// QEMU -netdev argument. Without one the guest has no network.
    #[arg(long = "netdev", value_name = "S")]
    pub netdevs: Vec<String>,
    /// So many links between interfaces of the guest, called link0 and so on, as -netdev arguments: as
    /// root also to the host, 10.77.0.1 and fd77::1, and with all offloads.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub links: u8,
    /// Pairs of queues of each link, as root: for devices with mq=on.
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub link_queues: u8,
    /// A disk of our own, which checks the driver; Documentation/device.md lists the options.
    #[arg(long = "own-disk", value_name = "NAME,SIZE[,OPTION=VALUE]...")]
    pub own_disks: Vec<rvirtio_device::Spec>,
    /// A network device of our own, which checks the driver and sends back what it is given.
    #[arg(long = "own-net", value_name = "NAME[,OPTION=VALUE]...", value_parser = rvirtio_device::Spec::net)]
    pub own_nets: Vec<rvirtio_device::Spec>,
    /// Any other QEMU argument, one word each.
    #[arg(long = "qemu", value_name = "ARG", allow_hyphen_values = true)]
    pub qemu: Vec<String>,
    /// Kernel arguments to add.
    #[arg(long = "append", value_name = "S", allow_hyphen_values = true)]
    pub append: Vec<String>,
    /// Make a file or directory available as /host/NAME.
    #[arg(long = "copy", value_name = "HOST[:GUEST]")]
    pub copies: Vec<Copy>,
    /// End the guest after that many seconds [default: 120 with KVM, 600 without, 1800 with sanitizers].
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u64).range(1..))]
    pub timeout: Option<u64>,
    /// Write the kernel's console to this file.
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// How QEMU runs the guest's code; auto takes KVM when it truly works.
    #[arg(long, value_enum, default_value_t = AccelChoice::Auto)]
    pub accel: AccelChoice,
}

impl GuestOptions {
    /// Whether the kernel itself mounts the root disk, with the drivers that it has built in.
    pub fn without_initramfs(&self) -> bool {
        self.kernel.kernel == KernelChoice::Builtin && self.root != Root::Ram
    }

    /// All defaults.
    pub fn defaults() -> Self {
        #[derive(Parser)]
        struct Only {
            #[command(flatten)]
            guest: GuestOptions,
        }
        Only::parse_from([""]).guest
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelChoice {
    Stock,
    Debug,
    Builtin,
    Tree(PathBuf),
}

impl KernelChoice {
    /// Whether it has KASAN and lockdep, which take memory and time.
    pub fn is_checked(&self) -> bool {
        matches!(self, Self::Debug | Self::Builtin)
    }
}

impl FromStr for KernelChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "stock" => Ok(Self::Stock),
            "debug" => Ok(Self::Debug),
            "builtin" => Ok(Self::Builtin),
            dir if std::path::Path::new(dir).is_dir() => Ok(Self::Tree(dir.into())),
            _ => Err("neither stock, debug, builtin nor a directory".to_owned()),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Drivers {
    Rust,
    C,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Root {
    Disk,
    /// On a disk of a SCSI host.
    Scsi,
    Ram,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImageFormat {
    Qcow2,
    Raw,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AccelChoice {
    Auto,
    Kvm,
    Tcg,
}

/// Guest memory in MiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory(pub u64);

impl FromStr for Memory {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (digits, unit) = match text.strip_suffix(['G', 'g']) {
            Some(digits) => (digits, 1024),
            None => (text.strip_suffix(['M', 'm']).unwrap_or(text), 1),
        };
        let mib = digits.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
        match mib {
            Some(mib) if mib >= 256 => Ok(Self(mib)),
            Some(_) => Err("a guest needs 256 MiB at least".to_owned()),
            None => Err("not a number of MiB, nor one with the suffix M or G".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    fn exec(args: &[&str]) -> Result<(GuestOptions, Vec<OsString>), clap::Error> {
        let words = ["tools/vm", "exec"].iter().chain(args);
        match Cli::try_parse_from(words)?.command {
            Command::Exec { guest, command } => Ok((guest, command)),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn defaults() {
        let (guest, command) = exec(&["--", "true"]).unwrap();
        assert_eq!(guest.kernel.kernel, KernelChoice::Stock);
        assert_eq!(guest.kernel.arch, Arch::Amd64);
        assert_eq!(guest.drivers, Drivers::Rust);
        assert_eq!(guest.root, Root::Disk);
        assert_eq!(guest.image, ImageFormat::Qcow2);
        assert!(guest.netdevs.is_empty());
        assert_eq!(command, ["true"]);
    }

    #[test]
    fn options_of_the_guest_command_are_left_alone() {
        let (guest, command) =
            exec(&["--qemu", "-object", "--qemu", "rng-builtin,id=r", "--", "sh", "-c", "--smp", "--"])
                .unwrap();
        assert_eq!(guest.qemu, ["-object", "rng-builtin,id=r"]);
        assert_eq!(command, ["sh", "-c", "--smp", "--"]);
    }

    #[test]
    fn wrong_options_are_refused() {
        for wrong in [
            &["true"][..],
            &["--"],
            &[],
            &["--smp", "0", "--", "true"],
            &["--timeout", "0", "--", "true"],
            &["--memory", "64", "--", "true"],
            &["--memory", "lots", "--", "true"],
            &["--kernel", "no-such-directory", "--", "true"],
            &["--drivers", "go", "--", "true"],
            &["--arch", "mips", "--", "true"],
            &["--copy", "no-such-file", "--", "true"],
        ] {
            assert!(exec(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn memory_units() {
        assert_eq!("512".parse(), Ok(Memory(512)));
        assert_eq!("512M".parse(), Ok(Memory(512)));
        assert_eq!("3G".parse(), Ok(Memory(3072)));
        assert!("99999999999999999G".parse::<Memory>().is_err());
    }
}
