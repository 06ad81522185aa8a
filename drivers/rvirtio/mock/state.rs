// SPDX-License-Identifier: GPL-2.0

//! The state of the device, and checks of the driver's behaviour.

use crate::{
    irqs::Irqs,
    memory::Shared,
    model::{
        Model,
        QUEUES, //
    },
    queue::{
        Queue,
        Taken, //
    },
    script::{
        Call,
        Script,
        Step, //
    },
};
use kernel::prelude::*;
use rvirtio::{
    spec::status::DeviceStatus,
    Features, //
};

/// The length of the configuration space.
pub(crate) const CONFIG_LEN: usize = 20;

/// The status bits that a driver sets, in the required order.
const STEPS: [DeviceStatus; 4] = [
    DeviceStatus::ACKNOWLEDGE,
    DeviceStatus::DRIVER,
    DeviceStatus::FEATURES_OK,
    DeviceStatus::DRIVER_OK,
];

/// The state of the device.
pub(crate) struct State {
    pub(crate) model: Model,
    pub(crate) script: Script,
    pub(crate) status: DeviceStatus,
    /// Whether the driver has reset the device, and has not initialised it since.
    pub(crate) in_reset: bool,
    pub(crate) accepted: Features,
    pub(crate) config: [u8; CONFIG_LEN],
    pub(crate) generation: u8,
    pub(crate) isr: u8,
    pub(crate) irqs: Option<Irqs>,
    /// Whether the line is the only interrupt.
    pub(crate) is_line: bool,
    pub(crate) queues: [Option<Queue>; QUEUES],
    /// Memory for queues that are not enabled.
    pub(crate) rooms: KVec<KVec<Taken>>,
}

impl State {
    pub(crate) fn new(model: Model) -> Result<Self> {
        let mut rooms = KVec::with_capacity(QUEUES, GFP_KERNEL)?;
        for _ in 0..QUEUES {
            rooms.push(Queue::room()?, GFP_KERNEL)?;
        }
        Ok(Self {
            model,
            script: Script::new()?,
            status: DeviceStatus::RESET,
            in_reset: true,
            accepted: Features::EMPTY,
            config: [0; CONFIG_LEN],
            generation: 0,
            isr: 0,
            irqs: None,
            is_line: false,
            queues: [const { None }; QUEUES],
            rooms,
        })
    }

    /// Drops a queue.
    pub(crate) fn drop_queue(&mut self, index: usize) {
        if let Some(queue) = self.queues.get_mut(index).and_then(Option::take) {
            // This does not fail, because the memory was taken from there.
            let _ = self.rooms.push_within_capacity(queue.into_room());
        }
    }

    /// Calls `f` for all memory that the device may write, including that of available buffers.
    pub(crate) fn all_memory(&mut self, mut f: impl FnMut(Shared)) {
        for queue in self.queues.iter_mut().flatten() {
            while queue.take() {}
            let writable = queue.taken().iter().filter(|taken| taken.is_writable);
            writable.for_each(|taken| f(taken.memory));
            queue.areas().into_iter().for_each(&mut f);
        }
    }

    pub(crate) fn queue(&mut self, index: u16) -> Option<&mut Queue> {
        self.queues.get_mut(usize::from(index))?.as_mut()
    }

    pub(crate) fn is_running(&self) -> bool {
        !self.in_reset && self.status.contains(DeviceStatus::DRIVER_OK)
    }

    pub(crate) fn expect(&mut self, is_kept: bool, rule: &'static str) {
        if !is_kept {
            self.script.break_rule(rule);
        }
    }

    pub(crate) fn expect_configurable(&mut self) {
        let configurable = !self.in_reset;
        self.expect(configurable, "configuration used in reset");
    }

    /// Reads `N` bytes of the configuration.
    pub(crate) fn config<const N: usize>(&mut self, offset: u32) -> [u8; N] {
        self.expect_configurable();
        let mut bytes = [u8::MAX; N];
        if !self.model.gone {
            let from = self.config.iter().skip(offset as usize);
            bytes
                .iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to = *from);
        }
        bytes
    }

    /// Changes the status. Returns whether the device requests a reset.
    pub(crate) fn write_status(&mut self, written: DeviceStatus) -> bool {
        self.script.note(Call::Status(written.bits()));
        self.expect(written.contains(self.status), "status bits were lost");
        let is_new = |bit| written.contains(bit) && !self.status.contains(bit);
        let new = DeviceStatus::from_bits(written.bits() & !self.status.bits());
        let in_order = STEPS.windows(2).all(|pair| match pair {
            [before, bit] => !is_new(*bit) || self.status.contains(*before),
            _ => true,
        });
        let hopeless = self.status.contains(DeviceStatus::NEEDS_RESET);
        let goes_on = hopeless && is_new(DeviceStatus::DRIVER_OK);
        self.expect(in_order, "status bits are out of order");
        self.expect(!goes_on, "DRIVER_OK when the device had asked for a reset");
        self.in_reset &= !written.contains(DeviceStatus::ACKNOWLEDGE);
        self.status = written;
        if new.contains(DeviceStatus::FEATURES_OK) && self.script.fails(Step::FeaturesOk) {
            let bits = written.bits() & !DeviceStatus::FEATURES_OK.bits();
            self.status = DeviceStatus::from_bits(bits);
        }
        // Each bit with each: one at a time is in the script.
        for at in (0..8)
            .map(|bit| 1 << bit)
            .filter(|bit| new.bits() & bit != 0)
        {
            for own in (0..8).map(|bit| 1 << bit) {
                if self.script.fails(Step::StatusBit(at, own)) {
                    self.status = self.status.with(DeviceStatus::from_bits(own));
                }
            }
        }
        let asks = self.status.contains(DeviceStatus::NEEDS_RESET);
        asks && !written.contains(DeviceStatus::NEEDS_RESET)
    }
}
