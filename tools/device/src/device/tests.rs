// SPDX-License-Identifier: GPL-2.0

//! A driver that makes mistakes, and a device that makes others.

use super::*;
use std::{fs::File, os::unix::fs::FileExt as _};

const DESC: u64 = 0x1000;
const DRIVER: u64 = 0x2000;
const USED: u64 = 0x3000;
const HEADER: u64 = 0x4000;
const DATA: u64 = 0x5000;
const STATUS: u64 = 0x6000;
const SIZE: u64 = 8;
const NOTIFY: u64 = 0x3000;

const IN: u32 = 0;
const OUT: u32 = 1;
const FLUSH: u32 = 4;
const GET_LIFETIME: u32 = 10;
const DISCARD: u32 = 11;
const WRITE_ZEROES: u32 = 13;
const SECURE_ERASE: u32 = 14;

/// Flags of the three descriptors of a request that reads.
const READ: [u16; 3] = [1, 3, 2];

/// A device, and a driver that has one split queue without anything special.
struct Rig {
    device: Device,
    memory: File,
    avail: u16,
}

impl Rig {
    fn new() -> Self {
        let spec = "t,64K,event_idx=off,indirect_desc=off,secure_erase=on,lifetime=on".parse().unwrap();
        let memory = tempfile::tempfile().unwrap();
        memory.set_len(0x10000).unwrap();
        let mut device = Device::new(spec);
        device.memory.map(memory.try_clone().unwrap(), 0, 0, 0x10000).unwrap();
        device.config_write(4, &[4]);
        Self { device, memory, avail: 0 }
    }

    fn write(&mut self, at: u64, len: usize, value: u64) {
        self.device.register_write(at, &value.to_le_bytes()[..len]);
    }

    fn read8(&mut self, at: u64) -> u8 {
        let mut byte = [0];
        self.device.register_read(at, &mut byte);
        byte[0]
    }

    /// Brings the device up with these features of the second word, and VERSION_1.
    fn up(features: u64) -> Self {
        let mut rig = Self::new();
        rig.write(20, 1, 0);
        assert_eq!(rig.read8(20), 0);
        for value in [1, 3] {
            rig.write(20, 1, value);
        }
        rig.write(12, 4, 0x1e000);
        rig.write(8, 4, 1);
        rig.write(12, 4, features | 1);
        rig.write(20, 1, 11);
        rig.read8(20);
        rig.write(22, 2, 0);
        rig.write(24, 2, SIZE);
        for (at, address) in [(32, DESC), (40, DRIVER), (48, USED)] {
            rig.write(at, 4, address);
            rig.write(at + 4, 4, 0);
        }
        rig.write(28, 2, 1);
        rig.write(20, 1, 15);
        rig
    }

    fn poke(&self, at: u64, bytes: &[u8]) {
        self.memory.write_all_at(bytes, at).unwrap();
    }

    fn peek<const N: usize>(&self, at: u64) -> [u8; N] {
        let mut bytes = [0; N];
        self.memory.read_exact_at(&mut bytes, at).unwrap();
        bytes
    }

    fn descriptor(&self, index: u64, addr: u64, len: u32, flags: u16) {
        let at = DESC + 16 * index;
        self.poke(at, &addr.to_le_bytes());
        self.poke(at + 8, &len.to_le_bytes());
        self.poke(at + 12, &flags.to_le_bytes());
        self.poke(at + 14, &(index as u16 + 1).to_le_bytes());
    }

    /// Makes a request available in the first three descriptors, and notifies the device.
    fn request(&mut self, kind: u32, sector: u64, len: u32, flags: [u16; 3]) {
        self.poke(HEADER, &kind.to_le_bytes());
        self.poke(HEADER + 8, &sector.to_le_bytes());
        self.poke(STATUS, &[0xaa]);
        self.descriptor(0, HEADER, 16, flags[0]);
        self.descriptor(1, DATA, len, flags[1]);
        self.descriptor(2, STATUS, 1, flags[2]);
        self.poke(DRIVER + 4 + 2 * (u64::from(self.avail) % SIZE), &[0, 0]);
        self.avail += 1;
        self.go();
    }

    fn go(&mut self) {
        self.poke(DRIVER + 2, &self.avail.to_le_bytes());
        self.write(NOTIFY, 2, 0);
        self.device.work(Instant::now());
    }

    /// Index of the used ring, and an element of it: id and length.
    fn used(&self, element: u64) -> (u16, u32, u32) {
        let [a, b, c, d, e, f, g, h] = self.peek(USED + 4 + 8 * element);
        let (id, len) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        (u16::from_le_bytes(self.peek(USED + 2)), id, len)
    }

    /// Which requirements were violated.
    fn ids(mut self) -> Vec<String> {
        let lines = self.device.findings();
        lines.iter().map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect()
    }
}

/// What a driver violates that does this.
fn after(mistake: impl FnOnce(&mut Rig)) -> Vec<String> {
    let mut rig = Rig::up(0);
    mistake(&mut rig);
    rig.ids()
}

#[test]
fn data_is_what_was_written() {
    let mut rig = Rig::up(0);
    rig.poke(DATA, &[7; 512]);
    rig.request(OUT, 3, 512, [1, 1, 2]);
    assert_eq!((rig.used(0), rig.peek(STATUS)), ((1, 0, 1), [0]));
    rig.poke(DATA, &[0; 512]);
    rig.request(IN, 3, 512, READ);
    assert_eq!((rig.used(1), rig.peek(STATUS)), ((2, 0, 513), [0]));
    assert_eq!(rig.peek(DATA), [7; 512]);
    assert!(rig.ids().is_empty());
}

impl Rig {
    /// Has these ranges changed: sector, number of sectors, flags.
    fn change(&mut self, kind: u32, ranges: &[(u64, u32, u32)]) {
        for (index, (sector, sectors, flags)) in ranges.iter().enumerate() {
            let at = DATA + 16 * index as u64;
            self.poke(at, &sector.to_le_bytes());
            self.poke(at + 8, &sectors.to_le_bytes());
            self.poke(at + 12, &flags.to_le_bytes());
        }
        self.request(kind, 0, 16 * ranges.len() as u32, [1, 1, 2]);
    }

    /// The first byte of a sector.
    fn first_byte(&mut self, sector: u64) -> u8 {
        self.request(IN, sector, 512, READ);
        self.peek::<1>(DATA)[0]
    }
}

#[test]
fn ranges_are_changed() {
    let mut rig = Rig::up(0);
    rig.change(DISCARD, &[(8, 8, 0), (24, 1, 0)]);
    assert_eq!(rig.peek(STATUS), [0]);
    let bytes = [7, 8, 15, 16, 24, 25].map(|sector| rig.first_byte(sector));
    assert_eq!(bytes, [0, 0xdd, 0xdd, 0, 0xdd, 0]);
    rig.change(WRITE_ZEROES, &[(8, 1, 1)]);
    rig.change(SECURE_ERASE, &[(0, 1, 0)]);
    assert_eq!([8, 9, 0].map(|sector| rig.first_byte(sector)), [0, 0xdd, 0xdd]);
    rig.request(GET_LIFETIME, 0, 6, READ);
    assert_eq!(rig.peek(DATA), [1, 0, 3, 0, 11, 0]);
    rig.device.plan(&"partial".parse().unwrap());
    rig.change(DISCARD, &[(40, 1, 0), (42, 1, 0)]);
    assert_eq!(rig.peek(STATUS), [1]);
    assert_eq!([40, 42].map(|sector| rig.first_byte(sector)), [0xdd, 0]);
    assert!(rig.ids().is_empty());
}

#[test]
fn mistakes_in_ranges_are_found() {
    assert_eq!(after(|rig| rig.request(DISCARD, 0, 17, [1, 1, 2])), ["BLK-11", "BLK-13"]);
    assert_eq!(after(|rig| rig.change(DISCARD, &[(0, 8, 1)])), ["BLK-18"]);
    assert_eq!(after(|rig| rig.change(WRITE_ZEROES, &[(0, 8, 2)])), ["BLK-18"]);
    assert_eq!(after(|rig| rig.change(DISCARD, &[(0, 0, 0)])), ["BLK-13"]);
    assert_eq!(after(|rig| rig.change(DISCARD, &[(127, 2, 0)])), ["BLK-06"]);
    assert_eq!(after(|rig| rig.change(DISCARD, &[(u64::MAX, 2, 0)])), ["BLK-06"]);
    assert_eq!(after(|rig| rig.change(DISCARD, &[(0, 1, 0); 17])), ["BLK-13"]);
    assert_eq!(after(|rig| rig.change(WRITE_ZEROES, &[(0, 1, 0); 2])), ["BLK-15"]);
    assert_eq!(after(|rig| rig.change(SECURE_ERASE, &[(0, 1, 0); 5])), ["BLK-14"]);
}

#[test]
fn each_mistake_is_found() {
    assert_eq!(after(|rig| rig.request(IN, 128, 512, READ)), ["BLK-06"]);
    assert_eq!(after(|rig| rig.request(IN, 0, 100, READ)), ["BLK-10"]);
    assert_eq!(after(|rig| rig.request(8, 0, 512, READ)), ["BLK-12"]);
    assert_eq!(after(|rig| rig.request(FLUSH, 1, 512, READ)), ["BLK-08", "BLK-09"]);
    assert_eq!(after(|rig| rig.request(IN, 0, 512, [3, 1, 2])), ["RING-S-02"]);
    assert_eq!(after(|rig| rig.request(IN, 0, 512, [1, 4, 2])), ["RING-S-06"]);
    let far = |rig: &mut Rig| {
        rig.avail = 20;
        rig.go();
    };
    assert_eq!(after(far), ["RING-S-11"]);
    let back = |rig: &mut Rig| {
        rig.device.plan(&"lose".parse().unwrap());
        rig.request(IN, 0, 512, READ);
        rig.avail = 0;
        rig.go();
    };
    assert_eq!(after(back), ["RING-S-11"]);
    let changed = |rig: &mut Rig| {
        rig.device.plan(&"delay 1".parse().unwrap());
        rig.request(IN, 0, 512, READ);
        rig.descriptor(1, DATA, 1024, 3);
        rig.device.work(Instant::now() + std::time::Duration::from_secs(1));
    };
    assert_eq!(after(changed), ["INIT-26"]);
    let flags = |rig: &mut Rig| {
        rig.poke(DRIVER, &[2]);
        rig.go();
    };
    assert_eq!(after(flags), ["RING-S-12"]);
    assert_eq!(after(|rig| rig.write(NOTIFY, 2, 9)), ["PCI-39", "PCI-39"]);
    assert_eq!(after(|rig| rig.write(16, 2, 2)), ["PCI-34"]);
    assert_eq!(after(|rig| rig.device.config_write(0x44, &[0])), ["PCI-14"]);
    let unmapped = |rig: &mut Rig| {
        rig.device.memory.clear();
        rig.go();
    };
    assert_eq!(after(unmapped), ["FEAT-05"]);
    // It goes on although FEATURES_OK is gone.
    assert_eq!(Rig::up(1 << 3).ids(), ["INIT-05", "INIT-05", "INIT-01", "INIT-18", "INIT-22"]);
}

#[test]
fn device_does_wrong_what_it_is_told() {
    let told = |line: &str| {
        let mut rig = Rig::up(0);
        rig.device.plan(&line.parse().unwrap());
        rig.request(IN, 0, 512, READ);
        rig
    };
    assert_eq!(told("lose").used(0).0, 0);
    assert_eq!(told("twice").used(1), (2, 0, 513));
    assert_eq!(told("skip 7").used(0), (8, 0, 513));
    assert_eq!(told("id 0x10005").used(0), (1, 0x10005, 513));
    assert_eq!(told("length 1").used(0), (1, 0, 1));
    assert_eq!(told("status 9").peek(STATUS), [9]);
    assert_eq!(told("no-status").peek(STATUS), [0xaa]);
    assert_eq!(told("beyond").peek(DATA), [0xee; 8]);
    assert_eq!(told("stall").used(0).0, 0);
    assert_eq!(told("deaf 1").used(0).0, 0);
    assert_eq!(told("needs-reset").read8(20), 0x4f);
    assert_eq!(told("drop").read8(20), 11);
    assert_eq!(told("vanish").read8(20), 0xff);
    // It goes on by itself, also when it is a request that has made it stop.
    let mut stalled = told("at 1 stall 10");
    assert_eq!(stalled.used(0).0, 0);
    assert!(stalled.device.work(Instant::now()).is_some());
    stalled.device.work(Instant::now() + std::time::Duration::from_secs(1));
    assert_eq!(stalled.used(0).0, 1);
    let mut kept = told("keep-reset");
    kept.write(20, 1, 0);
    assert_eq!(kept.read8(20), 15);
    kept.device.plan(&"honest".parse().unwrap());
    assert_eq!(kept.read8(20), 0);
    assert!(kept.ids().is_empty());
}
