// SPDX-License-Identifier: GPL-2.0

//! What kind of disk is wanted.

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

/// Options that are features, and whether they are on unless that is said.
const FEATURES: [(&str, u32, bool); 13] = [
    ("discard", feature::DISCARD, true),
    ("write-zeroes", feature::WRITE_ZEROES, true),
    ("lifetime", feature::LIFETIME, false),
    ("secure_erase", feature::SECURE_ERASE, false),
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

/// Features that are only those of disks.
const OF_DISKS: u128 = 0xff_ffff;

/// Features that all disks have.
const ALWAYS: [u32; 5] =
    [feature::SEG_MAX, feature::BLK_SIZE, feature::FLUSH, feature::MQ, feature::VERSION_1];

/// A disk, as the words `NAME,SIZE[,OPTION=VALUE]...` describe it. Most options are QEMU's for such devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// Its serial number.
    pub(crate) name: String,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) features: u128,
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
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Err("a disk has a name of letters, digits and dashes".to_owned());
        }
        let size = words.next().and_then(bytes).ok_or("a disk has a size, such as 64M")?;
        let mut spec = Self {
            name: name.to_owned(),
            size,
            features: ALWAYS.iter().fold(0, |set, bit| set | 1 << bit),
            queues: 1,
            queue_size: 128,
            vectors: 0,
            qemu: Vec::new(),
            script: None,
            zone_size: None,
            sizes: [scsi::SENSE_SIZE, scsi::CDB_SIZE],
            units: 0,
            seed: None,
        };
        for (_, bit, _) in FEATURES.iter().filter(|(.., on)| *on) {
            spec.features |= 1 << bit;
        }
        let mut vectors = None;
        for word in words {
            let (key, value) = word.split_once('=').ok_or_else(|| format!("{word:?} is no option"))?;
            let number = || value.parse::<u16>().map_err(|_| format!("{word:?}: not a number"));
            match key {
                "num-queues" => spec.queues = number()?.clamp(1, 64),
                "queue-size" => spec.queue_size = number()?,
                "vectors" => vectors = Some(number()?.min(2048)),
                "bus" | "addr" => spec.qemu.push((key.to_owned(), value.to_owned())),
                "units" => spec.units = number()?.clamp(1, 64),
                "sense-size" => spec.sizes[0] = number()?.into(),
                "cdb-size" => spec.sizes[1] = number()?.into(),
                "script" => spec.script = Some(value.into()),
                "zone-size" => {
                    let size = bytes(value).filter(|zone| zone.is_power_of_two() && zone % 65536 == 0);
                    spec.zone_size = Some(size.ok_or_else(|| format!("{word:?}: not a size of zones"))?);
                    spec.features |= 1 << feature::ZONED;
                }
                "seed" => spec.seed = Some(value.parse().map_err(|_| format!("{word:?}: not a number"))?),
                _ => spec.switch(key, value)?,
            }
        }
        if spec.units > 0 {
            spec.features = spec.features & !OF_DISKS | 1 << feature::HOTPLUG | 1 << feature::CHANGE;
        }
        spec.vectors = vectors.unwrap_or(spec.all_queues() + 1);
        Ok(spec)
    }
}

impl Spec {
    /// The number of its queues, with those that are not for requests.
    pub fn all_queues(&self) -> u16 {
        if self.units > 0 { self.queues + scsi::FIRST as u16 } else { self.queues }
    }

    /// Whether the disk has a feature.
    pub fn offers(&self, bit: u32) -> bool {
        self.features >> bit & 1 != 0
    }

    fn switch(&mut self, key: &str, value: &str) -> Result<(), String> {
        let (_, bit, _) = FEATURES
            .iter()
            .find(|(name, ..)| *name == key)
            .ok_or_else(|| format!("there is no option {key:?}"))?;
        match value {
            "on" => self.features |= 1 << bit,
            "off" => self.features &= !(1 << bit),
            _ => return Err(format!("{key} is on or off")),
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_those_of_qemu() {
        let spec: Spec = "a,64M,packed=on,event_idx=off,num-queues=2,bus=port1".parse().unwrap();
        assert_eq!((spec.name.as_str(), spec.size), ("a", 64 << 20));
        assert!(spec.offers(feature::RING_PACKED) && spec.offers(feature::INDIRECT_DESC));
        assert!(!spec.offers(feature::EVENT_IDX) && !spec.offers(feature::IN_ORDER));
        assert_eq!((spec.queues, spec.vectors), (2, 3));
        assert_eq!("a,64M,vectors=0".parse::<Spec>().unwrap().vectors, 0);
    }

    #[test]
    fn mistakes_are_reported() {
        for wrong in ["", "a", "a,64", "a b,64M", "a,9999M", "a,64M,packed", "a,64M,packed=1", "a,64M,x=on"] {
            assert!(wrong.parse::<Spec>().is_err(), "{wrong:?}");
        }
    }
}
