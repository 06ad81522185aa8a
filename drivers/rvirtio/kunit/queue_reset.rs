// SPDX-License-Identifier: GPL-2.0

//! Resetting a single queue, to exchange its ring for one of another size.

use crate::{
    ensure::{
        ensure,
        ensure_eq, //
    },
    front::{
        Command,
        Within,
        BUFFERS,
        DEVICE_ID,
        FRONT, //
    },
};
use core::sync::atomic::Ordering::Relaxed;
use kernel::prelude::*;
use mock::{
    Call,
    Model,
    Plugged,
    Step, //
};
use rvirtio::spec::feature;

/// Returns a device that runs, with some buffers of queues 0 and 1.
fn busy_device(model: Model) -> Result<Plugged> {
    FRONT.begin();
    let device = Plugged::new(DEVICE_ID, model)?;
    ensure!(device.is_bound());
    ensure_eq!(device.call(&Command::Add(0, 3))?, 3);
    ensure_eq!(device.call(&Command::Add(1, 2))?, 2);
    device.settle();
    device.take_calls()?;
    Ok(device)
}

/// Fails unless queue 0 works, and queue 1 has its two buffers.
fn ensure_working(device: &Plugged, size: usize) -> Result {
    ensure!(device.has_its_memory());
    ensure_eq!(device.call(&Command::Size(0))?, size);
    device.rang(0);
    ensure_eq!(
        device.call(&Command::Add(0, size.min(BUFFERS)))?,
        size.min(BUFFERS)
    );
    ensure!(device.rang(0));
    ensure_eq!(device.use_buffers(0, BUFFERS).0, size.min(BUFFERS));
    device.interrupt(0);
    ensure_eq!(device.call(&Command::Received(0))?, size.min(BUFFERS));
    ensure_eq!(device.call(&Command::InFlight(1))?, 2);
    ensure_eq!(device.use_buffers(1, BUFFERS), (2, true));
    device.interrupt(1);
    ensure_eq!(device.call(&Command::Received(1))?, 2);
    ensure_eq!(device.broken_rule(), None);
    Ok(())
}

/// Resizes queue 0 to 4 with something tried meanwhile, which has to be refused and change nothing.
fn ensure_resize(within: Within) -> Result {
    for packed in [false, true] {
        let mut model = Model::default();
        if packed {
            model.features = model.features.with(feature::RING_PACKED);
        }
        let device = busy_device(model)?;
        ensure_eq!(device.call(&Command::Resize(0, 4, within)), Ok(0));
        ensure_eq!(
            *device.take_calls()?,
            [Call::ResetQueue(0), Call::SetupQueue(0)]
        );
        let is_asked = within != Within::Reclaim;
        ensure_eq!(FRONT.reclaimed.load(Relaxed), is_asked.into());
        // Of this queue, and not of the other, which the same proof was tried on.
        ensure_eq!(FRONT.detached.load(Relaxed), 3);
        ensure_working(&device, 4)?;
    }
    Ok(())
}

/// Fails unless a reset of queue 0 has failed, and the whole device was reset for it.
fn ensure_failure(device: &Plugged, calls: &[Call]) -> Result {
    device.settle();
    ensure_eq!(*device.take_calls()?, *calls);
    ensure_eq!(FRONT.detached.load(Relaxed), 5);
    ensure_eq!(device.call(&Command::Add(0, 1)), Err(EIO));
    ensure_eq!(device.call(&Command::Add(1, 1)), Err(EIO));
    ensure_eq!(device.broken_rule(), None);
    device.unbind();
    FRONT.begin();
    ensure!(device.bind());
    ensure_eq!(device.call(&Command::Add(0, 3))?, 3);
    ensure_eq!(device.broken_rule(), None);
    Ok(())
}

#[kunit_tests(rvirtio_queue_reset)]
mod tests {
    use super::*;

    /// The buffers of the queue come back, those of others do not, and the new ring works.
    ///
    /// covers: INIT-27
    #[test]
    fn ring_is_exchanged() -> Result {
        ensure_resize(Within::Nothing)
    }

    /// The same where whoever resets the queue takes the buffers back.
    #[test]
    fn ring_is_exchanged_without_the_driver() -> Result {
        ensure_resize(Within::Reclaim)
    }

    /// A reset within a reset is refused.
    #[test]
    fn nested_reset_is_refused() -> Result {
        ensure_resize(Within::Nested)
    }

    /// A reset while another thread does one is refused.
    #[test]
    fn concurrent_reset_is_refused() -> Result {
        ensure_resize(Within::Beside)?;
        ensure_eq!(
            FRONT.beside.load(Relaxed),
            EBUSY.to_errno().unsigned_abs() as usize
        );
        Ok(())
    }

    /// A ring that the device was told of is not exchanged for another, nor told a second time.
    #[test]
    fn ring_in_use_stays() -> Result {
        ensure_resize(Within::Twice)
    }

    /// The ring of another queue than the one that was reset is not exchanged.
    #[test]
    fn other_queues_stay() -> Result {
        ensure_resize(Within::Other)
    }

    /// Many times, with the memory of the old rings freed.
    #[test]
    fn many_resets() -> Result {
        let device = busy_device(Model::default())?;
        for round in 0..50 {
            let size = [8, 1, 2, 4][round % 4];
            ensure_eq!(
                device.call(&Command::Resize(0, size, Within::Nothing)),
                Ok(0)
            );
            ensure!(device.has_its_memory());
            ensure_eq!(device.call(&Command::Add(0, 1))?, 1);
        }
        Ok(())
    }

    /// A device that does not let go of a queue has failed, and is reset.
    #[test]
    fn queue_that_is_not_let_go_of() -> Result {
        let device = busy_device(Model::default())?;
        device.fail(Step::ResetQueue(0))?;
        let result = device.call(&Command::Resize(0, 4, Within::Nothing));
        ensure_eq!(result, Err(ETIMEDOUT));
        ensure_failure(&device, &[Call::ResetQueue(0), Call::Reset])
    }

    /// So has one that does not take the new ring.
    #[test]
    fn ring_that_is_not_taken() -> Result {
        let device = busy_device(Model::default())?;
        device.fail(Step::SetupQueue(0))?;
        let result = device.call(&Command::Resize(0, 4, Within::Nothing));
        ensure_eq!(result, Err(EBUSY));
        ensure_failure(
            &device,
            &[Call::ResetQueue(0), Call::SetupQueue(0), Call::Reset],
        )
    }

    /// A driver that does not enable the queue again cannot use the device.
    #[test]
    fn driver_that_fails() -> Result {
        let device = busy_device(Model::default())?;
        let result = device.call(&Command::Resize(0, 4, Within::Failure));
        ensure_eq!(result, Err(ENXIO));
        ensure_failure(&device, &[Call::ResetQueue(0), Call::Reset])
    }

    /// A device that keeps both the queue and, when it is reset for that, everything.
    #[test]
    fn queue_and_device_that_keep_their_memory() -> Result {
        let device = busy_device(Model::default())?;
        device.fail(Step::ResetQueue(0))?;
        device.fail(Step::Reset)?;
        let result = device.call(&Command::Resize(0, 4, Within::Nothing));
        ensure_eq!(result, Err(ETIMEDOUT));
        device.settle();
        ensure_eq!(*device.take_calls()?, [Call::ResetQueue(0), Call::Reset]);
        ensure_eq!(FRONT.detached.load(Relaxed), 0);
        device.unbind();
        ensure!(device.has_its_memory());
        device.write_everywhere();
        Ok(())
    }

    /// A queue of a device that does not run, or that cannot do it, is not reset.
    #[test]
    fn queue_that_cannot_be_reset() -> Result {
        let device = busy_device(Model::default())?;
        for (size, error) in [(0, EINVAL), (3, EINVAL), (16, EINVAL)] {
            let result = device.call(&Command::Resize(0, size, Within::Nothing));
            ensure_eq!(result, Err(error));
        }
        device.ask_for_reset();
        device.config_interrupt();
        device.settle();
        let result = device.call(&Command::Resize(0, 4, Within::Nothing));
        ensure_eq!(result, Err(EIO));
        ensure_eq!(*device.take_calls()?, [Call::Reset]);
        drop(device);

        let mut model = Model::default();
        model.features = model.features.without(feature::RING_RESET);
        let device = busy_device(model)?;
        for within in [Within::Nothing, Within::Reclaim] {
            let result = device.call(&Command::Resize(0, 4, within));
            ensure_eq!(result, Err(EOPNOTSUPP));
        }
        ensure!(device.take_calls()?.is_empty());
        Ok(())
    }
}
