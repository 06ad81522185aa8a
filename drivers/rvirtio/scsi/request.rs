// SPDX-License-Identifier: GPL-2.0

//! Commands to the device (virtio 1.4, 5.6.6.1), and what has become of them.

use crate::{
    response::{
        status,
        Bytes,
        Response,
        Verdict, //
    },
    spec::{
        HEADER_SIZE,
        SENSE_SIZE, //
    }, //
};
use rvirtio::virtqueue::exchange::{
    Exchange,
    StatusFirst, //
};
use scsi_host::{
    HostByte,
    Outcome, //
};

/// The driver's memory of a command in flight: the bytes of header and response, and room for sense
/// data.
pub(crate) type Memory<'bound> =
    Exchange<'bound, [u8; HEADER_SIZE], Bytes, (), StatusFirst<SENSE_SIZE>>;

/// A command from the kernel.
pub(crate) type Command<'bound> = scsi_host::Command<Memory<'bound>>;

/// A command that is ready for the virtqueue.
pub(crate) type Prepared<'bound> = scsi_host::virtqueue::Prepared<Memory<'bound>>;

/// Returns what has become of a command that the device has used.
#[inline]
pub(crate) fn outcome(command: &mut Command<'_>) -> Outcome {
    let response = Response::new(command.device_status());
    if response.is_good() {
        return Outcome::of_host(HostByte::OK);
    }
    rare_outcome(command, response)
}

#[cold]
fn rare_outcome(command: &mut Command<'_>, response: Response) -> Outcome {
    let verdict = response.verdict(command.data_len(), command.underflow());
    let of_target = |status| Outcome {
        host: HostByte::OK,
        status,
        residual: response.residual,
    };
    match verdict {
        Verdict::Status(status) => of_target(status),
        Verdict::Sense(len) if command.take_sense(len) => of_target(status::CHECK_CONDITION),
        Verdict::Sense(_) | Verdict::Failed => Outcome::of_host(HostByte::ERROR),
        Verdict::Aborted => Outcome::of_host(HostByte::ABORT),
        Verdict::BadTarget => Outcome::of_host(HostByte::BAD_TARGET),
        Verdict::Reset => Outcome::of_host(HostByte::RESET),
        Verdict::Busy => Outcome::of_host(HostByte::BUS_BUSY),
        Verdict::Transport => Outcome::of_host(HostByte::TRANSPORT_DISRUPTED),
        Verdict::Target => command.target_failure(),
    }
}
