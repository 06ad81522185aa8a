// SPDX-License-Identifier: GPL-2.0

//! What kind of device is wanted.

pub mod net;
#[cfg(test)]
mod tests;

use crate::scsi;
use std::{path::PathBuf, str::FromStr};

/// Feature bits.
pub mod feature {
    pub const SEG_MAX: u32 = 2;
    pub const BLK_SIZE: u32 = 6;
    pub const FLUSH: u32 = 9;
    pub const MQ: u32 = 12;
    pub const DISCARD: u32 = 13;
    pub const WRITE_ZEROES: u32 = 14;
    pub const LIFETIME: u32 = 15;
    pub const SECURE_ERASE: u32 = 16;
    pub const ZONED: u32 = 17;
    /// Those of SCSI hosts.
    pub const HOTPLUG: u32 = 1;
    pub const CHANGE: u32 = 2;
    pub const INDIRECT_DESC: u32 = 28;
    pub const EVENT_IDX: u32 = 29;
    pub const VERSION_1: u32 = 32;
    pub const ACCESS_PLATFORM: u32 = 33;
    pub const RING_PACKED: u32 = 34;
    pub const IN_ORDER: u32 = 35;
    pub const ORDER_PLATFORM: u32 = 36;
    pub const NOTIFICATION_DATA: u32 = 38;
    pub const NOTIF_CONFIG_DATA: u32 = 39;
    pub const RING_RESET: u32 = 40;
}

/// An option that is a feature, and whether it is on unless that is said.
type Switch = (&'static str, u32, bool);

/// Those of all devices, and of disks.
const COMMON: [Switch; 9] = [
    ("indirect_desc", feature::INDIRECT_DESC, true),
    ("event_idx", feature::EVENT_IDX, true),
    ("iommu_platform", feature::ACCESS_PLATFORM, false),
    ("packed", feature::RING_PACKED, false),
    ("in_order", feature::IN_ORDER, false),
    ("order_platform", feature::ORDER_PLATFORM, false),
    ("notification_data", feature::NOTIFICATION_DATA, false),
    ("notif_config_data", feature::NOTIF_CONFIG_DATA, false),
    ("queue_reset", feature::RING_RESET, true),
];
const OF_DISKS: [Switch; 4] = [
    ("discard", feature::DISCARD, true),
    ("write-zeroes", feature::WRITE_ZEROES, true),
    ("lifetime", feature::LIFETIME, false),
    ("secure_erase", feature::SECURE_ERASE, false),
];

/// Features that are not common to all devices.
const SPECIAL: u128 = 0xff_ffff;

/// Features that all disks have.
const ALWAYS: [u32; 5] =
    [feature::SEG_MAX, feature::BLK_SIZE, feature::FLUSH, feature::MQ, feature::VERSION_1];

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Disk,
    Scsi,
    Net,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Disk => "virtio-blk",
            Self::Scsi => "virtio-scsi",
            Self::Net => "virtio-net",
        }
    }

    /// The lower half of its PCI device ID, and its class: mass storage, or a network controller.
    pub fn pci_id(self) -> (u8, u8) {
        match self {
            Self::Disk => (0x42, 1),
            Self::Scsi => (0x48, 1),
            Self::Net => (0x41, 2),
        }
    }
}

/// A disk, as the words `NAME,SIZE[,OPTION=VALUE]...` describe it, or a network device. Most options are QEMU's
/// for such devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    pub(crate) kind: Kind,
    /// A disk's serial number.
    pub(crate) name: String,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) features: u128,
    /// Queues for requests, or pairs of queues.
    pub(crate) queues: u16,
    pub(crate) queue_size: u16,
    /// Entries of its MSI-X table; with 0 it has a line.
    pub(crate) vectors: u16,
    /// Options for QEMU's side, such as `bus=port1`.
    pub(crate) qemu: Vec<(String, String)>,
    /// Lines that tell it what to do wrong.
    pub(crate) script: Option<PathBuf>,
    /// The size of its zones in bytes.
    pub(crate) zone_size: Option<u64>,
    /// The lengths of sense data and commands that it reports after a reset.
    pub(crate) sizes: [u32; 2],
    /// It is a SCSI host with so many units, or a disk if there are none.
    pub(crate) units: u16,
    /// The largest MTU that a network device reports.
    pub(crate) mtu: Option<u16>,
    /// Something goes wrong at random.
    pub(crate) seed: Option<u64>,
}

/// The largest disk: it is in memory.
const LARGEST: u64 = 1 << 30;

impl FromStr for Spec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut words = text.split(',');
        let name = words.next().unwrap_or_default();
        let mut spec = Self::new(Kind::Disk, name, &OF_DISKS)?;
        spec.size = words.next().and_then(bytes).ok_or("a disk has a size, such as 64M")?;
        spec.features |= ALWAYS.iter().fold(0, |set, bit| set | 1 << bit);
        let mut vectors = None;
        for word in words {
            let option = Word::parse(word)?;
            match option.key {
                "num-queues" => spec.queues = option.number::<u16>()?.clamp(1, 64),
                "units" => {
                    spec.units = option.number::<u16>()?.clamp(1, 64);
                    spec.kind = Kind::Scsi;
                }
                "sense-size" => spec.sizes[0] = option.number::<u16>()?.into(),
                "cdb-size" => spec.sizes[1] = option.number::<u16>()?.into(),
                "zone-size" => {
                    let size = bytes(option.value).filter(|zone| zone.is_power_of_two() && zone % 65536 == 0);
                    spec.zone_size = Some(size.ok_or_else(|| format!("{word:?}: not a size of zones"))?);
                    spec.features |= 1 << feature::ZONED;
                }
                _ => spec.set(&option, &OF_DISKS, &mut vectors)?,
            }
        }
        if spec.kind == Kind::Scsi {
            spec.features = spec.features & !SPECIAL | 1 << feature::HOTPLUG | 1 << feature::CHANGE;
        }
        spec.vectors = vectors.unwrap_or(spec.all_queues() + 1);
        Ok(spec)
    }
}

/// A word `KEY=VALUE`.
struct Word<'a> {
    key: &'a str,
    value: &'a str,
}

impl<'a> Word<'a> {
    fn parse(text: &'a str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or_else(|| format!("{text:?} is no option"))?;
        Ok(Self { key, value })
    }

    fn number<T: FromStr>(&self) -> Result<T, String> {
        self.value.parse().map_err(|_| format!("{}={}: not a number", self.key, self.value))
    }
}

impl Spec {
    /// A device with what is on unless something else is said.
    fn new(kind: Kind, name: &str, switches: &[Switch]) -> Result<Self, String> {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err("a device has a name of letters, digits and dashes".to_owned());
        }
        let on = COMMON.iter().chain(switches).filter(|(.., on)| *on);
        Ok(Self {
            kind,
            name: name.to_owned(),
            size: 0,
            features: on.fold(1 << feature::VERSION_1, |set, (_, bit, _)| set | 1 << bit),
            queues: 1,
            queue_size: 128,
            vectors: 0,
            qemu: Vec::new(),
            script: None,
            zone_size: None,
            sizes: [scsi::SENSE_SIZE, scsi::CDB_SIZE],
            units: 0,
            mtu: None,
            seed: None,
        })
    }

    /// Sets an option that all devices have, or one of `switches`.
    fn set(&mut self, word: &Word<'_>, switches: &[Switch], vectors: &mut Option<u16>) -> Result<(), String> {
        match word.key {
            "queue-size" => self.queue_size = word.number()?,
            "vectors" => *vectors = Some(word.number::<u16>()?.min(2048)),
            "bus" | "addr" => self.qemu.push((word.key.to_owned(), word.value.to_owned())),
            "script" => self.script = Some(word.value.into()),
            "seed" => self.seed = Some(word.number()?),
            key => {
                let switch = COMMON.iter().chain(switches).find(|(name, ..)| *name == key);
                let (_, bit, _) = switch.ok_or_else(|| format!("there is no option {key:?}"))?;
                match word.value {
                    "on" => self.features |= 1 << bit,
                    "off" => self.features &= !(1 << bit),
                    _ => return Err(format!("{key} is on or off")),
                }
            }
        }
        Ok(())
    }

    /// The number of its queues, with those that are not for requests.
    pub fn all_queues(&self) -> u16 {
        match self.kind {
            Kind::Disk => self.queues,
            Kind::Scsi => self.queues + scsi::FIRST as u16,
            Kind::Net => 2 * self.queues + u16::from(self.offers(net::CTRL_VQ)),
        }
    }

    /// Whether the device has a feature.
    pub fn offers(&self, bit: u32) -> bool {
        self.features >> bit & 1 != 0
    }
}

/// A size with a suffix.
fn bytes(text: &str) -> Option<u64> {
    let (digits, unit) = match text.strip_suffix('M') {
        Some(digits) => (digits, 1 << 20),
        None => (text.strip_suffix('K')?, 1 << 10),
    };
    let size = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    (4096..=LARGEST).contains(&size).then_some(size)
}
