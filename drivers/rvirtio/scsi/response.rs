// SPDX-License-Identifier: GPL-2.0

//! What has become of a command, determined from what the device reports. Tested on the host.
//!
//! The number of bytes that the device reports as written says nothing: `vhost-scsi` reports none.
//! The residual does.

use super::spec::{
    response,
    RESPONSE_SIZE, //
};

/// A response, without sense data, as the bytes that the device has written.
pub(crate) type Bytes = [u8; RESPONSE_SIZE];

/// The response until the device writes one, with a code that is not valid.
pub(crate) const NOT_WRITTEN: Bytes = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff];

/// A status of the SCSI Architecture Model.
pub(crate) mod status {
    pub(crate) const GOOD: u8 = 0;
    pub(crate) const CHECK_CONDITION: u8 = 2;
    pub(crate) const CONDITION_MET: u8 = 4;
    pub(crate) const BUSY: u8 = 8;
    pub(crate) const RESERVATION_CONFLICT: u8 = 0x18;
    pub(crate) const TASK_SET_FULL: u8 = 0x28;
    pub(crate) const ACA_ACTIVE: u8 = 0x30;
    pub(crate) const TASK_ABORTED: u8 = 0x40;
}

/// What has become of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The target has this status.
    Status(u8),
    /// The target has CHECK CONDITION, with so many bytes of sense data.
    Sense(u32),
    /// The command was aborted.
    Aborted,
    /// There is no such target.
    BadTarget,
    /// The command was ended by a reset.
    Reset,
    /// The path to the target is busy.
    Busy,
    /// The path to the target has failed.
    Transport,
    /// The target has failed.
    Target,
    /// Something else has failed, or the device does not follow the specification.
    Failed,
}

/// A response, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    sense_len: u32,
    /// The number of bytes that were not transferred, as far as the device is right about it.
    pub(crate) residual: u32,
    status: u8,
    code: u8,
}

impl Response {
    #[inline]
    pub(crate) fn new(bytes: Bytes) -> Self {
        let [s0, s1, s2, s3, r0, r1, r2, r3, _, _, status, code] = bytes;
        Self {
            sense_len: u32::from_le_bytes([s0, s1, s2, s3]),
            residual: u32::from_le_bytes([r0, r1, r2, r3]),
            status,
            code,
        }
    }

    /// Returns whether the command was executed as it should be: all of its data was transferred.
    #[inline]
    pub(crate) fn is_good(self) -> bool {
        self.code == response::OK && self.status == status::GOOD && self.residual == 0
    }

    /// Returns what has become of a command with `len` bytes of data, of which fewer than
    /// `underflow` are an error.
    #[doc(alias = "virtscsi_complete_cmd")]
    pub(crate) fn verdict(self, len: u32, underflow: u32) -> Verdict {
        match self.code {
            response::OK => self.of_target(len, underflow),
            response::ABORTED => Verdict::Aborted,
            response::BAD_TARGET => Verdict::BadTarget,
            response::RESET => Verdict::Reset,
            response::BUSY => Verdict::Busy,
            response::TRANSPORT_FAILURE => Verdict::Transport,
            response::TARGET_FAILURE => Verdict::Target,
            response::NEXUS_FAILURE => Verdict::Status(status::RESERVATION_CONFLICT),
            _ => Verdict::Failed,
        }
    }

    fn of_target(self, len: u32, underflow: u32) -> Verdict {
        match self.status {
            // The kernel would repeat such a command forever if nothing was transferred.
            status::GOOD if len.saturating_sub(self.residual) < underflow => Verdict::Failed,
            // The kernel would stop the whole host to ask for it.
            status::CHECK_CONDITION if self.sense_len == 0 => Verdict::Failed,
            status::CHECK_CONDITION => Verdict::Sense(self.sense_len),
            status::GOOD
            | status::CONDITION_MET
            | status::BUSY
            | status::RESERVATION_CONFLICT
            | status::TASK_SET_FULL
            | status::ACA_ACTIVE
            | status::TASK_ABORTED => Verdict::Status(self.status),
            // The kernel would reset the host because of others.
            _ => Verdict::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(code: u8, status: u8, residual: u32, sense_len: u32) -> Response {
        let mut bytes = [0; RESPONSE_SIZE];
        bytes[..4].copy_from_slice(&sense_len.to_le_bytes());
        bytes[4..8].copy_from_slice(&residual.to_le_bytes());
        bytes[10] = status;
        bytes[11] = code;
        Response::new(bytes)
    }

    #[test]
    fn response_that_was_not_written_is_a_failure() {
        let response = Response::new(NOT_WRITTEN);
        assert!(!response.is_good());
        assert_eq!(response.verdict(512, 0), Verdict::Failed);
    }

    /// covers: SCSI-05
    #[test]
    fn every_code_has_a_meaning() {
        for code in 0..=u8::MAX {
            let expected = match code {
                0 => Verdict::Status(0),
                2 => Verdict::Aborted,
                3 => Verdict::BadTarget,
                4 => Verdict::Reset,
                5 => Verdict::Busy,
                6 => Verdict::Transport,
                7 => Verdict::Target,
                8 => Verdict::Status(0x18),
                _ => Verdict::Failed,
            };
            assert_eq!(response(code, 0, 0, 0).verdict(512, 512), expected);
            assert_eq!(response(code, 0, 0, 0).is_good(), code == 0);
        }
    }

    #[test]
    fn statuses_that_nobody_knows_are_failures() {
        for status in 0..=u8::MAX {
            let expected = match status {
                2 => Verdict::Sense(18),
                0 | 4 | 8 | 0x18 | 0x28 | 0x30 | 0x40 => Verdict::Status(status),
                _ => Verdict::Failed,
            };
            assert_eq!(response(0, status, 0, 18).verdict(0, 0), expected);
        }
    }

    #[test]
    fn check_condition_comes_with_sense_data() {
        assert_eq!(response(0, 2, 0, 0).verdict(0, 0), Verdict::Failed);
        assert_eq!(
            response(0, 2, 0, u32::MAX).verdict(0, 0),
            Verdict::Sense(u32::MAX)
        );
    }

    /// covers: SCSI-D3
    #[test]
    fn transfer_that_is_too_short_is_a_failure() {
        for (len, residual, underflow, good) in [
            (4096, 0, 4096, true),
            (4096, 1, 4096, false),
            (4096, 4096, 4096, false),
            (4096, u32::MAX, 4096, false),
            (4096, u32::MAX, 0, true),
            (4096, 512, 0, true),
            (0, 0, 0, true),
            (0, 7, 0, true),
        ] {
            let expected = if good {
                Verdict::Status(0)
            } else {
                Verdict::Failed
            };
            assert_eq!(
                response(0, 0, residual, 0).verdict(len, underflow),
                expected
            );
        }
    }
}
