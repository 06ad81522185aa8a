// SPDX-License-Identifier: GPL-2.0

//! A device that does not confirm its reset, and goes on writing.

use crate::{
    busy::{
        busy_device,
        busy_device_of,
        ensure_rebinds,
        ensure_unusable, //
    },
    ensure::{
        ensure,
        ensure_eq, //
    },
    front::{
        unbound_device,
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
use rvirtio::spec::feature;

#[kunit_tests(rvirtio_unconfirmed_reset)]
mod tests {
    use super::*;

    /// What the device of an unconfirmed reset may write is not freed and does not come back; when it
    /// has confirmed a reset it works again.
    ///
    /// covers: INIT-12
    #[test]
    fn device_that_keeps_its_memory() -> Result {
        for ring in [feature::EVENT_IDX, feature::RING_PACKED] {
            let mut model = Model::default();
            model.features = model.features.with(ring);
            let device = busy_device_of(model)?;
            device.fail(Step::Reset)?;
            device.unbind();
            ensure_eq!(*device.take_calls()?, [Call::Reset, Call::FreeVectors]);
            ensure_eq!(FRONT.reclaimed.load(Relaxed), 1);
            ensure_eq!(FRONT.detached.load(Relaxed), 0);
            ensure_eq!(FRONT.dropped.load(Relaxed), 1);
            ensure!(device.has_its_memory());
            device.write_everywhere();

            // Nor does it help to try again, as long as it confirms nothing.
            device.fail(Step::Reset)?;
            ensure!(!device.bind());
            ensure!(device.has_its_memory());
            device.write_everywhere();

            device.take_calls()?;
            FRONT.begin();
            ensure!(device.bind());
            ensure_rebinds(&device)?;
        }
        Ok(())
    }

    /// The same for a device that fails while it is in use, and then still writes.
    #[test]
    fn device_that_fails_and_keeps_its_memory() -> Result {
        let device = busy_device()?;
        device.fail(Step::Reset)?;
        device.ask_for_reset();
        device.config_interrupt();
        device.settle();
        ensure_eq!(*device.take_calls()?, [Call::Reset]);
        ensure_eq!(FRONT.detached.load(Relaxed), 0);
        device.write_everywhere();
        ensure_unusable(&device)?;
        // Not even interrupts are trouble.
        device.interrupt(0);
        device.interrupt(2);
        device.config_interrupt();
        device.settle();
        device.unbind();
        ensure!(device.has_its_memory());
        device.write_everywhere();
        ensure_eq!(*device.take_calls()?, [Call::FreeVectors]);
        FRONT.begin();
        ensure!(device.bind());
        ensure_rebinds(&device)
    }

    /// A device that does not confirm the reset with which it is given up keeps what it was told of.
    #[test]
    fn device_that_is_given_up_and_keeps_its_memory() -> Result {
        let device = unbound_device(Model::default())?;
        device.fail(Step::SetupQueue(2))?;
        device.fail_after(Step::Reset, 1)?;
        FRONT.fills.store(true, Relaxed);
        ensure!(!device.bind());
        ensure_eq!(device.forgive(), 0);
        ensure_eq!(FRONT.reclaimed.load(Relaxed), 1);
        ensure_eq!(FRONT.detached.load(Relaxed), 0);
        ensure!(device.has_its_memory());
        device.write_everywhere();
        ensure_eq!(device.broken_rule(), None);
        device.take_calls()?;
        FRONT.begin();
        ensure!(device.bind());
        ensure_rebinds(&device)
    }
}
