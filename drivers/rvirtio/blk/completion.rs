// SPDX-License-Identifier: GPL-2.0

//! The result of a request, determined from what the device reports. Tested on the host.

use super::spec::status;

/// The value of the status byte until the device writes it, which is not a valid status.
pub(crate) const NOT_WRITTEN: u8 = 0xff;

/// The result of a request, according to the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    /// Success; the device reports that it wrote all data and the status.
    Ok,
    /// Success, but the device reports that it wrote less.
    Short,
    /// Failure, because the device does not support this type of request.
    Unsupported,
    /// Failure, or an invalid status.
    Failed,
}

impl Completion {
    /// Returns the result of a request with the status `device_status`, for which the device
    /// reports `written` bytes. It should write `data_in` bytes of data, followed by the status.
    #[inline]
    pub(crate) fn of(device_status: u8, written: u32, data_in: u32) -> Self {
        match device_status {
            status::OK if written > data_in => Self::Ok,
            status::OK => Self::Short,
            status::UNSUPP => Self::Unsupported,
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
                _ => Completion::Failed,
            };
            assert_eq!(Completion::of(device_status, 513, 512), expected);
        }
    }

    #[test]
    fn success_needs_all_data_and_the_status() {
        for (written, data_in) in [(0, 0), (0, 512), (511, 512), (512, 512)] {
            assert_eq!(
                Completion::of(status::OK, written, data_in),
                Completion::Short
            );
        }
        for (written, data_in) in [(1, 0), (513, 512)] {
            assert_eq!(Completion::of(status::OK, written, data_in), Completion::Ok);
        }
    }

    #[test]
    fn failure_may_write_less() {
        assert_eq!(Completion::of(status::IOERR, 1, 512), Completion::Failed);
        assert_eq!(Completion::of(NOT_WRITTEN, 0, 512), Completion::Failed);
    }
}
