// SPDX-License-Identifier: GPL-2.0

//! Addresses of logical units (virtio 1.4, 5.6.6.1). Tested on the host.
//!
//! The device knows a logical unit by eight bytes: 1, the target, two bytes for a single-level LUN,
//! and zeroes. The kernel knows it by what REPORT LUNS has told it, with the first two bytes as the
//! low ones of a number: the peripheral format for LUNs below 256, and the flat format, with bit 14
//! set, for the others.

/// The largest LUN.
const MAX: u64 = 0x3fff;

/// Bit of the flat format.
const FLAT: u64 = 0x4000;

/// The logical unit that answers REPORT LUNS for a whole target.
const REPORT_LUNS: u64 = 0xc101;

/// Returns the address of a logical unit for the device, or `None` if it has none.
#[inline]
pub(crate) fn to_wire(target: u32, lun: u64) -> Option<[u8; 8]> {
    let target = u8::try_from(target).ok()?;
    let single = match lun {
        0..=MAX => lun | FLAT,
        FLAT..=0x7fff | REPORT_LUNS => lun,
        _ => return None,
    };
    // CAST: All of them have 16 bits.
    let [high, low] = (single as u16).to_be_bytes();
    Some([1, target, high, low, 0, 0, 0, 0])
}

/// Returns target and logical unit as the kernel knows them, or `None` for anything else. Devices
/// use both formats for small LUNs.
pub(crate) fn from_wire(bytes: [u8; 8]) -> Option<(u32, u64)> {
    let [1, target, high, low, 0, 0, 0, 0] = bytes else {
        return None;
    };
    let lun = u64::from(u16::from_be_bytes([high, low]));
    let lun = match lun {
        0..=0xff => lun,
        FLAT..=0x40ff => lun - FLAT,
        0x4100..=0x7fff => lun,
        _ => return None,
    };
    Some((target.into(), lun))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: SCSI-D1
    #[test]
    fn addresses_are_those_of_the_specification() {
        for (target, lun, expected) in [
            (0, 0, [1, 0, 0x40, 0, 0, 0, 0, 0]),
            (7, 5, [1, 7, 0x40, 5, 0, 0, 0, 0]),
            (255, 255, [1, 255, 0x40, 255, 0, 0, 0, 0]),
            (1, 300, [1, 1, 0x41, 44, 0, 0, 0, 0]),
            (1, 16384 + 300, [1, 1, 0x41, 44, 0, 0, 0, 0]),
            (255, 16383, [1, 255, 0x7f, 255, 0, 0, 0, 0]),
            (255, 32767, [1, 255, 0x7f, 255, 0, 0, 0, 0]),
            (3, 0xc101, [1, 3, 0xc1, 1, 0, 0, 0, 0]),
        ] {
            assert_eq!(to_wire(target, lun), Some(expected));
        }
    }

    #[test]
    fn addresses_that_would_be_cut_off_are_refused() {
        for lun in [0x8000, 0xc100, 0xc102, 0xffff, 0x10000, 0x1_4000, u64::MAX] {
            assert_eq!(to_wire(0, lun), None);
        }
        for target in [256, u32::MAX] {
            assert_eq!(to_wire(target, 0), None);
        }
    }

    /// What the kernel gets from an event is what REPORT LUNS has told it of the same unit.
    #[test]
    fn events_name_units_as_the_kernel_does() {
        for (bytes, expected) in [
            ([1, 9, 0, 44, 0, 0, 0, 0], Some((9, 44))),
            ([1, 9, 0x40, 44, 0, 0, 0, 0], Some((9, 44))),
            ([1, 9, 0x41, 44, 0, 0, 0, 0], Some((9, 16684))),
            ([1, 9, 0x7f, 255, 0, 0, 0, 0], Some((9, 32767))),
            ([1, 9, 0x01, 44, 0, 0, 0, 0], None),
            ([1, 9, 0xc1, 1, 0, 0, 0, 0], None),
            ([0, 9, 0x40, 44, 0, 0, 0, 0], None),
            ([1, 9, 0x40, 44, 0, 0, 0, 1], None),
            ([0; 8], None),
            ([0xff; 8], None),
        ] {
            assert_eq!(from_wire(bytes), expected);
        }
    }

    #[test]
    fn every_unit_survives_the_way_to_the_device_and_back() {
        for target in [0, 1, 255] {
            for lun in (0..=0xff).chain(0x4100..=0x7fff) {
                let wire = to_wire(target, lun).unwrap();
                assert_eq!(from_wire(wire), Some((target, lun)));
            }
        }
    }
}
