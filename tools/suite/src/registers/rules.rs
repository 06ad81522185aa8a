// SPDX-License-Identifier: GPL-2.0

//! What virtio 1.4 requires of accesses to registers.
//!
//! covers: INIT-01 INIT-02 INIT-03 INIT-12 INIT-18 INIT-20 INIT-21 INIT-22 INIT-25 PCI-05 PCI-15
//! covers: PCI-16 PCI-17 PCI-18 PCI-19 PCI-20 PCI-21 PCI-26 PCI-35 PCI-37 PCI-39 VQR-01 VQR-03
//! covers: BLK-04 NET-01

use super::trace::{Access, Region};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

/// Bits of the device status, in the order in which they are to be set.
pub mod status {
    pub const ACKNOWLEDGE: u64 = 1;
    pub const DRIVER: u64 = 2;
    pub const FEATURES_OK: u64 = 8;
    pub const DRIVER_OK: u64 = 4;
    pub const FAILED: u64 = 0x80;
    /// Each with what has to be set before.
    pub(super) const ORDER: [(u64, u64); 3] = [
        (DRIVER, ACKNOWLEDGE),
        (FEATURES_OK, ACKNOWLEDGE | DRIVER),
        (DRIVER_OK, ACKNOWLEDGE | DRIVER | FEATURES_OK),
    ];
}

/// Offsets of the common configuration.
pub mod common {
    pub const DEVICE_FEATURE: u64 = 4;
    pub const DRIVER_FEATURE_SELECT: u64 = 8;
    pub const DRIVER_FEATURE: u64 = 12;
    pub const CONFIG_MSIX_VECTOR: u64 = 16;
    pub const NUM_QUEUES: u64 = 18;
    pub const DEVICE_STATUS: u64 = 20;
    pub const CONFIG_GENERATION: u64 = 21;
    pub const QUEUE_SELECT: u64 = 22;
    pub const QUEUE_SIZE: u64 = 24;
    pub const QUEUE_MSIX_VECTOR: u64 = 26;
    pub const QUEUE_ENABLE: u64 = 28;
    pub const QUEUE_NOTIFY_OFF: u64 = 30;
    pub const QUEUE_DESC: u64 = 32;
    pub const QUEUE_DRIVER: u64 = 40;
    pub const QUEUE_DEVICE: u64 = 48;
    pub const QUEUE_NOTIF_CONFIG_DATA: u64 = 56;
    pub const QUEUE_RESET: u64 = 58;
    pub const READ_ONLY: [u64; 5] =
        [DEVICE_FEATURE, NUM_QUEUES, CONFIG_GENERATION, QUEUE_NOTIFY_OFF, QUEUE_NOTIF_CONFIG_DATA];
    /// Fields of a queue that have to be written before it is enabled.
    pub const NEEDED: [u64; 4] = [QUEUE_SIZE, QUEUE_DESC, QUEUE_DRIVER, QUEUE_DEVICE];
}

/// Offset in a block device's configuration.
const WRITEBACK: u64 = 32;

const NO_VECTOR: u64 = 0xffff;
const RING_PACKED: u32 = 34;
const NOTIFICATION_DATA: u32 = 38;
const NOTIF_CONFIG_DATA: u32 = 39;

/// Fields of one size that follow each other: where they are, and the size. Those of 64 bits are two of 32.
type Fields = (Range<u64>, u8);

const COMMON_FIELDS: [Fields; 6] =
    [(0..16, 4), (16..20, 2), (20..22, 1), (22..32, 2), (32..56, 4), (56..62, 2)];
const BLK_FIELDS: [Fields; 13] = [
    (0..16, 4),
    (16..18, 2),
    (18..20, 1),
    (20..24, 4),
    (24..26, 1),
    (26..28, 2),
    (28..32, 4),
    (32..33, 1),
    (34..36, 2),
    (36..56, 4),
    (56..57, 1),
    (60..92, 4),
    (92..93, 1),
];
const NET_FIELDS: [Fields; 6] = [(0..6, 1), (6..12, 2), (12..16, 4), (16..18, 1), (18..20, 2), (20..24, 4)];

/// Size of the field that begins at `offset`.
fn size_at(fields: &[Fields], offset: u64) -> Option<u8> {
    let (place, size) = fields.iter().find(|(place, _)| place.contains(&offset))?;
    ((offset - place.start) % u64::from(*size) == 0).then_some(*size)
}

/// What became of a requirement.
#[derive(Debug, Default)]
pub struct Verdict {
    /// How often something was subject to it.
    pub applied: usize,
    /// What was against it.
    pub violations: Vec<String>,
}

/// All requirements that are checked here.
const IDS: [&str; 25] = [
    "INIT-01", "INIT-02", "INIT-03", "INIT-12", "INIT-18", "INIT-20", "INIT-21", "INIT-22", "INIT-25",
    "PCI-05", "PCI-15", "PCI-16", "PCI-17", "PCI-18", "PCI-19", "PCI-20", "PCI-21", "PCI-26", "PCI-35",
    "PCI-37", "PCI-39", "VQR-01", "VQR-03", "BLK-04", "NET-01",
];

/// All devices of a trace.
#[derive(Debug, Default)]
pub struct Devices {
    devices: BTreeMap<u64, Device>,
    verdicts: Verdicts,
}

#[derive(Debug, Default)]
struct Verdicts(BTreeMap<&'static str, Verdict>);

impl Verdicts {
    /// Counts one case of each of `ids`, and `access` against them unless it is `fine`.
    fn case(&mut self, ids: &[&'static str], fine: bool, access: &Access) {
        for id in ids {
            let verdict = self.0.entry(id).or_default();
            verdict.applied += 1;
            if !fine {
                verdict.violations.push(access.to_string());
            }
        }
    }
}

impl Devices {
    /// Takes note of the next access.
    pub fn observe(&mut self, access: &Access) {
        let device = self.devices.entry(access.device).or_default();
        device.observe(access, &mut self.verdicts);
    }

    /// What became of each requirement.
    pub fn verdicts(&mut self) -> impl Iterator<Item = (&'static str, &Verdict)> {
        for id in IDS {
            self.verdicts.0.entry(id).or_default();
        }
        self.verdicts.0.iter().map(|(id, verdict)| (*id, verdict))
    }
}

/// What is known of a device. The trace may begin at any time, so that it is nothing until the device is
/// reset.
#[derive(Debug, Default)]
struct Device {
    known: bool,
    status: u64,
    /// After a reset: the status has been read as 0.
    reset_seen: bool,
    /// After FEATURES_OK: it was read back.
    confirmed: bool,
    /// The driver has set DRIVER_OK. A device that takes that back does so at any moment.
    ready: bool,
    feature_select: u64,
    features: u128,
    queue_select: u64,
    queues: BTreeMap<u64, Queue>,
    /// Vectors that were written and not read back: offset and queue.
    unread_vectors: BTreeSet<(u64, u64)>,
    has_vectors: bool,
}

#[derive(Debug, Default)]
struct Queue {
    enabled: bool,
    written: BTreeSet<u64>,
    /// A reset was asked for, and not seen to be over.
    resetting: bool,
    /// It was reset since it was last enabled.
    was_reset: bool,
}

impl Device {
    fn has(&self, feature: u32) -> bool {
        self.features >> feature & 1 != 0
    }

    fn observe(&mut self, access: &Access, verdicts: &mut Verdicts) {
        self.widths(access, verdicts);
        if !self.known {
            // Only a reset says where it stands.
            let reset = access.region == Region::Common
                && access.offset == common::DEVICE_STATUS
                && access.write
                && access.value == 0;
            if !reset {
                return;
            }
            self.known = true;
        }
        match access.region {
            Region::Common if access.write => self.common_written(access, verdicts),
            Region::Common => self.common_read(access),
            Region::Device if access.write => {
                verdicts.case(&["INIT-20"], self.status & status::FEATURES_OK != 0, access);
            }
            Region::Device if access.kind == "virtio-blk" && access.offset == WRITEBACK => {
                verdicts.case(&["BLK-04"], self.status & status::FEATURES_OK != 0, access);
            }
            Region::Device => {}
            // The config interrupt has no other way to say so without vectors.
            Region::Isr => verdicts.case(&["PCI-26"], access.write || !self.has_vectors, access),
            Region::Notify => self.notified(access, verdicts),
        }
    }

    fn widths(&self, access: &Access, verdicts: &mut Verdicts) {
        let fields = match (access.region, access.kind.as_str()) {
            (Region::Common, _) => &COMMON_FIELDS[..],
            (Region::Device, "virtio-blk") => &BLK_FIELDS,
            (Region::Device, "virtio-net") => {
                verdicts.case(&["NET-01"], !access.write, access);
                &NET_FIELDS
            }
            _ => return,
        };
        verdicts.case(&["PCI-05"], size_at(fields, access.offset) == Some(access.size), access);
    }

    fn notified(&self, access: &Access, verdicts: &mut Verdicts) {
        verdicts.case(&["INIT-25"], self.ready, access);
        if !self.has(NOTIFICATION_DATA) {
            verdicts.case(&["PCI-37"], access.size == 2, access);
        }
        if !self.has(NOTIFICATION_DATA) && !self.has(NOTIF_CONFIG_DATA) {
            let enabled = self.queues.get(&access.value).is_some_and(|queue| queue.enabled);
            verdicts.case(&["PCI-39"], enabled, access);
        }
        if self.has_vectors {
            // Had the interrupt status been read, that would have counted against it.
            verdicts.case(&["PCI-26"], true, access);
        }
    }

    fn common_read(&mut self, access: &Access) {
        let selected = self.queue_select;
        match access.offset {
            common::DEVICE_STATUS => {
                self.reset_seen |= self.status == 0 && access.value == 0;
                self.confirmed |= access.value & status::FEATURES_OK != 0;
                // What the device has cleared is not for the driver to keep.
                self.status &= access.value;
            }
            common::CONFIG_MSIX_VECTOR => {
                self.unread_vectors.remove(&(access.offset, 0));
            }
            common::QUEUE_MSIX_VECTOR => {
                self.unread_vectors.remove(&(access.offset, selected));
            }
            common::QUEUE_RESET if access.value == 0 => {
                self.queues.entry(selected).or_default().resetting = false;
            }
            _ => {}
        }
    }

    fn common_written(&mut self, access: &Access, verdicts: &mut Verdicts) {
        verdicts.case(&["PCI-15"], !common::READ_ONLY.contains(&access.offset), access);
        let selected = self.queue_select;
        match access.offset {
            common::DEVICE_STATUS => self.status_written(access, verdicts),
            common::DRIVER_FEATURE_SELECT => self.feature_select = access.value,
            common::DRIVER_FEATURE => {
                verdicts.case(&["INIT-21"], self.status & status::FEATURES_OK == 0, access);
                let shift = 32 * self.feature_select.min(3) as u32;
                self.features &= !(0xffff_ffff << shift);
                self.features |= u128::from(access.value) << shift;
            }
            common::QUEUE_SELECT => self.queue_select = access.value,
            common::CONFIG_MSIX_VECTOR if access.value != NO_VECTOR => {
                self.has_vectors = true;
                self.unread_vectors.insert((access.offset, 0));
            }
            common::QUEUE_ENABLE => self.enabled(access, verdicts),
            common::QUEUE_RESET => {
                let queue = self.queues.entry(selected).or_default();
                *queue = Queue { resetting: true, was_reset: true, ..Queue::default() };
            }
            common::QUEUE_SIZE..common::QUEUE_NOTIF_CONFIG_DATA => {
                if access.offset == common::QUEUE_SIZE && self.has(RING_PACKED) {
                    verdicts.case(&["PCI-16"], access.value != 0, access);
                } else if access.offset == common::QUEUE_SIZE {
                    verdicts.case(&["PCI-17"], access.value.is_power_of_two(), access);
                }
                if access.offset == common::QUEUE_MSIX_VECTOR && access.value != NO_VECTOR {
                    self.has_vectors = true;
                    self.unread_vectors.insert((access.offset, selected));
                }
                let queue = self.queues.entry(selected).or_default();
                verdicts.case(&["PCI-18"], !queue.enabled, access);
                queue.written.insert(access.offset);
            }
            _ => {}
        }
    }

    /// A queue is enabled.
    fn enabled(&mut self, access: &Access, verdicts: &mut Verdicts) {
        verdicts.case(&["PCI-20"], access.value != 0, access);
        let unread = self.unread_vectors.contains(&(common::QUEUE_MSIX_VECTOR, self.queue_select));
        let queue = self.queues.entry(self.queue_select).or_default();
        let complete = common::NEEDED.iter().all(|field| queue.written.contains(field));
        verdicts.case(&["PCI-18"], complete, access);
        if queue.was_reset {
            verdicts.case(&["VQR-01", "PCI-21"], !queue.resetting, access);
            verdicts.case(&["VQR-03"], complete, access);
        }
        if queue.written.contains(&common::QUEUE_MSIX_VECTOR) {
            verdicts.case(&["PCI-35"], !unread, access);
        }
        queue.enabled = true;
        queue.was_reset = false;
    }

    fn status_written(&mut self, access: &Access, verdicts: &mut Verdicts) {
        let (before, value) = (self.status, access.value);
        if before & status::FAILED != 0 {
            verdicts.case(&["INIT-03"], value == 0, access);
        }
        if value == 0 {
            *self = Self { known: true, ..Self::default() };
            return;
        }
        if before == 0 {
            verdicts.case(&["INIT-12", "PCI-19"], self.reset_seen, access);
        }
        verdicts.case(&["INIT-02"], value & before == before, access);
        let added = value & !before;
        for (bit, needs) in status::ORDER {
            if added & bit != 0 {
                verdicts.case(&["INIT-01", "INIT-18"], before & needs == needs, access);
            }
        }
        if added & status::FEATURES_OK != 0 {
            self.confirmed = false;
        }
        if added & status::DRIVER_OK != 0 {
            verdicts.case(&["INIT-22"], self.confirmed, access);
            verdicts.case(&["PCI-35"], self.unread_vectors.is_empty(), access);
        }
        self.ready = value & status::DRIVER_OK != 0;
        self.status = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Accesses of a device that is brought up as it should be: offset, written, value.
    const GOOD: &[(u64, bool, u64)] = &[
        (20, true, 0),
        (20, false, 0),
        (20, true, 1),
        (20, true, 3),
        (8, true, 1),
        (12, true, 1),
        (20, true, 11),
        (20, false, 11),
        (16, true, 0),
        (16, false, 0),
        (22, true, 0),
        (26, true, 1),
        (26, false, 1),
        (24, true, 128),
        (32, true, 0x1000),
        (40, true, 0x2000),
        (48, true, 0x3000),
        (28, true, 1),
        (20, true, 15),
    ];

    fn access(region: Region, offset: u64, write: bool, value: u64) -> Access {
        let size = if region == Region::Common { size_at(&COMMON_FIELDS, offset) } else { None }.unwrap_or(2);
        Access { device: 0, kind: "virtio-blk".into(), region, offset, write, value, size }
    }

    /// Which requirements a sequence violates.
    fn violated(accesses: impl IntoIterator<Item = Access>) -> Vec<&'static str> {
        let mut devices = Devices::default();
        accesses.into_iter().for_each(|access| devices.observe(&access));
        devices.verdicts().filter(|(_, verdict)| !verdict.violations.is_empty()).map(|(id, _)| id).collect()
    }

    fn good() -> Vec<Access> {
        GOOD.iter().map(|&(offset, write, value)| access(Region::Common, offset, write, value)).collect()
    }

    /// `good()` with the access at `index` replaced by others.
    fn changed(index: usize, by: &[(u64, bool, u64)]) -> Vec<&'static str> {
        let mut accesses = good();
        let by = by.iter().map(|&(offset, write, value)| access(Region::Common, offset, write, value));
        accesses.splice(index..=index, by);
        violated(accesses)
    }

    fn followed(by: impl IntoIterator<Item = Access>) -> Vec<&'static str> {
        violated(good().into_iter().chain(by))
    }

    #[test]
    fn good_sequence_passes() {
        assert!(violated(good()).is_empty());
        assert!(followed([access(Region::Notify, 0, true, 0)]).is_empty());
    }

    #[test]
    fn each_mistake_is_found() {
        assert_eq!(changed(1, &[]), ["INIT-12", "PCI-19"]);
        assert_eq!(changed(3, &[]), ["INIT-01", "INIT-18"]);
        assert_eq!(changed(3, &[(20, true, 2)]), ["INIT-01", "INIT-02", "INIT-18"]);
        assert_eq!(changed(7, &[]), ["INIT-22"]);
        assert_eq!(changed(8, &[(12, true, 0), (16, true, 0)]), ["INIT-21"]);
        assert_eq!(changed(9, &[]), ["PCI-35"]);
        assert_eq!(changed(12, &[]), ["PCI-35"]);
        assert_eq!(changed(13, &[(24, true, 100)]), ["PCI-17"]);
        assert_eq!(changed(14, &[]), ["PCI-18"]);
        assert_eq!(changed(17, &[(28, true, 0)]), ["PCI-20"]);
        assert_eq!(followed([access(Region::Common, 24, true, 64)]), ["PCI-18"]);
        assert_eq!(followed([access(Region::Common, 18, true, 1)]), ["PCI-15"]);
        assert_eq!(followed([access(Region::Isr, 0, false, 1)]), ["PCI-26"]);
        assert_eq!(followed([access(Region::Notify, 0, true, 5)]), ["PCI-39"]);
        let wide = Access { size: 4, ..access(Region::Notify, 0, true, 0) };
        assert_eq!(followed([wide]), ["PCI-37"]);
        let narrow = Access { size: 2, ..access(Region::Device, 0, false, 0) };
        assert_eq!(followed([narrow]), ["PCI-05"]);
        let discard = |size| Access { size, ..access(Region::Device, 36, false, 0x3f_ffff) };
        assert!(followed([discard(4)]).is_empty());
        assert_eq!(followed([discard(2)]), ["PCI-05"]);
        let failed = [0x8f, 0x8f].map(|value| access(Region::Common, 20, true, value));
        assert_eq!(followed(failed), ["INIT-03"]);
        let notification = access(Region::Notify, 0, true, 0);
        let mut early = good();
        early.pop();
        early.push(notification.clone());
        assert_eq!(violated(early), ["INIT-25"]);
        let reset = access(Region::Common, 20, true, 0);
        assert_eq!(followed([reset, notification.clone()]), ["INIT-25", "PCI-39"]);
        // The device has taken DRIVER_OK back, and another processor does not know of it yet.
        assert!(followed([access(Region::Common, 20, false, 11), notification]).is_empty());
        let config = [(20, true, 0), (32, true, 1)];
        let config = [
            access(Region::Common, config[0].0, config[0].1, config[0].2),
            Access { size: 1, ..access(Region::Device, 32, true, 1) },
        ];
        assert_eq!(followed(config), ["INIT-20"]);
    }

    #[test]
    fn network_device_is_not_configured() {
        let mac =
            |write, size| Access { kind: "virtio-net".into(), size, ..access(Region::Device, 5, write, 1) };
        assert!(followed([mac(false, 1)]).is_empty());
        assert_eq!(followed([mac(true, 1)]), ["NET-01"]);
        assert_eq!(followed([mac(false, 4)]), ["PCI-05"]);
    }

    #[test]
    fn device_may_clear_a_bit() {
        let refused = [(20, false, 3), (20, true, 0x83)];
        let mut accesses: Vec<_> = good().into_iter().take(7).collect();
        accesses.extend(refused.map(|(offset, write, value)| access(Region::Common, offset, write, value)));
        assert!(violated(accesses.clone()).is_empty());
        accesses.remove(7);
        assert_eq!(violated(accesses), ["INIT-02"]);
    }

    #[test]
    fn cache_mode_is_read_late() {
        let read = |n: usize| {
            let early = Access { size: 1, ..access(Region::Device, WRITEBACK, false, 0) };
            violated(good().into_iter().take(n).chain([early]))
        };
        assert_eq!(read(4), ["BLK-04"]);
        assert!(read(8).is_empty());
    }

    #[test]
    fn packed_rings_may_have_any_size_but_none() {
        let features = [(8, true, 1), (12, true, 5)];
        let size = |value| {
            let mut accesses = good();
            let by = features.iter().map(|&(o, w, v)| access(Region::Common, o, w, v));
            accesses.splice(4..=5, by);
            accesses[13] = access(Region::Common, 24, true, value);
            violated(accesses)
        };
        assert!(size(100).is_empty());
        assert_eq!(size(0), ["PCI-16"]);
    }

    #[test]
    fn queue_reset_has_to_be_seen() {
        let enable =
            [(24, true, 64), (32, true, 0x1000), (40, true, 0x2000), (48, true, 0x3000), (28, true, 1)];
        let with = |seen: &[(u64, bool, u64)], fields: &[(u64, bool, u64)]| {
            let all = [&[(58, true, 1)], seen, fields].concat();
            followed(all.into_iter().map(|(o, w, v)| access(Region::Common, o, w, v)))
        };
        assert!(with(&[(58, false, 0)], &enable).is_empty());
        assert_eq!(with(&[(58, false, 1)], &enable), ["PCI-21", "VQR-01"]);
        assert_eq!(with(&[(58, false, 0)], &enable[1..]), ["PCI-18", "VQR-03"]);
    }
}
