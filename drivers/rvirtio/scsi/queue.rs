// SPDX-License-Identifier: GPL-2.0

//! Hardware queues, each of which has a virtqueue for its commands.
//!
//! A CPU that submits a command notifies the device after it has released the lock of the queue. The
//! interrupt handler takes the lock once for all used commands that it finds, and ends them after it
//! has released the lock.

use crate::{
    lun,
    request::{
        outcome,
        Command,
        Memory,
        Prepared, //
    },
    response::NOT_WRITTEN,
    spec::header, //
};
use kernel::{
    device::Bound,
    prelude::*, //
};
use rvirtio::{
    lock::IrqSaveLock,
    new_irq_save_lock,
    virtqueue::{
        drain_with,
        Callbacks,
        Deferred, //
    },
    AddError,
    Device,
    IrqReturn,
    Kick,
    Start,
    Stopped,
    Used,
    VqHandler,
    Why, //
};
use scsi_host::{
    Busy,
    CommandList,
    HostByte,
    Outcome,
    Position,
    TimedOut,
    Timeout, //
};

/// The virtqueue of a hardware queue.
pub(crate) type Virtqueue<'bound> = rvirtio::Virtqueue<'bound, Prepared<'bound>>;

/// A hardware queue. It is aligned to a cache line, because each queue is used by different CPUs.
#[pin_data]
#[repr(align(64))]
pub(crate) struct HwQueue<'bound> {
    /// Protects the virtqueue. This is the innermost lock of the driver, and is taken in
    /// interrupts.
    #[pin]
    state: IrqSaveLock<State<'bound>>,
    dev: &'bound Device<Bound>,
    /// Whether the device does not interrupt for the queue.
    polled: bool,
}

struct State<'bound> {
    vq: Virtqueue<'bound>,
    /// Whether the device was notified a second time, as a command was late.
    kicked: bool,
}

impl<'bound> HwQueue<'bound> {
    /// Creates a hardware queue.
    pub(crate) fn new(
        dev: &'bound Device<Bound>,
        vq: Virtqueue<'bound>,
        polled: bool,
    ) -> impl PinInit<Self, Error> + 'bound {
        let state = State { vq, kicked: false };
        try_pin_init!(Self {
            state <- new_irq_save_lock!(state, "rvirtio_scsi::HwQueue::state"),
            dev,
            polled,
        }? Error)
    }

    /// Returns whether the device does not interrupt for the queue.
    pub(crate) fn is_polled(&self) -> bool {
        self.polled
    }

    /// Enables the queue.
    pub(crate) fn start(&self, start: &mut Start<'_>) -> Result {
        let mut state = self.state.lock();
        start.enable(&mut state.vq)?;
        if self.polled {
            state.vq.disable_cb();
        }
        Ok(())
    }

    /// Notifies the device of all new commands, if necessary.
    #[inline]
    pub(crate) fn commit(&self) {
        let kick = self.state.lock().vq.kick_prepare();
        notify(kick);
    }

    /// Adds a command to the virtqueue. The device is only notified if `position` is the last one,
    /// or the command was not added.
    ///
    /// # Errors
    ///
    /// [`Busy`] if the queue is full, if the device is about to be reset, or if there is no memory
    /// to map the data.
    #[doc(alias = "virtscsi_queuecommand")]
    #[inline(always)]
    pub(crate) fn submit(
        &self,
        command: Command<'bound>,
        position: Position,
    ) -> Result<(), Busy<Memory<'bound>>> {
        let at = command.address();
        let Some(lun) = lun::to_wire(at.target, at.lun) else {
            self.fail(command, HostByte::BAD_TARGET);
            return Ok(());
        };
        let header = header(lun, command.id().0.into(), command.cdb());
        let prepared = match command.prepare(header, NOT_WRITTEN) {
            Ok(prepared) => prepared,
            Err(failed) if failed.error == ENOMEM => return Err(Busy(failed.command)),
            Err(failed) => {
                self.fail(failed.command, HostByte::ERROR);
                return Ok(());
            }
        };
        let mut state = self.state.lock();
        let result = state.vq.add(prepared);
        let kick = if result.is_err() || position == Position::Last {
            state.vq.kick_prepare()
        } else {
            None
        };
        drop(state);
        notify(kick);
        match result {
            Ok(()) => Ok(()),
            Err(rejected) => self.rejected(rejected.value.into(), rejected.error),
        }
    }

    /// Returns a command that the virtqueue has not accepted, or ends it.
    #[cold]
    fn rejected(
        &self,
        command: Command<'bound>,
        error: AddError,
    ) -> Result<(), Busy<Memory<'bound>>> {
        let host = match error {
            AddError::Full => return Err(Busy(command)),
            AddError::Broken if !self.dev.is_dead() => return Err(Busy(command)),
            AddError::Broken => HostByte::NO_CONNECT,
            _ => HostByte::ERROR,
        };
        command.complete(Outcome::of_host(host));
        Ok(())
    }

    /// Ends a command that the device does not get. It may have been the last one.
    #[cold]
    fn fail(&self, command: Command<'bound>, host: HostByte) {
        command.complete(Outcome::of_host(host));
        self.commit();
    }

    /// Ends used commands, and returns whether there were any. The queue must be polled.
    #[doc(alias = "virtscsi_mq_poll")]
    pub(crate) fn poll(&self) -> bool {
        matches!(self.end_used(Callbacks::Disable), IrqReturn::Handled)
    }

    /// Ends used commands, whoever does that usually.
    #[doc(alias = "virtscsi_poll_requests")]
    pub(crate) fn look(&self) {
        self.end_used(if self.polled {
            Callbacks::Disable
        } else {
            Callbacks::Enable
        });
    }

    /// Ends used commands, without the lock held, before it enables the next interrupt. Not inlined,
    /// so that there is only one copy of it.
    #[inline(never)]
    fn end_used(&self, callbacks: Callbacks) -> IrqReturn {
        let mut ended = Ended(CommandList::new());
        let handled = drain_with(
            &self.state,
            |state| &mut state.vq,
            &mut ended,
            |state, ended, Used { data, .. }| {
                if state.kicked {
                    state.kicked = false;
                    self.dev.counters().lost_notifications.add(1);
                }
                ended.0.push_back(data.into());
            },
            callbacks,
        );
        ended.run();
        handled
    }

    /// Ends the commands that the device has completed, and takes back the others.
    pub(crate) fn reclaim(&self, stopped: &Stopped<'_>) {
        // A device may complete commands before it confirms the reset.
        self.look();
        let mut taken = CommandList::new();
        {
            let mut state = self.state.lock();
            state.kicked = false;
            while let Some(command) = state.vq.detach_unused(stopped) {
                taken.push_back(command.into());
            }
        }
        // What is repeated is up to whoever has sent the command: disks are read and written again,
        // programs are told.
        let host = match stopped.why() {
            Why::End | Why::QueueReset => HostByte::NO_CONNECT,
            Why::Recovery | Why::Suspend | Why::Reset => HostByte::RESET,
        };
        let mut count = 0;
        taken.end(|_| {
            count += 1;
            Outcome::of_host(host)
        });
        if count > 0 && host == HostByte::RESET {
            self.dev.counters().requeues.add(count);
        }
    }

    /// Handles a command that is late: looks for it, as its interrupt may be lost; then notifies the
    /// device again, as the notification may be lost; then leaves it to the error handler. The removal
    /// of the host does not wait for more than one time-out.
    #[doc(alias = "virtscsi_eh_timed_out")]
    pub(crate) fn timed_out(&self, late: &TimedOut<'_, Memory<'bound>>) -> Timeout {
        let counters = self.dev.counters();
        self.look();
        if late.is_completed() {
            // If the queue is polled, somebody has stopped doing that.
            if !self.polled {
                counters.lost_interrupts.add(1);
            }
            return Timeout::Completed;
        }
        if late.times_before() > 0 {
            return Timeout::Escalate;
        }
        counters.timeouts.add(1);
        let kick = {
            let mut state = self.state.lock();
            state.kicked = true;
            state.vq.kick_again()
        };
        notify(kick);
        if late.host_goes() {
            Timeout::Escalate
        } else {
            Timeout::Extend
        }
    }
}

impl VqHandler for HwQueue<'_> {
    #[doc(alias = "virtscsi_req_done")]
    fn interrupt(&self) -> IrqReturn {
        self.end_used(Callbacks::Enable)
    }
}

/// Commands that the device has used, and that are not ended yet.
struct Ended<'bound>(CommandList<Memory<'bound>>);

impl Deferred for Ended<'_> {
    #[inline]
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[inline]
    fn run(&mut self) {
        self.0.end(outcome);
    }
}

/// Notifies the device, if necessary.
#[inline]
fn notify(kick: Option<Kick<'_>>) {
    if let Some(kick) = kick {
        kick.notify();
    }
}
