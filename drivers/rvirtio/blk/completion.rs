// SPDX-License-Identifier: GPL-2.0

//! The result of a request, determined from what the device reports. Tested on the host.

use super::spec::status;

/// The value of the status byte until the device writes it, which is not a valid status.
pub(crate) const NOT_WRITTEN: u8 = 0xff;

/// The result of a request, according to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    /// It has succeeded.
    Ok,
    /// The device does not know this type of request.
    Unsupported,
    /// No more zones can be open.
    ZoneOpenResource,
    /// No more zones can be active.
    ZoneActiveResource,
    /// Failure, or an invalid status.
    Failed,
}

impl Completion {
    /// Returns what `device_status` means.
    #[inline]
    pub(crate) fn of(device_status: u8) -> Self {
        match device_status {
            status::OK => Self::Ok,
            status::UNSUPP => Self::Unsupported,
            status::ZONE_OPEN_RESOURCE => Self::ZoneOpenResource,
            status::ZONE_ACTIVE_RESOURCE => Self::ZoneActiveResource,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// covers: BLK-D1
    #[test]
    fn only_zero_is_success() {
        for device_status in 0..=u8::MAX {
            let expected = match device_status {
                0 => Completion::Ok,
                2 => Completion::Unsupported,
                5 => Completion::ZoneOpenResource,
                6 => Completion::ZoneActiveResource,
                _ => Completion::Failed,
            };
            assert_eq!(Completion::of(device_status), expected);
        }
    }

    /// libkrun writes the status of a read that failed into the data.
    #[test]
    fn status_that_was_not_written_is_failure() {
        assert_eq!(Completion::of(NOT_WRITTEN), Completion::Failed);
    }
}
