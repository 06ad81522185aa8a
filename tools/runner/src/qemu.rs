// SPDX-License-Identifier: GPL-2.0

//! QEMU's command line.

use crate::{
    accel::Accel,
    cli::{GuestOptions, Root},
    host_paths, links,
};
use rvirtio_provision::Arch;
use std::path::{Path, PathBuf};

/// Everything that makes up a guest.
pub struct Machine<'a> {
    pub accel: Accel,
    pub options: &'a GuestOptions,
    /// Bootable image, the guest's files as a cpio archive, and root disk (with its format); host paths.
    pub kernel: &'a Path,
    pub files: &'a Path,
    pub disk: Option<(&'a Path, &'static str)>,
    /// Disks of our own, as arguments of `-device`.
    pub own_devices: &'a [String],
}

/// Default memory in MiB. A guest that lives in memory holds a Debian there; KASAN takes an eighth and more.
const MEMORY: u64 = 1024;
const LARGE_MEMORY: u64 = 2048;

/// On a busy host TCG's vCPUs stand still for a while: that is no stall, nor does a timer that was not
/// heard in time ("IO-APIC + timer doesn't work") mean that there is none. The watchdog of the clock
/// source reads the clocks of two vCPUs in lock step, with interrupts off: when one of them stands still
/// the other spins, for ever in the worst case. The times are seconds.
const PATIENCE: &str = "rcupdate.rcu_cpu_stall_timeout=120 watchdog_thresh=30 workqueue.watchdog_thresh=120";
const PATIENCE_AMD64: &str = "no_timer_check tsc=nowatchdog";

/// The kernel mounts the root disk, which comes first, and starts a program there that fetches the
/// guest's files. What follows the dashes is for that program, so it comes last; what the kernel does not know and
/// is before `init=` is not.
const ROOT: &str = "root=/dev/vda rootfstype=ext4 rw";
const INIT: &str = "init=/bin/sh -- -c \"mount -t proc proc /proc && mount -t sysfs sysfs /sys && \
    mount -t tmpfs -o mode=755 run /run && cd / && cpio -idu --quiet </dev/nvme0n1 && \
    exec /run/rvirtio/bin/sh /run/rvirtio/enter\"";

impl Machine<'_> {
    /// Arguments for QEMU, without the serial ports.
    pub fn arguments(&self) -> Vec<String> {
        let options = self.options;
        let mut arguments: Vec<String> = Vec::new();
        let mut add = |words: &[&str]| arguments.extend(words.iter().map(|&word| word.to_owned()));
        let (accel, cpu) = match self.accel {
            Accel::Kvm => ("kvm", "host"),
            Accel::Tcg => ("tcg,thread=multi", "max"),
        };
        add(&["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"]);
        add(&["-machine", self.machine(), "-accel", accel, "-cpu", cpu]);
        add(&["-smp", &options.smp.to_string(), "-m", &format!("{}M", self.memory())]);
        add(&["-kernel", &self.kernel.to_string_lossy(), "-append", &self.kernel_arguments()]);
        if !self.files_on_disk() {
            add(&["-initrd", &self.files.to_string_lossy()]);
        }

        for blockdev in &options.blockdevs {
            add(&["-blockdev", blockdev]);
        }
        for netdev in options.netdevs.iter().chain(&links::netdevs(options.links, options.link_queues)) {
            add(&["-netdev", netdev]);
        }
        // An IOMMU only serves devices that come after it; the root disk comes first of the others,
        // so that it has the first name and address whatever else there is.
        let (iommus, others): (Vec<_>, Vec<_>) = options.devices.iter().partition(|device| is_iommu(device));
        for device in iommus {
            add(&["-device", device]);
        }
        if let Some((path, format)) = self.disk {
            add(&["-blockdev", &root_blockdev(path, format)]);
            let device = match options.root {
                Root::Scsi => {
                    add(&["-device", "virtio-scsi-pci,id=rvirtio-root"]);
                    "scsi-hd,bus=rvirtio-root.0"
                }
                Root::Disk | Root::Ram => &options.root_device,
            };
            add(&["-device", &format!("{device},drive=rvirtio-root")]);
        }
        for device in others.into_iter().chain(self.own_devices) {
            add(&["-device", device]);
        }
        if !self.own_devices.is_empty() {
            // They access the guest's memory themselves.
            let object = format!("memory-backend-memfd,id=rvirtio-ram,size={}M,share=on", self.memory());
            add(&["-object", &object, "-machine", "memory-backend=rvirtio-ram"]);
            // They judge whoever drives them, which the firmware must not.
            add(&["-boot", "strict=on"]);
        }
        // Last, so that all else has the places that it has with other kernels.
        if self.files_on_disk() {
            add(&["-blockdev", &files_blockdev(self.files)]);
            add(&["-device", "nvme,drive=rvirtio-files,serial=files"]);
        }
        arguments.extend(options.qemu.iter().cloned());
        arguments
    }

    /// Host files and directories that QEMU must be able to read, and those that it may also write.
    pub fn host_paths(&self) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let options = self.options;
        let ours = vec![self.kernel.to_owned(), self.files.to_owned()];
        let lists = [&options.devices, &options.blockdevs, &options.netdevs, &options.qemu];
        let mut users: Vec<PathBuf> =
            lists.into_iter().flatten().flat_map(|text| host_paths::in_argument(text)).collect();
        users.sort();
        users.dedup();
        (ours, users)
    }

    fn arch(&self) -> Arch {
        self.options.kernel.arch
    }

    fn machine(&self) -> &'static str {
        if self.arch() == Arch::Arm64 {
            // With an interrupt controller that has message-signalled interrupts.
            return "virt,gic-version=3";
        }
        // KVM's own I/O APIC knows no remapping.
        if self.accel == Accel::Kvm && self.options.devices.iter().any(|device| is_iommu(device)) {
            "q35,kernel-irqchip=split"
        } else {
            "q35"
        }
    }

    fn memory(&self) -> u64 {
        let large = self.options.root == Root::Ram || self.options.kernel.kernel.is_checked();
        self.options.memory.map_or(if large { LARGE_MEMORY } else { MEMORY }, |memory| memory.0)
    }

    /// Without an initramfs the guest's files are on a disk of another kind than those under test.
    fn files_on_disk(&self) -> bool {
        self.disk.is_some() && self.options.without_initramfs()
    }

    fn kernel_arguments(&self) -> String {
        // A reboot ends QEMU, so a panic or an oops ends the run at once.
        let mut words = vec!["printk.time=1 loglevel=7 8250.nr_uarts=4 panic=-1 oops=panic"];
        words.push(match self.arch() {
            Arch::Amd64 => "console=ttyS0",
            Arch::Arm64 => "console=ttyAMA0",
        });
        words.push(if self.files_on_disk() { ROOT } else { "rdinit=/init" });
        if self.accel == Accel::Tcg {
            words.push(PATIENCE);
            if self.arch() == Arch::Amd64 {
                words.push(PATIENCE_AMD64);
            }
        }
        if self.options.kernel.kernel.is_checked() {
            // KASAN's early page tables and five levels of them do not go well together under TCG.
            words.push("no5lvl");
        }
        words.extend(self.options.append.iter().map(String::as_str));
        if self.files_on_disk() {
            words.push(INIT);
        }
        words.join(" ")
    }
}

fn is_iommu(device: &str) -> bool {
    let name = device.split(',').next().unwrap_or_default();
    name.contains("iommu") || device.contains("\"driver\":\"intel-iommu\"")
}

/// The disk lives for one run: a lost host need not find it intact, so flushes end in the host's cache.
fn root_blockdev(path: &Path, format: &str) -> String {
    let path = path.to_string_lossy().replace(',', ",,");
    format!(
        "driver={format},node-name=rvirtio-root,discard=unmap,cache.no-flush=on,file.driver=file,file.filename={path}"
    )
}

fn files_blockdev(path: &Path) -> String {
    let path = path.to_string_lossy().replace(',', ",,");
    format!(
        "driver=raw,node-name=rvirtio-files,read-only=on,file.driver=file,file.read-only=on,file.filename={path}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Command};
    use clap::Parser as _;

    fn arguments(accel: Accel, disk: bool, words: &[&str]) -> Vec<String> {
        let words = ["tools/vm", "exec"].iter().chain(words).chain(&["--", "true"]);
        let Command::Exec { guest, .. } = Cli::try_parse_from(words).unwrap().command else { unreachable!() };
        let machine = Machine {
            accel,
            options: &guest,
            kernel: Path::new("/k/vmlinuz"),
            files: Path::new("/t/files"),
            disk: disk.then_some((Path::new("/t/a,b.qcow2"), "qcow2")),
            own_devices: &[],
        };
        machine.arguments()
    }

    fn all_of<'a>(arguments: &'a [String], option: &str) -> Vec<&'a str> {
        arguments.windows(2).filter(|pair| pair[0] == option).map(|pair| pair[1].as_str()).collect()
    }

    #[test]
    fn defaults() {
        let arguments = arguments(Accel::Tcg, true, &[]);
        assert_eq!(all_of(&arguments, "-machine"), ["q35"]);
        assert_eq!(all_of(&arguments, "-accel"), ["tcg,thread=multi"]);
        assert_eq!(all_of(&arguments, "-device"), ["virtio-blk-pci,drive=rvirtio-root"]);
        assert!(all_of(&arguments, "-blockdev")[0].ends_with("file.filename=/t/a,,b.qcow2"));
        assert!(all_of(&arguments, "-netdev").is_empty());
        assert!(arguments.contains(&"-no-reboot".to_owned()));
        assert!(all_of(&arguments, "-append")[0].contains("panic=-1"));
    }

    #[test]
    fn root_can_be_behind_a_host() {
        let arguments = arguments(Accel::Tcg, true, &["--root", "scsi"]);
        let expected = ["virtio-scsi-pci,id=rvirtio-root", "scsi-hd,bus=rvirtio-root.0,drive=rvirtio-root"];
        assert_eq!(all_of(&arguments, "-device"), expected);
    }

    #[test]
    fn iommu_comes_first_and_splits_kvms_irqchip() {
        let words = [
            "--device",
            "virtio-rng-pci",
            "--device",
            "intel-iommu,intremap=on",
            "--root-device",
            "virtio-blk-pci,packed=on,iommu_platform=on",
        ];
        let kvm = arguments(Accel::Kvm, true, &words);
        assert_eq!(
            all_of(&kvm, "-device"),
            [
                "intel-iommu,intremap=on",
                "virtio-blk-pci,packed=on,iommu_platform=on,drive=rvirtio-root",
                "virtio-rng-pci"
            ]
        );
        assert_eq!(all_of(&kvm, "-machine"), ["q35,kernel-irqchip=split"]);
        assert_eq!(all_of(&arguments(Accel::Tcg, true, &words), "-machine"), ["q35"]);
    }

    #[test]
    fn other_processor() {
        let arguments = arguments(Accel::Tcg, true, &["--arch", "arm64"]);
        assert_eq!(all_of(&arguments, "-machine"), ["virt,gic-version=3"]);
        let append = all_of(&arguments, "-append")[0];
        assert!(append.contains("console=ttyAMA0 ") && !append.contains("tsc="), "{append}");
    }

    #[test]
    fn the_users_kernel_arguments_come_last() {
        let arguments = arguments(Accel::Tcg, false, &["--append", "loglevel=8", "--append", "quiet"]);
        assert!(all_of(&arguments, "-append")[0].ends_with(" loglevel=8 quiet"));
    }

    #[test]
    fn built_in_drivers_need_no_initramfs() {
        let with = |words: &[&str]| arguments(Accel::Tcg, true, words);
        let direct = with(&["--kernel", "builtin", "--append", "quiet"]);
        assert!(all_of(&direct, "-initrd").is_empty());
        assert!(all_of(&direct, "-append")[0].contains("root=/dev/vda "));
        assert!(all_of(&direct, "-append")[0].ends_with("/enter\""));
        // Not by a driver of ours: it is to be seen when those do nothing.
        assert!(all_of(&direct, "-device")[1].starts_with("nvme,"));
        for words in [&["--kernel", "builtin", "--root", "ram"][..], &["--kernel", "debug"]] {
            assert_eq!(all_of(&with(words), "-initrd"), ["/t/files"]);
        }
    }

    #[test]
    fn other_words_are_passed_on() {
        let arguments = arguments(Accel::Tcg, false, &["--qemu", "-object", "--qemu", "rng-builtin,id=r"]);
        assert_eq!(all_of(&arguments, "-object"), ["rng-builtin,id=r"]);
    }

    #[test]
    fn memory_depends_on_what_it_holds() {
        let memory = |words: &[&str]| all_of(&arguments(Accel::Tcg, true, words), "-m")[0].to_owned();
        assert_eq!(memory(&[]), "1024M");
        assert_eq!(memory(&["--root", "ram"]), "2048M");
        assert_eq!(memory(&["--kernel", "debug"]), "2048M");
        assert_eq!(memory(&["--root", "ram", "--memory", "4G"]), "4096M");
    }
}
