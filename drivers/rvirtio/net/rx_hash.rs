// SPDX-License-Identifier: GPL-2.0

//! Hashes that headers of received frames report (virtio 1.4, 5.1.6.4.3.4).

use super::spec::header::{
    hash_report::{
        TCPV4,
        TCPV6,
        UDPV4,
        UDPV6, //
    },
    Header, //
};
use core::sync::atomic::{
    AtomicU32,
    Ordering, //
};

/// The hash of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RxHash {
    pub(crate) value: u32,
    /// It is of ports, too.
    pub(crate) has_ports: bool,
}

/// Which hashes the device was asked for, and may therefore report: a bit for each report. None at first.
#[derive(Default)]
pub(crate) struct Asked(AtomicU32);

impl Asked {
    /// Changes which ones these are. `types` are bits of the field that the device is told.
    pub(crate) fn set(&self, types: u32) {
        // What is bit 0 there is report 1, and so on, without those for extension headers.
        self.0.store(types << 1, Ordering::Relaxed);
    }

    /// Returns the hash that a header reports. One that the device was not asked for is none: what it has
    /// made of which part of the frame cannot be known.
    #[doc(alias = "virtio_skb_set_hash")]
    #[inline(always)]
    pub(crate) fn find(&self, header: &Header) -> Option<RxHash> {
        let asked = self.0.load(Ordering::Relaxed);
        if asked == 0 {
            return None;
        }
        let bit = 1_u32.checked_shl(header.hash_report.into())?;
        (asked & bit != 0).then_some(RxHash {
            value: header.hash_value,
            has_ports: matches!(header.hash_report, TCPV4 | UDPV4 | TCPV6 | UDPV6),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUE: u32 = 0x1234_5678;

    fn found(types: u32, report: u16) -> Option<bool> {
        let asked = Asked::default();
        asked.set(types);
        let header = Header {
            hash_report: report,
            hash_value: VALUE,
            ..Header::default()
        };
        let hash = asked.find(&header)?;
        assert_eq!(hash.value, VALUE);
        Some(hash.has_ports)
    }

    #[test]
    fn hash_is_of_addresses_or_of_ports_too() {
        for (report, has_ports) in [
            (1, false),
            (2, true),
            (3, true),
            (4, false),
            (5, true),
            (6, true),
        ] {
            assert_eq!(found(0x3f, report), Some(has_ports));
        }
    }

    /// Whatever a device reports that it was not asked for: nothing, extension headers, what does not exist.
    #[test]
    fn hash_that_was_not_asked_for_is_none() {
        for types in 0..1 << 6 {
            for report in 0..=u16::MAX {
                let asked = (1..=6).contains(&report) && types & 1 << (report - 1) != 0;
                assert_eq!(found(types, report).is_some(), asked, "{types:#x} {report}");
            }
        }
    }
}
