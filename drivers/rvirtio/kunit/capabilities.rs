// SPDX-License-Identifier: GPL-2.0

//! Parsing of PCI capabilities.

use crate::pci_files::caps::ConfigSpace;
use kernel::prelude::*;
use rvirtio::spec::pci::cap;

/// Where the first capability is.
const FIRST: u8 = 0x40;

/// The configuration space of a function whose capabilities are 20 bytes each, in a row.
#[derive(Clone, Copy)]
struct Function {
    space: [u8; 256],
}

/// A capability: type, offset and length of the structure.
type Cap = (u8, u32, u32);

/// What QEMU has.
const GOOD: [Cap; 4] = [
    (cap::TYPE_COMMON_CFG, 0, 0x1000),
    (cap::TYPE_ISR_CFG, 0x1000, 0x1000),
    (cap::TYPE_DEVICE_CFG, 0x2000, 0x1000),
    (cap::TYPE_NOTIFY_CFG, 0x3000, 0x1000),
];

impl Function {
    fn new(caps: &[Cap]) -> Self {
        let mut space = [0; 256];
        // The status says that there are capabilities, and they start at `FIRST`.
        space[0x06] = 0x10;
        space[0x34] = FIRST;
        for (i, &(kind, offset, length)) in caps.iter().enumerate() {
            let at = usize::from(FIRST) + 20 * i;
            let next = if i + 1 < caps.len() { at + 20 } else { 0 };
            space[at] = cap::ID_VENDOR;
            space[at + 1] = next as u8;
            space[at + 2] = 20;
            space[at + 3] = kind;
            space[at + 4] = 4;
            space[at + 8..at + 12].copy_from_slice(&offset.to_le_bytes());
            space[at + 12..at + 16].copy_from_slice(&length.to_le_bytes());
            space[at + 16..at + 20].copy_from_slice(&4u32.to_le_bytes());
        }
        Self { space }
    }

    fn bytes<const N: usize>(&self, offset: u16) -> Option<[u8; N]> {
        self.space
            .get(usize::from(offset)..)?
            .first_chunk()
            .copied()
    }
}

impl ConfigSpace for Function {
    fn read_u8(&self, offset: u16) -> Option<u8> {
        self.bytes(offset).map(u8::from_le_bytes)
    }

    fn read_u16(&self, offset: u16) -> Option<u16> {
        self.bytes(offset).map(u16::from_le_bytes)
    }

    fn read_u32(&self, offset: u16) -> Option<u32> {
        self.bytes(offset).map(u32::from_le_bytes)
    }

    fn bar_len(&self, bar: u8) -> Option<u64> {
        (bar == 4).then_some(0x4000)
    }
}

#[kunit_tests(rvirtio_pci_caps)]
mod tests {
    use super::*;
    use crate::pci_files::caps::{
        structure::Defect,
        Error,
        Layout,
        NotifyError,
        Structure, //
    };
    use rvirtio::spec::ring::NotifyWidth;

    /// The structures of a good function are found where they are.
    #[test]
    fn good_function() {
        let found = Layout::find(&Function::new(&GOOD));
        assert!(found.is_ok_and(|layout| {
            layout.common.offset == 0
                && layout.isr.offset == 0x1000
                && layout.device.is_some_and(|window| window.offset == 0x2000)
                && layout.notify.offset == 0x3000
                && layout.notify_off_multiplier == 4
        }));
    }

    /// Without one of the structures that have to be there a function is refused.
    #[test]
    fn missing_structures() {
        for (missing, structure) in [
            (cap::TYPE_COMMON_CFG, Structure::Common),
            (cap::TYPE_ISR_CFG, Structure::Isr),
            (cap::TYPE_NOTIFY_CFG, Structure::Notify),
        ] {
            // The place is taken by a type that nobody knows.
            let caps = GOOD.map(|(kind, offset, length)| {
                let kind = if kind == missing { 0x7f } else { kind };
                (kind, offset, length)
            });
            let expected = Error::Structure(structure, Defect::Missing);
            assert_eq!(Layout::find(&Function::new(&caps)).err(), Some(expected));
        }
    }

    /// A structure that is not within its BAR is not used.
    #[test]
    fn outside_the_bar() {
        for (offset, length) in [(0x3000, 0x1004), (0x4000, 0x10), (u32::MAX - 3, 8)] {
            let mut caps = GOOD;
            caps[3] = (cap::TYPE_NOTIFY_CFG, offset, length);
            let expected = Error::Structure(Structure::Notify, Defect::OutsideBar);
            assert_eq!(Layout::find(&Function::new(&caps)).err(), Some(expected));
        }
    }

    /// A list that bites its tail is walked to an end.
    #[test]
    fn endless_list() {
        let mut function = Function::new(&GOOD);
        let last = usize::from(FIRST) + 60;
        function.space[last + 1] = FIRST;
        let _ = Layout::find(&function);
        function.space[usize::from(FIRST) + 1] = FIRST;
        assert!(Layout::find(&function).is_err());
    }

    /// No list of any bytes does harm.
    #[test]
    fn any_bytes() {
        let mut state = 1u32;
        for _ in 0..2000 {
            let mut function = Function::new(&GOOD);
            for byte in &mut function.space[usize::from(FIRST)..] {
                // A linear congruence is random enough.
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if state >> 29 == 0 {
                    *byte = (state >> 16) as u8;
                }
            }
            if let Ok(layout) = Layout::find(&function) {
                for window in [layout.common, layout.notify, layout.isr] {
                    assert!(u64::from(window.offset) + u64::from(window.length) <= 0x4000);
                }
            }
        }
    }

    /// A doorbell has to be within the structure, for the width that it is written with.
    #[test]
    fn doorbells() {
        let mut caps = GOOD;
        caps[3].2 = 10;
        let layout = Layout::find(&Function::new(&caps));
        assert!(layout.is_ok());
        if let Ok(layout) = layout {
            let at = |index, width| layout.notify_offset(index, width);
            assert_eq!(at(2, NotifyWidth::Bits16), Ok(0x3008));
            let outside = Err(NotifyError::OutsideWindow);
            assert_eq!(at(2, NotifyWidth::Bits32), outside);
            assert_eq!(at(3, NotifyWidth::Bits16), outside);
        }
    }
}
