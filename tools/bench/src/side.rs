// SPDX-License-Identifier: GPL-2.0

//! What is compared: drivers and emulated disks, each with a device of its own in the same guest.

use serde::{Deserialize, Serialize};

/// A driver with a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// virtio-blk, driven by the in-tree driver.
    C,
    /// virtio-blk, driven by rvirtio.
    Rust,
    /// A disk of a virtio SCSI host, driven by the in-tree driver.
    ScsiC,
    /// The same, driven by rvirtio.
    ScsiRust,
    /// A SATA disk on an emulated AHCI controller.
    Ahci,
    /// A disk on an emulated PIIX3 IDE controller.
    Ide,
}

/// The two that are always compared.
pub const VIRTIO: [Side; 2] = [Side::C, Side::Rust];

/// The same for SCSI hosts.
pub const SCSI: [Side; 2] = [Side::ScsiC, Side::ScsiRust];

impl Side {
    /// For tables.
    pub fn title(self) -> &'static str {
        self.facts().0
    }

    /// Shell variable of its disk in the guest.
    pub fn variable(self) -> &'static str {
        self.facts().1
    }

    fn slot(self) -> u8 {
        self.facts().2
    }

    /// PCI driver that must have the device while it is measured.
    pub fn driver(self) -> &'static str {
        self.facts().3
    }

    fn facts(self) -> (&'static str, &'static str, u8, &'static str) {
        match self {
            Self::C => ("C virtio_blk", "c", 10, "virtio-pci"),
            Self::Rust => ("rvirtio_blk", "rust", 11, "rvirtio_pci"),
            Self::Ahci => ("AHCI", "ahci", 12, "ahci"),
            Self::Ide => ("IDE", "ide", 13, "ata_piix"),
            Self::ScsiC => ("C virtio_scsi", "scsi_c", 14, "virtio-pci"),
            Self::ScsiRust => ("rvirtio_scsi", "scsi_rust", 15, "rvirtio_pci"),
        }
    }

    /// PCI address in the guest.
    pub fn address(self) -> String {
        format!("0000:00:{}.0", self.slot())
    }

    /// The one in C that it is compared with.
    pub fn control(self) -> Self {
        if self == Self::ScsiRust { Self::ScsiC } else { Self::C }
    }

    /// What its lines in /proc/interrupts contain.
    pub fn interrupts(self) -> String {
        match self {
            Self::Ide => self.driver().to_owned(),
            _ => self.address(),
        }
    }

    /// Arguments for `tools/vm exec`: a disk of its own over back end `blockdev` (options without a
    /// node name), `options` added to a virtio device.
    pub fn arguments(self, blockdev: &str, options: &str) -> Vec<String> {
        let (node, slot) = (format!("bench-{}", self.variable().replace('_', "-")), self.slot());
        let mut arguments = vec!["--blockdev".to_owned(), format!("node-name={node},{blockdev}")];
        let mut device = |text: String| arguments.extend(["--device".to_owned(), text]);
        let virtio = |options: &str| format!("virtio-blk-pci,drive={node},addr={slot}{options}");
        match self {
            Self::C | Self::Rust => device(virtio(options)),
            Self::ScsiC | Self::ScsiRust => {
                device(format!("virtio-scsi-pci,id={node}-host,addr={slot}{options}"));
                device(format!("scsi-hd,bus={node}-host.0,drive={node}"));
            }
            Self::Ahci => {
                device(format!("ich9-ahci,id=bench-ahci-hba,addr={slot}"));
                device(format!("ide-hd,bus=bench-ahci-hba.0,drive={node}"));
            }
            Self::Ide => {
                device(format!("piix3-ide,id=bench-ide-hba,addr={slot}"));
                device(format!("ide-hd,bus=bench-ide-hba.0,drive={node}"));
            }
        }
        arguments
    }

    /// Shell commands by which the guest gets the disk ready.
    pub fn set_up(self) -> String {
        let (variable, address) = (self.variable(), self.address());
        let take = match self {
            Self::C => "modprobe virtio_blk\n".to_owned(),
            Self::Rust => format!("take_over {address}\n"),
            Self::ScsiC => "modprobe virtio_scsi\nmodprobe sd_mod\n".to_owned(),
            Self::ScsiRust => format!("modprobe sd_mod\ntake_over {address} rvirtio_scsi\n"),
            Self::Ahci | Self::Ide => format!("modprobe {}\nmodprobe sd_mod\n", self.driver()),
        };
        format!("{take}{variable}=$(disk_of {address})\nexpect_driver {address} {}\n", self.driver())
    }
}
