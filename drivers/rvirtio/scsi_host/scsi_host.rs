// SPDX-License-Identifier: GPL-2.0

//! SCSI hosts, which the kernel crate has nothing for yet.
//!
//! A driver implements [`Operations`] for a type and creates a [`Host`] of its hardware queues.
//!
//! - A [`Command`] is linear: there is one value for each command that the driver owns, which has to
//!   be completed or returned. A command that is dropped instead ends with an error.
//! - [`Operations::Command`] is the driver's memory for a command in flight. There is one for each
//!   driver tag of a hardware queue. They are allocated before the host.
//! - The error handler of the kernel ends commands whatever drivers have told it. So a driver only
//!   says what it has tried: whether a command was given up is a matter of who owns it, which this
//!   crate knows. The last step, [`Operations::reset_host`], is repeated until the driver owns none.
//! - There is one owner: the host owns the hardware queues, the commands and the driver's data.
//!
//! [`virtqueue`] adds commands to virtqueues.
//!
//! C headers: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h),
//! [`include/scsi/scsi_cmnd.h`](srctree/include/scsi/scsi_cmnd.h)

mod address;
mod bindings;
mod callbacks;
mod command;
mod device;
mod gate;
mod helpers;
mod host;
mod hw_queue;
mod limits;
mod list;
mod live;
mod operations;
mod outcome;
mod recovery;
mod segments;
mod tag;
mod timed_out;
pub mod virtqueue;

pub use address::Address;
pub use command::{
    Bidirectional,
    Busy,
    Command,
    Memory,
    CDB_LEN, //
};
pub use device::{
    Device,
    Executed, //
};
pub use host::{
    num_possible_queues,
    Host,
    NewQueue, //
};
pub use limits::Limits;
pub use list::CommandList;
pub use live::{
    Devices,
    Live, //
};
pub use operations::{
    Operations,
    Position, //
};
pub use outcome::{
    HostByte,
    Outcome, //
};
pub use tag::TagId;
pub use timed_out::{
    TimedOut,
    Timeout, //
};

/// Prefix of `pr_*` messages: the name of the module that this crate is linked into.
#[allow(non_upper_case_globals, dead_code)]
const __LOG_PREFIX: &[u8] = b"rvirtio_scsi\0";
