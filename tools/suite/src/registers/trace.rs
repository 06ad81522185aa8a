// SPDX-License-Identifier: GPL-2.0

//! One access, from a line of QEMU's trace.

use std::fmt;

/// A structure of virtio's PCI transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Region {
    /// Common configuration.
    Common,
    /// Interrupt status.
    Isr,
    /// Device configuration.
    Device,
    /// Doorbells.
    Notify,
}

/// An access to a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Which device: where its BAR is.
    pub device: u64,
    /// Type of the device as QEMU names it, for example `virtio-blk`.
    pub kind: String,
    /// Which structure.
    pub region: Region,
    /// From the start of the structure, in bytes.
    pub offset: u64,
    /// The driver writes.
    pub write: bool,
    /// What was written or read.
    pub value: u64,
    /// Number of bytes.
    pub size: u8,
}

/// QEMU has all structures in one BAR, one after the other, in pages of their own.
const BAR_LEN: u64 = 0x4000;
const REGION_LEN: u64 = 0x1000;

impl Access {
    /// Reads `memory_region_ops_write cpu 0 mr 0x55 addr 0xfebf8014 value 0x3 size 1 name 'NAME'`.
    /// Anything else is `None`.
    pub fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let write = match words.next()? {
            "memory_region_ops_write" => true,
            "memory_region_ops_read" => false,
            _ => return None,
        };
        let (mut addr, mut value, mut size, mut name) = (None, None, None, None);
        while let (Some(key), Some(word)) = (words.next(), words.next()) {
            match key {
                "addr" => addr = hex(word),
                "value" => value = hex(word),
                "size" => size = word.parse().ok(),
                "name" => name = Some(word.trim_matches('\'')),
                _ => {}
            }
        }
        let (addr, name) = (addr?, name?.strip_prefix("virtio-pci-")?);
        let (region, kind) = name.split_once('-')?;
        let region = match region {
            "common" => Region::Common,
            "isr" => Region::Isr,
            "device" => Region::Device,
            "notify" => Region::Notify,
            _ => return None,
        };
        Some(Self {
            device: addr & !(BAR_LEN - 1),
            kind: kind.to_owned(),
            region,
            offset: addr & (REGION_LEN - 1),
            write,
            value: value?,
            size: size?,
        })
    }
}

fn hex(word: &str) -> Option<u64> {
    u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, kind, region, offset, value, size, .. } = self;
        let what = if self.write { "write of" } else { "read of" };
        write!(f, "{kind} at {device:#x}: {what} {value:#x}, {size} bytes, {region:?} + {offset}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_virtio_are_read() {
        let line = "memory_region_ops_write cpu 0 mr 0x55a6 addr 0xfebfb004 value 0x1 size 2 name 'virtio-pci-notify-virtio-blk'";
        let access = Access::parse(line).unwrap();
        let expected = Access {
            device: 0xfebf_8000,
            kind: "virtio-blk".into(),
            region: Region::Notify,
            offset: 4,
            write: true,
            value: 1,
            size: 2,
        };
        assert_eq!(access, expected);
        let read = line.replace("_write", "_read").replace("notify", "isr");
        assert!(Access::parse(&read).is_some_and(|a| !a.write && a.region == Region::Isr));
    }

    #[test]
    fn other_lines_are_not() {
        for line in [
            "",
            "virtio_set_status vdev 0x1 val 0",
            "memory_region_ops_read cpu 0 mr 0x5 addr 0x3f8 value 0x0 size 1 name 'serial'",
            "memory_region_ops_read cpu 0 mr 0x5 addr",
        ] {
            assert_eq!(Access::parse(line), None);
        }
    }
}
