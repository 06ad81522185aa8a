// SPDX-License-Identifier: GPL-2.0

//! What a device says about a request that it has used: a pure function, tested on the host.

use super::spec::status;

/// What the status is until the device writes it: a value that means nothing.
pub(crate) const NOT_WRITTEN: u8 = 0xff;

/// What a device says about a request that it has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    /// It has succeeded, and the device wrote all that it should have.
    Ok,
    /// It has succeeded, but the device wrote less.
    Short,
    /// The device does not know this type of request.
    Unsupported,
    /// It has failed, or the status is not one.
    Failed,
}

impl Completion {
    /// Returns what `device_status` means for a request of which the device wrote `written`
    /// bytes, where there are `data_in` bytes to write before the status.
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
