// SPDX-License-Identifier: GPL-2.0

//! What a device says about a request that it has used: a pure function, tested on the host.

use super::spec::status;

/// What the status is until the device writes it: a value that means nothing.
pub(crate) const NOT_WRITTEN: u8 = 0xff;

/// What a device says about a request that it has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has succeeded, and the device wrote all that it should have.
    Success,
    /// It has succeeded, but the device wrote less.
    Short,
    /// The device does not know this type of request.
    Unsupported,
    /// It has failed, or the status is not one.
    Failure,
}

impl Verdict {
    /// Returns what `device_status` means for a request of which the device wrote `written`
    /// bytes, where there are `data_in` bytes to write before the status.
    #[inline]
    pub(crate) fn of(device_status: u8, written: u32, data_in: u32) -> Self {
        match device_status {
            status::OK if written > data_in => Self::Success,
            status::OK => Self::Short,
            status::UNSUPP => Self::Unsupported,
            _ => Self::Failure,
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
                0 => Verdict::Success,
                2 => Verdict::Unsupported,
                _ => Verdict::Failure,
            };
            assert_eq!(Verdict::of(device_status, 513, 512), expected);
        }
    }

    #[test]
    fn success_needs_all_data_and_the_status() {
        for (written, data_in) in [(0, 0), (0, 512), (511, 512), (512, 512)] {
            assert_eq!(Verdict::of(status::OK, written, data_in), Verdict::Short);
        }
        for (written, data_in) in [(1, 0), (513, 512)] {
            assert_eq!(Verdict::of(status::OK, written, data_in), Verdict::Success);
        }
    }

    #[test]
    fn failure_may_write_less() {
        assert_eq!(Verdict::of(status::IOERR, 1, 512), Verdict::Failure);
        assert_eq!(Verdict::of(NOT_WRITTEN, 0, 512), Verdict::Failure);
    }
}
