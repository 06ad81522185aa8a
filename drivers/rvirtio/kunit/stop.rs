// SPDX-License-Identifier: GPL-2.0

//! Stopping a device: by whom, and what comes back.

use crate::{
    busy::{
        busy_device,
        busy_device_of,
        ensure_rebinds,
        ensure_stopped,
        ensure_unusable, //
    },
    ensure::{
        ensure,
        ensure_eq, //
    },
    front::{
        unbound_device,
        Command,
        BUFFERS,
        FRONT, //
    },
};
use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;
use mock::{
    Call,
    Model,
    Step, //
};
use rvirtio::spec::status::DeviceStatus;

#[kunit_tests(rvirtio_stop)]
mod tests {
    use super::*;

    /// A device that asks for a reset is reset, its buffers come back, and its configuration is out
    /// of reach.
    ///
    /// covers: INIT-20 INIT-27
    #[test]
    fn device_that_asks_for_a_reset() -> Result {
        let device = busy_device()?;
        device.ask_for_reset();
        device.config_interrupt();
        device.settle();
        ensure_stopped(&device)?;
        ensure_eq!(FRONT.changed.load(Relaxed), 1);
        // No second time, neither by another interrupt nor by unbinding.
        device.config_interrupt();
        device.settle();
        ensure!(device.take_calls()?.is_empty());
        // Nor are changes told of a device that is in reset.
        ensure_eq!(FRONT.changed.load(Relaxed), 1);
        device.unbind();
        ensure_eq!(*device.take_calls()?, [Call::FreeVectors]);
        ensure_eq!(FRONT.reclaimed.load(Relaxed), 1);
        ensure_eq!(FRONT.order.load(Relaxed), 13254);
        FRONT.begin();
        ensure!(device.bind());
        ensure_rebinds(&device)
    }

    /// A device that breaks a ring is reset.
    #[test]
    fn device_that_breaks_a_ring() -> Result {
        let device = busy_device()?;
        device.break_ring(2);
        device.interrupt(2);
        device.settle();
        ensure_stopped(&device)?;
        ensure_rebinds(&device)
    }

    /// A device that somebody else has reset is not waited for.
    #[test]
    fn device_that_forgets_everything() -> Result {
        let device = busy_device()?;
        device.forget();
        device.config_interrupt();
        device.settle();
        ensure_stopped(&device)?;
        ensure_rebinds(&device)
    }

    /// A device that asks for a reset when it is told that the driver is ready is reset at once, and
    /// not only when `connect` has returned, as that may wait for the device. Then the probe fails.
    #[test]
    fn device_that_fails_when_it_starts() -> Result {
        let device = unbound_device(Model::default())?;
        FRONT.waits.store(true, Relaxed);
        FRONT.fills.store(true, Relaxed);
        device.fail(Step::StatusBit(
            DeviceStatus::DRIVER_OK.bits(),
            DeviceStatus::NEEDS_RESET.bits(),
        ))?;
        ensure!(!device.bind());
        ensure_eq!(FRONT.reclaimed.load(Relaxed), 1);
        ensure_eq!(device.interrupts(), 0);
        FRONT.begin();
        ensure!(device.bind());
        ensure_rebinds(&device)
    }

    /// Buffers that were not used come back when the driver is unbound.
    ///
    /// covers: INIT-27
    #[test]
    fn buffers_come_back_at_unbinding() -> Result {
        let device = busy_device()?;
        ensure_eq!(device.use_buffers(0, 2).0, 2);
        device.interrupt(0);
        ensure_eq!(device.call(&Command::Received(0))?, 2);
        device.unbind();
        ensure_eq!(*device.take_calls()?, [Call::Reset, Call::FreeVectors]);
        ensure_eq!(FRONT.detached.load(Relaxed), BUFFERS + 1);
        ensure_eq!(FRONT.order.load(Relaxed), 12534);
        ensure_eq!(device.broken_rule(), None);
        Ok(())
    }

    /// The failure of a device that nobody was told of is noticed when the driver is unbound, before
    /// anything waits for its buffers.
    #[test]
    fn failure_is_noticed_at_unbinding() -> Result {
        let device = busy_device()?;
        // Used buffers that nobody was told of come back with the others.
        ensure_eq!(device.use_buffers(0, 2), (2, true));
        device.ask_for_reset();
        device.unbind();
        ensure_eq!(*device.take_calls()?, [Call::Reset, Call::FreeVectors]);
        ensure_eq!(FRONT.detached.load(Relaxed), BUFFERS + 3);
        ensure_eq!(FRONT.reclaimed.load(Relaxed), 1);
        ensure_eq!(FRONT.order.load(Relaxed), 12354);
        Ok(())
    }

    /// A device that was unplugged has let go of everything.
    #[test]
    fn device_that_is_unplugged() -> Result {
        let mut device = busy_device()?;
        device.change(|model| model.gone = true);
        device.remove();
        ensure_eq!(*device.take_calls()?, [Call::Reset, Call::FreeVectors]);
        ensure_eq!(FRONT.detached.load(Relaxed), BUFFERS + 3);
        ensure_eq!(FRONT.order.load(Relaxed), 12354);
        Ok(())
    }

    /// Interrupts of others on the line find nothing when the device was stopped, not even what it had
    /// used before.
    #[test]
    fn interrupts_after_the_end() -> Result {
        let model = Model {
            vectors: 0,
            ..Model::default()
        };
        let device = busy_device_of(model)?;
        ensure_eq!(device.use_buffers(0, 2), (2, true));
        device.ask_for_reset();
        device.config_interrupt();
        device.settle();
        ensure_stopped(&device)?;
        device.interrupt(0);
        device.settle();
        ensure_eq!(device.call(&Command::Received(0))?, 0);
        ensure!(device.take_calls()?.is_empty());
        ensure_rebinds(&device)
    }

    /// Queues take no more buffers when the device was stopped, even if the driver has not taken back
    /// those that they have.
    #[test]
    fn queues_that_are_not_emptied() -> Result {
        let device = busy_device()?;
        FRONT.keeps.store(true, Relaxed);
        device.ask_for_reset();
        device.config_interrupt();
        device.settle();
        ensure_eq!(*device.take_calls()?, [Call::Reset]);
        ensure_eq!(device.call(&Command::InFlight(2))?, 3);
        ensure_eq!(device.call(&Command::Add(2, 1)), Err(EIO));
        ensure!(!device.rang(2));
        ensure_unusable(&device)?;
        ensure_rebinds(&device)
    }

    /// Before a restart the device is reset, and stays bound.
    #[test]
    fn shutdown_resets() -> Result {
        let device = busy_device()?;
        device.shutdown();
        ensure_stopped(&device)?;
        ensure!(device.is_bound());
        ensure_rebinds(&device)
    }
}
