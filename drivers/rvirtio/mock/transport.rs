// SPDX-License-Identifier: GPL-2.0

//! The transport of the device, for core.

use crate::{
    device::Device,
    irqs::Irqs,
    model::{
        Line,
        QUEUES, //
    },
    queue::Queue,
    script::{
        Call,
        Step, //
    },
    state::CONFIG_LEN,
};
use core::{
    ptr::NonNull,
    sync::atomic::AtomicU32, //
};
use kernel::{
    bindings,
    device,
    prelude::*,
    sync::Arc, //
};
use rvirtio::{
    notify::Doorbell,
    spec::{
        feature,
        ring::NotifyWidth,
        status::DeviceStatus, //
    },
    transport::QueueSetup,
    vectors::VectorRequest,
    Features,
    Transport, //
};

pub(crate) struct SoftTransport(pub(crate) Arc<Device>);

// SAFETY:
// - `parent` is a device of the faux bus, which is bound for as long as its registration exists,
//   and that belongs to the device.
// - When `reset` or `reset_queue` have succeeded, the device does not access the queues any more.
// - Doorbells are in the device, to which `self` has a reference.
// - `irq` returns interrupts that were allocated for this device.
unsafe impl Transport for SoftTransport {
    fn parent(&self) -> &device::Device<device::Bound> {
        self.0.parent.as_ref().as_ref()
    }

    fn features(&self) -> Features {
        Features::of(&[feature::RING_RESET, feature::NOTIFICATION_DATA])
    }

    fn device_features(&self) -> Features {
        let state = self.0.state.lock();
        if state.model.gone {
            return Features::from_bits(u128::MAX).without(feature::ACCESS_PLATFORM);
        }
        state.model.features
    }

    fn set_driver_features(&self, features: Features) {
        let mut state = self.0.state.lock();
        state.script.note(Call::DriverFeatures);
        let early = !state.status.contains(DeviceStatus::FEATURES_OK) || state.model.gone;
        state.expect(early, "features written after FEATURES_OK");
        state.accepted = features;
    }

    fn status(&self) -> DeviceStatus {
        let state = self.0.state.lock();
        if state.model.gone {
            DeviceStatus::from_bits(u8::MAX)
        } else {
            state.status
        }
    }

    fn set_status(&self, status: DeviceStatus) {
        let asks = {
            let mut state = self.0.state.lock();
            if state.model.gone {
                return;
            }
            let early = !state.is_running() && self.0.was_rung();
            state.expect(!early, "doorbell without DRIVER_OK");
            state.write_status(status)
        };
        if asks {
            self.0.config_interrupt();
            self.0.settle();
        }
    }

    fn reset(&self) -> Result {
        let mut state = self.0.state.lock();
        state.script.note(Call::Reset);
        let late = !state.is_running() && self.0.was_rung();
        state.expect(!late, "doorbell without DRIVER_OK");
        self.0.was_rung();
        state.in_reset = true;
        if !state.model.gone && state.script.fails(Step::Reset) {
            return Err(ETIMEDOUT);
        }
        state.status = DeviceStatus::RESET;
        (0..QUEUES).for_each(|index| state.drop_queue(index));
        Ok(())
    }

    fn is_present(&self) -> bool {
        !self.0.state.lock().model.gone
    }

    fn config_generation(&self) -> u8 {
        let mut state = self.0.state.lock();
        state.expect_configurable();
        if state.model.restless {
            state.generation = state.generation.wrapping_add(1);
        }
        state.generation
    }

    fn config_len(&self) -> u32 {
        CONFIG_LEN as u32
    }

    fn config_read8(&self, offset: u32) -> u8 {
        u8::from_le_bytes(self.0.state.lock().config(offset))
    }

    fn config_read16(&self, offset: u32) -> u16 {
        u16::from_le_bytes(self.0.state.lock().config(offset))
    }

    fn config_read32(&self, offset: u32) -> u32 {
        u32::from_le_bytes(self.0.state.lock().config(offset))
    }

    fn config_write8(&self, offset: u32, value: u8) {
        let mut state = self.0.state.lock();
        state.expect_configurable();
        state.script.note(Call::ConfigWrite(offset));
        if let Some(byte) = state.config.get_mut(offset as usize) {
            *byte = value;
        }
    }

    fn config_write32(&self, offset: u32, value: u32) {
        for (offset, byte) in (offset..).zip(value.to_le_bytes()) {
            self.config_write8(offset, byte);
        }
    }

    fn num_queues(&self) -> u16 {
        if self.is_present() {
            QUEUES as u16
        } else {
            u16::MAX
        }
    }

    fn max_queue_size(&self, index: u16) -> u16 {
        let state = self.0.state.lock();
        if state.model.gone {
            return u16::MAX;
        }
        state
            .model
            .sizes
            .get(usize::from(index))
            .copied()
            .unwrap_or(0)
    }

    fn doorbell(&self, index: u16, features: Features) -> Result<Doorbell<'_>> {
        if self.0.state.lock().script.fails(Step::Doorbell(index)) {
            return Err(EINVAL);
        }
        let bell: &AtomicU32 = self.0.bells.get(usize::from(index)).ok_or(EINVAL)?;
        let width = if features.contains(feature::NOTIFICATION_DATA) {
            NotifyWidth::Bits32
        } else {
            NotifyWidth::Bits16
        };
        // SAFETY: The doorbell is an atomic of 32 bits, which can be written at any time, and
        // exists as long as `self`.
        Ok(unsafe { Doorbell::new(NonNull::from(bell).cast(), index, width) })
    }

    fn setup_queue(&self, index: u16, setup: &QueueSetup) -> Result {
        let mut state = self.0.state.lock();
        state.script.note(Call::SetupQueue(index));
        if state.model.gone || state.status == DeviceStatus::RESET {
            return Err(EIO);
        }
        if state.script.fails(Step::SetupQueue(index)) {
            return Err(EBUSY);
        }
        let queue = state.queues.get(usize::from(index)).ok_or(EINVAL)?;
        let is_free = queue.is_none();
        let negotiated = state.status.contains(DeviceStatus::FEATURES_OK);
        state.expect(is_free, "queue enabled twice");
        state.expect(negotiated, "queue enabled before FEATURES_OK");
        let max = state.model.sizes.get(usize::from(index)).copied();
        let is_possible = max.is_some_and(|max| (1..=max).contains(&setup.size));
        state.expect(is_possible, "impossible queue size");
        if !is_free || !is_possible {
            return Err(EBUSY);
        }
        let room = state.rooms.pop().ok_or(ENOMEM)?;
        // SAFETY: `setup` is passed by the driver. The queue is dropped when the device or the
        // queue is reset.
        let queue = unsafe { Queue::new(setup, state.accepted, room) };
        if let Some(slot) = state.queues.get_mut(usize::from(index)) {
            *slot = Some(queue);
        }
        Ok(())
    }

    fn reset_queue(&self, index: u16) -> Result {
        let mut state = self.0.state.lock();
        state.script.note(Call::ResetQueue(index));
        if state.model.gone {
            return Err(EIO);
        }
        if state.script.fails(Step::ResetQueue(index)) {
            return Err(ETIMEDOUT);
        }
        state.drop_queue(index.into());
        Ok(())
    }

    fn alloc_vectors(&self, request: &VectorRequest) -> Result {
        let (count, requestable) = {
            let mut state = self.0.state.lock();
            state.script.note(Call::AllocVectors(*request));
            if state.script.fails(Step::AllocVectors) {
                return Err(ENOSPC);
            }
            let model = &state.model;
            match *request {
                VectorRequest::Msix {
                    pre_vectors,
                    queues,
                    ..
                } if pre_vectors + queues <= model.vectors => {
                    (pre_vectors + queues, model.requestable)
                }
                VectorRequest::Line if model.line != Line::None => {
                    (1, u16::from(model.line == Line::Works))
                }
                _ => return Err(ENOSPC),
            }
        };
        let irqs = Irqs::new(count, requestable)?;
        let mut state = self.0.state.lock();
        let is_first = state.irqs.is_none();
        state.expect(is_first, "vectors allocated twice");
        state.is_line = *request == VectorRequest::Line;
        let old = state.irqs.replace(irqs);
        drop(state);
        drop(old);
        Ok(())
    }

    fn route_config_vector(&self) -> Result {
        let mut state = self.0.state.lock();
        state.script.note(Call::RouteConfigVector);
        if state.script.fails(Step::RouteConfigVector) {
            return Err(EBUSY);
        }
        Ok(())
    }

    fn free_vectors(&self) {
        let mut state = self.0.state.lock();
        state.script.note(Call::FreeVectors);
        let unused = state
            .irqs
            .as_ref()
            .is_some_and(|irqs| irqs.requested() == 0);
        state.expect(unused, "vectors freed that are in use, or not there");
        let irqs = state.irqs.take();
        drop(state);
        drop(irqs);
    }

    fn irq(&self, vector: u16) -> Result<u32> {
        let mut state = self.0.state.lock();
        if state.script.fails(Step::Irq(vector)) {
            return Err(EINVAL);
        }
        state
            .irqs
            .as_ref()
            .and_then(|irqs| irqs.number(vector))
            .ok_or(EINVAL)
    }

    fn irq_affinity(&self, _vector: u16) -> *const bindings::cpumask {
        core::ptr::null()
    }

    fn read_isr(&self) -> u8 {
        core::mem::take(&mut self.0.state.lock().isr)
    }
}
