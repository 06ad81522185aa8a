// SPDX-License-Identifier: GPL-2.0

//! Events (virtio 1.4, 5.6.6.3). Tested on the host.

use super::{
    lun,
    spec::{
        event,
        reason,
        EVENT_SIZE, //
    }, //
};

/// What an event is about: target and logical unit, as the kernel knows them.
pub(crate) type Unit = (u32, u64);

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Nothing.
    Nothing,
    /// A unit came.
    Came(Unit),
    /// A unit went.
    Went(Unit),
    /// A unit was reset.
    Reset(Unit),
    /// Parameters of a unit have changed, such as its size.
    Changed(Unit),
    /// There are other units in the target than before.
    UnitsChanged(Unit),
    /// Something else.
    Unknown,
}

/// An event, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) event: Event,
    /// Whether others were lost.
    pub(crate) missed: bool,
}

/// Additional sense codes and their qualifiers.
mod sense {
    pub(super) const PARAMETERS_CHANGED: (u8, u8) = (0x2a, 0x00);
    pub(super) const MODE_PARAMETERS_CHANGED: (u8, u8) = (0x2a, 0x01);
    pub(super) const CAPACITY_CHANGED: (u8, u8) = (0x2a, 0x09);
    pub(super) const INQUIRY_CHANGED: (u8, u8) = (0x3f, 0x03);
    pub(super) const UNITS_CHANGED: (u8, u8) = (0x3f, 0x0e);
}

impl Report {
    #[doc(alias = "virtscsi_handle_event")]
    pub(crate) fn new(bytes: [u8; EVENT_SIZE]) -> Self {
        let [e0, e1, e2, e3, l0, l1, l2, l3, l4, l5, l6, l7, r0, r1, r2, r3] = bytes;
        let number = u32::from_le_bytes([e0, e1, e2, e3]);
        let unit = lun::from_wire([l0, l1, l2, l3, l4, l5, l6, l7]);
        let event = match (number & !event::MISSED, unit) {
            (event::NO_EVENT, _) => Event::Nothing,
            (event::TRANSPORT_RESET, Some(unit)) => match u32::from_le_bytes([r0, r1, r2, r3]) {
                reason::RESCAN => Event::Came(unit),
                reason::REMOVED => Event::Went(unit),
                reason::HARD => Event::Reset(unit),
                _ => Event::Unknown,
            },
            (event::PARAM_CHANGE, Some(unit)) => match (r0, r1) {
                sense::PARAMETERS_CHANGED
                | sense::MODE_PARAMETERS_CHANGED
                | sense::CAPACITY_CHANGED
                | sense::INQUIRY_CHANGED => Event::Changed(unit),
                sense::UNITS_CHANGED => Event::UnitsChanged(unit),
                // Others are for whoever sends the next command.
                _ => Event::Nothing,
            },
            _ => Event::Unknown,
        };
        Self {
            event,
            missed: number & event::MISSED != 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(number: u32, lun: [u8; 8], reason: u32) -> Report {
        let mut bytes = [0; EVENT_SIZE];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        bytes[4..12].copy_from_slice(&lun);
        bytes[12..].copy_from_slice(&reason.to_le_bytes());
        Report::new(bytes)
    }

    const UNIT: [u8; 8] = [1, 2, 0x41, 44, 0, 0, 0, 0];

    #[test]
    fn event_that_was_not_written_is_none() {
        let expected = Report {
            event: Event::Nothing,
            missed: false,
        };
        assert_eq!(Report::new([0; EVENT_SIZE]), expected);
    }

    #[test]
    fn reasons_of_resets() {
        for (reason, expected) in [
            (0, Event::Reset((2, 16684))),
            (1, Event::Came((2, 16684))),
            (2, Event::Went((2, 16684))),
            (3, Event::Unknown),
            (u32::MAX, Event::Unknown),
        ] {
            assert_eq!(report(1, UNIT, reason).event, expected);
        }
    }

    #[test]
    fn changes_of_parameters() {
        for (reason, expected) in [
            (0x002a, Event::Changed((2, 16684))),
            (0x012a, Event::Changed((2, 16684))),
            (0x092a, Event::Changed((2, 16684))),
            (0x033f, Event::Changed((2, 16684))),
            (0x0e3f, Event::UnitsChanged((2, 16684))),
            (0x0028, Event::Nothing),
            (0, Event::Nothing),
        ] {
            assert_eq!(report(3, UNIT, reason).event, expected);
        }
    }

    #[test]
    fn events_about_nobody_are_unknown() {
        for lun in [[0; 8], [0xff; 8], [1, 2, 0xc1, 1, 0, 0, 0, 0]] {
            assert_eq!(report(1, lun, 1).event, Event::Unknown);
            assert_eq!(report(3, lun, 0x2a).event, Event::Unknown);
        }
        for number in [2, 4, 0x7fff_ffff] {
            assert_eq!(report(number, UNIT, 0).event, Event::Unknown);
        }
    }

    #[test]
    fn lost_events_are_a_matter_of_one_bit() {
        for number in [0, 1, 3, 77] {
            assert!(!report(number, UNIT, 1).missed);
            assert!(report(number | 1 << 31, UNIT, 1).missed);
            assert_eq!(
                report(number | 1 << 31, UNIT, 1).event,
                report(number, UNIT, 1).event
            );
        }
    }
}
