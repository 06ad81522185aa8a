// SPDX-License-Identifier: GPL-2.0

//! The device, with the interface for tests.

use crate::{
    front::Erased,
    irqs::{
        self,
        Irqs, //
    },
    model::{
        Model,
        QUEUES, //
    },
    script::{
        Call,
        Step, //
    },
    state::State,
};
use core::{
    any::Any,
    sync::atomic::{
        AtomicU32,
        Ordering, //
    },
};
use kernel::{
    bindings, device, faux, new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};
use rvirtio::{
    lock::IrqSaveLock,
    new_irq_save_lock,
    spec::{
        pci::{
            ISR_CONFIG,
            ISR_QUEUE, //
        },
        status::DeviceStatus, //
    }, //
};

/// The value of a doorbell that was not rung.
pub(crate) const SILENT: u32 = u32::MAX;

/// A device.
#[pin_data]
pub struct Device {
    #[pin]
    pub(crate) state: IrqSaveLock<State>,
    #[pin]
    front: Mutex<Option<Erased>>,
    pub(crate) bells: [AtomicU32; QUEUES],
    pub(crate) parent: faux::Registration,
}

impl Device {
    pub(crate) fn new(model: Model) -> Result<Arc<Self>> {
        let parent = faux::Registration::new(c"rvirtio-mock", None)?;
        let state = State::new(model)?;
        Arc::pin_init(
            try_pin_init!(Self {
                state <- new_irq_save_lock!(state, "mock::Device::state"),
                front <- new_mutex!(None, "mock::Device::front"),
                bells: [const { AtomicU32::new(SILENT) }; QUEUES],
                parent,
            }),
            GFP_KERNEL,
        )
    }

    /// Returns the parent device.
    pub(crate) fn parent_raw(&self) -> *mut bindings::device {
        let parent: *const device::Device<device::Bound> = self.parent.as_ref().as_ref();
        // CAST: `device::Device` is a transparent wrapper.
        parent.cast_mut().cast()
    }

    pub(crate) fn front(&self) -> &Mutex<Option<Erased>> {
        &self.front
    }

    /// Passes a command to the front end.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if there is none, and those of the front end.
    pub fn call(&self, command: &dyn Any) -> Result<usize> {
        self.front.lock().as_ref().ok_or(ENODEV)?.call(command)
    }

    /// Changes the model of the device.
    pub fn change(&self, change: impl FnOnce(&mut Model)) {
        change(&mut self.state.lock().model);
    }

    /// Makes the next `step` fail.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if there are too many failures.
    pub fn fail(&self, step: Step) -> Result {
        self.fail_after(step, 0)
    }

    /// Makes `step` fail after `successes` successes.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if there are too many failures.
    pub fn fail_after(&self, step: Step, successes: usize) -> Result {
        self.state.lock().script.fail_after(step, successes)
    }

    /// Cancels all failures. Returns the number of those that have not happened.
    pub fn forgive(&self) -> usize {
        self.state.lock().script.forgive()
    }

    /// Returns the calls of the driver since the last time.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn take_calls(&self) -> Result<KVec<Call>> {
        self.state.lock().script.take()
    }

    /// Returns the first rule of the specification that the driver has violated, if there is one.
    pub fn broken_rule(&self) -> Option<&'static str> {
        let mut state = self.state.lock();
        if !state.is_running() && self.was_rung() {
            state.script.break_rule("doorbell without DRIVER_OK");
        }
        state.script.broken()
    }

    /// Returns whether a doorbell was rung since the last time.
    pub(crate) fn was_rung(&self) -> bool {
        let rung = |bell: &AtomicU32| bell.swap(SILENT, Ordering::Relaxed) != SILENT;
        self.bells.iter().filter(|bell| rung(bell)).count() != 0
    }

    /// Returns whether the doorbell of a queue was rung since the last time.
    pub fn rang(&self, queue: u16) -> bool {
        self.bells
            .get(usize::from(queue))
            .is_some_and(|bell| bell.swap(SILENT, Ordering::Relaxed) != SILENT)
    }

    /// Returns the number of requested interrupts.
    pub fn interrupts(&self) -> usize {
        self.state.lock().irqs.as_ref().map_or(0, Irqs::requested)
    }

    /// Uses at most `count` buffers. Returns their number, and whether the driver has requested an
    /// interrupt.
    pub fn use_buffers(&self, index: u16, count: usize) -> (usize, bool) {
        let mut state = self.state.lock();
        let Some(queue) = state.queue(index) else {
            return (0, false);
        };
        while queue.take() {}
        let used = (0..count).map_while(|_| queue.use_next(0x5a));
        used.fold((0, false), |(used, any), wanted| (used + 1, any | wanted))
    }

    /// Uses the next buffer of a queue, which the device only reads: copies it to `to`. Returns its
    /// length, as far as that has room.
    pub fn take_sent(&self, index: u16, to: &mut [u8]) -> Option<usize> {
        self.state.lock().queue(index)?.use_read(to)
    }

    /// Uses the next buffer of a queue, which the device may write: copies `bytes` to it, and reports that
    /// it has written so many, which may be a lie. Returns whether there was a buffer.
    pub fn pass(&self, index: u16, bytes: &[u8], written: u32) -> bool {
        let mut state = self.state.lock();
        let queue = state.queue(index);
        queue.is_some_and(|queue| queue.use_written(bytes, written).is_some())
    }

    /// Takes the next command of a queue, a split ring: copies what the device reads of it to `to`. Returns its
    /// length.
    pub(crate) fn take_command(&self, index: u16, to: &mut [u8]) -> Option<usize> {
        self.state.lock().queue(index)?.take_command(to)
    }

    /// Uses the command that was taken last: copies `answer` to what the device may write of it.
    pub(crate) fn answer_command(&self, index: u16, answer: &[u8]) {
        let mut state = self.state.lock();
        if let Some(queue) = state.queue(index) {
            queue.answer_command(answer);
        }
    }

    /// Changes bytes of the configuration, without an interrupt.
    pub fn set_config(&self, offset: usize, bytes: &[u8]) {
        let mut state = self.state.lock();
        let config = state.config.iter_mut().skip(offset);
        config.zip(bytes).for_each(|(to, from)| *to = *from);
        state.generation = state.generation.wrapping_add(1);
    }

    /// Reports a used buffer that the driver did not make available.
    pub fn break_ring(&self, index: u16) {
        if let Some(queue) = self.state.lock().queue(index) {
            queue.give_back_wrong();
        }
    }

    /// Writes to all memory that the driver shares with the device.
    pub fn write_everywhere(&self) {
        self.state.lock().all_memory(|memory| memory.fill(0xa5));
    }

    /// Returns whether all memory that the device may write is still allocated.
    pub fn has_its_memory(&self) -> bool {
        let mut all = true;
        self.state
            .lock()
            .all_memory(|memory| all &= memory.is_there());
        all
    }

    /// Raises the interrupt of a queue.
    pub fn interrupt(&self, index: u16) {
        let irq = {
            let mut state = self.state.lock();
            state.isr |= ISR_QUEUE;
            let vector = state.queue(index).and_then(|queue| queue.vector);
            let vector = if state.is_line { Some(0) } else { vector };
            vector.and_then(|vector| state.irqs.as_ref()?.number(vector))
        };
        if let Some(irq) = irq {
            irqs::raise(irq);
        }
    }

    /// Raises the interrupt of configuration changes.
    pub fn config_interrupt(&self) {
        self.state.lock().isr |= ISR_CONFIG;
        if let Some(irq) = self.config_irq() {
            irqs::raise(irq);
        }
    }

    /// Waits until the driver has handled all interrupts.
    pub fn settle(&self) {
        if let Some(irq) = self.config_irq() {
            irqs::settle(irq);
        }
    }

    fn config_irq(&self) -> Option<u32> {
        self.state.lock().irqs.as_ref()?.number(0)
    }

    /// Sets DEVICE_NEEDS_RESET (virtio 1.4, 2.1.2), without an interrupt.
    pub fn ask_for_reset(&self) {
        let mut state = self.state.lock();
        state.status = state.status.with(DeviceStatus::NEEDS_RESET);
    }

    /// Forgets everything, as when somebody else has reset the device.
    pub fn forget(&self) {
        let mut state = self.state.lock();
        state.status = DeviceStatus::RESET;
        (0..QUEUES).for_each(|index| state.drop_queue(index));
    }
}
