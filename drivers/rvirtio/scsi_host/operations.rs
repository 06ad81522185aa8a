// SPDX-License-Identifier: GPL-2.0

//! The trait that a driver implements.

use crate::{
    address::Address,
    command::{
        Busy,
        Command,
        Memory, //
    },
    host::Host,
    live::Live,
    tag::TagId,
    timed_out::{
        TimedOut,
        Timeout, //
    }, //
};
use kernel::{
    module::ModuleMetadata,
    prelude::*, //
};

/// A driver of SCSI hosts.
///
/// Implementations are marker types.
#[vtable]
pub trait Operations: Sized {
    /// The module that the driver is in. `#[vtable]` fills it in.
    type OwnerModule: ModuleMetadata;

    /// A hardware queue.
    type HwQueue: Send + Sync;

    /// The driver's memory for one command in flight.
    type Command: Memory;

    /// What the driver has for all of the host.
    type HostData: Send + Sync;

    /// What the host is called in the kernel's log.
    const NAME: &'static CStr;

    /// What the driver is called in `/sys/class/scsi_host/host*/proc_name`.
    const PROC_NAME: &'static CStr;

    /// Starts `command` on the device, completes it, or returns it to be repeated later.
    ///
    /// If `position` is not [`Position::Last`], the device need not be notified yet: more commands
    /// or [`Operations::commit`] follow. The latter is also called if the last one is returned. Must
    /// not sleep.
    ///
    /// # Errors
    ///
    /// [`Busy`] with the same command, which the device must not have.
    fn queue_command(
        queue: &Self::HwQueue,
        command: Command<Self::Command>,
        position: Position,
    ) -> Result<(), Busy<Self::Command>>;

    /// Notifies the device of commands for which [`Operations::queue_command`] did not notify it.
    fn commit(queue: &Self::HwQueue);

    /// Ends the commands that the device has completed in a polled queue, and returns whether there
    /// were any. Must not sleep.
    fn poll(queue: &Self::HwQueue) -> bool;

    /// Handles a command that was not completed in time. Must not sleep.
    fn timed_out(queue: &Self::HwQueue, late: &TimedOut<'_, Self::Command>) -> Timeout;

    /// Tries to get a command back from the device, and waits for that, but not forever. The crate
    /// looks whether the command has ended.
    fn abort(host: &Host<'_, Self>, at: Address, id: TagId);

    /// Resets a logical unit, and returns whether the device has done that. Waits for it, but not
    /// forever. Commands for others may be in flight.
    fn reset_lun(host: &Host<'_, Self>, at: Address) -> bool;

    /// Resets all logical units of a target, and returns whether the device has done that. Waits for
    /// it, but not forever. Commands for others may be in flight.
    fn reset_target(host: &Host<'_, Self>, target: u32) -> bool;

    /// Resets the device so that all commands end, or find out that it is gone; sleeps. This is
    /// called again until the driver owns no command.
    fn reset_host(host: &Host<'_, Self>);

    /// Does what [`Host::schedule`] was called for. May sleep, and is called by one thread at a
    /// time.
    fn handle_events(host: &Live<'_, '_, Self>);
}

/// The position of a command in a group that the kernel passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// More commands follow.
    Middle,
    /// This is the last command.
    Last,
}
