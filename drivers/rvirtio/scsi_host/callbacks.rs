// SPDX-License-Identifier: GPL-2.0

//! The callbacks for C, which call the functions that a driver implements.
//!
//! C header: [`include/scsi/scsi_host.h`](srctree/include/scsi/scsi_host.h)

use crate::{
    bindings::*,
    command::{
        Busy,
        Command,
        Memory, //
    },
    gate::Private,
    host::Host,
    operations::{
        Operations,
        Position, //
    },
    outcome::{
        HostByte,
        Outcome, //
    },
    recovery,
    timed_out::TimedOut, //
};
use core::marker::PhantomData;
use kernel::{
    ffi::{
        c_int,
        c_uint,
        c_ulong, //
    },
    module::this_module, //
};

/// A full task set lowers the depth of the queue of a device.
const TRACK_QUEUE_DEPTH: u8 = 1 << 1;
/// A reset of the host need not settle.
const SKIP_SETTLE_DELAY: u8 = 1 << 5;

/// The callbacks of a driver for C.
pub(crate) struct Callbacks<T>(PhantomData<T>);

impl<T: Operations> Callbacks<T> {
    /// The table of callbacks, and of limits that are the same for all hosts.
    pub(crate) const TEMPLATE: scsi_host_template = scsi_host_template {
        module: this_module::<T::OwnerModule>().as_ptr().cast(),
        name: T::NAME.to_bytes_with_nul().as_ptr(),
        proc_name: T::PROC_NAME.to_bytes_with_nul().as_ptr(),
        queuecommand: Some(Self::queuecommand),
        commit_rqs: Some(Self::commit_rqs),
        map_queues: Some(Self::map_queues),
        mq_poll: Some(Self::mq_poll),
        sdev_init: Some(sdev_init),
        change_queue_depth: Some(change_queue_depth),
        eh_timed_out: Some(Self::eh_timed_out),
        eh_abort_handler: Some(recovery::abort::<T>),
        eh_device_reset_handler: Some(recovery::reset_lun::<T>),
        eh_target_reset_handler: Some(recovery::reset_target::<T>),
        eh_host_reset_handler: Some(recovery::reset_host::<T>),
        this_id: -1,
        can_queue: 1,
        sg_tablesize: 1,
        cmd_per_lun: 1,
        // Segments of guest memory may have any address.
        dma_boundary: c_ulong::MAX,
        _bitfield_1: __BindgenBitfieldUnit::new([TRACK_QUEUE_DEPTH | SKIP_SETTLE_DELAY, 0]),
        ..pin_init::zeroed()
    };

    /// Returns the host.
    ///
    /// # Safety
    ///
    /// `shost` must be a host with these operations that is added.
    #[inline]
    unsafe fn host<'a>(shost: *mut Scsi_Host) -> &'a Host<'a, T> {
        // SAFETY: The host is there (safety requirement).
        unsafe { Private::<T>::of(shost).host() }
    }

    extern "C" fn queuecommand(shost: *mut Scsi_Host, sc: *mut scsi_cmnd) -> scsi_qc_status {
        // SAFETY: C calls this for hosts with these operations that are added, with a command of
        // the host.
        let (host, found) = unsafe {
            let host = Self::host(shost);
            (host, host.queues.of(sc))
        };
        let Some((queue, tag)) = found else {
            return scsi_qc_status_SCSI_MLQUEUE_HOST_BUSY;
        };
        // SAFETY: The command and its device are valid.
        let (sdev, submitter, flags) = unsafe { ((*sc).device, (*sc).submitter, (*sc).flags) };
        if submitter == scsi_cmnd_submitter_SUBMITTED_BY_SCSI_ERROR_HANDLER
            && host.queues.any(|tag| tag.is_out_for(sdev))
        {
            return refuse(sc);
        }
        if !tag.take(sdev) {
            // The kernel has given the previous command of this tag up, and the device has it still.
            return scsi_qc_status_SCSI_MLQUEUE_HOST_BUSY;
        }
        let position = if flags & SCMD_LAST as c_int != 0 {
            Position::Last
        } else {
            Position::Middle
        };
        // SAFETY: The tag was just taken, is that of the command, and lives as long as the host. C
        // transfers the ownership of the command.
        let command = unsafe { Command::new(tag, sc) };
        match T::queue_command(&queue.queue, command, position) {
            Ok(()) => 0,
            Err(busy) => give_back(busy, sc),
        }
    }

    extern "C" fn commit_rqs(shost: *mut Scsi_Host, queue: u16) {
        // SAFETY: C calls this for hosts with these operations that are added.
        let host = unsafe { Self::host(shost) };
        if let Some(queue) = host.queues.all().get(usize::from(queue)) {
            T::commit(&queue.queue);
        }
    }

    extern "C" fn mq_poll(shost: *mut Scsi_Host, queue: c_uint) -> c_int {
        // SAFETY: C calls this for hosts with these operations that are added.
        let host = unsafe { Self::host(shost) };
        let queue = host.queues.all().get(queue as usize);
        queue.is_some_and(|queue| T::poll(&queue.queue)).into()
    }

    extern "C" fn map_queues(shost: *mut Scsi_Host) {
        // SAFETY: C calls this for hosts with these operations while they are being added. Nobody
        // else uses the maps.
        unsafe {
            let host = Self::host(shost);
            let count = (*shost).nr_maps as usize;
            let maps = &mut (&mut (*shost).tag_set.map)[..];
            host.queues
                .map_queues(maps.get_mut(..count).unwrap_or_default());
        }
    }

    extern "C" fn eh_timed_out(sc: *mut scsi_cmnd) -> scsi_timeout_action {
        // SAFETY: C calls this for commands of hosts with these operations that are added.
        let (host, found) = unsafe {
            let host = Self::host((*(*sc).device).host);
            (host, host.queues.of(sc))
        };
        let Some((queue, tag)) = found else {
            return scsi_timeout_action_SCSI_EH_NOT_HANDLED;
        };
        T::timed_out(&queue.queue, &TimedOut::new(tag, host.goes())).into_raw()
    }
}

/// Returns a command to the kernel, which passed it to the driver as `sc`.
#[cold]
fn give_back<C: Memory>(busy: Busy<C>, sc: *mut scsi_cmnd) -> scsi_qc_status {
    if busy.0.as_raw() == sc {
        busy.0.give_back();
        return scsi_qc_status_SCSI_MLQUEUE_HOST_BUSY;
    }
    // The driver has returned another command, and still owns the one that this is called for.
    drop(busy);
    0
}

/// Ends a command of the error handler that the device does not get: it has others for the logical
/// unit, and the error handler would take them for given up if this one succeeded.
#[cold]
fn refuse(sc: *mut scsi_cmnd) -> scsi_qc_status {
    // SAFETY: The command is valid, and C has transferred its ownership.
    unsafe {
        (*sc).result = Outcome::of_host(HostByte::ERROR).result();
        scsi_done(sc);
    }
    0
}

/// Has the limits of devices read, which those that are passed through have from the host's.
#[doc(alias = "virtscsi_device_alloc")]
extern "C" fn sdev_init(sdev: *mut scsi_device) -> c_int {
    // SAFETY: C passes a device that nobody else uses yet; the constant is one of C.
    unsafe { (*sdev).sdev_bflags = RVIRTIO_BLIST_TRY_VPD_PAGES };
    0
}

/// Changes how many commands a device gets at a time, within the limit of the host.
#[doc(alias = "virtscsi_change_queue_depth")]
extern "C" fn change_queue_depth(sdev: *mut scsi_device, depth: c_int) -> c_int {
    // SAFETY: C passes a valid device, whose host is valid too.
    unsafe {
        let most = c_int::from((*(*sdev).host).cmd_per_lun);
        scsi_change_queue_depth(sdev, depth.min(most))
    }
}
