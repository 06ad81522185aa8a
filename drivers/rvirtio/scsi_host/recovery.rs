// SPDX-License-Identifier: GPL-2.0

//! The callbacks of the kernel's error handler.
//!
//! After them the kernel ends commands, and frees what belongs to them. So what they return depends
//! on who owns the commands, not on what the device says:
//!
//! | Callback | Succeeds if |
//! |---|---|
//! | abort | the driver does not own the command |
//! | reset of a logical unit | it owns none for that unit, and the device has confirmed the reset |
//! | reset of a target | it owns none for that target, and the device has confirmed the reset |
//! | reset of the host | always, and only returns when it owns none |
//!
//! The kernel ignores the failure of all of them but the last for commands of its own, so the last
//! must not fail. Whoever has released a tag may still be about to end the command, in a critical
//! section of RCU, which is waited for.

use crate::{
    address::Address,
    bindings::*,
    gate::Private,
    host::Host,
    operations::Operations,
    tag::Tag, //
};
use kernel::{
    ffi::c_int,
    sync::rcu::synchronize_rcu,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};

/// Between two attempts to reset a host.
const PAUSE: Delta = Delta::from_millis(100);

/// Returns what C expects. Before a success, whoever has released a tag gets to its end.
fn answer(success: bool) -> c_int {
    if success {
        synchronize_rcu();
        // CAST: A small number.
        scsi_disposition_SUCCESS as c_int
    } else {
        scsi_disposition_FAILED as c_int
    }
}

/// Returns what is behind the host, device and address, and whether a user has requested the reset.
///
/// # Safety
///
/// `sc` must be a command of the error handler, for a host with operations `T`.
unsafe fn parts<'a, T: Operations>(
    sc: *mut scsi_cmnd,
) -> (&'a Private<'a, T>, *mut scsi_device, Address, bool) {
    // SAFETY: Command, device and host are valid (safety requirement).
    unsafe {
        let sdev = (*sc).device;
        (
            Private::of((*sdev).host),
            sdev,
            Address::of(sdev),
            (*sc).submitter == scsi_cmnd_submitter_SUBMITTED_BY_SCSI_RESET_IOCTL,
        )
    }
}

/// Tries to get a command back from the device.
#[doc(alias = "virtscsi_abort")]
pub(crate) extern "C" fn abort<T: Operations>(sc: *mut scsi_cmnd) -> c_int {
    // SAFETY: C calls this for commands of hosts with operations `T`.
    let (private, _, at, _) = unsafe { parts::<T>(sc) };
    // SAFETY: The host waits for its commands before it is removed.
    let host: &Host<'_, T> = unsafe { private.host() };
    // SAFETY: It is a command of this host.
    let Some((_, tag)) = (unsafe { host.queues.of(sc) }) else {
        return answer(false);
    };
    if tag.is_out() {
        T::abort(host, at, tag.id);
    }
    answer(!tag.is_out())
}

/// Resets a logical unit.
#[doc(alias = "virtscsi_device_reset")]
pub(crate) extern "C" fn reset_lun<T: Operations>(sc: *mut scsi_cmnd) -> c_int {
    // SAFETY: C calls this for commands of hosts with operations `T`.
    let (private, sdev, at, by_user) = unsafe { parts::<T>(sc) };
    if by_user {
        // The host may have been removed. No command ends because of this.
        let Some(_open) = private.enter() else {
            return answer(false);
        };
        // SAFETY: The gate is held open.
        return answer(T::reset_lun(unsafe { private.host() }, at));
    }
    // SAFETY: The host waits for its error handler before it is removed.
    let host: &Host<'_, T> = unsafe { private.host() };
    let done = T::reset_lun(host, at);
    answer(done && !host.queues.any(|tag| tag.is_out_for(sdev)))
}

/// Resets all logical units of a target.
pub(crate) extern "C" fn reset_target<T: Operations>(sc: *mut scsi_cmnd) -> c_int {
    // SAFETY: C calls this for commands of hosts with operations `T`.
    let (private, _, Address { target, .. }, by_user) = unsafe { parts::<T>(sc) };
    if by_user {
        // As above.
        let Some(_open) = private.enter() else {
            return answer(false);
        };
        // SAFETY: The gate is held open.
        return answer(T::reset_target(unsafe { private.host() }, target));
    }
    // SAFETY: The host waits for its error handler before it is removed.
    let host: &Host<'_, T> = unsafe { private.host() };
    let done = T::reset_target(host, target);
    // SAFETY: The error handler, which calls this, runs when all commands wait for it, and ends them
    // later.
    let is_left = |tag: &Tag<_>| unsafe { tag.is_out_for_target(target) };
    answer(done && !host.queues.any(is_left))
}

/// Resets the host.
pub(crate) extern "C" fn reset_host<T: Operations>(sc: *mut scsi_cmnd) -> c_int {
    // SAFETY: C calls this for commands of hosts with operations `T`.
    let (private, _, _, by_user) = unsafe { parts::<T>(sc) };
    if by_user {
        // It would end the commands of everybody.
        return answer(false);
    }
    // SAFETY: The host waits for its error handler before it is removed.
    let host: &Host<'_, T> = unsafe { private.host() };
    loop {
        T::reset_host(host);
        if !host.queues.any(|tag| tag.is_out()) {
            return answer(true);
        }
        fsleep(PAUSE);
    }
}
