// SPDX-License-Identifier: GPL-2.0

//! The operations that the kernel calls.

use crate::{
    control::Control,
    events::Events,
    lun,
    queue::HwQueue,
    request::{
        Command,
        Memory, //
    },
    spec::tmf, //
};
use core::marker::PhantomData;
use kernel::{
    device::Bound,
    prelude::*, //
};
use rvirtio::{
    Config,
    Device, //
};
use scsi_host::{
    Address,
    Busy,
    Operations,
    Position,
    TagId,
    TimedOut,
    Timeout, //
};

/// A host with the driver's operations.
pub(crate) type Host<'bound> = scsi_host::Host<'bound, Ops<'bound>>;

/// What the driver has for all of a host.
pub(crate) struct HostData<'bound> {
    pub(crate) dev: &'bound Device<Bound>,
    pub(crate) config: Config<'bound>,
    pub(crate) control: Pin<KBox<Control<'bound>>>,
    pub(crate) events: Pin<KBox<Events<'bound>>>,
}

/// The driver's operations on a device that is bound for `'bound`.
pub(crate) struct Ops<'bound>(PhantomData<fn(&'bound ()) -> &'bound ()>);

/// Requests a task management function for a logical unit. Afterwards commands that it has ended are
/// looked for, because their interrupts may come later.
fn manage(host: &scsi_host::Host<'_, Ops<'_>>, function: u32, at: Address, tag: u64) -> bool {
    let Some(lun) = lun::to_wire(at.target, at.lun) else {
        return false;
    };
    let done = host.data().control.request(function, lun, tag);
    host.queues().for_each(|queue| queue.look());
    done
}

#[vtable]
impl<'bound> Operations for Ops<'bound> {
    type HwQueue = HwQueue<'bound>;
    type Command = Memory<'bound>;
    type HostData = HostData<'bound>;

    const NAME: &'static CStr = c"Virtio SCSI HBA";
    const PROC_NAME: &'static CStr = c"rvirtio_scsi";

    // The callback for C only calls this function.
    #[inline(always)]
    fn queue_command(
        queue: &HwQueue<'bound>,
        command: Command<'bound>,
        position: Position,
    ) -> Result<(), Busy<Memory<'bound>>> {
        queue.submit(command, position)
    }

    #[doc(alias = "virtscsi_commit_rqs")]
    fn commit(queue: &HwQueue<'bound>) {
        queue.commit();
    }

    fn poll(queue: &HwQueue<'bound>) -> bool {
        queue.poll()
    }

    fn timed_out(queue: &HwQueue<'bound>, late: &TimedOut<'_, Memory<'bound>>) -> Timeout {
        queue.timed_out(late)
    }

    fn abort(host: &scsi_host::Host<'_, Self>, at: Address, id: TagId) {
        manage(host, tmf::ABORT_TASK, at, id.0.into());
    }

    fn reset_lun(host: &scsi_host::Host<'_, Self>, at: Address) -> bool {
        dev_info!(host.data().dev, "resetting unit {}:{}\n", at.target, at.lun);
        manage(host, tmf::LOGICAL_UNIT_RESET, at, 0)
    }

    fn reset_target(host: &scsi_host::Host<'_, Self>, target: u32) -> bool {
        dev_info!(host.data().dev, "resetting target {target}\n");
        manage(host, tmf::I_T_NEXUS_RESET, Address { target, lun: 0 }, 0)
    }

    fn reset_host(host: &scsi_host::Host<'_, Self>) {
        host.data().dev.reset_and_wait();
    }

    fn handle_events(live: &scsi_host::Live<'_, '_, Self>) {
        live.host().data().events.handle(live);
    }
}
