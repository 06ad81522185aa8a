// SPDX-License-Identifier: GPL-2.0

//! Network interfaces that are compared, each with a link to the host of its own.

use serde::{Deserialize, Serialize};

/// A driver with an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Nic {
    /// virtio-net, driven by the in-tree driver.
    C,
    /// virtio-net, driven by rvirtio.
    Rust,
    /// An emulated Intel 82540EM.
    E1000,
}

impl Nic {
    /// All, the one that others are compared with first.
    pub const ALL: [Nic; 3] = [Nic::C, Nic::Rust, Nic::E1000];
    /// Those that a quick comparison is between.
    pub const VIRTIO: [Nic; 2] = [Nic::C, Nic::Rust];

    /// For tables.
    pub fn title(self) -> &'static str {
        self.facts().0
    }

    /// Module, which is also the shell variable of the interface in the guest.
    pub fn module(self) -> &'static str {
        self.facts().1
    }

    /// PCI slot in the guest, and third number of its network's addresses.
    fn number(self) -> u8 {
        self.facts().2
    }

    /// PCI driver that must have the device while it is measured.
    fn driver(self) -> &'static str {
        self.facts().3
    }

    fn facts(self) -> (&'static str, &'static str, u8, &'static str) {
        match self {
            Self::C => ("C virtio_net", "virtio_net", 10, "virtio-pci"),
            Self::Rust => ("rvirtio_net", "rvirtio_net", 12, "rvirtio_pci"),
            Self::E1000 => ("e1000", "e1000", 11, "e1000"),
        }
    }

    /// The host's end of the link.
    pub fn tap(self) -> String {
        format!("bench{}", self.number())
    }

    /// The host's address on the link.
    pub fn host_address(self) -> String {
        format!("10.77.{}.1", self.number())
    }

    /// Pairs of queues that the device has with `cpus` virtual CPUs.
    pub fn queues(self, cpus: u32) -> u32 {
        match self {
            Self::C => cpus,
            Self::Rust | Self::E1000 => 1,
        }
    }

    fn address(self) -> String {
        format!("0000:00:{}.0", self.number())
    }

    /// What its lines in /proc/interrupts contain; a word of shell.
    pub fn interrupts(self) -> String {
        match self {
            // By message, with the address; and by line, with the interface's name.
            Self::C | Self::Rust => self.address(),
            Self::E1000 => format!("${}", self.module()),
        }
    }

    /// Arguments for `tools/vm exec`.
    pub fn arguments(self, cpus: u32) -> Vec<String> {
        let (tap, queues, number) = (self.tap(), self.queues(cpus), self.number());
        let several = if queues > 1 { format!(",queues={queues}") } else { String::new() };
        let device = match self {
            Self::C if queues > 1 => {
                // A vector for each queue, one for the control queue, one for changes.
                format!("virtio-net-pci,mq=on,vectors={}", 2 * queues + 2)
            }
            Self::C | Self::Rust => "virtio-net-pci".to_owned(),
            Self::E1000 => "e1000".to_owned(),
        };
        vec![
            "--netdev".to_owned(),
            format!("tap,id={tap},ifname={tap},script=no,downscript=no{several}"),
            "--device".to_owned(),
            format!("{device},netdev={tap},addr={number}"),
        ]
    }

    /// Shell commands by which the guest gets the interface ready.
    pub fn set_up(self, cpus: u32) -> String {
        let (module, address, queues) = (self.module(), self.address(), self.queues(cpus));
        let take = match self {
            Self::Rust => format!("take_over {address} {module}"),
            Self::C | Self::E1000 => format!("modprobe {module}"),
        };
        let mut set_up = format!(
            "{take}\nexpect_driver {address} {}\n{module}=$(interface_of {address})\n\
             interface_up ${module} 10.77.{}.2/24\n",
            self.driver(),
            self.number()
        );
        if queues > 1 {
            set_up += &format!("ethtool -L ${module} combined {queues} >&2 || fail 'no {queues} queues'\n");
        }
        set_up
    }
}
