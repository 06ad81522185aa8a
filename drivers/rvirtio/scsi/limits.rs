// SPDX-License-Identifier: GPL-2.0

//! The limits of a host, computed from what the device reports. Tested on the host.
//!
//! Devices are not trusted. Values that cannot work are errors; those that are larger than what can
//! be used are reduced.

use super::spec::{
    queue,
    EVENT_SIZE, //
};
use core::fmt;

/// What a device reports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reported {
    pub(crate) seg_max: u32,
    pub(crate) max_sectors: u32,
    pub(crate) cmd_per_lun: u32,
    pub(crate) event_info_size: u32,
    pub(crate) max_target: u16,
    pub(crate) max_lun: u32,
}

/// The limits of driver and kernel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DriverLimits {
    /// The largest number of segments.
    pub(crate) segments: u16,
    /// The largest segment that can be mapped, in bytes.
    pub(crate) segment_size: u32,
    /// The size of a page in 512-byte sectors.
    pub(crate) page_sectors: u32,
    /// The number of commands in flight in a queue.
    pub(crate) depth: u16,
}

/// The resulting limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HostLimits {
    pub(crate) segments: u16,
    pub(crate) segment_size: u32,
    /// The largest command in 512-byte sectors.
    pub(crate) sectors: u32,
    pub(crate) commands_per_lun: u16,
    /// The number of targets.
    pub(crate) targets: u32,
    /// The number of logical units of a target, as the kernel numbers them.
    pub(crate) luns: u64,
    /// The length of the buffer of an event.
    pub(crate) event_size: u32,
}

/// A reason why a device cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitsError {
    /// The largest transfer is less than a page.
    Sectors(u32),
    /// Commands would need more descriptors than the queue has.
    QueueTooSmall,
}

impl fmt::Display for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sectors(n) => write!(f, "transfers of {n} sectors are smaller than a page"),
            Self::QueueTooSmall => f.write_str("queue is too small for any command"),
        }
    }
}

/// The largest event that the driver has room for, in bytes.
const MAX_EVENT_SIZE: u32 = 4096;

/// The number of targets that eight bits can tell apart.
const MAX_TARGETS: u32 = 256;

/// The largest transfer if the device does not limit it, in 512-byte sectors.
const DEFAULT_SECTORS: u32 = 0xffff;

/// The largest LUN that two bytes have room for.
const MAX_LUN: u32 = 0x3fff;

/// Where LUNs in the flat format begin.
const FLAT: u64 = 0x4000;

/// Returns the number of request queues of a device that reports so many of them, and whose transport
/// has so many queues of all kinds, which can be fewer. Without a number there is one.
pub(crate) fn request_queues(reported: u32, of_transport: u16) -> u16 {
    let reported = u16::try_from(reported).unwrap_or(u16::MAX).max(1);
    reported.min(of_transport.saturating_sub(queue::REQUEST))
}

impl Reported {
    /// Returns the limits of the host.
    pub(crate) fn check(&self, driver: &DriverLimits) -> Result<HostLimits, LimitsError> {
        if driver.segments == 0 || driver.depth == 0 {
            return Err(LimitsError::QueueTooSmall);
        }
        // As in C, no limit.
        let sectors = match self.max_sectors {
            0 => DEFAULT_SECTORS,
            sectors => sectors,
        };
        if sectors < driver.page_sectors {
            return Err(LimitsError::Sectors(sectors));
        }
        let smaller = |n: u32, most: u16| u16::try_from(n).unwrap_or(u16::MAX).clamp(1, most);
        Ok(HostLimits {
            segments: smaller(self.seg_max, driver.segments),
            segment_size: driver.segment_size,
            sectors,
            commands_per_lun: smaller(self.cmd_per_lun, driver.depth),
            targets: (u32::from(self.max_target) + 1).min(MAX_TARGETS),
            // LUNs from 256 on are known to the kernel in the flat format.
            luns: u64::from(self.max_lun.min(MAX_LUN)) + 1 + FLAT,
            event_size: self
                .event_info_size
                .clamp(EVENT_SIZE as u32, MAX_EVENT_SIZE),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIVER: DriverLimits = DriverLimits {
        segments: 126,
        segment_size: u32::MAX,
        page_sectors: 8,
        depth: 128,
    };

    /// What QEMU reports.
    const USUAL: Reported = Reported {
        seg_max: 254,
        max_sectors: 0xffff,
        cmd_per_lun: 128,
        event_info_size: 16,
        max_target: 255,
        max_lun: 16383,
    };

    fn check(change: impl FnOnce(&mut Reported)) -> Result<HostLimits, LimitsError> {
        let mut reported = USUAL;
        change(&mut reported);
        reported.check(&DRIVER)
    }

    #[test]
    fn limits_of_a_usual_device() {
        let expected = HostLimits {
            segments: 126,
            segment_size: u32::MAX,
            sectors: 0xffff,
            commands_per_lun: 128,
            targets: 256,
            luns: 32768,
            event_size: 16,
        };
        assert_eq!(check(|_| ()), Ok(expected));
    }

    /// The highest target and LUN count, too.
    #[test]
    fn highest_target_and_unit_are_included() {
        for (reported, expected) in [(0, 1), (7, 8), (255, 256), (256, 256), (u16::MAX, 256)] {
            assert_eq!(
                check(|r| r.max_target = reported).map(|l| l.targets),
                Ok(expected)
            );
        }
        for (reported, expected) in [
            (0, 16385),
            (16383, 32768),
            (16384, 32768),
            (u32::MAX, 32768),
        ] {
            assert_eq!(
                check(|r| r.max_lun = reported).map(|l| l.luns),
                Ok(expected)
            );
        }
    }

    #[test]
    fn queues_are_those_that_are_there() {
        for (reported, of_transport, expected) in [
            (0, 3, 1),
            (1, 3, 1),
            (4, 6, 4),
            (4, 5, 3),
            (u32::MAX, 0xffff, 0xfffd),
            (1, 2, 0),
            (0, 0, 0),
        ] {
            assert_eq!(request_queues(reported, of_transport), expected);
        }
    }

    #[test]
    fn numbers_are_limited_by_both_sides() {
        for (reported, expected) in [(0, 1), (1, 1), (126, 126), (127, 126), (u32::MAX, 126)] {
            assert_eq!(
                check(|r| r.seg_max = reported).map(|l| l.segments),
                Ok(expected)
            );
        }
        for (reported, expected) in [(0, 1), (1, 1), (128, 128), (129, 128), (u32::MAX, 128)] {
            let limits = check(|r| r.cmd_per_lun = reported);
            assert_eq!(limits.map(|l| l.commands_per_lun), Ok(expected));
        }
    }

    #[test]
    fn transfers_have_room_for_a_page() {
        for sectors in [1, 7] {
            assert_eq!(
                check(|r| r.max_sectors = sectors),
                Err(LimitsError::Sectors(sectors))
            );
        }
        for (reported, expected) in [(0, 0xffff), (8, 8), (u32::MAX, u32::MAX)] {
            assert_eq!(
                check(|r| r.max_sectors = reported).map(|l| l.sectors),
                Ok(expected)
            );
        }
    }

    /// covers: SCSI-08 SCSI-09
    #[test]
    fn buffers_of_events_are_large_enough() {
        for (reported, expected) in [(0, 16), (16, 16), (64, 64), (4097, 4096), (u32::MAX, 4096)] {
            let limits = check(|r| r.event_info_size = reported);
            assert_eq!(limits.map(|l| l.event_size), Ok(expected));
        }
    }

    #[test]
    fn queue_without_room_is_refused() {
        for (segments, depth) in [(0, 1), (1, 0)] {
            let driver = DriverLimits {
                segments,
                depth,
                ..DRIVER
            };
            assert_eq!(USUAL.check(&driver), Err(LimitsError::QueueTooSmall));
        }
    }
}
