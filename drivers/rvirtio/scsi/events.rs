// SPDX-License-Identifier: GPL-2.0

//! The event queue: devices that come, go and change.
//!
//! A buffer is only given back to the device when its event was handled. So a device that reports
//! more than the driver can handle has no buffers, has to say that it has lost events, and is looked
//! at once for all of them.

use crate::{
    event::{
        Event,
        Report,
        Unit, //
    },
    round::Round,
    spec::EVENT_SIZE, //
};
use core::{
    array,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    }, //
};
use kernel::{
    device::Bound,
    prelude::*, //
};
use rvirtio::{
    lock::IrqSaveLock,
    new_irq_save_lock,
    virtqueue::drain,
    Buffer,
    Device,
    In,
    IrqReturn,
    Setup,
    Start,
    Stopped,
    Virtqueue, //
};
use scsi_host::{
    Address,
    Executed,
    Live,
    Operations, //
};

/// The number of events that the device can report before the driver has handled one.
const BUFFERS: usize = 8;

/// The length of the answer to INQUIRY that is asked for, in bytes.
const INQUIRY_LEN: u8 = 36;

/// The command.
const INQUIRY: [u8; 16] = [0x12, 0, 0, 0, INQUIRY_LEN, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Places for all buffers.
type Places<'bound> = KVec<Option<Buffer<'bound>>>;

/// The event queue of a device.
#[pin_data]
pub(crate) struct Events<'bound> {
    #[pin]
    state: IrqSaveLock<State<'bound>>,
    dev: &'bound Device<Bound>,
    /// Whether events may have been lost, because the device was reset.
    reset: AtomicBool,
    /// Whether an unknown event was logged.
    logged: AtomicBool,
}

struct State<'bound> {
    vq: Virtqueue<'bound, In<'bound>>,
    /// Buffers with events that were not handled, in the order in which they were reported.
    used: Places<'bound>,
    /// Buffers that the device does not have, because it does not run.
    idle: Places<'bound>,
    /// The targets that are looked at because events were lost.
    round: Round,
}

/// Puts a buffer into the first place that is free. There are as many places as buffers.
fn put<'bound>(places: &mut Places<'bound>, buffer: Buffer<'bound>) {
    if let Some(place) = places.iter_mut().find(|place| place.is_none()) {
        *place = Some(buffer);
    }
}

/// Takes all buffers out of their places.
fn take<'bound>(places: &mut Places<'bound>) -> [Option<Buffer<'bound>>; BUFFERS] {
    array::from_fn(|index| places.get_mut(index).and_then(Option::take))
}

impl<'bound> State<'bound> {
    /// Gives a buffer to the device. Without an event of its own it would report the previous one
    /// again.
    fn add(&mut self, mut buffer: Buffer<'bound>) {
        buffer.write(&[0; EVENT_SIZE]);
        if let Err(rejected) = self.vq.add(In(buffer)) {
            put(&mut self.idle, rejected.value.0);
        }
    }
}

impl<'bound> Events<'bound> {
    /// Creates the event queue of a device with so many targets, with buffers for events of `size`
    /// bytes. It is in memory of its own, as there is little on the stack.
    ///
    /// # Errors
    ///
    /// Those of allocating the buffers.
    #[inline(never)]
    pub(crate) fn new(
        setup: &Setup<'bound>,
        vq: Virtqueue<'bound, In<'bound>>,
        size: u32,
        targets: u32,
    ) -> Result<Pin<KBox<Self>>> {
        let mut idle = KVec::with_capacity(BUFFERS, GFP_KERNEL)?;
        let mut used = KVec::with_capacity(BUFFERS, GFP_KERNEL)?;
        for _ in 0..BUFFERS {
            idle.push(Some(Buffer::new(setup.dma(), size)?), GFP_KERNEL)?;
            used.push(None, GFP_KERNEL)?;
        }
        let state = State {
            vq,
            used,
            idle,
            round: Round::new(targets),
        };
        let this = pin_init!(Self {
            state <- new_irq_save_lock!(state, "rvirtio_scsi::Events::state"),
            dev: setup.device(),
            reset: AtomicBool::new(false),
            logged: AtomicBool::new(false),
        });
        KBox::pin_init(this, GFP_KERNEL)
    }

    /// Enables the queue, and fills it.
    #[doc(alias = "virtscsi_kick_event_all")]
    pub(crate) fn start(&self, start: &mut Start<'_>) -> Result {
        let mut state = self.state.lock();
        start.enable(&mut state.vq)?;
        for buffer in take(&mut state.idle).into_iter().flatten() {
            state.add(buffer);
        }
        Ok(())
    }

    /// Has [`Events::handle`] look at all units, because the device was reset: what it would have
    /// reported until now is lost.
    pub(crate) fn after_reset(&self) {
        self.reset.store(true, Ordering::Relaxed);
    }

    /// Notifies the device of the buffers.
    pub(crate) fn kick(&self) {
        let kick = self.state.lock().vq.kick_again();
        if let Some(kick) = kick {
            kick.notify();
        }
    }

    /// Takes back the buffers.
    pub(crate) fn reclaim(&self, stopped: &Stopped<'_>) {
        self.look();
        let mut state = self.state.lock();
        while let Some(In(buffer)) = state.vq.detach_unused(stopped) {
            put(&mut state.idle, buffer);
        }
    }

    /// Takes the events that the device has reported.
    #[doc(alias = "virtscsi_event_done")]
    pub(crate) fn look(&self) -> IrqReturn {
        drain(
            &self.state,
            |state| &mut state.vq,
            &mut (),
            |state, (), used| put(&mut state.used, used.data.0),
        )
    }

    /// Handles the events that the device has reported. If some were lost, looks at one target, and has
    /// itself called for the next one: all of them take seconds, which neither a suspend nor the removal
    /// of the host has to wait for.
    pub(crate) fn handle(&self, live: &Live<'_, '_, impl Operations>) {
        self.handle_reported(live);
        let target = self.state.lock().round.turn();
        if let Some(target) = target {
            live.scan_target(target);
            live.host().schedule();
        }
    }

    #[doc(alias = "virtscsi_handle_event")]
    fn handle_reported(&self, live: &Live<'_, '_, impl Operations>) {
        loop {
            let batch = take(&mut self.state.lock().used);
            let mut missed = self.reset.swap(false, Ordering::Relaxed);
            if !missed && batch.iter().all(Option::is_none) {
                return;
            }
            for buffer in batch.into_iter().flatten() {
                let mut bytes = [0; EVENT_SIZE];
                buffer.read(0, &mut bytes);
                let report = Report::new(bytes);
                if report.missed {
                    dev_info!(self.dev, "events were lost, looking at all units\n");
                    missed = true;
                }
                self.handle_one(live, report.event);
                let mut state = self.state.lock();
                state.add(buffer);
                let kick = state.vq.kick_prepare();
                drop(state);
                if let Some(kick) = kick {
                    kick.notify();
                }
            }
            if missed {
                remove_dead(live, |_| true);
                // Changes may have been lost, too. Besides, a unit that was asked while the device
                // had failed is taken for empty.
                live.devices().for_each(|device| device.rescan());
                self.state.lock().round.begin();
            }
        }
    }

    fn handle_one(&self, live: &Live<'_, '_, impl Operations>, event: Event) {
        match event {
            Event::Nothing => (),
            // The device only reports the first unit of a target if there may be others.
            Event::Came((target, 0)) => live.scan_target(target),
            Event::Came(unit) => live.add(address(unit)),
            Event::Went(unit) => went(live, unit),
            Event::Reset(_) => live.host().report_reset(),
            Event::Changed(unit) => {
                if let Some(device) = live.device(address(unit)) {
                    device.rescan();
                }
            }
            Event::UnitsChanged((target, _)) => {
                remove_dead(live, |at| at.target == target);
                live.scan_target(target);
            }
            Event::Unknown => {
                if !self.logged.swap(true, Ordering::Relaxed) {
                    dev_warn!(self.dev, "ignoring an unknown event\n");
                }
            }
        }
    }
}

/// Handles that a unit went. If it was the first of its target, all of that is looked at.
#[doc(alias = "virtscsi_handle_transport_reset")]
fn went(live: &Live<'_, '_, impl Operations>, unit: Unit) {
    if let Some(device) = live.device(address(unit)) {
        device.remove();
    }
    if let (target, 0) = unit {
        remove_dead(live, |at| at.target == target);
        live.scan_target(target);
    }
}

fn address((target, lun): Unit) -> Address {
    Address { target, lun }
}

/// Removes those devices for which `pred` holds and which the host has not any more.
#[doc(alias = "virtscsi_rescan_hotunplug")]
fn remove_dead(live: &Live<'_, '_, impl Operations>, pred: impl Fn(Address) -> bool) {
    let Ok(mut answer) = KVec::from_elem(0u8, INQUIRY_LEN.into(), GFP_KERNEL) else {
        return;
    };
    for device in live.devices() {
        if !pred(device.address()) {
            continue;
        }
        answer.iter_mut().for_each(|byte| *byte = 0);
        let gone = match device.execute_in(&INQUIRY, &mut answer) {
            // There is a target, but not this unit.
            Executed::Good => answer.first().is_some_and(|byte| byte >> 5 != 0),
            Executed::BadTarget => true,
            Executed::Failed => false,
        };
        if gone {
            device.remove();
        }
    }
}
